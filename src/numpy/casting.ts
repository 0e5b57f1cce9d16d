/** Questions about conversions between dtypes. */
import { byteWidth, isFloat, isInteger, type DType } from '../core/dtype.js';

/** How much a conversion may lose, as in NumPy. */
export type Casting = 'no' | 'equiv' | 'safe' | 'same_kind' | 'unsafe';

/** Kinds of dtypes in NumPy's hierarchy of scalar types. */
export type DTypeKind =
  'bool' | 'floating' | 'generic' | 'inexact' | 'integer' | 'number' | 'signedInteger' | 'unsignedInteger';

/** bool < integers < floats: the order of kinds that `same_kind` conversions do not descend. */
const kindOrder = (dtype: DType): number => (dtype === 'bool' ? 0 : isInteger(dtype) ? 1 : 2);

/** Every value of `from` is a value of `to`. */
function isSafe(from: DType, to: DType): boolean {
  if (from === to || from === 'bool') return true;
  // A float16 has 11 bits for an integer, a float32 24 and a float64 53.
  if (isInteger(from)) return to === 'float64';
  return isFloat(to) && byteWidth(to) >= byteWidth(from);
}

/**
 * Whether a conversion is allowed under a casting rule: `safe` keeps every value, `same_kind` may lose precision or
 * sign but not go from floats to integers or from numbers to bool, `unsafe` allows all, `no` and `equiv` only equal
 * dtypes.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.canCast('int32', 'float64'); // => true
 * np.canCast('int32', 'float32'); // => false
 * np.canCast('float64', 'float32', 'same_kind'); // => true
 * ```
 */
export function canCast(from: DType, to: DType, casting: Casting = 'safe'): boolean {
  switch (casting) {
    case 'no':
    case 'equiv':
      return from === to;
    case 'safe':
      return isSafe(from, to);
    case 'same_kind':
      // As NumPy: signed to unsigned leaves the kind, unsigned to signed does not.
      return isSafe(from, to) || (kindOrder(from) <= kindOrder(to) && !(from === 'int32' && to === 'uint32'));
    case 'unsafe':
      return true;
  }
}

const KINDS: Partial<Record<DTypeKind | DType, (dtype: DType) => boolean>> = {
  bool: (d) => d === 'bool',
  floating: isFloat,
  generic: () => true,
  inexact: isFloat,
  integer: isInteger,
  number: (d) => d !== 'bool',
  signedInteger: (d) => d === 'int32',
  unsignedInteger: (d) => d === 'uint32',
};

/**
 * Whether a dtype is another one, or belongs to a kind of NumPy's hierarchy.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.issubdtype('int32', 'integer'); // => true
 * np.issubdtype('float32', 'float64'); // => false
 * ```
 */
export const issubdtype = (dtype: DType, kind: DType | DTypeKind): boolean =>
  dtype === kind || KINDS[kind]?.(dtype) === true;
