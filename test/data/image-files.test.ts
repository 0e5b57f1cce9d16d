/** Images: what Pillow wrote is read as Pillow reads it, what is written comes back, and everything else is an error. */
import fc from 'fast-check';
import { decode } from 'fast-png';
import { readFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { numpy as np } from 'cotangent';
import type { NDArray } from 'cotangent';
import { DataFileError, decodeImage, encodePng, readImage, showDecodeError } from 'cotangent/data';
import { errorOf, fromBase64 } from './helpers.js';

interface Entry {
  readonly file: string;
  readonly shape: readonly number[];
  readonly pixels: readonly number[];
}
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/images.json', import.meta.url), 'utf8')) as Readonly<
  Record<'png' | 'jpeg', Readonly<Record<string, Entry>>>
>;
const fileOf = (format: 'png' | 'jpeg', name: string): Uint8Array => fromBase64(fixtures[format][name]?.file ?? '');
const flat = (x: NDArray): number[] => [...x.dataSync()];

/** A PNG of these chunks, each with its checksum. */
function pngOf(...chunks: readonly (readonly [type: string, data: Uint8Array])[]): Uint8Array {
  const parts = chunks.map(([type, data]) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const chunk = Buffer.alloc(body.length + 8);
    chunk.writeUInt32BE(data.length, 0);
    body.copy(chunk, 4);
    chunk.writeUInt32BE(crc32(body), body.length + 4);
    return chunk;
  });
  return new Uint8Array(Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), ...parts]));
}
function headerOf(width: number, height: number, depth = 8, color = 0, interlace = 0): readonly [string, Uint8Array] {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([depth, color, 0, 0, interlace], 8);
  return ['IHDR', data];
}
const END = ['IEND', new Uint8Array()] as const;
const rows = (bytes: readonly number[]): readonly [string, Uint8Array] => ['IDAT', deflateSync(Uint8Array.from(bytes))];

