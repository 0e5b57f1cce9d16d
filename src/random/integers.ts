/** Random integers. */
import type { Shape } from '../core/aval.js';
import { scalar } from '../core/concrete.js';
import { isInteger, type DType } from '../core/dtype.js';
import { ArgumentError, DTypeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { sampleShape, shapeAndOptions, type ShapeOr } from './arguments.js';
import { randomBits, spawn } from './key.js';
import { bernoulli } from './uniform.js';

/** Options of the samplers of integers. */
export interface IntegerOptions {
  /** int32 (the default) or uint32. */
  dtype?: DType;
}

/** Bounds of {@link randint} in its second form. */
export interface RandintOptions extends IntegerOptions {
  minval: ArrayLike;
  maxval: ArrayLike;
  shape?: Shape;
}

const LIMITS = { int32: [-(2 ** 31), 2 ** 31 - 1], uint32: [0, 2 ** 32 - 1] } as const;

type IntegerDType = keyof typeof LIMITS;

function integerDType(op: string, { dtype = 'int32' }: IntegerOptions): IntegerDType {
  if (dtype !== 'int32' && dtype !== 'uint32') {
    throw new DTypeError(`${op}: samples are int32 or uint32, not ${dtype}; convert them with astype.${userLine()}`);
  }
  return dtype;
}

/**
 * Least value, span (2³² is 0, and x mod 0 is x), and 2³² mod span as (2¹⁶ mod span)² mod span, which for spans above
 * 2¹⁶ wraps to 0: JAX's arithmetic.
 */
interface Range {
  readonly lo: NDArray;
  readonly span: NDArray;
  readonly factor: NDArray;
}

function fixedRange(minval: number, maxval: number, dtype: IntegerDType): Range {
  const [least, most] = LIMITS[dtype];
  const lo = Math.min(Math.max(checkInteger(minval), least), most);
  const hi = Math.min(Math.max(checkInteger(maxval), least), most);
  // A bound above the largest number of the dtype is one more than what it is limited to.
  const span = hi <= lo ? 1 : (hi - lo + (maxval > most ? 1 : 0)) >>> 0;
  const rem = (x: number): number => (span === 0 ? x : x % span);
  const half = rem(2 ** 16);
  const factor = rem(Math.imul(half, half) >>> 0);
  return { lo: scalar(lo, dtype), span: scalar(span, 'uint32'), factor: scalar(factor, 'uint32') };
}

interface Bound {
  readonly value: NDArray;
  /** Whether the bound was above the largest number of the dtype, to which it was limited. */
  readonly above: NDArray;
}

function tracedRange(lo: Bound, hi: Bound): Range {
  const distance = lax.convertElementType(lax.sub(hi.value, lo.value), 'uint32');
  const full = lax.add(distance, lax.convertElementType(hi.above, 'uint32'));
  const span = lax.select(lax.le(hi.value, lo.value), scalar(1, 'uint32'), full);
  const half = lax.rem(scalar(2 ** 16, 'uint32'), span);
  return { lo: lo.value, span, factor: lax.rem(lax.mul(half, half), span) };
}

function checkInteger(x: number | boolean): number {
  if (typeof x !== 'number' || !Number.isInteger(x)) {
    throw new ArgumentError(`random.randint: bounds are integers, got ${x}.${userLine()}`);
  }
  return x;
}

function bound(x: ArrayLike, shape: Shape, dtype: IntegerDType): Bound {
  if (!(x instanceof NDArray)) {
    const [least, most] = LIMITS[dtype];
    const number = checkInteger(x);
    return { value: scalar(Math.min(Math.max(number, least), most), dtype), above: scalar(number > most, 'bool') };
  }
  if (!isInteger(x.dtype)) {
    throw new DTypeError(
      `random.randint: bounds are integers, got ${x.dtype}; convert with astype('int32').${userLine()}`,
    );
  }
  const wide = x.ndim === 0 ? x : lax.broadcastTo(x, shape);
  if (x.dtype === dtype) return { value: wide, above: scalar(false, 'bool') };
  // Between int32 and uint32, which both hold 0 … 2³¹ - 1.
  const largest = 2 ** 31 - 1;
  const limited = x.dtype === 'int32' ? lax.max(wide, 0) : lax.min(wide, largest);
  return {
    value: lax.convertElementType(limited, dtype),
    above: x.dtype === 'uint32' ? lax.gt(wide, largest) : scalar(false, 'bool'),
  };
}

/**
 * Integers uniform in [minval, maxval), of shape `shape`; also as `randint(key, { minval, maxval, shape, dtype })`.
 *
 * The bounds are integers or integer arrays that broadcast to `shape`; where maxval ≤ minval the result is minval.
 * 64 random bits modulo the span, as in JAX: for a span that is no power of two, some integers are more likely than
 * others, by a factor of at most 1 + span/2⁶⁴ for spans up to 2¹⁶ and 1 + span/2³² above. Throws for bounds that are no
 * integers and for a dtype other than int32 and uint32.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * const dice = random.randint(random.key(0), [1000], 1, 7);
 * dice.max().item(); // => 6
 * ```
 */
export function randint(key: NDArray, options: RandintOptions): NDArray;
export function randint(
  key: NDArray,
  shape: number | Shape,
  minval: ArrayLike,
  maxval: ArrayLike,
  options?: IntegerOptions,
): NDArray;
export function randint(
  key: NDArray,
  given: number | Shape | RandintOptions,
  minval: ArrayLike = 0,
  maxval: ArrayLike = 0,
  options: IntegerOptions = {},
): NDArray {
  if (typeof given === 'number') return randint(key, [given], minval, maxval, options);
  if ('minval' in given) {
    return randint(key, given.shape ?? [], given.minval, given.maxval, given);
  }
  const op = 'random.randint';
  const dtype = integerDType(op, options);
  const shape = sampleShape(op, given, minval, maxval);
  const { lo, span, factor } =
    typeof minval === 'number' && typeof maxval === 'number'
      ? fixedRange(minval, maxval, dtype)
      : tracedRange(bound(minval, shape, dtype), bound(maxval, shape, dtype));
  const [highKey, lowKey] = spawn(key);
  const high = randomBits(op, highKey, shape);
  const low = randomBits(op, lowKey, shape);
  const sum = lax.add(lax.mul(lax.rem(high, span), factor), lax.rem(low, span));
  return lax.add(lo, lax.convertElementType(lax.rem(sum, span), dtype));
}

/**
 * -1 and 1 with equal probability, of shape `shape`; `dtype` is int32 by default and may be any but bool.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.rademacher(random.key(0), [4]).dtype; // => int32
 * ```
 */
export function rademacher(key: NDArray, shape?: ShapeOr<IntegerOptions>, options: IntegerOptions = {}): NDArray {
  const given = shapeAndOptions(shape, options);
  const { dtype = 'int32' } = given.options;
  if (dtype === 'bool' || dtype === 'uint32') {
    throw new DTypeError(`random.rademacher: ${dtype} does not hold -1; use int32, float32 or float64.${userLine()}`);
  }
  const heads = lax.convertElementType(bernoulli(key, 0.5, given.shape ?? []), dtype);
  return lax.sub(lax.mul(heads, scalar(2, dtype)), scalar(1, dtype));
}
