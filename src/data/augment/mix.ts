/** Images mixed with others of their batch, and labels with them. */
import { showShape } from '../../core/aval.js';
import { checkNumber } from '../../core/counts.js';
import { ShapeError } from '../../core/errors.js';
import type { NDArray } from '../../core/ndarray.js';
import { userLine } from '../../core/source.js';
import { cos, floor, greaterEqual, sqrt, take, where } from '../../numpy/index.js';
import { permutation, randint, spawn, uniform } from '../../random/index.js';
import { checkFloats, drawEach, imageShape } from './augmentation.js';
import { boxMask, spanMask } from './erase.js';

/** Examples `x` and, row by row, the probabilities `y` of their classes. */
export interface LabelledBatch {
  readonly x: NDArray;
  /** `[batch, classes]`, floats: `nn.oneHot(labels, classes)`, or softer. */
  readonly y: NDArray;
}

/** A random change of examples together with their labels. */
export type BatchAugmentation = (key: NDArray, batch: LabelledBatch) => LabelledBatch;

/** The number of rows of a batch; throws where examples and labels do not belong together. */
function rowsOf(op: string, { x, y }: LabelledBatch): number {
  checkFloats(op, 'x', x, "convert it: x.astype('float32')");
  checkFloats(op, 'y', y, 'labels to mix are probabilities: nn.oneHot(labels, classes)');
  const [rows] = x.aval.shape;
  if (rows === undefined || y.ndim === 0 || y.aval.shape[0] !== rows) {
    throw new ShapeError(
      `${op}: x has shape ${showShape(x.aval.shape)} and y ${showShape(y.aval.shape)}; ` +
        `their first axes, the examples, must have one length.${userLine()}`,
    );
  }
  return rows;
}

function checkAlpha(op: string, alpha: number): void {
  checkNumber(op, 'alpha', alpha, (v) => v > 0 && v < Infinity, 'a finite number above 0');
}

/**
 * One number from Beta(α, α), in closed form and so without a loop (L. Devroye: "Random variate generation in one line
 * of code", 1996): with q = U^(1/α) and c = cos 2πV, (1 + sign(c) √((1-q)c²/(q + (1-q)c²)))/2.
 */
export function symmetricBeta(key: NDArray, alpha: number): NDArray {
  const [first, second] = spawn(key);
  const q = uniform(first).pow(1 / alpha);
  const c = cos(uniform(second).mul(2 * Math.PI));
  const spread = q.neg().add(1).mul(c.mul(c));
  // Both are 0 only for c = 0 and q = 0: then the middle.
  const root = sqrt(spread.div(q.add(spread).add(TINY)));
  return where(greaterEqual(c, 0), root, root.neg()).add(1).mul(0.5);
}
const TINY = 2 ** -126;

/** Row i of `x` and, in another order, of its partners. */
const partners = (x: NDArray, order: NDArray): NDArray => take(x, order, 0, { mode: 'clip' });

/** λ a + (1-λ) b, with one λ for each row. */
function blend(a: NDArray, b: NDArray, lambda: NDArray): NDArray {
  const weight = lambda.astype(a.dtype).reshape([lambda.size, ...a.shape.slice(1).map(() => 1)]);
  return a.mul(weight).add(b.mul(weight.neg().add(1)));
}

/**
 * Each example blended with another one of the batch, taken by a random permutation, and their labels in the same
 * proportion: λ x + (1-λ) x', λ y + (1-λ) y', λ from Beta(α, α) for each example (H. Zhang, M. Cissé, Y. Dauphin,
 * D. Lopez-Paz: "mixup: beyond empirical risk minimization", 2018). `x` may have any shape. Small α (0.2) leaves most
 * examples nearly alone.
 *
 * @throws ArgumentError unless α > 0; when applied, DTypeError for labels that are integers, ShapeError where `x` and
 *   `y` differ in their rows.
 *
 * @example
 * ```ts
 * import { nn, numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const batch = { x: np.ones([3, 8, 8, 1]), y: nn.oneHot(np.array([0, 2, 1], 'int32'), 3) };
 * const { x, y } = augment.mixup(0.2)(random.key(0), batch);
 * x.shape; // => [3, 8, 8, 1]
 * y.sum(1).js(); // => [1, 1, 1]
 * ```
 */
export function mixup(alpha: number): BatchAugmentation {
  const op = 'augment.mixup';
  checkAlpha(op, alpha);
  return (key, batch) => {
    const rows = rowsOf(op, batch);
    const [forOrder, forLambda] = spawn(key);
    const order = permutation(forOrder, rows);
    const lambda = drawEach(forLambda, rows, (k) => symmetricBeta(k, alpha));
    const mix = (a: NDArray): NDArray => blend(a, partners(a, order), lambda);
    return { x: mix(batch.x), y: mix(batch.y) };
  };
}

/**
 * In each image a rectangle replaced by that of another image of the batch, and the labels mixed by area: the
 * rectangle has √(1-λ) of the image's height and width, λ from Beta(α, α), and its middle is uniform among the pixels;
 * what sticks out of the image does not count (S. Yun and others: "CutMix: regularization strategy to train strong
 * classifiers with localizable features", 2019). `x` is `[batch, height, width, channels]`.
 *
 * @throws ArgumentError unless α > 0; when applied, DTypeError for labels that are integers, ShapeError for an `x`
 *   that is no batch of images, or where `x` and `y` differ in their rows.
 *
 * @example
 * ```ts
 * import { nn, numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * const batch = { x: np.ones([3, 8, 8, 1]), y: nn.oneHot(np.array([0, 2, 1], 'int32'), 3) };
 * const { x, y } = augment.cutmix(1)(random.key(0), batch);
 * x.shape; // => [3, 8, 8, 1]
 * y.sum(1).js(); // => [1, 1, 1]
 * ```
 */
export function cutmix(alpha: number): BatchAugmentation {
  const op = 'augment.cutmix';
  checkAlpha(op, alpha);
  return (key, batch) => {
    const rows = rowsOf(op, batch);
    const { height, width } = imageShape(op, batch.x);
    const [forOrder, forBox] = spawn(key);
    const order = permutation(forOrder, rows);
    const boxes = drawEach(forBox, rows, (k) => {
      const [forLambda, forRow, forColumn] = spawn(k, 3);
      const side = sqrt(symmetricBeta(forLambda, alpha).neg().add(1));
      const length = (n: number): NDArray => floor(side.mul(n)).astype('int32');
      const down = spanMask(height, randint(forRow, [], 0, height), length(height));
      return boxMask(down, spanMask(width, randint(forColumn, [], 0, width), length(width)));
    });
    const kept = boxes.astype('float32').mean([1, 2]).neg().add(1);
    const mask = boxes.reshape([rows, height, width, 1]);
    return {
      x: where(mask, partners(batch.x, order), batch.x),
      y: blend(batch.y, partners(batch.y, order), kept),
    };
  };
}
