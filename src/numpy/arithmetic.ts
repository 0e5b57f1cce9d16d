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

/** The divisor is a JS number other than 0, so that no case for 0 is needed. */
const neverZero = (y: ArrayLike): boolean => typeof y === 'number' && y !== 0;

/** Where the remainder is not 0 and its sign is not the divisor's: there the quotient was rounded up. */
const wrongSide = (remainder: NDArray, y: NDArray): NDArray =>
  lax.bitwiseAnd(lax.ne(remainder, 0), lax.ne(lax.lt(remainder, 0), lax.lt(y, 0)));

/** Floored quotient of integers; 0 where the divisor is 0, as in NumPy. */
function floorQuotient(x: NDArray, y: NDArray, safe: boolean): NDArray {
  const quotient = lax.div(x, y);
  const floored =
    x.dtype === 'uint32' ? quotient : lax.select(wrongSide(lax.rem(x, y), y), lax.sub(quotient, 1), quotient);
  return safe ? floored : lax.select(lax.eq(y, 0), 0, floored);
}

/** Remainder with the sign of the divisor; of integers by 0, 0. */
function floorRemainder(x: NDArray, y: NDArray, safe: boolean): NDArray {
  const remainder = lax.rem(x, y);
  if (x.dtype === 'uint32') return safe ? remainder : lax.select(lax.eq(y, 0), 0, remainder);
  // Adding 0 makes -0 (of a negative multiple of the divisor) 0.
  const floored = lax.add(lax.select(wrongSide(remainder, y), lax.add(remainder, y), remainder), 0);
  return safe || isFloat(x.dtype) ? floored : lax.select(lax.eq(y, 0), 0, floored);
}

/**
 * ⌊x / y⌋ of floats, through the exact remainder: x - (x mod y) is a multiple of y, so that the quotient rounds to the
 * right integer where ⌊x / y⌋ itself may be one off (as in CPython's float division). Its derivative is 0.
 */
function floorQuotientOfFloats(a: NDArray, b: NDArray): NDArray {
  const [x, y] = [withoutGradient(a), withoutGradient(b)];
  const remainder = lax.rem(x, y);
  const exact = lax.div(lax.sub(x, remainder), y);
  const floored = lax.round(lax.select(wrongSide(remainder, y), lax.sub(exact, 1), exact), 'TO_NEAREST_EVEN');
  return lax.select(lax.eq(y, 0), lax.div(x, y), floored);
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
  const [a, b] = numericPair('floorDivide', x, y);
  return isFloat(a.dtype) ? floorQuotientOfFloats(a, b) : floorQuotient(a, b, neverZero(y));
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
export const mod: Binary = (x, y) => floorRemainder(...numericPair('mod', x, y), neverZero(y));

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
  const [a, b] = numericPair('fmod', x, y);
  const remainder = lax.rem(a, b);
  return isFloat(a.dtype) || neverZero(y) ? remainder : lax.select(lax.eq(b, 0), 0, remainder);
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

