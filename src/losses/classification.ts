/** Losses of classification: cross-entropy of probabilities, of logits, of integer labels, and of two classes. */
import { ArgumentError, ShapeError } from '../core/errors.js';
import { showShape } from '../core/aval.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { take } from '../numpy/take.js';
import { softplus } from '../scipy/special/logistic.js';
import { logSoftmax } from '../nn/normalisation.js';
import { checkLabels, scoreOf } from './labels.js';
import { factorsOf, floats, pairOf, reduceLoss, shareOf, type LossOptions } from './reduction.js';

/** Probabilities below it count as it, as in Keras. */
const EPSILON = 1e-7;

/**
 * log p for a probability that a network gave: of p within [ε, 1]. The derivative is that of the logarithm there, not 0, so that a
 * network that is entirely wrong can still learn.
 */
function logProbability(p: NDArray): NDArray {
  const within = lax.clamp(EPSILON, p, 1);
  return lax.log(lax.add(p, lax.stopGradient(lax.sub(within, p))));
}

const sumLast = (x: NDArray): NDArray => lax.reduceSum(x, [x.ndim - 1]);

function checkClasses(op: string, x: NDArray): void {
  if (x.ndim > 0) return;
  throw new ShapeError(
    `${op}: the classes are the last axis, but there is none in ${showShape(x.shape)}.${userLine()}`,
  );
}

/**
 * Cross-entropy of predicted probabilities, -Σ t log p over the classes, the last axis: Keras's `categorical_crossentropy`.
 * Probabilities below 1e-7 count as that. From a network that ends without softmax, {@link softmaxCrossEntropy} is more accurate.
 *
 * @param probabilities - [..., classes]
 * @param targets - of the same shape: one-hot, or probabilities
 * @returns a scalar, or [...] with `reduction: 'none'`
 * @throws ShapeError if the shapes differ, there is no axis of classes, or weights do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.categoricalCrossEntropy(np.array([[0.5, 0.25, 0.25]]), np.array([[0, 1, 0]])).item(); // => 1.386294
 * ```
 */
export function categoricalCrossEntropy(probabilities: ArrayLike, targets: ArrayLike, options?: LossOptions): NDArray {
  const op = 'categoricalCrossEntropy';
  const [p, t] = pairOf(op, probabilities, targets);
  checkClasses(op, p);
  return reduceLoss(op, lax.neg(sumLast(lax.mul(t, logProbability(p)))), options);
}

/** Options of losses of several classes. */
export interface SmoothingOptions extends LossOptions {
  /** Share of the target that is spread over all classes evenly (Szegedy et al., arXiv 1512.00567, section 7); 0 by default. */
  labelSmoothing?: number;
}

function checkSmoothing(op: string, smoothing: number): void {
  if (smoothing >= 0 && smoothing <= 1) return;
  throw new ArgumentError(`${op}: labelSmoothing must be in [0, 1], got ${smoothing}.${userLine()}`);
}

/**
 * Cross-entropy of logits, -Σ t log softmax(z) over the classes, the last axis. Exact for logits of any size.
 *
 * @param logits - [..., classes]
 * @param targets - of the same shape: one-hot, or probabilities
 * @returns a scalar, or [...] with `reduction: 'none'`
 * @throws ShapeError if the shapes differ, there is no axis of classes, or weights do not fit; ArgumentError for a labelSmoothing outside [0, 1]
 *   and for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.softmaxCrossEntropy(np.array([[1e4, -1e4]]), np.array([[0, 1]])).item(); // => 20000
 * ```
 */
export function softmaxCrossEntropy(logits: ArrayLike, targets: ArrayLike, options: SmoothingOptions = {}): NDArray {
  const op = 'softmaxCrossEntropy';
  const { labelSmoothing = 0 } = options;
  checkSmoothing(op, labelSmoothing);
  const [z, t] = pairOf(op, logits, targets);
  checkClasses(op, z);
  const classes = z.aval.shape.at(-1) ?? 1;
  const smooth = labelSmoothing === 0 ? t : lax.add(lax.mul(t, 1 - labelSmoothing), labelSmoothing / classes);
  return reduceLoss(op, lax.neg(sumLast(shareOf(smooth, logSoftmax(z)))), options);
}

/** Options of losses of integer labels. */
export interface LabelOptions extends SmoothingOptions {
  /** A factor for each class, [classes]: of rare classes a larger one. The mean is then Σ w l / Σ w, as in PyTorch. */
  classWeights?: ArrayLike;
}

/** The weights of examples and of their classes together, for their losses. */
function labelWeights(
  op: string,
  labels: NDArray,
  values: NDArray,
  { classWeights, weights }: LabelOptions,
): NDArray | undefined {
  const own = weights === undefined ? undefined : factorsOf(op, weights, values);
  if (classWeights === undefined) return own;
  const ofClass = lax.convertElementType(take(floats(op, classWeights), labels, 0), values.dtype);
  return own === undefined ? ofClass : lax.mul(ofClass, own);
}

const withWeights = (options: LossOptions, weights: NDArray | undefined): LossOptions =>
  weights === undefined ? options : { ...options, weights };

/**
 * Cross-entropy of logits and integer labels: -log softmax(z)[label], what PyTorch's `cross_entropy` and Keras's
 * `sparse_categorical_crossentropy(from_logits=True)` are.
 *
 * A label that is no class is an ArgumentError with its index; in a compiled function, where values are not known, the loss is NaN.
 *
 * @param logits - [..., classes]
 * @param labels - [...], integers in [0, classes), or bools of two classes
 * @returns a scalar, or [...] with `reduction: 'none'`
 * @throws DTypeError for labels that are floats; ShapeError for labels or weights that do not fit; ArgumentError for a label that is no class, a
 *   labelSmoothing outside [0, 1], and the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * const labels = np.array([1, 0], { dtype: 'int32' });
 * losses.crossEntropyWithLogits(np.array([[0, 0], [10, 0]]), labels).item(); // => 0.346596
 * ```
 */
