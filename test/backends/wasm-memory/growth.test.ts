/** 100,000 jitted steps, and 100,000 eager operations, each in one synchronous loop: memory does not grow. */
import { describe, expect, test } from 'vitest';
import { grad, jit, numpy as np, random, tree, type NDArray } from 'cotangent';
import { cpu, memoryStats } from '../../../src/backends/wasm/device.js';

const STEPS = 100_000;
const MB = 2 ** 20;

/** Run `step` and compare memory early on with memory later. */
function checkFlat(step: () => void): void {
  for (let i = 0; i < STEPS / 10; i++) step();
  const before = { rss: process.memoryUsage.rss(), compiled: cpu.compiled, ...memoryStats() };
  let peak = 0;
  for (let i = 0; i < STEPS; i++) {
    step();
    if (i % 1000 === 0) peak = Math.max(peak, process.memoryUsage.rss());
  }
  const after = { compiled: cpu.compiled, ...memoryStats() };
  expect(peak - before.rss).toBeLessThan(100 * MB);
  expect(after.heapBytes).toBe(before.heapBytes);
  expect(after.heapInUse).toBeLessThan(before.heapInUse + 2 * MB);
  expect(after.compiled).toBe(before.compiled);
}

describe('memory is flat over', () => {
  test('100,000 eager operations', () => {
    let x: NDArray = np.zeros([64]);
    let count = 0;
    checkFlat(() => {
      x = np.add(x, 1);
      count += 1;
    });
    expect(x.slice(63).item()).toBe(count);
  });

  test('100,000 eager operations of changing shapes', () => {
    const rows = np.ones([40, 100]);
    let total: NDArray = np.zeros([]);
    let count = 0;
    checkFlat(() => {
      total = total.add(np.sum(rows.slice(count++ % 40)));
    });
    expect(total.item()).toBe(100 * count);
  });

  test('100,000 jitted training steps', () => {
    const params = { w: random.normal(random.key(0), [8, 16]), v: random.normal(random.key(1), [16, 4]) };
    const loss = (p: typeof params, x: NDArray): NDArray =>
      np.mean(np.square(np.matmul(np.tanh(np.matmul(x, p.w)), p.v).sub(0.5)));
    const step = jit((p: typeof params, x: NDArray) =>
      tree.map((w: NDArray, g: NDArray) => w.sub(g.mul(0.01)), p, grad(loss)(p, x)),
    );
    const x = random.normal(random.key(2), [4, 8]);
    const first = Number(loss(params, x).item());
    let current = params;
    checkFlat(() => {
      current = step(current, x);
    });
    expect(Number(loss(current, x).item())).toBeLessThan(first / 10);
  });
});
