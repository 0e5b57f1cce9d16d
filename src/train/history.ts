/** What a loop measured, kept: rows of numbers, and their CSV. */
import { encodeCsv } from '../data/csv.js';
import type { LookAtSteps, Trained } from './loop.js';
import { readMetrics, type HistoryRow } from './measures.js';

export type { HistoryRow } from './measures.js';

/** A growing table. */
export interface History<R extends HistoryRow> {
  readonly rows: readonly R[];
  /** Adds a row. */
  readonly record: (row: R) => void;
}

/** A growing table of the steps of a training loop. */
export interface StepHistory {
  readonly rows: readonly HistoryRow[];
  /** Adds a row of a step, for {@link tap}: step, epoch, its metrics by name (one alone is `loss`), those of the validation with `val_` before. */
  readonly watch: LookAtSteps;
}

/**
 * An empty table, to be filled by a {@link tap}.
 *
 * @example
 * ```ts
 * import { history, run, tap, toCsv } from 'cotangent/train';
 *
 * const losses = history<{ step: number; loss: number }>();
 * await run(tap(losses.record)([{ step: 1, loss: 0.5 }, { step: 2, loss: 0.25 }]));
 * toCsv(losses.rows); // => "step,loss\n1,0.5\n2,0.25\n"
 * ```
 */
export function history<R extends HistoryRow>(): History<R> {
  const rows: R[] = [];
  return {
    rows,
    record: (row) => {
      rows.push(row);
    },
  };
}

/** Every name that a row has, in order of appearance. */
export const columnsOf = (rows: readonly HistoryRow[]): string[] => [
  ...new Set(rows.flatMap((row) => Object.keys(row))),
];

/** A row as the text of these columns: empty where it has none. */
export const fieldsOf = (row: HistoryRow, columns: readonly string[]): string[] =>
  columns.map((name) => String(row[name] ?? ''));

/**
 * The rows as CSV (RFC 4180, but lines end in `\n`): a column for each name, in order of appearance; empty where absent.
 *
 * @example
 * ```ts
 * import { toCsv } from 'cotangent/train';
 *
 * toCsv([{ step: 1, loss: 0.5 }, { step: 2, loss: 0.25, val_loss: 0.5 }]); // => "step,loss,val_loss\n1,0.5,\n2,0.25,0.5\n"
 * ```
 */
export function toCsv(rows: readonly HistoryRow[]): string {
  const columns = columnsOf(rows);
  return encodeCsv({ columns, rows: rows.map((row) => fieldsOf(row, columns)) });
}

/** The row of a step: its number and epoch, its metrics, those of a validation with `val_` before their names. */
export async function rowOf({
  step,
  epoch,
  metrics,
  validation,
}: Trained<unknown, unknown> & { readonly validation?: unknown }): Promise<HistoryRow> {
  const validated = validation === undefined ? {} : await readMetrics(validation);
  return {
    step,
    ...(epoch === undefined ? {} : { epoch }),
    ...(await readMetrics(metrics)),
    ...Object.fromEntries(Object.entries(validated).map(([name, value]) => [`val_${name}`, value])),
  };
}

/**
 * An empty table that watches a training loop, in Keras's words.
 *
 * @example
 * ```ts
 * import { run, stepHistory, tap, toCsv, trainWith } from 'cotangent/train';
 *
 * const log = stepHistory();
 * await run(tap(log.watch)(trainWith((n: number, loss: number) => [n, { loss }], 0)([0.5, 0.25])));
 * toCsv(log.rows); // => "step,loss\n1,0.5\n2,0.25\n"
 * ```
 */
export function stepHistory(): StepHistory {
  const { rows, record } = history();
  const watch = async (element: Trained<unknown, unknown>): Promise<void> => {
    record(await rowOf(element));
  };
  return { rows, watch: Object.assign(watch, { anySteps: true as const }) };
}
