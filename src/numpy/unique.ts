/**
 * Distinct elements. Their number depends on values: outside of `jit` it is counted, inside the caller says `size`.
 * Everything follows from one sort: an element is new where it differs from the one before it.
 */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { sizeOf } from '../core/aval.js';
import { isFloat } from '../core/dtype.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { gatherRows } from './gathers.js';
import { computeNow, positionsOf, resultSize, VECTOR_SCATTER, type SizeOptions } from './positions.js';
import { single } from './promote.js';
import { moveaxis } from './shape.js';

/** Options of {@link unique} that do not change the kind of its result. */
export interface UniqueOptions extends SizeOptions {
  /** Compare the sub-arrays along this axis instead of elements. */
  axis?: number | null;
  /** Whether NaN counts as one value (the default). */
  equalNaN?: boolean;
}

/** What {@link unique} returns besides the values, in this order. */
export interface UniqueReturns {
  /** Positions where each value occurs first. */
  returnIndex?: boolean;
  /** For each element the position of its value, in the shape of the array. */
  returnInverse?: boolean;
  /** How often each value occurs. */
  returnCounts?: boolean;
}

/** Rows sorted, the positions they came from, and which differ from the row before. */
export interface Distinct {
  readonly sorted: NDArray;
  readonly permutation: NDArray;
  readonly isNew: NDArray;
}

function differs(a: NDArray, b: NDArray, equalNaN: boolean): NDArray {
  const unequal = lax.ne(a, b);
  if (!equalNaN || !isFloat(a.dtype)) return unequal;
  return lax.bitwiseAnd(unequal, lax.bitwiseOr(lax.eq(a, a), lax.eq(b, b)));
}

/** Sort a vector, or the rows of a matrix by their first, second, … elements. */
export function distinct(rows: NDArray, equalNaN: boolean): Distinct {
  const n = nth(rows.aval.shape, 0);
  const positions = lax.iota('int32', n);
  if (n === 0) return { sorted: rows, permutation: positions, isNew: lax.full([0], true) };
  const columns =
    rows.ndim === 1
      ? [rows]
      : range(nth(rows.aval.shape, 1)).map((j) => lax.reshape(lax.sliceInDim(rows, j, j + 1, 1), [n]));
  const results = columns.length === 0 ? [positions] : lax.sort([...columns, positions], 0, columns.length);
  const permutation = nth(results, results.length - 1);
  const changes = results
    .slice(0, -1)
    .map((column) => differs(lax.sliceInDim(column, 1, n), lax.sliceInDim(column, 0, n - 1), equalNaN));
  const changed = changes.reduce((a, b) => lax.bitwiseOr(a, b), lax.full([n - 1], false));
  const sorted =
    rows.ndim === 1 ? nth(results, 0) : gatherRows(rows, [0], [permutation], 0, { mode: 'promise_in_bounds' });
  return { sorted, permutation, isNew: lax.concatenate([lax.full([1], true), changed], 0) };
}

/** Rows of `x` where a mask over its first axis is true, `size` of them; missing ones are the first, or the fill value. */
export function selectRows(op: string, x: NDArray, mask: NDArray, { size, fillValue }: SizeOptions): NDArray {
  const n = nth(x.aval.shape, 0);
  const count = resultSize(op, mask, size);
  const shape = [count, ...x.aval.shape.slice(1)];
  if (n === 0 || sizeOf(shape) === 0) return lax.full(shape, fillValue ?? 0, x.dtype);
  const at = positionsOf(op, mask, count);
  const isFound = lax.lt(at, n);
  // Without a fill value the first one found fills, which is the smallest of a sorted array.
  const first = lax.reshape(lax.sliceInDim(at, 0, 1), []);
  const filled = lax.select(isFound, at, lax.broadcastTo(lax.min(first, n - 1), [count]));
  const values = gatherRows(x, [0], [filled], 0, { mode: 'promise_in_bounds' });
  if (fillValue === undefined) return values;
  return lax.select(lax.broadcastInDim(isFound, shape, [0]), values, lax.full(shape, fillValue, x.dtype));
}

interface UniqueParts {
  readonly values: NDArray;
  readonly indices: () => NDArray;
  readonly inverse: () => NDArray;
  readonly counts: () => NDArray;
}

