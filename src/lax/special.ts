/** Special functions: erf and its relatives, the logarithm of the gamma function and its derivatives. */
import { BERNOULLI_OVER_FACTORIAL, factorial, TERMS } from './euler-maclaurin.js';
import { mul, neg, scalarLike, square } from './arithmetic.js';
import { exp } from './exponential.js';
import { naryPrimitive, unary } from './nary.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as s from '../core/scalar.js';
import { bind1 } from '../core/trace.js';
import { take1 } from '../core/tuple.js';
import { lift1 } from './lift.js';

const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/** Error function, 2/√π ∫₀ˣ e^(-t²) dt. */
export const erf = unary('erf', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, mul(scalarLike(TWO_OVER_SQRT_PI, x), exp(neg(square(x))))),
  lower: (x) => s.unary('erf', x),
  cost: 'expensive',
});

/** 1 - erf(x), exact where erf is near 1. */
export const erfc = unary('erfc', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, mul(scalarLike(-TWO_OVER_SQRT_PI, x), exp(neg(square(x))))),
  lower: (x) => s.unary('erfc', x),
  cost: 'expensive',
});

/** Inverse of erf on (-1, 1). */
export const erfInv = unary('erf_inv', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, mul(scalarLike(1 / TWO_OVER_SQRT_PI, y), exp(square(y)))),
  lower: (x) => s.unary('erfInv', x),
  cost: 'expensive',
  domain: [-0.9, 0.9],
});

/**
 * Inverse of erf by the formula of XLA, whose float32 results are up to 65 ulps off next to ±1: random normals are made of
 * it, so that they agree with JAX's. Everything else takes {@link erfInv}.
 */
export const erfInvGiles = unary('erf_inv_giles', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, mul(scalarLike(1 / TWO_OVER_SQRT_PI, y), exp(square(y)))),
  lower: (x) => s.unary('erfInvGiles', x),
  cost: 'expensive',
  domain: [-0.9, 0.9],
});

/** ln |Γ(x)|. */
export const lgamma = unary('lgamma', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, digamma(x)),
  lower: (x) => s.unary('lgamma', x),
  cost: 'expensive',
  domain: [0.5, 5],
});

/** The derivative of ln Γ(x). */
export const digamma = unary('digamma', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, polygamma(1, x)),
  lower: (x) => s.unary('digamma', x),
  cost: 'expensive',
  domain: [0.5, 5],
});

// Hurwitz zeta by Euler-Maclaurin summation (Abramowitz & Stegun 23.1.4 with the tail of NIST DLMF 25.11.5):
// ζ(q, x) = Σ_{k<N} (x+k)^-q + (x+N)^(1-q)/(q-1) + (x+N)^-q/2 + Σ_j B_2j/(2j)! · q…(q+2j-2) · (x+N)^(-q-2j+1).
function powExpr(x: s.Expr, n: number): s.Expr {
  return n === 0 ? s.constant(x.type, 1) : n === 1 ? x : s.binary('mul', powExpr(x, n >> 1), powExpr(x, n - (n >> 1)));
}

function hurwitzZeta(q: number, x: s.Expr): s.Expr {
  const c = (value: number): s.Expr => s.constant(x.type, value);
  const inverse = (y: s.Expr): s.Expr => s.binary('div', c(1), y);
  let sum: s.Expr = c(0);
  for (let k = 0; k < TERMS; k++) sum = s.binary('add', sum, powExpr(inverse(s.binary('add', x, c(k))), q));
  const a = inverse(s.binary('add', x, c(TERMS)));
  const aq = powExpr(a, q);
  sum = s.binary('add', sum, s.binary('div', powExpr(a, q - 1), c(q - 1)));
  sum = s.binary('add', sum, s.binary('mul', aq, c(0.5)));
  let rising = q;
  let power = s.binary('mul', aq, a);
  BERNOULLI_OVER_FACTORIAL.forEach((b, j) => {
    sum = s.binary('add', sum, s.binary('mul', power, c(b * rising)));
    rising *= (q + 2 * j + 1) * (q + 2 * j + 2);
    power = s.binary('mul', power, s.binary('mul', a, a));
  });
  return sum;
}

type PolygammaParams = { readonly n: number };
const polygammaP = naryPrimitive<PolygammaParams>('polygamma', 1, {
  dtypes: 'float',
  jvp: [(d, operands, _out, { n }) => mul(d, polygamma(n + 1, take1(operands)[0]))],
  lower: (operands, { n }) => {
    const [x] = take1(operands);
    const value = s.binary('mul', s.constant(x.type, (n % 2 === 0 ? -1 : 1) * factorial(n)), hurwitzZeta(n + 1, x));
    return s.select(s.binary('gt', x, s.constant(x.type, 0)), value, s.constant(x.type, NaN));
  },
  cost: 'expensive',
  domains: [[0.5, 4]],
  exampleParams: [{ n: 1 }, { n: 2 }],
});

/**
 * The n-th derivative of digamma, for x > 0 (NaN elsewhere): (-1)^(n+1) n! ζ(n+1, x), NIST DLMF 5.15.1.
 */
export function polygamma(n: number, x: ArrayLike): NDArray {
  return n === 0 ? digamma(x) : bind1(polygammaP, [lift1('polygamma', x)], { n });
}