describe('decodeImage', () => {
  const pngs = Object.entries(fixtures.png).filter(([name]) => name !== '16 bits');
  test.each(pngs)('reads a PNG exactly: %s', (_name, { file, shape, pixels }) => {
    const x = readImage(fromBase64(file));
    expect([x.dtype, x.shape]).toEqual(['int32', shape]);
    expect(flat(x)).toEqual(pixels);
  });

  test('reads 16 bits as 16 or as 8', () => {
    const { file, shape, pixels } = fixtures.png['16 bits'] ?? { file: '', shape: [], pixels: [] };
    const x = readImage(fromBase64(file), { bits: 16 });
    expect([x.shape, flat(x)]).toEqual([shape, pixels]);
    expect(flat(readImage(fromBase64(file)))).toEqual(pixels.map((value) => Math.round(value / 257)));
    const eight = fixtures.png['L']?.pixels ?? [];
    expect(flat(readImage(fileOf('png', 'L'), { bits: 16 }))).toEqual(eight.map((value) => value * 257));
  });

  // The inverse transform and the conversion of colours are each rounded to integers, in other ways than libjpeg's.
  // Chroma of less resolution is repeated here and interpolated there: of these slow waves that is up to ten levels.
  test.each([
    ['grey', 1],
    ['4:4:4', 3],
    ['progressive', 3],
    ['RGB', 1],
    ['CMYK', 1],
    ['4:2:2', 10],
    ['4:2:0', 10],
  ] as const)('reads a JPEG as Pillow does: %s, but for %i levels', (name, levels) => {
    const { shape, pixels } = fixtures.jpeg[name] ?? { shape: [], pixels: [] };
    const x = readImage(fileOf('jpeg', name));
    expect([x.dtype, x.shape]).toEqual(['int32', shape]);
    const errors = flat(x).map((value, i) => Math.abs(value - (pixels[i] ?? NaN)));
    expect(Math.max(...errors)).toBeLessThanOrEqual(levels);
  });

  test('gives the channels asked for', () => {
    const [r, g, b, a] = [10, 200, 30, 128];
    const grey = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    const rgba = encodePng(np.array([[[r, g, b, a]]], np.int32));
    const rgb = encodePng(np.array([[[r, g, b]]], np.int32));
    const ga = encodePng(np.array([[[r, a]]], np.int32));
    const g1 = encodePng(np.array([[r]], np.int32));
    const expected: [Uint8Array, number[][]][] = [
      [rgba, [[grey], [grey, a], [r, g, b], [r, g, b, a]]],
      [rgb, [[grey], [grey, 255], [r, g, b], [r, g, b, 255]]],
      [ga, [[r], [r, a], [r, r, r], [r, r, r, a]]],
      [g1, [[r], [r, 255], [r, r, r], [r, r, r, 255]]],
    ];
    for (const [file, results] of expected) {
      for (const channels of [1, 2, 3, 4] as const) {
        expect(readImage(file, { channels }).js()).toEqual([[results[channels - 1]]]);
      }
    }
    expect(readImage(fileOf('jpeg', 'grey'), { channels: 3 }).shape).toEqual([21, 37, 3]);
  });

  test('reads memory that threads share, at an odd offset', () => {
    for (const [format, name] of [
      ['png', 'RGB'],
      ['jpeg', '4:4:4'],
    ] as const) {
      const file = fileOf(format, name);
      const shared = new Uint8Array(new SharedArrayBuffer(file.length + 3));
      shared.set(file, 3);
      expect(flat(readImage(shared.subarray(3)))).toEqual(flat(readImage(file)));
    }
  });

  test.each([
    ['png', 'RGB'],
    ['png', 'palette and alpha'],
    ['png', 'interlaced'],
    ['jpeg', 'grey'],
    ['jpeg', 'progressive'],
    ['jpeg', '4:2:0'],
  ] as const)('every proper prefix is an error that names the file: %s %s', (format, name) => {
    const file = fileOf(format, name);
    for (let n = 0; n < file.length; n++) {
      const error = errorOf(decodeImage(file.subarray(0, n), {}, 'cut'));
      expect(error.file).toBe('cut');
      expect(error._tag).toBe(n === 0 ? 'EmptyFile' : 'BadImage');
    }
  });

  test('every changed bit of a PNG is an error', () => {
    const file = fileOf('png', 'LA');
    // The length of a chunk is not under its checksum, but then the checksum is looked for elsewhere.
    for (let at = 0; at < file.length; at++) {
      expect(decodeImage(file.map((byte, i) => (i === at ? byte ^ 4 : byte)))._tag).toBe('Left');
    }
  });

  test('never throws, whatever the bytes', () => {
    const begin = fc.constantFrom<Uint8Array[]>(
      new Uint8Array(),
      fileOf('png', 'L').subarray(0, 33),
      fileOf('jpeg', 'grey').subarray(0, 3),
      fileOf('jpeg', 'grey').subarray(0, 200),
    );
    const bytes = fc.tuple(begin, fc.uint8Array({ maxLength: 60 })).map(([a, b]) => new Uint8Array([...a, ...b]));
    fc.assert(
      fc.property(bytes, (file) => ['Left', 'Right'].includes(decodeImage(file)._tag)),
      { numRuns: 1000 },
    );
    for (const name of ['grey', '4:2:0', 'progressive', 'CMYK']) {
      const file = fileOf('jpeg', name);
      fc.assert(
        fc.property(fc.nat(file.length - 1), fc.nat(255), (at, byte) =>
          ['Left', 'Right'].includes(decodeImage(file.map((old, i) => (i === at ? byte : old)))._tag),
        ),
        { numRuns: 1000 },
      );
    }
  });

  const grey = fileOf('jpeg', 'grey');
  const frameAt = grey.findIndex((byte, i) => byte === 0xff && grey[i + 1] === 0xc0);
  const patched = (changes: Readonly<Record<number, number>>): Uint8Array =>
    grey.map((byte, i) => changes[i - frameAt] ?? byte);
  test.each<[what: string, file: Uint8Array, words: string[]]>([
    ['empty', new Uint8Array(), ['empty', 'PNG or JPEG']],
    ['a GIF', new TextEncoder().encode('GIF89a'), ['not a PNG or JPEG', '0x89 0x50 0x4e 0x47', '0x47 0x49']],
    ['a short PNG', fileOf('png', 'L').subarray(0, 60), ['PNG', 'ends at byte 60', 'a chunk that ends at', 'again']],
    ['a PNG without end', fileOf('png', 'L').subarray(0, -12), ['PNG', 'before its last chunk']],
    ['a short JPEG', grey.subarray(0, -2), ['JPEG', `ends at byte ${grey.length - 2}`, 'marker of its end']],
    ['a PNG with a wrong checksum', fileOf('png', 'L').map((byte, i) => (i === 45 ? byte ^ 1 : byte)), ['PNG', 'CRC']],
    ['a PNG without header', pngOf(END), ['first chunk is not the header']],
    ['a PNG of no pixels', pngOf(headerOf(0, 3), rows([0, 0, 0]), END), ['3 rows of 0 pixels']],
    ['a PNG of absurd size', pngOf(headerOf(2 ** 31 - 1, 2 ** 31 - 1), rows([0]), END), ['2147483647', 'can hold']],
    ['a PNG of colour type 5', pngOf(headerOf(1, 1, 8, 5), rows([0, 1]), END), ['8 bits a sample in colour type 5']],
    ['a PNG of 4-bit RGB', pngOf(headerOf(1, 1, 4, 2), rows([0, 1, 2]), END), ['4 bits a sample in colour type 2']],
    ['a PNG without its palette', pngOf(headerOf(1, 1, 8, 3), rows([0, 0]), END), ['palette']],
    ['a PNG of interlaced bits', pngOf(headerOf(1, 1, 1, 0, 1), rows([0, 0]), END), ['interlaced with 1 bit']],
    ['a JPEG of 12 bits', patched({ 4: 12 }), ['12 bits a sample']],
    ['a JPEG of no rows', patched({ 5: 0, 6: 0 }), ['0 rows of 37 pixels']],
    ['a JPEG of absurd size', patched({ 5: 255, 7: 255 }), ['can hold']],
    ['a JPEG without pixels', new Uint8Array([0xff, 0xd8, 0xff, 0xd9]), ['it has no frame']],
    ['a lossless JPEG', patched({ 1: 0xc3 }), ['JPEG', 'cannot be decoded']],
  ])('says what is wrong with %s', (_what, file, words) => {
    const message = showDecodeError(errorOf(decodeImage(file, {}, 'f.png')));
    for (const word of ['f.png: ', ...words]) expect(message).toContain(word);
    expect(() => readImage(file)).toThrow(DataFileError);
  });
});

