/** Hyperparameters are numbers or scalar arrays: the arithmetic that updates do with both. */
import { scalar } from '../core/concrete.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { widenHalf } from '../lax/convert.js';
import * as lax from '../lax/index.js';

/** A number, or a scalar array, which may be traced: an argument of a jitted step, say. */
export type Hyperparameter = number | NDArray;

/** In the dtype of what it acts on: a number is exact there. */
const as = (h: Hyperparameter, dtype: DType): Hyperparameter =>
  typeof h === 'number' ? h : lax.convertElementType(h, dtype);

/** A hyperparameter as a scalar of `dtype`. */
export const scalarOf = (h: Hyperparameter, dtype: DType): NDArray =>
  typeof h === 'number' ? scalar(h, dtype) : lax.convertElementType(h, dtype);

/** `x` times a hyperparameter, in the dtype of `x`; a half need not hold the factor. */
export function times(x: NDArray, h: Hyperparameter): NDArray {
  const factor = widenHalf(x);
  const product = lax.mul(factor, as(h, factor.dtype));
  return product.dtype === x.dtype ? product : lax.convertElementType(product, x.dtype);
}

/** `x` plus a hyperparameter, in the dtype of `x`; nothing is done for the number 0. */
export const plus = (x: NDArray, h: Hyperparameter): NDArray => (h === 0 ? x : lax.add(x, as(h, x.dtype)));

/** 1 - h. */
export const complement = (h: Hyperparameter): Hyperparameter => (typeof h === 'number' ? 1 - h : lax.sub(1, h));

/** The decaying mean: decay · old + (1 - decay) · value. */
export const mean = (decay: Hyperparameter, old: NDArray, value: NDArray): NDArray =>
  lax.add(times(old, decay), times(value, complement(decay)));

/** √(x + epsRoot) + eps. */
export const root = (x: NDArray, eps: Hyperparameter, epsRoot: Hyperparameter): NDArray =>
  plus(lax.sqrt(plus(x, epsRoot)), eps);

const logOf = (h: Hyperparameter): Hyperparameter => (typeof h === 'number' ? Math.log(h) : lax.log(h));

/** `count` times ln(decay), in `dtype`: the logarithm of a power of the decay. */
export const logPower = (decay: Hyperparameter, count: NDArray, dtype: DType): NDArray =>
  times(lax.convertElementType(count, dtype), logOf(decay));

/** A scalar that is the same for all leaves of a dtype: made when the first of them asks for it. */
export function perDType(make: (dtype: DType) => NDArray): (dtype: DType) => NDArray {
  const made = new Map<DType, NDArray>();
  return (dtype) => {
    const known = made.get(dtype) ?? make(dtype);
    made.set(dtype, known);
    return known;
  };
}

/** 1 - decayᵗ as -(e^(t ln decay) - 1), for a dtype: exact to rounding in float32, where 0.999 itself is not. */
export const correction = (decay: Hyperparameter, count: NDArray): ((dtype: DType) => NDArray) =>
  perDType((dtype) => lax.neg(lax.expm1(logPower(decay, count, dtype))));

/** A count of 0. */
export const zeroCount = (): NDArray => scalar(0, 'int32');

/** The next count. */
export const next = (count: NDArray): NDArray => lax.add(count, scalar(1, 'int32'));

/** Throws ArgumentError unless a number is as `want` says; arrays have no value yet. */
export function check(op: string, what: string, h: Hyperparameter, holds: (v: number) => boolean, want: string): void {
  if (h instanceof NDArray || (typeof h === 'number' && holds(h))) return;
  throw new ArgumentError(`${op}: ${what} must be ${want}, got ${String(h)}.${userLine()}`);
}

/** Throws ArgumentError unless `h` is in [0, 1). */
export const checkRate = (op: string, what: string, h: Hyperparameter): void => {
  check(op, what, h, (v) => v >= 0 && v < 1, 'in [0, 1)');
};

/** Throws ArgumentError unless `h` is a finite number that is not negative. */
export const checkNotNegative = (op: string, what: string, h: Hyperparameter): void => {
  check(op, what, h, (v) => v >= 0 && v < Infinity, 'a number from 0');
};

/** Throws ArgumentError unless `h` is a positive finite number. */
export const checkPositive = (op: string, what: string, h: Hyperparameter): void => {
  check(op, what, h, (v) => v > 0 && v < Infinity, 'a positive number');
};
