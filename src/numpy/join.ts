/** Joining arrays. Dtypes are promoted together. */
import { canonicalAxis, nth } from '../core/axes.js';
import { sameShape, showShape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { promoteTypesOf } from './promote.js';
import { atleast1d, atleast2d, atleast3d } from './shape.js';

/** Arrays to join: a list, or one array whose first axis lists them. */
export type Sequence = readonly ArrayLike[] | NDArray;

/** Options of the joining functions. */
export interface JoinOptions {
  /** Element type of the result, instead of the promoted one. */
  dtype?: DType;
}

/** The arrays of a sequence in one dtype. */
function together(op: string, xs: Sequence, { dtype }: JoinOptions = {}): readonly NDArray[] {
  const list = xs instanceof NDArray ? rows(op, xs) : xs;
  if (!Array.isArray(list) || list.length === 0) {
    throw new ArgumentError(`${op}: expected a list of at least one array, as in np.${op}([a, b]).${userLine()}`);
  }
  const arrays = promoteTypesOf(op, list);
  return dtype === undefined ? arrays : arrays.map((x) => lax.convertElementType(x, dtype));
}

/** The sub-arrays along the first axis. */
function rows(op: string, x: NDArray): NDArray[] {
  const [n, ...rest] = x.aval.shape;
  if (n === undefined) throw new ShapeError(`${op}: a rank-0 array lists nothing; pass a list of arrays.${userLine()}`);
  return Array.from({ length: n }, (_, i) => lax.reshape(lax.sliceInDim(x, i, i + 1), rest));
}

function joined(op: string, arrays: readonly NDArray[], axis: number): NDArray {
  const first = nth(arrays, 0);
  const d0 = canonicalAxis(axis, first.ndim, op);
  const fits = arrays.every((x) => x.ndim === first.ndim && x.shape.every((n, d) => d === d0 || n === first.shape[d]));
  if (!fits) {
    throw new ShapeError(
      `${op}: shapes ${arrays.map((x) => showShape(x.shape)).join(', ')} must agree on every axis but axis ${d0}. ` +
        `To join along a new axis use np.stack.${userLine()}`,
    );
  }
  return lax.concatenate(arrays, d0);
}

/**
 * Join arrays along an existing axis; with `axis` null, their elements in row-major order. Throws ShapeError when
 * shapes differ on another axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.concatenate([np.array([[1, 2]]), np.array([[3, 4]])]).js(); // => [[1, 2], [3, 4]]
 * np.concatenate([np.array([[1, 2]]), np.array([[3, 4]])], null).js(); // => [1, 2, 3, 4]
 * ```
 */
export function concatenate(xs: Sequence, axis: number | null = 0, options: JoinOptions = {}): NDArray {
  const arrays = together('concatenate', xs, options);
  if (axis === null)
    return lax.concatenate(
      arrays.map((x) => lax.reshape(x, [x.size])),
      0,
    );
  if (arrays.some((x) => x.ndim === 0)) {
    throw new ShapeError(
      `concatenate: rank-0 arrays have no axis to join along; use np.stack or np.hstack.${userLine()}`,
    );
  }
  return joined('concatenate', arrays, axis);
}

/**
 * {@link concatenate} by the Array API's name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.concat([np.array([1]), np.array([2, 3])]).js(); // => [1, 2, 3]
 * ```
 */
export const concat = (xs: Sequence, { axis = 0 }: { axis?: number | null } = {}): NDArray => concatenate(xs, axis);

/**
 * Join arrays of one shape along a new axis, which stands at `axis` of the result.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.stack([np.array([1, 2]), np.array([3, 4])], 1).js(); // => [[1, 3], [2, 4]]
 * ```
 */
export function stack(xs: Sequence, axis = 0, options: JoinOptions = {}): NDArray {
  const arrays = together('stack', xs, options);
  const first = nth(arrays, 0);
  if (!arrays.every((x) => sameShape(x.shape, first.shape))) {
    throw new ShapeError(
      `stack: shapes ${arrays.map((x) => showShape(x.shape)).join(', ')} must be equal; to join along an existing axis use ` +
        `np.concatenate.${userLine()}`,
    );
  }
  const d0 = canonicalAxis(axis, first.ndim + 1, 'stack');
  return lax.concatenate(
    arrays.map((x) => lax.expandDims(x, [d0])),
    d0,
  );
}

/**
 * Join vertically: along axis 0, vectors as rows.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.vstack([np.array([1, 2]), np.array([3, 4])]).js(); // => [[1, 2], [3, 4]]
 * ```
 */
export const vstack = (xs: Sequence, options: JoinOptions = {}): NDArray =>
  joined(
    'vstack',
    together('vstack', xs, options).map((x) => atleast2d(x)),
    0,
  );

/**
 * {@link vstack}.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.rowStack([np.array([1, 2]), np.array([3, 4])]).js(); // => [[1, 2], [3, 4]]
 * ```
 */
export const rowStack = vstack;

/**
 * Join horizontally: along axis 1, vectors end to end.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.hstack([np.array([1, 2]), np.array([3])]).js(); // => [1, 2, 3]
 * ```
 */
export function hstack(xs: Sequence, options: JoinOptions = {}): NDArray {
  const arrays = together('hstack', xs, options).map((x) => atleast1d(x));
  return joined('hstack', arrays, nth(arrays, 0).ndim === 1 ? 0 : 1);
}

/**
 * Join along the third axis, after giving the arrays three.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.dstack([np.array([1, 2]), np.array([3, 4])]).js(); // => [[[1, 3], [2, 4]]]
 * ```
 */
export const dstack = (xs: Sequence, options: JoinOptions = {}): NDArray =>
  joined(
    'dstack',
    together('dstack', xs, options).map((x) => atleast3d(x)),
    2,
  );

/**
 * Join vectors as columns, and matrices side by side.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.columnStack([np.array([1, 2]), np.array([3, 4])]).js(); // => [[1, 3], [2, 4]]
 * ```
 */
export function columnStack(xs: Sequence): NDArray {
  const columns = together('columnStack', xs).map((x) => (x.ndim < 2 ? lax.reshape(x, [x.size, 1]) : x));
  return joined('columnStack', columns, 1);
}

/** Arrays in nested lists, as {@link block} joins them. */
export type BlockArg = ArrayLike | readonly BlockArg[];

/**
 * Join nested lists of arrays: the innermost lists along the last axis, those around them along the one before, and so
 * on. Throws ArgumentError when lists are not nested equally deep.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const [a, z] = [np.ones([2, 2]), np.zeros([2, 1])];
 * np.block([[a, z], [np.zeros([1, 2]), 5]]).js(); // => [[1, 1, 0], [1, 1, 0], [0, 0, 5]]
 * ```
 */
export function block(arrays: BlockArg): NDArray {
  const leaves: { value: ArrayLike; depth: number }[] = [];
  const visit = (x: BlockArg, depth: number): void => {
    if (isList(x)) {
      if (x.length === 0) throw new ArgumentError(`block: a list at depth ${depth} is empty.${userLine()}`);
      x.forEach((child) => visit(child, depth + 1));
    } else leaves.push({ value: x, depth });
  };
  visit(arrays, 0);
  const depth = nth(leaves, 0).depth;
  if (leaves.some((leaf) => leaf.depth !== depth)) {
    throw new ArgumentError(
      `block: lists must be nested equally deep; there are arrays at depths ${[...new Set(leaves.map((leaf) => leaf.depth))].join(' and ')}.${userLine()}`,
    );
  }
  const values = promoteTypesOf(
    'block',
    leaves.map((leaf) => leaf.value),
  );
  const ndim = Math.max(depth, ...values.map((x) => x.ndim));
  const wide = values.map((x) => lax.reshape(x, [...Array.from({ length: ndim - x.ndim }, () => 1), ...x.aval.shape]));
  let next = 0;
  const build = (x: BlockArg, level: number): NDArray => {
    if (!isList(x)) return nth(wide, next++);
    const parts = x.map((child) => build(child, level + 1));
    return joined('block', parts, ndim - depth + level);
  };
  return build(arrays, 0);
}

const isList = (x: BlockArg): x is readonly BlockArg[] => Array.isArray(x);
