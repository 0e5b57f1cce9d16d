/** Ctrl-C: a stream that ends, instead of a process. */
import type { AnyIterable } from './loop.js';

/** What is needed of Node's `process`; a page has none. */
interface Signals {
  readonly once: (signal: string, listener: () => void) => unknown;
  readonly off: (signal: string, listener: () => void) => unknown;
}
/** Ctrl-C, and what a scheduler or a container sends before it kills. */
const NAMES = ['SIGINT', 'SIGTERM'] as const;
const signals = (): Signals | undefined => (globalThis as { readonly process?: Signals }).process;

/**
 * Ends the stream when the process is interrupted (Ctrl-C, SIGTERM), or by the signal of an `AbortController`: what comes after it ends as it
 * would have ended by itself, so that the last checkpoint is written, files are closed, and `run` returns the last state. A second
 * Ctrl-C ends the process as ever.
 *
 * @example
 * ```ts
 * import { fold, untilInterrupted } from 'cotangent/train';
 *
 * const controller = new AbortController();
 * const count = fold((n: number, _element: number) => {
 *   if (n === 1) controller.abort();
 *   return n + 1;
 * }, 0);
 * await count(untilInterrupted({ signal: controller.signal })([5, 6, 7, 8])); // => 2
 * ```
 */
export const untilInterrupted = ({ signal }: { signal?: { readonly aborted: boolean } } = {}) =>
  async function* <T>(stream: AnyIterable<T>): AsyncGenerator<T, void, void> {
    const state = { interrupted: false };
    const interrupt = (): void => {
      state.interrupted = true;
    };
    const node = signal === undefined ? signals() : undefined;
    for (const name of NAMES) node?.once(name, interrupt);
    try {
      for await (const element of stream) {
        yield element;
        if (state.interrupted || signal?.aborted === true) return;
      }
    } finally {
      for (const name of NAMES) node?.off(name, interrupt);
    }
  };
