/**
 * lgamma and digamma. A polynomial on [1, 3) with the zeros taken out, one step of the recurrence below 1, Stirling's
 * series with fitted coefficients from 3 on, and the reflection formulas for negative arguments (Abramowitz and Stegun,
 * chapter 6). Polynomials from scripts/minimax.py.
 */
import type { Expr } from '../../core/scalar.js';
import {
  abs,
  add,
  and,
  byFormat,
  div,
  eq,
  fastTwoSum,
  le,
  literal,
  lt,
  mul,
  neg,
  or,
  pick,
  poly,
  polyOf,
  rint,
  sub,
  twoProduct,
  twoSum,
} from './builder.js';
import type { Pair } from './builder.js';
import { log, log2Pair } from './log.js';
import { sinKernel } from './trig.js';

// log gamma(2 + t) = t (t + 1) p(t), |t| <= 1; error 2^-25.1, 2^-55.5 (float64: interpolation at the
// zeros of the Chebyshev polynomial, which the rounding of the coefficients outweighs).
const NEAR = {
  float32: [
    0.42278433, -0.10031727, 0.032964945, -0.012384977, 0.004999484, -0.0021020502, 0.0009104896, -0.00042559745,
    0.00019583353, -5.239331e-5, 2.0217829e-5, -3.8743718e-5, 1.9319612e-5,
  ],
  float64: [
    0.42278433509846713, -0.10031730167435392, 0.03296500062115574, -0.012384192193371238, 0.004998641164703528,
    -0.002108130833958805, 0.0009153769220696921, -0.00040570739742046497, 0.00018255264185594036, -8.30951276372239e-5,
    3.8168863787885225e-5, -1.766166422556033e-5, 8.222342452139818e-6, -3.847396648270243e-6, 1.8074775340912791e-6,
    -8.526588188526563e-7, 4.0551922127948146e-7, -1.9252286332850674e-7, 8.75360413423732e-8, -4.17254430301382e-8,
    2.615457216445561e-8, -1.2569945435720683e-8, -6.830399052794191e-10, 3.613371593815743e-10, 4.885761922683655e-9,
    -2.372580625023415e-9, -1.3764318718154119e-9, 6.705737026247826e-10, 4.226016675377439e-10,
    -2.0542420991550905e-10,
  ],
};
// log gamma(y) = (y - 1/2) log y - y + log(2 pi)/2 + p(1/y^2)/y, y >= 3; error 2^-34.2, 2^-60.4.
const STIRLING = {
  float32: [0.08333332, -0.002776954, 0.0007749211, -0.0004084054],
  float64: [
    0.08333333333333144, -0.002777777776939476, 0.0007936506561819253, -0.0005952263369499155, 0.000841142452312034,
    -0.0018968347835823466, 0.005921433069828929, -0.02115020125468347, 0.06860928833507805, -0.15834616851506797,
    0.18124829837453219,
  ],
};
// digamma(2 + t) = (t - zero) p(t), |t| <= 1; error 2^-24.8, 2^-53.8.
const DIGAMMA_NEAR = {
  float32: [
    0.7853075, -0.26073897, 0.10899923, -0.04955023, 0.023458043, -0.011347464, 0.0054900344, -0.002695896,
    0.0015268159, -0.00078059203, 0.00010984744, -3.777929e-5, 0.00022171599, -0.00011595548,
  ],
  float64: [
    0.7853075386041053, -0.26073895468300085, 0.10899991701762683, -0.049551032917749246, 0.023447309597687597,
    -0.011338432550153592, 0.005552254172300901, -0.0027395729450295165, 0.0013581421776348603, -0.0006753126885944476,
    0.00033643247834735197, -0.00016781989836211014, 8.377913422085817e-5, -4.18244662009331e-5, 2.089358164408568e-5,
    -1.0510764933919721e-5, 5.264120416521504e-6, -2.4758667989910204e-6, 1.2199342610597409e-6, -8.610665637290396e-7,
    4.520919294074076e-7, 6.090332846749519e-8, -4.839082132020801e-8, -2.025671496063845e-7, 1.1103265441837938e-7,
    6.236755941659772e-8, -3.430386563604077e-8, -1.9110572693672074e-8, 1.0001041375604973e-8,
  ],
};
// The positive zero of digamma less 2, in two words.
const ZERO = [-0.53836787, -0.5383678550316376] as const;
const ZERO_LOW = [1.243815e-8, -1.5522348162858677e-17] as const;
// digamma(y) = log y - 1/(2 y) - p(1/y^2)/y^2, y >= 3; error 2^-33.2, 2^-57.6.
const DIGAMMA_FAR = {
  float32: [0.083333276, -0.008328732, 0.0038447552, -0.0027310012],
  float64: [
    0.0833333333333117, -0.008333333322854788, 0.003968252125319024, -0.004166499557819544, 0.007566660100501387,
    -0.020768697265497137, 0.07532630845424347, -0.29905805212764075, 1.0418476754982464, -2.5267924541380533,
    3.0008555027687165,
  ],
};
// log(2 pi) / 2 and ln 2 in two words
const HALF_LOG_2PI = 0.9189385332046728;
const LN2 = [0.693147182464599609375, 0.6931471805599453] as const;
const LN2_LOW = [-1.9046542e-9, 2.3190468138462996e-17] as const;

/** The natural logarithm of a positive finite number in two words. */
function logPair(x: Expr): Pair {
  const two = log2Pair(x);
  const ln2 = literal(x.type, byFormat(x, ...LN2));
  const product = twoProduct(two.hi, ln2);
  return fastTwoSum(product.hi, add(product.lo, add(mul(two.hi, byFormat(x, ...LN2_LOW)), mul(two.lo, ln2))));
}

