/**
 * `associativeScan`: all partial results of an associative operation, by the method of Blelloch ("Prefix sums and their
 * applications", 1990): neighbours are combined, the pairs are scanned, and the elements in between follow. That takes
 * 2·log₂ n rounds of operations on whole arrays.
 */
import { canonicalAxis, nth } from '../core/axes.js';
import { ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { unflatten } from '../core/tree.js';
import { reshape, rev } from '../lax/reshape.js';
import { concatenate, slice, sliceInDim } from '../lax/slicing.js';
import { matchTree, type ToArrays } from '../transforms/arguments.js';
import { checkFunction, flattenAs, showType, type Like } from './bodies.js';

type Combine = (a: readonly NDArray[], b: readonly NDArray[]) => NDArray[];

/** Every second slice along `axis`, from `start`, up to `limit`. */
const everySecond = (x: NDArray, axis: number, start: number, limit: number): NDArray =>
  slice(
    x,
    x.aval.shape.map((_, d) => (d === axis ? start : 0)),
    x.aval.shape.map((n, d) => (d === axis ? limit : n)),
    x.aval.shape.map((_, d) => (d === axis ? 2 : 1)),
  );

/** The slices of `even` and `odd` along `axis` in turn; `even` has as many, or one more. */
function interleave(even: NDArray, odd: NDArray, axis: number): NDArray {
  const n = nth(odd.aval.shape, axis);
  const column = (x: NDArray): NDArray => {
    const shape = x.aval.shape.slice();
    shape.splice(axis + 1, 0, 1);
    return reshape(x, shape);
  };
  const pairs = concatenate([column(sliceInDim(even, 0, n, axis)), column(odd)], axis + 1);
  const merged = reshape(
    pairs,
    odd.aval.shape.map((m, d) => (d === axis ? 2 * m : m)),
  );
  const total = nth(even.aval.shape, axis);
  return total === n ? merged : concatenate([merged, sliceInDim(even, n, total, axis)], axis);
}

function prefixes(xs: readonly NDArray[], n: number, axis: number, combine: Combine): NDArray[] {
  if (n < 2) return [...xs];
  const even = (list: readonly NDArray[], limit: number): NDArray[] => list.map((x) => everySecond(x, axis, 0, limit));
  const odd = (list: readonly NDArray[]): NDArray[] => list.map((x) => everySecond(x, axis, 1, n));
  const half = n >> 1;
  const pairs = combine(even(xs, 2 * half), odd(xs));
  const odds = prefixes(pairs, half, axis, combine);
  // Element 2k is what comes before it, element 2k - 1, and itself.
  const rest = even(xs, n).map((x) => sliceInDim(x, 1, nth(x.aval.shape, axis), axis));
  const before = odds.map((x) => sliceInDim(x, 0, nth(nth(rest, 0).aval.shape, axis), axis));
  const evens = nth(rest, 0).size === 0 ? rest : combine(before, rest);
  return xs.map((x, i) =>
    interleave(concatenate([sliceInDim(x, 0, 1, axis), nth(evens, i)], axis), nth(odds, i), axis),
  );
}

export interface AssociativeScanOptions {
  /** From the last element to the first. */
  readonly reverse?: boolean;
  /** The axis of the elements. Default 0. */
  readonly axis?: number;
}

/**
 * All partial results of an associative operation along an axis: `[e0, f(e0, e1), f(f(e0, e1), e2), …]`, in log₂ n rounds
 * of operations on whole arrays, and not in n steps.
 *
 * @param fn - combines two trees of arrays elementwise along the axis: it gets many pairs at once.
 * @throws ShapeError when the elements have different lengths along the axis, TreeError when `fn` returns another structure.
 * @example
 * ```ts
 * import { lax, numpy as np } from 'cotangent';
 * lax.associativeScan((a, b) => np.maximum(a, b), np.array([1, 3, 2, 5, 4])).js(); // => [1,3,3,5,5]
 * ```
 */
export function associativeScan<const E>(
  fn: (a: ToArrays<E>, b: ToArrays<E>) => Like<NoInfer<E>>,
  elems: E,
  { reverse = false, axis = 0 }: AssociativeScanOptions = {},
): ToArrays<E> {
  const op = 'associativeScan';
  checkFunction(fn, op, 'fn');
  const { arrays, def, labels } = flattenAs(elems, 'elems', op);
  const [first] = arrays;
  if (first === undefined) return unflatten(def, []) as ToArrays<E>;
  const axes = arrays.map((x, i) => canonicalAxis(axis, x.ndim, `${op}: ${nth(labels, i)}`));
  const along = nth(axes, 0);
  const n = nth(first.aval.shape, along);
  if (arrays.some((x, i) => nth(axes, i) !== along || x.aval.shape[along] !== n)) {
    throw new ShapeError(
      `${op}: all elements must have the same length along axis ${String(axis)}, but ` +
        `${arrays.map((x, i) => `${nth(labels, i)} is ${showType(x.aval)}`).join(', ')}.${userLine()}`,
    );
  }
  const step = fn as (a: unknown, b: unknown) => unknown;
  const combine: Combine = (a, b) => {
    const out = matchTree(def, step(unflatten(def, a), unflatten(def, b)), op, "fn's result");
    out.forEach((y, i) => {
      const like = nth(a, i);
      if (!y.aval.equals(like.aval)) {
        throw new ShapeError(
          `${op}: fn's result for ${nth(labels, i)} is ${showType(y.aval)}, but its operands are ${showType(like.aval)}; it must keep their type.${userLine()}`,
        );
      }
    });
    return out;
  };
  const turn = (list: readonly NDArray[]): NDArray[] => (reverse ? list.map((x) => rev(x, [along])) : [...list]);
  return unflatten(def, turn(prefixes(turn(arrays), n, along, combine))) as ToArrays<E>;
}
