/** Images resampled under affine maps: for each pixel of the result, where it comes from, and what is there. */
import { showShape } from '../../core/aval.js';
import type { DType } from '../../core/dtype.js';
import { ArgumentError, ShapeError } from '../../core/errors.js';
import type { NDArray } from '../../core/ndarray.js';
import { userLine } from '../../core/source.js';
import { clamp, iota, sliceInDim } from '../../lax/index.js';
import {
  add,
  broadcastTo,
  floor,
  greaterEqual,
  less,
  logicalAnd,
  minimum,
  remainder,
  where,
} from '../../numpy/index.js';
import { gatherRows } from '../../numpy/gathers.js';
import { checkFillValue, checkFloats, imageShape, type ImageShape } from './augmentation.js';

/**
 * What lies beyond the edges, by Keras's names: `constant` (`fillValue`), `nearest` (the edge goes on: aaaa|abcd|dddd),
 * `reflect` (mirrored with the edge pixel repeated: dcba|abcd|dcba), `wrap` (the image again: abcd|abcd|abcd).
 */
export type FillMode = 'constant' | 'nearest' | 'reflect' | 'wrap';

/** Options of everything that looks between pixels and beyond edges. */
export interface ResampleOptions {
  /** `bilinear` (the default): weighted mean of the four pixels around; `nearest`: the one closest. */
  interpolation?: 'bilinear' | 'nearest';
  /** What lies beyond the edges; `constant` by default. */
  fillMode?: FillMode;
  /** The value beyond the edges for `fillMode: 'constant'`; 0 by default. */
  fillValue?: number;
}

const FILL_MODES: readonly FillMode[] = ['constant', 'nearest', 'reflect', 'wrap'];

const INTERPOLATIONS = ['bilinear', 'nearest'] as const;

/** Throws ArgumentError for a choice that there is not, which a caller without types may make. */
function checkChoice(op: string, what: string, choice: string, choices: readonly string[]): void {
  if (choices.includes(choice)) return;
  throw new ArgumentError(
    `${op}: ${what} is one of ${choices.join(', ')}, got ${JSON.stringify(choice)}.${userLine()}`,
  );
}

export const checkFillMode = (op: string, fillMode: FillMode): void =>
  checkChoice(op, 'fillMode', fillMode, FILL_MODES);

/** Throws ArgumentError for an unknown interpolation or fill mode, or a fill value that is not finite. */
export function checkResample(op: string, options: ResampleOptions): void {
  const { interpolation = 'bilinear', fillMode = 'constant', fillValue = 0 } = options;
  checkChoice(op, 'interpolation', interpolation, INTERPOLATIONS);
  checkFillMode(op, fillMode);
  checkFillValue(op, fillValue);
}

/** Where positions outside of `[0, n)` too are read, by fill mode; clamped for `constant`, which is masked. */
function inside(position: NDArray, n: number, fillMode: FillMode): NDArray {
  switch (fillMode) {
    case 'constant':
    case 'nearest':
      return clamp(0, position, n - 1);
    case 'wrap':
      return remainder(position, n);
    case 'reflect': {
      const back = remainder(position, 2 * n);
      return minimum(back, back.neg().add(2 * n - 1));
    }
  }
}

/** Reads pixels `[batch, height, width, channels]` at integer rows and columns `[batch, height, width]`. */
function reader(
  images: NDArray,
  { batch, height, width, channels }: ImageShape,
  { fillMode = 'constant', fillValue = 0 }: ResampleOptions,
): (row: NDArray, column: NDArray) => NDArray {
  // One index into all pixels, so that each pixel is one contiguous read of its channels.
  const pixels = images.reshape([batch * height * width, channels]);
  const firsts = iota('int32', batch)
    .mul(height * width)
    .reshape([batch, 1, 1]);
  return (row, column) => {
    const place = inside(row, height, fillMode)
      .mul(width)
      .add(inside(column, width, fillMode));
    const values = gatherRows(pixels, [0], [add(firsts, place)], 0, { mode: 'promise_in_bounds' });
    if (fillMode !== 'constant') return values;
    const within = (at: NDArray, n: number): NDArray => logicalAnd(greaterEqual(at, 0), less(at, n));
    const mask = logicalAnd(within(row, height), within(column, width));
    return where(mask.reshape([...mask.shape, 1]), values, fillValue);
  };
}

