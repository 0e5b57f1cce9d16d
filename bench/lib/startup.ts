/** The rows that are no steps: a fresh process, and what a page downloads. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { withoutDynamic } from '../../scripts/lib/entries.js';
import { bundles } from './bundle.js';
import { median, type Failure, type Measurement } from './compare.js';
import type { Contender } from './protocol.js';
import { showTime, type RowResult } from './report.js';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const start = fileURLToPath(new URL('../entry/start.mjs', import.meta.url));
const GOAL_MS = 20;
const GOAL_KB = 60;

const libraries = {
  // What Node loads of the package.
  cotangent: join(bundles, 'package/node/index.js'),
  'jax-js': '@jax-js/jax',
  tfjs: '@tensorflow/tfjs-core',
} as const;
type Name = keyof typeof libraries;

/** Fresh processes in turn; the time is taken inside, so that what Node itself takes to start is left out. */
export async function measureStartup(rounds: number): Promise<RowResult> {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const tsx = [join(root, 'node_modules/tsx/dist/cli.mjs'), join(root, 'scripts/build-cjs.ts')];
  await run(process.execPath, [...tsx, join(bundles, 'package')]);
  const times = new Map<Name, number[]>();
  const failed: Failure[] = [];
  const names = Object.keys(libraries) as Name[];
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      if (failed.some((f) => f.name === name)) continue;
      try {
        const { stdout } = await run(process.execPath, [start, name, libraries[name]]);
        times.set(name, [...(times.get(name) ?? []), Number(stdout)]);
      } catch (error) {
        const why = error instanceof Error ? (error.message.split('\n').find((l) => /Error/.test(l)) ?? '') : '';
        failed.push({ peer: name, mode: 'eager', threads: 1, device: 'cpu', name, error: why });
      }
    }
  }
  const measured = names.flatMap((name): Measurement[] => {
    const list = times.get(name);
    if (list === undefined || failed.some((f) => f.name === name)) return [];
    const contender: Contender = { peer: name, mode: 'eager', threads: 1, device: 'cpu' };
    const middle = median(list);
    const [least, most] = [Math.min(...list), Math.max(...list)];
    return [{ ...contender, name, median: middle, least, most, rounds, stepsPerRound: 1, first: middle, version: '' }];
  });
  const ours = measured.find(({ peer }) => peer === 'cotangent')?.median;
  return {
    row: 'startup',
    title: 'fresh process: import + first sum',
    measured,
    failed,
    rate: null,
    goals: [
      { text: `<= ${showTime(GOAL_MS)}`, reached: ours ?? null, met: ours === undefined ? null : ours <= GOAL_MS },
    ],
  };
}

const bytesOf = async (contents: string): Promise<{ min: number; gzip: number }> => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
    external: ['node:*', 'fs', 'path', 'os', 'util', 'worker_threads', 'perf_hooks', 'crypto', 'module', 'url'],
    outdir: bundles,
    plugins: [withoutDynamic],
  });
  const entry = outputFiles[0]?.contents ?? new Uint8Array();
  return { min: entry.length, gzip: gzipSync(entry, { level: 9 }).length };
};

/** Kilobytes of each library's entry as a bundler makes it; text, because bytes are no times. */
export async function measureSizes(): Promise<string> {
  const wasm = require.resolve('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm');
  const { readFile } = await import('node:fs/promises');
  const wasmBytes = gzipSync(await readFile(wasm), { level: 9 }).length;
  const programs: readonly (readonly [string, string, number])[] = [
    ['cotangent', `export * from '../src/index.ts';`, 0],
    ['jax-js', `export * from '@jax-js/jax';`, 0],
    [
      'tfjs core and wasm backend',
      `export * from '@tensorflow/tfjs-core'; import '@tensorflow/tfjs-backend-wasm';`,
      wasmBytes,
    ],
  ];
  const lines: string[] = [];
  for (const [name, contents, more] of programs) {
    try {
      const { min, gzip } = await bytesOf(contents);
      const kB = (n: number): string => `${(n / 1000).toFixed(1)} kB`;
      const goal =
        name === 'cotangent' ? ` (goal ${String(GOAL_KB)} kB: ${gzip <= GOAL_KB * 1000 ? 'met' : 'MISSED'})` : '';
      lines.push(
        `  ${name.padEnd(28)} ${kB(min)} min, ${kB(gzip)} gzip${goal}${more === 0 ? '' : ` and ${kB(more)} of .wasm`}`,
      );
    } catch (error) {
      lines.push(`  ${name.padEnd(28)} fails: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`);
    }
  }
  return ['everything an entry exports, minified, in one bundle:', ...lines].join('\n');
}
