/**
 * `.npy`, the file of one NumPy array (NumPy Enhancement Proposal 1, and `numpy.lib.format`): eight bytes with a version, the length of a
 * header, the header (a Python dict of dtype, order and shape), then the elements.
 */
import { left, right } from 'fp-ts/lib/Either.js';
import type { Shape } from '../core/aval.js';
import { fromHost } from '../core/concrete.js';
import type { DType, TypedArray } from '../core/dtype.js';
import type { NDArray } from '../core/ndarray.js';
import { transpose } from '../numpy/index.js';
import { hex, orThrow } from './data-file-error.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';
import { bytesOf, dtypeOfFile, elementsFrom, elementsOf, reorder, widthOf, type FileType } from './elements.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const FORMAT = 'an .npy file';
/** Elements begin at a multiple of this, so that they can be mapped into memory. */
const ALIGNMENT = 64;

/** Element types by NumPy's code, without the byte order. */
const TYPES: Readonly<Record<string, FileType>> = {
  b1: 'bool',
  u1: 'uint8',
  i1: 'int8',
  u2: 'uint16',
  i2: 'int16',
  u4: 'uint32',
  i4: 'int32',
  u8: 'uint64',
  i8: 'int64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};
const CODES: Readonly<Record<DType, string>> = {
  bool: '|b1',
  int32: '<i4',
  uint32: '<u4',
  float16: '<f2',
  float32: '<f4',
  float64: '<f8',
};

interface Header {
  /** As NumPy writes it: `<f4`. */
  readonly descr: string;
  readonly isFortran: boolean;
  readonly shape: Shape;
}

/**
 * Decodes the bytes of an `.npy` file (`np.save`), of version 1, 2 or 3, either byte order and either order of elements. Arrays have the
 * file's dtype where there is such a one here; integers of 8 and 16 bits become int32, those of 64 bits int32 or uint32 if all of them fit.
 *
 * @param bytes - the whole file
 * @param file - what errors call it
 * @returns `Right` of the array, on the default device, or `Left` of what is wrong: `WrongMagic`, `BadHeader`, `UnsupportedDType` (complex
 *   numbers, text, dates, objects, structures), `IntegerTooLarge`, `Truncated`, `TrailingBytes`.
 * @throws DTypeError if the default device has no arrays of the dtype.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { decodeNpy, encodeNpy } from 'cotangent/data';
 *
 * const bytes = encodeNpy(np.array([[1, 2], [3, 4]]));
 * decodeNpy(bytes)._tag; // => "Right"
 * decodeNpy(bytes.subarray(0, 100))._tag; // => "Left"
 * ```
 */
export function decodeNpy(bytes: Uint8Array, file = 'NumPy data'): Either<DecodeError, NDArray> {
  if (MAGIC.some((byte, i) => i < bytes.length && bytes[i] !== byte)) {
    const found = [...bytes.subarray(0, 6)].map(hex).join(' ');
    return left({ _tag: 'WrongMagic', file, format: FORMAT, expected: MAGIC.map(hex).join(' '), found });
  }
  const truncated = (part: 'header' | 'data', expectedBytes: number): Either<DecodeError, never> =>
    left({ _tag: 'Truncated', file, part, expectedBytes, foundBytes: bytes.length });
  const bad = (reason: string): Either<DecodeError, never> => left({ _tag: 'BadHeader', file, format: FORMAT, reason });

  const [major] = bytes.subarray(MAGIC.length);
  if (major !== undefined && (major < 1 || major > 3)) return bad(`its version is ${major}, not 1, 2 or 3`);
  const lengthBytes = major === 1 ? 2 : 4;
  const headerAt = MAGIC.length + 2 + lengthBytes;
  if (bytes.length < headerAt) return truncated('header', headerAt);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength =
    lengthBytes === 2 ? view.getUint16(MAGIC.length + 2, true) : view.getUint32(MAGIC.length + 2, true);
  const start = headerAt + headerLength;
  if (bytes.length < start) return truncated('header', start);

  // Versions 1 and 2 are in Latin-1 and 3 in UTF-8; what is read of it is ASCII.
  const text = new TextDecoder().decode(new Uint8Array(bytes.subarray(headerAt, start)));
  const header = headerOf(text);
  if (typeof header === 'string') return bad(header);
  const { descr, isFortran, shape } = header;
  const [, order, code = ''] = /^([<>=|]?)(\w+)$/.exec(descr) ?? [];
  const type = Object.hasOwn(TYPES, code) ? TYPES[code] : undefined;
  if (type === undefined) {
    return left({ _tag: 'UnsupportedDType', file, found: descr, supported: Object.keys(TYPES) });
  }

  const end = start + elementsOf(shape) * widthOf(type);
  if (bytes.length < end) return truncated('data', end);
  if (bytes.length > end) {
    return left({ _tag: 'TrailingBytes', file, expectedBytes: end, foundBytes: bytes.length });
  }
  const own = new Uint8Array(bytes.subarray(start));
  const values = elementsFrom(type, reorder(own, widthOf(type), order === '>' ? 'big' : 'little'));
  if ('index' in values) return left({ _tag: 'IntegerTooLarge', file, type, ...values });
  return right(arrayOf(values, shape, dtypeOfFile(type), isFortran));
}

/** Elements whose first axis varies fastest are those of the transpose. */
function arrayOf(values: TypedArray, shape: Shape, dtype: DType, isFortran: boolean): NDArray {
  return isFortran && shape.length > 1 && values.length > 1
    ? transpose(fromHost(values, shape.toReversed(), dtype))
    : fromHost(values, shape, dtype);
}

/** The entries of a header, or what is wrong with it. */
function headerOf(text: string): Header | string {
  if (!/^\s*\{.*\}\s*$/s.test(text)) return `it is no Python dict: ${JSON.stringify(text.trim().slice(0, 80))}`;
  const [, , name, structure] = /['"]descr['"]\s*:\s*(?:(['"])(.*?)\1|(\[.*\]))/s.exec(text) ?? [];
  const descr = name ?? structure;
  if (descr === undefined) return "it has no 'descr'";
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  if (order === undefined) return "it has no 'fortran_order' that is True or False";
  // Python 2 wrote long integers as 3L.
  const dims = /['"]shape['"]\s*:\s*\(((?:\s*\d+L?\s*,?)*)\s*\)/.exec(text)?.[1];
  if (dims === undefined) return "it has no 'shape' that is a tuple of integers";
  const shape = (dims.match(/\d+/g) ?? []).map(Number);
  const large = shape.find((dim) => !Number.isSafeInteger(dim));
  if (large !== undefined) return `an axis has ${large} elements`;
  return { descr, isFortran: order === 'True', shape };
}

