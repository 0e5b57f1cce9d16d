/** Attention: Vaswani et al., "Attention is all you need", arXiv 1706.03762, section 3.2. */
import { checkCount } from '../core/counts.js';
import type { Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import * as nn from '../nn/index.js';
import { spawn } from '../random/key.js';
import { checkArray, checkRank, knownFeatures } from './checks.js';
import { affine } from './dense.js';
import { glorotUniform, zeros, type Initializer } from './initializers.js';
import { layer, type Layer } from './layer.js';
import { checkMask } from './masks.js';

/** Parameters of attention: kernels [features, heads · size] and biases of queries, keys and values, and of the output. */
export type AttentionParams = {
  readonly Wq: NDArray;
  readonly Wk: NDArray;
  readonly Wv: NDArray;
  readonly Wo: NDArray;
  readonly bq: NDArray;
  readonly bk: NDArray;
  readonly bv: NDArray;
  readonly bo: NDArray;
};

/** Options of {@link MultiHeadAttention}. */
export interface AttentionOptions {
  /** Features of a head's queries, keys and values; features / heads by default. */
  size?: number;
  /** Whether a step sees only itself and those before it; false by default. */
  causal?: boolean;
  /** Initial kernels, `glorotUniform()` by default. */
  W?: Initializer;
  /** Of the parameters; float32 by default. */
  dtype?: DType;
}

const LAYOUT = '[..., time, features]';

/** [..., time, heads · size] as [..., heads, time, size]. */
function heads(x: NDArray, count: number): NDArray {
  const [time = 1, features = 1] = x.aval.shape.slice(-2);
  const batch = x.aval.shape.slice(0, -2);
  const apart = lax.reshape(x, [...batch, time, count, features / count]);
  return lax.transpose(apart, [...batch.keys(), batch.length + 1, batch.length, batch.length + 2]);
}

/** The inverse of {@link heads}. */
function join(x: NDArray): NDArray {
  const [count = 1, time = 1, size = 1] = x.aval.shape.slice(-3);
  const batch = x.aval.shape.slice(0, -3);
  const together = lax.transpose(x, [...batch.keys(), batch.length + 1, batch.length, batch.length + 2]);
  return lax.reshape(together, [...batch, time, count * size]);
}

/** Products of vectors over axis `a` of x and `b` of y, for each element of the other leading axes. */
function products(x: NDArray, y: NDArray, a: number, b: number): NDArray {
  const batch = [...Array(x.ndim - 2).keys()];
  return lax.dotGeneral(x, y, [
    [[a], [b]],
    [batch, batch],
  ]);
}

/** Which keys a query may see: bool of the shape of the scores [..., heads, queries, keys]; undefined for all. */
function visible(scores: NDArray, causal: boolean, mask: NDArray | undefined): NDArray | undefined {
  const shape = scores.aval.shape;
  const rank = shape.length;
  const past = causal
    ? lax.ge(lax.broadcastedIota('int32', shape, rank - 2), lax.broadcastedIota('int32', shape, rank - 1))
    : undefined;
  const there =
    mask === undefined
      ? undefined
      : lax.broadcastInDim(mask, shape, [...mask.aval.shape.slice(0, -1).keys(), rank - 1]);
  if (past === undefined || there === undefined) return past ?? there;
  return lax.bitwiseAnd(past, there);
}

/**
 * Multi-head attention of a sequence to itself, [..., time, features] to the same shape: each head computes
 * softmax(q kᵀ/√size) v of q, k, v = x W + b, and the heads together are multiplied by Wo.
 *
 * A mask in the context [..., time] hides the keys that are not there; `causal` those that come later. A query that sees no
 * key gets no value.
 *
 * @throws ShapeError unless the number of heads divides the features, or `size` is given; ArgumentError for a number that is no whole one.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.MultiHeadAttention(4, { causal: true });
 * const { params } = init(random.key(0), [-1, 10, 16]);
 * apply(params, np.ones([2, 10, 16])).shape; // => [2, 10, 16]
 * ```
 */
export function MultiHeadAttention(count: number, options: AttentionOptions = {}): Layer<AttentionParams> {
  const name = `MultiHeadAttention(${count})`;
  checkCount('MultiHeadAttention', 'the number of heads', count);
  if (options.size !== undefined) checkCount('MultiHeadAttention', 'the size of a head', options.size);
  const { causal = false, W = glorotUniform(), dtype } = options;
  const widthOf = (shape: Shape): number => {
    const features = knownFeatures(name, checkRank(name, shape, 2, LAYOUT, true));
    if (options.size !== undefined) return count * options.size;
    if (features % count === 0) return features;
    throw new ShapeError(
      `${name}: ${features} features do not divide into ${count} heads; give the \`size\` of a head.${userLine()}`,
    );
  };
  return layer<AttentionParams>(
    (key, inputShape) => {
      const width = widthOf(inputShape);
      const features = knownFeatures(name, inputShape);
      const [q, k, v, o] = spawn(key, 4);
      const bias = (n: number): NDArray => zeros(key, [n], dtype);
      const into = (each: NDArray): NDArray => W(each, [features, width], dtype);
      const params = { Wq: into(q), Wk: into(k), Wv: into(v), Wo: W(o, [width, features], dtype) };
      return {
        outputShape: inputShape,
        params: { ...params, bq: bias(width), bk: bias(width), bv: bias(width), bo: bias(features) },
      };
    },
    (params, x, context) => {
      checkRank(name, checkArray(name, x).shape, 2, LAYOUT, true);
      const [q, k, v] = [
        affine(name, x, params.Wq, params.bq),
        affine(name, x, params.Wk, params.bk),
        affine(name, x, params.Wv, params.bv),
      ].map((each) => heads(each, count)) as [NDArray, NDArray, NDArray];
      const last = q.ndim - 1;
      // The scale is in before the product, which of halves could overflow.
      const scores = products(lax.mul(q, 1 / Math.sqrt(q.aval.shape[last] ?? 1)), k, last, last);
      const mask = context?.mask === undefined ? undefined : checkMask(name, context.mask, x);
      const seen = visible(scores, causal, mask);
      const weights = seen === undefined ? nn.softmax(scores) : maskedSoftmax(scores, seen);
      return affine(name, join(products(weights, v, last, last - 1)), params.Wo, params.bo);
    },
    name,
  );
}

/** The softmax of what is seen; zeros where nothing is, with derivatives that are zeros too. */
function maskedSoftmax(scores: NDArray, seen: NDArray): NDArray {
  // A finite stand-in for -∞: rows without anything seen are then a softmax, not NaN, before they become 0.
  const low = scores.dtype === 'float16' ? -3e4 : -1e30;
  const weights = nn.softmax(lax.select(seen, scores, lax.scalarLike(low, scores)));
  return lax.select(seen, weights, lax.scalarLike(0, weights));
}