/** sin(pi a) / pi in size, for a not negative: zero exactly at the integers; NaN at infinity. */
function sinPi(a: Expr): { readonly d: Expr; readonly sine: Expr } {
  const d = sub(a, rint(a)); // exact
  return { d, sine: sinKernel(mul(abs(d), Math.PI)) };
}

/** log gamma(y) for y >= 3, as (y - 1/2)(log y - 1) + (log(2 pi) - 1)/2 + ..., whose first term does not overflow early. */
function stirling(y: Expr): Expr {
  const log = logPair(y);
  const less = fastTwoSum(log.hi, literal(y.type, -1));
  const factor = sub(y, 0.5); // inexact only where it no longer matters
  const product = twoProduct(factor, less.hi);
  const low = add(product.lo, mul(factor, add(less.lo, log.lo)));
  const inverse = div(literal(y.type, 1), y);
  const small = add(mul(inverse, polyOf(mul(inverse, inverse), STIRLING)), HALF_LOG_2PI - 0.5);
  return pick(eq(product.hi, Infinity), Infinity, add(add(low, small), product.hi));
}

/** log |gamma(x)|; Inf at zero, the negative integers and both infinities. */
export function lgamma(x: Expr): Expr {
  const a = abs(x);
  const negative = lt(x, 0);
  const belowOne = lt(a, 1);
  // y = a or a + 1, whichever the formula is about: gamma(-a) = -pi / (sin(pi a) gamma(a + 1))
  const shifted = or(negative, belowOne);
  const y = pick(shifted, add(a, 1), a);
  const t = pick(shifted, sub(a, 1), sub(a, 2)); // y - 2
  const t1 = pick(shifted, a, sub(a, 1));
  const p = polyOf(t, NEAR);
  const zeros = x.type === 'float32' ? { hi: mul(t, t1), lo: literal(x.type, 0) } : twoProduct(t, t1);
  const near = add(mul(zeros.hi, p), x.type === 'float32' ? zeros.lo : mul(zeros.lo, p)); // + 0 makes lgamma(1) = +0
  const positive = pick(lt(y, 3), near, stirling(y));
  const { sine } = sinPi(a);
  const factor = pick(negative, mul(sine, 1 / Math.PI), pick(belowOne, a, 1));
  const signed = pick(negative, neg(positive), positive);
  // Near its zeros the value is smaller than the logarithm, whose rounding counts in float64.
  const correction = x.type === 'float32' ? { hi: log(factor), lo: undefined } : logPair(factor);
  const most = sub(signed, correction.hi);
  const value = correction.lo === undefined ? most : sub(most, correction.lo);
  const pole = and(le(x, 0), eq(sine, 0));
  return pick(or(pole, eq(a, Infinity)), Infinity, value);
}

/** digamma(2 + t) for |t| <= 1. In float64 both factors are in two words, or there would be four roundings. */
function digammaNear(t: Expr): Expr {
  const zero = byFormat(t, ...ZERO);
  const zeroLow = byFormat(t, ...ZERO_LOW);
  if (t.type === 'float32') return mul(sub(sub(t, zero), zeroLow), polyOf(t, DIGAMMA_NEAR));
  const [first = NaN, ...rest] = DIGAMMA_NEAR.float64;
  const p = fastTwoSum(literal(t.type, first), mul(t, poly(t, rest)));
  const distance = twoSum(t, literal(t.type, -zero));
  const distanceLow = sub(distance.lo, zeroLow);
  return add(add(mul(distance.hi, p.lo), mul(distanceLow, p.hi)), mul(distance.hi, p.hi));
}

/** value - 1 / a for a not negative; in float64 with what the division loses. */
function lessReciprocal(value: Expr, a: Expr): Expr {
  const reciprocal = div(1, a);
  const difference = sub(value, reciprocal);
  if (a.type === 'float32') return difference;
  const { hi, lo } = twoProduct(reciprocal, a);
  const low = mul(sub(sub(1, hi), lo), reciprocal);
  return sub(difference, pick(lt(reciprocal, 2 ** 60), low, 0));
}

/** The logarithmic derivative of gamma; NaN at zero, the negative integers and -Inf. */
export function digamma(x: Expr): Expr {
  const a = abs(x);
  const negative = lt(x, 0);
  const shifted = or(negative, lt(a, 1));
  const y = pick(shifted, add(a, 1), a);
  const t = pick(shifted, sub(a, 1), sub(a, 2)); // y - 2
  const near = digammaNear(t);
  const inverse = div(literal(x.type, 1), y);
  const v = mul(inverse, inverse);
  const far = sub(log(y), add(mul(v, polyOf(v, DIGAMMA_FAR)), mul(inverse, 0.5)));
  const positive = pick(lt(y, 3), near, far);
  // digamma(-a) = digamma(1 + a) + pi cot(pi a); digamma(a) = digamma(a + 1) - 1 / a
  const { d, sine } = sinPi(a);
  const cosine = sinKernel(mul(sub(0.5, abs(d)), Math.PI));
  const cotangent = mul(div(cosine, sine), pick(lt(d, 0), -Math.PI, literal(x.type, Math.PI)));
  const value = pick(negative, add(positive, cotangent), pick(lt(a, 1), lessReciprocal(positive, a), positive));
  const pole = and(le(x, 0), eq(d, 0));
  return pick(pole, NaN, value);
}
