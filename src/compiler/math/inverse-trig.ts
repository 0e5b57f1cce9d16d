/**
 * asin, acos, atan, atan2. Arguments are folded to where a short odd polynomial serves (scripts/minimax.py): atan to
 * tan(pi/8) by (n - d)/(n + d), asin to 1/2 by the half-angle formula (Cody and Waite, 1980; fdlibm's e_asin.c).
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
  formatOf,
  gt,
  lt,
  mul,
  neg,
  pick,
  pickLiteral,
  polyOf,
  sqrt,
  sub,
  toBits,
  twoProduct,
  withSignOf,
} from './builder.js';

// atan r = r + r z p(z), z = r^2, |r| <= tan(pi / 8); error 2^-30.4, 2^-59.4.
const ATAN = {
  float32: [-0.33333316, 0.19998527, -0.14244345, 0.10598729, -0.060887404],
  float64: [
    -0.3333333333333319, 0.19999999999952187, -0.14285714280054645, 0.111111107763379, -0.09090897552296619,
    0.07692056549630157, -0.06663062248057496, 0.0584758402712274, -0.05037923676922231, 0.03802932628318493,
    -0.017868458350163666,
  ],
};
// asin r = r + r z p(z), |r| <= 1/2; error 2^-27.6, 2^-55.9.
const ASIN = {
  float32: [0.16666752, 0.074953094, 0.04546915, 0.024184782, 0.04215829],
  float64: [
    0.16666666666665408, 0.0750000000033715, 0.04464285682821032, 0.03038195914202892, 0.02237175792497053,
    0.017359706711796586, 0.01388521570502423, 0.012169344552131499, 0.0065273873897526095, 0.01952990847830002,
    -0.016226883730818823, 0.03191410786004879,
  ],
};
// pi / 2 = hi + lo
const HALF_PI = [Math.fround(Math.PI / 2), Math.PI / 2] as const;
const HALF_PI_LOW = [-4.371139e-8, 6.123233995736766e-17] as const;

/** The angle `multiple` pi / 2 + r, with both words of pi. */
const turned = (multiple: number, r: Expr): Expr =>
  add(add(r, multiple * byFormat(r, ...HALF_PI_LOW)), multiple * byFormat(r, ...HALF_PI));

/** atan(n / d) for 0 <= n <= d, d > 0. */
function atanQuotient(n: Expr, d: Expr): Expr {
  const fold = gt(n, mul(d, Math.SQRT2 - 1));
  const sum = fastTwoSum(d, n);
  const difference = fastTwoSum(neg(d), n);
  const divisor = pick(fold, sum.hi, d);
  const r = div(pick(fold, difference.hi, n), divisor);
  const z = mul(r, r);
  const tail = mul(mul(r, z), polyOf(z, ATAN));
  // What rounding n - d and n + d changed, times the derivative 1 / (1 + z), roughly; it counts for float64 only.
  const error = (): Expr => mul(div(pick(fold, sub(mul(r, sum.lo), difference.lo), 0), divisor), sub(1, z));
  const angle = add(n.type === 'float32' ? tail : sub(tail, error()), r);
  return pick(fold, turned(0.5, angle), angle);
}

/** Arc tangent, in [-pi/2, pi/2]. */
export function atan(x: Expr): Expr {
  const a = abs(x);
  const large = gt(a, 1);
  const angle = atanQuotient(pick(large, 1, a), pick(large, a, 1));
  return withSignOf(pick(large, turned(1, neg(angle)), angle), x);
}

/** The angle of the point (x, y), in [-pi, pi]; zeros and infinities as C99's atan2. */
export function atan2(y: Expr, x: Expr): Expr {
  const ay = abs(y);
  const ax = abs(x);
  const steep = gt(ay, ax);
  const small = pick(steep, ax, ay);
  const large = pick(steep, ay, ax);
  const infinite = and(eq(small, Infinity), eq(large, Infinity));
  // The sum of the two must not overflow, the quotient of two zeros is zero, of two infinities one.
  const scale = pickLiteral(x, gt(large, formatOf(x).largest / 4), 0.25, 1);
  const n = pick(infinite, 1, mul(small, scale));
  const d = pick(infinite, 1, pick(eq(large, 0), 1, mul(large, scale)));
  const angle = atanQuotient(n, d);
  const right = pick(steep, turned(1, neg(angle)), angle);
  const left = pick(steep, turned(1, angle), turned(2, neg(angle)));
  return withSignOf(pick(lt(toBits(x), 0), left, right), y);
}

interface HalfAngle {
  /** |x| > 1/2 */
  readonly large: Expr;
  /** asin |x|, or asin sqrt((1 - |x|) / 2) for large x. */
  readonly angle: Expr;
}
function halfAngle(x: Expr): HalfAngle {
  const a = abs(x);
  const large = gt(a, 0.5);
  const z = pick(large, mul(sub(1, a), 0.5), mul(a, a));
  const root = sqrt(z);
  const s = pick(large, root, a);
  const tail = mul(mul(s, z), polyOf(z, ASIN));
  if (x.type === 'float32') return { large, angle: add(tail, s) };
  // The rounding error of the square root, (z - root^2) / (2 root), counts where it is doubled.
  const square = twoProduct(root, root);
  const error = div(sub(sub(z, square.hi), square.lo), add(root, root));
  return { large, angle: add(add(tail, pick(and(large, gt(root, 0)), error, 0)), s) };
}

/** Arc sine, in [-pi/2, pi/2]; NaN outside [-1, 1]. */
export function asin(x: Expr): Expr {
  const { large, angle } = halfAngle(x);
  return withSignOf(pick(large, turned(1, mul(angle, -2)), angle), x);
}

/** Arc cosine, in [0, pi]; NaN outside [-1, 1]. */
export function acos(x: Expr): Expr {
  const { large, angle } = halfAngle(x);
  const twice = mul(angle, 2);
  const negative = lt(x, 0);
  const outer = pick(negative, turned(2, neg(twice)), twice);
  const inner = turned(1, pick(negative, angle, neg(angle)));
  return pick(large, outer, inner);
}
