/** Parts of images: at random, or the middle. */
import { ShapeError } from '../../core/errors.js';
import type { NDArray } from '../../core/ndarray.js';
import { userLine } from '../../core/source.js';
import { dynamicSlice } from '../../lax/index.js';
import { pad, type PadMode } from '../../numpy/index.js';
import { randint, spawn, split } from '../../random/index.js';
import { vmap } from '../../transforms/index.js';
import { checkFillValue, imageShape, sizeOf2, type Augmentation, type Size } from './augmentation.js';
import { checkFillMode, type FillMode } from './resample.js';

/** Options of {@link crop}. */
export interface CropOptions {
  /** Pixels added on all four sides first, or [above and below, left and right]; 0 by default. */
  padding?: Size;
  /** What is added; `constant` by default. */
  fillMode?: FillMode;
  /** The value that is added for `fillMode: 'constant'`; 0 by default. */
  fillValue?: number;
}

/** Our fill modes by NumPy's names. */
const PAD_MODES: Readonly<Record<FillMode, PadMode>> = {
  constant: 'constant',
  nearest: 'edge',
  reflect: 'symmetric',
  wrap: 'wrap',
};

/** Throws ShapeError if a crop is larger than what it is cut from. */
function checkFits(op: string, [h, w]: readonly [number, number], height: number, width: number, advice: string): void {
  if (h <= height && w <= width) return;
  throw new ShapeError(
    `${op}: a part of ${h} × ${w} pixels does not fit in images of ${height} × ${width}; ${advice}.${userLine()}`,
  );
}

/**
 * From each image a part of `size` pixels, at a place uniform among all; with `padding` from the enlarged image.
 * The result is `[batch, ...size, channels]`.
 *
 * @throws ArgumentError for sizes that are no whole numbers; when applied, ShapeError for a part that does not fit.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.ones([2, 32, 32, 3]);
 * augment.crop(24)(random.key(0), x).shape; // => [2, 24, 24, 3]
 * // Moved by up to 4 pixels, the usual augmentation of CIFAR-10.
 * augment.crop([32, 32], { padding: 4, fillMode: 'reflect' })(random.key(0), x).shape; // => [2, 32, 32, 3]
 * ```
 */
export function crop(size: Size, options: CropOptions = {}): Augmentation {
  const op = 'augment.crop';
  const { padding = 0, fillMode = 'constant', fillValue = 0 } = options;
  const lengths = sizeOf2(op, 'size', size, 1);
  const [above, beside] = sizeOf2(op, 'padding', padding, 0);
  checkFillMode(op, fillMode);
  checkFillValue(op, fillValue);
  return (key, images) => {
    const { batch, height, width, channels } = imageShape(op, images);
    const [rows, columns] = [height + 2 * above, width + 2 * beside];
    checkFits(op, lengths, rows, columns, 'take a smaller part, or pad: { padding }');
    const enlarged =
      above + beside === 0
        ? images
        : pad(
            images,
            [
              [0, 0],
              [above, above],
              [beside, beside],
              [0, 0],
            ],
            PAD_MODES[fillMode],
            fillMode === 'constant' ? { constantValues: fillValue } : {},
          );
    const part = (imageKey: NDArray, image: NDArray): NDArray => {
      const [forRow, forColumn] = spawn(imageKey);
      const row = randint(forRow, [], 0, rows - lengths[0] + 1);
      const column = randint(forColumn, [], 0, columns - lengths[1] + 1);
      return dynamicSlice(image, [row, column, 0], [...lengths, channels]);
    };
    return vmap(part)(split(key, batch), enlarged);
  };
}

/**
 * The middle part of `size` pixels of each image, without randomness: what to evaluate on after training on
 * {@link crop}. Of an odd rest the larger half is cut below and to the right.
 *
 * @throws ArgumentError for a size that is no whole number; when applied, ShapeError for a part that does not fit.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.arange(5).astype('float32').reshape([1, 1, 5, 1]);
 * augment.centerCrop([1, 2])(random.key(0), x).ravel().js(); // => [1, 2]
 * ```
 */
export function centerCrop(size: Size): Augmentation {
  const op = 'augment.centerCrop';
  const [h, w] = sizeOf2(op, 'size', size, 1);
  return (_key, images) => {
    const { height, width } = imageShape(op, images);
    checkFits(op, [h, w], height, width, 'take a smaller part');
    const [top, left] = [Math.floor((height - h) / 2), Math.floor((width - w) / 2)];
    return images.slice([], [top, top + h], [left, left + w]);
  };
}
