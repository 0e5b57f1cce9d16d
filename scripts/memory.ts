/**
 * `npx tsx scripts/memory.ts [--ops N] [--steps N] [--limit MB]`: asserts that programs that make garbage for
 * minutes in one synchronous loop, without a call by the user, hold resident memory under 1 GB:
 *
 * - `eager`: a million eager operations on 1 MB arrays;
 * - `jitted`: 20,000 jitted training steps, nothing donated, on an MLP with 10 MB of parameters.
 *
 * Prints the peak and the time of each; the exit code is 1 if one is over.
 */
import { parseArgs } from 'node:util';
import { grad, jit, numpy as np, random, tree, type NDArray } from '../src/index.js';
import { memoryStats } from '../src/backends/wasm/device.js';

const { values: options } = parseArgs({
  options: {
    ops: { type: 'string', default: '1000000' },
    steps: { type: 'string', default: '20000' },
    limit: { type: 'string', default: '1000' },
  },
});
const ops = Number(options.ops);
const steps = Number(options.steps);
const limit = Number(options.limit) * 1e6;
if (!(ops >= 0 && steps >= 0 && limit > 0)) throw new Error('--ops, --steps and --limit are numbers');

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

/** Run `body` `count` times in one job, sampling resident memory; says whether it stayed below the limit. */
function bounded(name: string, count: number, sampleEvery: number, body: (i: number) => void): boolean {
  const start = process.memoryUsage.rss();
  let peak = start;
  let over = false;
  let done = 0;
  const began = performance.now();
  for (; done < count && !over; done++) {
    body(done);
    if (done % sampleEvery === 0) {
      peak = Math.max(peak, process.memoryUsage.rss());
      over = peak > limit;
    }
    if ((done + 1) % Math.ceil(count / 10) === 0) {
      const each = ((performance.now() - began) * 1000) / (done + 1);
      console.log(`  ${name}: ${done + 1} of ${count}, peak ${megabytes(peak)}, ${each.toFixed(1)} µs each`);
    }
  }
  const stats = memoryStats();
  console.log(
    `${over ? 'OVER ' : 'ok   '} ${name}: peak ${megabytes(peak)} (${megabytes(start)} at the start) of ${megabytes(limit)} ` +
      `after ${done}; heap ${megabytes(stats.heapBytes)}, ${stats.cells} arrays in it, ${megabytes(stats.spilledBytesTotal)} spilled`,
  );
  return !over;
}

function eager(): boolean {
  let x = np.zeros([250_000]);
  const ok = bounded('eager operations on 1 MB', ops, 100, () => {
    x = np.add(x, 1);
  });
  // Exact in float32 up to 2^24.
  const value = x.slice(249_999).item();
  if (ok && value !== ops) throw new Error(`expected ${ops} after ${ops} additions of 1, got ${String(value)}`);
  return ok;
}

function jitted(): boolean {
  const sizes = [784, 1024, 1024, 640] as const; // 2.5 million weights and biases, 10 MB
  const keys = random.split(random.key(0), sizes.length - 1);
  const params = sizes.slice(1).map((out, layer) => {
    const fanIn = sizes[layer] ?? 1;
    return { w: random.normal(keys.slice(layer), [fanIn, out]).mul(1 / Math.sqrt(fanIn)), b: np.zeros([out]) };
  });
  const predict = (p: typeof params, x: NDArray): NDArray =>
    p.reduce((h, { w, b }) => np.tanh(np.matmul(h, w).add(b)), x);
  const loss = (p: typeof params, x: NDArray, y: NDArray): NDArray => np.mean(np.square(predict(p, x).sub(y)));
  const step = jit((p: typeof params, x: NDArray, y: NDArray) =>
    tree.map((w: NDArray, g: NDArray) => w.sub(g.mul(0.1)), p, grad(loss)(p, x, y)),
  );

  const x = random.normal(random.key(1), [4, sizes[0]]);
  const y = np.full([4, sizes[3]], 0.5);
  const before = Number(loss(params, x, y).item());
  let current = params;
  const ok = bounded('jitted steps over 10 MB of parameters', steps, 10, () => {
    current = step(current, x, y);
  });
  const after = Number(loss(current, x, y).item());
  console.log(`  loss ${before.toFixed(4)} -> ${after.toFixed(4)}`);
  if (ok && steps > 10 && !(after < before)) throw new Error('the loss did not fall');
  return ok;
}

const results = [eager(), jitted()];
process.exitCode = results.every((ok) => ok) ? 0 : 1;
