/** Logic on truth values (anything but 0 is true), and operations on the bits of integers. */
import { isFloat } from '../core/dtype.js';
import { DTypeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { broadcastOperands, single } from './promote.js';
import { numericBinary, promotedBinary, type Binary, type Unary } from './ufunc.js';

/** The truth values of x: where it is not 0. NaN is true. */
export const truth = (x: NDArray): NDArray => lax.convertElementType(x, 'bool');

const logical =
  (op: string, f: Binary): Binary =>
  (x, y) => {
    const [a = x, b = y] = broadcastOperands(op, [truth(single(op, x)), truth(single(op, y))]);
    return f(a, b);
  };

/**
 * Whether both are true, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.logicalAnd(np.array([0, 1, 2]), true); // => [false, true, true]
 * ```
 */
export const logicalAnd: Binary = logical('logicalAnd', lax.bitwiseAnd);

/**
 * Whether at least one is true, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.logicalOr(np.array([0, 1, 2]), false); // => [false, true, true]
 * ```
 */
export const logicalOr: Binary = logical('logicalOr', lax.bitwiseOr);

/**
 * Whether exactly one is true, elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.logicalXor(np.array([0, 1, 2]), true); // => [true, false, false]
 * ```
 */
export const logicalXor: Binary = logical('logicalXor', lax.bitwiseXor);

/**
 * Whether x is false (0), elementwise.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.logicalNot(np.array([0, 1])); // => [true, false]
 * ```
 */
export const logicalNot: Unary = (x) => lax.bitwiseNot(truth(single('logicalNot', x)));

function refuseFloat(op: string, x: NDArray): NDArray {
  if (isFloat(x.dtype)) {
    throw new DTypeError(
      `${op}: takes integers and booleans, got ${x.dtype}. Convert with x.astype('int32'), or use np.logicalAnd and its ` +
        `relatives for truth values.${userLine()}`,
    );
  }
  return x;
}

/**
 * The bits set in both, elementwise; of booleans, logical and. Throws DTypeError for floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bitwiseAnd(np.arange(4), 2); // => [0, 0, 2, 2]
 * ```
 */
export const bitwiseAnd: Binary = promotedBinary('bitwiseAnd', (x, y) =>
  lax.bitwiseAnd(refuseFloat('bitwiseAnd', x), y),
);

/**
 * The bits set in at least one, elementwise; of booleans, logical or. Throws DTypeError for floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bitwiseOr(np.arange(4), 2); // => [2, 3, 2, 3]
 * ```
 */
export const bitwiseOr: Binary = promotedBinary('bitwiseOr', (x, y) => lax.bitwiseOr(refuseFloat('bitwiseOr', x), y));

/**
 * The bits set in exactly one, elementwise; of booleans, exclusive or. Throws DTypeError for floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bitwiseXor(np.arange(4), 2); // => [2, 3, 0, 1]
 * ```
 */
export const bitwiseXor: Binary = promotedBinary('bitwiseXor', (x, y) =>
  lax.bitwiseXor(refuseFloat('bitwiseXor', x), y),
);

/**
 * All bits inverted; of booleans, logical not. Throws DTypeError for floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.invert(np.arange(3)); // => [-1, -2, -3]
 * ```
 */
export const invert: Unary = (x) => lax.bitwiseNot(refuseFloat('invert', single('invert', x)));

/**
 * {@link invert} by its other name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bitwiseNot(np.array([true, false])); // => [false, true]
 * ```
 */
export const bitwiseNot: Unary = invert;

/**
 * {@link invert} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bitwiseInvert(np.array([true, false])); // => [false, true]
 * ```
 */
export const bitwiseInvert: Unary = invert;

/**
 * x shifted left by y bits, elementwise. Throws DTypeError for floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.leftShift(np.arange(3), 2); // => [0, 4, 8]
 * ```
 */
export const leftShift: Binary = numericBinary('leftShift', (x, y) => lax.shiftLeft(refuseFloat('leftShift', x), y));

/**
 * {@link leftShift} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bitwiseLeftShift(np.arange(3), 1); // => [0, 2, 4]
 * ```
 */
export const bitwiseLeftShift: Binary = leftShift;

/**
 * x shifted right by y bits, elementwise; the sign is kept for int32. Throws DTypeError for floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.rightShift(np.array([8, -8], { dtype: 'int32' }), 2); // => [2, -2]
 * ```
 */
export const rightShift: Binary = numericBinary('rightShift', (x, y) => {
  const shift = refuseFloat('rightShift', x).dtype === 'uint32' ? lax.shiftRightLogical : lax.shiftRightArithmetic;
  return shift(x, y);
});

/**
 * {@link rightShift} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bitwiseRightShift(np.arange(4), 1); // => [0, 0, 1, 1]
 * ```
 */
export const bitwiseRightShift: Binary = rightShift;

/**
 * The number of bits set in |x|, as int32. Throws DTypeError for floats.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.bitwiseCount(np.arange(5)); // => [0, 1, 1, 2, 1]
 * ```
 */
export const bitwiseCount: Unary = (x) => {
  const array = refuseFloat('bitwiseCount', single('bitwiseCount', x));
  if (array.dtype === 'bool') return lax.convertElementType(array, 'int32');
  return lax.convertElementType(lax.populationCount(lax.abs(array)), 'int32');
};
