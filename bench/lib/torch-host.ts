/** PyTorch in a Python process, which reads the arrays from files and the program from the row. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rows } from '../rows/index.js';
import type { Endpoint, SetUp, SetUpReply, WarmReply } from './protocol.js';

const server = fileURLToPath(new URL('../torch_server.py', import.meta.url));

/** A Python that has torch, or undefined: Debian's is at /usr/bin whatever else comes first in PATH. */
export const findTorch = (): string | undefined =>
  ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0,
  );

export function startTorch(python: string): Endpoint {
  const child = spawn(python, [server], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-2000)));
  const waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const reply = JSON.parse(line) as { result?: unknown; error?: string };
    const pending = waiting.shift();
    if (reply.error === undefined) pending?.resolve(reply.result);
    else pending?.reject(new Error(reply.error));
  });
  const exited = new Promise<void>((resolve) =>
    child.on('exit', () => {
      for (const { reject } of waiting.splice(0)) reject(new Error(stderr.trim().split('\n').at(-1) ?? 'Python ended'));
      resolve();
    }),
  );
  const ask = <T>(call: string, argument: unknown): Promise<T> =>
    new Promise((resolve, reject) => {
      // The other end is our own code, which answers each call with its type.
      waiting.push({ resolve: (value) => resolve(value as T), reject });
      child.stdin.write(`${JSON.stringify({ call, argument })}\n`);
    });
  let folder: string | undefined;
  return {
    setUp: async ({ row: name, threads }: SetUp) => {
      const row = rows.find((r) => r.name === name);
      if (row?.torch === undefined) throw new Error('not written in this library');
      folder = await mkdtemp(join(tmpdir(), 'cotangent-bench-'));
      const state = row.state();
      const arrays = await Promise.all(
        [...state, ...row.inputs()].map(async ({ shape, values }, i) => {
          const path = join(folder ?? '', `${String(i)}.f32`);
          await writeFile(path, values);
          return { path, shape };
        }),
      );
      return ask<SetUpReply>('setUp', { ...row.torch, arrays, states: state.length, threads });
    },
    warm: (ms) => ask<WarmReply>('warm', ms),
    round: (steps) => ask<number>('round', steps),
    close: async () => {
      child.kill('SIGKILL');
      await exited;
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
