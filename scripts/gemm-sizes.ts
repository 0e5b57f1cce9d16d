/**
 * GFLOP/s of matrix products of all small sizes, straight from the code generator, so that a size that falls behind its
 * neighbours shows:
 *
 *   npx tsx scripts/gemm-sizes.ts             cubes of 1 to 17, batches of small ones, and sizes around powers of two
 *   npx tsx scripts/gemm-sizes.ts all [tn]    every M, N, K up to 17: those slowest beside their neighbours; t: transposed
 */
import { setFlagsFromString } from 'node:v8';
import { emitProgram } from '../src/backends/wasm/emit-program.js';
import type { ContractAxis, ContractKernel, Program } from '../src/compiler/loop-ir.js';

// All code is optimised before it runs.
setFlagsFromString('--no-liftoff');
setFlagsFromString('--no-wasm-tier-up');

type Size = readonly [batch: number, m: number, n: number, k: number];

/** A row-major product, its operands transposed where `layout` has a t. */
function contraction([batch, m, n, k]: Size, layout: string): ContractKernel {
  const axis = (id: number, extent: number, lhsStride: number, rhsStride: number, outStride: number): ContractAxis => ({
    id,
    extent,
    lhsStride,
    rhsStride,
    outStride,
  });
  const [leftT, rightT] = [layout.startsWith('t'), layout[1] === 't'];
  const slot = (length: number, access: 'read' | 'write') => ({ dtype: 'float32' as const, length, access });
  return {
    kind: 'contract',
    name: 'dot',
    dtype: 'float32',
    buffers: [slot(batch * m * k, 'read'), slot(batch * k * n, 'read'), slot(batch * m * n, 'write')],
    batch: batch === 1 ? [] : [axis(0, batch, m * k, k * n, m * n)],
    m: [axis(1, m, leftT ? 1 : k, 0, n)],
    n: [axis(2, n, 0, rightT ? k : 1, 1)],
    k: [axis(3, k, leftT ? m : 1, rightT ? 1 : n, 0)],
    lhs: { buffer: 0, offset: 0 },
    rhs: { buffer: 1, offset: 0 },
    out: { buffer: 2, offset: 0 },
  };
}

/** The kernel `times` times, in a loop of the program, so that no call from JavaScript is timed. */
function repeated(kernel: ContractKernel, times: number): Program {
  return {
    name: 'times',
    buffers: kernel.buffers.map(({ dtype, length }, i) => ({
      dtype,
      length,
      place: i < 2 ? { kind: 'input', index: i } : { kind: 'output', index: 0 },
    })),
    kernels: [kernel],
    steps: [
      {
        kind: 'loop',
        id: 0,
        trips: { count: times, reverse: false },
        carries: [],
        steps: [{ kind: 'kernel', kernel: 0, args: [0, 1, 2] }],
      },
    ],
    constants: [],
    inputCount: 2,
    outputCount: 1,
    arenaBytes: 0,
    donations: [-1],
    dynamicExtent: false,
  };
}

const memory = new WebAssembly.Memory({ initial: 2048 });

/** GFLOP/s, the best of some runs. */
function speed(size: Size, layout = 'nn', wanted = 2e6): number {
  const [batch, m, n, k] = size;
  const flops = 2 * batch * m * n * k;
  const times = Math.max(1, Math.round(wanted / (flops + 200)));
  const program = repeated(contraction(size, layout), times);
  const { bytes } = emitProgram(program);
  const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  if (typeof run !== 'function') throw new Error('no run');
  const table = [];
  let top = 4096;
  for (const { length } of program.buffers) {
    table.push(top);
    new Float32Array(memory.buffer, top, length).fill(1);
    top += Math.ceil(length / 16) * 64 + 64;
  }
  table.push(top, top);
  new Int32Array(memory.buffer, 0, table.length).set(table);
  let least = Infinity;
  for (let i = 0; i < 6; i++) {
    const begin = performance.now();
    Reflect.apply(run, undefined, [0, 0]);
    least = Math.min(least, performance.now() - begin);
  }
  return (flops * times) / least / 1e6;
}

const cells = (row: readonly (number | string)[]): string =>
  row.map((v) => (typeof v === 'number' ? v.toFixed(1) : v).padStart(8)).join('');

function overview(): void {
  console.log('cubes, by layout of the operands (t: transposed)');
  const layouts = ['nn', 'tn', 'nt', 'tt'];
  console.log(cells(['', ...layouts]));
  for (let s = 1; s <= 17; s++) console.log(cells([String(s), ...layouts.map((l) => speed([1, s, s, s], l))]));
  console.log('\nbatches of 64 cubes');
  console.log(cells(['', ...layouts]));
  for (const s of [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17])
    console.log(cells([String(s), ...layouts.map((l) => speed([64, s, s, s], l))]));
  console.log('\nlarger cubes');
  for (const s of [31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1000, 1001])
    console.log(cells([String(s), ...layouts.map((l) => speed([1, s, s, s], l, 1e8))]));
}

function all(layout: string): void {
  const at = (m: number, n: number, k: number): number => (m * 18 + n) * 18 + k;
  const found = new Float64Array(18 ** 3);
  const each = (visit: (m: number, n: number, k: number) => void): void => {
    for (let m = 1; m <= 17; m++) for (let n = 1; n <= 17; n++) for (let k = 1; k <= 17; k++) visit(m, n, k);
  };
  each((m, n, k) => {
    found[at(m, n, k)] = speed([1, m, n, k], layout, 3e5);
  });
  // A size against the mean of the six that differ by one in one extent: 1 is level.
  const ratios: { size: string; own: number; beside: number; ratio: number }[] = [];
  each((m, n, k) => {
    const own = found[at(m, n, k)] ?? 0;
    const next = [at(m - 1, n, k), at(m + 1, n, k), at(m, n - 1, k), at(m, n + 1, k), at(m, n, k - 1), at(m, n, k + 1)]
      .map((i) => found[i] ?? 0)
      .filter((v) => v > 0);
    const beside = next.reduce((a, b) => a + b, 0) / next.length;
    ratios.push({ size: `${m}x${n}x${k}`, own, beside, ratio: own / beside });
  });
  ratios.sort((a, b) => a.ratio - b.ratio);
  console.log(`every M, N, K up to 17, layout ${layout}: M x N x K, GFLOP/s, mean of its neighbours, ratio`);
  for (const { size, own, beside, ratio } of ratios.slice(0, 25))
    console.log(
      `${size.padEnd(10)} ${own.toFixed(1).padStart(6)} ${beside.toFixed(1).padStart(6)} ${ratio.toFixed(2)}`,
    );
  const under = (limit: number): number => ratios.filter(({ ratio }) => ratio < limit).length;
  console.log(`below 0.5 of their neighbours: ${under(0.5)}, below 0.7: ${under(0.7)}, of ${ratios.length}`);
  const slice = (list: readonly number[]): string => cells(list.map((v) => v));
  for (const k of [4, 8, 17]) {
    console.log(`\nk = ${k}: rows m, columns n`);
    for (let m = 1; m <= 17; m++) console.log(slice(Array.from({ length: 17 }, (_, n) => found[at(m, n + 1, k)] ?? 0)));
  }
}

const [mode, layout = 'nn'] = process.argv.slice(2);
if (mode === 'all') all(layout);
else overview();