/** Images at rows and columns `[batch, height, width]`, which are floats of the dtype to compute in. */
function sample(images: NDArray, shape: ImageShape, row: NDArray, column: NDArray, options: ResampleOptions): NDArray {
  const read = reader(images, shape, options);
  const whole = (x: NDArray): NDArray => x.astype('int32');
  if (options.interpolation === 'nearest') return read(whole(floor(row.add(0.5))), whole(floor(column.add(0.5))));
  const [top, left] = [floor(row), floor(column)];
  const [i, j] = [whole(top), whole(left)];
  const weigh = (at: NDArray, below: NDArray): readonly [NDArray, NDArray] => {
    const rest = at.sub(below).reshape([...at.shape, 1]);
    return [rest.neg().add(1), rest];
  };
  const [up, down] = weigh(row, top);
  const [before, after] = weigh(column, left);
  const value = (di: number, dj: number): NDArray => read(i.add(di), j.add(dj)).astype(row.dtype);
  const upper = value(0, 0).mul(before).add(value(0, 1).mul(after));
  const lower = value(1, 0).mul(before).add(value(1, 1).mul(after));
  return upper.mul(up).add(lower.mul(down)).astype(images.dtype);
}

/** The dtype of coordinates: a half cannot tell the pixels of a large image apart. */
export const coordinateType = (images: NDArray): DType => (images.dtype === 'float64' ? 'float64' : 'float32');

/**
 * Images resampled under affine maps. Pixel (i, j) of the result, i counted from the top row and j from the left column,
 * is the image at M · (i, j, 1): `matrices` are the rows `[[a, b, c], [d, e, f]]` of M for each image, shape
 * `[batch, 2, 3]`, or `[2, 3]` for all. {@link affineMatrix} makes them of a rotation, a shift and so on.
 *
 * This is `scipy.ndimage.affine_transform` with `order=1` (`order=0` for `nearest`) and the mode `grid-constant`,
 * `nearest`, `reflect` or `grid-wrap`. Differentiable in the images, and for `bilinear` in the matrices wherever no
 * pixel falls on a pixel exactly. Coordinates are float32, of float64 images float64. Images keep shape and dtype.
 *
 * @throws ShapeError for images that are not `[batch, height, width, channels]` or matrices that do not fit them;
 *   DTypeError for images or matrices of integers; ArgumentError for an unknown interpolation or fill mode, or a fill
 *   value that is not finite.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.array([1, 2, 3, 4]).reshape([1, 1, 4, 1]);
 * const halfAPixelOn = np.array([[1, 0, 0], [0, 1, 0.5]]);
 * augment.affineTransform(x, halfAPixelOn).ravel().js(); // => [1.5, 2.5, 3.5, 2]
 * augment.affineTransform(x, halfAPixelOn, { fillMode: 'nearest' }).ravel().js(); // => [1.5, 2.5, 3.5, 4]
 * ```
 */
export function affineTransform(images: NDArray, matrices: NDArray, options: ResampleOptions = {}): NDArray {
  const op = 'augment.affineTransform';
  const shape = imageShape(op, images);
  checkResample(op, options);
  checkFloats(op, 'matrices', matrices, "convert them: matrices.astype('float32')");
  const { batch, height, width } = shape;
  const given = matrices.aval.shape;
  const rank = given.length;
  if (given[rank - 2] !== 2 || given[rank - 1] !== 3 || rank > 3 || (rank === 3 && given[0] !== batch)) {
    throw new ShapeError(
      `${op}: matrices must have shape [2, 3] or [${batch}, 2, 3] for images of shape ${showShape(images.aval.shape)}, ` +
        `got ${showShape(given)}.${userLine()}`,
    );
  }
  if (images.size === 0) return images;
  const dtype = coordinateType(images);
  const entries = broadcastTo(matrices.astype(dtype), [batch, 2, 3]).reshape([batch, 6]);
  const entry = (k: number): NDArray => sliceInDim(entries, k, k + 1, 1).reshape([batch, 1, 1]);
  const i = iota(dtype, height).reshape([1, height, 1]);
  const j = iota(dtype, width).reshape([1, 1, width]);
  const coordinate = (k: number): NDArray => add(add(entry(k).mul(i), entry(k + 1).mul(j)), entry(k + 2));
  return sample(images, shape, coordinate(0), coordinate(3), options);
}
