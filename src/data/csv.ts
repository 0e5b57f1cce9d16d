/**
 * Tables of text: comma-separated values (RFC 4180), and the same with tabs or other delimiters. Papa Parse takes the fields apart
 * and puts them together; what a table must be is checked here.
 */
import { left, right } from 'fp-ts/lib/Either.js';
import Papa from 'papaparse';
import { ArgumentError } from '../core/errors.js';
import { userLine } from '../core/source.js';
import { orThrow } from './data-file-error.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';
import { isGzip } from './gzip.js';
import { decodeUtf8 } from './utf8.js';

/** How fields are told apart. */
export interface CsvFormat {
  /** Between fields; `','` by default. */
  delimiter?: string;
  /** Around fields that hold delimiters, line breaks or quotes; `'"'` by default. `false` if quotes are text. */
  quote?: string | false;
  /** Whether the first row has the names of the columns; true by default. */
  header?: boolean;
}

/** Options of {@link decodeCsv}. */
export interface CsvOptions extends CsvFormat {
  /** Names of the columns, in place of the header's; without either they are `'0'`, `'1'`, … */
  columns?: readonly string[];
}

/** A table of text. */
export interface CsvTable {
  /** What errors call the file. */
  readonly file: string;
  readonly columns: readonly string[];
  /** One field for each column. */
  readonly rows: readonly (readonly string[])[];
  /** The number of `rows[0]` in the file, from 1: 2 below a header. */
  readonly firstRow: number;
}

/**
 * Decodes a table of text. Fields stay text: {@link numericColumns} makes numbers of them. Lines may end in any of the usual ways;
 * blank lines at the end are left out.
 *
 * @param data - text, or bytes in UTF-8, not compressed (see {@link gunzip})
 * @param file - what errors call it
 * @returns `Right` of the table, or `Left` of what is wrong: `EmptyFile`, `BadUtf8`, `Compressed`, `BadQuotes`, `RaggedRow` (a row with
 *   more or fewer fields than there are columns), `DuplicateColumn`.
 * @throws ArgumentError if the delimiter or the quote is not one.
 *
 * @example
 * ```ts
 * import { decodeCsv } from 'cotangent/data';
 *
 * const spam = decodeCsv('Label\tText\nham\tHe said "ok', { delimiter: '\t', quote: false });
 * spam._tag === 'Right' && spam.right.rows; // => [['ham', 'He said "ok']]
 * decodeCsv('a,b\n1,2,3', {}, 'short.csv')._tag; // => "Left"
 * ```
 */
export function decodeCsv(
  data: string | Uint8Array,
  options: CsvOptions = {},
  file = 'CSV data',
): Either<DecodeError, CsvTable> {
  const { delimiter, quote, header } = checked('decodeCsv', options);
  if (typeof data !== 'string' && isGzip(data)) return left({ _tag: 'Compressed', file, format: 'gzip' });
  const text = typeof data === 'string' ? right(data) : decodeUtf8(data, file);
  if (text._tag === 'Left') return text;

  const { data: records, errors } =
    quote === false
      ? // Without quotes, every line break ends a row.
        Papa.parse<string[]>(text.right.replace(/\r\n?/g, '\n'), { delimiter, newline: '\n', fastMode: true })
      : Papa.parse<string[]>(text.right, { delimiter, quoteChar: quote });
  const [error] = errors;
  if (error !== undefined) return left({ _tag: 'BadQuotes', file, row: (error.row ?? 0) + 1, reason: error.message });

  dropBlankEnd(records);
  const names = header ? records[0] : undefined;
  const columns = options.columns ?? names ?? records[0]?.map((_, i) => String(i));
  if (columns === undefined || (header && names === undefined)) {
    return left({ _tag: 'EmptyFile', file, expected: header ? 'a header and rows' : 'rows' });
  }
  const ragged = records.findIndex((record) => record.length !== columns.length);
  if (ragged >= 0) {
    const foundColumns = records[ragged]?.length ?? 0;
    return left({ _tag: 'RaggedRow', file, row: ragged + 1, expectedColumns: columns.length, foundColumns });
  }
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) return left({ _tag: 'DuplicateColumn', file, column: twice });
  return right({ file, columns, rows: header ? records.slice(1) : records, firstRow: header ? 2 : 1 });
}

