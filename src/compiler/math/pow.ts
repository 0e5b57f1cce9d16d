/** pow: 2^(y log2 |x|) with the logarithm in two words, and the special values of C99 (annex F.9.4.4). */
import type { Expr } from '../../core/scalar.js';
import {
  abs,
  add,
  and,
  atLeast,
  atMost,
  byFormat,
  eq,
  flipSign,
  literal,
  lt,
  mul,
  ne,
  not,
  or,
  pick,
  pickLiteral,
  signOf,
  trunc,
  twoProduct,
  xor,
} from './builder.js';
import { exp2Scaled } from './exp.js';
import { log2Pair } from './log.js';

/** x^y. */
export function pow(x: Expr, y: Expr): Expr {
  const ax = abs(x);
  const log = log2Pair(ax);
  // Beyond this size of y every x but 1 overflows or underflows; clamping keeps the exact product finite.
  const bound = byFormat(x, 2 ** 32, 2 ** 64);
  const yc = atMost(atLeast(y, -bound), bound);
  const product = twoProduct(yc, log.hi);
  const low = add(product.lo, mul(yc, log.lo));
  const limit = byFormat(x, 152, 1077);
  const inside = lt(abs(product.hi), limit);
  const { p, s } = exp2Scaled(atMost(atLeast(product.hi, -limit), limit), pick(inside, low, 0));
  const finite = mul(p, s, s);

  const zero = eq(ax, 0);
  const edge = or(zero, eq(ax, Infinity));
  const magnitude = pick(edge, pickLiteral(x, xor(zero, lt(y, 0)), 0, Infinity), finite);
  const integer = eq(trunc(y), y);
  const halfY = mul(y, 0.5);
  const odd = and(integer, ne(trunc(halfY), halfY));
  const signed = pick(odd, flipSign(magnitude, signOf(x)), magnitude);
  const undefinedReal = and(and(lt(x, 0), ne(x, -Infinity)), not(integer));
  const nan = or(undefinedReal, or(ne(x, x), ne(y, y)));
  return pick(or(eq(x, 1), eq(y, 0)), literal(x.type, 1), pick(nan, NaN, signed));
}
