/** How many threads large programs run on: the user's choice, and what the machine offers. */
import { ArgumentError } from '../../../core/errors.js';
import { MAX_THREADS } from './control-block.js';
import { nodeProcess } from './spawn.js';

/** Without a choice no more than this: products and sums are limited by memory long before. */
const DEFAULT_MOST = 8;

/** Whether a memory can be shared with workers: a page must be cross-origin isolated. */
export const canShareMemory = (): boolean =>
  typeof SharedArrayBuffer === 'function' && !('crossOriginIsolated' in globalThis && !globalThis.crossOriginIsolated);

const hasParallelism = (module: unknown): module is { availableParallelism: () => number } =>
  typeof module === 'object' &&
  module !== null &&
  'availableParallelism' in module &&
  typeof module.availableParallelism === 'function';

/** Threads of the machine that this process may use. */
export function availableThreads(): number {
  const os = nodeProcess()?.getBuiltinModule?.('node:os');
  if (hasParallelism(os)) return os.availableParallelism();
  const { navigator } = globalThis as { navigator?: { hardwareConcurrency?: number } };
  return navigator?.hardwareConcurrency ?? 1;
}

let chosen: number | undefined;
let fallback: number | undefined;

/** Threads that programs may use: those set, else those of the machine. */
export const wantedThreads = (): number =>
  chosen ?? (fallback ??= Math.max(1, Math.min(DEFAULT_MOST, availableThreads())));

/** Remember the user's choice, checked; `undefined` asks for the machine's. */
export function chooseThreads(n: number | undefined): void {
  if (n !== undefined && !(Number.isInteger(n) && n >= 1 && n <= MAX_THREADS)) {
    throw new ArgumentError(
      `setThreads: the number of threads must be an integer from 1 to ${MAX_THREADS}, but got ${String(n)}. ` +
        `1 means that nothing runs beside the calling thread; setThreads() goes back to the default, ` +
        `${Math.max(1, Math.min(DEFAULT_MOST, availableThreads()))} on this machine.`,
    );
  }
  chosen = n;
}
