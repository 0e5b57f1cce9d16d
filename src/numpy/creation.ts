/** Arrays from values: `array`, and arrays filled with one value. Matrices are in matrices.ts, ranges in ranges.ts. */
import { byteWidth, hostView, isDType, type DType } from '../core/dtype.js';
import { unpackHalves } from '../core/half.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { fromHost, settled } from '../core/concrete.js';
import { userLine } from '../core/source.js';
import { broadcastTo, convertElementType, full as laxFull, reshape } from '../lax/index.js';
import { asArray, type ArrayInput } from './promote.js';

/** Options of functions that make arrays. */
export interface DTypeOptions {
  /** Element type; float32 unless said otherwise. */
  dtype?: DType;
}

/** Options, or the dtype alone where NumPy has it by place: `np.zeros(3, np.int32)`. */
export type DTypeOr<Options extends DTypeOptions> = DType | Options;

/** The options of {@link DTypeOr}. */
export const optionsOf = (given: DTypeOr<LikeOptions>): LikeOptions =>
  typeof given === 'string' ? { dtype: given } : given;

/** A shape, or the length of a vector. */
export type ShapeArg = number | readonly number[];

/** The shape as a list; throws when a length is negative or no integer. */
export function shapeOf(op: string, shape: ShapeArg): number[] {
  const list = typeof shape === 'number' ? [shape] : [...shape];
  if (list.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new ShapeError(`${op}: lengths must be integers ≥ 0, got [${list.join(', ')}].${userLine()}`);
  }
  return list;
}

/** The dtype; throws for a string that is none. */
export function dtypeOf(op: string, dtype: DType): DType {
  if (!isDType(dtype)) {
    throw new DTypeError(
      `${op}: there is no dtype ${String(dtype)}; use float32, float64, int32, uint32 or bool.${userLine()}`,
    );
  }
  return dtype;
}

const shaped = (op: string, x: NDArray, shape: ShapeArg | undefined): NDArray =>
  shape === undefined ? x : reshape(x, shapeOf(op, shape));

/**
 * An array of the values: a number or boolean, nested JS arrays (of numbers, booleans or arrays), a typed array (which
 * is copied), or an array. Numbers become float32 unless `dtype` says otherwise; booleans bool; typed arrays keep
 * their dtype. `shape` arranges the values in row-major order.
 *
 * Throws ShapeError for ragged nesting, and DTypeError for a number that an integer `dtype` cannot hold.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.array([[1, 2], [3, 4]]); // => [[1, 2], [3, 4]]
 * np.array(new Int32Array([1, 2, 3, 4]), { shape: [2, 2] }).dtype; // => int32
 * ```
 */
export function array(values: ArrayInput, options: DTypeOr<LikeOptions> = {}): NDArray {
  const { dtype, shape } = optionsOf(options);
  if (dtype !== undefined) dtypeOf('array', dtype);
  const x = asArray(values, dtype);
  // Unlike asarray, an explicit array of a bare number has a dtype of its own.
  return shaped('array', x.weakType ? convertElementType(x, x.dtype) : x, shape);
}

/**
 * {@link array} that returns arrays as they are and leaves a bare number weakly typed, so that it does not decide the
 * dtype of what it is combined with.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.asarray(2).mul(np.ones(3, { dtype: 'int32' })).dtype; // => float32
 * np.asarray([true, false]).dtype; // => bool
 * ```
 */
export function asarray(values: ArrayInput, options: DTypeOr<DTypeOptions> = {}): NDArray {
  const { dtype } = optionsOf(options);
  return asArray(values, dtype === undefined ? undefined : dtypeOf('asarray', dtype));
}

/**
 * Zeros of a shape.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.zeros([2, 3]); // => [[0, 0, 0], [0, 0, 0]]
 * ```
 */
export const zeros = (shape: ShapeArg, options: DTypeOr<DTypeOptions> = {}): NDArray =>
  settled(laxFull(shapeOf('zeros', shape), 0, dtypeOf('zeros', optionsOf(options).dtype ?? 'float32')));

/**
 * Ones of a shape.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.ones(3, { dtype: 'int32' }); // => [1, 1, 1]
 * np.ones(3, np.int32).dtype; // => int32
 * ```
 */
export const ones = (shape: ShapeArg, options: DTypeOr<DTypeOptions> = {}): NDArray =>
  settled(laxFull(shapeOf('ones', shape), 1, dtypeOf('ones', optionsOf(options).dtype ?? 'float32')));

