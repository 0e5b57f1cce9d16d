/**
 * sin, cos, tan. Arguments of moderate size are reduced with pi in four parts whose products with the multiple are exact
 * (Cody and Waite); larger ones by {@link reduceLarge}. Polynomials from scripts/minimax.py.
 *
 * sin and cos are reduced to [-pi/2, pi/2], where one odd polynomial serves both: a few more coefficients are cheaper than
 * evaluating and selecting between two. The reduction of large arguments is always the first branch of selects that have
 * one and the same condition, so that a backend may jump over it when no lane needs it.
 */
import { select } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import {
  abs,
  add,
  byFormat,
  div,
  eq,
  flipSign,
  formatOf,
  ge,
  mul,
  pick,
  polyOf,
  roundToBits,
  shl,
  signOf,
  sub,
  xor,
} from './builder.js';
import { reduceLarge } from './reduce.js';
import type { Reduced } from './reduce.js';

// pi in parts of 12 bits (30 for float64) and a last one.
const PI_PARTS = {
  float32: [3.140625, 0.0009675025939941406, 1.5099067240953445e-7, 5.126688303189038e-12],
  float64: [3.141592651605606, 1.9841871583270443e-9, 1.03403659577805e-18, 5.807711947958721e-28],
} as const;
// The multiples of pi / 2 up to here have 12 (22) bits.
const MODERATE = [6000, 4194304] as const;

// sin r = r + r z p(z), z = r^2, |r| <= pi / 2; error 2^-27.2, 2^-61.5.
const SIN = {
  float32: [-0.1666666, 0.008333069, -0.00019809768, 2.6060538e-6],
  float64: [
    -0.16666666666666666, 0.008333333333333207, -0.00019841269841212476, 2.7557319211568385e-6, -2.5052106904254942e-8,
    1.6058940990055065e-10, -7.643018943924241e-13, 2.721413807674629e-15,
  ],
};
// The same for |r| <= pi / 4; error 2^-27.9, 2^-57.9.
const SIN_QUARTER = {
  float32: [-0.16666655, 0.008332187, -0.00019517897],
  float64: [
    -0.1666666666666663, 0.00833333333332184, -0.00019841269829358503, 2.755731353849688e-6, -2.505073438536119e-8,
    1.5895433008320562e-10,
  ],
};
// cos r = 1 - z / 2 + z^2 p(z), |r| <= pi / 4; error 2^-33.1, 2^-64.2.
const COS_QUARTER = {
  float32: [0.041666646, -0.0013887301, 2.443067e-5],
  float64: [
    0.0416666666666666, -0.0013888888888874441, 2.4801587289636314e-5, -2.755731438746956e-7, 2.0875727058854596e-9,
    -1.1359802459793666e-11,
  ],
};

/** x = n pi unit + r - (half a unit if `half`), for moderate x. */
function reduceModerate(x: Expr, unit: 1 | 0.5, half: boolean): Reduced {
  const f = formatOf(x);
  const turns = mul(x, 1 / (Math.PI * unit));
  const n = roundToBits(half ? add(turns, 0.5) : turns);
  const multiple = half ? sub(n.value, 0.5) : n.value;
  const parity = shl(n.low, f.type === 'float64' ? 63 : 31);
  const [c1, c2, c3, c4] = PI_PARTS[f.type];
  const times = (part: number): Expr => mul(multiple, part * unit);
  const first = sub(x, times(c1));
  const p2 = times(c2);
  const second = sub(first, p2);
  if (f.type === 'float32') return { r: sub(sub(second, times(c3)), times(c4)), parity };
  // The rounding errors of the subtractions go along.
  const w = sub(times(c3), sub(sub(first, second), p2));
  const r = sub(second, w);
  return { r, lost: sub(sub(sub(second, r), w), times(c4)), parity };
}

/** Whether a not negative number is beyond the moderate ones. */
const isLarge = (a: Expr): Expr => ge(a, byFormat(a, ...MODERATE));

/** (-1)^n (r + lost) for a not negative x = n pi + r, whose sine is that of x; with `half`, of x + pi / 2. */
function reduceSigned(x: Expr, half: boolean): { readonly r: Expr; readonly lost?: Expr } {
  const large = isLarge(x);
  const [a, b] = [reduceLarge(x, 1, half), reduceModerate(x, 1, half)];
  const signed = (part: Expr, { parity }: Reduced): Expr => flipSign(part, parity);
  const r = select(large, signed(a.r, a), signed(b.r, b));
  if (a.lost === undefined || b.lost === undefined) return { r };
  return { r, lost: select(large, signed(a.lost, a), signed(b.lost, b)) };
}

/** sin(r + lost) for |r| <= pi / 2; the correction is lost cos r, with cos r ~ 1 - (2 r / pi)^2. */
export function sinKernel(r: Expr, lost?: Expr): Expr {
  const z = mul(r, r);
  const rest = mul(mul(r, z), polyOf(z, SIN));
  return add(lost === undefined ? rest : add(rest, mul(lost, sub(1, mul(z, 4 / Math.PI ** 2)))), r);
}

/** sin x = sin |x| with the sign of x, so that sin(-0) is -0. */
export function sin(x: Expr): Expr {
  const { r, lost } = reduceSigned(abs(x), false);
  return flipSign(sinKernel(r, lost), signOf(x));
}

/** cos x = sin(|x| + pi / 2). */
export function cos(x: Expr): Expr {
  const { r, lost } = reduceSigned(abs(x), true);
  return sinKernel(r, lost);
}

/** tan |x| = sin r / cos r or -cos r / sin r, |r| <= pi / 4. */
export function tan(x: Expr): Expr {
  const ax = abs(x);
  const large = isLarge(ax);
  const [a, b] = [reduceLarge(ax, 0.5, false), reduceModerate(ax, 0.5, false)];
  const r = select(large, a.r, b.r);
  const lost = a.lost === undefined || b.lost === undefined ? undefined : select(large, a.lost, b.lost);
  const parity = select(large, a.parity, b.parity);
  const even = eq(parity, 0);
  const z = mul(r, r);
  const sRest = mul(mul(r, z), polyOf(z, SIN_QUARTER));
  const cRest = mul(mul(z, z), polyOf(z, COS_QUARTER));
  const halfZ = mul(z, 0.5);
  const sTail = lost === undefined ? sRest : add(sRest, mul(lost, sub(1, halfZ)));
  const cTail = lost === undefined ? cRest : sub(cRest, mul(lost, r));
  const s = add(sTail, r);
  const c = x.type === 'float32' ? add(sub(cTail, halfZ), 1) : add(cTail, sub(1, halfZ));
  /** What the roundings of the sums above cost the quotient; they are known exactly. */
  const quotientError = (q: Expr): Expr => {
    const sLow = sub(sTail, sub(s, r));
    const most = sub(1, halfZ);
    const cLow = sub(add(sub(sub(1, most), halfZ), cTail), sub(c, most));
    return div(sub(pick(even, sLow, cLow), mul(q, pick(even, cLow, sLow))), pick(even, c, s));
  };
  const q = div(pick(even, s, c), pick(even, c, s));
  const y = x.type === 'float32' ? q : add(q, quotientError(q));
  return flipSign(y, xor(parity, signOf(x)));
}