/**
 * {@link decodeNpy} that throws.
 *
 * @throws DataFileError whose message has the file, what was expected and found, and what to do.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { encodeNpy, readNpy } from 'cotangent/data';
 *
 * readNpy(encodeNpy(np.array([1, 2, 3]))); // => [1, 2, 3]
 * ```
 */
export const readNpy = (bytes: Uint8Array, file?: string): NDArray => orThrow(decodeNpy(bytes, file));

/**
 * The bytes of an `.npy` file, the same as `np.save` writes of the same array. Arrays on a GPU must be moved first, with
 * `await devicePutAsync(x, devices()[0])`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { encodeNpy } from 'cotangent/data';
 *
 * encodeNpy(np.array([1, 2, 3])).length; // => 140
 * ```
 */
export function encodeNpy(x: NDArray): Uint8Array<ArrayBuffer> {
  const { shape, dtype } = x;
  const elements = bytesOf(dtype, x.dataSync());
  const tuple = shape.length === 1 ? `(${shape.join()},)` : `(${shape.join(', ')})`;
  // NumPy leaves room for the first axis to grow to 21 digits.
  const room = shape[0] === undefined ? 0 : 21 - String(shape[0]).length;
  const text = `{'descr': '${CODES[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }${' '.repeat(room)}`;
  const fixed = MAGIC.length + 2 + 2;
  const start = fixed + text.length + 1 + ALIGNMENT - ((fixed + text.length + 1) % ALIGNMENT);

  const file = new Uint8Array(start + elements.length);
  file.set([...MAGIC, 1, 0]);
  new DataView(file.buffer).setUint16(MAGIC.length + 2, start - fixed, true);
  file.set(new TextEncoder().encode(`${text.padEnd(start - fixed - 1)}\n`), fixed);
  file.set(elements, start);
  return file;
}
