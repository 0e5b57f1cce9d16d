/** GPU memory over long runs: it stays flat, whether arrays are donated or left to the garbage collector. */
import { expect, test } from 'vitest';
import { devicePut, jit, numpy as np, requestDevice, type NDArray } from 'cotangent';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';

const gpu = await requestDevice('webgpu');
if (!(gpu instanceof WebGpuDevice)) throw new Error('not a WebGPU device');
const { buffers, groups } = gpu.queue;
const onGpu = (x: NDArray): NDArray => devicePut(x, gpu);

test('20,000 jitted steps with an await every 100', { timeout: 120_000 }, async () => {
  const step = jit((x: NDArray) => x.mul(0.5).add(1));
  let x = onGpu(np.ones([4]));
  let [most, first] = [0, 0];
  for (let i = 0; i < 20_000; i++) {
    x = step(x);
    if (i % 100 !== 99) continue;
    await x.data();
    // How many there are depends on when V8 collects: after a while it has done so often enough to know the most.
    if (i < 5000) first = Math.max(first, buffers.count);
    else most = Math.max(most, buffers.count);
  }
  expect(await x.data()).toEqual(new Float32Array(4).fill(2));
  expect(most).toBeLessThanOrEqual(2 * first);
  expect(groups.size).toBeLessThanOrEqual(4096);
});

test('eager garbage is collected while others wait', async () => {
  const x = onGpu(np.ones([2 ** 16]));
  let y = x;
  let most = 0;
  for (let i = 0; i < 400; i++) {
    y = y.add(1).mul(0.5);
    if (i % 20 !== 19) continue;
    await y.blockUntilReady();
    most = Math.max(most, buffers.bytes);
  }
  // 200 MB were made; V8 looks for garbage about every 32.
  expect(most).toBeLessThan(128 * 2 ** 20);
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
