/** `.npy` and `.npz`: what NumPy wrote is read, what is written is what NumPy writes, and nothing else is an array. */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { numpy as np } from 'cotangent';
import type { NDArray } from 'cotangent';
import {
  DataFileError,
  decodeNpy,
  decodeNpz,
  encodeNpy,
  encodeNpz,
  readNpy,
  readNpz,
  showDecodeError,
} from 'cotangent/data';
import { arrays, bitsOf, errorOf, fromBase64 } from './helpers.js';

interface Entry {
  readonly file: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly (number | boolean | string)[];
}
type Entries = Readonly<Record<string, Entry>>;
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/npy.json', import.meta.url), 'utf8')) as {
  arrays: Entries;
  versions: Entries;
  unsupported: Entries;
  savez: string;
  savezCompressed: string;
};

/** The dtype here of each of NumPy's. */
const DTYPES: Readonly<Record<string, string>> = {
  int8: 'int32',
  int16: 'int32',
  int64: 'int32',
  uint8: 'int32',
  uint16: 'int32',
  uint64: 'uint32',
};
const numberOf = (value: number | boolean | string): number =>
  typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : Number(value);
const flat = (x: NDArray): number[] => [...x.dataSync()];

describe('decodeNpy', () => {
  const readable = Object.entries(fixtures.arrays).filter(([name]) => !/too|far/.test(name));
  test.each(readable)('reads %s as NumPy wrote it', (_name, { file, dtype, shape, values }) => {
    const x = readNpy(fromBase64(file));
    expect([x.dtype, x.shape]).toEqual([DTYPES[dtype] ?? dtype, shape]);
    // Object.is, so that -0 is not 0.
    expect(flat(x)).toEqual(values.map(numberOf));
  });

  test.each(Object.entries(fixtures.versions))('reads version %s', (_version, { file, values }) => {
    expect(flat(readNpy(fromBase64(file)))).toEqual(values);
  });

  test('undoes encodeNpy, in every bit', () => {
    fc.assert(
      fc.property(arrays, (x) => {
        const y = readNpy(encodeNpy(x));
        expect([y.dtype, y.shape, bitsOf(y)]).toEqual([x.dtype, x.shape, bitsOf(x)]);
      }),
    );
  });

  test('reads a view into a larger buffer, at an odd offset, and copies it', () => {
    const file = encodeNpy(np.array([1.5, -3]));
    const larger = new Uint8Array(new SharedArrayBuffer(500)).fill(9);
    larger.set(file, 33);
    const x = readNpy(larger.subarray(33, 33 + file.length));
    larger.fill(0);
    expect(x.js()).toEqual([1.5, -3]);
  });

  test('reads headers that other programs write', () => {
    const file = encodeNpy(np.array([[1, 2]]));
    const withHeader = (text: string): Uint8Array => {
      const changed = file.slice();
      changed.set(new TextEncoder().encode(text.padEnd(117)), 10);
      return changed;
    };
    for (const text of [
      `{"shape": (1L, 2L), "fortran_order": False, "descr": "<f4"}`,
      `{'shape':(1,2),'descr':'=f4','fortran_order':False,}`,
      `{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}`,
    ]) {
      expect(flat(readNpy(withHeader(text)))).toEqual([1, 2]);
    }
    for (const [text, word] of [
      ['', 'Python dict'],
      [`{'fortran_order': False, 'shape': (2,)}`, 'descr'],
      [`{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}`, 'fortran_order'],
      [`{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}`, 'shape'],
      [`{'descr': '<f4', 'fortran_order': False, 'shape': [2]}`, 'shape'],
      [
        `{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 0)}`,
        '100000000000000000000 elements',
      ],
    ] as const) {
      const error = errorOf(decodeNpy(withHeader(text), 'f.npy'));
      expect(error._tag).toBe('BadHeader');
      expect(showDecodeError(error)).toContain(word);
    }
    // What has no elements takes no memory, however long its axes; what would have too many is not there.
    const shape = `{'descr': '<f4', 'fortran_order': True, 'shape': (0, 9007199254740991)}`;
    expect(readNpy(withHeader(shape).subarray(0, 128)).shape).toEqual([0, 2 ** 53 - 1]);
    expect(
      errorOf(decodeNpy(withHeader(`{'descr': '<f4', 'fortran_order': False, 'shape': (9007199254740991, 99)}`))),
    ).toMatchObject({ _tag: 'Truncated', part: 'data' });
  });

  test('every proper prefix of a file is truncated', () => {
    for (const name of ['rank 5', 'bool', 'scalar']) {
      const file = fromBase64(fixtures.arrays[name]?.file ?? '');
      for (let n = 0; n < file.length; n++) {
        expect(errorOf(decodeNpy(file.subarray(0, n)))).toMatchObject({ _tag: 'Truncated', foundBytes: n });
      }
    }
  });

  test('never throws, whatever the bytes', () => {
    const file = fromBase64(fixtures.arrays['fortran']?.file ?? '');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => ['Left', 'Right'].includes(decodeNpy(bytes)._tag)),
    );
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), (at, byte) =>
        ['Left', 'Right'].includes(decodeNpy(file.map((old, i) => (i === at ? byte : old)))._tag),
      ),
      { numRuns: 1000 },
    );
  });

  test.each<[what: string, file: Uint8Array | string | undefined, words: string[]]>([
    ['of another format', new Uint8Array([1, 2, 3]), ['f.npy', 'not an .npy file', '0x93', '0x01 0x02 0x03']],
    ['too long', new Uint8Array([...encodeNpy(np.array(1)), 0]), ['f.npy', '1 byte too many', '132', '133']],
    ['of a later version', new Uint8Array([0x93, 78, 85, 77, 80, 89, 4, 0]), ['f.npy', 'version is 4', '1, 2 or 3']],
    ['of large integers', fixtures.arrays['int64 too large']?.file, ['element 1', 'int64 2147483648', 'float64']],
    ['of small integers', fixtures.arrays['int64 too small']?.file, ['element 2', 'int64 -2147483649']],
    ['of the smallest integer', fixtures.arrays['int64 far']?.file, ['element 0', 'int64 -9223372036854775808']],
    ['of unsigned integers', fixtures.arrays['uint64 too large']?.file, ['uint64 18446744073709551615']],
    ['of complex numbers', fixtures.unsupported['complex']?.file, ['f.npy', 'type <c8', 'f4', 'astype']],
    ['of text', fixtures.unsupported['text']?.file, ['type <U2']],
    ['of bytes', fixtures.unsupported['bytes']?.file, ['type |S2']],
    ['of dates', fixtures.unsupported['date']?.file, ['type <M8[D]']],
    ['of structures', fixtures.unsupported['structured']?.file, ["type [('descr', '<i4'), ('shape', '<f4')]"]],
    ['of names in UTF-8', fixtures.unsupported['names beyond Latin-1']?.file, ["type [('名', '<i4')]"]],
  ])('names the file, what it expected and found, when it is %s', (_what, file, words) => {
    const bytes = typeof file === 'object' ? file : fromBase64(file ?? '');
    const message = showDecodeError(errorOf(decodeNpy(bytes, 'f.npy')));
    for (const word of words) expect(message).toContain(word);
    expect(() => readNpy(bytes, 'f.npy')).toThrow(DataFileError);
  });
});

