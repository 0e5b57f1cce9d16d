/** Polynomials as vectors of coefficients, highest power first. */
import { nth, range } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { convolve } from './convolution.js';
import { asArray, inexact, promoteTypesOf } from './promote.js';
import { atleast1d } from './shape.js';

/**
 * The value at `x` of the polynomial with coefficients `p`: p₀ xⁿ⁻¹ + … + pₙ₋₁, by Horner's rule. Further axes of `p`
 * broadcast against `x`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.polyval(np.array([3, 0, 1]), 5).js(); // => 76
 * ```
 */
export function polyval(p: ArrayLike, x: ArrayLike): NDArray {
  const promoted = promoteTypesOf('polyval', [p, x]);
  const [coefficients, at] = [nth(promoted, 0), nth(promoted, 1)];
  const shape = lax.broadcastShapes('polyval', coefficients.aval.shape.slice(1), at.aval.shape);
  if (coefficients.ndim === 0)
    throw new ShapeError(`polyval: coefficients must be a vector, got a rank-0 array.${userLine()}`);
  const wide = lax.broadcastTo(at, shape);
  const row = (i: number): NDArray =>
    lax.broadcastTo(lax.reshape(lax.sliceInDim(coefficients, i, i + 1), coefficients.aval.shape.slice(1)), shape);
  const n = nth(coefficients.aval.shape, 0);
  if (n === 0) return lax.full(shape, 0, at.dtype);
  return range(n - 1).reduce((acc, i) => lax.add(lax.mul(acc, wide), row(i + 1)), row(0));
}

/** Two coefficient vectors of one dtype and length: the shorter one gets leading zeros. */
function aligned(op: string, a: ArrayLike, b: ArrayLike): readonly [NDArray, NDArray] {
  const both = promoteTypesOf(op, [a, b]).map((x) => vector(op, x));
  const n = Math.max(...both.map((x) => x.size));
  const grow = (x: NDArray): NDArray => lax.pad(x, 0, [[n - x.size, 0, 0]]);
  return [grow(nth(both, 0)), grow(nth(both, 1))];
}

function vector(op: string, x: NDArray): NDArray {
  if (x.ndim <= 1) return atleast1d(x);
  throw new ShapeError(`${op}: coefficients must be a vector, got shape ${showShape(x.shape)}.${userLine()}`);
}

/**
 * The sum of two polynomials.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.polyadd(np.array([1, 2]), np.array([9, 5, 4])).js(); // => [9, 6, 6]
 * ```
 */
export function polyadd(a: ArrayLike, b: ArrayLike): NDArray {
  const [x, y] = aligned('polyadd', a, b);
  return lax.add(x, y);
}

/**
 * The difference of two polynomials.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.polysub(np.array([2, 10, -2]), np.array([3, 10, -4])).js(); // => [-1, 0, 2]
 * ```
 */
export function polysub(a: ArrayLike, b: ArrayLike): NDArray {
  const [x, y] = aligned('polysub', a, b);
  return lax.sub(x, y);
}

/**
 * The product of two polynomials: the convolution of their coefficients. Leading zeros stay, since shapes do not depend
 * on values.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.polymul(np.array([1, 2, 3]), np.array([9, 5, 1])).js(); // => [9, 23, 38, 17, 3]
 * ```
 */
export function polymul(a: ArrayLike, b: ArrayLike): NDArray {
  const both = promoteTypesOf('polymul', [a, b]).map((x) => vector('polymul', x));
  return convolve(nth(both, 0), nth(both, 1));
}

/** Quotient and remainder of {@link polydiv}. */
export type PolynomialQuotient = [quotient: NDArray, remainder: NDArray];

/**
 * Quotient and remainder of two polynomials, by long division. The remainder keeps the leading zeros of its full
 * length (one less than the divisor's).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.polydiv(np.array([3, 5, 2]), np.array([2, 1])); // => [[1.5, 1.75], [0.25]]
 * ```
 */
