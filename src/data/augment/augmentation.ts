/** What an augmentation is, what all of them check, and how they are made of one another. */
import { nth } from '../../core/axes.js';
import { sameShape, showShape } from '../../core/aval.js';
import { checkNumber } from '../../core/counts.js';
import { isFloat, type DType } from '../../core/dtype.js';
import { ArgumentError, DTypeError, ShapeError } from '../../core/errors.js';
import { NDArray } from '../../core/ndarray.js';
import { userLine } from '../../core/source.js';
import { where } from '../../numpy/index.js';
import { bernoulli, spawn, split } from '../../random/index.js';
import { vmap, type ToArrays } from '../../transforms/index.js';

/**
 * A random change of a batch of images: a pure function of a key and of float images
 * `[batch, height, width, channels]`. Equal keys give equal results, and each image of a batch draws for itself.
 *
 * Any function of this type is one, with or without randomness.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const clip: augment.Augmentation = (_key, images) => np.clip(images, 0, 1);
 * const brighter = augment.compose(augment.brightness(0.5), clip);
 * brighter(random.key(0), np.ones([20, 8, 8, 1])).max().item(); // => 1
 * ```
 */
export type Augmentation = (key: NDArray, images: NDArray) => NDArray;

/** The lengths of the axes of a batch of images. */
export interface ImageShape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Throws DTypeError unless `x` is an array of floats, `what` it is in `op`. */
export function checkFloats(op: string, what: string, x: NDArray, advice: string): void {
  if (!(x instanceof NDArray)) {
    throw new ArgumentError(`${op}: ${what} must be an array, got ${typeof x}. Make one with np.array.${userLine()}`);
  }
  if (!isFloat(x.dtype)) throw new DTypeError(`${op}: ${what} must be floats, got ${x.dtype}; ${advice}.${userLine()}`);
}

/** The axes of a batch of images; throws DTypeError or ShapeError for anything else. */
export function imageShape(op: string, images: NDArray): ImageShape {
  checkFloats(op, 'images', images, "convert grey values to [0, 1] first: images.astype('float32').div(255)");
  const { shape } = images.aval;
  const [batch, height, width, channels] = shape;
  if (
    shape.length !== 4 ||
    batch === undefined ||
    height === undefined ||
    width === undefined ||
    channels === undefined
  ) {
    throw new ShapeError(
      `${op}: images are [batch, height, width, channels], got shape ${showShape(shape)}; ` +
        `reshape them: ${adviceFor(shape)}.${userLine()}`,
    );
  }
  return { batch, height, width, channels };
}

/** How to get the four axes from fewer. */
function adviceFor(shape: readonly number[]): string {
  if (shape.length === 3) return `images.reshape([${shape.join(', ')}, 1]) if they are grey`;
  if (shape.length === 2) return `images.reshape([${shape[0] ?? 0}, height, width, channels])`;
  return 'images.reshape([batch, height, width, channels])';
}

/** Throws ArgumentError unless `p` is in [0, 1]. */
export function checkProbability(op: string, p: number): void {
  checkNumber(op, 'a probability', p, (v) => v >= 0 && v <= 1, 'in [0, 1]');
}

/** Throws ArgumentError unless `fillValue` is a finite number. */
export function checkFillValue(op: string, fillValue: number): void {
  checkNumber(op, 'fillValue', fillValue, Number.isFinite, 'a finite number');
}

/** Throws ArgumentError unless `x` is a finite number of at least 0. */
export function checkExtent(op: string, what: string, x: number): void {
  checkNumber(op, what, x, (v) => v >= 0 && v < Infinity, 'a finite number of at least 0');
}

/** Throws ArgumentError unless `interval` is [low, high] with `least` <= low <= high. */
export function checkInterval(op: string, what: string, interval: readonly [number, number], least: number): void {
  const [low, high] = interval;
  if (Array.isArray(interval) && low >= least && low <= high && Number.isFinite(high)) return;
  throw new ArgumentError(
    `${op}: ${what} is given as [low, high] with ${least} <= low <= high, got ${JSON.stringify(interval)}.${userLine()}`,
  );
}

/** A height and a width in pixels; one number means both. */
export type Size = number | readonly [height: number, width: number];

/** The two lengths of a size; throws ArgumentError unless they are integers of at least `least`. */
export function sizeOf2(op: string, what: string, size: Size, least: number): readonly [number, number] {
  const pair: readonly number[] = typeof size === 'number' ? [size, size] : size;
  const [height, width] = pair;
  const good = pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= least);
  if (good && height !== undefined && width !== undefined) return [height, width];
  throw new ArgumentError(
    `${op}: ${what} is a whole number of pixels from ${least}, or [height, width], got ${JSON.stringify(size)}.${userLine()}`,
  );
}

