/**
 * Safetensors (https://github.com/huggingface/safetensors, "Format"): the length of a header as a little-endian uint64, the header, a JSON
 * object of each tensor's dtype, shape and range of bytes, then the bytes, which the tensors fill without gaps.
 */
import { left, right } from 'fp-ts/lib/Either.js';
import type { Shape } from '../core/aval.js';
import { fromHost } from '../core/concrete.js';
import type { DType, TypedArray } from '../core/dtype.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { orThrow } from './data-file-error.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';
import { bytesOf, dtypeOfFile, elementsFrom, elementsOf, reorder, widthOf, type FileType } from './elements.js';
import { decodeUtf8 } from './utf8.js';

const FORMAT = 'a safetensors file';
const LENGTH_BYTES = 8;
/** The limit of the reference implementation. */
const MAX_HEADER = 100_000_000;
const METADATA = '__metadata__';

/** Types by their names in files. The order is that of tensors in a file: those that need the coarsest alignment come first. */
const TYPES: Readonly<Record<string, FileType>> = {
  U64: 'uint64',
  I64: 'int64',
  F64: 'float64',
  F32: 'float32',
  U32: 'uint32',
  I32: 'int32',
  BF16: 'bfloat16',
  F16: 'float16',
  U16: 'uint16',
  I16: 'int16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};
const NAMES = Object.keys(TYPES);
const nameOf = (dtype: DType): string => NAMES.find((name) => TYPES[name] === dtype) ?? '';

/** What a safetensors file holds. */
export interface Safetensors {
  readonly tensors: Readonly<Record<string, NDArray>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor of a file, whose elements are not looked at yet. */
export interface StoredTensor {
  readonly name: string;
  readonly type: FileType;
  readonly shape: Shape;
  readonly bytes: Uint8Array;
}

/** The tensors of a file in the order of their bytes, and its metadata. */
export function storedTensors(
  bytes: Uint8Array,
  file: string,
): Either<DecodeError, { readonly tensors: readonly StoredTensor[]; readonly metadata: Record<string, string> }> {
  const bad = (reason: string): Either<DecodeError, never> => left({ _tag: 'BadHeader', file, format: FORMAT, reason });
  const truncated = (part: 'header' | 'data', expectedBytes: number): Either<DecodeError, never> =>
    left({ _tag: 'Truncated', file, part, expectedBytes, foundBytes: bytes.length });

  if (bytes.length < LENGTH_BYTES) return truncated('header', LENGTH_BYTES);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_HEADER) return bad(`it would have ${length} bytes, and the format allows ${MAX_HEADER}`);
  const start = LENGTH_BYTES + length;
  if (bytes.length < start) return truncated('header', start);
  const text = decodeUtf8(bytes.subarray(LENGTH_BYTES, start), file);
  if (text._tag === 'Left') return bad('it is not UTF-8');
  const header = parsed(text.right);
  if (header === undefined) return bad(`it is no JSON object: ${JSON.stringify(text.right.slice(0, 80))}`);

  const { [METADATA]: metadata = {}, ...rest } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    return bad(`its ${METADATA} is no object of texts`);
  }
  const tensors: (StoredTensor & { readonly begin: number; readonly end: number })[] = [];
  for (const [name, entry] of Object.entries(rest)) {
    const at = `tensor ${JSON.stringify(name)}`;
    if (!isEntry(entry)) return bad(`${at} has not a dtype, a shape and two data_offsets`);
    const { dtype, shape } = entry;
    const [begin, end] = entry.data_offsets;
    const type = Object.hasOwn(TYPES, dtype) ? TYPES[dtype] : undefined;
    if (type === undefined) {
      return left({ _tag: 'UnsupportedDType', file: `${file}/${name}`, found: dtype, supported: NAMES });
    }
    const size = elementsOf(shape) * widthOf(type);
    if (end - begin !== size) {
      return bad(`${at}, ${dtype}[${shape.join(', ')}], needs ${size} bytes and has those from ${begin} to ${end}`);
    }
    tensors.push({ name, type, shape, begin, end, bytes: bytes.subarray(start + begin, start + end) });
  }
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let filled = 0;
  for (const { name, begin, end } of tensors) {
    const at = `tensor ${JSON.stringify(name)} begins at byte ${begin}`;
    if (begin < filled) return bad(`${at} of the data, in another one, which ends at ${filled}`);
    if (begin > filled) return bad(`${at} of the data, and no other has the bytes from ${filled}`);
    filled = end;
  }
  if (bytes.length < start + filled) return truncated('data', start + filled);
  if (bytes.length > start + filled) {
    return left({ _tag: 'TrailingBytes', file, expectedBytes: start + filled, foundBytes: bytes.length });
  }
  return right({ tensors, metadata: metadata as Record<string, string> });
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const areLengths = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0));

const isEntry = (value: unknown): value is Entry =>
  isRecord(value) &&
  typeof value['dtype'] === 'string' &&
  areLengths(value['shape']) &&
  areLengths(value['data_offsets']) &&
  value['data_offsets'].length === 2;

