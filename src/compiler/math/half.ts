/**
 * float16 by integers: the bits of the nearest half (ties to even) and the number of bits, exact for subnormal numbers, infinities and NaN,
 * without relying on subnormal float32 arithmetic. IEEE 754-2008 binary16 has 5 bits of exponent with bias 15 and 10 of fraction.
 */
import { bitcast, constant, convert, select } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import { abs, add, and, eq, fromBits, ge, gt, lt, ne, or, pick, shl, shrL, sub, toBits } from './builder.js';

/** 65536, from which halves are infinite, and 2^-14, below which they are subnormal, as bits of float32. */
const INFINITE = 0x47800000;
const NORMAL = 0x38800000;
const NAN_FROM = 0x7f800000;
/** The difference of the biases, in the exponent field of a float32. */
const REBIAS = 112 << 23;

/** The float32 nearest to half the way from one half to the next, bits that lie below those of a half. */
const rounding = (bits: Expr): Expr => add(and(shrL(bits, 13), 1), 0xfff);

/** A float64 as a float32 that rounds to the same half: truncated, with its last bit set if that lost anything ("rounding to odd"). */
function roundToOdd(x: Expr): Expr {
  const near = convert('float32', x);
  const wide = convert('float64', near);
  const bits = bitcast('int32', near);
  const truncated = sub(bits, convert('int32', gt(abs(wide), abs(x))));
  // Infinite where it is too large, and NaN, as they are.
  return select(ne(wide, x), fromBits(or(truncated, 1)), near);
}

const float32Of = (x: Expr): Expr => (x.type === 'float64' ? roundToOdd(x) : convert('float32', x));

/** The bits of the half nearest to a number, as an int32. */
export function bitsOfHalf(value: Expr): Expr {
  const x = float32Of(value);
  const bits = toBits(x);
  const size = and(bits, 0x7fffffff);
  const sign = and(shrL(bits, 16), 0x8000);
  // 0.5 has the unit 2^-24 of subnormal halves: adding it rounds to multiples of that.
  const subnormal = sub(toBits(add(fromBits(size), 0.5)), 0x3f000000);
  // A carry out of the fraction is one more in the exponent, up to infinity.
  const normal = shrL(sub(add(size, rounding(size)), REBIAS), 13);
  const large = pick(gt(size, NAN_FROM), constant('int32', 0x7e00), 0x7c00);
  const half = select(lt(size, NORMAL), subnormal, select(lt(size, INFINITE), normal, large));
  return or(half, sign);
}

/** The float32 of the 16 lowest bits of an int32. */
export function halfOfBits(bits: Expr): Expr {
  const size = shl(and(bits, 0x7fff), 13);
  const sign = shl(and(bits, 0x8000), 16);
  const exponent = and(size, 0x0f800000);
  const normal = add(size, REBIAS);
  // 2^-14 + fraction, less 2^-14.
  const subnormal = toBits(sub(fromBits(add(size, REBIAS + (1 << 23))), 2 ** -14));
  const special = add(size, 2 * REBIAS);
  const magnitude = select(eq(exponent, 0), subnormal, select(eq(exponent, 0x0f800000), special, normal));
  return fromBits(or(magnitude, sign));
}

/** A float32 rounded to a half, as a float32. */
export function roundedToHalf(value: Expr): Expr {
  const x = float32Of(value);
  const bits = toBits(x);
  const size = and(bits, 0x7fffffff);
  const subnormal = toBits(sub(add(fromBits(size), 0.5), 0.5));
  const normal = and(add(size, rounding(size)), ~0x1fff);
  const finite = select(lt(size, NORMAL), subnormal, normal);
  const magnitude = select(ge(finite, INFINITE), constant('int32', NAN_FROM), finite);
  const kept = pick(gt(size, NAN_FROM), constant('int32', 0x7fc00000), magnitude);
  return fromBits(or(kept, and(bits, 1 << 31)));
}
