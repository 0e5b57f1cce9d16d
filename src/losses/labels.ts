/** Integer labels of classes: what losses and metrics ask of them, and the scores that belong to them. */
import { showShape } from '../core/aval.js';
import { ConcreteArray, scalar } from '../core/concrete.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError, DTypeError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { asarray } from '../numpy/creation.js';

/** Numbers of classes as an array: JS integers are int32 here, which elsewhere are floats when they are alone. */
export const classNumbers = (x: ArrayLike): NDArray =>
  typeof x === 'number' && Number.isInteger(x) ? scalar(x, 'int32') : asarray(x);

/** Labels as an array of integers or bools; throws DTypeError for floats. `advice` is what else could be meant. */
export function integerLabels(op: string, labels: ArrayLike, advice = ''): NDArray {
  const array = classNumbers(labels);
  if (!isFloat(array.dtype)) return array;
  throw new DTypeError(
    `${op}: labels are integers, the numbers of classes, got ${array.aval.toString()}. Convert them by ` +
      `labels.astype('int32')${advice}.${userLine()}`,
  );
}

/** Throws ArgumentError for a value that is no class, `what` being one value; where values are not known (in a trace) nothing. */
export function checkInRange(op: string, what: string, values: NDArray, classes: number): void {
  // Reading from a GPU would wait for it.
  if (!(values instanceof ConcreteArray) || values.storage.device.kind !== 'cpu') return;
  const data = values.dataSync();
  const index = data.findIndex((value) => value < 0 || value >= classes);
  if (index === -1) return;
  throw new ArgumentError(
    `${op}: ${what} ${data[index] ?? ''} at index ${index} is no class: there are ${classes}, from 0 to ${classes - 1}.${userLine()}`,
  );
}

/**
 * Labels [...batch], integers or bools, of classes along the last axis of `scores` [...batch, classes], as int32. Throws DTypeError,
 * ShapeError, and ArgumentError as {@link checkInRange}.
 */
export function checkLabels(op: string, scores: NDArray, given: ArrayLike): NDArray {
  const labels = integerLabels(op, given, ', or give probabilities to losses.softmaxCrossEntropy');
  const classes = scores.aval.shape.at(-1);
  if (classes === undefined || scores.shape.slice(0, -1).join() !== labels.shape.join()) {
    throw new ShapeError(
      `${op}: scores of shape ${showShape(scores.shape)}, with the classes last, need labels of shape ` +
        `${showShape(scores.shape.slice(0, -1))}, got ${showShape(labels.shape)}.${userLine()}`,
    );
  }
  checkInRange(op, 'label', labels, classes);
  return lax.convertElementType(labels, 'int32');
}

/** The score of each label, an int32; NaN for a label that is no class, which only a trace can have let pass. */
export function scoreOf(scores: NDArray, labels: NDArray): NDArray {
  const shape = scores.aval.shape;
  const last = shape.length - 1;
  const classes = shape[last] ?? 0;
  const index = lax.broadcastInDim(
    labels,
    shape,
    labels.aval.shape.map((_, d) => d),
  );
  const isLabel = lax.eq(lax.broadcastedIota('int32', shape, last), index);
  // A comparison with each class and a sum fuse with the softmax that made the scores; a gather would not.
  const chosen = lax.reduceSum(lax.select(isLabel, scores, lax.scalarLike(0, scores)), [last]);
  const inRange = lax.bitwiseAnd(lax.ge(labels, 0), lax.lt(labels, classes));
  return lax.select(inRange, chosen, lax.scalarLike(NaN, chosen));
}
