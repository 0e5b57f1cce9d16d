/**
 * The comparison: `npm run bench [-- filter …] [--engine node|chromium|all] [--quick] [--out FOLDER]`. Each library runs in a process (or
 * page) of its own, so that none inherits another's heap, compiled code or threads; rounds are interleaved, so that
 * what disturbs the machine disturbs all alike. A library that fails on a row is reported as such and the run goes on.
 */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundles } from './lib/bundle.js';
import { chart } from './lib/chart.js';
import { compareRow, type Effort } from './lib/compare.js';
import { measureLimits } from './lib/limits.js';
import { startNode } from './lib/node-host.js';
import type { BrowserHost } from './lib/page-host.js';
import type { Contender, Endpoint } from './lib/protocol.js';
import { judge, limitsText, rowTable, type EngineResult, type Report, type RowResult } from './lib/report.js';
import type { Row } from './lib/row.js';
import { measureSizes, measureStartup } from './lib/startup.js';
import { findTorch, startTorch } from './lib/torch-host.js';
import { rows } from './rows/index.js';

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
/** Besides the rows there are two that are no steps, `startup` and `size`, of Node alone. */
const wanted = (name: string): boolean => filters.length === 0 || filters.some((f) => name.includes(f));
const chosen = rows.filter(({ name }) => wanted(name));
if (chosen.length === 0 && !wanted('startup') && !wanted('size')) {
  console.error(
    `no row matches ${filters.join(' ')}; there are ${rows.map(({ name }) => name).join(', ')}, startup, size`,
  );
  process.exit(1);
}
if (!['node', 'chromium', 'all'].includes(options.engine)) {
  console.error(`--engine must be node, chromium or all, not ${options.engine}`);
  process.exit(1);
}
const effort: Effort = options.quick
  ? { warmMs: 100, roundMs: 20, rounds: 3, budgetMs: 1000 }
  : { warmMs: 300, roundMs: 60, rounds: 7, budgetMs: 3500 };

/** All ways in which a row is run. */
function contendersOf(row: Row, torch: boolean, browser: boolean): readonly Contender[] {
  const list: Contender[] = [];
  const device = 'cpu';
  const both = (peer: Contender['peer'], mode: Contender['mode']): void => {
    list.push({ peer, mode, threads: 1, device }, { peer, mode, threads: 2, device });
  };
  for (const mode of row.modes) both('cotangent', mode);
  if (row.jaxJs !== undefined) for (const mode of row.modes) list.push({ peer: 'jax-js', mode, threads: 1, device });
  if (row.tfjs !== undefined) {
    list.push({ peer: 'tfjs', mode: 'eager', threads: 1, device });
    if (browser) list.push({ peer: 'tfjs', mode: 'eager', threads: 2, device });
  }
  if (row.ort !== undefined) both('ort', 'eager');
  if (row.torch !== undefined && torch) both('torch', 'eager');
  return list.filter(({ peer }) => options.only?.split(',').includes(peer) ?? true);
}

async function runEngine(
  engine: string,
  limits: EngineResult['limits'],
  start: (contender: Contender) => Promise<Endpoint>,
  torch: boolean,
  browser: boolean,
): Promise<EngineResult> {
  console.log(`\n${engine}\n${limitsText(limits)}`);
  const results: RowResult[] = [];
  for (const row of chosen) {
    const compared = await compareRow(row, contendersOf(row, torch, browser), start, effort);
    const result: RowResult = {
      row: row.name,
      title: row.title,
      ...compared,
      ...judge(row, compared.measured, limits),
    };
    results.push(result);
    console.log(`\n${rowTable(result)}`);
  }
  if (!browser && wanted('startup')) {
    const result = await measureStartup(effort.rounds);
    results.push(result);
    console.log(`\n${rowTable(result)}`);
  }
  if (!browser && wanted('size')) console.log(`\n${await measureSizes()}`);
  return { engine, limits, rows: results };
}

const git = (...args: string[]): string => {
  try {
    return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
};

await buildBundles();
const engines: EngineResult[] = [];
if (options.engine !== 'chromium') {
  const python = findTorch();
  if (python === undefined)
    console.log('PyTorch is not here (Debian: apt-get install python3-torch libopenblas0); its rows are left out');
  const start = (c: Contender): Promise<Endpoint> =>
    Promise.resolve(c.peer === 'torch' && python !== undefined ? startTorch(python) : startNode());
  engines.push(await runEngine(`Node ${process.version}`, await measureLimits(), start, python !== undefined, false));
}
if (options.engine !== 'node') {
  let browser: BrowserHost | undefined;
  try {
    const { startBrowser } = await import('./lib/page-host.js');
    browser = await startBrowser();
  } catch (error) {
    console.log(`headless Chromium does not start here: ${String(error)}`);
  }
  if (browser !== undefined) {
    const host = browser;
    engines.push(await runEngine(host.version, await host.limits(), () => host.start(), false, true));
    await host.close();
  }
}

const [cpu] = cpus();
const report: Report = {
  date: new Date().toISOString(),
  commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' and uncommitted changes'),
  machine: {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
  },
  engines,
};
const goals = engines.flatMap(({ rows: list }) => list.flatMap((r) => r.goals));
console.log(
  `\n${String(goals.filter(({ met }) => met === true).length)} goals met, ${String(goals.filter(({ met }) => met === false).length)} missed, ` +
    `${String(goals.filter(({ met }) => met === null).length)} not measured`,
);
if (options.out !== undefined) {
  await mkdir(options.out, { recursive: true });
  await writeFile(join(options.out, 'results.json'), `${JSON.stringify(report, null, 1)}\n`);
  for (const engine of engines) {
    const name = engine.engine.startsWith('Node') ? 'node' : 'chromium';
    await writeFile(join(options.out, `${name}.svg`), await chart(report, engine));
  }
  console.log(`written: ${options.out}`);
}
process.exit(0);
