/** Functions of JAX's lax that are compositions of primitives. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { broadcastInDim, full } from './broadcast.js';
import { dynamicUpdateSlice } from './dynamic.js';
import { lift1 } from './lift.js';
import { expandDims, reshape } from './reshape.js';
import { concatenate, sliceInDim } from './slicing.js';

/** An array like `x` (or of another dtype or shape) with every element `value`. */
export function fullLike(x: ArrayLike, value: number | boolean, dtype?: DType, shape?: Shape): NDArray {
  const array = lift1('full_like', x);
  return full(shape ?? array.aval.shape, value, dtype ?? array.dtype);
}

/** Leading axes of lengths `sizes`, along which `x` is repeated. */
export function broadcast(x: ArrayLike, sizes: Shape): NDArray {
  const array = lift1('broadcast', x);
  return broadcastInDim(
    array,
    [...sizes, ...array.aval.shape],
    range(array.ndim).map((d) => d + sizes.length),
  );
}

/** `x` repeated `reps[d]` times along each axis d. */
export function tile(x: ArrayLike, reps: readonly number[]): NDArray {
  const array = lift1('tile', x);
  if (reps.length !== array.ndim) {
    throw new ShapeError(
      `tile: shape ${showShape(array.shape)} needs one count per axis, got ${showShape(reps)}; np.tile takes fewer.${userLine()}`,
    );
  }
  const { shape } = array.aval;
  // Each axis becomes (count, length), which are then merged.
  const wide = broadcastInDim(
    array,
    shape.flatMap((n, d) => [nth(reps, d), n]),
    shape.map((_, d) => 2 * d + 1),
  );
  return reshape(
    wide,
    shape.map((n, d) => n * nth(reps, d)),
  );
}

/** Pieces of the given lengths along `axis`, which must add up to its length. */
export function split(x: ArrayLike, sizes: readonly number[], axis = 0): NDArray[] {
  const array = lift1('split', x);
  const d = canonicalAxis(axis, array.ndim, 'split');
  const total = sizes.reduce((a, b) => a + b, 0);
  if (total !== array.aval.shape[d]) {
    throw new ShapeError(
      `split: sizes ${showShape(sizes)} add up to ${String(total)}, but axis ${String(d)} of shape ${showShape(array.shape)} has length ${String(array.aval.shape[d])}.${userLine()}`,
    );
  }
  let start = 0;
  return sizes.map((n) => sliceInDim(array, start, (start += n), d));
}

/** Arrays of one shape along a new axis. */
export function stack(arrays: readonly NDArray[], axis = 0): NDArray {
  return concatenate(
    arrays.map((x) => expandDims(x, [canonicalAxis(axis, x.ndim + 1, 'stack')])),
    canonicalAxis(axis, (arrays[0]?.ndim ?? 0) + 1, 'stack'),
  );
}

/** Element `index` along `axis` (negative counts from the end), which is dropped unless `keepdims`. */
export function indexInDim(x: ArrayLike, index: number, axis = 0, keepdims = true): NDArray {
  const array = lift1('index_in_dim', x);
  const d = canonicalAxis(axis, array.ndim, 'index_in_dim');
  const at = canonicalAxis(index, nth(array.aval.shape, d), 'index_in_dim: index');
  const row = sliceInDim(array, at, at + 1, d);
  return keepdims
    ? row
    : reshape(
        row,
        row.aval.shape.filter((_, i) => i !== d),
      );
}

/** `x` with the slice of `update` along `axis` replaced, starting at `start` (clamped). */
export function dynamicUpdateSliceInDim(x: ArrayLike, update: ArrayLike, start: ArrayLike, axis = 0): NDArray {
  const array = lift1('dynamic_update_slice', x);
  const d0 = canonicalAxis(axis, array.ndim, 'dynamic_update_slice_in_dim');
  return dynamicUpdateSlice(
    array,
    update,
    array.aval.shape.map((_, d) => (d === d0 ? start : 0)),
  );
}

/** `x` with element `index` along `axis` replaced by `update`, which may lack that axis. */
export function dynamicUpdateIndexInDim(x: ArrayLike, update: ArrayLike, index: ArrayLike, axis = 0): NDArray {
  const array = lift1('dynamic_update_slice', x);
  const value = lift1('dynamic_update_slice', update);
  return dynamicUpdateSliceInDim(array, value.ndim === array.ndim ? value : expandDims(value, [axis]), index, axis);
}
