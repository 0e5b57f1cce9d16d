/** Operands of lax functions: bare numbers become weakly typed scalars of the dtype of the arrays beside them. */
import { scalar } from '../core/concrete.js';
import { isInteger, type DType } from '../core/dtype.js';
import { ArgumentError, DTypeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';

/** A number as a weak scalar of `dtype`; throws when an integer dtype cannot hold it. */
export function liftNumber(value: number | boolean, dtype: DType, op: string): NDArray {
  if (isInteger(dtype) && !Number.isInteger(Number(value))) {
    throw new DTypeError(
      `${op}: the number ${String(value)} is no integer, but the other operand is ${dtype}. ` +
        `Convert the array first: x.astype('float32').${userLine()}`,
    );
  }
  return scalar(value, dtype, true);
}

/** Arrays as they are, numbers as weak scalars of the first array's dtype (float32, or bool, if there is none). */
export function lift(op: string, ...xs: readonly ArrayLike[]): NDArray[] {
  const dtype = xs.find((x) => x instanceof NDArray)?.dtype;
  return xs.map((x) => {
    if (x instanceof NDArray) return x;
    if (typeof x === 'number' || typeof x === 'boolean') {
      return liftNumber(x, dtype ?? (typeof x === 'boolean' ? 'bool' : 'float32'), op);
    }
    throw new ArgumentError(
      `${op}: expected an array or a number, got ${describe(x)}. Make an array of it with np.array(...).${userLine()}`,
    );
  });
}

/** {@link lift} of one operand. */
export function lift1(op: string, x: ArrayLike): NDArray {
  const [array] = lift(op, x);
  if (array === undefined) throw new Error('unreachable');
  return array;
}

function describe(x: unknown): string {
  if (Array.isArray(x)) return 'a JS array';
  if (x === null) return 'null';
  return typeof x === 'object' ? `an object of class ${x.constructor.name}` : `a value of type ${typeof x}`;
}
