/** Times of kernels on the device. */
import { afterEach, expect, test, vi } from 'vitest';
import { devicePut, jit, lax, numpy as np, requestDevice, type NDArray } from 'cotangent';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';
import { Profiler } from '../../../src/backends/webgpu/profiler.js';

const gpu = await requestDevice('webgpu');

afterEach(() => {
  vi.restoreAllMocks();
});

test('are given by kernel, in their order, with how often each was launched', async () => {
  const x = devicePut(np.ones([64, 64]), gpu);
  const f = jit((a: NDArray) => lax.foriLoop(0, 5, (_: NDArray, b: NDArray) => np.matmul(b, b).mul(1 / 64), a));
  // The first call, whose pipelines are made meanwhile, as well as the next.
  for (let call = 0; call < 2; call++) {
    let y = x;
    const times = await gpu.profile(() => {
      y = f(x);
    });
    const kernels = jit((a: NDArray) => f(a))
      .lower(x)
      .asText('kernels');
    expect(times.reduce((n, { launches }) => n + launches, 0)).toBe(5);
    for (const { kernel, ms } of times) {
      expect(kernels).toContain(`kernel ${kernel}`);
      expect(ms).toBeGreaterThan(0);
    }
    expect((await y.data())[0]).toBe(1);
  }
});

test('of what a function awaits count, those before and after do not', async () => {
  const x = devicePut(np.ones([1000]), gpu);
  const before = np.sin(x);
  const times = await gpu.profile(async () => {
    await np.exp(x).blockUntilReady();
    np.sum(x);
  });
  np.cos(before);
  expect(times.map(({ launches }) => launches)).toEqual([1, 1]);
  expect(times[0]?.kernel).toContain('exp');
  expect(times[1]?.kernel).toContain('sum');
  expect(await gpu.profile(() => undefined)).toEqual([]);
});

test('are as many as there are launches, and none is less than nothing', async () => {
  if (!(gpu instanceof WebGpuDevice)) throw new Error('webgpu is another device');
  const device = gpu.queue.gpu;
  const profiler = new Profiler(device);
  const encoder = device.createCommandEncoder();
  for (let i = 0; i < 2050; i++) {
    const { querySet, beginningOfPassWriteIndex = 0, endOfPassWriteIndex = 0 } = profiler.next(`k${i % 3}`);
    // A clock that goes backwards.
    encoder
      .beginComputePass({
        timestampWrites: {
          querySet,
          beginningOfPassWriteIndex: endOfPassWriteIndex,
          endOfPassWriteIndex: beginningOfPassWriteIndex,
        },
      })
      .end();
  }
  device.queue.submit([encoder.finish()]);
  const times = await profiler.take();
  expect(times.map(({ kernel, launches }) => [kernel, launches])).toEqual([
    ['k0', 684],
    ['k1', 683],
    ['k2', 683],
  ]);
  for (const { ms } of times) expect(ms).toBe(0);
});

test('are refused where there are none, and to the second who asks', async () => {
  const plain = await requestDevice('webgpu', { without: ['timestamp-query'] });
  await expect(plain.profile(() => undefined)).rejects.toThrow(
    /no times of kernels \(timestamp-query\).*blockUntilReady/,
  );
  const first = gpu.profile(() => undefined);
  await expect(gpu.profile(() => gpu.profile(() => undefined))).rejects.toThrow(/another profile/);
  await first.catch(() => undefined);
  // And then it works again.
  await expect(gpu.profile(() => Promise.reject(new Error('of the call')))).rejects.toThrow('of the call');
  expect(await gpu.profile(() => np.exp(devicePut(np.ones([3]), gpu)))).toHaveLength(1);
});
