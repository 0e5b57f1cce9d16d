/**
 * The Hurwitz zeta function and its derivatives by both arguments, by Euler-Maclaurin summation without loops
 * (NIST DLMF 25.11.5; Abramowitz and Stegun 23.1.4).
 */
import { BERNOULLI_OVER_FACTORIAL, factorial, TERMS } from './euler-maclaurin.js';
import { ArgumentError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take2 } from '../core/tuple.js';
import { add, mul, neg, scalarLike } from './arithmetic.js';
import * as e from './expr.js';
import { lift } from './lift.js';
import { binary, naryPrimitive } from './nary.js';

// With a = q + N, ζ(x, q) = Σ_{k<N} (q+k)^-x + a^(1-x)/(x-1) + a^-x/2 + Σ_j B_2j/(2j)! · x(x+1)…(x+2j-2) · a^(-x-2j+1).
/** Taylor coefficients by x, from the value up to the order of the derivative that is wanted. */
type Jet = readonly s.Expr[];
const sum = (terms: readonly s.Expr[]): s.Expr => terms.reduce((a, b) => e.add(a, b));
const addJets = (a: Jet, b: Jet): Jet => a.map((term, i) => e.add(term, b[i] ?? 0));
const scaleJet = (a: Jet, factor: e.Operand): Jet => a.map((term) => e.mul(term, factor));
const mulJets = (a: Jet, b: Jet): Jet =>
  a.map((_, n) => sum(a.slice(0, n + 1).map((term, i) => e.mul(term, b[n - i] ?? 0))));
/** c + x as a jet, times another: one product and one sum per coefficient. */
const timesLinear = (a: Jet, value: s.Expr): Jet =>
  a.map((term, n) => (n === 0 ? e.mul(term, value) : e.add(e.mul(term, value), a[n - 1] ?? 0)));

/** The jet of b^-x, or with another first coefficient of that times it. */
function decay(b: s.Expr, first: s.Expr, order: number): Jet {
  const rate = order === 0 ? undefined : e.neg(e.log(b));
  const terms = [first];
  for (let n = 1; n <= order && rate !== undefined; n++) {
    terms.push(e.div(e.mul(terms[n - 1] ?? first, rate), n));
  }
  return terms;
}

/** ∂ⁿζ(x, q)/∂xⁿ for x > 1, q > 0; also for negative q > -TERMS that are no integers, where x is an integer. */
function zetaExpr(x: s.Expr, q: s.Expr, order: number): s.Expr {
  const exponent = e.neg(x);
  let total: Jet | undefined;
  for (let k = 0; k < TERMS; k++) {
    const b = k === 0 ? q : e.add(q, k);
    const term = decay(b, e.pow(b, exponent), order);
    total = total === undefined ? term : addJets(total, term);
  }
  const a = e.add(q, TERMS);
  const inverse = e.div(1, a);
  const last = decay(a, e.pow(a, exponent), order);
  // 1/(x - 1) has the coefficients (-1)^n (x - 1)^-(n+1).
  const distance = e.sub(x, 1);
  const reciprocal: s.Expr[] = [e.div(1, distance)];
  for (let n = 1; n <= order; n++) reciprocal.push(e.neg(e.div(reciprocal[n - 1] ?? distance, distance)));
  const tail = mulJets(decay(a, e.pow(a, e.sub(1, x)), order), reciprocal);
  let all = addJets(addJets(total ?? last, tail), scaleJet(last, 0.5));
  // a^-x is 0 long before x is so large that its products overflow.
  const moderate = e.minimum(x, 1e5);
  let rising = scaleJet(timesLinear(last, moderate), inverse);
  BERNOULLI_OVER_FACTORIAL.forEach((b, j) => {
    all = addJets(all, scaleJet(rising, b));
    for (const step of [2 * j + 1, 2 * j + 2]) rising = scaleJet(timesLinear(rising, e.add(moderate, step)), inverse);
  });
  return e.mul(all[order] ?? exponent, factorial(order));
}

const even = (x: s.Expr): s.Expr => e.eq(e.floor(e.mul(x, 0.5)), e.mul(x, 0.5));
const whole = (x: s.Expr): s.Expr => e.eq(e.floor(x), x);
const negated = (c: s.Expr): s.Expr => s.unary('not', c);

