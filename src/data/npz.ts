/** `.npz`, NumPy's zip archive of named arrays, each an `.npy` file. fflate takes the archive apart and makes it. */
import { unzipSync, zipSync, type UnzipFileInfo } from 'fflate';
import { left, right } from 'fp-ts/lib/Either.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { checksums, crc32 } from './crc32.js';
import { hex, orThrow } from './data-file-error.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';
import { decodeNpy, encodeNpy } from './npy.js';

const SUFFIX = '.npy';
/** A zip archive begins with its first file, or, without any, with its end. */
const MAGICS = [0x04034b50, 0x06054b50];
/** Deflate makes at most 258 bytes of two bits. */
const MAX_RATIO = 1032;

/** Options of {@link decodeNpz}. */
export interface DecodeNpzOptions {
  /** Which arrays; all by default. The others are not looked at, so that they may be of types that there are no arrays of. */
  names?: readonly string[];
}

/**
 * Decodes the bytes of an `.npz` file (`np.savez`, `np.savez_compressed`) to a record of arrays by their names; see {@link decodeNpy}
 * for their dtypes. What the archive says of each file's checksum is checked.
 *
 * @returns `Left` of `WrongMagic` or `BadArchive`, or what {@link decodeNpy} says of an array, in a file called `archive.npz/name.npy`.
 * @throws DTypeError if the default device has no arrays of a dtype.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { decodeNpz, encodeNpz } from 'cotangent/data';
 *
 * const arrays = decodeNpz(encodeNpz({ w: np.eye(2), b: np.zeros(2) }));
 * arrays._tag === 'Right' && Object.keys(arrays.right); // => ["w", "b"]
 * ```
 */
export function decodeNpz(
  bytes: Uint8Array,
  file = 'NumPy archive',
  { names: wanted }: DecodeNpzOptions = {},
): Either<DecodeError, Record<string, NDArray>> {
  const bad = (reason: string): Either<DecodeError, never> => left({ _tag: 'BadArchive', file, reason });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && !MAGICS.includes(view.getUint32(0, true))) {
    const found = [...bytes.subarray(0, 4)].map(hex).join(' ');
    return left({ _tag: 'WrongMagic', file, format: 'an .npz file', expected: '0x50 0x4b 0x03 0x04', found });
  }
  const isWanted = (name: string): boolean => wanted?.includes(name.slice(0, -SUFFIX.length)) ?? true;
  const names: string[] = [];
  let members: Record<string, Uint8Array>;
  try {
    members = unzipSync(bytes, {
      filter: ({ name, size, originalSize }: UnzipFileInfo) => {
        if (names.length * 46 > bytes.length) throw new Error('it announces more files than it has room for');
        // Memory is taken before a file is decompressed.
        if (originalSize > MAX_RATIO * (size + 1)) throw new Error(`${name} cannot be ${originalSize} bytes long`);
        names.push(name);
        return isWanted(name);
      },
    });
  } catch (reason) {
    return bad(reason instanceof Error ? reason.message : String(reason));
  }
  const missing = wanted?.find((name) => !names.includes(`${name}${SUFFIX}`));
  if (missing !== undefined) return bad(`it holds no ${missing}${SUFFIX}, but ${names.join(', ') || 'nothing'}`);
  const expected = checksums(view);
  const arrays: [string, NDArray][] = [];
  for (const [i, name] of names.entries()) {
    if (!isWanted(name)) continue;
    const content = members[name];
    if (!name.endsWith(SUFFIX) || content === undefined) return bad(`it holds ${name}, which is no .npy file`);
    if (names.indexOf(name) !== i) return bad(`it holds ${name} twice`);
    if (crc32(content) !== expected[i]) return bad(`the checksum of ${name} is not that of its bytes`);
    const array = decodeNpy(content, `${file}/${name}`);
    if (array._tag === 'Left') return array;
    arrays.push([name.slice(0, -SUFFIX.length), array.right]);
  }
  return right(Object.fromEntries(arrays));
}

/**
 * {@link decodeNpz} that throws.
 *
 * @throws DataFileError whose message has the file, what was expected and found, and what to do.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { encodeNpz, readNpz } from 'cotangent/data';
 *
 * readNpz(encodeNpz({ x: np.array([1, 2]) }))['x']; // => [1, 2]
 * ```
 */
export const readNpz = (bytes: Uint8Array, file?: string, options?: DecodeNpzOptions): Record<string, NDArray> =>
  orThrow(decodeNpz(bytes, file, options));

/** Options of {@link encodeNpz}. */
export interface EncodeNpzOptions {
  /** Compress, as `np.savez_compressed` does; false by default. */
  compress?: boolean;
}

/**
 * The bytes of an `.npz` file, which `np.load` reads; equal arrays give equal bytes. Arrays on a GPU must be moved first, with
 * `await devicePutAsync(arrays, devices()[0])`.
 *
 * @throws ArgumentError for a name that is empty.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { encodeNpz } from 'cotangent/data';
 *
 * const arrays = { x: np.zeros(1000) };
 * encodeNpz(arrays, { compress: true }).length < encodeNpz(arrays).length; // => true
 * ```
 */
export function encodeNpz(
  arrays: Readonly<Record<string, NDArray>>,
  options: EncodeNpzOptions = {},
): Uint8Array<ArrayBuffer> {
  const files = Object.entries(arrays).map(([name, x]) => {
    if (name === '') throw new ArgumentError(`encodeNpz: an array has the empty name.${userLine()}`);
    return [`${name}${SUFFIX}`, encodeNpy(x)] as const;
  });
  // A zip archive's first year, as NumPy writes it.
  return zipSync(Object.fromEntries(files), { level: options.compress === true ? 6 : 0, mtime: new Date(1980, 0, 1) });
}
