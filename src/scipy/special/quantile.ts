/**
 * Quantiles of the normal distribution by rational approximations, relative error about 1e-16 (Wichura: "Algorithm AS
 * 241: The percentage points of the normal distribution", Applied Statistics 37, 1988, routine PPND16).
 */
import type { ArrayLike, NDArray } from '../../core/ndarray.js';
import * as s from '../../core/scalar.js';
import * as lax from '../../lax/index.js';
import { unary } from '../../lax/nary.js';
import { inexact } from '../../numpy/promote.js';

type Ratio = { readonly numerator: readonly number[]; readonly denominator: readonly number[] };

// Coefficients from the constant term up.
const CENTRE: Ratio = {
  numerator: [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  denominator: [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
};
const MIDDLE: Ratio = {
  numerator: [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  denominator: [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
};
const TAIL: Ratio = {
  numerator: [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
  denominator: [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
};

function ratio({ numerator, denominator }: Ratio, x: s.Expr): s.Expr {
  const polynomial = (coefficients: readonly number[]): s.Expr =>
    coefficients.reduceRight<s.Expr>(
      (sum, c) => s.binary('add', s.binary('mul', sum, x), s.constant(x.type, c)),
      s.constant(x.type, 0),
    );
  return s.binary('div', polynomial(numerator), polynomial(denominator));
}

const ndtriOf = unary('ndtri', {
  dtypes: 'float',
  // 1/φ(y) = √(2π) exp(y²/2).
  jvp: (dx, _p, y) => lax.mul(dx, lax.mul(lax.exp(lax.mul(lax.square(y), 0.5)), Math.sqrt(2 * Math.PI))),
  lower: (p) => {
    const c = (value: number): s.Expr => s.constant(p.type, value);
    const q = s.binary('sub', p, c(0.5));
    const centre = s.binary('mul', q, ratio(CENTRE, s.binary('sub', c(0.180625), s.binary('mul', q, q))));
    const smaller = s.binary('min', p, s.binary('sub', c(1), p));
    const r = s.unary('sqrt', s.unary('neg', s.unary('log', smaller)));
    const middle = ratio(MIDDLE, s.binary('sub', r, c(1.6)));
    const tail = ratio(TAIL, s.binary('sub', r, c(5)));
    // At the very ends r is infinite, and so is the quantile.
    const far = s.select(s.binary('le', r, c(5)), middle, s.select(s.binary('lt', r, c(Infinity)), tail, r));
    const signed = s.select(s.binary('lt', q, c(0)), s.unary('neg', far), far);
    return s.select(s.binary('le', s.unary('abs', q), c(0.425)), centre, signed);
  },
  cost: 'expensive',
  domain: [0.05, 0.95],
});

/**
 * The quantile function of the standard normal distribution, the inverse of `ndtr`: infinite at 0 and 1, NaN outside.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.ndtri(0.975).item(); // => 1.95996
 * ```
 */
export const ndtri = (p: ArrayLike): NDArray => ndtriOf(inexact('ndtri', p));
