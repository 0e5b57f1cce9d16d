/** The transformer's block: attention and two dense layers, each around a shortcut, with normalisation and dropout. */
import type { DType } from '../core/dtype.js';
import type { NDArray } from '../core/ndarray.js';
import * as nn from '../nn/index.js';
import { add } from '../numpy/arithmetic.js';
import { spawn } from '../random/key.js';
import { MultiHeadAttention, type AttentionOptions, type AttentionParams } from './attention.js';
import { checkRank, knownFeatures } from './checks.js';
import { affine, Dense, type DenseParams } from './dense.js';
import { glorotUniform, type Initializer } from './initializers.js';
import { layer, type Layer } from './layer.js';
import { Dropout } from './noise.js';
import { LayerNorm, type NormParams } from './normalization.js';

/** Options of {@link TransformerBlock}. */
export interface TransformerOptions extends AttentionOptions {
  /** Features between the two dense layers; 4 times those of the input by default. */
  hidden?: number;
  /** Of dropout after attention and after the dense layers; 0 by default. */
  dropout?: number;
  /** Normalise what attention and dense layers read (Xiong et al., arXiv 2002.04745), or the sums, as in 2017. True by default. */
  normFirst?: boolean;
  /** Between the dense layers, `nn.gelu` by default. */
  activation?: (x: NDArray) => NDArray;
  /** Initial kernels, `glorotUniform()` by default. */
  W?: Initializer;
  /** Of the parameters; float32 by default. */
  dtype?: DType;
}

/** Parameters of {@link TransformerBlock}. */
export type TransformerParams = {
  readonly attention: AttentionParams;
  readonly norm1: NormParams;
  readonly dense1: DenseParams;
  readonly dense2: DenseParams;
  readonly norm2: NormParams;
};

/**
 * An encoder block of the transformer over [..., time, features], with `heads` heads: with `normFirst`
 * y = x + attention(norm1(x)) and y + dense2(activation(dense1(norm2(y)))), else y = norm1(x + attention(x)) and
 * norm2(y + dense2(activation(dense1(y)))). Masks and `causal` are those of {@link MultiHeadAttention}; training with dropout
 * takes a key.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.serial(
 *   stax.Embedding(50, 16), stax.PositionalEncoding, stax.TransformerBlock(4), stax.TransformerBlock(4), stax.GlobalAvgPool,
 * );
 * const { params } = init(random.key(0), [-1, 12]);
 * apply(params, np.ones([2, 12], { dtype: 'int32' })).shape; // => [2, 16]
 * ```
 */
export function TransformerBlock(heads: number, options: TransformerOptions = {}): Layer<TransformerParams> {
  const {
    dropout = 0,
    normFirst = true,
    activation = (x: NDArray) => nn.gelu(x),
    W = glorotUniform(),
    dtype,
  } = options;
  const name = `TransformerBlock(${heads})`;
  const [initAttention, attention] = MultiHeadAttention(heads, options);
  const of = dtype === undefined ? {} : { dtype };
  const [initNorm, norm] = LayerNorm(of);
  const [, drop] = Dropout(dropout);
  return layer<TransformerParams>(
    (key, inputShape) => {
      const features = knownFeatures(name, checkRank(name, inputShape, 2, '[..., time, features]', true));
      const hidden = options.hidden ?? 4 * features;
      const [k1, k2, k3] = spawn(key, 3);
      const dense = (k: NDArray, from: number, to: number): DenseParams => Dense(to, { W, ...of })[0](k, [from]).params;
      const norms = initNorm(key, inputShape).params;
      return {
        outputShape: inputShape,
        params: {
          attention: initAttention(k1, inputShape).params,
          norm1: norms,
          dense1: dense(k2, features, hidden),
          dense2: dense(k3, hidden, features),
          norm2: norms,
        },
      };
    },
    (params, x, context = {}) => {
      const keys = context.key === undefined ? [] : spawn<number>(context.key, 2);
      const dropped = (i: number, y: NDArray): NDArray => drop([], y, { ...context, key: keys[i] });
      const attend = (y: NDArray): NDArray => dropped(0, attention(params.attention, y, context));
      const forward = (y: NDArray): NDArray => {
        const hidden = activation(affine(name, y, params.dense1.W, params.dense1.b));
        return dropped(1, affine(name, hidden, params.dense2.W, params.dense2.b));
      };
      if (normFirst) {
        const y = add(x, attend(norm(params.norm1, x)));
        return add(y, forward(norm(params.norm2, y)));
      }
      const y = norm(params.norm1, add(x, attend(x)));
      return norm(params.norm2, add(y, forward(y)));
    },
    name,
  );
}
