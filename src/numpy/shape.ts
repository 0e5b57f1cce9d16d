/** Functions that change the shape of an array or the order of its axes, and leave its elements as they are. */
import { canonicalAxes, canonicalAxis, nth, range } from '../core/axes.js';
import { showShape, sizeOf } from '../core/aval.js';
import { isDType, type DType } from '../core/dtype.js';
import { ArgumentError, AxisError, DTypeError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike, type AxisArg } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { describeArgument } from './describe.js';
import { single } from './promote.js';

/**
 * Lengths of the axes of `x`; `[]` for a number.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.shape(np.zeros([2, 3])); // => [2, 3]
 * ```
 */
export const shape = (x: ArrayLike): number[] => single('shape', x).shape;

/**
 * Number of axes of `x`; 0 for a number.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.ndim(np.zeros([2, 3])); // => 2
 * ```
 */
export const ndim = (x: ArrayLike): number => single('ndim', x).ndim;

/**
 * Whether `x` is a number, a boolean, or an array of rank 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * [np.isscalar(3), np.isscalar(np.array(3)), np.isscalar(np.array([3])), np.isscalar('3')]; // => [true, true, false, false]
 * ```
 */
export const isscalar = (x: unknown): boolean =>
  x instanceof NDArray ? x.ndim === 0 : typeof x === 'number' || typeof x === 'boolean';

/**
 * Number of elements of `x`, or the length of one axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.zeros([2, 3]);
 * [np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)]; // => [[2, 3], 2, 6, 3]
 * ```
 */
export function size(x: ArrayLike, axis?: number | null): number {
  const array = single('size', x);
  return axis === undefined || axis === null ? array.size : nth(array.shape, canonicalAxis(axis, array.ndim, 'size'));
}

/**
 * `x` with elements converted to `dtype`: floats become integers by truncation (saturating, NaN as 0), bool is `x != 0`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.astype(np.array([1.7, -2.2, 0]), 'int32').js(); // => [1, -2, 0]
 * ```
 */
export function astype(x: ArrayLike, dtype: DType): NDArray {
  if (!isDType(dtype)) {
    throw new DTypeError(
      `astype: ${describeArgument(dtype)} is no dtype; there are 'float16', 'float32', 'float64', 'int32', 'uint32' and 'bool'.${userLine()}`,
    );
  }
  return lax.convertElementType(single('astype', x), dtype);
}

/**
 * `x` in memory of its own. Arrays are immutable, so that this is of use in one case: the copy stays when `x` is donated to a jitted call.
 *
 * @example
 * ```ts
 * import { jit, numpy as np } from 'cotangent';
 * const x = np.array([1, 2]);
 * const before = np.copy(x);
 * const after = jit((v) => v.add(1), { donate: 0 })(x);
 * [before.js(), after.js()]; // => [[1, 2], [2, 3]]
 * ```
 */
export const copy = (x: ArrayLike): NDArray => nth(lax.optimizationBarrier([single('copy', x)]), 0);

/** Fill in the one length that is -1. */
function resolveShape(op: string, array: NDArray, wanted: number | readonly number[]): number[] {
  const lengths = typeof wanted === 'number' ? [wanted] : [...wanted];
  const wrong = lengths.find((n) => !Number.isInteger(n) || n < -1);
  if (wrong !== undefined || lengths.filter((n) => n === -1).length > 1) {
    throw new ShapeError(
      `${op}: ${showShape(lengths)} is no shape: lengths are integers of at least 0, and at most one is -1 (worked out ` +
        `from the others).${userLine()}`,
    );
  }
  const known = sizeOf(lengths.filter((n) => n !== -1));
  const rest = array.size / known;
  if (lengths.includes(-1) && !Number.isInteger(rest)) {
    throw new ShapeError(
      `${op}: shape ${showShape(array.shape)} has ${array.size} elements, which ${showShape(lengths)} cannot hold: ${known} does ` +
        `not divide ${array.size}.${userLine()}`,
    );
  }
  return lengths.map((n) => (n === -1 ? rest : n));
}

/**
 * The elements of `x` in row-major order under another shape, of which one length may be -1. Throws ShapeError when
 * the sizes differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.reshape(np.arange(6), [2, -1]).js(); // => [[0, 1, 2], [3, 4, 5]]
 * ```
 */
export function reshape(x: ArrayLike, shape: number | readonly number[]): NDArray {
  const array = single('reshape', x);
  return lax.reshape(array, resolveShape('reshape', array, shape));
}

