/** JPEG (ITU-T T.81, JFIF, and Adobe's marker). jpeg-js decodes, baseline and progressive; what it takes on trust is checked here. */
import { left, right } from 'fp-ts/lib/Either.js';
import jpeg from 'jpeg-js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';
import type { Pixels } from './pixels.js';

export const JPEG_MAGIC = [0xff, 0xd8, 0xff];

const END = 0xd9;
const ADOBE = 0xee;
/** A frame header: any of SOF0 to SOF15 but for DHT, JPG and DAC, which lie between them. */
const isFrame = (marker: number): boolean => (marker & 0xf0) === 0xc0 && ![0xc4, 0xc8, 0xcc].includes(marker);
/** Fill bytes, restarts, and zeros after a byte of data that is 0xff. */
const isNoMarker = (byte: number): boolean => byte === 0xff || byte === 0 || (byte >= 0xd0 && byte <= 0xd7);
/** A block of 8 by 8 samples takes at least one bit of the file. */
const MAX_PIXELS_A_BYTE = 512;

/** What the segments of a file say. */
interface Outline {
  readonly height: number;
  readonly width: number;
  readonly components: number;
  /** Adobe's colour transform; 0 if colours are RGB or CMYK as they are. */
  readonly transform: number | undefined;
}

/** The pixels of a JPEG file; they are turned as stored, whatever its Exif data says. */
export function jpegPixels(bytes: Uint8Array, file: string): Either<DecodeError, Pixels> {
  const bad = (reason: string): Either<DecodeError, never> => left({ _tag: 'BadImage', file, format: 'JPEG', reason });
  const outline = outlineOf(bytes);
  if (typeof outline === 'string') return bad(outline);
  const { height, width, components, transform } = outline;
  try {
    const { data } = jpeg.decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      // What a file can announce is bounded by its length, above.
      maxResolutionInMP: Infinity,
      maxMemoryUsageInMB: Infinity,
      ...(transform === 0 && components === 3 ? { colorTransform: false } : {}),
    });
    // It gives grey as RGB.
    const grey = components === 1 ? data.filter((_, i) => i % 3 === 0) : data;
    return right({ height, width, channels: components === 1 ? 1 : 3, max: 255, data: grey });
  } catch (error) {
    return bad(`its data cannot be decoded (${error instanceof Error ? error.message : String(error)})`);
  }
}

/** The outline of a file that is whole, or what is wrong with it. */
function outlineOf(bytes: Uint8Array): Outline | string {
  let frame: Omit<Outline, 'transform'> | undefined;
  let transform: number | undefined;
  const word = (at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  for (let at = 2; ;) {
    // Coded data are between segments.
    while (at + 1 < bytes.length && (bytes[at] !== 0xff || isNoMarker(bytes[at + 1] ?? 0))) at++;
    if (at + 1 >= bytes.length) return `it ends at byte ${bytes.length}, before the marker of its end`;
    const marker = bytes[at + 1] ?? 0;
    if (marker === END) break;
    if (isFrame(marker)) {
      const precision = bytes[at + 4];
      if (frame !== undefined) return 'it has several frames';
      if (precision !== 8) return `it has ${precision ?? 0} bits a sample, not 8`;
      frame = { height: word(at + 5), width: word(at + 7), components: bytes[at + 9] ?? 0 };
    }
    const isAdobe = marker === ADOBE && String.fromCharCode(...bytes.subarray(at + 4, at + 9)) === 'Adobe';
    if (isAdobe) transform = bytes[at + 15];
    at += 2 + word(at + 2);
  }
  if (frame === undefined) return 'it has no frame';
  const { height, width } = frame;
  if (height === 0 || width === 0) return `it has ${height} rows of ${width} pixels`;
  if (height * width > MAX_PIXELS_A_BYTE * bytes.length) {
    return `its header announces ${height} rows of ${width} pixels, more than ${bytes.length} bytes can hold`;
  }
  return { ...frame, transform };
}
