/** Metrics of classification, by the definitions of scikit-learn's: counts of right and wrong answers, and what follows. */
import { showShape } from '../core/aval.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { checkInRange, classNumbers, integerLabels } from '../losses/labels.js';
import { asarray } from '../numpy/creation.js';
import { argmax } from '../numpy/reductions.js';
import { topK } from '../lax/sort.js';

const mean = (x: NDArray): NDArray => {
  const axes = [...x.aval.shape.keys()];
  return lax.mul(lax.reduceSum(lax.convertElementType(x, 'float32'), axes), 1 / x.size);
};

function checkNotEmpty(op: string, x: NDArray): void {
  if (x.size > 0) return;
  throw new ArgumentError(`${op}: there are no examples, shape ${showShape(x.shape)}.${userLine()}`);
}

/** The classes that scores [..., classes] are highest for, or predicted classes themselves; and the labels. */
function classesOf(
  op: string,
  given: ArrayLike,
  givenLabels: ArrayLike,
): readonly [predicted: NDArray, labels: NDArray] {
  const [predictions, labels] = [classNumbers(given), integerLabels(op, givenLabels)];
  checkNotEmpty(op, labels);
  const same = predictions.shape.join() === labels.shape.join();
  if (same && !isFloat(predictions.dtype)) return [predictions, labels];
  if (!same && predictions.shape.slice(0, -1).join() === labels.shape.join()) return [argmax(predictions, -1), labels];
  throw new ShapeError(
    `${op}: labels of shape ${showShape(labels.shape)} need scores of shape ${showShape([...labels.shape, -1])}, the classes last, or ` +
      `integer classes of their own shape, got ${predictions.aval.toString()}. For probabilities of one of two classes, compare ` +
      `first: probabilities.greater(0.5).${userLine()}`,
  );
}

/**
 * The share of examples whose label is predicted.
 *
 * @param predictions - scores, logits or probabilities, [..., classes], or the predicted classes [...], integers or bool
 * @param labels - [...], integers or bool
 * @returns a float32 scalar
 * @throws DTypeError for labels that are floats; ShapeError for predictions of another shape; ArgumentError without examples.
 *
 * @example
 * ```ts
 * import { metrics, numpy as np } from 'cotangent';
 * const labels = np.array([1, 0], { dtype: 'int32' });
 * metrics.accuracy(np.array([[0.2, 0.8], [0.3, 0.7]]), labels).item(); // => 0.5
 * ```
 */
export function accuracy(predictions: ArrayLike, labels: ArrayLike): NDArray {
  const [predicted, y] = classesOf('accuracy', predictions, labels);
  return mean(lax.eq(lax.convertElementType(predicted, 'int32'), lax.convertElementType(y, 'int32')));
}

/**
 * The share of examples whose label is among the `k` highest scores.
 *
 * @param scores - [..., classes]
 * @param labels - [...], integers or bool
 * @returns a float32 scalar
 * @throws DTypeError for labels that are floats; ShapeError for scores of another shape, or a `k` that is not from 1 to the number of classes;
 *   ArgumentError without examples.
 *
 * @example
 * ```ts
 * import { metrics, numpy as np } from 'cotangent';
 * const labels = np.array([1, 2], { dtype: 'int32' });
 * metrics.topKAccuracy(np.array([[3, 2, 1], [3, 2, 1]]), labels, 2).item(); // => 0.5
 * ```
 */
export function topKAccuracy(scores: ArrayLike, labels: ArrayLike, k = 5): NDArray {
  const op = 'topKAccuracy';
  const [s, y] = [asarray(scores), integerLabels(op, labels)];
  checkNotEmpty(op, y);
  const classes = s.shape.at(-1) ?? 0;
  if (s.shape.slice(0, -1).join() !== y.shape.join() || !Number.isInteger(k) || k < 1 || k > classes) {
    throw new ShapeError(
      `${op}: labels of shape ${showShape(y.shape)} need scores with the classes last and k from 1 to their number, got ` +
        `${showShape(s.shape)} and k = ${k}.${userLine()}`,
    );
  }
  const [, best] = topK(s, k);
  const own = lax.broadcastInDim(lax.convertElementType(y, best.dtype), best.aval.shape, [...y.shape.keys()]);
  return mean(lax.reduceOr(lax.eq(best, own), [best.ndim - 1]));
}

/**
 * How often label i was predicted as class j: int32 [classes, classes], rows the labels, columns the predictions. A value that is no
 * class is an ArgumentError; in a compiled function, where values are not known, its example is not counted.
 *
 * @param predictions - scores [..., classes] or predicted classes [...]
 * @param labels - [...], integers or bool
 * @param classes - their number
 * @throws DTypeError for labels that are floats; ShapeError for predictions of another shape; ArgumentError without examples, for a label or
 *   prediction that is no class, and for a number of classes that is no whole number from 1.
 *
 * @example
 * ```ts
 * import { metrics, numpy as np } from 'cotangent';
 * const labels = np.array([0, 0, 1], { dtype: 'int32' });
 * const predicted = np.array([0, 1, 1], { dtype: 'int32' });
 * metrics.confusionMatrix(predicted, labels, 2).js(); // => [[1, 1], [0, 1]]
 * ```
 */
