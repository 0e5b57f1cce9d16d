/** Safetensors: files of the reference implementation are read and written alike, and every other is an error. */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { numpy as np } from 'cotangent';
import { DataFileError, decodeSafetensors, encodeSafetensors, readSafetensors, showDecodeError } from 'cotangent/data';
import { arrays, bitsOf, errorOf, fromBase64 } from './helpers.js';

interface Entry {
  readonly file: string;
  readonly tensors: Readonly<
    Record<string, { readonly dtype: string; readonly shape: readonly number[]; readonly values: readonly unknown[] }>
  >;
}
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/safetensors.json', import.meta.url), 'utf8')) as Readonly<
  Record<'arrays' | 'metadata' | 'others' | 'none' | 'large', Entry>
> & { readonly complex: string };

const DTYPES: Readonly<Record<string, string>> = {
  int8: 'int32',
  int16: 'int32',
  int64: 'int32',
  uint8: 'int32',
  uint16: 'int32',
  uint64: 'uint32',
};
const numberOf = (value: unknown): number =>
  typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : Number(value);

/** A file of this header and data. */
function fileOf(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(),
  length?: number | bigint,
): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const start = new DataView(new ArrayBuffer(8));
  start.setBigUint64(0, BigInt(length ?? text.length), true);
  return new Uint8Array([...new Uint8Array(start.buffer), ...text, ...data]);
}
const entry = (begin: number, end: number, shape: readonly number[] = [(end - begin) / 4], dtype = 'F32'): string =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

