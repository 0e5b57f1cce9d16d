/**
 * Smooth activation functions by the names of `jax.nn`. All are elementwise, take numbers and arrays (integers become
 * float32), and use formulas that neither overflow nor lose their derivatives.
 */
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { inexact, promoteInexact2 } from '../numpy/promote.js';
import { softplus } from '../scipy/special/logistic.js';

export { softplus } from '../scipy/special/logistic.js';

/**
 * The logistic function 1/(1 + e⁻ˣ).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.sigmoid(0).item(); // => 0.5
 * ```
 */
export const sigmoid = (x: ArrayLike): NDArray => lax.logistic(inexact('sigmoid', x));

/**
 * log sigmoid(x) = -softplus(-x).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.logSigmoid(0).item(); // => -0.693147
 * ```
 */
export const logSigmoid = (x: ArrayLike): NDArray => lax.neg(softplus(lax.neg(inexact('logSigmoid', x))));

/**
 * x sigmoid(x), also known as swish (arXiv 1702.03118).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.silu(1).item(); // => 0.731059
 * ```
 */
export function silu(x: ArrayLike): NDArray {
  const array = inexact('silu', x);
  return lax.mul(array, lax.logistic(array));
}

/** Another name of {@link silu}. */
export const swish = silu;

/**
 * x tanh(softplus(x)) (arXiv 1908.08681).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.mish(1).item(); // => 0.865098
 * ```
 */
export function mish(x: ArrayLike): NDArray {
  const array = inexact('mish', x);
  return lax.mul(array, lax.tanh(softplus(array)));
}

/**
 * x/(1 + |x|).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.softSign(3).item(); // => 0.75
 * ```
 */
export function softSign(x: ArrayLike): NDArray {
  const array = inexact('softSign', x);
  return lax.div(array, lax.add(lax.abs(array), 1));
}

/**
 * (x + √(x² + b))/2, with `b` 4 by default (arXiv 2112.11687).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.squareplus(0).item(); // => 1
 * ```
 */
export function squareplus(x: ArrayLike, b: ArrayLike = 4): NDArray {
  const [array, smoothness] = promoteInexact2('squareplus', x, b);
  return lax.mul(lax.add(array, lax.sqrt(lax.add(lax.square(array), smoothness))), 0.5);
}

/**
 * tanh x.
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.tanh(0.5).item(); // => 0.462117
 * ```
 */
export const tanh = (x: ArrayLike): NDArray => lax.tanh(inexact('tanh', x));

/**
 * arctan x, with values in (-π/2, π/2).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.arctan(1).item(); // => 0.785398
 * ```
 */
export const arctan = (x: ArrayLike): NDArray => lax.atan(inexact('arctan', x));

/**
 * The exponential linear unit: x for x > 0, α(eˣ - 1) otherwise, with α 1 by default (arXiv 1511.07289).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.elu(-1).item(); // => -0.63212
 * ```
 */
export function elu(x: ArrayLike, alpha: ArrayLike = 1): NDArray {
  const [array, scale] = promoteInexact2('elu', x, alpha);
  const isPositive = lax.gt(array, 0);
  // The exponential is taken of 0 where it is not used, so that it cannot overflow into the derivative.
  const exponent = lax.select(isPositive, lax.scalarLike(0, array), array);
  return lax.select(isPositive, array, lax.mul(scale, lax.expm1(exponent)));
}

/**
 * The continuously differentiable exponential linear unit: x for x > 0, α(e^(x/α) - 1) otherwise (arXiv 1704.07483).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.celu(-1, 2).item(); // => -0.786939
 * ```
 */
export function celu(x: ArrayLike, alpha: ArrayLike = 1): NDArray {
  const [array, scale] = promoteInexact2('celu', x, alpha);
  const isPositive = lax.gt(array, 0);
  const exponent = lax.div(lax.select(isPositive, lax.scalarLike(0, array), array), scale);
  return lax.select(isPositive, array, lax.mul(scale, lax.expm1(exponent)));
}

/** Fixed point of mean and variance: Klambauer et al., arXiv 1706.02515, equation 14. */
const SELU = { alpha: 1.6732632423543772, scale: 1.0507009873554805 } as const;

/**
 * The self-normalising unit λ elu(x, α), λ = 1.0507…, α = 1.6732… (arXiv 1706.02515).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.selu(1).item(); // => 1.0507
 * ```
 */
export const selu = (x: ArrayLike): NDArray => lax.mul(elu(inexact('selu', x), SELU.alpha), SELU.scale);

/** Options of {@link gelu}. */
export interface GeluOptions {
  /** Use the formula with tanh (the default, as in JAX); otherwise the one with the error function. */
  approximate?: boolean;
}

/**
 * The Gaussian error linear unit x Φ(x) (arXiv 1606.08415): exactly x erfc(-x/√2)/2, or by default the approximation
 * x/2 (1 + tanh(√(2/π)(x + 0.044715x³))).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.gelu(1).item(); // => 0.841192
 * nn.gelu(1, { approximate: false }).item(); // => 0.841345
 * ```
 */
export function gelu(x: ArrayLike, { approximate = true }: GeluOptions = {}): NDArray {
  const array = inexact('gelu', x);
  if (!approximate) return lax.mul(lax.mul(array, 0.5), lax.erfc(lax.mul(array, -Math.SQRT1_2)));
  const cubic = lax.add(array, lax.mul(lax.integerPow(array, 3), 0.044715));
  const cdf = lax.mul(lax.add(lax.tanh(lax.mul(cubic, Math.sqrt(2 / Math.PI))), 1), 0.5);
  return lax.mul(array, cdf);
}

/**
 * log(1 - e⁻ˣ) for x > 0, by the formula that is accurate on either side of log 2 (Mächler 2012, "Accurately computing
 * log(1 - exp(-|a|))").
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.log1mexp(1).item(); // => -0.458675
 * ```
 */
export function log1mexp(x: ArrayLike): NDArray {
  const array = inexact('log1mexp', x);
  const isSmall = lax.lt(array, Math.LN2);
  const other = lax.scalarLike(1, array);
  const [small, large] = [lax.select(isSmall, array, other), lax.select(isSmall, other, array)];
  return lax.select(isSmall, lax.log(lax.neg(lax.expm1(lax.neg(small)))), lax.log1p(lax.neg(lax.exp(lax.neg(large)))));
}