/**
 * {@link decodeCsv} that throws.
 *
 * @throws DataFileError whose message has the file, the row, what was expected and found, and what to do.
 *
 * @example
 * ```ts
 * import { readCsv } from 'cotangent/data';
 *
 * readCsv('name,age\n"Lovelace, Ada",36\n').rows; // => [["Lovelace, Ada", "36"]]
 * ```
 */
export const readCsv = (data: string | Uint8Array, options?: CsvOptions, file?: string): CsvTable =>
  orThrow(decodeCsv(data, options, file));

/**
 * The text of a table: a header unless `header` is false, then the rows, each on a line. Fields are quoted where they must be, so that
 * {@link decodeCsv} with the same options gives the table again.
 *
 * @throws ArgumentError if rows have not one field for each column, or a field needs quotes and `quote` is false.
 *
 * @example
 * ```ts
 * import { encodeCsv } from 'cotangent/data';
 *
 * encodeCsv({ columns: ['id', 'name'], rows: [['1', 'Ada, Countess']] }); // => 'id,name\n1,"Ada, Countess"\n'
 * ```
 */
export function encodeCsv(table: Pick<CsvTable, 'columns' | 'rows'>, options: CsvFormat = {}): string {
  const { delimiter, quote, header } = checked('encodeCsv', options);
  const { columns, rows } = table;
  const ragged = rows.findIndex((row) => row.length !== columns.length);
  if (ragged >= 0) {
    throw new ArgumentError(
      `encodeCsv: rows[${ragged}] has ${rows[ragged]?.length ?? 0} fields, but there are ${columns.length} columns.${userLine()}`,
    );
  }
  const records = [...(header ? [columns] : []), ...rows].map((row) => [...row]);
  if (quote !== false) return `${Papa.unparse(records, { delimiter, quoteChar: quote, newline: '\n' })}\n`;

  for (const [i, record] of records.entries()) {
    const field = record.find((each) => each.includes(delimiter) || /[\r\n]/.test(each));
    if (field === undefined) continue;
    throw new ArgumentError(
      `encodeCsv: row ${i + 1} has the field ${JSON.stringify(field)}, which holds the delimiter or a line break and would need quotes. ` +
        `Take another delimiter, or leave quote out.${userLine()}`,
    );
  }
  return `${records.map((record) => record.join(delimiter)).join('\n')}\n`;
}

/** Options with their defaults. */
function checked(op: string, options: CsvFormat): Required<CsvFormat> {
  const { delimiter = ',', quote = '"', header = true } = options;
  // Papa Parse would take its defaults in their place.
  if (delimiter === '' || /[\r\n"\uFEFF]/.test(delimiter)) {
    throw new ArgumentError(
      `${op}: the delimiter ${JSON.stringify(delimiter)} must be some text without quotes and line breaks, as ',' or '\\t'.${userLine()}`,
    );
  }
  if (quote !== false && (quote.length !== 1 || /[\r\n]/.test(quote) || delimiter.includes(quote))) {
    throw new ArgumentError(
      `${op}: the quote ${JSON.stringify(quote)} must be one character that the delimiter does not have, as '"', or false.${userLine()}`,
    );
  }
  return { delimiter, quote, header };
}

/**
 * What the last line break is followed by is no row, and with several columns no blank line at the end is one. In a table of one column,
 * a blank line is an empty field.
 */
function dropBlankEnd(records: string[][]): void {
  const isBlank = (record: string[] | undefined): boolean => record?.length === 1 && record[0] === '';
  if (isBlank(records.at(-1))) records.pop();
  if ((records[0]?.length ?? 0) < 2) return;
  while (isBlank(records.at(-1))) records.pop();
}
