/** PNG (W3C, "Portable Network Graphics", third edition). fast-png reads and writes; what it takes on trust is checked here. */
import { convertIndexedToRgb, decode, encode, type DecodedPng } from 'fast-png';
import { left, right } from 'fp-ts/lib/Either.js';
import { showShape } from '../core/aval.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';
import type { Pixels, Samples } from './pixels.js';

export const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Where the header ends, which is the first chunk: a length, a type, 13 bytes, a checksum. */
const HEADER_END = PNG_MAGIC.length + 4 + 4 + 13 + 4;
const COLOR_AT = 25;
/** Length, type and checksum of a chunk. */
const FRAME = 12;
const IHDR = 0x49484452;
const IEND = 0x49454e44;
const PALETTE = 3;
/** By colour type (grey, RGB, palette, grey and alpha, RGB and alpha): samples of a pixel, and the bits that one may have. */
const COLORS: Readonly<Record<number, { readonly samples: number; readonly bits: readonly number[] }>> = {
  0: { samples: 1, bits: [1, 2, 4, 8, 16] },
  2: { samples: 3, bits: [8, 16] },
  [PALETTE]: { samples: 1, bits: [1, 2, 4, 8] },
  4: { samples: 2, bits: [8, 16] },
  6: { samples: 4, bits: [8, 16] },
};
/** Deflate makes at most 258 bytes of two bits. */
const MAX_RATIO = 1032;

/** The pixels of a PNG file. */
export function pngPixels(bytes: Uint8Array, file: string): Either<DecodeError, Pixels> {
  const problem = problemOf(bytes);
  if (problem !== undefined) return left({ _tag: 'BadImage', file, format: 'PNG', reason: problem });
  try {
    // A copy, for its decoder wants memory that is not shared.
    return right(unpacked(decode(new Uint8Array(bytes), { checkCrc: true }), bytes[COLOR_AT]));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return left({ _tag: 'BadImage', file, format: 'PNG', reason: `its data cannot be decoded (${reason})` });
  }
}

/** What is wrong with the chunks, or with the header, before memory is taken for what it announces. */
function problemOf(bytes: Uint8Array): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = PNG_MAGIC.length;
  for (let type = 0; type !== IEND;) {
    if (at + FRAME > bytes.length) return `it ends at byte ${bytes.length}, before its last chunk`;
    type = view.getUint32(at + 4);
    if (at === PNG_MAGIC.length && type !== IHDR) return 'its first chunk is not the header';
    at += FRAME + view.getUint32(at);
    if (at > bytes.length) return `it ends at byte ${bytes.length}, in a chunk that ends at ${at}`;
  }
  if (bytes.length < HEADER_END) return 'its header is too short';
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [depth = 0, color = 0, , , interlace] = bytes.subarray(COLOR_AT - 1);
  if (width === 0 || height === 0) return `it has ${height} rows of ${width} pixels`;
  const kind = Object.hasOwn(COLORS, color) ? COLORS[color] : undefined;
  if (kind?.bits.includes(depth) !== true) return `it has ${depth} bits a sample in colour type ${color}`;
  const needed = height * Math.ceil((width * depth * kind.samples) / 8);
  if (needed > MAX_RATIO * bytes.length) {
    return `its header announces ${height} rows of ${width} pixels, more than ${bytes.length} bytes can hold`;
  }
  return interlace === 1 && depth < 8 ? `it is interlaced with ${depth} bits a sample; save it without` : undefined;
}

/** Palettes as colours, transparent colours as alpha, and samples of less than 8 bits as 8. */
function unpacked(png: DecodedPng, color: number | undefined): Pixels {
  const { height, width, channels, depth, data, palette, transparency } = png;
  if (color === PALETTE) {
    return { height, width, channels: palette?.[0]?.length ?? 0, max: 255, data: convertIndexedToRgb(png) };
  }
  const samples = depth < 8 ? unpackedBits(png) : data;
  const pixels = transparency === undefined ? samples : withAlpha(samples, channels, transparency, 2 ** depth - 1);
  if (depth < 8) for (let i = 0; i < pixels.length; i++) pixels[i] = ((pixels[i] ?? 0) * 255) / (2 ** depth - 1);
  const alpha = transparency === undefined ? 0 : 1;
  return { height, width, channels: channels + alpha, max: depth === 16 ? 65535 : 255, data: pixels };
}

/** One grey sample a byte; every row begins with a byte of its own. */
function unpackedBits({ height, width, depth, data }: DecodedPng): Uint8Array {
  const samples = new Uint8Array(height * width);
  const rowBytes = Math.ceil((width * depth) / 8);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const bit = column * depth;
      const byte = data[row * rowBytes + (bit >> 3)] ?? 0;
      samples[row * width + column] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return samples;
}

/** Samples with alpha, which is 0 where they are those of the transparent colour. */
function withAlpha(samples: Samples, channels: number, color: Uint16Array, max: number): Samples {
  const length = (samples.length / channels) * (channels + 1);
  const result = samples instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
  for (let from = 0, to = 0; from < samples.length; to++) {
    let isTransparent = true;
    for (let channel = 0; channel < channels; channel++) {
      const sample = samples[from++] ?? 0;
      isTransparent &&= sample === color[channel];
      result[to++] = sample;
    }
    result[to] = isTransparent ? 0 : max;
  }
  return result;
}

/** Options of {@link encodePng}. */
export interface EncodePngOptions {
  /** Of a sample; 8 by default. */
  bits?: 8 | 16;
}

/**
 * The bytes of a PNG file of an image of shape `[height, width]` or `[height, width, channels]`, with 1 channel (grey), 2 (grey and alpha), 3 (RGB) or
 * 4 (RGB and alpha). Integers are from 0 to 255 (65535 with 16 bits), floats from 0 to 1, and booleans black and white. An array on a GPU
 * must be moved first, with `await devicePutAsync(x, devices()[0])`.
 *
 * @throws ShapeError if the shape is none of an image, ArgumentError for a value out of these ranges.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { encodePng, readImage } from 'cotangent/data';
 *
 * const ramp = np.linspace(0, 1, 3).reshape(1, 3);
 * readImage(encodePng(ramp)); // => [[[0], [128], [255]]]
 * ```
 */
export function encodePng(x: NDArray, options: EncodePngOptions = {}): Uint8Array<ArrayBuffer> {
  const { bits = 8 } = options;
  const [height = 0, width = 0, channels = 1] = x.shape;
  if (x.ndim < 2 || x.ndim > 3 || height === 0 || width === 0 || channels < 1 || channels > 4) {
    throw new ShapeError(
      `encodePng: an image is [height, width] or [height, width, channels] with 1 to 4 channels, not ${showShape(x.shape)}.${userLine()}`,
    );
  }
  const max = 2 ** bits - 1;
  const limit = isFloat(x.dtype) || x.dtype === 'bool' ? 1 : max;
  const values = x.dataSync();
  const bad = values.findIndex((value) => !(value >= 0 && value <= limit));
  if (bad >= 0) {
    throw new ArgumentError(
      `encodePng: element ${bad} is ${values[bad] ?? NaN}, and a ${x.dtype} image has values from 0 to ${limit}. ` +
        `Use np.clip, or scale the image.${userLine()}`,
    );
  }
  const data = bits === 8 ? new Uint8Array(values.length) : new Uint16Array(values.length);
  for (let i = 0; i < data.length; i++) data[i] = Math.round(((values[i] ?? 0) * max) / limit);
  return new Uint8Array(encode({ height, width, channels, depth: bits, data }));
}
