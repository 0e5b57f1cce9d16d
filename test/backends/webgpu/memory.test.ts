/** GPU memory over long runs: it stays flat, whether arrays are donated or left to the garbage collector. */
import { expect, test } from 'vitest';
import { devicePut, jit, numpy as np, requestDevice, type NDArray } from 'cotangent';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';

const gpu = await requestDevice('webgpu');
if (!(gpu instanceof WebGpuDevice)) throw new Error('not a WebGPU device');
const { buffers, groups } = gpu.queue;
const onGpu = (x: NDArray): NDArray => devicePut(x, gpu);

/** Turns of the event loop until a condition holds, for finalizers run between turns. */
async function turns(most: number, done: () => boolean): Promise<void> {
  for (let i = 0; i < most && !done(); i++) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('20,000 jitted steps with an await every 100', { timeout: 120_000 }, async () => {
  const step = jit((x: NDArray) => x.mul(0.5).add(1));
  let x = onGpu(np.ones([4]));
  let most = 0;
  for (let i = 0; i < 20_000; i++) {
    x = step(x);
    if (i % 100 !== 99) continue;
    await x.data();
    most = Math.max(most, buffers.count);
  }
  expect(await x.data()).toEqual(new Float32Array(4).fill(2));
  // V8 looks for garbage about every 32 MB, which is every 4,000 arrays; without their ballast it never did.
  expect(most).toBeLessThanOrEqual(10_000);
  expect(groups.size).toBeLessThanOrEqual(4096);
});

/** Eager garbage of 200 MB. */
const garbage = (x: NDArray): NDArray => {
  let y = x;
  for (let i = 0; i < 400; i++) y = y.add(1).mul(0.5);
  return y;
};

test('eager garbage is collected while others wait', async () => {
  const x = onGpu(np.ones([2 ** 16]));
  let y = x;
  let most = 0;
  for (let i = 0; i < 400; i++) {
    y = y.add(1).mul(0.5);
    if (i % 20 !== 19) continue;
    await y.blockUntilReady();
    most = Math.max(most, buffers.used);
  }
  // 200 MB were made; V8 looks for garbage about every 32.
  expect(most).toBeLessThan(128 * 2 ** 20);
});

test('garbage of a synchronous loop is collected in the turns after it, and its memory serves the next', async () => {
  const x = onGpu(np.ones([2 ** 16]));
  const before = buffers.used;
  const few = (): boolean => buffers.used - before < 64 * 2 ** 20;
  const y = garbage(x);
  expect(few()).toBe(false);
  await y.blockUntilReady();
  await turns(200, few);
  expect(few()).toBe(true);
  const { bytes } = buffers;
  for (let i = 0; i < 3; i++) {
    await garbage(x).blockUntilReady();
    await turns(200, few);
  }
  expect(buffers.bytes).toBeLessThanOrEqual(bytes + 64 * 2 ** 20);
});

test('a donated step makes no buffer', async () => {
  const step = jit((x: NDArray) => x.mul(2).sub(1), { donate: 0 });
  let x = step(onGpu(np.ones([1000])));
  await x.blockUntilReady();
  const { count } = buffers;
  for (let i = 0; i < 50; i++) x = step(x);
  expect(buffers.count).toBe(count);
  expect(new Set(await x.data())).toEqual(new Set([1]));
});

test('scratch grows with the largest program, and is reused', async () => {
  const programs = [1, 2, 4, 8].map((n) => {
    const size = n * 10_000;
    const f = jit((x: NDArray) => np.cumsum(np.flip(np.cumsum(x), 0)));
    return () => f(onGpu(np.ones([size])));
  });
  const round = async (): Promise<void> => {
    for (const run of [...programs, ...programs.toReversed()]) {
      const y = run();
      await y.blockUntilReady();
      (y as NDArray & { dispose(): void }).dispose();
    }
  };
  await round();
  const { count } = buffers;
  for (let i = 0; i < 3; i++) await round();
  // New arguments each time, which the collector has not taken yet.
  expect(buffers.count - count).toBeLessThanOrEqual(3 * 8);
});
