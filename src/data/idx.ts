/**
 * IDX, the format of MNIST (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", section
 * "FILE FORMATS"): two zero bytes, a byte for the element type, one for the number of axes, the size of each axis as a
 * big-endian uint32, then the elements in row-major order, big-endian.
 */
import { left, right } from 'fp-ts/lib/Either.js';
import { ArgumentError } from '../core/errors.js';
import { userLine } from '../core/source.js';
import { hex, orThrow } from './data-file-error.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';
import { elementsOf, reorder } from './elements.js';
import { isGzip } from './gzip.js';

interface IdxStorage {
  uint8: Uint8Array;
  int8: Int8Array;
  int16: Int16Array;
  int32: Int32Array;
  float32: Float32Array;
  float64: Float64Array;
}

/** The element types of IDX. */
export type IdxType = keyof IdxStorage;

/** A decoded array: `data` holds the elements in row-major order, in the typed array of `dtype`. */
export type IdxArray = {
  [T in IdxType]: { readonly dtype: T; readonly shape: readonly number[]; readonly data: IdxStorage[T] };
}[IdxType];

interface Format {
  /** Third byte of the file. */
  readonly code: number;
  /** Width of an element. */
  readonly bytes: number;
  /** The array whose elements, in the machine's byte order, are `buffer`. */
  readonly wrap: (shape: readonly number[], buffer: ArrayBuffer) => IdxArray;
}

const FORMATS: Readonly<Record<IdxType, Format>> = {
  uint8: { code: 0x08, bytes: 1, wrap: (shape, b) => ({ dtype: 'uint8', shape, data: new Uint8Array(b) }) },
  int8: { code: 0x09, bytes: 1, wrap: (shape, b) => ({ dtype: 'int8', shape, data: new Int8Array(b) }) },
  int16: { code: 0x0b, bytes: 2, wrap: (shape, b) => ({ dtype: 'int16', shape, data: new Int16Array(b) }) },
  int32: { code: 0x0c, bytes: 4, wrap: (shape, b) => ({ dtype: 'int32', shape, data: new Int32Array(b) }) },
  float32: { code: 0x0d, bytes: 4, wrap: (shape, b) => ({ dtype: 'float32', shape, data: new Float32Array(b) }) },
  float64: { code: 0x0e, bytes: 8, wrap: (shape, b) => ({ dtype: 'float64', shape, data: new Float64Array(b) }) },
};
const CODES = Object.values(FORMATS).map(({ code }) => code);

/**
 * Decodes the bytes of an IDX file.
 *
 * @param bytes - the whole file, not compressed (see {@link gunzip})
 * @param file - what errors call it
 * @returns `Right` of the array, or `Left` of what is wrong: `WrongMagic`, `UnsupportedType`, `Truncated`,
 *   `TrailingBytes`, `Compressed`. It never throws. The array owns its memory.
 *
 * @example
 * ```ts
 * import { decodeIdx, encodeIdx } from 'cotangent/data';
 *
 * const bytes = encodeIdx({ dtype: 'int16', shape: [1, 2], data: new Int16Array([-1, 258]) });
 * decodeIdx(bytes)._tag; // => "Right"
 * decodeIdx(bytes.subarray(0, 13))._tag; // => "Left"
 * ```
 */
export function decodeIdx(bytes: Uint8Array, file = 'IDX data'): Either<DecodeError, IdxArray> {
  const [zero0, zero1, code, rank] = bytes;
  if (isGzip(bytes)) return left({ _tag: 'Compressed', file, format: 'gzip' });
  // What there is of the magic number must fit, be the file ever so short.
  if ((zero0 ?? 0) !== 0 || (zero1 ?? 0) !== 0) {
    const found = [...bytes.subarray(0, 4)].map(hex).join(' ');
    return left({ _tag: 'WrongMagic', file, format: 'an IDX file', expected: '0x00 0x00', found });
  }
  if (code === undefined || rank === undefined) {
    return left({ _tag: 'Truncated', file, part: 'header', expectedBytes: 4, foundBytes: bytes.length });
  }
  const format = Object.values(FORMATS).find((each) => each.code === code);
  if (format === undefined) return left({ _tag: 'UnsupportedType', file, code, supported: CODES });

  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    return left({ _tag: 'Truncated', file, part: 'header', expectedBytes: start, foundBytes: bytes.length });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const end = start + format.bytes * elementsOf(shape);
  if (bytes.length < end) {
    return left({ _tag: 'Truncated', file, part: 'data', expectedBytes: end, foundBytes: bytes.length });
  }
  if (bytes.length > end) {
    return left({ _tag: 'TrailingBytes', file, expectedBytes: end, foundBytes: bytes.length });
  }
  const elements = new Uint8Array(end - start);
  elements.set(bytes.subarray(start));
  return right(format.wrap(shape, reorder(elements, format.bytes, 'big').buffer));
}

/**
 * {@link decodeIdx} that throws.
 *
 * @throws DataFileError whose message has the file, what was expected and found, and what to do.
 *
 * @example
 * ```ts
 * import { encodeIdx, readIdx } from 'cotangent/data';
 *
 * readIdx(encodeIdx({ dtype: 'uint8', shape: [3], data: new Uint8Array([5, 0, 4]) })).shape; // => [3]
 * ```
 */
export const readIdx = (bytes: Uint8Array, file?: string): IdxArray => orThrow(decodeIdx(bytes, file));

/**
 * The bytes of an IDX file; `decodeIdx(encodeIdx(array))` is `Right` of an equal array.
 *
 * @throws ArgumentError if the shape has more than 255 axes or does not have as many elements as `data`.
 *
 * @example
 * ```ts
 * import { encodeIdx } from 'cotangent/data';
 *
 * encodeIdx({ dtype: 'uint8', shape: [2], data: new Uint8Array([7, 9]) }).length; // => 10
 * ```
 */
export function encodeIdx(array: IdxArray): Uint8Array<ArrayBuffer> {
  const { dtype, shape, data } = array;
  if (shape.length > 255 || elementsOf(shape) !== data.length) {
    throw new ArgumentError(
      `encodeIdx: shape [${shape.join(', ')}] does not describe ${data.length} elements; an IDX file has at most 255 axes, ` +
        `and their sizes multiply to the number of elements.${userLine()}`,
    );
  }
  const { code, bytes } = FORMATS[dtype];
  const start = 4 + 4 * shape.length;
  const file = new Uint8Array(start + bytes * data.length);
  const view = new DataView(file.buffer);
  file.set([0, 0, code, shape.length]);
  for (const [axis, dim] of shape.entries()) view.setUint32(4 + 4 * axis, dim);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  reorder(file.subarray(start), bytes, 'big');
  return file;
}