/**
 * The elements of `x` in row-major order as a vector.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.ravel(np.array([[1, 2], [3, 4]])).js(); // => [1, 2, 3, 4]
 * ```
 */
export function ravel(x: ArrayLike): NDArray {
  const array = single('ravel', x);
  return lax.reshape(array, [array.size]);
}

/**
 * Axis `i` of the result is axis `axes[i]` of `x`; without `axes` all are reversed. Throws when `axes` is no permutation.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.transpose(np.array([[1, 2], [3, 4]])).js(); // => [[1, 3], [2, 4]]
 * np.transpose(np.zeros([2, 3, 4]), [1, 0, -1]).shape; // => [3, 2, 4]
 * ```
 */
export function transpose(x: ArrayLike, axes?: readonly number[] | null): NDArray {
  const array = single('transpose', x);
  if (axes === undefined || axes === null) return lax.transpose(array, range(array.ndim).reverse());
  return lax.transpose(
    array,
    axes.map((axis) => canonicalAxis(axis, array.ndim, 'transpose')),
  );
}

/**
 * {@link transpose} by the Array API's name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.permuteDims(np.zeros([2, 3, 4]), [2, 0, 1]).shape; // => [4, 2, 3]
 * ```
 */
export const permuteDims = (x: ArrayLike, axes?: readonly number[] | null): NDArray => transpose(x, axes);

/**
 * Move axes to other places; the others keep their order.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.moveaxis(np.zeros([2, 3, 4]), 0, -1).shape; // => [3, 4, 2]
 * np.moveaxis(np.zeros([2, 3, 4]), [0, 1], [-1, 0]).shape; // => [3, 4, 2]
 * ```
 */
export function moveaxis(
  x: ArrayLike,
  source: number | readonly number[],
  destination: number | readonly number[],
): NDArray {
  const array = single('moveaxis', x);
  const listed = (axes: number | readonly number[]): number[] => {
    const list = (typeof axes === 'number' ? [axes] : axes).map((a) => canonicalAxis(a, array.ndim, 'moveaxis'));
    if (new Set(list).size === list.length) return list;
    throw new AxisError(`moveaxis: an axis is named twice in ${showShape(list)}.${userLine()}`);
  };
  const [from, to] = [listed(source), listed(destination)];
  if (from.length !== to.length) {
    throw new ArgumentError(
      `moveaxis: ${from.length} source axes and ${to.length} destinations; each axis needs one.${userLine()}`,
    );
  }
  const rest = range(array.ndim).filter((d) => !from.includes(d));
  const order = range(array.ndim).map((d) => (to.includes(d) ? nth(from, to.indexOf(d)) : (rest.shift() ?? 0)));
  return lax.transpose(array, order);
}

/**
 * Exchange two axes.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.swapaxes(np.zeros([2, 3, 4]), 0, 2).shape; // => [4, 3, 2]
 * ```
 */
export function swapaxes(x: ArrayLike, axis1: number, axis2: number): NDArray {
  const array = single('swapaxes', x);
  const [a, b] = [canonicalAxis(axis1, array.ndim, 'swapaxes'), canonicalAxis(axis2, array.ndim, 'swapaxes')];
  return lax.transpose(
    array,
    range(array.ndim).map((d) => (d === a ? b : d === b ? a : d)),
  );
}

/**
 * Move `axis` back until it stands before axis `start`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.rollaxis(np.zeros([2, 3, 4]), 2).shape; // => [4, 2, 3]
 * ```
 */
export function rollaxis(x: ArrayLike, axis: number, start = 0): NDArray {
  const array = single('rollaxis', x);
  const from = canonicalAxis(axis, array.ndim, 'rollaxis');
  const before = start === array.ndim ? start : canonicalAxis(start, array.ndim, 'rollaxis');
  return moveaxis(array, from, from < before ? before - 1 : before);
}

/**
 * Drop axes of length 1: all, or those named. Throws ShapeError for a named axis of another length.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.squeeze(np.zeros([1, 3, 1])).shape; // => [3]
 * np.squeeze(np.zeros([1, 3, 1]), -1).shape; // => [1, 3]
 * ```
 */
export function squeeze(x: ArrayLike, axis?: AxisArg): NDArray {
  const array = single('squeeze', x);
  const ones = (): number[] => array.shape.flatMap((n, d) => (n === 1 ? [d] : []));
  return lax.squeeze(array, axis === undefined || axis === null ? ones() : canonicalAxes(axis, array.ndim, 'squeeze'));
}

