/**
 * The exponential family: exp, exp2, expm1, logistic. Reduction x = k ln 2 + r with ln 2 in two parts (Cody and Waite,
 * "Software Manual for the Elementary Functions", 1980), polynomials from scripts/minimax.py.
 *
 * 2^k is a product of two powers that never leave the normal range, so that the last product rounds once, also into
 * subnormal numbers and to infinity. Where accuracy matters more than speed k is taken in steps of two, k = 2 n, and the
 * two are one: 2^k = s s with s = 2^n.
 */
import type { Expr } from '../../core/scalar.js';
import {
  abs,
  add,
  and,
  atLeast,
  atMost,
  byFormat,
  div,
  estrin,
  fastTwoSum,
  formatOf,
  fromBits,
  ge,
  literal,
  lt,
  mul,
  neg,
  pick,
  poly,
  pow2,
  roundToBits,
  shl,
  sub,
  twoProduct,
  twoSum,
} from './builder.js';
import type { Coefficients, Pair } from './builder.js';

// e^r = 1 + r + r^2 p(r), |r| <= ln 2; error 2^-29.6, 2^-59.6.
const EXP = {
  float32: [0.5, 0.16666679, 0.041666754, 0.008332196, 0.0013883119, 0.00020157322, 2.5769936e-5],
  float64: [
    0.5, 0.16666666666666638, 0.04166666666666643, 0.008333333333341778, 0.0013888888888949837, 0.00019841269832395687,
    2.4801587247559153e-5, 2.755732367736449e-6, 2.7557341004226796e-7, 2.5050952012860083e-8, 2.0872601048034057e-9,
    1.6208896704207737e-10, 1.1797194564322597e-11,
  ],
};
// The same for |r| <= ln(2) / 2; error 2^-23.2.
const EXP_HALF = [0.4999923, 0.16667116, 0.04189033, 0.008312503];
// e^r - 1 = r + r^2 p(r), |r| <= ln(2) / 2; error 2^-31.0, 2^-61.2.
const EXPM1 = {
  float32: [0.5, 0.16666666, 0.041666467, 0.008333644, 0.0013935099, 0.0001966439],
  float64: [
    0.5, 0.16666666666666677, 0.04166666666666661, 0.008333333333321199, 0.0013888888888918263, 0.00019841269887636628,
    2.4801587260407677e-5, 2.755724234594641e-6, 2.7557320841623555e-7, 2.5109788649821657e-8, 2.0903880632336007e-9,
  ],
};

const LOG2E = 1.4426950408889634;
// ln 2 = hi + lo, hi with 16 (float32) or 42 (float64) bits, so that its product with an exponent is exact.
const LN2_HI = [0.693145751953125, 0.6931471805598903] as const;
const LN2_LO = [1.4286068e-6, 5.497923018708371e-14] as const;

interface Remainder {
  readonly r: Expr;
  /** What rounding r lost; plain float32 does without it (it costs three operations and gains half an ulp). */
  readonly lost?: Expr;
}
/** x - (k hi + k lo - extra), k hi being exact. */
function remainder(x: Expr, k: Expr, hi: number, lo: number, extra?: Expr): Remainder {
  const high = sub(x, mul(k, hi));
  const low = extra === undefined ? mul(k, lo) : sub(mul(k, lo), extra);
  const r = sub(high, low);
  return x.type === 'float32' && extra === undefined ? { r } : { r, lost: sub(sub(high, r), low) };
}

/** Two ulps of float64 are less easily kept than four of float32, whose loops are the ones that must be fast. */
const expPoly = (r: Expr, { float32, float64 }: Coefficients): Expr =>
  r.type === 'float32' ? estrin(r, float32) : poly(r, float64);

/** r + r^2 p(r) + lost. */
function expm1Kernel({ r, lost }: Remainder, coefficients: Coefficients): Expr {
  const rest = mul(mul(r, r), expPoly(r, coefficients));
  return add(lost === undefined ? rest : add(rest, lost), r);
}
/** e^r for |r| <= ln 2. */
const expKernel = (x: Remainder): Expr => add(expm1Kernel(x, EXP), 1);

/** A value p s s, with s a power of two. */
export interface Scaled {
  readonly p: Expr;
  readonly s: Expr;
}

/** e^(x + extra) as p s s for x within the clamps of {@link exp}; `extra` is small against 1. */
export function expScaled(x: Expr, extra?: Expr): Scaled {
  const n = roundToBits(mul(x, LOG2E / 2), formatOf(x).bias);
  const r = remainder(x, n.value, 2 * byFormat(x, ...LN2_HI), 2 * byFormat(x, ...LN2_LO), extra);
  return { p: expKernel(r), s: pow2(n.low) };
}

/** Below this e^x rounds to zero. */
export const expLow = (x: Expr): number => byFormat(x, -104, -746);
/** Above this e^x overflows. */
export const expHigh = (x: Expr): number => byFormat(x, 89, 710);

/**
 * e^x of float32 for x within the clamps of {@link exp}. Most loops that are bound by arithmetic are bound by this: k in
 * steps of one, 2^k = 2^floor(k/2) 2^(k - floor(k/2)), and a polynomial that is an ulp off, a fifth less work for it.
 */
