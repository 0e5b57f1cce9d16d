/** Gumbel samples, and the categorical samples that are the largest of them. */
import { canonicalAxis, dropAxes, nth, range } from '../core/axes.js';
import { showShape, sizeOf, type Shape } from '../core/aval.js';
import { scalar } from '../core/concrete.js';
import { ArgumentError, DTypeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import {
  floatDType,
  FRACTION_BITS,
  sampleShape,
  shapeAndOptions,
  TINY,
  type FloatDType,
  type FloatOptions,
  type ShapeOr,
} from './arguments.js';
import { canonicalShape } from './key.js';
import { halves, uniformOn } from './uniform.js';

/** How fine the samples are: `low` reaches about 16 in float32, `high` about 32 at twice the cost. */
export type GumbelMode = 'low' | 'high';

/** Options of {@link gumbel}. */
export interface GumbelOptions extends FloatOptions {
  mode?: GumbelMode;
}

/** {@link gumbel} for the other samplers, whose name `op` errors carry. */
export function gumbelOf(op: string, key: NDArray, shape: Shape, dtype: FloatDType, mode: GumbelMode): NDArray {
  if (mode === 'low') {
    return lax.neg(lax.log(lax.neg(lax.log(uniformOn(op, key, shape, dtype, TINY[dtype], 1)))));
  }
  const [high, low] = halves(uniformOn(op, key, [2, ...shape], dtype));
  const fine = lax.mul(low, scalar(2 ** -FRACTION_BITS[dtype], dtype));
  const sum = lax.add(lax.add(high, fine), scalar(TINY[dtype], dtype));
  const u = lax.select(lax.ge(high, scalar(0.5, dtype)), high, sum);
  return lax.neg(lax.log(lax.neg(lax.log1p(lax.neg(u)))));
}

/**
 * Samples of the Gumbel distribution, density exp(-(x + e⁻ˣ)): -log(-log u) for u uniform on (0, 1).
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.gumbel(random.key(0), [2, 3]).shape; // => [2, 3]
 * ```
 */
export function gumbel(key: NDArray, shape?: ShapeOr<GumbelOptions>, options: GumbelOptions = {}): NDArray {
  const given = shapeAndOptions(shape, options);
  const { mode = 'low' } = given.options;
  const dims = canonicalShape('random.gumbel', given.shape ?? []);
  return gumbelOf('random.gumbel', key, dims, floatDType('random.gumbel', given.options), mode);
}

/** Options of {@link categorical}. */
export interface CategoricalOptions {
  /** The axis of the categories, the last by default. */
  axis?: number;
  /** Shape of the result; its last axes are those of `logits` without `axis`, the default. */
  shape?: Shape;
  /** Whether a category may be drawn twice along the leading axes of `shape`; true by default. */
  replace?: boolean;
  mode?: GumbelMode;
}

/**
 * Categories drawn with probabilities softmax(logits) along `axis`, as int32 indices: the position of the largest of
 * logits plus Gumbel samples, or without replacement the positions of the largest (Kool, van Hoof, Welling: "Stochastic
 * beams and where to find them", ICML 2019). Throws DTypeError for logits that are no floats, ShapeError for a shape
 * that does not end in that of the batch, ArgumentError for more draws without replacement than categories.
 *
 * @example
 * ```ts
 * import { random, numpy as np } from 'cotangent';
 * const logits = np.array([[0, -Infinity], [-Infinity, 0]]);
 * random.categorical(random.key(0), logits).js(); // => [0, 1]
 * random.categorical(random.key(0), logits, { shape: [5, 2] }).shape; // => [5, 2]
 * ```
 */
export function categorical(key: NDArray, logits: NDArray, options: CategoricalOptions = {}): NDArray {
  const op = 'random.categorical';
  const { dtype } = logits;
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new DTypeError(`${op}: logits are floats, got ${dtype}; convert them with astype('float32').${userLine()}`);
  }
  const axis = canonicalAxis(options.axis ?? -1, logits.ndim, op);
  const { replace = true, mode = 'low' } = options;
  const batch = dropAxes(logits.aval.shape, [axis]);
  const shape = sampleShape(op, options.shape, lax.full(batch, 0));
  const leading = shape.slice(0, shape.length - batch.length);
  const categories = nth(logits.aval.shape, axis);
  if (replace) {
    const rest = shape.slice(leading.length);
    const wide = [...leading, ...rest.slice(0, axis), categories, ...rest.slice(axis)];
    const scores = lax.add(gumbelOf(op, key, wide, dtype, mode), lax.broadcastTo(logits, wide));
    return lax.argmax(scores, leading.length + axis);
  }
  const draws = sizeOf(leading);
  if (draws > categories) {
    throw new ArgumentError(
      `${op}: cannot draw ${draws} of ${categories} categories without replacement (shape ${showShape(shape)}).${userLine()}`,
    );
  }
  const scores = lax.add(gumbelOf(op, key, logits.aval.shape, dtype, mode), logits);
  const last = lax.transpose(scores, [...range(logits.ndim).filter((d) => d !== axis), axis]);
  const [, indices] = lax.topK(last, draws);
  return lax.reshape(lax.transpose(indices, [batch.length, ...range(batch.length)]), shape);
}
