/** Metrics as numbers: what steps and evaluations return may be an array, a number, or a record of them. */
import { ArgumentError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';

/** A row of named numbers; a name may be absent from a row. */
export type HistoryRow = Readonly<Record<string, number>>;

/** A number, a scalar array, or a record of these. */
export type Metrics = number | NDArray | { readonly [name: string]: number | NDArray };

const isRecord = (x: unknown): x is Readonly<Record<string, unknown>> =>
  typeof x === 'object' && x !== null && !(x instanceof NDArray) && !Array.isArray(x);

/** What was read already: several may look at one step, and reading a GPU's memory waits for it. */
const known = new WeakMap<NDArray, Promise<number>>();

function elementOf(x: NDArray): Promise<number> {
  const element = known.get(x) ?? x.data().then((data) => Number(data[0]));
  known.set(x, element);
  return element;
}

/** A value as a number; read without blocking the event loop. */
async function read(name: string, value: unknown): Promise<number> {
  if (typeof value === 'number') return value;
  if (value instanceof NDArray && value.size === 1) return elementOf(value);
  const got = value instanceof NDArray ? `an array of shape [${value.shape.join(', ')}]` : `a ${typeof value}`;
  throw new ArgumentError(
    `train: the metric ${name} must be a number or a scalar array, got ${got}; take its mean.${userLine()}`,
  );
}

/** Metrics by name; a number alone is the loss. */
export async function readMetrics(metrics: unknown): Promise<HistoryRow> {
  if (!isRecord(metrics)) return { loss: await read('loss', metrics) };
  const entries = Object.entries(metrics).map(async ([name, value]) => [name, await read(name, value)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** One of the metrics; throws ArgumentError, naming those there are. */
export async function readMetric(metrics: unknown, name: string): Promise<number> {
  const row = await readMetrics(metrics);
  // A number alone goes by any name.
  const value = isRecord(metrics) ? row[name] : row.loss;
  if (value !== undefined) return value;
  throw new ArgumentError(
    `train: there is no metric '${name}'; there are ${Object.keys(row).join(', ') || 'none'}.${userLine()}`,
  );
}
