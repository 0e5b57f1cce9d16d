/** Connectionist temporal classification: sequences of labels whose places in time are not known. */
import { showShape } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { scan } from '../control/scan.js';
import * as lax from '../lax/index.js';
import { logSoftmax } from '../nn/normalisation.js';
import { moveaxis } from '../numpy/shape.js';
import { takeAlongAxis } from '../numpy/take.js';
import { integerLabels } from './labels.js';
import { floats, reduceLoss, type LossOptions } from './reduction.js';

/** Options of {@link ctc}. */
export interface CtcOptions extends LossOptions {
  /** The class that stands for no label; 0 by default. */
  blank?: number;
  /** Steps of each sequence, [batch]; all of them by default. */
  inputLengths?: NDArray;
  /** Labels of each sequence, [batch]; all of them by default. */
  labelLengths?: NDArray;
}

/** log of probability 0, finite, so that differences and derivatives of impossible paths are not NaN. */
const IMPOSSIBLE = -1e30;

/** log(eᵃ + eᵇ + …) of arrays of one shape. */
function logAdd(...terms: readonly [NDArray, ...NDArray[]]): NDArray {
  const largest = lax.stopGradient(terms.reduce((a, b) => lax.max(a, b)));
  const sum = terms.map((x) => lax.exp(lax.sub(x, largest))).reduce((a, b) => lax.add(a, b));
  return lax.add(lax.log(sum), largest);
}

/** Along the last axis, `by` places to the right, with what is impossible at the left. */
const shifted = (x: NDArray, by: number): NDArray =>
  lax.pad(x, IMPOSSIBLE, [[0, 0, 0], [by, -by, 0]]); // prettier-ignore

/**
 * Minus the log-probability of the label sequences, summed over all ways to place them in time with blanks between (Graves et al.,
 * "Connectionist temporal classification", ICML 2006): the forward recursion, as one `lax.scan` of logarithms. A sequence
 * that is too short for its labels has the loss 1e30.
 *
 * @param logits - [batch, time, classes]
 * @param labels - [batch, labels], integers; those beyond `labelLengths` are padding
 * @returns a scalar, or [batch] with `reduction: 'none'`
 * @throws DTypeError for labels that are floats; ShapeError for other ranks, batches of different lengths, no step of time, or weights that do
 *   not fit; ArgumentError for the mean of an empty batch.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * // Two steps, two classes, all alike: of the 4 paths, (1, 1), (blank, 1) and (1, blank) read "1".
 * losses.ctc(np.zeros([1, 2, 2]), np.array([[1]], { dtype: 'int32' })).item(); // => 0.287682
 * ```
 */
export function ctc(logits: ArrayLike, labels: ArrayLike, options: CtcOptions = {}): NDArray {
  const z = floats('ctc', logits);
  const y = integerLabels('ctc', labels);
  const [batch = 0, time = 0] = z.shape;
  const [rows, count = 0] = y.shape;
  if (z.ndim !== 3 || y.ndim !== 2 || rows !== batch || time === 0) {
    throw new ShapeError(
      `ctc: takes logits [batch, time, classes] and labels [batch, labels], got ${showShape(z.shape)} and ${showShape(y.shape)}.${userLine()}`,
    );
  }
  const { blank = 0, inputLengths, labelLengths } = options;
  // blank, label, blank, label, …, blank: 2 labels + 1 states.
  const states = 2 * count + 1;
  const shape = [batch, states];
  const place = lax.broadcastedIota('int32', shape, 1);
  const isLabel = lax.eq(lax.bitwiseAnd(place, 1), 1);
  const spread = count === 0 ? lax.full(shape, blank, 'int32') : spreadLabels(y, batch, count);
  const ends = lax.mul(lax.convertElementType(labelLengths ?? lax.full([batch], count, 'int32'), 'int32'), 2);
  const column = lax.broadcastInDim(ends, shape, [0]);
  // Padding may be no class, whose score is NaN: no path to the end goes by it, but 0 times its derivative would be NaN.
  const isRead = lax.bitwiseAnd(isLabel, lax.lt(place, column));
  const symbols = lax.select(isRead, spread, lax.full(shape, blank, 'int32'));
  // A label may follow the last but one state if that is another label: the blank between is left out.
  const before = lax.pad(symbols, blank, [[0, 0, 0], [2, -2, 0]]); // prettier-ignore
  const mayJump = lax.bitwiseAnd(isLabel, lax.ne(symbols, before));

  const logP = logSoftmax(z);
  const never = lax.full(shape, IMPOSSIBLE, z.dtype);
  const scores = moveaxis(takeAlongAxis(logP, lax.broadcastInDim(symbols, [batch, time, states], [0, 2]), 2), 1, 0);
  // Before the first step, the path is at a place to the left of all states.
  const start = lax.select(lax.eq(place, 0), lax.full(shape, 0, z.dtype), never);
  const lengths = inputLengths ?? lax.full([batch], time, 'int32');
  const steps = lax.iota('int32', time);
  const [last] = scan(
    (alpha: NDArray, [score, t]: readonly [NDArray, NDArray]): [NDArray, null] => {
      const jumped = lax.select(mayJump, shifted(alpha, 2), never);
      const reached = lax.add(logAdd(alpha, shifted(alpha, 1), jumped), score);
      // The first step reaches the first two states alone, which is what the start makes of it.
      const isOver = lax.ge(lax.broadcastTo(t, [batch]), lax.convertElementType(lengths, 'int32'));
      return [lax.select(lax.broadcastInDim(isOver, shape, [0]), alpha, reached), null];
    },
    start,
    [scores, steps] as const,
  );
  const isEnd = lax.bitwiseOr(lax.eq(place, column), lax.eq(place, lax.sub(column, 1)));
  const ended = lax.select(isEnd, last, never);
  const largest = lax.stopGradient(lax.reduceMax(ended, [1]));
  const sum = lax.reduceSum(lax.exp(lax.sub(ended, lax.broadcastInDim(largest, shape, [0]))), [1]);
  return reduceLoss('ctc', lax.neg(lax.add(lax.log(sum), largest)), options);
}

/** Each label twice, and the last once more: what is at the odd places are the labels in order. */
function spreadLabels(labels: NDArray, batch: number, count: number): NDArray {
  const twice = lax.reshape(lax.broadcastInDim(lax.convertElementType(labels, 'int32'), [batch, count, 2], [0, 1]), [
    batch,
    2 * count,
  ]);
  return lax.pad(twice, 0, [[0, 0, 0], [0, 1, 0]]); // prettier-ignore
}
