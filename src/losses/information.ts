/** Information: entropy, cross-entropy and divergence of distributions, in nats or bits, and likelihood. */
import { ShapeError } from '../core/errors.js';
import { showShape } from '../core/aval.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { entr, relEntr, xlogy } from '../scipy/special/entropy.js';
import { floats, pairOf } from './reduction.js';

/** Options of {@link entropy}, {@link crossEntropy} and {@link klDivergence}. */
export interface InformationOptions {
  /** Logarithms to the base e (`nats`, the default) or 2. */
  unit?: 'nats' | 'bits';
}

/** The sum over the last axis, in the unit. */
function total(op: string, terms: NDArray, { unit = 'nats' }: InformationOptions): NDArray {
  if (terms.ndim === 0) {
    throw new ShapeError(
      `${op}: a distribution is the last axis, but there is none in ${showShape(terms.shape)}.${userLine()}`,
    );
  }
  const sum = lax.reduceSum(terms, [terms.ndim - 1]);
  return unit === 'bits' ? lax.mul(sum, Math.LOG2E) : sum;
}

/** 1 for a probability of 0: the logarithm is 0 as 0 log 0 is, and so is the derivative, where that of log 0 would make NaN of all. */
const unlessZero = (p: NDArray, isZero = lax.eq(p, 0)): NDArray => lax.select(isZero, lax.scalarLike(1, p), p);

/**
 * The entropy H(P) = -Σ p log p of distributions along the last axis (Shannon, 1948); 0 log 0 is 0, and its derivative
 * counts as 0.
 *
 * @param p - [..., outcomes]
 * @returns [...]
 * @throws ShapeError if there is no axis.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.entropy(np.array([0.5, 0.25, 0.25]), { unit: 'bits' }).item(); // => 1.5
 * ```
 */
export const entropy = (p: ArrayLike, options: InformationOptions = {}): NDArray =>
  total('entropy', entr(unlessZero(floats('entropy', p))), options);

/**
 * The cross-entropy H(P, Q) = -Σ p log q of distributions along the last axis: how many nats or bits the outcomes of P take
 * in the code of Q. It is H(P) + KL(P ‖ Q). Infinite where q is 0 and p is not.
 *
 * @param p - [..., outcomes]
 * @param q - of the same shape
 * @returns [...]
 * @throws ShapeError if the shapes differ or there is no axis.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.crossEntropy(np.array([0.5, 0.5]), np.array([0.25, 0.75]), { unit: 'bits' }).item(); // => 1.207519
 * ```
 */
export function crossEntropy(p: ArrayLike, q: ArrayLike, options: InformationOptions = {}): NDArray {
  const [a, b] = pairOf('crossEntropy', p, q, ['p', 'q']);
  const bothZero = lax.bitwiseAnd(lax.eq(a, 0), lax.eq(b, 0));
  return total('crossEntropy', lax.neg(xlogy(a, unlessZero(b, bothZero))), options);
}

/**
 * The divergence KL(P ‖ Q) = Σ p log(p/q) of distributions along the last axis (Kullback and Leibler, 1951). It is not negative, 0
 * only if P = Q, and not symmetric. Infinite where q is 0 and p is not.
 *
 * @param p - [..., outcomes]
 * @param q - of the same shape
 * @returns [...]
 * @throws ShapeError if the shapes differ or there is no axis.
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * const [p, q] = [np.array([0.5, 0.5]), np.array([0.25, 0.75])];
 * losses.klDivergence(p, q).item(); // => 0.143841
 * losses.klDivergence(q, p).item(); // => 0.130812
 * ```
 */
export function klDivergence(p: ArrayLike, q: ArrayLike, options: InformationOptions = {}): NDArray {
  const [a, b] = pairOf('klDivergence', p, q, ['p', 'q']);
  return total('klDivergence', relEntr(a, b), options);
}

/**
 * The likelihood of independent observations: the product, over all axes, of the probabilities that a model gave to what
 * was observed.
 *
 * @param probabilities - any shape
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.likelihood(np.array([0.9, 0.8, 0.5])).item(); // => 0.36
 * ```
 */
export function likelihood(probabilities: ArrayLike): NDArray {
  const p = floats('likelihood', probabilities);
  return lax.reduceProd(p, [...p.aval.shape.keys()]);
}

/**
 * The log-likelihood, the sum of the logarithms: what does not underflow for many observations.
 *
 * @param probabilities - any shape
 *
 * @example
 * ```ts
 * import { losses, numpy as np } from 'cotangent';
 * losses.logLikelihood(np.full([1000], 0.5)).item(); // => -693.147
 * ```
 */
export function logLikelihood(probabilities: ArrayLike): NDArray {
  const p = floats('logLikelihood', probabilities);
  return lax.reduceSum(lax.log(p), [...p.aval.shape.keys()]);
}
