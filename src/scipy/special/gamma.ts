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
