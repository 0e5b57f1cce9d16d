/** Arrays of the numbers in a table of text. */
import { left, right } from 'fp-ts/lib/Either.js';
import type { NDArray } from '../core/ndarray.js';
import { array } from '../numpy/index.js';
import type { CsvTable } from './csv.js';
import { orThrow } from './data-file-error.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';

/** Options of {@link numericColumns}. */
export interface NumericColumnsOptions {
  /** Fields that stand for a missing number and become NaN, as `['', 'NA', '?']`; none by default. */
  missing?: readonly string[];
  /** float32 by default. */
  dtype?: 'float32' | 'float64';
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)inf(inity)?$/i;

function numberOf(field: string): number | undefined {
  const text = field.trim();
  if (NUMBER.test(text)) return Number(text);
  const [, sign] = INFINITE.exec(text) ?? [];
  return sign === undefined ? undefined : sign === '-' ? -Infinity : Infinity;
}

/**
 * Columns of a table as an array of shape `[rows, names.length]`, in the order of `names`: all columns if there are none. Numbers are
 * decimal, with blanks around them or not, or `inf`.
 *
 * @returns `Left` of `MissingColumn`, or of `NotANumber` with the row and column of a field that is no number and not in `missing`.
 *
 * @example
 * ```ts
 * import { numericColumns, readCsv } from 'cotangent/data';
 *
 * const table = readCsv('kind,width,height\na,1,2.5\nb,3,?');
 * const size = numericColumns(table, ['height', 'width'], { missing: ['?'] });
 * size._tag === 'Right' && size.right.js(); // => [[2.5, 1], [NaN, 3]]
 * ```
 */
export function numericColumns(
  table: CsvTable,
  names: readonly string[] = table.columns,
  options: NumericColumnsOptions = {},
): Either<DecodeError, NDArray> {
  const { file, columns, rows, firstRow } = table;
  const { missing = [], dtype = 'float32' } = options;
  const absent = names.find((name) => !columns.includes(name));
  if (absent !== undefined) return left({ _tag: 'MissingColumn', file, column: absent, columns });

  const isMissing = new Set(missing);
  const length = rows.length * names.length;
  const values = dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  for (const [n, name] of names.entries()) {
    const at = columns.indexOf(name);
    for (const [r, row] of rows.entries()) {
      const field = row[at] ?? '';
      const value = isMissing.has(field.trim()) ? NaN : numberOf(field);
      if (value === undefined) return left({ _tag: 'NotANumber', file, row: firstRow + r, column: name, found: field });
      values[r * names.length + n] = value;
    }
  }
  return right(array(values, { shape: [rows.length, names.length] }));
}

/**
 * {@link numericColumns} that throws.
 *
 * @throws DataFileError as {@link numericColumns} says.
 *
 * @example
 * ```ts
 * import { readCsv, readNumericColumns } from 'cotangent/data';
 *
 * readNumericColumns(readCsv('x,y\n1,2\n3,4')); // => [[1, 2], [3, 4]]
 * ```
 */
export const readNumericColumns = (
  table: CsvTable,
  names?: readonly string[],
  options?: NumericColumnsOptions,
): NDArray => orThrow(numericColumns(table, names, options));
