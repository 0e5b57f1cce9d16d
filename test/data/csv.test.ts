/** Tables of text: the decoder undoes the encoder, reads what other programs write, and says where a table is none. */
import fc from 'fast-check';
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import {
  DataFileError,
  decodeCsv,
  encodeCsv,
  numericColumns,
  readCsv,
  readNumericColumns,
  showDecodeError,
} from 'cotangent/data';
import type { CsvFormat, CsvOptions, CsvTable } from 'cotangent/data';
import { errorOf } from './helpers.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

// Delimiters, quotes, line breaks and byte order marks are drawn far more often than among all characters.
const character = fc.oneof(
  fc.constantFrom(',', '\t', ';', '"', "'", '\n', '\r', '\r\n', ' ', '\uFEFF', 'a', 'é', '😀'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
);
const field = fc.array(character, { maxLength: 5 }).map((parts) => parts.join(''));
const plainField = fc.string({ unit: fc.constantFrom('a', '"', "'", ' ', ',', '0'), maxLength: 5 });
const tables = (fields: fc.Arbitrary<string>): fc.Arbitrary<Pick<CsvTable, 'columns' | 'rows'>> =>
  fc
    .uniqueArray(fields, { minLength: 1, maxLength: 4 })
    .chain((columns) =>
      fc
        .array(fc.array(fields, { minLength: columns.length, maxLength: columns.length }), { maxLength: 5 })
        .map((rows) => ({ columns, rows })),
    );
const formats: fc.Arbitrary<CsvFormat> = fc.record({
  delimiter: fc.constantFrom(',', '\t', ';', '::'),
  quote: fc.constantFrom('"', "'", '|'),
  header: fc.boolean(),
});

describe('decodeCsv', () => {
  test('undoes encodeCsv, whatever the fields', () => {
    fc.assert(
      fc.property(tables(field), formats, (table, format) => {
        const text = encodeCsv(table, format);
        for (const data of [text, utf8(text)]) {
          // What a table without rows and header has for columns, its text does not say.
          if (!format.header && table.rows.length === 0) continue;
          const columns = format.header ? {} : { columns: table.columns };
          expect(readCsv(data, { ...format, ...columns })).toMatchObject(table);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('undoes encodeCsv where quotes are text', () => {
    fc.assert(
      fc.property(tables(plainField), (table) => {
        const format = { delimiter: '\t', quote: false } as const;
        expect(readCsv(encodeCsv(table, format), format)).toMatchObject(table);
      }),
    );
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), formats, (bytes, format) =>
        ['Left', 'Right'].includes(decodeCsv(bytes, format)._tag),
      ),
    );
    fc.assert(
      fc.property(fc.array(character), formats, (parts, format) =>
        ['Left', 'Right'].includes(decodeCsv(parts.join(''), format)._tag),
      ),
    );
  });

  test('every prefix of a file is a table or an error', () => {
    const text = 'a,b\r\n"1,\r\n",é\r\n2,"""x"""\r\n';
    const bytes = utf8(text);
    for (let n = 0; n < bytes.length; n++) {
      expect(['Left', 'Right']).toContain(decodeCsv(bytes.subarray(0, n))._tag);
    }
    expect(readCsv(bytes).rows).toEqual([
      ['1,\r\n', 'é'],
      ['2', '"x"'],
    ]);
  });

  test.each([
    ['\n', 'a,b\n1,2\n3,4'],
    ['\r\n and a line break at the end', 'a,b\r\n1,2\r\n3,4\r\n'],
    ['\r', 'a,b\r1,2\r3,4\r'],
    ['blank lines at the end', 'a,b\n1,2\n3,4\n\n\n'],
    ['a byte order mark', '\uFEFFa,b\n1,2\n3,4'],
    ['quoted fields', '"a","b"\n"1","2"\n"3","4"\n'],
  ])('reads lines that end in %j', (_what, text) => {
    for (const quote of text.includes('"') ? ['"'] : ['"', false as const]) {
      for (const data of [text, utf8(text)]) {
        const rows = [
          ['1', '2'],
          ['3', '4'],
        ];
        expect(readCsv(data, { quote })).toEqual({
          file: 'CSV data',
          columns: ['a', 'b'],
          rows,
          firstRow: 2,
        });
      }
    }
  });

  test('a blank line is an empty field where there is one column', () => {
    expect(readCsv('a\n\n1\n\n').rows).toEqual([[''], ['1'], ['']]);
  });

  test('names columns by the header, by what the caller says, or by number', () => {
    expect(readCsv('a,b\n1,2', { columns: ['x', 'y'] })).toMatchObject({ columns: ['x', 'y'], rows: [['1', '2']] });
    expect(readCsv('1,2', { columns: ['x', 'y'], header: false })).toMatchObject({ columns: ['x', 'y'], firstRow: 1 });
    expect(readCsv('1,2', { header: false })).toMatchObject({ columns: ['0', '1'], rows: [['1', '2']] });
    expect(readCsv('a,b\n').rows).toEqual([]);
  });

  test.each<[what: string, data: string | Uint8Array, options: CsvOptions, words: string[]]>([
    ['empty', '', {}, ['f.csv', 'empty', 'a header']],
    ['blank', '\n\n', { header: false, columns: ['a', 'b'] }, ['f.csv', 'row 1 has 1 field', 'expected 2']],
    ['ragged', 'a,b\n1,2\n3\n', {}, ['f.csv', 'row 3', '1 field', 'expected 2', 'delimiter']],
    ['ragged below a quoted line break', 'a,b\n"\n",2\n3,4,5\n', {}, ['f.csv', 'row 3', '3 fields', 'expected 2']],
    ['of fewer columns than named', 'a,b\n', { columns: ['x'] }, ['f.csv', 'row 1', '2 fields', 'expected 1']],
    ['not UTF-8', new Uint8Array([97, 10, 98, 0xff, 10]), {}, ['f.csv', 'not UTF-8', 'byte 3', 'line 2']],
    ['cut in a character', utf8('a\né').subarray(0, 3), {}, ['f.csv', 'not UTF-8', 'byte 2', 'line 2']],
    ['of an open quote', 'a,b\n"1,2\n', {}, ['f.csv', 'row 2', 'unterminated', 'quote: false']],
    ['of text after a quote', 'a,b\n"1"x,2\n', {}, ['f.csv', 'row 2', 'malformed', 'quote: false']],
    ['of equal names', 'a,a\n1,2\n', {}, ['f.csv', '"a"', 'columns']],
    ['compressed', new Uint8Array(gzipSync('a,b')), {}, ['f.csv', 'gzip', 'gunzip']],
  ])('names the file, the place, what it expected and found, when it is %s', (_what, data, options, words) => {
    const message = showDecodeError(errorOf(decodeCsv(data, options, 'f.csv')));
    for (const word of words) expect(message).toContain(word);
    expect(() => readCsv(data, options, 'f.csv')).toThrow(DataFileError);
  });

  test('reads memory that threads share', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(3));
    shared.set(utf8('a\n1'));
    expect(readCsv(shared).rows).toEqual([['1']]);
  });

  test('reads rows whose quotes are text', () => {
    const text = 'Label\tSMS\nham\t"Ok lar...\nspam\t""Free"" entry "in\r\nham\tU said \'"\'\n';
    expect(readCsv(text, { delimiter: '\t', quote: false }).rows).toEqual([
      ['ham', '"Ok lar...'],
      ['spam', '""Free"" entry "in'],
      ['ham', "U said '\"'"],
    ]);
    // The same with quotes is no table.
    expect(decodeCsv(text, { delimiter: '\t' })._tag).toBe('Left');
  });

  // COTANGENT_SPAM: the file of the UCI data set 228, with a header.
  const spam = process.env['COTANGENT_SPAM'] ?? '';
  test.skipIf(!existsSync(spam))('reads every message of the SMS Spam Collection, whose quotes are text', () => {
    const { columns, rows } = readCsv(readFileSync(spam), { delimiter: '\t', quote: false }, spam);
    // As the collection's readme counts them: 5574 messages, 747 of them spam.
    expect(columns).toEqual(['Label', 'SMS']);
    expect(rows.length).toBe(5574);
    expect(rows.filter(([label]) => label === 'spam').length).toBe(747);
    expect(rows.filter(([label]) => label === 'ham').length).toBe(4827);
  });

  test('refuses delimiters and quotes that are none', () => {
    for (const delimiter of ['', '\n', '"', 'a\r']) {
      expect(() => decodeCsv('', { delimiter })).toThrow(/delimiter/);
      expect(() => encodeCsv({ columns: [], rows: [] }, { delimiter })).toThrow(/delimiter/);
    }
    for (const quote of ['', '""', '\n', ',']) expect(() => decodeCsv('', { quote })).toThrow(/quote/);
  });
});

describe('encodeCsv', () => {
  test('refuses ragged rows, and fields that need quotes where there are none', () => {
    expect(() => encodeCsv({ columns: ['a', 'b'], rows: [['1', '2'], ['3']] })).toThrow(/rows\[1\] has 1 fields.*2/);
    expect(() => encodeCsv({ columns: ['a'], rows: [['x\ty']] }, { delimiter: '\t', quote: false })).toThrow(/row 2/);
  });
});

describe('numericColumns', () => {
  const table = readCsv('name,x,y\na,1, -2.5e-1 \nb,.5,inf\nc,?,+3.\n', {}, 'n.csv');

  test('makes an array of the columns asked for', () => {
    const numbers = readNumericColumns(table, ['y', 'x'], { missing: ['?', 'NA'] });
    expect([numbers.dtype, numbers.js()]).toEqual([
      'float32',
      [
        [-0.25, 1],
        [Infinity, 0.5],
        [3, NaN],
      ],
    ]);
    expect(readNumericColumns(readCsv('x\n0.1'), ['x'], { dtype: 'float64' }).js()).toEqual([[0.1]]);
    expect(readNumericColumns(readCsv('x,y\n')).shape).toEqual([0, 2]);
  });

  test('takes every number that JavaScript prints', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const read = readNumericColumns(readCsv(`x\n${String(x)}\n`), ['x'], { dtype: 'float64' });
        // JavaScript prints -0 as 0.
        expect(read.js()).toEqual([[x + 0]]);
      }),
    );
  });

  test.each([
    [['x', 'y'], {}, ['n.csv', 'row 4', '"x"', 'number', '"?"', 'missing']],
    [['name'], {}, ['n.csv', 'row 2', '"name"', '"a"']],
    [['z'], {}, ['n.csv', '"z"', '"name", "x", "y"']],
    [undefined, {}, ['row 2', '"name"']],
  ] as const)('names the row and column of what is no number: %j', (names, options, words) => {
    const message = showDecodeError(errorOf(numericColumns(table, names, options)));
    for (const word of words) expect(message).toContain(word);
    expect(() => readNumericColumns(table, names, options)).toThrow(DataFileError);
  });

  test.each(['', '1,5', '0x10', '1e', 'e1', '.', '--1', 'nan', '1 2', 'Infinit'])('%j is no number', (text) => {
    expect(errorOf(numericColumns(readCsv(`x;y\n0;${text}\n`, { delimiter: ';' })))).toMatchObject({
      _tag: 'NotANumber',
      row: 2,
      column: 'y',
      found: text,
    });
  });
});
