/** Pixels of image files on the host, in the form in which callers ask for them. */
import { fromHost } from '../core/concrete.js';
import type { NDArray } from '../core/ndarray.js';

/** What decoders give. */
export type Samples = Uint8Array | Uint8ClampedArray | Uint16Array;

/** An image as its file has it. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  /** Grey, grey and alpha, RGB, RGB and alpha. */
  readonly channels: number;
  /** The value of white: 255 or 65535. */
  readonly max: number;
  /** Row by row, the channels of a pixel together. */
  readonly data: Samples;
}

/** Options of {@link decodeImage}. */
export interface ImageOptions {
  /**
   * 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; those of the file by default. Grey of colours is ITU-R BT.601's, alpha is left out or 255.
   */
  channels?: 1 | 2 | 3 | 4;
  /** 8 for values up to 255, the default, or 16 for values up to 65535, whatever the file has. */
  bits?: 8 | 16;
}

/** The pixels as int32 of shape `[height, width, channels]`. */
export function pixelArray(pixels: Pixels, options: ImageOptions): NDArray {
  const { height, width, channels: from, max, data } = pixels;
  const { channels: to = from, bits = 8 } = options;
  const scale = (2 ** bits - 1) / max;
  const values = new Int32Array(height * width * to);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const [at, put] = [pixel * from, pixel * to];
    const red = data[at] ?? 0;
    const [green, blue] = from < 3 ? [red, red] : [data[at + 1] ?? 0, data[at + 2] ?? 0];
    const alpha = from % 2 === 0 ? (data[at + from - 1] ?? 0) : max;
    if (to < 3) {
      values[put] = Math.round((from < 3 ? red : 0.299 * red + 0.587 * green + 0.114 * blue) * scale);
    } else {
      values[put] = Math.round(red * scale);
      values[put + 1] = Math.round(green * scale);
      values[put + 2] = Math.round(blue * scale);
    }
    if (to % 2 === 0) values[put + to - 1] = Math.round(alpha * scale);
  }
  return fromHost(values, [height, width, to], 'int32');
}
