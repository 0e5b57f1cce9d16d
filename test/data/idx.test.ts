/** IDX: the decoder undoes the encoder, and says what is wrong with files that are none. */
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { DataFileError, decodeIdx, encodeIdx, gunzip, orThrow, readIdx, showDecodeError } from 'cotangent/data';
import type { IdxArray } from 'cotangent/data';
import { errorOf } from './helpers.js';

const typedArray = {
  uint8: (n: number) => fc.uint8Array({ minLength: n, maxLength: n }),
  int8: (n: number) => fc.int8Array({ minLength: n, maxLength: n }),
  int16: (n: number) => fc.int16Array({ minLength: n, maxLength: n }),
  int32: (n: number) => fc.int32Array({ minLength: n, maxLength: n }),
  float32: (n: number) => fc.float32Array({ minLength: n, maxLength: n }),
  float64: (n: number) => fc.float64Array({ minLength: n, maxLength: n }),
};
const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
const arrays: fc.Arbitrary<IdxArray> = shapes.chain((shape) => {
  const n = shape.reduce((a, b) => a * b, 1);
  return fc.oneof(
    typedArray.uint8(n).map((data) => ({ dtype: 'uint8' as const, shape, data })),
    typedArray.int8(n).map((data) => ({ dtype: 'int8' as const, shape, data })),
    typedArray.int16(n).map((data) => ({ dtype: 'int16' as const, shape, data })),
    typedArray.int32(n).map((data) => ({ dtype: 'int32' as const, shape, data })),
    typedArray.float32(n).map((data) => ({ dtype: 'float32' as const, shape, data })),
    typedArray.float64(n).map((data) => ({ dtype: 'float64' as const, shape, data })),
  );
});

const small = encodeIdx({ dtype: 'uint8', shape: [2, 2], data: new Uint8Array([1, 2, 3, 4]) });
/** `small` with some of its bytes replaced. */
const patched = (changes: Readonly<Record<number, number>>): Uint8Array => small.map((byte, i) => changes[i] ?? byte);

describe('decodeIdx', () => {
  test('undoes encodeIdx for every element type', () => {
    fc.assert(
      fc.property(arrays, (array) => {
        expect(orThrow(decodeIdx(encodeIdx(array)))).toEqual(array);
      }),
    );
  });

  test.each([
    ['uint8', 0x08, [0xff], 255],
    ['int8', 0x09, [0xff], -1],
    ['int16', 0x0b, [0xff, 0xfe], -2],
    ['int32', 0x0c, [0x00, 0x01, 0x00, 0x02], 65538],
    ['float32', 0x0d, [0xc0, 0x20, 0x00, 0x00], -2.5],
    ['float64', 0x0e, [0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a], 0.1],
  ] as const)('reads %s in big-endian order', (dtype, code, bytes, value) => {
    const array = readIdx(new Uint8Array([0, 0, code, 1, 0, 0, 0, 1, ...bytes]));
    expect(array.dtype).toBe(dtype);
    expect([...array.data]).toEqual([value]);
  });

  test('reads a view into a larger buffer, at an odd offset, and copies it', () => {
    const larger = new Uint8Array(100).fill(9);
    const file = encodeIdx({ dtype: 'float32', shape: [2], data: new Float32Array([1.5, -3]) });
    larger.set(file, 33);
    const { data } = readIdx(larger.subarray(33, 33 + file.length));
    larger.fill(0);
    expect([...data]).toEqual([1.5, -3]);
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => ['Left', 'Right'].includes(decodeIdx(bytes)._tag)),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 11 }), fc.integer({ min: 0, max: 255 }), (at, byte) =>
        ['Left', 'Right'].includes(decodeIdx(patched({ [at]: byte }))._tag),
      ),
    );
  });

  test('every proper prefix of a file is truncated', () => {
    for (let n = 0; n < small.length; n++) {
      expect(errorOf(decodeIdx(small.subarray(0, n)))).toMatchObject({ _tag: 'Truncated', foundBytes: n });
    }
  });

  test('an absurd header is a truncated file, not an allocation', () => {
    const absurd = patched({ 4: 0xff, 5: 0xff, 6: 0xff, 7: 0xff, 8: 0xff, 9: 0xff });
    expect(errorOf(decodeIdx(absurd))).toMatchObject({ _tag: 'Truncated', part: 'data' });
  });

  test.each([
    ['truncated in the data', small.subarray(0, 14), ['f.idx', 'truncated', 'data', 'byte 16', '14 bytes', 'again']],
    ['truncated in the header', small.subarray(0, 7), ['f.idx', 'truncated', 'header', 'byte 12', '7 bytes']],
    ['too long', new Uint8Array([...small, 0]), ['f.idx', '1 byte too many', '16 bytes', '17', 'appended']],
    ['of another format', patched({ 0: 0x89, 1: 0x50 }), ['f.idx', 'not an IDX file', '0x00 0x00', '0x89 0x50']],
    ['of an unknown type', patched({ 2: 0x0a }), ['f.idx', '0x0a', '0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e']],
    ['compressed', new Uint8Array(gzipSync(small)), ['f.idx', 'gzip', 'gunzip']],
  ])('names the file, what it expected and found, and what to do, when it is %s', (_what, bytes, words) => {
    const message = showDecodeError(errorOf(decodeIdx(bytes, 'f.idx')));
    for (const word of words) expect(message).toContain(word);
    expect(() => readIdx(bytes, 'f.idx')).toThrow(DataFileError);
    expect(() => readIdx(bytes, 'f.idx')).toThrow(message);
  });

  test('its result is an Either of fp-ts', () => {
    const size = (bytes: Uint8Array): string =>
      pipe(
        decodeIdx(bytes),
        E.map(({ data }) => data.length),
        E.match(
          (error) => error._tag,
          (n) => `${n} elements`,
        ),
      );
    expect(size(small)).toBe('4 elements');
    expect(size(small.subarray(0, 3))).toBe('Truncated');
  });
});

describe('encodeIdx', () => {
  test('refuses a shape that the data does not have', () => {
    const data = new Uint8Array(5);
    expect(() => encodeIdx({ dtype: 'uint8', shape: [2, 3], data })).toThrow(/\[2, 3\].*5 elements/);
    expect(() =>
      encodeIdx({ dtype: 'uint8', shape: new Array<number>(256).fill(1), data: data.subarray(0, 1) }),
    ).toThrow(/255 axes/);
  });
});

describe('gunzip', () => {
  test('decompresses, and passes plain bytes', async () => {
    for (const bytes of [small, new Uint8Array(gzipSync(small))]) {
      expect(orThrow(decodeIdx(orThrow(await gunzip(bytes)())))).toEqual(readIdx(small));
    }
  });

  test('corrupt and truncated data is an error that names the file', async () => {
    const zipped = new Uint8Array(
      gzipSync(encodeIdx({ dtype: 'uint8', shape: [300], data: Uint8Array.from({ length: 300 }, (_, i) => i) })),
    );
    const wrong = zipped.map((byte, i) => (i > 12 ? byte ^ 0x55 : byte));
    for (const bytes of [zipped.subarray(0, 40), wrong]) {
      const error = errorOf(await gunzip(bytes, 'labels.gz')());
      expect(error._tag).toBe('BadGzip');
      expect(showDecodeError(error)).toMatch(/^labels\.gz: cannot be decompressed: .+ again/);
    }
  });
});
