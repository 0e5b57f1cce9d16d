/**
 * The comparison on a GPU: `npm run bench:webgpu [-- filter …] [--engine node|chromium|all] [--quick] [--only peers] [--out FOLDER]`.
 * Without a GPU it is SwiftShader, Vulkan on the CPU, of which only the ratios count; `COTANGENT_VULKAN=system` takes the machine's driver.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { vulkanEnvironment } from '../../scripts/lib/swiftshader.js';
import { buildBundles } from '../lib/bundle.js';
import { chart } from '../lib/chart.js';
import { compareRow, type Effort } from '../lib/compare.js';
import type { GpuLimits } from '../lib/gpu-limits.js';
import { startNode } from '../lib/node-host.js';
import { startBrowser } from '../lib/page-host.js';
import type { Contender, Endpoint } from '../lib/protocol.js';
import { judge, rowTable, type EngineResult, type Report } from '../lib/report.js';
import type { Row } from '../lib/row.js';
import { rows } from './rows.js';

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string', default: 'node' },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    out: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});
if (options.list) {
  for (const { name, title } of rows) console.log(name.padEnd(18), title);
  process.exit(0);
}
const chosen = rows.filter(({ name }) => filters.length === 0 || filters.some((f) => name.includes(f)));
if (chosen.length === 0) {
  console.error(`no row matches ${filters.join(' ')}; there are ${rows.map(({ name }) => name).join(', ')}`);
  process.exit(1);
}
if (!['node', 'chromium', 'all'].includes(options.engine)) {
  console.error(`--engine must be node, chromium or all, not ${options.engine}`);
  process.exit(1);
}
const effort: Effort = options.quick
  ? { warmMs: 200, roundMs: 40, rounds: 3, budgetMs: 1000 }
  : { warmMs: 400, roundMs: 80, rounds: 7, budgetMs: 5000 };

/** Of a step at the device's peak: rows that would take longer are left out. */
const MOST_SECONDS = 5;

function contendersOf(row: Row): readonly Contender[] {
  const common = { threads: 1, device: 'webgpu' } as const;
  return [
    ...row.modes.map((mode) => ({ peer: 'cotangent', mode, ...common }) as const),
    ...(row.jaxJs === undefined ? [] : row.modes.map((mode) => ({ peer: 'jax-js', mode, ...common }) as const)),
    ...(row.tfjs === undefined ? [] : [{ peer: 'tfjs', mode: 'eager', ...common } as const]),
  ].filter(({ peer }) => options.only?.split(',').includes(peer) ?? true);
}

async function runEngine(engine: string, limits: GpuLimits, start: () => Promise<Endpoint>): Promise<EngineResult> {
  console.log(
    `\n${engine}, ${limits.adapter}: multiply and add ${limits.mulAdd.toFixed(0)} GFLOP/s, stream ${limits.stream.toFixed(1)} GB/s`,
  );
  const results = [];
  for (const row of chosen) {
    const seconds = (row.flops ?? 0) / limits.mulAdd / 1e9;
    if (seconds > MOST_SECONDS) {
      console.log(`\n${row.title}: left out, ${seconds.toFixed(0)} s a step at the peak of this device`);
      continue;
    }
    const compared = await compareRow(row, contendersOf(row), start, effort);
    const result = { row: row.name, title: row.title, ...compared, ...judge(row, compared.measured, limits) };
    results.push(result);
    console.log(`\n${rowTable(result, 'this device')}`);
  }
  return { engine: `${engine}, ${limits.adapter}`, limits, rows: results };
}

await buildBundles();
const engines: { readonly name: string; readonly result: EngineResult }[] = [];
if (options.engine !== 'chromium') {
  const env = await vulkanEnvironment();
  const start = (): Promise<Endpoint> => Promise.resolve(startNode(env));
  const probe = startNode(env);
  const limits = await probe.gpuLimits();
  await probe.close();
  engines.push({ name: 'node', result: await runEngine(`Node ${process.version}`, limits, start) });
}
if (options.engine !== 'node') {
  const host = await startBrowser({ webgpu: true });
  const probe = await host.start();
  const limits = await probe.gpuLimits();
  await probe.close();
  engines.push({ name: 'chromium', result: await runEngine(host.version, limits, () => host.start()) });
  await host.close();
}

const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
const report: Report = {
  date: new Date().toISOString(),
  commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' and uncommitted changes'),
  machine: {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
  },
  engines: engines.map(({ result }) => result),
};
const goals = report.engines.flatMap(({ rows: list }) => list.flatMap((r) => r.goals));
console.log(
  `\nahead in ${String(goals.filter(({ met }) => met === true).length)} comparisons, behind in ${String(goals.filter(({ met }) => met === false).length)}, ` +
    `${String(goals.filter(({ met }) => met === null).length)} not measured`,
);
if (options.out !== undefined) {
  await mkdir(options.out, { recursive: true });
  await writeFile(join(options.out, 'webgpu.json'), `${JSON.stringify(report, null, 1)}\n`);
  for (const { name, result } of engines)
    await writeFile(join(options.out, `webgpu-${name}.svg`), await chart(report, result, 'WebGPU'));
  console.log(`written: ${options.out}`);
}
process.exit(0);
