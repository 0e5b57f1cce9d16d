/**
 * Hyperbolic functions and their inverses, on the parts of exp, expm1 and log1p. Formulas: Cody and Waite (1980); the
 * inverse functions as in fdlibm's s_asinh.c, e_acosh.c and e_atanh.c, without their branches.
 */
import type { Expr } from '../../core/scalar.js';
import {
  abs,
  add,
  atMost,
  byFormat,
  div,
  fastTwoSum,
  gt,
  literal,
  lt,
  mul,
  pick,
  pickLiteral,
  polyOf,
  sqrt,
  sub,
  twoSum,
  withSignOf,
} from './builder.js';
import { expm1Pair, expm1Parts, expScaled, expScaledPair } from './exp.js';
import { log1p } from './log.js';

// sinh r = r + r z p(z), z = r^2, |r| <= 1; error 2^-31.6, 2^-61.8.
const SINH = {
  float32: [0.16666667, 0.0083333105, 0.00019842896, 2.7822132e-6],
  float64: [
    0.16666666666666669, 0.008333333333332912, 0.00019841269841593405, 2.7557319106760374e-6, 2.5052130997781174e-8,
    1.6056659270954805e-10, 7.776596046274904e-13,
  ],
};

/** {@link tanh} of float64: t and t + 2 in two words. */
function tanh64(x: Expr): Expr {
  const a = atMost(abs(x), 20);
  const { p, low, s } = expm1Pair(add(a, a));
  const sum = fastTwoSum(sub(s, 1), mul(s, p));
  const t = sum.hi;
  const tLow = add(sum.lo, mul(s, low));
  const d = twoSum(t, literal(x.type, 2));
  const q = div(t, d.hi);
  const error = sub(tLow, mul(q, add(d.lo, tLow)));
  const inverse = mul(sub(1, q), 0.5); // 1 / d
  return withSignOf(add(mul(error, inverse), q), x);
}

/** tanh x = t / (t + 2), t = e^(2|x|) - 1. */
export function tanh(x: Expr): Expr {
  if (x.type === 'float64') return tanh64(x);
  const a = atMost(abs(x), 10); // tanh rounds to 1 beyond 9.02 (19.07 in float64)
  const { p, s } = expm1Parts(add(a, a));
  const t = add(mul(s, p), sub(s, 1));
  return withSignOf(div(t, add(t, 2)), x);
}

/** e^a / 2 for a not negative; overflows only where the half does. */
function halfExp(a: Expr): Expr {
  const { p, s } = expScaled(atMost(a, byFormat(a, 90, 711)));
  return mul(p, 0.5, s, s);
}

/** e^a/2 - 1/(2 e^a) of float64, for a from 1: the exponential and the difference in two words. */
function sinhFar64(a: Expr): Expr {
  const { p, s } = expScaledPair(atMost(a, 711));
  const h = mul(p.hi, 0.5, s, s);
  const r = div(literal(a.type, 0.25), h);
  const y = sub(h, r);
  const low = add(sub(sub(h, y), r), mul(p.lo, 0.5, s, s));
  return pick(lt(y, Infinity), add(y, low), y);
}

/** sinh x = e^|x|/2 - 1/(2 e^|x|), a polynomial below 1. */
export function sinh(x: Expr): Expr {
  const a = abs(x);
  const z = mul(a, a);
  const near = add(mul(mul(a, z), polyOf(z, SINH)), a);
  if (x.type === 'float64') return withSignOf(pick(lt(a, 1), near, sinhFar64(a)), x);
  const e = halfExp(a);
  return withSignOf(pick(lt(a, 1), near, sub(e, div(literal(x.type, 0.25), e))), x);
}

/** cosh x = e^|x|/2 + 1/(2 e^|x|). */
export function cosh(x: Expr): Expr {
  const e = halfExp(abs(x));
  return add(e, div(literal(x.type, 0.25), e));
}

// From here on log(2 x) is the value to the last bit, and the square does not overflow yet.
const LARGE = [2 ** 40, 2 ** 80] as const;

/** asinh x = log1p(|x| + x^2 / (1 + sqrt(1 + x^2))). */
export function asinh(x: Expr): Expr {
  const a = abs(x);
  const z = mul(a, a);
  const u = add(a, div(z, add(sqrt(add(z, 1)), 1)));
  const large = gt(a, byFormat(x, ...LARGE));
  return withSignOf(add(log1p(pick(large, a, u)), pickLiteral(x, large, Math.LN2, 0)), x);
}

/** acosh x = log1p(t + sqrt(2 t + t^2)), t = x - 1; NaN below 1. */
export function acosh(x: Expr): Expr {
  const t = sub(x, 1);
  const u = add(t, sqrt(add(add(t, t), mul(t, t))));
  const large = gt(x, byFormat(x, ...LARGE));
  const y = add(log1p(pick(large, x, u)), pickLiteral(x, large, Math.LN2, 0));
  return pick(lt(x, 1), NaN, y);
}

/** atanh x = log1p(2 |x| / (1 - |x|)) / 2; infinite at the ends, NaN outside. */
export function atanh(x: Expr): Expr {
  const a = abs(x);
  return withSignOf(mul(log1p(div(add(a, a), sub(1, a))), 0.5), x);
}