/**
 * An array of `shape` filled with `fillValue`, which may be an array that broadcasts to it. The dtype is float32 (bool
 * for a boolean, an array's own) unless given.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.full([2, 2], 7); // => [[7, 7], [7, 7]]
 * np.full([2, 2], np.array([1, 2])); // => [[1, 2], [1, 2]]
 * ```
 */
export const full = (shape: ShapeArg, fillValue: ArrayLike, options: DTypeOr<DTypeOptions> = {}): NDArray =>
  settled(filled(shape, fillValue, options));

function filled(shape: ShapeArg, fillValue: ArrayLike, options: DTypeOr<DTypeOptions>): NDArray {
  const { dtype } = optionsOf(options);
  const to = shapeOf('full', shape);
  if (dtype !== undefined) dtypeOf('full', dtype);
  if (typeof fillValue !== 'object') return laxFull(to, fillValue, dtype);
  return broadcastTo(dtype === undefined ? fillValue : convertElementType(fillValue, dtype), to);
}

/**
 * An array whose elements you mean to replace; they are zeros, since arrays are immutable.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.empty([2]).shape; // => [2]
 * ```
 */
export const empty = (shape: ShapeArg, options: DTypeOr<DTypeOptions> = {}): NDArray => zeros(shape, options);

/** Options that may give a shape, too; of the `…Like` functions, what differs from the model. */
export interface LikeOptions extends DTypeOptions {
  shape?: ShapeArg;
}

/**
 * An array of the shape and dtype of `x`, filled with `fillValue`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fullLike(np.array([1, 2]), 5); // => [5, 5]
 * ```
 */
export function fullLike(x: ArrayLike, fillValue: ArrayLike, options: DTypeOr<LikeOptions> = {}): NDArray {
  const { dtype, shape } = optionsOf(options);
  const model = asArray(x);
  // Where it is used: beside the model, most often.
  return filled(shape ?? model.shape, fillValue, { dtype: dtype ?? model.dtype });
}

/**
 * Zeros of the shape and dtype of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.zerosLike(np.array([[1, 2]])); // => [[0, 0]]
 * ```
 */
export const zerosLike = (x: ArrayLike, options: DTypeOr<LikeOptions> = {}): NDArray => fullLike(x, 0, options);

/**
 * Ones of the shape and dtype of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.onesLike(np.array([[1, 2]])); // => [[1, 1]]
 * ```
 */
export const onesLike = (x: ArrayLike, options: DTypeOr<LikeOptions> = {}): NDArray => fullLike(x, 1, options);

/**
 * {@link empty} of the shape and dtype of `x`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.emptyLike(np.array([1, 2])).shape; // => [2]
 * ```
 */
export const emptyLike = (x: ArrayLike, options: DTypeOr<LikeOptions> = {}): NDArray => zerosLike(x, options);

/** Options of {@link frombuffer}. */
export interface BufferOptions extends DTypeOptions {
  /** Elements to read; all that fit if absent. */
  count?: number;
  /** Bytes to skip first. */
  offset?: number;
}

/**
 * A vector from the bytes of a buffer or typed array (little endian), which are copied. Throws ShapeError when the
 * bytes are no whole number of elements, or too few.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const bytes = new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64]);
 * np.frombuffer(bytes); // => [1, 2]
 * ```
 */
export function frombuffer(buffer: ArrayBuffer | ArrayBufferView, options: BufferOptions = {}): NDArray {
  const { dtype = 'float32', count, offset = 0 } = options;
  const width = byteWidth(dtypeOf('frombuffer', dtype));
  const bytes = ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
  const available = bytes.length - offset;
  const length = count ?? available / width;
  if (offset < 0 || !Number.isInteger(length) || length < 0 || length * width > available) {
    throw new ShapeError(
      `frombuffer: ${bytes.length} bytes from offset ${offset} are not ${count === undefined ? 'a whole number of' : count} ` +
        `elements of ${dtype} (${width} bytes each). Give count, offset and dtype that fit.${userLine()}`,
    );
  }
  // A copy that starts at 0 is aligned for every dtype.
  const copy = bytes.slice(offset, offset + length * width);
  if (dtype === 'bool') copy.forEach((value, i) => (copy[i] = Number(value !== 0)));
  const data =
    dtype === 'float16' ? unpackHalves(new Uint16Array(copy.buffer)) : hostView(dtype, copy.buffer, 0, length);
  return fromHost(data, [length], dtype);
}

/**
 * The elements of an iterable of numbers, in order.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fromiter(new Set([3, 1, 3])); // => [3, 1]
 * ```
 */
export function fromiter(values: Iterable<number | boolean>, options: DTypeOptions = {}): NDArray {
  return array([...values], options);
}
