/** What all losses have in common: floats of one shape, one value for each example, weighed, and then their mean. */
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { widenHalf } from '../lax/convert.js';
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

/** An argument of a loss as floats. A half holds no square from 256 on, no sum from 65,520, and no 1e-16: losses of halves are float32, as under PyTorch's autocast. */
export const floats = (op: string, x: ArrayLike): NDArray => widenHalf(inexact(op, x));

/** Weights broadcast against values, in their dtype. A number does not go by float32, which would round it. */
export const factorsOf = (op: string, weights: ArrayLike, values: NDArray): NDArray =>
  typeof weights === 'number'
    ? lax.broadcastTo(lax.scalarLike(weights, values), values.aval.shape)
    : lax.convertElementType(broadcastTo(inexact(op, weights), values.shape), values.dtype);

/** t · loss, 0 where t is 0 and the loss infinite: what has no part in the target costs nothing. */
export function shareOf(target: NDArray, loss: NDArray): NDArray {
  const hasNoPart = lax.bitwiseAnd(lax.eq(target, 0), lax.eq(lax.abs(loss), Infinity));
  return lax.mul(target, lax.select(hasNoPart, lax.scalarLike(0, loss), loss));
}

/** Values of examples, reduced as the options say. Throws ArgumentError for the mean of nothing, ShapeError for weights that do not fit. */
export function reduceLoss(op: string, values: NDArray, { reduction = 'mean', weights }: LossOptions = {}): NDArray {
  if (values.size === 0 && reduction === 'mean') {
    throw new ArgumentError(
      `${op}: the batch is empty (${showShape(values.shape)}), and the mean of no values is undefined. Leave empty batches out.${userLine()}`,
    );
  }
  const axes = values.aval.shape.map((_, d) => d);
  const sum = (x: NDArray): NDArray => lax.reduceSum(x, axes);
  if (weights === undefined) {
    if (reduction === 'none') return values;
    return reduction === 'sum' ? sum(values) : lax.mul(sum(values), 1 / values.size);
  }
  const factors = factorsOf(op, weights, values);
  const weighed = lax.mul(values, factors);
  if (reduction === 'none') return weighed;
  return reduction === 'sum' ? sum(weighed) : lax.div(sum(weighed), sum(factors));
}

const PREDICTED = ['predictions', 'targets'] as const;

/** Two arrays of one shape and dtype, {@link floats}; throws ShapeError with their `names`. Numbers fit any shape. */
export function pairOf(
  op: string,
  x: ArrayLike,
  y: ArrayLike,
  names: readonly [string, string] = PREDICTED,
): readonly [NDArray, NDArray] {
  const [a, b] = [x, y].map((v) => (v instanceof NDArray ? v.shape : []));
  if (a?.length !== 0 && b?.length !== 0 && a?.join() !== b?.join()) {
    const advice = names === PREDICTED ? ' Reshape one of them: a network with one output gives [batch, 1].' : '';
    throw new ShapeError(
      `${op}: ${names[0]} of shape ${showShape(a ?? [])} and ${names[1]} of shape ${showShape(b ?? [])} must have one shape.` +
        `${advice}${userLine()}`,
    );
  }
  const [p, q] = promoteInexact2(op, x, y);
  return [widenHalf(p), widenHalf(q)];
}
