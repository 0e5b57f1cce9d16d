/** Labelled images on the host: the result of readers and generators, and their form as arrays. */
import { left, right } from 'fp-ts/lib/Either.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { array } from '../numpy/index.js';
import { orThrow } from './data-file-error.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';
import type { IdxArray } from './idx.js';

/** Grey images of one size, each with the number of its class. */
export interface LabelledImages {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** Labels are integers in `[0, classes)`. */
  readonly classes: number;
  /** `count × height × width` grey values in row-major order, 0 (paper) to 255 (ink). */
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** Options of {@link labelImages}. */
export interface LabelImagesOptions {
  /** Number of classes; 10 by default. */
  classes?: number;
  /** What errors call the two files. */
  imageFile?: string;
  labelFile?: string;
}

const show = ({ dtype, shape }: IdxArray): string => `${dtype}[${shape.join(', ')}]`;

/**
 * Joins the images of one IDX file with the labels of another.
 *
 * @returns `Left` of `WrongShape`, `CountMismatch` or `LabelOutOfRange` where they do not belong together.
 *
 * @example
 * ```ts
 * import { labelImages } from 'cotangent/data';
 *
 * const images = { dtype: 'uint8', shape: [2, 1, 1], data: new Uint8Array([0, 255]) } as const;
 * const labels = { dtype: 'uint8', shape: [2], data: new Uint8Array([3, 7]) } as const;
 * labelImages(images, labels)._tag; // => "Right"
 * ```
 */
export function labelImages(
  images: IdxArray,
  labels: IdxArray,
  options: LabelImagesOptions = {},
): Either<DecodeError, LabelledImages> {
  const { classes = 10, imageFile = 'images', labelFile = 'labels' } = options;
  const [count, height, width] = images.shape;
  if (
    images.dtype !== 'uint8' ||
    images.shape.length !== 3 ||
    count === undefined ||
    height === undefined ||
    width === undefined
  ) {
    return left({
      _tag: 'WrongShape',
      file: imageFile,
      expected: 'images, uint8[count, height, width]',
      found: show(images),
    });
  }
  if (labels.dtype !== 'uint8' || labels.shape.length !== 1) {
    return left({ _tag: 'WrongShape', file: labelFile, expected: 'labels, uint8[count]', found: show(labels) });
  }
  if (labels.data.length !== count) {
    return left({ _tag: 'CountMismatch', file: imageFile, images: count, labels: labels.data.length, labelFile });
  }
  const index = labels.data.findIndex((label) => label >= classes);
  const label = labels.data[index];
  if (label !== undefined) return left({ _tag: 'LabelOutOfRange', file: labelFile, index, label, classes });
  return right({ count, height, width, classes, pixels: images.data, labels: labels.data });
}

/**
 * {@link labelImages} that throws.
 *
 * @throws DataFileError as {@link labelImages} says.
 *
 * @example
 * ```ts
 * import { readLabelledImages } from 'cotangent/data';
 *
 * const images = { dtype: 'uint8', shape: [2, 1, 1], data: new Uint8Array([0, 255]) } as const;
 * const labels = { dtype: 'uint8', shape: [2], data: new Uint8Array([3, 7]) } as const;
 * readLabelledImages(images, labels).count; // => 2
 * ```
 */
export const readLabelledImages = (images: IdxArray, labels: IdxArray, options?: LabelImagesOptions): LabelledImages =>
  orThrow(labelImages(images, labels, options));

/**
 * The images `start` up to but not including `stop`.
 *
 * @throws ArgumentError unless `0 <= start <= stop <= count`.
 *
 * @example
 * ```ts
 * import { drawDigits, sliceImages } from 'cotangent/data';
 *
 * const digits = drawDigits({ count: 10, seed: 0 });
 * sliceImages(digits, 8).count; // => 2
 * ```
 */
export function sliceImages(set: LabelledImages, start: number, stop: number = set.count): LabelledImages {
  if (!Number.isInteger(start) || !Number.isInteger(stop) || start < 0 || start > stop || stop > set.count) {
    throw new ArgumentError(
      `sliceImages: there are ${set.count} images, so [${start}, ${stop}) must lie within [0, ${set.count}).${userLine()}`,
    );
  }
  const size = set.height * set.width;
  return {
    ...set,
    count: stop - start,
    pixels: set.pixels.subarray(start * size, stop * size),
    labels: set.labels.subarray(start, stop),
  };
}

/**
 * The images as arrays: `x` float32 of shape `[count, height × width]` with values in [0, 1], and `y` int32 of shape
 * `[count]`, the labels.
 *
 * @example
 * ```ts
 * import { drawDigits, imageArrays } from 'cotangent/data';
 *
 * const { x, y } = imageArrays(drawDigits({ count: 4, seed: 0 }));
 * [x.shape, y.shape]; // => [[4, 784], [4]]
 * ```
 */
export function imageArrays(set: LabelledImages): { x: NDArray; y: NDArray } {
  const grey = new Float32Array(set.pixels.length);
  for (let i = 0; i < grey.length; i++) grey[i] = (set.pixels[i] ?? 0) / 255;
  return {
    x: array(grey, { shape: [set.count, set.height * set.width] }),
    y: array(Int32Array.from(set.labels), { shape: [set.count] }),
  };
}