/** The object of a header; spaces may follow it, and nothing come before. */
function parsed(text: string): Record<string, unknown> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The elements of a tensor, as host data of the dtype that `dtypeOfFile` says. */
export function elementsOfTensor({ name, type, bytes }: StoredTensor, file: string): Either<DecodeError, TypedArray> {
  const values = elementsFrom(type, reorder(new Uint8Array(bytes), widthOf(type), 'little'));
  return 'index' in values
    ? left({ _tag: 'IntegerTooLarge', file: `${file}/${name}`, type, ...values })
    : right(values);
}

/**
 * Decodes the bytes of a safetensors file, as models are published in. Arrays have the file's dtype where there is such a one here; bfloat16
 * becomes float32, integers of 8 and 16 bits int32, those of 64 bits int32 or uint32 if all of them fit.
 *
 * @param bytes - the whole file
 * @param file - what errors call it; a tensor in it is `file/name`
 * @returns `Right` of the arrays by name, on the default device, and of the metadata; or `Left` of what is wrong: `Truncated`, `TrailingBytes`,
 *   `BadHeader` (longer than the format allows, no JSON, tensors that overlap or leave gaps), `UnsupportedDType`, `IntegerTooLarge`.
 * @throws DTypeError if the default device has no arrays of a dtype.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { decodeSafetensors, encodeSafetensors } from 'cotangent/data';
 *
 * const bytes = encodeSafetensors({ w: np.eye(2), b: np.zeros(2) });
 * decodeSafetensors(bytes)._tag; // => "Right"
 * decodeSafetensors(bytes.subarray(0, 50))._tag; // => "Left"
 * ```
 */
export function decodeSafetensors(bytes: Uint8Array, file = 'safetensors data'): Either<DecodeError, Safetensors> {
  const stored = storedTensors(bytes, file);
  if (stored._tag === 'Left') return stored;
  const { tensors, metadata } = stored.right;
  const arrays: [string, NDArray][] = [];
  for (const tensor of tensors) {
    const values = elementsOfTensor(tensor, file);
    if (values._tag === 'Left') return values;
    arrays.push([tensor.name, fromHost(values.right, tensor.shape, dtypeOfFile(tensor.type))]);
  }
  return right({ tensors: Object.fromEntries(arrays), metadata });
}

/**
 * {@link decodeSafetensors} that throws.
 *
 * @throws DataFileError whose message has the file, what was expected and found, and what to do.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { encodeSafetensors, readSafetensors } from 'cotangent/data';
 *
 * const { tensors, metadata } = readSafetensors(encodeSafetensors({ w: np.ones(2) }, { epoch: '3' }));
 * tensors['w']; // => [1, 1]
 * metadata['epoch']; // => "3"
 * ```
 */
export const readSafetensors = (bytes: Uint8Array, file?: string): Safetensors =>
  orThrow(decodeSafetensors(bytes, file));

/** A tensor to be written. */
export interface HostTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly values: TypedArray;
}

/** The bytes of a file, tensors in the order in which the reference implementation writes them: by alignment, then by name. */
export function safetensorsOf(
  op: string,
  tensors: readonly HostTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const wrong = Object.entries(metadata).find(([, value]) => typeof value !== 'string');
  if (wrong !== undefined) {
    throw new ArgumentError(
      `${op}: metadata are texts, but ${JSON.stringify(wrong[0])} is a ${typeof wrong[1]}; make it one with String or JSON.stringify.${userLine()}`,
    );
  }
  const stored = tensors.map(({ name, dtype, shape, values }) => {
    if (name === METADATA) throw new ArgumentError(`${op}: no array may be named ${METADATA}.${userLine()}`);
    return { name, type: nameOf(dtype), shape, bytes: bytesOf(dtype, values) };
  });
  stored.sort(
    (a, b) => NAMES.indexOf(a.type) - NAMES.indexOf(b.type) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
  // An object would put names that are numbers first.
  const entries = Object.keys(metadata).length === 0 ? [] : [`"${METADATA}":${JSON.stringify(metadata)}`];
  let end = 0;
  for (const { name, type, shape, bytes } of stored) {
    const entry = { dtype: type, shape, data_offsets: [end, (end += bytes.length)] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const text = new TextEncoder().encode(`{${entries.join(',')}}`);
  const length = Math.ceil(text.length / LENGTH_BYTES) * LENGTH_BYTES;

  const file = new Uint8Array(LENGTH_BYTES + length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.set(text, LENGTH_BYTES);
  file.fill(0x20, LENGTH_BYTES + text.length, LENGTH_BYTES + length);
  let at = LENGTH_BYTES + length;
  for (const { bytes } of stored) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

/**
 * The bytes of a safetensors file of arrays by name, with texts as metadata: the same bytes as the reference implementation writes. Arrays on a
 * GPU must be moved first, with `await devicePutAsync(arrays, devices()[0])`.
 *
 * @throws ArgumentError for an array named `__metadata__`, or metadata that are no texts.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { encodeSafetensors } from 'cotangent/data';
 *
 * encodeSafetensors({ w: np.ones(2) }).length; // => 72
 * ```
 */
export const encodeSafetensors = (
  arrays: Readonly<Record<string, NDArray>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> =>
  safetensorsOf(
    'encodeSafetensors',
    Object.entries(arrays).map(([name, x]) => ({ name, dtype: x.dtype, shape: x.shape, values: x.dataSync() })),
    metadata,
  );
