/** The matrices of rotations, shifts, zooms and shears about the middle of an image. */
import type { ArrayLike, NDArray } from '../../core/ndarray.js';
import { add, broadcastArrays, cos, divide, multiply, sin, stack, subtract, tan } from '../../numpy/index.js';
import { promoteInexact } from '../../numpy/promote.js';
import { sizeOf2, type Size } from './augmentation.js';

/** Parameters of {@link affineMatrix}: numbers, or arrays with one for each image. */
export interface AffineParameters {
  /** Radians, counter-clockwise as seen. */
  rotation?: ArrayLike;
  /** Pixels, downwards and to the right. */
  shift?: { height?: ArrayLike; width?: ArrayLike };
  /** How many times larger; 1 by default. */
  zoom?: ArrayLike;
  /** Radians by which vertical lines lean to the right. */
  shear?: ArrayLike;
}

/**
 * The matrix, for `affineTransform`, that zooms, shears, rotates and shifts in this order about the middle of images of
 * `size` pixels: with zoom s, k = tan(shear), rotation θ, shift t and middle m = (size - 1)/2, point p goes to
 *
 *     s [cos θ, -sin θ; sin θ, cos θ] [1, 0; -k, 1] (p - m) + m + t,    p = (row, column)
 *
 * and the result, shape `[..., 2, 3]` where `...` is the common shape of the parameters, is the inverse of that, from
 * pixels of the result to pixels of the image. float32, or float64 if a parameter is.
 *
 * @throws ShapeError for parameters that do not broadcast, ArgumentError for a size that is not whole pixels.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * augment.affineMatrix([3, 5], { zoom: 2 }).js(); // => [[0.5, 0, 0.5], [0, 0.5, 1]]
 * augment.affineMatrix(28, { rotation: np.array([0.1, 0.2]) }).shape; // => [2, 2, 3]
 * ```
 */
export function affineMatrix(size: Size, parameters: AffineParameters = {}): NDArray {
  const op = 'augment.affineMatrix';
  const { rotation = 0, shift: { height = 0, width = 0 } = {}, zoom = 1, shear = 0 } = parameters;
  const [middleRow, middleColumn] = sizeOf2(op, 'size', size, 0).map((n) => (n - 1) / 2);
  const [theta = 0, dy = 0, dx = 0, s = 1, phi = 0] = promoteInexact(op, rotation, height, width, zoom, shear);
  const [c, n, k] = [cos(theta), sin(theta), tan(phi)];
  // Row by row, the inverse: from a pixel of the result shift back, rotate back, shear back, shrink.
  const row = (a: NDArray, b: NDArray, middle = 0): NDArray[] => {
    const [p, q] = [divide(a, s), divide(b, s)];
    const moved = add(multiply(p, add(dy, middleRow ?? 0)), multiply(q, add(dx, middleColumn ?? 0)));
    return [p, q, subtract(middle, moved)];
  };
  const rows = [...row(c, n, middleRow), ...row(subtract(multiply(k, c), n), add(multiply(k, n), c), middleColumn)];
  const entries = stack(broadcastArrays(...rows), -1);
  return entries.reshape([...entries.shape.slice(0, -1), 2, 3]);
}