describe('encodeNpy', () => {
  // Of the others, NumPy's file has another dtype or order of elements.
  const same = Object.entries(fixtures.arrays).filter(
    ([name, { dtype }]) => DTYPES[dtype] === undefined && !/big|fortran/.test(name),
  );
  test.each(same)('writes the bytes of NumPy: %s', (_name, { file }) => {
    const bytes = fromBase64(file);
    expect(encodeNpy(readNpy(bytes))).toEqual(bytes);
  });
});

describe('decodeNpz', () => {
  test.each(['savez', 'savezCompressed'] as const)('reads what np.%s wrote', (name) => {
    const members = readNpz(fromBase64(fixtures[name]));
    expect(Object.keys(members)).toEqual(['w', 'b', 'layer/0.n']);
    const expected = { w: 'float32', b: 'fortran', 'layer/0.n': 'int64' };
    for (const [key, array] of Object.entries(expected)) {
      expect(members[key]?.shape).toEqual(fixtures.arrays[array]?.shape);
      expect(members[key] && flat(members[key])).toEqual(fixtures.arrays[array]?.values.map(numberOf));
    }
  });

  test('some of the arrays, the others being of types that there are no arrays of', () => {
    const archive = zipSync({
      'good.npy': encodeNpy(np.arange(3)),
      'text.npy': Uint8Array.from([1, 2, 3]),
    });
    expect(decodeNpz(archive, 'mixed.npz')).toMatchObject({ _tag: 'Left' });
    const arrays = readNpz(archive, 'mixed.npz', { names: ['good'] });
    expect([Object.keys(arrays), arrays['good']?.js()]).toEqual([['good'], [0, 1, 2]]);
    expect(() => readNpz(archive, 'mixed.npz', { names: ['other'] })).toThrow(
      /mixed\.npz.*it holds no other\.npy, but good\.npy, text\.npy/,
    );
  });
  test('undoes encodeNpz', () => {
    const names = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(fc.dictionary(names, arrays, { maxKeys: 4 }), fc.boolean(), (record, compress) => {
        const back = readNpz(encodeNpz(record, { compress }));
        expect(Object.keys(back)).toEqual(Object.keys(record));
        for (const [name, x] of Object.entries(record)) {
          expect([back[name]?.dtype, back[name]?.shape]).toEqual([x.dtype, x.shape]);
          expect(back[name] && bitsOf(back[name])).toEqual(bitsOf(x));
        }
      }),
    );
    expect(readNpz(encodeNpz({}))).toEqual({});
  });

  test('equal arrays are equal bytes, and smaller ones if compressed', () => {
    const record = { a: np.zeros([100, 10]), b: np.arange(3) };
    expect(encodeNpz(record)).toEqual(encodeNpz(record));
    expect(encodeNpz(record, { compress: true }).length).toBeLessThan(1000);
    expect(() => encodeNpz({ '': np.zeros(1) })).toThrow(/empty name/);
  });

  const small = encodeNpz({ a: np.arange(3), b: np.array(true) });

  test('every proper prefix is an error, and so is every changed byte of an array', () => {
    for (let n = 0; n < small.length; n++) expect(decodeNpz(small.subarray(0, n))._tag).toBe('Left');
    // The elements of `a` end where `b` begins.
    for (const [at, byte] of encodeNpy(np.arange(3)).entries()) {
      const inFile = 30 + 'a.npy'.length + at;
      expect(small[inFile]).toBe(byte);
      const changed = small.map((old, i) => (i === inFile ? old ^ 1 : old));
      expect(errorOf(decodeNpz(changed, 'f.npz'))).toMatchObject({ _tag: 'BadArchive', file: 'f.npz' });
    }
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => ['Left', 'Right'].includes(decodeNpz(bytes)._tag)),
    );
    for (const compressed of [small, encodeNpz({ a: np.arange(30) }, { compress: true })]) {
      fc.assert(
        fc.property(fc.nat(compressed.length - 1), fc.nat(255), (at, byte) =>
          ['Left', 'Right'].includes(decodeNpz(compressed.map((old, i) => (i === at ? byte : old)))._tag),
        ),
        { numRuns: 1000 },
      );
    }
  });

  test.each<[what: string, file: Uint8Array, words: string[]]>([
    ['no archive', encodeNpy(np.array(1)), ['f.npz', 'not an .npz file', '0x50 0x4b', '0x93 0x4e']],
    ['cut short', small.subarray(0, 200), ['f.npz', 'not an archive of arrays', 'invalid zip data']],
    ['an archive of texts', zipSync({ 'a.txt': new Uint8Array(1) }), ['f.npz', 'a.txt', 'no .npy file']],
    ['an archive of others', zipSync({ 'a.npy': new Uint8Array(200) }), ['f.npz/a.npy', 'not an .npy file']],
  ])('names the file, what it expected and found, when it is %s', (_what, bytes, words) => {
    const message = showDecodeError(errorOf(decodeNpz(bytes, 'f.npz')));
    for (const word of words) expect(message).toContain(word);
    expect(() => readNpz(bytes, 'f.npz')).toThrow(DataFileError);
  });
});