export function confusionMatrix(predictions: ArrayLike, labels: ArrayLike, classes: number): NDArray {
  const op = 'confusionMatrix';
  if (!Number.isInteger(classes) || classes < 1) {
    throw new ArgumentError(`${op}: the number of classes must be a positive integer, got ${classes}.${userLine()}`);
  }
  const [predicted, y] = classesOf(op, predictions, labels);
  checkInRange(op, 'label', y, classes);
  checkInRange(op, 'prediction', predicted, classes);
  const oneHot = (x: NDArray): NDArray => {
    const flat = lax.reshape(lax.convertElementType(x, 'int32'), [x.size]);
    const shape = [x.size, classes];
    const isClass = lax.eq(lax.broadcastInDim(flat, shape, [0]), lax.broadcastedIota('int32', shape, 1));
    return lax.convertElementType(isClass, 'int32');
  };
  return lax.dotGeneral(oneHot(y), oneHot(predicted), [
    [[0], [0]],
    [[], []],
  ]);
}

/** How the values of several classes become one. */
export interface AverageOptions {
  /**
   * `binary` (the default for two classes): that of class 1; `macro` (the default for more): the mean of the classes; `weighted`: by the
   * number of their labels; `micro`: of all decisions together; `none`: an array of all.
   */
  average?: 'binary' | 'macro' | 'weighted' | 'micro' | 'none';
  /** What 0/0 is: a class that was never predicted, or of which there are no labels. 0 by default, as in scikit-learn. */
  zeroDivision?: number;
}

type Counts = Readonly<Record<'hits' | 'predicted' | 'labelled', NDArray>>;

/** A quotient of counts for each class, averaged. */
function averaged(
  op: string,
  matrix: NDArray,
  quotient: (counts: Counts) => readonly [over: NDArray, under: NDArray],
  { average, zeroDivision = 0 }: AverageOptions,
): NDArray {
  const [classes, columns] = matrix.shape;
  if (matrix.ndim !== 2 || classes !== columns || classes === undefined) {
    throw new ShapeError(
      `${op}: takes a confusion matrix [classes, classes], got ${showShape(matrix.shape)}.${userLine()}`,
    );
  }
  const how = average ?? (classes === 2 ? 'binary' : 'macro');
  if (how === 'binary' && classes !== 2) {
    throw new ArgumentError(
      `${op}: the average 'binary' is of two classes, and there are ${classes}; use 'macro'.${userLine()}`,
    );
  }
  const m = lax.convertElementType(matrix, 'float32');
  const shape = m.aval.shape;
  const onDiagonal = lax.eq(lax.broadcastedIota('int32', shape, 0), lax.broadcastedIota('int32', shape, 1));
  const counts: Counts = {
    hits: lax.reduceSum(lax.select(onDiagonal, m, lax.scalarLike(0, m)), [1]),
    predicted: lax.reduceSum(m, [0]),
    labelled: lax.reduceSum(m, [1]),
  };
  const divide = ([over, under]: readonly [NDArray, NDArray]): NDArray => {
    const isZero = lax.eq(under, 0);
    const one = lax.scalarLike(1, under);
    return lax.select(isZero, lax.scalarLike(zeroDivision, under), lax.div(over, lax.select(isZero, one, under)));
  };
  const sum = (x: NDArray): NDArray => lax.reduceSum(x, [0]);
  if (how === 'micro') {
    return divide(
      quotient({ hits: sum(counts.hits), predicted: sum(counts.predicted), labelled: sum(counts.labelled) }),
    );
  }
  const each = divide(quotient(counts));
  switch (how) {
    case 'none':
      return each;
    case 'binary':
      return lax.reshape(lax.sliceInDim(each, 1, 2, 0), []);
    case 'macro':
      return lax.mul(sum(each), 1 / classes);
    case 'weighted':
      return lax.div(sum(lax.mul(each, counts.labelled)), sum(counts.labelled));
  }
}

/**
 * Of those predicted to be of a class, the share that is, from a {@link confusionMatrix}.
 *
 * @param matrix - [classes, classes], rows the labels
 * @returns a float32 scalar, or [classes] with `average: 'none'`
 * @throws ShapeError if the matrix is not square; ArgumentError for the average `binary` of other than two classes.
 *
 * @example
 * ```ts
 * import { metrics, numpy as np } from 'cotangent';
 * metrics.precision(np.array([[5, 1], [2, 3]], { dtype: 'int32' })).item(); // => 0.75
 * ```
 */
export const precision = (matrix: NDArray, options: AverageOptions = {}): NDArray =>
  averaged('precision', matrix, ({ hits, predicted }) => [hits, predicted], options);

/**
 * Of those of a class, the share that is predicted to be, from a {@link confusionMatrix}.
 *
 * @param matrix - [classes, classes], rows the labels
 * @returns a float32 scalar, or [classes] with `average: 'none'`
 * @throws ShapeError if the matrix is not square; ArgumentError for the average `binary` of other than two classes.
 *
 * @example
 * ```ts
 * import { metrics, numpy as np } from 'cotangent';
 * metrics.recall(np.array([[5, 1], [2, 3]], { dtype: 'int32' })).item(); // => 0.6
 * ```
 */
export const recall = (matrix: NDArray, options: AverageOptions = {}): NDArray =>
  averaged('recall', matrix, ({ hits, labelled }) => [hits, labelled], options);

/**
 * The harmonic mean of precision and recall, 2 hits/(predicted + labelled), from a {@link confusionMatrix}.
 *
 * @param matrix - [classes, classes], rows the labels
 * @returns a float32 scalar, or [classes] with `average: 'none'`
 * @throws ShapeError if the matrix is not square; ArgumentError for the average `binary` of other than two classes.
 *
 * @example
 * ```ts
 * import { metrics, numpy as np } from 'cotangent';
 * metrics.f1(np.array([[5, 1], [2, 3]], { dtype: 'int32' })).item(); // => 0.666667
 * ```
 */
export const f1 = (matrix: NDArray, options: AverageOptions = {}): NDArray =>
  averaged('f1', matrix, ({ hits, predicted, labelled }) => [lax.mul(hits, 2), lax.add(predicted, labelled)], options);
