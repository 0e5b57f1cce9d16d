/** rsqrt, round, cbrt, nextafter. */
import type { Expr } from '../../core/scalar.js';
import {
  abs,
  add,
  and,
  byFormat,
  div,
  eq,
  formatOf,
  fromBits,
  gt,
  literal,
  lt,
  mul,
  ne,
  or,
  pick,
  pickLiteral,
  poly,
  pow2,
  roundToBits,
  signOf,
  sqrt,
  sub,
  toBits,
  trunc,
  withSignOf,
} from './builder.js';
import { decompose } from './log.js';

/** 1 / sqrt(x); Inf at +0, -Inf at -0 (IEEE 754 rSqrt), NaN below. */
export const rsqrt = (x: Expr): Expr => div(literal(x.type, 1), sqrt(x));

/** Nearest integer, halves away from zero: truncates x plus the largest number below 1/2 with the sign of x. */
export function round(x: Expr): Expr {
  const half = literal(x.type, byFormat(x, 0.49999997, 0.49999999999999994));
  return trunc(add(x, withSignOf(half, x)));
}

// cbrt m to 2^-10.6 for sqrt(1/2) <= m < sqrt(2) (scripts/minimax.py).
const CBRT = [0.55370575, 0.5536619, -0.10747689];

/** Cube root: with |x| = 2^(3k + r) m, two (one for float32) steps of Halley's iteration from a quadratic in m. */
export function cbrt(x: Expr): Expr {
  const a = abs(x);
  const { e, m } = decompose(a);
  const k = roundToBits(mul(e, 1 / 3), formatOf(x).bias);
  const r = sub(e, mul(k.value, 3)); // -1, 0 or 1
  const by = (up: number, down: number): Expr => pick(gt(r, 0), up, pickLiteral(x, lt(r, 0), down, 1));
  const target = mul(m, by(2, 0.5)); // exact
  const step = (y: Expr): Expr => {
    const cube = mul(y, y, y);
    return add(y, mul(y, div(sub(target, cube), add(add(cube, cube), target))));
  };
  const start = mul(poly(m, CBRT), by(2 ** (1 / 3), 2 ** (-1 / 3)));
  const root = x.type === 'float32' ? step(start) : step(step(start));
  const ordinary = and(gt(a, 0), lt(a, Infinity));
  return pick(ordinary, withSignOf(mul(root, pow2(k.low)), x), x);
}

/** The next representable number after x in the direction of y; y where they are equal (C99). */
export function nextafter(x: Expr, y: Expr): Expr {
  const bits = toBits(x);
  const outward = eq(lt(x, y), gt(x, 0));
  const moved = fromBits(pick(outward, add(bits, 1), sub(bits, 1)));
  const fromZero = fromBits(or(signOf(y), 1));
  const next = pick(eq(x, 0), fromZero, moved);
  const nan = or(ne(x, x), ne(y, y));
  return pick(nan, NaN, pick(eq(x, y), y, next));
}
