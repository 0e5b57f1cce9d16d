/** Mirror images, by chance. */
import type { NDArray } from '../../core/ndarray.js';
import { rev } from '../../lax/index.js';
import { where } from '../../numpy/index.js';
import { checkProbability, chosen, imageShape, type Augmentation } from './augmentation.js';

/** Options of {@link flipLeftRight} and {@link flipUpDown}. */
export interface FlipOptions {
  /** How likely an image is flipped; 0.5 by default. */
  probability?: number;
}

/** A select between the images and their reverse: no element is looked up by a computed index. */
function flip(op: string, axis: number, { probability = 0.5 }: FlipOptions): Augmentation {
  checkProbability(op, probability);
  return (key: NDArray, images: NDArray) => {
    const { batch } = imageShape(op, images);
    return where(chosen(key, batch, probability), rev(images, [axis]), images);
  };
}

/**
 * Each image mirrored left to right with probability `probability`, 0.5 by default (Keras's
 * `RandomFlip('horizontal')`).
 *
 * @throws ArgumentError for a probability outside [0, 1].
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.array([1, 2, 3]).reshape([1, 1, 3, 1]);
 * augment.flipLeftRight({ probability: 1 })(random.key(0), x).ravel().js(); // => [3, 2, 1]
 * ```
 */
export const flipLeftRight = (options: FlipOptions = {}): Augmentation => flip('augment.flipLeftRight', 2, options);

/**
 * Each image turned upside down (mirrored, not rotated) with probability `probability`, 0.5 by default (Keras's
 * `RandomFlip('vertical')`).
 *
 * @throws ArgumentError for a probability outside [0, 1].
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.array([1, 2, 3]).reshape([1, 3, 1, 1]);
 * augment.flipUpDown({ probability: 1 })(random.key(0), x).ravel().js(); // => [3, 2, 1]
 * ```
 */
export const flipUpDown = (options: FlipOptions = {}): Augmentation => flip('augment.flipUpDown', 1, options);
