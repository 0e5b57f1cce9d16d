/** Elements of arrays as bytes of files: their order, and the types that files have and arrays have not. */
import { hostView, type DType, type TypedArray } from '../core/dtype.js';
import { packHalves, unpackHalves } from '../core/half.js';

/** Bytes of an element, of every type that is read. */
const WIDTHS = {
  bool: 1,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  int64: 8,
  bfloat16: 2,
  float16: 2,
  float32: 4,
  float64: 8,
};

/** An element type of a file. */
export type FileType = keyof typeof WIDTHS;

/** Bytes of an element. */
export const widthOf = (type: FileType): number => WIDTHS[type];

/** Elements of a shape; a product in float64, so that an absurd header overflows nothing. */
export const elementsOf = (shape: readonly number[]): number => shape.reduce((n, dim) => n * dim, 1);

/** The dtype of the array that elements of a type become: the smallest that holds them; of 64-bit integers, if they fit. */
export function dtypeOfFile(type: FileType): DType {
  switch (type) {
    case 'uint8':
    case 'int8':
    case 'uint16':
    case 'int16':
    case 'int64':
      return 'int32';
    case 'uint64':
      return 'uint32';
    case 'bfloat16':
      return 'float32';
    default:
      return type;
  }
}

/** An integer of 64 bits that 32 do not hold, and where. */
export interface TooLarge {
  readonly index: number;
  readonly value: bigint;
}

/**
 * Elements of a type, from their bytes in the machine's order, which are not kept if `bytes` is part of something larger.
 *
 * @returns host data of the dtype that {@link dtypeOfFile} says, or the first element that it does not hold.
 */
export function elementsFrom(type: FileType, bytes: Uint8Array<ArrayBuffer>): TypedArray | TooLarge {
  const { buffer, byteOffset } = bytes;
  const length = bytes.length / WIDTHS[type];
  switch (type) {
    case 'bool':
      return bytes.map((byte) => (byte === 0 ? 0 : 1));
    case 'uint8':
      return Int32Array.from(bytes);
    case 'int8':
      return Int32Array.from(new Int8Array(buffer, byteOffset, length));
    case 'uint16':
      return Int32Array.from(new Uint16Array(buffer, byteOffset, length));
    case 'int16':
      return Int32Array.from(new Int16Array(buffer, byteOffset, length));
    case 'int64':
    case 'uint64':
      return narrowed(type, new Uint32Array(buffer, byteOffset, 2 * length));
    case 'float16':
      return unpackHalves(new Uint16Array(buffer, byteOffset, length));
    case 'bfloat16':
      // The upper half of a float32.
      return new Float32Array(
        Uint32Array.from(new Uint16Array(buffer, byteOffset, length), (half) => half << 16).buffer,
      );
    default:
      return hostView(type, buffer, byteOffset, length);
  }
}

/** The low words of 64-bit integers, if the high ones are their signs. */
function narrowed(type: 'int64' | 'uint64', words: Uint32Array<ArrayBuffer>): Int32Array | Uint32Array | TooLarge {
  const [low, high] = LITTLE_ENDIAN ? [0, 1] : [1, 0];
  const result = type === 'int64' ? new Int32Array(words.length / 2) : new Uint32Array(words.length / 2);
  for (let i = 0; i < result.length; i++) {
    const word = words[2 * i + low] ?? 0;
    const sign = type === 'int64' && word >= 2 ** 31 ? 2 ** 32 - 1 : 0;
    if (words[2 * i + high] !== sign) {
      const unsigned = (BigInt(words[2 * i + high] ?? 0) << 32n) | BigInt(word);
      return { index: i, value: type === 'int64' ? BigInt.asIntN(64, unsigned) : unsigned };
    }
    result[i] = word;
  }
  return result;
}

/** The bytes of elements, little-endian. */
export function bytesOf(dtype: DType, values: TypedArray): Uint8Array<ArrayBuffer> {
  let data: Uint16Array | TypedArray = values;
  if (dtype === 'float16') packHalves(values, (data = new Uint16Array(values.length)));
  const bytes = new Uint8Array(data.byteLength);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return reorder(bytes, WIDTHS[dtype], 'little');
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Reverses, in place, the bytes of each element of `width` bytes, if the machine's order is not `order`. */
export function reorder(
  bytes: Uint8Array<ArrayBuffer>,
  width: number,
  order: 'little' | 'big',
): Uint8Array<ArrayBuffer> {
  if ((order === 'little') === LITTLE_ENDIAN || width === 1) return bytes;
  for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
  return bytes;
}