/** What `draw` makes of one key for each of `count` images, stacked; the draw of image i depends on i, not on `count`. */
export const drawEach = <T>(key: NDArray, count: number, draw: (key: NDArray) => T): ToArrays<T> =>
  vmap(draw)(split(key, count));

/** Numbers, one for each image, shaped to stand beside the images. */
export const besideImages = (x: NDArray, images: NDArray): NDArray =>
  x.astype(images.dtype).reshape([x.size, ...images.shape.slice(1).map(() => 1)]);

/**
 * An augmentation from a function of a key and one image `[height, width, channels]`, mapped over the batch by `vmap`:
 * image i gets the i-th key of `random.split`.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * // A gain of its own for each channel of each image.
 * const gains = augment.perImage((key, image) => image.mul(random.uniform(key, [3])));
 * gains(random.key(0), np.ones([5, 8, 8, 3])).shape; // => [5, 8, 8, 3]
 * ```
 */
export const perImage =
  (f: (key: NDArray, image: NDArray) => NDArray): Augmentation =>
  (key, images) => {
    const { batch } = imageShape('augment.perImage', images);
    return vmap(f)(split(key, batch), images);
  };

const compositions = new WeakMap<Augmentation, readonly Augmentation[]>();

/** The augmentations that {@link compose} made this one of; another augmentation is its own only part. */
const partsOf = (augmentation: Augmentation): readonly Augmentation[] =>
  compositions.get(augmentation) ?? [augmentation];

/**
 * Augmentations one after the other, the first applied first. Each gets a key of its own: of n augmentations, the i-th
 * gets the i-th of `random.split(key, n)`.
 *
 * A composition is flat: a composition in it counts as the augmentations it was made of. So the grouping does not show
 * in a single bit, `compose()` changes nothing and is neutral, and `compose(f)` is `f`: a Monoid (`cotangent/fp` has the
 * instance).
 *
 * @example
 * ```ts
 * import { jit, numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const train = jit(augment.compose(
 *   augment.flipLeftRight(),
 *   augment.affine({ rotation: { degrees: 10 }, shift: { height: 0.1, width: 0.1 }, zoom: [0.9, 1.1] }),
 *   augment.sometimes(0.5, augment.gaussianNoise(0.05)),
 *   augment.normalize(0.5, 0.25),
 * ));
 * train(random.key(0), np.ones([4, 28, 28, 1])).shape; // => [4, 28, 28, 1]
 * ```
 */
export function compose(...augmentations: readonly Augmentation[]): Augmentation {
  const parts = augmentations.flatMap(partsOf);
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const composed: Augmentation = (key, images) => {
    if (parts.length === 0) return images;
    const keys = spawn<number>(key, parts.length);
    return parts.reduce((x, part, i) => part(nth(keys, i), x), images);
  };
  compositions.set(composed, parts);
  return composed;
}

/**
 * `augmentation` for each image with probability `probability`, the image itself otherwise. (All are computed, then
 * selected.)
 *
 * @throws ArgumentError for a probability outside [0, 1]; when applied, ShapeError if the augmentation changes the
 *   shape, DTypeError if it changes the dtype: then there is nothing to select from.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.zeros([1000, 1, 1, 1]);
 * const some = augment.sometimes(0.25, (_key, images) => images.add(1))(random.key(0), x);
 * some.sum().item(); // => 259
 * ```
 */
export function sometimes(probability: number, augmentation: Augmentation): Augmentation {
  const op = 'augment.sometimes';
  checkProbability(op, probability);
  return (key, images) => {
    const { batch } = imageShape(op, images);
    const [forChoice, forChange] = spawn(key);
    const changed = augmentation(forChange, images);
    checkSame(op, images, changed);
    return where(chosen(forChoice, batch, probability), changed, images);
  };
}

function checkSame(op: string, images: NDArray, changed: NDArray): void {
  if (!sameShape(images.aval.shape, changed.aval.shape)) {
    throw new ShapeError(
      `${op}: the augmentation makes ${showShape(changed.aval.shape)} of images of shape ${showShape(images.aval.shape)}, ` +
        `so changed and unchanged images do not fit in one batch. Apply it always: compose(…).${userLine()}`,
    );
  }
  const [from, to]: readonly DType[] = [images.dtype, changed.dtype];
  if (from !== to) {
    throw new DTypeError(
      `${op}: the augmentation makes ${to} of ${from}; convert its result: astype('${from}').${userLine()}`,
    );
  }
}

/** For each image whether it is changed, shaped to stand beside the images. */
export const chosen = (key: NDArray, count: number, probability: number): NDArray =>
  drawEach(key, count, (k) => bernoulli(k, probability)).reshape([count, 1, 1, 1]);
