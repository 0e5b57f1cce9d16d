/** Rounding to a format of fewer bits, which stays in its own dtype. */
import { ArgumentError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { LinearOperand, Zero, type Primitive } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1 } from '../core/tuple.js';
import { lift1 } from './lift.js';
import { naryPrimitive } from './nary.js';

type ReducePrecisionParams = { readonly exponentBits: number; readonly mantissaBits: number };

const FORMATS = {
  float32: { bits: 'int32', mantissa: 23, exponent: 8 },
  float64: { bits: 'int64', mantissa: 52, exponent: 11 },
} as const;

/** Round to nearest, ties to even, in the bits; then what is out of the range of exponents becomes ±∞ or ±0 (XLA, ReducePrecision). */
function reduced(x: s.Expr, { exponentBits, mantissaBits }: ReducePrecisionParams): s.Expr {
  const format = FORMATS[x.type === 'float32' ? 'float32' : 'float64'];
  const bit = (value: bigint): s.Expr => s.constant(format.bits, format.bits === 'int64' ? value : Number(value));
  let y = x;
  const dropped = format.mantissa - mantissaBits;
  if (dropped > 0) {
    const bits = s.bitcast(format.bits, x);
    const last = s.binary(
      'and',
      s.binary('shrLogical', bits, s.constant(format.bits, format.bits === 'int64' ? BigInt(dropped) : dropped)),
      bit(1n),
    );
    const bias = s.binary('add', last, bit((1n << BigInt(dropped - 1)) - 1n));
    const kept = s.binary('and', s.binary('add', bits, bias), bit(-(1n << BigInt(dropped))));
    y = s.bitcast(x.type, kept);
  }
  if (exponentBits < format.exponent) {
    const bias = 2 ** (exponentBits - 1) - 1;
    const size = s.unary('abs', y);
    const c = (value: number): s.Expr => s.constant(x.type, value);
    const negative = s.binary('lt', y, c(0));
    const overflow = s.select(negative, c(-Infinity), c(Infinity));
    const underflow = s.select(negative, c(-0), s.binary('mul', y, c(0)));
    const inRange = s.select(s.binary('lt', size, c(2 ** (1 - bias))), underflow, y);
    y = s.select(s.binary('ge', size, c(2 ** (bias + 1))), overflow, inRange);
  }
  // With no bits of mantissa there is no NaN.
  const nan = mantissaBits > 0 ? x : s.constant(x.type, Infinity);
  return s.select(s.binary('ne', x, x), nan, y);
}

const reducePrecisionP: Primitive<ReducePrecisionParams> = naryPrimitive<ReducePrecisionParams>('reduce_precision', 1, {
  dtypes: 'float',
  jvp: [(d, _operands, _out, params) => bind1(reducePrecisionP, [d], params)],
  transpose: (cotangents, operands, params) => {
    const [ct] = take1(cotangents);
    const [x] = take1(operands);
    return [ct instanceof Zero || !(x instanceof LinearOperand) ? null : bind1(reducePrecisionP, [ct], params)];
  },
  lower: (operands, params) => reduced(take1(operands)[0], params),
  // The formats of the dtypes themselves: there it is the identity, whose derivatives finite differences can check.
  exampleParams: [{ exponentBits: 11, mantissaBits: 52 }],
});

/**
 * `x` rounded to a floating-point format with the given numbers of exponent and mantissa bits (XLA, ReducePrecision): to
 * nearest, ties to even; too large becomes infinite, too small for a normal number 0, signs kept. A format wider than the
 * dtype changes nothing. bfloat16 is (8, 7), float16 without its subnormal numbers (5, 10).
 *
 * `x` is float32 or float64 of any shape (DTypeError); the result has its dtype. Throws ArgumentError unless
 * `exponentBits` ≥ 1 and `mantissaBits` ≥ 0 are integers. As in JAX the operation counts as linear: tangents and cotangents
 * are rounded in the same way.
 *
 * @example
 * ```ts
 * import { lax } from 'cotangent';
 * lax.reducePrecision(Math.PI, 8, 7).item(); // => 3.140625
 * ```
 */
export function reducePrecision(x: ArrayLike, exponentBits: number, mantissaBits: number): NDArray {
  if (!Number.isInteger(exponentBits) || exponentBits < 1 || !Number.isInteger(mantissaBits) || mantissaBits < 0) {
    throw new ArgumentError(
      `reduce_precision: needs an integer number of exponent bits ≥ 1 and of mantissa bits ≥ 0, got ${exponentBits} and ${mantissaBits}.${userLine()}`,
    );
  }
  return bind1(reducePrecisionP, [lift1('reduce_precision', x)], { exponentBits, mantissaBits });
}
