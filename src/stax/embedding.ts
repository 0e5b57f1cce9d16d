/** Embedding of integers as vectors, and of positions in a sequence. */
import { checkCount } from '../core/counts.js';
import { showShape, type Shape } from '../core/aval.js';
import { isFloat, type DType } from '../core/dtype.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { widenHalf } from '../lax/convert.js';
import * as lax from '../lax/index.js';
import { inexact } from '../numpy/promote.js';
import { take } from '../numpy/take.js';
import { checkArray, checkRank, checkShape, knownFeatures, promoteFloats } from './checks.js';
import { normal, type Initializer } from './initializers.js';
import { layer, NO_PARAMS, type Layer, type NoParams } from './layer.js';

/** Parameters of {@link Embedding}: a row for each token. */
export type EmbeddingParams = {
  readonly embeddings: NDArray;
};

/** Options of {@link Embedding}. */
export interface EmbeddingOptions {
  /** Initial vectors; `normal(0.05)` by default. */
  embeddings?: Initializer;
  /** Of the parameters; float32 by default. */
  dtype?: DType;
}

/**
 * A vector of `size` numbers for each integer from 0 to `count` - 1: [...] of integers to [..., size]. An integer that is out of
 * range gives NaNs, so that the loss shows it. Throws DTypeError for an input of floats.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.Embedding(10, 3);
 * const { params, outputShape } = init(random.key(0), [-1, 7]);
 * outputShape; // => [-1, 7, 3]
 * apply(params, np.array([[1, 5]], { dtype: 'int32' })).shape; // => [1, 2, 3]
 * ```
 */
export function Embedding(count: number, size: number, options: EmbeddingOptions = {}): Layer<EmbeddingParams> {
  const name = `Embedding(${count}, ${size})`;
  checkCount('Embedding', 'the number of tokens', count);
  checkCount('Embedding', 'the size', size);
  const { embeddings = normal(0.05), dtype } = options;
  return layer<EmbeddingParams>(
    (key, inputShape) => ({
      outputShape: [...checkShape(name, inputShape), size],
      params: { embeddings: embeddings(key, [count, size], dtype) },
    }),
    (params, tokens) => {
      const { dtype: given } = checkArray(name, tokens);
      if (isFloat(given) || given === 'bool') {
        throw new DTypeError(
          `${name}: takes integers, got ${tokens.aval.toString()}. Make them by np.array(tokens, { dtype: 'int32' }) or x.astype('int32').${userLine()}`,
        );
      }
      return take(params.embeddings, tokens, 0);
    },
    name,
  );
}

/** Parameters of {@link LearnedPositions}: a row for each position. */
export type PositionParams = {
  readonly positions: NDArray;
};

/** `table` [time, features] added to `x` [...batch, time, features]. */
function addRows(name: string, x: NDArray, table: NDArray): NDArray {
  const [y, rows] = promoteFloats(name, x, table);
  return lax.add(y, lax.broadcastInDim(rows, y.aval.shape, [y.ndim - 2, y.ndim - 1]));
}

const sequence = (name: string, shape: Shape): Shape => checkRank(name, shape, 2, '[..., time, features]', true);

/**
 * Adds to [..., time, features] the encoding of Vaswani et al. (arXiv 1706.03762, section 3.5): sin(t/10000^(2i/d)) to feature
 * 2i and the cosine of the same to feature 2i + 1, d being the number of features.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.PositionalEncoding[1]([], np.zeros([2, 2])).js(); // => [[0, 1], [0.841471, 0.540302]]
 * ```
 */
export const PositionalEncoding: Layer<NoParams> = layer<NoParams>(
  (_key, inputShape) => {
    knownFeatures('PositionalEncoding', sequence('PositionalEncoding', inputShape));
    return { outputShape: inputShape, params: NO_PARAMS };
  },
  (_params, input) => {
    const x = inexact('PositionalEncoding', checkArray('PositionalEncoding', input));
    sequence('PositionalEncoding', x.shape);
    const [steps = 1, features = 1] = x.shape.slice(-2);
    // In halves, positions would be the same from 2048 on.
    const { dtype } = widenHalf(x);
    const along = (d: number): NDArray => lax.broadcastedIota(dtype, [steps, features], d);
    const feature = along(1);
    const isOdd = lax.broadcastedIota('int32', [steps, features], 1);
    const pair = lax.sub(feature, lax.convertElementType(lax.bitwiseAnd(isOdd, 1), dtype));
    const angle = lax.mul(along(0), lax.exp(lax.mul(pair, -Math.log(10_000) / features)));
    const table = lax.select(lax.eq(lax.bitwiseAnd(isOdd, 1), 1), lax.cos(angle), lax.sin(angle));
    return addRows('PositionalEncoding', x, lax.convertElementType(table, x.dtype));
  },
  'PositionalEncoding',
);

/**
 * Adds to [..., time, features] a learned vector for each position, of at most `maxLength`. Throws ShapeError for longer
 * sequences.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.LearnedPositions(16);
 * const { params } = init(random.key(0), [-1, 10, 4]);
 * apply(params, np.ones([2, 10, 4])).shape; // => [2, 10, 4]
 * ```
 */
export function LearnedPositions(
  maxLength: number,
  { positions = normal(0.02), dtype }: { positions?: Initializer; dtype?: DType } = {},
): Layer<PositionParams> {
  const name = `LearnedPositions(${maxLength})`;
  checkCount('LearnedPositions', 'the largest length', maxLength);
  return layer<PositionParams>(
    (key, inputShape) => {
      const features = knownFeatures(name, sequence(name, inputShape));
      return { outputShape: inputShape, params: { positions: positions(key, [maxLength, features], dtype) } };
    },
    (params, input) => {
      const [steps = 1] = sequence(name, checkArray(name, input).shape).slice(-2);
      if (steps > maxLength) {
        throw new ShapeError(
          `${name}: a sequence of ${steps} steps, x of shape ${showShape(input.shape)}, is longer than the ${maxLength} positions.${userLine()}`,
        );
      }
      return addRows(name, input, lax.sliceInDim(params.positions, 0, steps, 0));
    },
    name,
  );
}
