/** A library in a Node process of its own. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { bundles } from './bundle.js';
import type { GpuLimits } from './gpu-limits.js';
import type { GpuEndpoint, SetUp, SetUpReply, WarmReply } from './protocol.js';

type Reply = { readonly id: number; readonly result?: unknown; readonly error?: string };

export function startNode(env: Readonly<Record<string, string>> = {}): GpuEndpoint {
  const child = fork(join(bundles, 'node.mjs'), [], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ...env },
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-2000)));
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  let next = 0;
  child.on('message', ({ id, result, error }: Reply) => {
    const pending = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) pending?.resolve(result);
    else pending?.reject(new Error(error));
  });
  const exited = new Promise<void>((resolve) =>
    child.on('exit', (code, signal) => {
      const why =
        stderr
          .trim()
          .split('\n')
          .findLast((line) => /error/i.test(line)) ?? '';
      for (const { reject } of waiting.values())
        reject(new Error(`the process ended (${String(code ?? signal)}) ${why}`));
      waiting.clear();
      resolve();
    }),
  );
  const ask = <T>(call: string, argument: unknown): Promise<T> =>
    new Promise((resolve, reject) => {
      const id = next++;
      // The other end is our own code, which answers each call with its type.
      waiting.set(id, { resolve: (value) => resolve(value as T), reject });
      child.send({ id, call, argument });
    });
  return {
    setUp: (message: SetUp) => ask<SetUpReply>('setUp', message),
    warm: (ms) => ask<WarmReply>('warm', ms),
    round: (steps) => ask<number>('round', steps),
    gpuLimits: () => ask<GpuLimits>('gpuLimits', 0),
    close: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