function exp32(x: Expr): Expr {
  const k = roundToBits(mul(x, LOG2E), 254);
  const { r } = remainder(x, k.value, LN2_HI[0], LN2_LO[0]);
  const p = add(add(mul(mul(r, r), estrin(r, EXP_HALF)), r), 1);
  // The low end of the bits is k + 254: without its last bit the exponent bits of the first power, twice over.
  const first = and(shl(k.low, 22), 0x7f800000);
  const second = sub(shl(k.low, 23), first);
  return mul(p, fromBits(first), fromBits(second));
}

/** e^x. */
export function exp(x: Expr): Expr {
  const clamped = atMost(atLeast(x, expLow(x)), expHigh(x));
  if (x.type === 'float32') return exp32(clamped);
  const { p, s } = expScaled(clamped);
  return mul(p, s, s);
}

// ln 2 = fl(ln 2) + lo
const LN2_REST = [-1.9046542e-9, 2.3190468138462996e-17] as const;

/**
 * 2^(x + extra) as p s s for x of at most 2^10 or so in size; |extra| is small against 1. With `extra` the product with
 * ln 2 is taken in two words.
 */
export function exp2Scaled(x: Expr, extra?: Expr): Scaled {
  const n = roundToBits(mul(x, 0.5), formatOf(x).bias);
  const r = sub(x, mul(n.value, 2)); // exact
  const s = pow2(n.low);
  if (extra === undefined) return { p: expKernel({ r: mul(r, Math.LN2) }), s };
  const product = twoProduct(r, literal(x.type, Math.LN2));
  const rest = add(product.lo, mul(r, byFormat(x, ...LN2_REST)), mul(extra, Math.LN2));
  const sum = twoSum(product.hi, rest);
  return { p: expKernel({ r: sum.hi, lost: sum.lo }), s };
}

/** 2^x; exact for integers. */
export function exp2(x: Expr): Expr {
  const { p, s } = exp2Scaled(atMost(atLeast(x, byFormat(x, -151, -1076)), byFormat(x, 129, 1025)));
  return mul(p, s, s);
}

/** e^x = s (1 + p) with x = k ln 2 + r, s = 2^(k + shift), p = e^r - 1. */
export function expm1Parts(x: Expr, shift = 0): Scaled {
  const k = roundToBits(mul(x, LOG2E), formatOf(x).bias + shift);
  const r = remainder(x, k.value, byFormat(x, ...LN2_HI), byFormat(x, ...LN2_LO));
  return { p: expm1Kernel(r, EXPM1), s: pow2(k.low) };
}

/** e^x - 1 = 2 (h p + (h - 1/2)), h = 2^(k - 1), which is finite up to the overflow threshold. */
export function expm1(x: Expr): Expr {
  const low = byFormat(x, -18, -39); // e^x - 1 rounds to -1
  const { p, s: h } = expm1Parts(atMost(atLeast(x, low), expHigh(x)), -1);
  const y = mul(add(mul(h, p), sub(h, 0.5)), 2);
  return pick(lt(abs(x), byFormat(x, 2 ** -26, 2 ** -55)), x, y); // keeps -0 and subnormal numbers
}

/** e^x - 1 in two words, but for a power of two: e^x = s (1 + p + low). */
export function expm1Pair(x: Expr): Scaled & { readonly low: Expr } {
  const k = roundToBits(mul(x, LOG2E), formatOf(x).bias);
  const { r, lost } = remainder(x, k.value, byFormat(x, ...LN2_HI), byFormat(x, ...LN2_LO));
  const rest = mul(mul(r, r), expPoly(r, EXPM1));
  const { hi, lo } = fastTwoSum(r, lost === undefined ? rest : add(rest, lost));
  return { p: hi, low: lo, s: pow2(k.low) };
}

/** {@link expScaled} with p in two words. */
export function expScaledPair(x: Expr, extra?: Expr): { readonly p: Pair; readonly s: Expr } {
  const n = roundToBits(mul(x, LOG2E / 2), formatOf(x).bias);
  const { r, lost } = remainder(x, n.value, 2 * byFormat(x, ...LN2_HI), 2 * byFormat(x, ...LN2_LO), extra);
  const rest = mul(mul(r, r), expPoly(r, EXP));
  const one = fastTwoSum(literal(x.type, 1), r);
  return { p: fastTwoSum(one.hi, add(one.lo, lost === undefined ? rest : add(rest, lost))), s: pow2(n.low) };
}

/** {@link logistic} of float64: numerator and denominator in two words. */
function logistic64(x: Expr): Expr {
  const { p, s } = expScaledPair(atLeast(neg(abs(x)), expLow(x)));
  const z = mul(p.hi, s, s);
  const zLow = mul(p.lo, s, s);
  const right = ge(x, 0);
  const d = fastTwoSum(literal(x.type, 1), z);
  const q = div(pick(right, 1, z), d.hi);
  const inverse = pick(right, q, sub(1, q)); // 1 / d
  const error = sub(pick(right, 0, zLow), mul(q, add(d.lo, zLow)));
  return add(mul(error, inverse), q);
}

/** 1 / (1 + e^-x), as e^x / (1 + e^x) for negative x: the exponential never overflows and small results keep all bits. */
export function logistic(x: Expr): Expr {
  if (x.type === 'float64') return logistic64(x);
  const { p, s } = expScaled(atLeast(neg(abs(x)), expLow(x)));
  const z = mul(p, s, s);
  return div(pick(ge(x, 0), 1, z), add(z, 1));
}
