/**
 * The logarithms: log, log2, log1p, and the two-word log2 that pow is built on.
 *
 * x = 2^e (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2); log(1 + f) = f - f^2/2 + r. For float32 r = f^3 p(f); for float64,
 * with s = f / (2 + f), r = s (f^2/2 + s^2 p(s^2)) (the arrangement of fdlibm's e_log.c). Polynomials from scripts/minimax.py.
 */
import type { Expr } from '../../core/scalar.js';
import {
  abs,
  add,
  and,
  atMost,
  byFormat,
  div,
  eq,
  estrin,
  fastTwoSum,
  formatOf,
  fromBits,
  gt,
  literal,
  lt,
  mul,
  or,
  pick,
  pickLiteral,
  poly,
  polyOf,
  shl,
  shrL,
  split,
  sub,
  toBits,
  twoProduct,
  twoSum,
  upperHalf,
} from './builder.js';
import type { Pair } from './builder.js';

// log(1 + f) = f - f^2/2 + f^3 p(f); error 2^-26.6.
const LOG32 = [0.3333333, -0.25000823, 0.20001261, -0.16623335, 0.14199467, -0.13159353, 0.12790741, -0.07679595];
// log((1 + s)/(1 - s)) = 2 s + s z p(z), z = s^2; error 2^-59.5.
const LOG64 = [
  0.6666666666666735, 0.3999999999940935, 0.2857142874368661, 0.22222198428955117, 0.18183572356716232,
  0.15313832099588287, 0.14798259679506773,
];

const LN2_HI = [0.693145751953125, 0.6931471805598903] as const;
const LN2_LO = [1.4286068e-6, 5.497923018708371e-14] as const;

interface Decomposed {
  /** The exponent, as a float. */
  readonly e: Expr;
  /** The significand, in [sqrt(1/2), sqrt(2)). */
  readonly m: Expr;
}

/** x = 2^e m for positive finite x. Subnormal x need `subnormals`; other x give garbage without trapping. */
export function decompose(x: Expr, subnormals = true): Decomposed {
  const f = formatOf(x);
  const wide = f.type === 'float64';
  const rootHalf = wide ? 0x3fe6a09e667f3bcdn : 0x3f3504f3;
  const one = wide ? 0x3ff0000000000000n : 0x3f800000;
  const significand = wide ? 2n ** 52n - 1n : 2 ** 23 - 1;
  const intMagic = wide ? 0x4330000000000000n : 0x4b000000; // the bits of 2^stored
  const lift = 2 ** f.stored;
  const small = lt(x, f.tiny);
  const normal = subnormals ? pick(small, mul(x, lift), x) : x;
  const shifted = add(
    toBits(normal),
    wide ? (one as bigint) - (rootHalf as bigint) : (one as number) - (rootHalf as number),
  );
  const biased = fromBits(or(shrL(shifted, f.stored), intMagic)); // 2^stored + bias + e
  const bias = lift + f.bias;
  const e = subnormals ? sub(biased, pickLiteral(x, small, bias + f.stored, bias)) : sub(biased, bias);
  return { e, m: fromBits(add(and(shifted, significand), rootHalf)) };
}

interface Reduced {
  readonly f: Expr;
  /** f^2 / 2 */
  readonly half: Expr;
  /** log(1 + f) - f + f^2 / 2 */
  readonly rest: Expr;
}
function reduced(f: Expr): Reduced {
  if (f.type === 'float32') {
    const z = mul(f, f);
    return { f, half: mul(z, 0.5), rest: mul(mul(f, z), estrin(f, LOG32)) };
  }
  const half = mul(mul(f, 0.5), f);
  const s = div(f, add(f, 2));
  const z = mul(s, s);
  return { f, half, rest: mul(s, add(mul(z, poly(z, LOG64)), half)) };
}

/** e ln 2 + log(1 + f), smallest terms first. */
function natural(e: Expr, f: Expr): Expr {
  const { half, rest } = reduced(f);
  const small = sub(add(rest, mul(e, byFormat(f, ...LN2_LO))), half);
  return add(add(small, f), mul(e, byFormat(f, ...LN2_HI)));
}

/** The values of a logarithm where it is not `y`: +Inf at +Inf, -Inf at zero (of `x`), NaN below and for NaN. */
const withEdges = (x: Expr, y: Expr): Expr =>
  pick(gt(x, 0), pick(lt(x, Infinity), y, x), pickLiteral(x, eq(x, 0), -Infinity, NaN));