/**
 * Insert axes of length 1 that stand at `axis` of the result.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.expandDims(np.zeros([3]), 0).shape; // => [1, 3]
 * np.expandDims(np.zeros([3]), [0, -1]).shape; // => [1, 3, 1]
 * ```
 */
export function expandDims(x: ArrayLike, axis: number | readonly number[]): NDArray {
  const array = single('expandDims', x);
  const count = typeof axis === 'number' ? 1 : axis.length;
  return lax.expandDims(array, canonicalAxes(axis, array.ndim + count, 'expandDims'));
}

/**
 * Repeat `x` to `shape` by NumPy's rule: axes are aligned from the last, and each has the length wanted or 1.
 * Throws ShapeError otherwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.broadcastTo(np.array([1, 2]), [2, 2]).js(); // => [[1, 2], [1, 2]]
 * ```
 */
export function broadcastTo(x: ArrayLike, shape: number | readonly number[]): NDArray {
  const array = single('broadcastTo', x);
  const wanted = typeof shape === 'number' ? [shape] : shape;
  const offset = wanted.length - array.ndim;
  if (offset < 0 || array.shape.some((n, d) => n !== 1 && n !== wanted[d + offset])) {
    throw new ShapeError(
      `broadcastTo: shape ${showShape(array.shape)} does not broadcast to ${showShape(wanted)}: axes are aligned from the ` +
        `last, and each must have the length wanted or 1. Insert axes with np.expandDims or reshape.${userLine()}`,
    );
  }
  return lax.broadcastTo(array, wanted);
}

/**
 * The shape that arrays of these shapes broadcast to. Throws ShapeError when they do not.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.broadcastShapes([2, 1], [3], []); // => [2, 3]
 * ```
 */
export const broadcastShapes = (...shapes: readonly (readonly number[])[]): number[] =>
  lax.broadcastShapes('broadcastShapes', ...shapes);

/**
 * The arrays, each repeated to the shape they broadcast to together; dtypes stay as they are.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const [a, b] = np.broadcastArrays(np.array([[1], [2]]), np.array([3, 4]));
 * [a, b]; // => [[[1, 1], [2, 2]], [[3, 4], [3, 4]]]
 * ```
 */
export function broadcastArrays(...arrays: readonly ArrayLike[]): NDArray[] {
  const xs = arrays.map((x) => single('broadcastArrays', x));
  const to = lax.broadcastShapes('broadcastArrays', ...xs.map((x) => x.shape));
  return xs.map((x) => lax.broadcastTo(x, to));
}

const leastDims =
  (op: string, wanted: number, place: (shape: readonly number[]) => readonly number[]) =>
  (x: ArrayLike): NDArray => {
    const array = single(op, x);
    return array.ndim >= wanted ? array : lax.reshape(array, place(array.shape));
  };
const least1 = leastDims('atleast1d', 1, () => [1]);
const least2 = leastDims('atleast2d', 2, (s) => [1, s[0] ?? 1]);
const least3 = leastDims('atleast3d', 3, (s) => (s.length === 2 ? [...s, 1] : [1, s[0] ?? 1, 1]));

/**
 * `x` with at least one axis; of several arguments, each of them.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.atleast1d(3).js(); // => [3]
 * ```
 */
export function atleast1d(x: ArrayLike): NDArray;
export function atleast1d(...xs: readonly ArrayLike[]): NDArray[];
export function atleast1d(...xs: readonly ArrayLike[]): NDArray | NDArray[] {
  return oneOrAll(xs.map(least1));
}

/**
 * `x` with at least two axes: a vector becomes a row.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.atleast2d(np.array([1, 2])).js(); // => [[1, 2]]
 * ```
 */
export function atleast2d(x: ArrayLike): NDArray;
export function atleast2d(...xs: readonly ArrayLike[]): NDArray[];
export function atleast2d(...xs: readonly ArrayLike[]): NDArray | NDArray[] {
  return oneOrAll(xs.map(least2));
}

/**
 * `x` with at least three axes: shape `[n]` becomes `[1, n, 1]` and `[m, n]` becomes `[m, n, 1]`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.atleast3d(np.array([1, 2])).shape; // => [1, 2, 1]
 * ```
 */
export function atleast3d(x: ArrayLike): NDArray;
export function atleast3d(...xs: readonly ArrayLike[]): NDArray[];
export function atleast3d(...xs: readonly ArrayLike[]): NDArray | NDArray[] {
  return oneOrAll(xs.map(least3));
}

function oneOrAll(results: NDArray[]): NDArray | NDArray[] {
  const [first] = results;
  return results.length === 1 && first !== undefined ? first : results;
}
