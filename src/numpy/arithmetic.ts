/** Elementwise arithmetic with NumPy's semantics: sums, products, true and floor division, remainders. */
import { isFloat } from '../core/dtype.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { numericPair, single } from './promote.js';
import {
  inexactBinary,
  inexactUnary,
  numericUnary,
  promotedBinary,
  refuseBool,
  withoutGradient,
  type Binary,
  type Unary,
} from './ufunc.js';

/**
 * x + y, elementwise; of booleans, their logical or.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.add(np.array([1, 2]), 10); // => [11, 12]
 * ```
 */
export const add: Binary = promotedBinary('add', (x, y) => (x.dtype === 'bool' ? lax.bitwiseOr(x, y) : lax.add(x, y)));

/**
 * x - y, elementwise. Throws DTypeError for booleans.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.subtract(np.array([1, 2]), 10); // => [-9, -8]
 * ```
 */
export const subtract: Binary = promotedBinary('subtract', (x, y) => {
  refuseBool('subtract', x, 'np.logicalXor');
  return lax.sub(x, y);
});

/**
 * x y, elementwise; of booleans, their logical and.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.multiply(np.array([1, 2]), 10); // => [10, 20]
 * ```
 */
export const multiply: Binary = promotedBinary('multiply', (x, y) =>
  x.dtype === 'bool' ? lax.bitwiseAnd(x, y) : lax.mul(x, y),
);

/**
 * x / y, elementwise; of integers, the float32 quotient.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.divide(np.arange(3), 2); // => [0, 0.5, 1]
 * ```
 */
export const divide: Binary = inexactBinary('divide', lax.div);

/**
 * {@link divide} by its other name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.trueDivide(1, 4); // => 0.25
 * ```
 */
export const trueDivide: Binary = divide;

/** A divisor: the array, and the number it was made from if it was one. */
interface Divisor {
  readonly array: NDArray;
  readonly value: number | undefined;
}

/** The operands of a division, as one dtype. */
function division(op: string, x: ArrayLike, y: ArrayLike): readonly [NDArray, Divisor] {
  const [a, b] = numericPair(op, x, y);
  return [a, { array: b, value: typeof y === 'number' ? y : undefined }];
}

/** Where the remainder is not 0 and its sign is not the divisor's: there the quotient was rounded up. */
function wrongSide(rest: NDArray, y: Divisor): NDArray {
  if (y.value !== undefined && y.value > 0) return lax.lt(rest, 0);
  return lax.bitwiseAnd(lax.ne(rest, 0), lax.ne(lax.lt(rest, 0), lax.lt(y.array, 0)));
}

/** 0 where the divisor is 0, as NumPy has it for integers. */
const zeroAtZero = (x: NDArray, y: Divisor): NDArray =>
  y.value !== undefined && y.value !== 0 ? x : lax.select(lax.eq(y.array, 0), 0, x);

/** Floored quotient of integers. */
function floorQuotient(x: NDArray, y: Divisor): NDArray {
  const quotient = lax.div(x, y.array);
  if (x.dtype === 'uint32') return zeroAtZero(quotient, y);
  return zeroAtZero(lax.select(wrongSide(lax.rem(x, y.array), y), lax.sub(quotient, 1), quotient), y);
}

/** Remainder with the sign of the divisor. */
function floorRemainder(x: NDArray, y: Divisor): NDArray {
  const rest = lax.rem(x, y.array);
  if (x.dtype === 'uint32') return zeroAtZero(rest, y);
  const floored = lax.select(wrongSide(rest, y), lax.add(rest, y.array), rest);
  // Adding 0 makes the -0 that a negative multiple of the divisor leaves 0.
  return isFloat(x.dtype) ? lax.add(floored, 0) : zeroAtZero(floored, y);
}

/**
 * ⌊x / y⌋ of floats, through the exact remainder: x - (x mod y) is a multiple of y, so that the quotient rounds to the
 * right integer where ⌊x / y⌋ itself may be one off (as in CPython's float division). Its derivative is 0.
 */
function floorQuotientOfFloats(a: NDArray, divisor: Divisor): NDArray {
  const [x, y] = [withoutGradient(a), withoutGradient(divisor.array)];
  const rest = lax.rem(x, y);
  const exact = lax.div(lax.sub(x, rest), y);
  const whole = lax.select(wrongSide(rest, { ...divisor, array: y }), lax.sub(exact, 1), exact);
  return lax.select(lax.eq(y, 0), lax.div(x, y), lax.round(whole, 'TO_NEAREST_EVEN'));
}

/**
 * ⌊x / y⌋, elementwise, of integers too (0 where y is 0). The derivative is 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.floorDivide(np.array([-3, 3]), 2); // => [-2, 1]
 * ```
 */
export const floorDivide: Binary = (x, y) => {
  const [a, b] = division('floorDivide', x, y);
  return isFloat(a.dtype) ? floorQuotientOfFloats(a, b) : floorQuotient(a, b);
};

/**
 * x - y ⌊x / y⌋, elementwise: the remainder with the sign of the divisor. Of integers by 0, 0; of floats, NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.mod(np.array([-3, 3]), 2); // => [1, 1]
 * ```
 */
export const mod: Binary = (x, y) => floorRemainder(...division('mod', x, y));

/**
 * {@link mod} by its other name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.remainder(-7, 3); // => 2
 * ```
 */
export const remainder: Binary = mod;

/**
 * The remainder with the sign of the dividend, as in C. Of integers by 0, 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fmod(np.array([-3, 3]), 2); // => [-1, 1]
 * ```
 */
export const fmod: Binary = (x, y) => {
  const [a, b] = division('fmod', x, y);
  const rest = lax.rem(a, b.array);
  return isFloat(a.dtype) ? rest : zeroAtZero(rest, b);
};

/**
 * `[floorDivide(x, y), mod(x, y)]`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.divmod(np.array([7, -7]), 2); // => [[3, -4], [1, 1]]
 * ```
 */
export const divmod = (x: ArrayLike, y: ArrayLike): [quotient: NDArray, remainder: NDArray] => [
  floorDivide(x, y),
  mod(x, y),
];

/**
 * -x, elementwise. Throws DTypeError for booleans.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.negative(np.array([1, -2])); // => [-1, 2]
 * ```
 */
export const negative: Unary = (x) => {
  const array = single('negative', x);
  refuseBool('negative', array, 'np.logicalNot');
  return lax.neg(array);
};

/**
 * +x: the numbers themselves. Throws DTypeError for booleans.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.positive(np.array([1, -2])); // => [1, -2]
 * ```
 */
export const positive: Unary = (x) => {
  const array = single('positive', x);
  refuseBool('positive', array, "x.astype('int32')");
  return array;
};

/**
 * |x|, elementwise. The derivative at 0 is 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.absolute(np.array([-1.5, 2])); // => [1.5, 2]
 * ```
 */
export const absolute: Unary = (x) => {
  const array = single('absolute', x);
  return array.dtype === 'bool' ? array : lax.abs(array);
};

/**
 * {@link absolute} by its short name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.abs(-3); // => 3
 * ```
 */
export const abs: Unary = absolute;

/**
 * |x| as a float.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fabs(np.arange(-2, 0)).dtype; // => float32
 * ```
 */
export const fabs: Unary = inexactUnary('fabs', lax.abs);

/**
 * -1, 0 or 1; NaN stays NaN. The derivative is 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.sign(np.array([-2, 0, 3])); // => [-1, 0, 1]
 * ```
 */
export const sign: Unary = numericUnary('sign', lax.sign);
