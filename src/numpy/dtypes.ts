/** Questions about dtypes: what arguments promote to, and the limits of each. */
import {
  isDType,
  isFloat,
  isInteger,
  joinTypes,
  latticeDType,
  promoteTypes as promoteDTypes,
  type DType,
  type LatticeType,
} from '../core/dtype.js';
import { ArgumentError, DTypeError } from '../core/errors.js';
import type { ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { commonType } from './promote.js';

/** Limits of a floating-point dtype (IEEE 754). */
export interface FInfo {
  readonly dtype: DType;
  readonly bits: number;
  /** Distance from 1 to the next larger number. */
  readonly eps: number;
  /** Distance from 1 to the next smaller number. */
  readonly epsneg: number;
  readonly max: number;
  readonly min: number;
  /** Smallest positive number with full precision. */
  readonly tiny: number;
  readonly smallestNormal: number;
  readonly smallestSubnormal: number;
  /** Bits of the mantissa without the implicit one. */
  readonly nmant: number;
  /** Bits of the exponent. */
  readonly nexp: number;
  readonly maxexp: number;
  readonly minexp: number;
  /** Decimal digits that are always kept. */
  readonly precision: number;
  /** `10 ** -precision`. */
  readonly resolution: number;
}

/** Limits of an integer dtype. */
export interface IInfo {
  readonly dtype: DType;
  readonly bits: number;
  readonly max: number;
  readonly min: number;
}

const floatLimits = (dtype: DType, bits: number, nmant: number, nexp: number, precision: number): FInfo => {
  const maxexp = 2 ** (nexp - 1);
  const smallestNormal = 2 ** (2 - maxexp);
  const max = (2 - 2 ** -nmant) * 2 ** (maxexp - 1);
  return {
    dtype,
    bits,
    eps: 2 ** -nmant,
    epsneg: 2 ** -(nmant + 1),
    max,
    min: -max,
    tiny: smallestNormal,
    smallestNormal,
    smallestSubnormal: smallestNormal * 2 ** -nmant,
    nmant,
    nexp,
    maxexp,
    minexp: 2 - maxexp,
    precision,
    resolution: Number(`1e-${precision}`),
  };
};

/**
 * Limits of a floating-point dtype. Throws DTypeError for others.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.finfo('float32').eps === 2 ** -23; // => true
 * ```
 */
export function finfo(dtype: DType): FInfo {
  if (dtype === 'float16') return floatLimits(dtype, 16, 10, 5, 3);
  if (dtype === 'float32') return floatLimits(dtype, 32, 23, 8, 6);
  if (dtype === 'float64') return floatLimits(dtype, 64, 52, 11, 15);
  throw new DTypeError(`finfo: ${dtype} is no floating-point dtype; use np.iinfo for integers.${userLine()}`);
}

/**
 * Limits of an integer dtype. Throws DTypeError for others.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.iinfo('int32').max; // => 2147483647
 * ```
 */
export function iinfo(dtype: DType): IInfo {
  if (dtype === 'int32') return { dtype, bits: 32, max: 2 ** 31 - 1, min: -(2 ** 31) };
  if (dtype === 'uint32') return { dtype, bits: 32, max: 2 ** 32 - 1, min: 0 };
  throw new DTypeError(`iinfo: ${dtype} is no integer dtype; use np.finfo for floats.${userLine()}`);
}

/**
 * The dtype that strong types promote to in JAX's lattice.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.promoteTypes('int32', 'float32'); // => float32
 * ```
 */
export const promoteTypes = (a: DType, b: DType): DType => promoteDTypes(a, b);

/**
 * The dtype of an operation on the arguments: arrays, dtypes, and JS numbers, which are weakly typed.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.resultType(np.ones(3, { dtype: 'int32' }), 2); // => int32
 * np.resultType('int32', 0.5); // => float32
 * ```
 */
export function resultType(...args: readonly (ArrayLike | DType)[]): DType {
  if (args.length === 0) throw new ArgumentError(`resultType: needs at least one argument.${userLine()}`);
  const values = args.filter((a): a is ArrayLike => !isDType(a));
  const nodes: LatticeType[] = args.filter(isDType);
  // Beside a dtype a number gives way as beside an array, which commonType cannot see: ask with one value at a time.
  for (const value of values) {
    const weakInteger = nodes.length + values.length > 1 && typeof value === 'number' && Number.isInteger(value);
    nodes.push(weakInteger ? 'int*' : commonType('resultType', [value]));
  }
  const joined = nodes.reduce(joinTypes);
  const onlyNumbers = values.length === args.length && values.every((v) => typeof v !== 'object');
  return latticeDType(joined === 'int*' && onlyNumbers ? 'float*' : joined);
}

/**
 * Whether `dtype` is of a kind: `'floating'`, `'integer'`, `'bool'` or `'number'` (all but bool).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.isdtype('uint32', 'integer'); // => true
 * ```
 */
export function isdtype(dtype: DType, kind: 'floating' | 'integer' | 'bool' | 'number'): boolean {
  if (kind === 'floating') return isFloat(dtype);
  if (kind === 'integer') return isInteger(dtype);
  return kind === 'bool' ? dtype === 'bool' : dtype !== 'bool';
}