/**
 * The Hurwitz zeta function ζ(x, q) = Σ_{k≥0} (q + k)^-x for x > 1 (NIST DLMF 25.11.1); Riemann's for q = 1.
 *
 * Operands are float32 or float64, of one dtype and of one shape or scalar (ShapeError, DTypeError), and so is the result.
 * Relative error about 1e-14 in float64 and 1e-6 in float32, by the rounding of the powers. At the edges it does what XLA does:
 * infinite at x = 1, NaN for x < 1; for q ≤ 0 infinite at whole q and even x, NaN at whole q and other x, and where x is not
 * whole. At negative q the
 * error in float64 grows from 1e-14 at -4 to 1e-9 at -7; below -8 the result is NaN, beyond what a fixed number of terms can do.
 *
 * Both derivatives exist, for x > 1 and q > 0: ∂ζ/∂q = -x ζ(x + 1, q) (DLMF 25.11.17), and ∂ζ/∂x, which JAX does not have.
 *
 * @example
 * ```ts
 * import { lax } from 'cotangent';
 * lax.zeta(2, 1).item(); // => 1.644934
 * ```
 */
export const zeta = binary('zeta', {
  dtypes: 'float',
  jvp: [
    (d, x, q) => mul(d, zetaDerivative(1, x, q)),
    (d, x, q) => mul(d, mul(neg(x), zeta(add(x, scalarLike(1, x)), q))),
  ],
  lower: (x, q) => {
    const nonPositive = e.le(q, 0);
    return e.cases(
      [
        [e.lt(x, 1), NaN],
        [e.and(nonPositive, negated(whole(x))), NaN],
        [e.and(nonPositive, whole(q)), e.numbers(even(x), x, Infinity, NaN)],
        [e.lt(q, -8), NaN],
        [e.and(e.eq(x, 1), e.eq(q, q)), Infinity],
      ],
      zetaExpr(x, q, 0),
    );
  },
  cost: 'expensive',
  domains: [
    [1.5, 4],
    [0.5, 4],
  ],
});

type OrderParams = { readonly order: number };
const zetaDerivativeP = naryPrimitive<OrderParams>('zeta_derivative', 2, {
  dtypes: 'float',
  jvp: [
    (d, operands, _out, { order }) => mul(d, zetaDerivative(order + 1, ...take2(operands))),
    (d, operands, _out, { order }) => {
      const [x, q] = take2(operands);
      const next = add(x, scalarLike(1, x));
      const first = mul(x, zetaDerivative(order, next, q));
      const second = mul(scalarLike(order, x), zetaDerivative(order - 1, next, q));
      return mul(neg(d), add(first, second));
    },
  ],
  lower: (operands, { order }) => {
    const [x, q] = take2(operands);
    return e.pick(e.and(e.gt(x, 1), e.gt(q, 0)), zetaExpr(x, q, order), NaN);
  },
  cost: 'expensive',
  domains: [
    [1.5, 4],
    [0.5, 4],
  ],
  exampleParams: [{ order: 1 }],
});

/**
 * ∂ⁿζ(x, q)/∂xⁿ = Σ_{k≥0} (-ln(q + k))ⁿ (q + k)^-x, the derivative of {@link zeta} by its first argument, for x > 1 and
 * q > 0 (NaN elsewhere): its Euler-Maclaurin sum differentiated term by term (NIST DLMF 25.11.18 for n = 1).
 *
 * Operands as those of zeta. Throws ArgumentError unless `order` is a natural number.
 *
 * @example
 * ```ts
 * import { lax } from 'cotangent';
 * lax.zetaDerivative(1, 2, 1).item(); // => -0.937548
 * ```
 */
export function zetaDerivative(order: number, x: ArrayLike, q: ArrayLike): NDArray {
  if (!Number.isInteger(order) || order < 0)
    throw new ArgumentError(`zeta_derivative: the order must be a natural number, got ${order}.${userLine()}`);
  return order === 0 ? zeta(x, q) : bind1(zetaDerivativeP, lift('zeta_derivative', x, q), { order });
}
