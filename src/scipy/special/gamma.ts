/** The logarithm of the gamma function and what is made of it. */
import { ArgumentError } from '../../core/errors.js';
import type { ArrayLike, NDArray } from '../../core/ndarray.js';
import { userLine } from '../../core/source.js';
import * as lax from '../../lax/index.js';
import { inexact, promoteInexact2 } from '../../numpy/promote.js';

/**
 * ln |Γ(x)|.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.gammaln(5).item(); // => 3.178054
 * ```
 */
export const gammaln = (x: ArrayLike): NDArray => lax.lgamma(inexact('gammaln', x));

/**
 * The derivative of ln Γ(x).
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.digamma(1).item(); // => -0.577216
 * ```
 */
export const digamma = (x: ArrayLike): NDArray => lax.digamma(inexact('digamma', x));

/** Another name of {@link digamma}. */
export const psi = digamma;

/**
 * The n-th derivative of {@link digamma} for x > 0 (NaN elsewhere); `n` is a JS integer.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.polygamma(1, 1).item(); // => 1.644934
 * ```
 */
export function polygamma(n: number, x: ArrayLike): NDArray {
  if (!Number.isInteger(n) || n < 0) {
    throw new ArgumentError(`polygamma: the order must be an integer that is not negative, got ${n}.${userLine()}`);
  }
  return lax.polygamma(n, inexact('polygamma', x));
}

/**
 * ln |B(a, b)| = ln |Γ(a)| + ln |Γ(b)| - ln |Γ(a + b)|.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.betaln(2, 3).item(); // => -2.484907
 * ```
 */
export function betaln(a: ArrayLike, b: ArrayLike): NDArray {
  const [x, y] = promoteInexact2('betaln', a, b);
  return lax.sub(lax.add(lax.lgamma(x), lax.lgamma(y)), lax.lgamma(lax.add(x, y)));
}

/**
 * The logarithm of the multivariate gamma function of dimension `d`:
 * d(d-1)/4 ln π + Σ_{j<d} ln Γ(a - j/2).
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.multigammaln(5, 2).item(); // => 6.204155
 * ```
 */
export function multigammaln(a: ArrayLike, d: number): NDArray {
  if (!Number.isInteger(d) || d < 1) {
    throw new ArgumentError(`multigammaln: the dimension must be a positive integer, got ${d}.${userLine()}`);
  }
  const x = inexact('multigammaln', a);
  const terms = Array.from({ length: d }, (_, j) => lax.lgamma(lax.sub(x, j / 2)));
  const sum = terms.reduce((total, term) => lax.add(total, term));
  return lax.add(sum, ((d * (d - 1)) / 4) * Math.log(Math.PI));
}

/**
 * The regularized lower incomplete gamma function P(a, x) for a > 0, x ≥ 0 (NaN elsewhere); see `lax.igamma`.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.gammainc(2, 1).item(); // => 0.264241
 * ```
 */
export function gammainc(a: ArrayLike, x: ArrayLike): NDArray {
  const [shape, bound] = promoteInexact2('gammainc', a, x);
  return lax.igamma(shape, bound);
}

/**
 * The regularized upper incomplete gamma function Q(a, x) = 1 - P(a, x) for a > 0, x ≥ 0 (NaN elsewhere); see `lax.igammac`.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.gammaincc(2, 1).item(); // => 0.735759
 * ```
 */
export function gammaincc(a: ArrayLike, x: ArrayLike): NDArray {
  const [shape, bound] = promoteInexact2('gammaincc', a, x);
  return lax.igammac(shape, bound);
}

/**
 * The Hurwitz zeta function ζ(x, q) = Σ_{k≥0} (q + k)^-x; Riemann's without `q`. NaN for x < 1; see `lax.zeta`.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.zeta(2).item(); // => 1.644934
 * scipy.special.zeta(2, 2).item(); // => 0.644934
 * ```
 */
export function zeta(x: ArrayLike, q: ArrayLike = 1): NDArray {
  const [exponent, offset] = promoteInexact2('zeta', x, q);
  return lax.zeta(exponent, offset);
}
