/** Random rotations, shifts, zooms and shears, in one resampling. */
import { ArgumentError } from '../../core/errors.js';
import type { NDArray } from '../../core/ndarray.js';
import { userLine } from '../../core/source.js';
import { spawn, uniform } from '../../random/index.js';
import { checkExtent, checkInterval, drawEach, imageShape, type Augmentation } from './augmentation.js';
import { affineMatrix } from './matrix.js';
import { affineTransform, checkResample, coordinateType, type ResampleOptions } from './resample.js';

/** An angle: a number of radians, or said with its unit. */
export type Angle = number | { readonly radians: number } | { readonly degrees: number };

/** How far images move, at most: below 1 a fraction of the image's height or width, from 1 pixels (as in Keras). */
export interface ShiftRange {
  height?: number;
  width?: number;
}

/** What {@link affine} may do to an image; what is absent it does not. */
export interface AffineRanges {
  /** Rotations by angles from [-rotation, rotation]. */
  rotation?: Angle;
  /** Moves by up to this, in either direction, by parts of pixels too. */
  shift?: ShiftRange;
  /** Magnified by factors from [low, high]; above 1 what is seen gets larger. */
  zoom?: readonly [low: number, high: number];
  /** Vertical lines lean by angles from [-shear, shear]. */
  shear?: Angle;
}

/** Options of {@link affine}: what it may do, and how it resamples. */
export interface AffineOptions extends AffineRanges, ResampleOptions {}

function radians(op: string, what: string, angle: Angle): number {
  const value =
    typeof angle === 'number' ? angle : 'degrees' in angle ? (angle.degrees * Math.PI) / 180 : angle.radians;
  checkExtent(op, what, value);
  return value;
}

const RIGHT_ANGLE = Math.PI / 2;

/** {@link affine} for those named after what they do. */
function affineAs(op: string, options: AffineOptions): Augmentation {
  const { shift = {}, zoom = [1, 1] } = options;
  const rotation = radians(op, 'the angle of rotation', options.rotation ?? 0);
  const shear = radians(op, 'the angle of shear', options.shear ?? 0);
  const { height: down = 0, width: right = 0 } = shift;
  checkExtent(op, 'shift.height', down);
  checkExtent(op, 'shift.width', right);
  checkInterval(op, 'zoom', zoom, 0);
  if (zoom[0] === 0) throw new ArgumentError(`${op}: a zoom of 0 leaves nothing to see.${userLine()}`);
  if (shear >= RIGHT_ANGLE) {
    throw new ArgumentError(
      `${op}: a shear must stay below a right angle (${RIGHT_ANGLE}), got ${shear}.${userLine()}`,
    );
  }
  checkResample(op, options);

  return (key, images) => {
    const { batch, height, width } = imageShape(op, images);
    const pixels = (extent: number, n: number): number => (extent < 1 ? extent * n : extent);
    const dtype = coordinateType(images);
    const draw = (imageKey: NDArray): NDArray[] => {
      const keys = spawn(imageKey, 5);
      const within = (k: NDArray, low: number, high: number): NDArray =>
        uniform(k, [], { minval: low, maxval: high }).astype(dtype);
      const around = (k: NDArray, extent: number): NDArray => within(k, -extent, extent);
      return [
        around(keys[0], rotation),
        around(keys[1], pixels(down, height)),
        around(keys[2], pixels(right, width)),
        within(keys[3], zoom[0], zoom[1]),
        around(keys[4], shear),
      ];
    };
    const [theta = 0, dy = 0, dx = 0, factor = 1, lean = 0] = drawEach(key, batch, draw);
    const parameters = { rotation: theta, shift: { height: dy, width: dx }, zoom: factor, shear: lean };
    return affineTransform(images, affineMatrix([height, width], parameters), options);
  };
}

/**
 * Each image zoomed, sheared, rotated and shifted by what it draws uniformly from the given ranges, in this order, about
 * its middle, and resampled once: sharper and faster than one augmentation after the other. Shape and dtype stay.
 * Draws are float32.
 *
 * @throws ArgumentError for negative or infinite ranges, a zoom that is not `0 < low <= high`, a shear of a right angle
 *   or more, and resampling options as {@link affineTransform} says.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const jitter = augment.affine({ rotation: { degrees: 15 }, shift: { height: 0.1, width: 3 }, zoom: [0.8, 1.2] });
 * jitter(random.key(0), np.ones([2, 28, 28, 1])).shape; // => [2, 28, 28, 1]
 * ```
 */
export const affine = (options: AffineOptions = {}): Augmentation => affineAs('augment.affine', options);

/**
 * Each image rotated about its middle by an angle uniform in [-max, max]: a number of radians, `{ radians }` or
 * `{ degrees }`.
 *
 * @throws ArgumentError as {@link affine} says.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.ones([2, 8, 8, 1]);
 * augment.rotation({ degrees: 20 })(random.key(0), x).shape; // => [2, 8, 8, 1]
 * augment.rotation(Math.PI, { fillMode: 'reflect' })(random.key(0), x).min().item(); // => 1
 * ```
 */
export const rotation = (max: Angle, options: ResampleOptions = {}): Augmentation =>
  affineAs('augment.rotation', { ...options, rotation: max });

/**
 * Each image moved by distances uniform in [-height, height] and [-width, width]: below 1 fractions of the image's
 * height and width, from 1 pixels.
 *
 * @throws ArgumentError as {@link affine} says.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.ones([2, 8, 8, 1]);
 * augment.shift({ height: 0.25, width: 2 })(random.key(0), x).shape; // => [2, 8, 8, 1]
 * ```
 */
export const shift = (range: ShiftRange, options: ResampleOptions = {}): Augmentation =>
  affineAs('augment.shift', { ...options, shift: range });

/**
 * Each image magnified about its middle by a factor uniform in [low, high], the same in both directions.
 *
 * @throws ArgumentError as {@link affine} says.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const x = np.zeros([1, 5, 5, 1]).at(0, 2, 2, 0).set(1);
 * // The pixel in the middle becomes twice as wide and high; bilinear, so its sides fall off.
 * augment.zoom([2, 2])(random.key(0), x).slice(0, 2, [], 0).js(); // => [0, 0.5, 1, 0.5, 0]
 * ```
 */
export const zoom = (range: readonly [low: number, high: number], options: ResampleOptions = {}): Augmentation =>
  affineAs('augment.zoom', { ...options, zoom: range });