/** Natural logarithm. */
export function log(x: Expr): Expr {
  const { e, m } = decompose(x);
  return withEdges(x, natural(e, sub(m, 1)));
}

/** log(1 + x): the rounding error of 1 + x goes into f. */
export function log1p(x: Expr): Expr {
  const u = twoSum(literal(x.type, 1), x);
  return pick(lt(abs(x), byFormat(x, 2 ** -26, 2 ** -55)), x, logOfPair(u));
}

/** log(hi + lo), lo small against hi, hi not subnormal. */
export function logOfPair(u: Pair): Expr {
  const x = u.hi;
  const f = formatOf(x);
  const { e, m } = decompose(u.hi, false);
  // 2^-e; where e is that large the correction no longer counts, but the exponent field must stay valid.
  const capped = atMost(e, f.bias - 1);
  const scale = fromBits(shl(toBits(sub(f.magic + f.bias, capped)), f.stored));
  return withEdges(u.hi, natural(e, add(sub(m, 1), mul(u.lo, scale))));
}

// 1 / ln 2 = hi + lo, hi with half the bits of the format.
const INV_LN2_HI = [1.44287109375, 1.4426950514316559] as const;
const INV_LN2_LO = [-0.00017605285, -1.0542692476429138e-8] as const;

/**
 * Base-2 logarithm; exact at powers of two. f - f^2/2 is split so that its product with 1 / ln 2 is exact (the method of
 * FreeBSD's e_log2.c).
 */
export function log2(x: Expr): Expr {
  const { e, m } = decompose(x);
  const { f, half, rest } = reduced(sub(m, 1));
  const hi = upperHalf(sub(f, half));
  const lo = add(sub(sub(f, hi), half), rest);
  const high = mul(hi, byFormat(x, ...INV_LN2_HI));
  const low = add(mul(add(lo, hi), byFormat(x, ...INV_LN2_LO)), mul(lo, byFormat(x, ...INV_LN2_HI)));
  const sum = add(e, high);
  return withEdges(x, add(add(low, add(sub(e, sum), high)), sum));
}

// log((1 + s)/(1 - s)) = 2 s + (2/3) s z + s z^2 p(z); error 2^-43.7, 2^-77.0.
const EXTRA = {
  float32: [0.39999998, 0.28571972, 0.22179729, 0.19556412],
  float64: [
    0.4, 0.2857142857142689, 0.2222222222271647, 0.18181818106027828, 0.15384622185092023, 0.13332959905261493,
    0.11777268961727391, 0.10278912509235774, 0.12029479568673909,
  ],
};
// 2 / (3 ln 2) = hi + lo
const SCALE_HI = [0.9617967, 0.9617966939259756] as const;
const SCALE_LO = [-7.028462e-9, 5.0577616648125907e-17] as const;

/**
 * log2 of a positive finite x as an unevaluated sum with about 10 more bits than the format:
 * with s = f / (2 + f), log(1 + f) = (2/3) s (3 + s^2 + ...), every step in two words (as fdlibm's e_pow.c).
 */
export function log2Pair(x: Expr): Pair {
  const { e, m } = decompose(x);
  const f = sub(m, 1); // exact
  const d = add(m, 1);
  const dLow = sub(m, sub(d, 1));
  const sHi = div(f, d);
  const sParts = split(sHi);
  const back = twoProduct(sHi, d, sParts);
  const sLo = div(sub(sub(sub(f, back.hi), back.lo), mul(sHi, dLow)), d);
  const square = twoProduct(sHi, sHi, sParts, sParts);
  const z = square.hi;
  const zLow = add(square.lo, mul(mul(sHi, sLo), 2));
  const tail = mul(mul(z, z), mul(polyOf(z, EXTRA), 1.5));
  const three = literal(x.type, 3);
  const top = fastTwoSum(three, z);
  const q = fastTwoSum(top.hi, add(add(top.lo, zLow), tail));
  const product = twoProduct(sHi, q.hi, sParts);
  const productLow = add(product.lo, add(mul(sHi, q.lo), mul(sLo, q.hi)));
  const scaleHi = literal(x.type, byFormat(x, ...SCALE_HI));
  const scaled = twoProduct(product.hi, scaleHi);
  const scaledLow = add(scaled.lo, add(mul(product.hi, byFormat(x, ...SCALE_LO)), mul(productLow, scaleHi)));
  const sum = fastTwoSum(e, scaled.hi);
  return fastTwoSum(sum.hi, add(sum.lo, scaledLow));
}
