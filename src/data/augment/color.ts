/** Changes of values and not of places: brightness, contrast, noise, normalization. */
import { nth, range } from '../../core/axes.js';
import { showShape } from '../../core/aval.js';
import { ArgumentError, ShapeError } from '../../core/errors.js';
import type { NDArray } from '../../core/ndarray.js';
import { userLine } from '../../core/source.js';
import { concatenate, sliceInDim } from '../../lax/index.js';
import { mean as meanOf } from '../../numpy/index.js';
import { normal, uniform } from '../../random/index.js';
import { besideImages, checkExtent, checkInterval, drawEach, imageShape, type Augmentation } from './augmentation.js';

/**
 * x + u for each image, u uniform in [-delta, delta] (`tf.image.random_brightness`). Values are not clipped.
 *
 * @throws ArgumentError for a delta that is negative or not finite.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const y = augment.brightness(0.2)(random.key(0), np.ones([3, 4, 4, 1]));
 * np.ptp(y, [1, 2, 3]).js(); // => [0, 0, 0]
 * ```
 */
export function brightness(delta: number): Augmentation {
  const op = 'augment.brightness';
  checkExtent(op, 'delta', delta);
  return (key, images) => {
    const { batch } = imageShape(op, images);
    const u = drawEach(key, batch, (k) => uniform(k, [], { minval: -delta, maxval: delta }));
    return images.add(besideImages(u, images));
  };
}

/**
 * f (x - m) + m for each image, f uniform in [low, high] and m the mean of each channel
 * (`tf.image.random_contrast`). Values are not clipped.
 *
 * @throws ArgumentError unless 0 <= low <= high.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.array([1, 2, 3, 6]).reshape([1, 2, 2, 1]);
 * augment.contrast([0.5, 0.5])(random.key(0), x).ravel().js(); // => [2, 2.5, 3, 4.5]
 * ```
 */
export function contrast(range: readonly [low: number, high: number]): Augmentation {
  const op = 'augment.contrast';
  checkInterval(op, 'the range', range, 0);
  return (key, images) => {
    const { batch } = imageShape(op, images);
    const f = drawEach(key, batch, (k) => uniform(k, [], { minval: range[0], maxval: range[1] }));
    const m = meanOf(images, [1, 2], { keepdims: true });
    return images.sub(m).mul(besideImages(f, images)).add(m);
  };
}

/**
 * x + σ z, z from N(0, 1) for each value; `stddev` is σ. Values are not clipped.
 *
 * @throws ArgumentError for a σ that is negative or not finite.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const y = augment.gaussianNoise(0.1)(random.key(0), np.zeros([10, 32, 32, 3]));
 * y.std().item(); // => 0.100085
 * ```
 */
export function gaussianNoise(stddev: number): Augmentation {
  const op = 'augment.gaussianNoise';
  checkExtent(op, 'the standard deviation', stddev);
  return (key, images) => {
    const { batch, height, width, channels } = imageShape(op, images);
    const z = drawEach(key, batch, (k) => normal(k, [height, width, channels]));
    return images.add(z.astype(images.dtype).mul(stddev));
  };
}

/** One number for all channels, or one for each. */
export type PerChannel = number | readonly number[];

/** One number for each channel of the images. */
function perChannel(op: string, what: string, given: PerChannel, images: NDArray): readonly number[] {
  const { channels } = imageShape(op, images);
  const list = typeof given === 'number' ? [given] : given;
  if (list.length === channels) return list;
  if (list.length === 1) return range(channels).map(() => nth(list, 0));
  throw new ShapeError(
    `${op}: ${list.length} numbers for ${what}, but images of shape ${showShape(images.aval.shape)} have ` +
      `${channels} channels; give one for each, or one for all.${userLine()}`,
  );
}

/**
 * (x - mean)/std, without randomness, with numbers for all channels or a list with one for each.
 *
 * @throws ArgumentError for numbers that are not finite, and a std that is not above 0; when applied, ShapeError for
 *   lists with another length than the number of channels.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.array([1, 2, 3]).reshape([1, 1, 1, 3]);
 * augment.normalize([1, 1, 1], [1, 2, 4])(random.key(0), x).ravel().js(); // => [0, 0.5, 0.5]
 * ```
 */
export function normalize(mean: PerChannel, std: PerChannel): Augmentation {
  const op = 'augment.normalize';
  const all = [mean, std].map((given) => (typeof given === 'number' ? [given] : given));
  if (!all.flat().every((x) => Number.isFinite(x)) || all[1]?.some((x) => x <= 0) === true) {
    throw new ArgumentError(
      `${op}: mean and std are finite numbers or lists of them, std above 0; got ${JSON.stringify([mean, std])}.${userLine()}`,
    );
  }
  return (_key, images) => {
    if (typeof mean === 'number' && typeof std === 'number') {
      imageShape(op, images);
      return images.sub(mean).div(std);
    }
    const means = perChannel(op, 'the mean', mean, images);
    const stds = perChannel(op, 'the std', std, images);
    if (means.length === 0) return images;
    // Channel by channel with numbers, which are on every device; an array of them would be on one.
    const channel = (k: number): NDArray =>
      sliceInDim(images, k, k + 1, 3)
        .sub(nth(means, k))
        .div(nth(stds, k));
    return concatenate(range(means.length).map(channel), 3);
  };
}
