/**
 * The exact C fmod, without the loop over the difference of the exponents: with |x| = a 2^d u, |y| = m u (a, m whole
 * significands) the remainder is a 2^d mod m, and 2^d mod m comes by repeated squaring. Products modulo m are exact:
 * the quotient is estimated in floating point, and a b - q m is formed in integers that wrap.
 */
import { convert } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import {
  abs,
  add,
  and,
  div,
  eq,
  formatOf,
  fromBits,
  ge,
  literal,
  lt,
  mul,
  ne,
  or,
  pick,
  pow2,
  shl,
  shrA,
  shrL,
  sub,
  toBits,
  withSignOf,
} from './builder.js';

interface Whole {
  /** The significand as an integer with its leading bit at position `stored`. */
  readonly significand: Expr;
  /** The significand times 2^(exponent - bias - stored) is the number. */
  readonly exponent: Expr;
}

/** Significand and exponent of a positive finite number; subnormal ones are scaled. */
function whole(a: Expr): Whole {
  const f = formatOf(a);
  const wide = f.type === 'float64';
  const small = lt(a, f.tiny);
  const bits = toBits(pick(small, mul(a, 2 ** f.stored), a));
  const field = shrL(bits, f.stored);
  return {
    significand: or(and(bits, wide ? 2n ** 52n - 1n : 2 ** 23 - 1), wide ? 2n ** 52n : 2 ** 23),
    exponent: pick(small, sub(field, f.stored), field),
  };
}

/** An integer of up to stored + 2 bits as a float; for float64 by way of two halves, as there is no conversion. */
function asFloat(x: Expr): Expr {
  if (x.type !== 'int64') return convert('float32', x);
  const magic = 1.5 * 2 ** 52;
  const half = (part: Expr): Expr => sub(fromBits(add(part, toBits(literal('float64', magic)))), magic);
  return add(mul(half(shrA(x, 26)), 2 ** 26), half(and(x, 2n ** 26n - 1n)));
}

/** The integer nearest to a float of at most 2^(stored - 2). */
function asInteger(x: Expr): Expr {
  const magic = literal(x.type, formatOf(x).magic);
  return sub(toBits(add(x, magic)), toBits(magic));
}

/** Arithmetic modulo m on balanced residues (|r| hardly above m / 2). */
function modular(m: Expr): { reduce: (r: Expr) => Expr; multiply: (a: Expr, b: Expr) => Expr } {
  const inverse = div(1, asFloat(m));
  const reduce = (r: Expr): Expr => sub(r, mul(asInteger(mul(asFloat(r), inverse)), m));
  // Half the quotient is estimated, as it may have stored - 1 bits; what is left is below 2 m and reduced once more.
  const multiply = (a: Expr, b: Expr): Expr => {
    const half = asInteger(mul(mul(asFloat(a), mul(asFloat(b), 0.5)), inverse));
    return reduce(sub(mul(a, b), mul(shl(half, 1), m)));
  };
  return { reduce, multiply };
}

/** Remainder of x / y with the sign of x; NaN for infinite x or zero y. */
export function fmod(x: Expr, y: Expr): Expr {
  const f = formatOf(x);
  const wide = f.type === 'float64';
  const ax = abs(x);
  const ay = abs(y);
  const a = whole(ax);
  const b = whole(ay);
  const { reduce, multiply } = modular(b.significand);
  const difference = sub(a.exponent, b.exponent);
  const d = pick(lt(difference, 0), 0, difference);
  const power = (k: Expr): Expr => asInteger(pow2(add(k, f.bias))); // 2^k for small k

  // 2^d = (2^high)^(2^squarings) 2^low
  const squarings = wide ? 6 : 4;
  let t = power(shrL(d, squarings));
  for (let i = 0; i < squarings; i++) t = multiply(t, t);
  const low = and(d, 2 ** squarings - 1);
  const parts = wide ? [shrL(low, 1), sub(low, shrL(low, 1))] : [low];
  const scaled = parts.reduce((r, k) => multiply(r, power(k)), reduce(a.significand));
  const balanced = multiply(scaled, t);
  const remainder = pick(lt(balanced, 0), add(balanced, b.significand), balanced);

  // remainder 2^(exponent - bias - stored), by two factors that stay in the normal range
  const scale = sub(b.exponent, f.bias + f.stored);
  const half = shrA(scale, 1);
  const value = mul(asFloat(remainder), pow2(add(half, f.bias)), pow2(add(sub(scale, half), f.bias)));
  const signed = withSignOf(value, x);
  const nan = or(or(ge(ax, Infinity), eq(y, 0)), or(ne(x, x), ne(y, y)));
  return pick(nan, NaN, pick(lt(ax, ay), x, signed));
}