export function crossEntropyWithLogits(logits: ArrayLike, labels: ArrayLike, options: LabelOptions = {}): NDArray {
  const op = 'crossEntropyWithLogits';
  const { labelSmoothing = 0, classWeights, reduction = 'mean' } = options;
  checkSmoothing(op, labelSmoothing);
  const z = floats(op, logits);
  const y = checkLabels(op, z, labels);
  const logP = logSoftmax(z);
  const sharp = lax.neg(scoreOf(logP, y));
  const weights = labelWeights(op, y, sharp, options);
  if (labelSmoothing === 0) return reduceLoss(op, sharp, withWeights(options, weights));
  // The even part weighs every class by its own weight, as PyTorch does.
  const classes = logP.aval.shape.at(-1) ?? 1;
  const ofClasses =
    classWeights === undefined
      ? logP
      : lax.mul(
          logP,
          lax.broadcastInDim(lax.convertElementType(floats(op, classWeights), logP.dtype), logP.aval.shape, [
            logP.ndim - 1,
          ]),
        );
  const even = reduceLoss(op, lax.mul(lax.neg(sumLast(ofClasses)), labelSmoothing / classes), {
    reduction: reduction === 'none' ? 'none' : 'sum',
    ...(options.weights === undefined ? {} : { weights: options.weights }),
  });
  const rest = reduceLoss(op, lax.mul(sharp, 1 - labelSmoothing), {
    ...withWeights({}, weights),
    reduction: reduction === 'none' ? 'none' : 'sum',
  });
  const total = lax.add(rest, even);
  if (reduction !== 'mean') return total;
  const axes = sharp.aval.shape.map((_, d) => d);
  return weights === undefined ? lax.mul(total, 1 / sharp.size) : lax.div(total, lax.reduceSum(weights, axes));
}

/**
 * Negative log-likelihood: minus the log-probability of each label, of a network that ends with LogSoftmax: PyTorch's `nll_loss`.
 *
 * @param logProbabilities - [..., classes]
 * @param labels - [...], integers in [0, classes), or bools; see {@link crossEntropyWithLogits} for others
 * @returns a scalar, or [...] with `reduction: 'none'`
 * @throws DTypeError for labels that are floats; ShapeError for labels or weights that do not fit; ArgumentError for a label that is no class and
 *   for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * const logP = np.log(np.array([[0.25, 0.75]]));
 * losses.nll(logP, np.array([1], { dtype: 'int32' })).item(); // => 0.287682
 * ```
 */
export function nll(
  logProbabilities: ArrayLike,
  labels: ArrayLike,
  options: Omit<LabelOptions, 'labelSmoothing'> = {},
): NDArray {
  const op = 'nll';
  const scores = floats(op, logProbabilities);
  const y = checkLabels(op, scores, labels);
  const values = lax.neg(scoreOf(scores, y));
  return reduceLoss(op, values, withWeights(options, labelWeights(op, y, values, options)));
}

/**
 * Cross-entropy of predicted probabilities of the one of two classes: -t log p - (1 - t) log(1 - p), Keras's `binary_crossentropy`.
 * Probabilities count as if within [1e-7, 1 - 1e-7]. From a network that ends without Sigmoid,
 * {@link sigmoidBinaryCrossEntropy} is more accurate.
 *
 * @param probabilities - any shape
 * @param targets - of the same shape, in [0, 1]
 * @returns a scalar, or the values with `reduction: 'none'`
 * @throws ShapeError if the shapes differ or weights do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.binaryCrossEntropy(np.array([0.5, 0.9]), np.array([0, 1])).item(); // => 0.399254
 * ```
 */
export function binaryCrossEntropy(probabilities: ArrayLike, targets: ArrayLike, options?: LossOptions): NDArray {
  const op = 'binaryCrossEntropy';
  const [p, t] = pairOf(op, probabilities, targets);
  const other = lax.sub(1, p);
  const values = lax.add(lax.mul(t, logProbability(p)), lax.mul(lax.sub(1, t), logProbability(other)));
  return reduceLoss(op, lax.neg(values), options);
}

/** Options of {@link sigmoidBinaryCrossEntropy}. */
export interface BinaryOptions extends LossOptions {
  /** Factor of the term of the positive class; 1 by default. */
  positiveWeight?: ArrayLike;
}

/**
 * Cross-entropy of logits of the one of two classes, -w t log σ(z) - (1 - t) log(1 - σ(z)), computed by softplus: exact for logits
 * of any size. PyTorch's `binary_cross_entropy_with_logits`.
 *
 * @param logits - any shape
 * @param targets - of the same shape, in [0, 1]
 * @returns a scalar, or the values with `reduction: 'none'`
 * @throws ShapeError if the shapes differ, or weights or positiveWeight do not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.sigmoidBinaryCrossEntropy(np.array([-1e4, 1e4]), np.array([1, 1])).item(); // => 5000
 * ```
 */
export function sigmoidBinaryCrossEntropy(logits: ArrayLike, targets: ArrayLike, options: BinaryOptions = {}): NDArray {
  const op = 'sigmoidBinaryCrossEntropy';
  const [z, t] = pairOf(op, logits, targets);
  const positive = shareOf(t, softplus(lax.neg(z)));
  const { positiveWeight } = options;
  const weighed = positiveWeight === undefined ? positive : lax.mul(positive, factorsOf(op, positiveWeight, z));
  return reduceLoss(op, lax.add(weighed, shareOf(lax.sub(1, t), softplus(z))), options);
}
