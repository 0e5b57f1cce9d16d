/** What a loop measured, kept: rows of numbers, and their CSV. */

/** A row of named numbers; a name may be absent from a row. */
export type HistoryRow = Readonly<Record<string, number>>;

/** A growing table. */
export interface History<R extends HistoryRow> {
  readonly rows: readonly R[];
  /** Adds a row. */
  readonly record: (row: R) => void;
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
