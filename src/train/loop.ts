/**
 * A training loop in pieces. A step is a pure function of a state and a batch; `trainWith` unfolds it over the batches
 * into an asynchronous stream of what happened, `tap` looks on, `take` ends it early, `run` pulls it to its end. Nothing
 * is computed before `run` asks for it, and each piece is a function from stream to stream, so that they compose:
 *
 *     await pipe(batches(data, options), trainWith(step, start), tap(progressBar()), earlyStopping({ patience: 2 }), run)
 */
import { checkCount } from '../core/counts.js';
import { ArgumentError } from '../core/errors.js';
import { userLine } from '../core/source.js';
import { breather } from './breathe.js';

/** A stream or a list. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

/** What a training step leaves behind. */
export interface Trained<S, M> {
  /** Number of steps done, from 1. */
  readonly step: number;
  /** Number of steps there will be, where the batches know it. */
  readonly steps?: number;
  /** Number of steps that an epoch has, where the batches know it. */
  readonly perEpoch?: number;
  /** Which epoch the step is in, from 1, where the batches know it. */
  readonly epoch?: number;
  /** Parameters, optimizer state, or whatever the step threads. If the step donates it, it is valid until the next one. */
  readonly state: S;
  /** What the step measured: the loss. */
  readonly metrics: M;
}

/** Options of {@link trainWith}. */
export interface TrainOptions {
  /** Number of steps that led to the state, of a run that goes on; 0 by default. */
  done?: number;
}

/** The length of batches that know it, such as those of `cotangent/data`. */
function lengthsOf(batches: object, done: number): { readonly steps?: number; readonly perEpoch?: number } {
  const { length, perEpoch } = batches as { readonly length?: unknown; readonly perEpoch?: unknown };
  if (typeof length !== 'number') return {};
  return { steps: done + length, ...(typeof perEpoch === 'number' ? { perEpoch } : {}) };
}

/**
 * Trains by a step: a pure function from a state and a batch to the next state and what it measured. Now and then it lets
 * timers, signals and finalizers of arrays run, which a loop that never waits would hold up.
 *
 * @throws ArgumentError if `done` is no whole number from 0.
 *
 * @example
 * ```ts
 * import { run, trainWith } from 'cotangent/train';
 *
 * const addUp = trainWith((sum: number, n: number) => [sum + n, n * n], 0);
 * const { step, state, metrics } = await run(addUp([1, 2, 3]));
 * [step, state, metrics]; // => [3, 6, 9]
 * ```
 */
export function trainWith<S, B, M>(
  step: (state: S, batch: B) => readonly [state: S, metrics: M],
  start: S,
  { done: before = 0 }: TrainOptions = {},
) {
  checkCount('trainWith', 'done', before, 0);
  return async function* (batches: AnyIterable<B>): AsyncGenerator<Trained<S, M>, void, void> {
    const lengths = lengthsOf(batches, before);
    const { perEpoch } = lengths;
    const breathe = breather();
    let state = start;
    let done = before;
    for await (const batch of batches) {
      const [next, metrics] = step(state, batch);
      state = next;
      done++;
      const epoch = perEpoch === undefined ? {} : { epoch: Math.ceil(done / perEpoch) };
      yield { step: done, ...lengths, ...epoch, state, metrics };
      await breathe();
    }
  };
}

/** A look at the elements of a stream. */
export interface Look<T> {
  (element: T): void | Promise<void>;
  /** Called when the stream ends, also by an error: what gives the terminal back, or closes a file. */
  readonly end?: () => void | Promise<void>;
}

/**
 * A look at steps of any state and metrics, such as a progress bar: it leaves their types as they are. It sees each step once: not the best one
 * again that {@link earlyStopping} ends with.
 */
export interface LookAtSteps extends Look<Trained<unknown, unknown>> {
  readonly anySteps: true;
}

/** Whether an element is the best step again, after the last. */
const isAgain = (element: unknown): boolean => typeof element === 'object' && element !== null && 'best' in element;

/**
 * Looks at each element as it passes, waiting if the look is asynchronous.
 *
 * @example
 * ```ts
 * import { run, tap } from 'cotangent/train';
 *
 * const seen: number[] = [];
 * await run(tap((n: number) => { seen.push(n); })([1, 2, 3]));
 * seen; // => [1, 2, 3]
 * ```
 */
export function tap(
  look: LookAtSteps,
): <E extends Trained<unknown, unknown>>(stream: AnyIterable<E>) => AsyncGenerator<E, void, void>;
export function tap<T>(look: Look<T>): (stream: AnyIterable<T>) => AsyncGenerator<T, void, void>;
export function tap<T>(look: Look<T>) {
  return async function* (stream: AnyIterable<T>): AsyncGenerator<T, void, void> {
    try {
      for await (const element of stream) {
        if (!('anySteps' in look && isAgain(element))) await look(element);
        yield element;
      }
    } finally {
      await look.end?.();
    }
  };
}

/**
 * The first `n` elements; the stream is asked for no more than these.
 *
 * @throws ArgumentError if `n` is no whole number from 0.
 *
 * @example
 * ```ts
 * import { run, take } from 'cotangent/train';
 *
 * (await run(take<number>(2)([5, 6, 7]))); // => 6
 * ```
 */
export function take<T>(n: number): (stream: AnyIterable<T>) => AsyncGenerator<T, void, void> {
  checkCount('take', 'n', n, 0);
  return async function* (stream) {
    if (n === 0) return;
    let left = n;
    for await (const element of stream) {
      yield element;
      if (--left === 0) return;
    }
  };
}

/**
 * Folds a stream to one value: `f(f(start, first), second)` and so on.
 *
 * @example
 * ```ts
 * import { fold } from 'cotangent/train';
 *
 * (await fold((longest: number, word: string) => Math.max(longest, word.length), 0)(['loss', 'gradient'])); // => 8
 * ```
 */
export const fold =
  <T, A>(f: (accumulated: A, element: T) => A, start: A) =>
  async (stream: AnyIterable<T>): Promise<A> => {
    let accumulated = start;
    for await (const element of stream) accumulated = f(accumulated, element);
    return accumulated;
  };

/**
 * Pulls a stream to its end and returns its last element.
 *
 * @throws ArgumentError if there was none.
 *
 * @example
 * ```ts
 * import { run } from 'cotangent/train';
 *
 * (await run(['first', 'last'])); // => "last"
 * ```
 */
export async function run<T>(stream: AnyIterable<T>): Promise<T> {
  const last = await fold<T, { value: T } | null>((_, value) => ({ value }), null)(stream);
  if (last === null) {
    throw new ArgumentError(
      'run: the stream is empty; there was no batch to train on. A run that goes on from a checkpoint and is complete has none left: ' +
        `its state is what resume returned.${userLine()}`,
    );
  }
  return last.value;
}