function uniqueParts(op: string, x: ArrayLike, { axis, equalNaN = true, ...sizes }: UniqueOptions): UniqueParts {
  const array = single(op, x);
  const byElement = axis === undefined || axis === null;
  const d0 = byElement ? 0 : canonicalAxis(axis, array.ndim, op);
  const moved = byElement ? lax.reshape(array, [array.size]) : moveaxis(array, d0, 0);
  const n = nth(moved.aval.shape, 0);
  const rest = moved.aval.shape.slice(1);
  const rows = byElement ? moved : lax.reshape(moved, [n, sizeOf(rest)]);
  const { sorted, permutation, isNew } = distinct(rows, equalNaN && byElement);
  const size = resultSize(op, isNew, sizes.size);
  const values = selectRows(op, sorted, isNew, { ...sizes, size });
  return {
    values: byElement ? values : moveaxis(lax.reshape(values, [size, ...rest]), 0, d0),
    indices: () => selectRows(op, permutation, isNew, { size }),
    inverse: () => {
      if (n === 0) return lax.full(byElement ? array.aval.shape : [n], 0, 'int32');
      const group = lax.sub(lax.cumsum(lax.convertElementType(isNew, 'int32')), 1);
      const inverse = lax.scatter(lax.full([n], 0, 'int32'), lax.reshape(permutation, [n, 1]), group, VECTOR_SCATTER);
      return byElement ? lax.reshape(inverse, array.aval.shape) : inverse;
    },
    counts: () => {
      // A group ends where the next one starts; groups that are missing start and end at n.
      const starts = positionsOf(op, isNew, size + 1);
      return lax.sub(lax.sliceInDim(starts, 1, size + 1), lax.sliceInDim(starts, 0, size));
    },
  };
}

/**
 * The distinct elements of `x`, sorted; with `axis`, the distinct sub-arrays along it. With any of `returnIndex`,
 * `returnInverse` and `returnCounts`, a list of the values and what was asked for, in this order (int32).
 *
 * Under `jit` say how many with `size`: excess values are dropped and missing ones are `fillValue` (the smallest value
 * if absent). Throws ConcretizationError for a traced array without `size`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.unique(np.array([3, 1, 3])).js(); // => [1, 3]
 * np.unique(np.array([3, 1, 3]), { returnCounts: true }); // => [[1, 3], [1, 2]]
 * ```
 */
export function unique(x: ArrayLike, options?: UniqueOptions & { [K in keyof UniqueReturns]?: false }): NDArray;
export function unique(x: ArrayLike, options: UniqueOptions & UniqueReturns): NDArray[];
export function unique(x: ArrayLike, options: UniqueOptions & UniqueReturns = {}): NDArray | NDArray[] {
  const { returnIndex = false, returnInverse = false, returnCounts = false, ...rest } = options;
  return computeNow([x], () => {
    const { values, indices, inverse, counts } = uniqueParts('unique', x, rest);
    if (!returnIndex && !returnInverse && !returnCounts) return values;
    return [
      values,
      ...(returnIndex ? [indices()] : []),
      ...(returnInverse ? [inverse()] : []),
      ...(returnCounts ? [counts()] : []),
    ];
  });
}

/** The distinct elements, as the Array API's functions return them. */
export interface UniqueAll {
  readonly values: NDArray;
  readonly indices: NDArray;
  readonly inverseIndices: NDArray;
  readonly counts: NDArray;
}

/**
 * The distinct elements of `x` (each NaN its own), where they occur first, which one each element is, and how often.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const { values, indices, inverseIndices, counts } = np.uniqueAll(np.array([3, 1, 3]));
 * [values, indices, inverseIndices, counts]; // => [[1, 3], [1, 0], [1, 0, 1], [1, 2]]
 * ```
 */
export function uniqueAll(x: ArrayLike, options: SizeOptions = {}): UniqueAll {
  return computeNow([x], () => {
    const { values, indices, inverse, counts } = uniqueParts('uniqueAll', x, { ...options, equalNaN: false });
    return { values, indices: indices(), inverseIndices: inverse(), counts: counts() };
  });
}

/**
 * Values and counts of {@link uniqueAll}.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.uniqueCounts(np.array([3, 1, 3])); // => { values: [1, 3], counts: [1, 2] }
 * ```
 */
export function uniqueCounts(x: ArrayLike, options: SizeOptions = {}): Pick<UniqueAll, 'values' | 'counts'> {
  const { values, counts } = uniqueAll(x, options);
  return { values, counts };
}

/**
 * Values and inverse indices of {@link uniqueAll}.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.uniqueInverse(np.array([3, 1, 3])).inverseIndices.js(); // => [1, 0, 1]
 * ```
 */
export function uniqueInverse(x: ArrayLike, options: SizeOptions = {}): Pick<UniqueAll, 'values' | 'inverseIndices'> {
  const { values, inverseIndices } = uniqueAll(x, options);
  return { values, inverseIndices };
}

/**
 * Values of {@link uniqueAll}.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.uniqueValues(np.array([3, 1, 3])).js(); // => [1, 3]
 * ```
 */
export const uniqueValues = (x: ArrayLike, options: SizeOptions = {}): NDArray =>
  unique(x, { ...options, equalNaN: false });
