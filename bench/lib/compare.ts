/** Runs one row: every contender set up, their results compared, then rounds in turn. */
import type { Contender, Endpoint, Sample } from './protocol.js';
import { contenderName } from './protocol.js';
import type { Row } from './row.js';

export interface Measurement extends Contender {
  readonly name: string;
  /** Milliseconds a step: median, least and most of the rounds. */
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly rounds: number;
  readonly stepsPerRound: number;
  /** Milliseconds of the first step in a fresh process. */
  readonly first: number;
  readonly version: string;
}

export interface Failure extends Contender {
  readonly name: string;
  readonly error: string;
}

export interface Effort {
  /** Milliseconds of warming up, and the least of one round. */
  readonly warmMs: number;
  readonly roundMs: number;
  readonly rounds: number;
  /** Rounds of a contender that is slow end when it has used this much. */
  readonly budgetMs: number;
}

export const median = (xs: readonly number[]): number => {
  const sorted = [...xs].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
};

/** The largest difference of two lists of results relative to the largest value; throws when they do not match in shape. */
export function difference(ours: readonly Sample[], theirs: readonly Sample[]): number {
  if (ours.length !== theirs.length)
    throw new Error(`${String(theirs.length)} results instead of ${String(ours.length)}`);
  let worst = 0;
  ours.forEach(({ length, values }, i) => {
    const other = theirs[i];
    if (other?.length !== length)
      throw new Error(`result ${String(i)} has ${String(other?.length)} elements, not ${String(length)}`);
    const scale = values.reduce((max, v) => Math.max(max, Math.abs(v)), 1e-30);
    values.forEach((v, k) => {
      const relative = Math.abs(v - (other.values[k] ?? NaN)) / scale;
      if (!(relative <= worst)) worst = relative;
    });
  });
  return worst;
}

interface Live {
  readonly contender: Contender;
  readonly endpoint: Endpoint;
  readonly first: number;
  readonly version: string;
  steps: number;
  rounds: number;
  readonly times: number[];
}

const message = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

/** A step that has not come back after so long counts as failed. */
const TIMEOUT_MS = 90_000;
const within = <T>(work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${String(TIMEOUT_MS / 1e3)} s`)), TIMEOUT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

/** The reference that results are compared with is the first contender, which is ours. */
export async function compareRow(
  row: Row,
  contenders: readonly Contender[],
  start: (contender: Contender) => Promise<Endpoint>,
  effort: Effort,
): Promise<{ readonly measured: readonly Measurement[]; readonly failed: readonly Failure[] }> {
  const live: Live[] = [];
  const failed: Failure[] = [];
  let reference: readonly Sample[] | undefined;
  const fail = (contender: Contender, error: unknown): void => {
    failed.push({ ...contender, name: contenderName(contender), error: message(error) });
  };

  for (const contender of contenders) {
    let endpoint: Endpoint | undefined;
    try {
      endpoint = await start(contender);
      const { first, results, version } = await within(endpoint.setUp({ ...contender, row: row.name }));
      reference ??= results;
      const worst = difference(reference, results);
      if (!(worst <= row.tolerance))
        throw new Error(`its results differ by ${worst.toExponential(1)} of the largest value`);
      const { msPerStep } =
        first > effort.budgetMs / 2 ? { msPerStep: first } : await within(endpoint.warm(effort.warmMs));
      const steps = Math.max(1, Math.ceil(effort.roundMs / Math.max(msPerStep, 1e-6)));
      const rounds = Math.max(2, Math.min(effort.rounds, Math.floor(effort.budgetMs / (steps * msPerStep))));
      live.push({ contender, endpoint, first, version, steps, rounds, times: [] });
    } catch (error) {
      fail(contender, error);
      await endpoint?.close();
    }
  }

  for (let round = 0; round < effort.rounds; round++) {
    // The order turns, so that no library always runs after the same other.
    for (let i = 0; i < live.length; i++) {
      const it = live[(i + round) % live.length];
      if (it === undefined || round >= it.rounds) continue;
      try {
        it.times.push(await within(it.endpoint.round(it.steps)));
      } catch (error) {
        fail(it.contender, error);
        it.rounds = 0;
        it.times.length = 0;
      }
    }
  }
  for (const { endpoint } of live) await endpoint.close();
  const measured = live
    .filter(({ times }) => times.length > 0)
    .map(({ contender, times, steps, first, version }) => ({
      ...contender,
      name: contenderName(contender),
      median: median(times),
      least: Math.min(...times),
      most: Math.max(...times),
      rounds: times.length,
      stepsPerRound: steps,
      first,
      version,
    }));
  return { measured, failed };
}
