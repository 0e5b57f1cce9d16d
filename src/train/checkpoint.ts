/** Checkpoints of a training loop, and going on from them with the same bits as if it had never stopped. In Node. */
import { DataFileError, loadCheckpoint, saveCheckpoint } from '../data/index.js';
import { isBetter, measure, type Monitor } from './early-stopping.js';
import type { AnyIterable, Trained } from './loop.js';
import { checkEvery, isDue } from './validate.js';

/** Options of {@link checkpoint}. */
export interface CheckpointFileOptions extends Monitor {
  /** The `last` state (the default), or the `best` by the measure that is watched. */
  keep?: 'last' | 'best';
  /** Number of steps from one writing of the last state to the next; an epoch by default. */
  every?: number;
}

/** What a checkpoint holds. */
export interface Resumed<S> {
  readonly step: number;
  readonly state: S;
}

/**
 * Writes the state, and the number of its step, to a safetensors file: of the last step of each epoch, or of every so many, and of the last
 * step of all, also where the stream is ended early ({@link untilInterrupted}, `take`, early stopping). With `keep: 'best'`, whenever
 * the watched measure is better than ever before. The file is replaced in one step, so that there is a whole one at any time. A state that
 * led to an error is not written: put {@link checkFinite} before.
 *
 * @param path - ending in `.safetensors`, by convention
 * @throws DataFileError if the file cannot be written; ArgumentError for a metric that does not exist, and an `every` that is no whole number.
 *
 * @example
 * ```ts no-run
 * import { numpy as np, optimizers } from 'cotangent';
 * import { batches } from 'cotangent/data';
 * import { checkpoint, minimize, resume, run, trainWith } from 'cotangent/train';
 *
 * const { start, step } = minimize((w: np.Array, x: np.Array) => w.sub(x).square().mean(), optimizers.adam(0.1));
 * const data = batches(np.arange(100), { size: 10, epochs: 5 });
 *
 * // Run again after it was stopped, this goes on where it was.
 * const from = await resume('run.safetensors', start({ params: np.zeros([1]) }));
 * const steps = trainWith(step, from.state, { done: from.step })(data.from(from.step));
 * await run(checkpoint('run.safetensors')(steps));
 * ```
 */
export function checkpoint(path: string, options: CheckpointFileOptions = {}) {
  const { keep = 'last', every } = options;
  checkEvery('checkpoint', every);
  const save = ({ step, state }: Trained<unknown, unknown>): Promise<void> => saveCheckpoint(path, { step, state });
  return async function* <E extends Trained<unknown, unknown>>(stream: AnyIterable<E>): AsyncGenerator<E, void, void> {
    let unsaved: E | undefined;
    let best: number | undefined;
    let failed = false;
    try {
      for await (const element of stream) {
        if (keep === 'best') {
          const value = await measure(element, options);
          if (value !== undefined && isBetter(value, best, options)) {
            best = value;
            await save(element);
          }
        } else {
          unsaved = element;
          if (isDue(element, every, 'checkpoint')) {
            await save(element);
            unsaved = undefined;
          }
        }
        yield element;
      }
    } catch (error) {
      // The step that failed may have taken the memory of the state before it.
      failed = true;
      throw error;
    } finally {
      if (unsaved !== undefined && !failed) await save(unsaved);
    }
  };
}

/**
 * The state that {@link checkpoint} wrote, and the number of steps that led to it; `start` and 0 if there is no file yet. Together with
 * `batches(...).from(step)` and `trainWith(step, state, { done: step })` training goes on with the same bits as if it had never stopped: the state of
 * {@link minimize} holds the key too.
 *
 * @param start - the state that training begins with, which says the structure, shapes and dtypes
 * @throws DataFileError if the file cannot be read or holds another tree, naming each leaf that does not fit.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { resume } from 'cotangent/train';
 *
 * (await resume('no/such/file.safetensors', { w: np.ones([2]) })).step; // => 0
 * ```
 */
export async function resume<S>(path: string, start: S): Promise<Resumed<S>> {
  const begin: Resumed<S> = { step: 0, state: start };
  try {
    // A checkpoint has the structure, shapes and dtypes of `begin`, which is checked.
    return (await loadCheckpoint(path, begin)) as Resumed<S>;
  } catch (error) {
    if (error instanceof DataFileError && error.error._tag === 'Unreadable' && error.error.code === 'ENOENT')
      return begin;
    throw error;
  }
}
