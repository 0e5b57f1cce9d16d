/**
 * Starting a worker, in Node (`worker_threads`) or in a page (`Worker`). A worker never keeps a process alive, and one
 * that cannot start, or ends, is reported and not thrown: the library then runs on fewer threads.
 */
import type * as WorkerThreads from 'node:worker_threads';
import { workerMain, type WorkerStart } from './worker-main.js';

/** Called when a worker could not be started, or has ended. */
export type OnEnd = (reason: string) => void;

export type Spawn = (start: WorkerStart, onEnd: OnEnd) => void;

const THREADS_MODULE = 'node:worker_threads';

type BuiltinModules = { readonly getBuiltinModule?: (name: string) => unknown };
/** The `process` of Node and of what is like it; `undefined` in a page. */
export const nodeProcess = (): (BuiltinModules & { readonly versions?: { readonly node?: string } }) | undefined =>
  'process' in globalThis ? globalThis.process : undefined;

const isThreads = (module: unknown): module is typeof WorkerThreads =>
  typeof module === 'object' && module !== null && 'Worker' in module;

/** Start a worker that runs {@link workerMain}. */
export const spawnWorker: Spawn = (start, onEnd) => {
  try {
    if (nodeProcess()?.versions?.node === undefined) {
      spawnWeb(start, onEnd);
      return;
    }
    const threads = nodeProcess()?.getBuiltinModule?.(THREADS_MODULE);
    if (isThreads(threads)) {
      spawnNode(threads, start, onEnd);
      return;
    }
    // Before 20.16 the module can only be had asynchronously, under a computed name so that bundlers do not follow it.
    import(/* @vite-ignore */ /* webpackIgnore: true */ THREADS_MODULE).then(
      (module: unknown) => {
        if (isThreads(module)) spawnNode(module, start, onEnd);
        else onEnd(`${THREADS_MODULE} has no Worker`);
      },
      (error: unknown) => {
        onEnd(String(error));
      },
    );
  } catch (error) {
    onEnd(String(error));
  }
};

function spawnNode(threads: typeof WorkerThreads, start: WorkerStart, onEnd: OnEnd): void {
  const worker = new threads.Worker(`(${workerMain.toString()})(require('node:worker_threads').workerData)`, {
    eval: true,
    name: `cotangent ${start.thread}`,
    workerData: start,
    // Neither the loaders of the parent nor a copy of its environment: a third of the time to start.
    execArgv: [],
    env: threads.SHARE_ENV,
    trackUnmanagedFds: false,
  });
  worker.unref();
  worker.on('error', (error) => {
    onEnd(String(error));
  });
  worker.on('exit', () => {
    onEnd('it exited');
  });
}

function spawnWeb(start: WorkerStart, onEnd: OnEnd): void {
  const source = `onmessage = (event) => { postMessage(0); (${workerMain.toString()})(event.data); }`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(url, { name: `cotangent ${start.thread}` });
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
  };
  worker.onerror = (event) => {
    onEnd(event.message);
  };
  worker.postMessage(start);
}
