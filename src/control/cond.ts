/** `cond` and `switch`: one of several functions, chosen by a value. */
import { nth } from '../core/axes.js';
import { ConcreteArray } from '../core/concrete.js';
import { isInteger } from '../core/dtype.js';
import { ArgumentError, DTypeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { unflatten } from '../core/tree.js';
import { clamp } from '../lax/arithmetic.js';
import { convertElementType } from '../lax/convert.js';
import { lift1 } from '../lax/lift.js';
import type { ToArrays } from '../transforms/arguments.js';
import { isJitDisabled } from '../transforms/jit.js';
import { agree, checkFunction, checkPredicate, flattenAs, showType, traceFunction, type Like } from './bodies.js';
import { bindCond } from './cond-primitive.js';

type Untyped = (...operands: never[]) => unknown;

/** The results of the branch number `index`. */
function choose(
  op: string,
  index: NDArray,
  branches: readonly Untyped[],
  names: readonly string[],
  operands: readonly unknown[],
): unknown {
  branches.forEach((f, i) => checkFunction(f, op, nth(names, i)));
  const flat = flattenAs(operands, 'operands', op);
  if (isJitDisabled() && index instanceof ConcreteArray) {
    const result = nth(branches, Number(index.item()))(...(unflatten(flat.def, flat.arrays) as never[]));
    const { arrays, def } = flattenAs(result, 'result', op);
    return unflatten(def, arrays);
  }
  const avals = flat.arrays.map((x) => x.aval);
  const traced = branches.map((f) => traceFunction(f, flat.def, avals, flat.labels, op));
  const out = bindCond(agree(traced, names, op), index, flat.arrays);
  return unflatten(nth(traced, 0).outDef, [...out]);
}

/**
 * `pred ? trueFn(...operands) : falseFn(...operands)` for a predicate that is an array: both are traced, and one runs.
 * Under a `vmap` that maps the predicate both run, and each example takes the results of one; so it is for elementwise
 * choices with `np.where`.
 *
 * Both functions must return trees of one structure and of the same types; bare numbers give way. Differentiable in both
 * modes.
 *
 * @throws ShapeError, DTypeError when `pred` is not one bool; TreeError, ShapeError, DTypeError when the branches return
 *   different structures or types (the message has the path and both).
 * @example
 * ```ts
 * import { jit, lax, numpy as np } from 'cotangent';
 * const safeLog = jit((x: np.Array) => lax.cond(x.greater(0), (y) => np.log(y), () => -100, x));
 * [safeLog(1).item(), safeLog(-1).item()]; // => [0,-100]
 * ```
 */
export function cond<const A extends readonly unknown[], R>(
  pred: ArrayLike,
  trueFn: (...operands: ToArrays<A>) => R,
  falseFn: (...operands: ToArrays<A>) => Like<NoInfer<R>>,
  ...operands: A
): ToArrays<R> {
  const flag = lift1('cond', pred);
  checkPredicate(flag.aval, 'cond', 'the predicate');
  const index = convertElementType(flag, 'int32');
  return choose('cond', index, [falseFn, trueFn], ['falseFn', 'trueFn'], operands) as ToArrays<R>;
}

/**
 * `branches[index](...operands)` for an index that is an array: all branches are traced, and one runs. An index out of
 * bounds counts as the nearest.
 *
 * @throws DTypeError when `index` is not one integer; errors of {@link cond} when the branches return different types.
 * @example
 * ```ts
 * import { lax, numpy as np } from 'cotangent';
 * const apply = (i: np.Array, x: np.Array) => lax.switch(i, [(y) => y, (y) => np.sin(y), (y) => y.mul(y)], x);
 * apply(np.array(2).astype('int32'), np.array(3)).item(); // => 9
 * ```
 */
function switch_<const A extends readonly unknown[], R>(
  index: ArrayLike,
  branches: readonly [(...operands: ToArrays<A>) => R, ...((...operands: ToArrays<A>) => Like<NoInfer<R>>)[]],
  ...operands: A
): ToArrays<R> {
  const op = 'switch';
  if (!Array.isArray(branches) || branches.length === 0) {
    throw new ArgumentError(`${op}: branches must be a list of at least one function.${userLine()}`);
  }
  const which = typeof index === 'number' ? convertElementType(index, 'int32') : lift1(op, index);
  const { aval } = which;
  if (aval.ndim !== 0 || !isInteger(aval.dtype) || (typeof index === 'number' && !Number.isInteger(index))) {
    throw new DTypeError(
      `${op}: the index must be one integer, got ${typeof index === 'number' ? String(index) : showType(aval)}. ` +
        `Convert it: i.astype('int32'); for a bool use cond.${userLine()}`,
    );
  }
  const clamped = clamp(0, convertElementType(which, 'int32'), branches.length - 1);
  const names = branches.map((_, i) => `branches[${String(i)}]`);
  return choose(op, clamped, branches, names, operands) as ToArrays<R>;
}
export { switch_ as switch };
