/** Images of files as arrays: PNG and JPEG, told apart by their first bytes. */
import { left, right } from 'fp-ts/lib/Either.js';
import type { NDArray } from '../core/ndarray.js';
import { hex, orThrow } from './data-file-error.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';
import { JPEG_MAGIC, jpegPixels } from './jpeg.js';
import { pixelArray, type ImageOptions } from './pixels.js';
import { PNG_MAGIC, pngPixels } from './png.js';

/**
 * Decodes a PNG or JPEG file to an array of shape `[height, width, channels]`, int32 with values from 0 to 255, for there are no arrays of bytes:
 * `x.astype('float32').div(255)` has values from 0 to 1. Palettes become colours, a transparent colour becomes alpha, and CMYK becomes RGB. Images are turned
 * as they are stored, whatever their Exif data says.
 *
 * @param bytes - the whole file
 * @param file - what errors call it
 * @returns `Right` of the array, on the default device, or `Left` of `EmptyFile`, `WrongMagic`, or `BadImage`, which says what is wrong: the file
 *   ends early, a checksum is wrong, it is of a kind that is not read.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { decodeImage, encodePng } from 'cotangent/data';
 *
 * const bytes = encodePng(np.array([[[255, 0, 0], [0, 0, 255]]], np.int32));
 * const grey = decodeImage(bytes, { channels: 1 });
 * grey._tag === 'Right' && grey.right.js(); // => [[[76], [29]]]
 * decodeImage(bytes.subarray(0, 60), {}, 'cut.png')._tag; // => "Left"
 * ```
 */
export function decodeImage(
  bytes: Uint8Array,
  options: ImageOptions = {},
  file = 'image data',
): Either<DecodeError, NDArray> {
  if (bytes.length === 0) return left({ _tag: 'EmptyFile', file, expected: 'a PNG or JPEG image' });
  // What there is of the first bytes decides, be the file ever so short.
  const begins = (magic: readonly number[]): boolean =>
    magic.every((byte, i) => i >= bytes.length || bytes[i] === byte);
  const isPng = begins(PNG_MAGIC);
  if (!isPng && !begins(JPEG_MAGIC)) {
    return left({
      _tag: 'WrongMagic',
      file,
      format: 'a PNG or JPEG image',
      expected: `${PNG_MAGIC.slice(0, 4).map(hex).join(' ')} or ${JPEG_MAGIC.map(hex).join(' ')}`,
      found: [...bytes.subarray(0, 4)].map(hex).join(' '),
    });
  }
  const pixels = isPng ? pngPixels(bytes, file) : jpegPixels(bytes, file);
  return pixels._tag === 'Left' ? pixels : right(pixelArray(pixels.right, options));
}

/**
 * {@link decodeImage} that throws.
 *
 * @throws DataFileError whose message has the file, what is wrong with it, and what to do.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { encodePng, readImage } from 'cotangent/data';
 *
 * readImage(encodePng(np.ones([4, 6, 3]))).shape; // => [4, 6, 3]
 * ```
 */
export const readImage = (bytes: Uint8Array, options?: ImageOptions, file?: string): NDArray =>
  orThrow(decodeImage(bytes, options, file));
