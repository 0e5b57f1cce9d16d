/** The error function, its relatives, and the distribution function of the normal distribution. */
import type { ArrayLike, NDArray } from '../../core/ndarray.js';
import * as s from '../../core/scalar.js';
import * as lax from '../../lax/index.js';
import { unary } from '../../lax/nary.js';
import { inexact } from '../../numpy/promote.js';

/**
 * The error function 2/√π ∫₀ˣ e^(-t²) dt.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.erf(1).item(); // => 0.842701
 * ```
 */
export const erf = (x: ArrayLike): NDArray => lax.erf(inexact('erf', x));

/**
 * 1 - erf(x), with full relative accuracy where that is small.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.erfc(1).item(); // => 0.157299
 * ```
 */
export const erfc = (x: ArrayLike): NDArray => lax.erfc(inexact('erfc', x));

/**
 * The inverse of {@link erf}; infinite at ±1, NaN beyond.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.erfinv(0.5).item(); // => 0.476936
 * ```
 */
export const erfinv = (x: ArrayLike): NDArray => lax.erfInv(inexact('erfinv', x));

/**
 * The distribution function of the standard normal distribution, erfc(-x/√2)/2.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.ndtr(0).item(); // => 0.5
 * ```
 */
export function ndtr(x: ArrayLike): NDArray {
  const array = inexact('ndtr', x);
  return lax.mul(lax.erfc(lax.mul(array, -Math.SQRT1_2)), 0.5);
}

/** Below this, erfc(-x/√2) is near the smallest numbers, and the asymptotic series is exact to rounding. */
const seriesBelow = (dtype: string): number => (dtype === 'float64' ? -30 : -10);
/** 1/x² times this polynomial in 1/x² is Mills' ratio times -x, less 1 (Abramowitz & Stegun 26.2.12). */
const SERIES = [-1, 3, -15, 105, -945] as const;

/**
 * The derivative of log Φ: φ(x)/Φ(x) = exp(-x²/2 - log Φ(x))/√(2π), and below, where that exponent cancels, by the
 * series. Each formula sees only arguments that it is for, so that the other's do not spoil higher derivatives.
 */
function hazard(x: NDArray, y: NDArray): NDArray {
  const limit = seriesBelow(x.dtype);
  const isFar = lax.lt(x, limit);
  const zero = lax.scalarLike(0, x);
  const [near, logNear] = [lax.select(isFar, zero, x), lax.select(isFar, zero, y)];
  const exponent = lax.sub(lax.mul(lax.square(near), -0.5), logNear);
  const far = lax.select(isFar, x, lax.scalarLike(limit, x));
  const inverse = lax.div(lax.scalarLike(1, x), lax.square(far));
  const series = SERIES.reduceRight((sum, term) => lax.mul(inverse, lax.add(sum, term)), lax.mul(zero, inverse));
  return lax.select(
    isFar,
    lax.div(lax.neg(far), lax.add(series, 1)),
    lax.mul(lax.exp(exponent), 1 / Math.sqrt(2 * Math.PI)),
  );
}

/**
 * Three ranges: log1p(-ndtr(-x)) above 0; log ndtr(x); and below, by the asymptotic series of Mills' ratio,
 * -x²/2 - log(-x√(2π)) + log(1 - 1/x² + 3/x⁴ - 15/x⁶ + 105/x⁸ - …).
 */
const logNdtrOf = unary('log_ndtr', {
  dtypes: 'float',
  jvp: (dx, x, y) => lax.mul(dx, hazard(x, y)),
  lower: (x) => {
    const c = (value: number): s.Expr => s.constant(x.type, value);
    const add = (a: s.Expr, b: s.Expr): s.Expr => s.binary('add', a, b);
    const mul = (a: s.Expr, b: s.Expr): s.Expr => s.binary('mul', a, b);
    const tail = (y: s.Expr): s.Expr => mul(c(0.5), s.unary('erfc', mul(c(Math.SQRT1_2), y)));
    const positive = s.unary('log1p', s.unary('neg', tail(x)));
    const negative = s.unary('log', tail(s.unary('neg', x)));
    const inverse = s.binary('div', c(1), mul(x, x));
    const series = SERIES.reduceRight<s.Expr>((sum, term) => mul(inverse, add(c(term), sum)), c(0));
    const far = add(
      mul(c(-0.5), mul(x, x)),
      s.binary('sub', s.unary('log1p', series), s.unary('log', mul(c(-Math.sqrt(2 * Math.PI)), x))),
    );
    const middle = s.select(s.binary('gt', x, c(0)), positive, negative);
    return s.select(s.binary('lt', x, c(seriesBelow(x.type))), far, middle);
  },
  cost: 'expensive',
  domain: [-12, 5],
});

/**
 * The logarithm of {@link ndtr}, accurate far in the lower tail, where ndtr itself is 0.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.logNdtr(-40).item(); // => -804.60846
 * ```
 */
export const logNdtr = (x: ArrayLike): NDArray => logNdtrOf(inexact('logNdtr', x));
