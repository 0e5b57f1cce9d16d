/** A table of the run on the disk, as training goes: what a crash leaves is what was measured until then. In Node. */
import { decodeCsv, encodeCsv } from '../data/csv.js';
import { orThrow } from '../data/data-file-error.js';
import { appendBytes, readBytes, writeBytes } from '../data/files.js';
import { columnsOf, fieldsOf, rowOf } from './history.js';
import type { LookAtSteps, Trained } from './loop.js';
import type { HistoryRow } from './measures.js';
import { checkEvery, isDue } from './validate.js';

/** Options of {@link csvLogger}. */
export interface CsvLoggerOptions {
  /** Number of steps from one row to the next; an epoch by default, where the batches know it. */
  every?: number;
}

const NEWLINE = '\n'.charCodeAt(0);

/** The rows of a file that are of steps before `step`; none if there is no file. */
async function rowsBefore(path: string, step: number): Promise<HistoryRow[]> {
  const found = await readBytes(path)();
  if (found._tag === 'Left' && found.left._tag === 'Unreadable' && found.left.code === 'ENOENT') return [];
  const bytes = orThrow(found);
  // A crash may have left a part of a line, which is no row.
  const { columns, rows } = orThrow(decodeCsv(bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1), {}, path));
  const numbers = rows.map((row): HistoryRow =>
    Object.fromEntries(columns.flatMap((name, i) => (row[i] === '' ? [] : [[name, Number(row[i])]]))),
  );
  return numbers.filter((row) => (row.step ?? Infinity) < step);
}

/**
 * Writes a row to a CSV file at the end of each epoch, or of every so many steps: step, epoch, metrics, and those of the validation with `val_`
 * before their names, if {@link validateWith} comes before. It is Keras's `CSVLogger`. Each row is in the file before the next step begins. A file
 * that is there is replaced; a run that goes on from a checkpoint goes on with its rows, less those of steps that are done again.
 *
 * @throws DataFileError (when the stream runs) if the file cannot be written, or that of a run that goes on cannot be read; ArgumentError for an
 *   `every` that is no whole number.
 *
 * @example
 * ```ts no-run
 * import { csvLogger, run, tap, trainWith } from 'cotangent/train';
 *
 * const steps = trainWith((n: number, loss: number) => [n + 1, loss], 0)([0.5, 0.25]);
 * await run(tap(csvLogger('run.csv', { every: 1 }))(steps)); // run.csv: step,loss 1,0.5 2,0.25
 * ```
 */
export function csvLogger(path: string, { every }: CsvLoggerOptions = {}): LookAtSteps {
  checkEvery('csvLogger', every);
  const text = new TextEncoder();
  let rows: HistoryRow[] | undefined;
  let columns: readonly string[] = [];
  const look = async (element: Trained<unknown, unknown>): Promise<void> => {
    // Only a run that goes on begins with another step than the first.
    rows ??= element.step === 1 ? [] : await rowsBefore(path, element.step);
    if (!isDue(element, every, 'csvLogger')) return;
    const row = await rowOf(element);
    rows.push(row);
    if (Object.keys(row).every((name) => columns.includes(name))) {
      const line = encodeCsv({ columns, rows: [fieldsOf(row, columns)] }, { header: false });
      orThrow(await appendBytes(path, text.encode(line))());
      return;
    }
    columns = columnsOf(rows);
    const table = { columns, rows: rows.map((each) => fieldsOf(each, columns)) };
    orThrow(await writeBytes(path, text.encode(encodeCsv(table)))());
  };
  return Object.assign(look, { anySteps: true as const });
}