describe('encodePng', () => {
  const images = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 }))
    .chain(([height, width, channels]) =>
      fc.tuple(
        fc.constant([height, width, channels]),
        fc.uint16Array({ minLength: height * width * channels, maxLength: height * width * channels }),
      ),
    );

  test('is undone by decodeImage', () => {
    fc.assert(
      fc.property(images, ([shape, values]) => {
        const wide = np.array(Int32Array.from(values), { shape });
        expect(readImage(encodePng(wide, { bits: 16 }), { bits: 16 }).js()).toEqual(wide.js());
        const x = np.array(
          Int32Array.from(values, (value) => value >> 8),
          { shape },
        );
        expect(readImage(encodePng(x)).js()).toEqual(x.js());
        expect(readImage(encodePng(x.astype('float32').div(255))).js()).toEqual(x.js());
        const black = x.greater(127);
        expect(readImage(encodePng(black)).js()).toEqual(black.astype('int32').mul(255).js());
      }),
    );
  });

  test('writes what other readers read', () => {
    const { width, height, channels, depth, data } = decode(
      encodePng(
        np.array([
          [0, 0.5],
          [1, 0.25],
          [0, 0],
        ]),
      ),
    );
    expect([width, height, channels, depth, [...data]]).toEqual([2, 3, 1, 8, [0, 128, 255, 64, 0, 0]]);
  });

  test('refuses what is no image', () => {
    for (const shape of [[3], [2, 2, 5], [2, 2, 0], [0, 3], [1, 2, 2, 1]]) {
      expect(() => encodePng(np.zeros(shape))).toThrow(/an image is \[height, width\]/);
    }
    expect(() => encodePng(np.array([[0, 1.5]]))).toThrow(/element 1 is 1\.5.*float32.*0 to 1\b/);
    expect(() => encodePng(np.array([[NaN]]))).toThrow(/element 0 is NaN/);
    expect(() => encodePng(np.array([[0, 256]], np.int32))).toThrow(/element 1 is 256.*int32.*0 to 255/);
    expect(() => encodePng(np.array([[-1]], np.int32), { bits: 16 })).toThrow(/element 0 is -1.*65535/);
  });
});
