/** Powers and roots, and the integer functions gcd and lcm. */
import { isFloat } from '../core/dtype.js';
import { DTypeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { inexact, numeric, numericPair, promoteInexact2 } from './promote.js';
import { inexactUnary, numericBinary, numericUnary, type Binary, type Unary } from './ufunc.js';

/** Largest exponent for which repeated multiplication is about as accurate as pow. */
const MULTIPLIED = 16;

/** x ** y of integers: binary exponentiation over the bits of y, exact modulo 2³²; negative powers are rounded to 0. */
function integerPower(x: NDArray, y: NDArray): NDArray {
  let result = lax.scalarLike(1, x);
  let base = x;
  const bits = y.dtype === 'uint32' ? 32 : 31;
  for (let bit = 0; bit < bits; bit++) {
    const isSet = lax.ne(lax.bitwiseAnd(lax.shiftRightLogical(y, bit), 1), 0);
    result = lax.select(isSet, lax.mul(result, base), result);
    if (bit < bits - 1) base = lax.mul(base, base);
  }
  if (y.dtype === 'uint32') return result;
  const inverse = lax.select(lax.eq(lax.abs(x), 1), lax.select(lax.eq(lax.bitwiseAnd(y, 1), 0), 1, x), 0);
  return lax.select(lax.lt(y, 0), inverse, result);
}

/**
 * x to the power y, elementwise. A JS integer as the exponent multiplies, so that it is exact and differentiable
 * everywhere; integers stay integers. Throws DTypeError for integers to a negative JS number; in an integer array of
 * exponents, negative ones give 1/xⁿ rounded toward 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.power(np.array([1, 2, 3]), 2); // => [1, 4, 9]
 * np.power(2, np.array([0.5, -1])); // => [1.414214, 0.5]
 * ```
 */
export const power: Binary = (x, y) => {
  if (typeof y === 'number' && Number.isInteger(y)) {
    const base = numeric('power', x);
    if (!isFloat(base.dtype) || Math.abs(y) <= MULTIPLIED) return lax.integerPow(base, y);
  }
  const [a, b] = numericPair('power', x, y);
  return isFloat(a.dtype) ? lax.pow(a, b) : integerPower(a, b);
};

/**
 * {@link power} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.pow(3, 2); // => 9
 * ```
 */
export const pow: Binary = power;

/**
 * {@link power} computed in floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.floatPower(np.arange(1, 3), -1); // => [1, 0.5]
 * ```
 */
export const floatPower: Binary = (x, y) => {
  if (typeof y === 'number') return power(inexact('floatPower', x), y);
  return lax.pow(...promoteInexact2('floatPower', x, y));
};

/**
 * √x, elementwise; NaN for negative numbers.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.sqrt(np.array([4, 9])); // => [2, 3]
 * ```
 */
export const sqrt: Unary = inexactUnary('sqrt', lax.sqrt);

/**
 * ∛x, elementwise, of negative numbers too.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.cbrt(np.array([-8, 27])); // => [-2.000000, 3.000000]
 * ```
 */
export const cbrt: Unary = inexactUnary('cbrt', lax.cbrt);

/**
 * x², elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.square(np.array([-2, 3])); // => [4, 9]
 * ```
 */
export const square: Unary = numericUnary('square', lax.square);

/**
 * 1/x, elementwise, in floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.reciprocal(np.array([2, 4])); // => [0.5, 0.25]
 * ```
 */
export const reciprocal: Unary = inexactUnary('reciprocal', (x) => lax.div(1, x));

/** Steps after which Euclid's algorithm has ended for 32-bit numbers: Fibonacci numbers are its worst case. */
const EUCLID_STEPS = 48;

/** Euclid's algorithm. Once one number is 0 the pair (g, 0) only changes places, so no step needs a test. */
function euclid(x: NDArray, y: NDArray): NDArray {
  let [a, b] = [lax.abs(x), lax.abs(y)];
  for (let step = 0; step < EUCLID_STEPS; step++) [a, b] = [b, lax.rem(a, b)];
  return lax.max(a, b);
}

function integersOnly(op: string, f: (x: NDArray, y: NDArray) => NDArray): Binary {
  return numericBinary(op, (x, y) => {
    if (isFloat(x.dtype)) {
      throw new DTypeError(`${op}: takes integers, got ${x.dtype}; convert with x.astype('int32').${userLine()}`);
    }
    return f(x, y);
  });
}

/**
 * The greatest common divisor of |x| and |y|, elementwise. Throws DTypeError for floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.gcd(np.array([12, 18], { dtype: 'int32' }), 8); // => [4, 2]
 * ```
 */
export const gcd: Binary = integersOnly('gcd', euclid);

/**
 * The least common multiple of |x| and |y|, elementwise; 0 where one is 0. Throws DTypeError for floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.lcm(np.array([4, 6], { dtype: 'int32' }), 10); // => [20, 30]
 * ```
 */
export const lcm: Binary = integersOnly('lcm', (x, y) => {
  const divisor = euclid(x, y);
  return lax.abs(lax.mul(lax.div(x, lax.select(lax.eq(divisor, 0), 1, divisor)), y));
});