describe('decodeSafetensors', () => {
  test.each(['arrays', 'metadata', 'others', 'none'] as const)('reads what the reference wrote: %s', (name) => {
    const { file, tensors } = fixtures[name];
    const read = readSafetensors(fromBase64(file));
    expect(Object.keys(read.tensors).sort()).toEqual(Object.keys(tensors).sort());
    for (const [key, { dtype, shape, values }] of Object.entries(tensors)) {
      const x = read.tensors[key] ?? np.zeros(0);
      expect([x.dtype, x.shape]).toEqual([DTYPES[dtype] ?? dtype, shape]);
      expect([...x.dataSync()]).toEqual(values.map(numberOf));
    }
    expect(read.metadata).toEqual(name === 'metadata' ? { note: 'of "é"' } : {});
  });

  test('bfloat16 becomes float32, exactly', () => {
    // 1, -2.5, infinity, and the smallest positive number, which is subnormal: 2^-133.
    const data = new Uint8Array([0x80, 0x3f, 0x20, 0xc0, 0x80, 0x7f, 0x01, 0x00]);
    const { tensors } = readSafetensors(fileOf(`{"b":${entry(0, 8, [4], 'BF16')}}`, data));
    expect(tensors['b']?.dtype).toBe('float32');
    expect(tensors['b']?.js()).toEqual([1, -2.5, Infinity, 2 ** -133]);
  });

  test('undoes encodeSafetensors, in every bit', () => {
    const names = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__');
    const texts = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }));
    fc.assert(
      fc.property(fc.dictionary(names, arrays, { maxKeys: 5 }), texts, (record, metadata) => {
        const back = readSafetensors(encodeSafetensors(record, metadata));
        expect(Object.entries(back.metadata)).toEqual(Object.entries(metadata));
        expect(Object.keys(back.tensors).sort()).toEqual(Object.keys(record).sort());
        for (const [name, x] of Object.entries(record)) {
          const y = back.tensors[name] ?? np.zeros(0);
          expect([y.dtype, y.shape, bitsOf(y)]).toEqual([x.dtype, x.shape, bitsOf(x)]);
        }
      }),
    );
  });

  test('reads tensors in any order, and spaces after the header', () => {
    const file = fileOf(`{"b":${entry(4, 8)},"none":${entry(4, 4)},"a":${entry(0, 4)}}   `, new Uint8Array(8));
    expect(Object.keys(readSafetensors(file).tensors)).toEqual(['a', 'none', 'b']);
  });

  test('every proper prefix is truncated', () => {
    const file = fromBase64(fixtures.arrays.file);
    for (let n = 0; n < file.length; n++) {
      expect(errorOf(decodeSafetensors(file.subarray(0, n)))).toMatchObject({ _tag: 'Truncated', foundBytes: n });
    }
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) =>
        ['Left', 'Right'].includes(decodeSafetensors(bytes)._tag),
      ),
    );
    fc.assert(
      fc.property(fc.json(), fc.uint8Array({ maxLength: 20 }), (json, data) =>
        ['Left', 'Right'].includes(decodeSafetensors(fileOf(json, data))._tag),
      ),
    );
    const file = fromBase64(fixtures.arrays.file);
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), (at, byte) =>
        ['Left', 'Right'].includes(decodeSafetensors(file.map((old, i) => (i === at ? byte : old)))._tag),
      ),
      { numRuns: 1000 },
    );
  });

  const four = new Uint8Array(4);
  const eight = new Uint8Array(8);
  test.each<[what: string, file: Uint8Array, tag: string, words: string[]]>([
    ['a header too long', fileOf('{}', four, 100_000_001), 'BadHeader', ['100000001 bytes', '100000000']],
    ['a header far too long', fileOf('{}', four, 2n ** 64n - 1n), 'BadHeader', ['allows 100000000']],
    ['a header that is cut', fileOf('{}', four, 50), 'Truncated', ['header', 'byte 58', '14 bytes']],
    ['data that are cut', fileOf(`{"a":${entry(0, 8)}}`, four), 'Truncated', ['data', 'again']],
    ['bytes that no tensor has', fileOf(`{"a":${entry(0, 4)}}`, eight), 'TrailingBytes', ['4 bytes too many']],
    ['bytes without tensors', fileOf('{}', four), 'TrailingBytes', ['4 bytes too many']],
    ['no UTF-8', fileOf(new Uint8Array([0x7b, 0xff, 0x7d])), 'BadHeader', ['UTF-8']],
    ['no JSON', fileOf('{"a"}'), 'BadHeader', ['no JSON object', '{\\"a\\"}']],
    ['a list', fileOf('[]'), 'BadHeader', ['no JSON object']],
    ['a space before the header', fileOf(' {}'), 'BadHeader', ['no JSON object']],
    ['no shape', fileOf('{"a":{"dtype":"F32","data_offsets":[0,0]}}'), 'BadHeader', ['tensor "a"', 'a shape']],
    ['a shape of fractions', fileOf(`{"a":${entry(0, 4, [0.5])}}`, four), 'BadHeader', ['tensor "a"']],
    ['a negative shape', fileOf(`{"a":${entry(0, 4, [-1, -1])}}`, four), 'BadHeader', ['tensor "a"']],
    ['a null', fileOf('{"a":null}'), 'BadHeader', ['tensor "a"']],
    ['metadata of numbers', fileOf('{"__metadata__":{"a":1}}'), 'BadHeader', ['__metadata__', 'texts']],
    ['metadata in a list', fileOf('{"__metadata__":[]}'), 'BadHeader', ['__metadata__']],
    ['another size', fileOf(`{"a":${entry(0, 8, [3])}}`, eight), 'BadHeader', ['"a", F32[3], needs 12', 'from 0 to 8']],
    ['an end before the beginning', fileOf(`{"a":${entry(4, 0, [1])}}`, four), 'BadHeader', ['from 4 to 0']],
    [
      'an absurd shape',
      fileOf(`{"a":${entry(0, 4, [2 ** 53 - 1, 2 ** 53 - 1])}}`, four),
      'BadHeader',
      ['needs 3.24', 'bytes'],
    ],
    [
      'tensors that overlap',
      fileOf(`{"a":${entry(0, 8)},"b":${entry(4, 8)}}`, eight),
      'BadHeader',
      ['"b" begins at byte 4', 'in another one, which ends at 8'],
    ],
    ['a hole', fileOf(`{"a":${entry(4, 8)}}`, eight), 'BadHeader', ['"a" begins at byte 4', 'bytes from 0']],
    ['one name twice', fileOf(`{"a":${entry(0, 4)},"a":${entry(4, 8)}}`, eight), 'BadHeader', ['"a"', 'from 0']],
    ['an unknown dtype', fileOf(`{"a":${entry(0, 4, [4], 'F8_E4M3')}}`, four), 'UnsupportedDType', ['f/a', 'F8_E4M3']],
    ['the dtype toString', fileOf(`{"a":${entry(0, 4, [4], 'toString')}}`, four), 'UnsupportedDType', ['toString']],
    ['complex numbers', fromBase64(fixtures.complex), 'UnsupportedDType', ['f/c', 'C64', 'F32']],
    ['large integers', fromBase64(fixtures.large.file), 'IntegerTooLarge', ['f/n', 'element 1', '2147483648']],
  ])('says what is wrong with %s', (_what, file, tag, words) => {
    const error = errorOf(decodeSafetensors(file, 'f'));
    expect(error._tag).toBe(tag);
    for (const word of ['f', ...words]) expect(showDecodeError(error)).toContain(word);
    expect(() => readSafetensors(file)).toThrow(DataFileError);
  });
});

describe('encodeSafetensors', () => {
  test.each(['arrays', 'metadata', 'none'] as const)('writes the bytes of the reference: %s', (name) => {
    const bytes = fromBase64(fixtures[name].file);
    const { tensors, metadata } = readSafetensors(bytes);
    const reversed = Object.fromEntries(Object.entries(tensors).reverse());
    expect(encodeSafetensors(reversed, metadata)).toEqual(bytes);
  });

  test('refuses what the format has no place for', () => {
    expect(() => encodeSafetensors({ __metadata__: np.zeros(1) })).toThrow(/no array may be named __metadata__/);
    const metadata = { epoch: 3 } as unknown as Record<string, string>;
    expect(() => encodeSafetensors({}, metadata)).toThrow(/"epoch" is a number.*String/);
  });
});