export function polydiv(u: ArrayLike, v: ArrayLike): PolynomialQuotient {
  const both = promoteTypesOf('polydiv', [u, v], true).map((x) => vector('polydiv', x));
  const [dividend, divisor] = [nth(both, 0), nth(both, 1)];
  const [m, n] = [dividend.size, divisor.size];
  if (n === 0) throw new ShapeError(`polydiv: the divisor has no coefficients.${userLine()}`);
  if (m < n) return [lax.full([1], 0, dividend.dtype), dividend];
  const lead = lax.reshape(lax.sliceInDim(divisor, 0, 1), []);
  let rest = dividend;
  const quotient = range(m - n + 1).map((i) => {
    const digit = lax.div(lax.sliceInDim(rest, i, i + 1), lead);
    const scaled = lax.mul(lax.broadcastTo(digit, [n]), divisor);
    rest = lax.sub(rest, lax.pad(scaled, 0, [[i, m - n - i, 0]]));
    return digit;
  });
  const remainder = n === 1 ? lax.full([1], 0, rest.dtype) : lax.sliceInDim(rest, m - n + 1, m);
  return [lax.concatenate(quotient, 0), remainder];
}

/** (n + k - 1)! / (n - 1)! = n (n + 1) … (n + k - 1). */
const rising = (n: number, k: number): number => range(k).reduce((product, i) => product * (n + i), 1);

function checkOrder(op: string, m: number): void {
  if (!Number.isInteger(m) || m < 0) {
    throw new ArgumentError(`${op}: the order must be an integer of at least 0, got ${m}.${userLine()}`);
  }
}

/**
 * The `m`-th derivative of a polynomial, as floats; no coefficients when all powers are gone.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.polyder(np.array([1, 1, 1, 1])).js(); // => [3, 2, 1]
 * ```
 */
export function polyder(p: ArrayLike, m = 1): NDArray {
  checkOrder('polyder', m);
  const coefficients = vector('polyder', inexact('polyder', p));
  const n = Math.max(0, coefficients.size - m);
  if (m === 0) return coefficients;
  // xᵏ⁺ᵐ becomes (k + 1) … (k + m) xᵏ.
  const factors = range(n).map((i) => rising(n - i, m));
  return lax.mul(lax.sliceInDim(coefficients, 0, n), asArray(factors, coefficients.dtype));
}

/**
 * The `m`-th antiderivative of a polynomial, as floats, with the constants of integration `k` (0 if absent), the first
 * one integrated most often.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.polyint(np.array([3, 2, 1])).js(); // => [1, 1, 1, 0]
 * ```
 */
export function polyint(p: ArrayLike, m = 1, k: ArrayLike | null = null): NDArray {
  checkOrder('polyint', m);
  const coefficients = vector('polyint', inexact('polyint', p));
  const given = lax.convertElementType(vector('polyint', asArray(k ?? 0, undefined, 'polyint')), coefficients.dtype);
  const constants = given.size === 1 ? lax.broadcastTo(given, [m]) : given;
  if (constants.size !== m) {
    throw new ShapeError(
      `polyint: ${given.size} constants of integration for order ${m}; give one, or one for each.${userLine()}`,
    );
  }
  const n = coefficients.size + m;
  // The coefficient of xᵏ comes from that of xᵏ⁻ʲ, divided by k (k - 1) … (k - j + 1), where j integrations are left.
  const divisors = range(n).map((i) => {
    const power = n - 1 - i;
    const times = i < coefficients.size ? m : power;
    return rising(power - times + 1, times);
  });
  return lax.div(lax.concatenate([coefficients, constants], 0), asArray(divisors, coefficients.dtype));
}

/**
 * The coefficients of the polynomial with the given roots, Π (x - rᵢ), leading with 1; of a square matrix of numbers the
 * roots are not computed.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.poly(np.array([1, 2])).js(); // => [1, -3, 2]
 * ```
 */
export function poly(roots: ArrayLike): NDArray {
  const zeros = vector('poly', inexact('poly', roots));
  const one = lax.full([1], 1, zeros.dtype);
  return range(zeros.size).reduce(
    (p, i) => convolve(p, lax.concatenate([one, lax.neg(lax.sliceInDim(zeros, i, i + 1))], 0)),
    one,
  );
}
