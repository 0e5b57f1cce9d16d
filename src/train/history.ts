/** What a loop measured, kept: rows of numbers, and their CSV. */
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

/** The rows as CSV (RFC 4180, but lines end in `\n`): a column for each name, in order of appearance; empty where absent. */
export function toCsv(rows: readonly HistoryRow[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const quote = (name: string): string => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
  const lines = rows.map((row) => names.map((name) => row[name] ?? '').join(','));
  return [names.map(quote).join(','), ...lines].map((line) => `${line}\n`).join('');
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
    const { step, epoch } = element;
    const validation = 'validation' in element ? await readMetrics(element.validation) : {};
    record({
      step,
      ...(epoch === undefined ? {} : { epoch }),
      ...(await readMetrics(element.metrics)),
      ...Object.fromEntries(Object.entries(validation).map(([name, value]) => [`val_${name}`, value])),
    });
  };
  return { rows, watch: Object.assign(watch, { anySteps: true as const }) };
}
