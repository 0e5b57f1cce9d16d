/** What all losses have in common: one value for each example, weighed, and then their mean. */
import { showShape } from '../core/aval.js';
import { ConcreteArray } from '../core/concrete.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError, DTypeError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { broadcastTo } from '../numpy/shape.js';
import { inexact, promoteInexact2 } from '../numpy/promote.js';

/** Options of all losses. */
export interface LossOptions {
  /**
   * What becomes of the values of the examples: their mean (the default), which `grad` takes, their sum, or `none`: the values. With
   * weights the mean is Σ w l / Σ w.
   */
  reduction?: 'mean' | 'sum' | 'none';
  /** A factor for each example, broadcast against the values. */
  weights?: ArrayLike;
}

/** Values of examples, reduced as the options say. Throws ArgumentError for the mean of nothing. */
export function reduceLoss(op: string, values: NDArray, { reduction = 'mean', weights }: LossOptions = {}): NDArray {
  if (values.size === 0 && reduction === 'mean') {
    throw new ArgumentError(
      `${op}: the batch is empty (${showShape(values.shape)}), and nothing has no mean. Leave empty batches out.${userLine()}`,
    );
  }
  const axes = values.aval.shape.map((_, d) => d);
  const sum = (x: NDArray): NDArray => lax.reduceSum(x, axes);
  if (weights === undefined) {
    if (reduction === 'none') return values;
    return reduction === 'sum' ? sum(values) : lax.mul(sum(values), 1 / values.size);
  }
  const factors = lax.convertElementType(broadcastTo(inexact(op, weights), values.shape), values.dtype);
  const weighed = lax.mul(values, factors);
  if (reduction === 'none') return weighed;
  return reduction === 'sum' ? sum(weighed) : lax.div(sum(weighed), sum(factors));
}

/** Two arrays of one shape and float dtype; throws ShapeError naming both. Numbers fit any shape. */
export function pairOf(op: string, predictions: ArrayLike, targets: ArrayLike): readonly [NDArray, NDArray] {
  const [a, b] = [predictions, targets].map((x) => (x instanceof NDArray ? x.shape : []));
  if (a?.length !== 0 && b?.length !== 0 && a?.join() !== b?.join()) {
    throw new ShapeError(
      `${op}: predictions of shape ${showShape(a ?? [])} and targets of shape ${showShape(b ?? [])} must have one shape. ` +
        `Reshape one of them: a network with one output gives [batch, 1].${userLine()}`,
    );
  }
  return promoteInexact2(op, predictions, targets);
}

/**
 * Integer labels [...batch] of classes along the last axis of `scores` [...batch, classes], checked: the dtype, the shape, and where the
 * values are known (outside a trace) that each is a class.
 */
export function checkLabels(op: string, scores: NDArray, labels: NDArray): void {
  const classes = scores.aval.shape.at(-1);
  if (isFloat(labels.dtype)) {
    throw new DTypeError(
      `${op}: labels are integers, the numbers of classes, got ${labels.aval.toString()}. Convert them by labels.astype('int32'), or ` +
        `give probabilities to losses.softmaxCrossEntropy.${userLine()}`,
    );
  }
  if (classes === undefined || scores.shape.slice(0, -1).join() !== labels.shape.join()) {
    throw new ShapeError(
      `${op}: scores of shape ${showShape(scores.shape)}, with the classes last, need labels of shape ` +
        `${showShape(scores.shape.slice(0, -1))}, got ${showShape(labels.shape)}.${userLine()}`,
    );
  }
  // Reading from a GPU would wait for it.
  if (!(labels instanceof ConcreteArray) || labels.storage.device.kind !== 'cpu') return;
  const data = labels.dataSync();
  const index = data.findIndex((label) => label < 0 || label >= classes);
  if (index === -1) return;
  throw new ArgumentError(
    `${op}: label ${data[index] ?? ''} at index ${index} is no class: there are ${classes}, from 0 to ${classes - 1}.${userLine()}`,
  );
}

/** The score of each label; NaN for a label that is no class, which only a trace can have let pass. */
export function scoreOf(scores: NDArray, labels: NDArray): NDArray {
  const shape = scores.aval.shape;
  const last = shape.length - 1;
  const classes = shape[last] ?? 0;
  const index = lax.broadcastInDim(
    lax.convertElementType(labels, 'int32'),
    shape,
    labels.aval.shape.map((_, d) => d),
  );
  const isLabel = lax.eq(lax.broadcastedIota('int32', shape, last), index);
  // A comparison with each class and a sum fuse with the softmax that made the scores; a gather would not.
  const chosen = lax.reduceSum(lax.select(isLabel, scores, lax.scalarLike(0, scores)), [last]);
  const inRange = lax.bitwiseAnd(lax.ge(labels, 0), lax.lt(labels, classes));
  return lax.select(inRange, chosen, lax.scalarLike(NaN, chosen));
}
