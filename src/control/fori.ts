/** `foriLoop`: counting loops. */
import { ConcreteArray } from '../core/concrete.js';
import { isInteger } from '../core/dtype.js';
import { ArgumentError, DTypeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { add } from '../lax/arithmetic.js';
import { lt } from '../lax/compare.js';
import { convertElementType } from '../lax/convert.js';
import { iota } from '../lax/slicing.js';
import { scalar } from '../core/concrete.js';
import type { ToArrays } from '../transforms/arguments.js';
import { checkFunction, showType, type Like } from './bodies.js';
import { untypedScan } from './scan.js';
import { untypedWhile } from './while.js';

const OP = 'foriLoop';

/** A bound as a number if it is known now, else as an int32 scalar. */
function boundOf(bound: ArrayLike, what: string): number | NDArray {
  const value = bound instanceof ConcreteArray ? bound.scalarValue : bound;
  if (value instanceof NDArray || value === undefined) {
    const { aval } = bound as NDArray;
    if (aval.ndim === 0 && isInteger(aval.dtype)) return convertElementType(bound, 'int32');
    throw new DTypeError(
      `${OP}: ${what} must be one integer, got ${showType(aval)}. Convert it: x.astype('int32').${userLine()}`,
    );
  }
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new ArgumentError(`${OP}: ${what} must be an integer, got ${String(value)}.${userLine()}`);
}

export interface ForiLoopOptions {
  /** Steps that one turn of the loop makes; only with bounds that are plain numbers. */
  readonly unroll?: number | boolean;
}

/**
 * `for (let i = lower; i < upper; i++) carry = body(i, carry)`, as one loop of the compiled program.
 *
 * With bounds that are plain numbers it is a `scan`, which both modes of differentiation go through. With bounds that are
 * arrays it is a `whileLoop`, which has forward mode only.
 *
 * @param body - from `i`, an int32 scalar, and the carry to the next carry.
 * @throws ArgumentError, DTypeError for bounds that are no integers; errors of {@link scan} when the body changes the type
 *   of the carry.
 * @example
 * ```ts
 * import { grad, lax, numpy as np } from 'cotangent';
 * const cube = (x: np.Array) => lax.foriLoop(0, 3, (_i, y) => y.mul(x), 1);
 * cube(np.array(2)).item(); // => 8
 * grad(cube)(2).item(); // => 12
 * ```
 */
export function foriLoop<const C>(
  lower: ArrayLike,
  upper: ArrayLike,
  body: (i: NDArray, carry: ToArrays<C>) => Like<NoInfer<C>>,
  init: C,
  options: ForiLoopOptions = {},
): ToArrays<C> {
  checkFunction(body, OP, 'the body');
  const [from, to] = [boundOf(lower, 'lower'), boundOf(upper, 'upper')];
  const step = body as (i: NDArray, carry: unknown) => unknown;
  if (typeof from === 'number' && typeof to === 'number') {
    const length = Math.max(0, to - from);
    const counter = add(iota('int32', length), from);
    const [carry] = untypedScan((c, i) => [step(i, c), null], init, counter, options, OP);
    return carry as ToArrays<C>;
  }
  const array = (bound: number | NDArray): NDArray => (typeof bound === 'number' ? scalar(bound, 'int32') : bound);
  const end = array(to);
  const [, carry] = untypedWhile(
    ([i]: readonly [NDArray, unknown]) => lt(i, end),
    ([i, c]: readonly [NDArray, unknown]) => [add(i, 1), step(i, c)],
    [array(from), init],
    OP,
  ) as readonly [NDArray, ToArrays<C>];
  return carry;
}
