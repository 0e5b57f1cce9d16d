/**
 * A training loop in pieces. A step is a pure function of a state and a batch; `trainWith` unfolds it over the batches
 * into an asynchronous stream of what happened, `tap` looks on, `take` ends it early, `run` pulls it to its end. Nothing
 * is computed before `run` asks for it, and each piece is a function from stream to stream, so that they compose:
 *
 *     await pipe(batches(data, options), trainWith(step, start), tap(show), run)
 */
import { ArgumentError } from '../core/errors.js';

/** A stream or a list. */
export type AnyIterable<T> = Iterable<T> | AsyncIterable<T>;

/** What a training step leaves behind. */
export interface Trained<S, M> {
  /** Number of steps done, from 1. */
  readonly step: number;
  /** Parameters, optimizer state, or whatever the step threads. If the step donates it, it is valid until the next one. */
  readonly state: S;
  /** What the step measured: the loss. */
  readonly metrics: M;
}

/**
 * Trains by a step: a pure function from a state and a batch to the next state and what it measured.
 *
 * @example
 * ```ts
 * import { run, trainWith } from 'cotangent/train';
 *
 * const addUp = trainWith((sum: number, n: number) => [sum + n, n * n], 0);
 * (await run(addUp([1, 2, 3]))); // => {"step": 3, "state": 6, "metrics": 9}
 * ```
 */
export const trainWith = <S, B, M>(step: (state: S, batch: B) => readonly [state: S, metrics: M], start: S) =>
  async function* (batches: AnyIterable<B>): AsyncGenerator<Trained<S, M>, void, void> {
    let state = start;
    let done = 0;
    for await (const batch of batches) {
      const [next, metrics] = step(state, batch);
      state = next;
      done++;
      yield { step: done, state, metrics };
    }
  };

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
export const tap = <T>(look: (element: T) => void | Promise<void>) =>
  async function* (stream: AnyIterable<T>): AsyncGenerator<T, void, void> {
    for await (const element of stream) {
      await look(element);
      yield element;
    }
  };

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
  if (!Number.isInteger(n) || n < 0) throw new ArgumentError(`take: n must be a whole number from 0, got ${n}.`);
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
  if (last === null) throw new ArgumentError('run: the stream is empty; there was no batch to train on.');
  return last.value;
}
