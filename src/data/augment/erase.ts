/** Rectangles cut out of images. */
import type { ArrayLike, NDArray } from '../../core/ndarray.js';
import { iota } from '../../lax/index.js';
import { greaterEqual, less, logicalAnd, where } from '../../numpy/index.js';
import { randint, spawn } from '../../random/index.js';
import { checkFillValue, drawEach, imageShape, sizeOf2, type Augmentation, type Size } from './augmentation.js';

/** Whether each of `n` positions lies in the `length` from `length`/2 before `middle`, of one image. */
export function spanMask(n: number, middle: NDArray, length: ArrayLike): NDArray {
  // From the middle, so that spans of all lengths are about it; the halving rounds down.
  const away = iota('int32', n).sub(middle).add(halfOf(length));
  return logicalAnd(greaterEqual(away, 0), less(away, length));
}

const halfOf = (length: ArrayLike): ArrayLike =>
  typeof length === 'object' ? length.div(2).astype('int32') : Math.floor(Number(length) / 2);

/** Whether each pixel `[height, width]` of one image lies in both spans. */
export const boxMask = (rows: NDArray, columns: NDArray): NDArray =>
  logicalAnd(rows.reshape([rows.size, 1]), columns.reshape([1, columns.size]));

/** Options of {@link cutout}. */
export interface CutoutOptions {
  /** What stands in the hole; 0 by default. */
  fillValue?: number;
}

/**
 * In each image a rectangle of `size` pixels replaced by `fillValue`, 0 by default. Its middle is uniform among the
 * pixels, so that it may stick out of the image, which is then cut less (T. DeVries, G. Taylor: "Improved
 * regularization of convolutional neural networks with cutout", 2017).
 *
 * @throws ArgumentError for a size that is no whole number, or a fill value that is not finite.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const y = augment.cutout([2, 4])(random.key(0), np.ones([3, 8, 8, 1]));
 * y.shape; // => [3, 8, 8, 1]
 * y.min([1, 2, 3]).js(); // => [0, 0, 0]
 * ```
 */
export function cutout(size: Size, options: CutoutOptions = {}): Augmentation {
  const op = 'augment.cutout';
  const { fillValue = 0 } = options;
  const [h, w] = sizeOf2(op, 'size', size, 0);
  checkFillValue(op, fillValue);
  return (key, images) => {
    const { batch, height, width } = imageShape(op, images);
    const hole = drawEach(key, batch, (k) => {
      const [forRow, forColumn] = spawn(k);
      const rows = spanMask(height, randint(forRow, [], 0, height), h);
      return boxMask(rows, spanMask(width, randint(forColumn, [], 0, width), w));
    });
    return where(hole.reshape([batch, height, width, 1]), fillValue, images);
  };
}
