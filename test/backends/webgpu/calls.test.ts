/** What a call costs the driver: pipelines, buffers, bind groups and command buffers are counted. */
import { afterEach, expect, test, vi } from 'vitest';
import { ConcreteArray } from '../../../src/core/concrete.js';
import { devicePut, jit, lax, numpy as np, requestDevice, type NDArray } from 'cotangent';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';
import { GpuStorage } from '../../../src/backends/webgpu/storage.js';

const gpu = await requestDevice('webgpu');
if (!(gpu instanceof WebGpuDevice)) throw new Error('not a WebGPU device');
const driver = gpu.queue;
const onGpu = (x: NDArray): NDArray => devicePut(x, gpu);
const dispose = (x: NDArray): void => {
  (x as NDArray & { dispose(): void }).dispose();
};
/** The buffer of an array. */
const blockOf = (x: NDArray): unknown => {
  if (x instanceof ConcreteArray && x.storage instanceof GpuStorage) return x.storage.block;
  throw new Error('not an array on the GPU');
};

afterEach(() => {
  vi.restoreAllMocks();
});

/** What is asked of the driver, by name. */
function count(): Record<string, number> {
  const calls: Record<string, number> = {};
  const spies = {
    pipelines: vi.spyOn(driver.gpu, 'createComputePipelineAsync'),
    modules: vi.spyOn(driver.gpu, 'createShaderModule'),
    buffers: vi.spyOn(driver.gpu, 'createBuffer'),
    groups: vi.spyOn(driver.gpu, 'createBindGroup'),
    encoders: vi.spyOn(driver.gpu, 'createCommandEncoder'),
    submissions: vi.spyOn(driver.gpu.queue, 'submit'),
    writes: vi.spyOn(driver.gpu.queue, 'writeBuffer'),
  };
  for (const [name, spy] of Object.entries(spies))
    Object.defineProperty(calls, name, { enumerable: true, get: () => spy.mock.calls.length });
  return calls;
}

test('of a new program does not wait for its pipelines, and keeps its place', async () => {
  const x = onGpu(np.arange(5));
  const doubled = x.mul(2);
  await doubled.data();
  const make = vi.spyOn(driver.gpu, 'createComputePipeline');
  const { submissions } = driver;
  const y = jit((v: NDArray) => np.sum(np.sinh(v).mul(0.25)))(x);
  // Its own pipeline is there.
  const z = x.mul(2);
  expect(driver.submissions).toBe(submissions);
  expect(Array.from(await z.data())).toEqual([0, 2, 4, 6, 8]);
  expect(driver.submissions).toBe(submissions + 2);
  expect((await y.data())[0]).toBeCloseTo(
    [1, 2, 3, 4].reduce((sum, v) => sum + Math.sinh(v) / 4, 0),
    4,
  );
  expect(make).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

/** A training step of several kernels, with temporary arrays, a scan and a branch. */
const train = (w: NDArray, x: NDArray): readonly [NDArray, NDArray] => {
  const y = np.tanh(np.matmul(x, w));
  const scanned = lax.scan((c: NDArray, row: NDArray) => [np.roll(c, 1).add(row), np.sum(c)] as const, y, np.ones([5]));
  const g = np.matmul(
    x.T,
    lax.cond(
      np.sum(y).greater(0),
      (v: NDArray) => np.flip(v, 0),
      (v: NDArray) => np.cumsum(v, 0),
      scanned[0],
    ),
  );
  return [w.sub(g.mul(1e-3)), np.sum(scanned[1])];
};

test('again makes nothing, and is one command buffer', async () => {
  const step = jit(train, { donate: 0 });
  let w = onGpu(np.ones([8, 8]));
  const x = onGpu(np.ones([4, 8]));
  const run = async (): Promise<void> => {
    const [next, loss] = step(w, x);
    w = next;
    await loss.blockUntilReady();
    dispose(loss);
  };
  for (let i = 0; i < 3; i++) await run();
  const { launches } = driver;
  const calls = count();
  for (let i = 0; i < 5; i++) await run();
  expect(calls).toEqual({ pipelines: 0, modules: 0, buffers: 0, groups: 0, encoders: 5, submissions: 5, writes: 0 });
  // Or there was nothing to count.
  expect((driver.launches - launches) / 5).toBeGreaterThan(10);
});

test('of another program with the same kernels makes no pipelines', async () => {
  const x = onGpu(np.ones([33, 3]));
  const f = (v: NDArray): NDArray => np.sum(np.exp(v.mul(0.37)), 0);
  await jit(f)(x).data();
  const calls = count();
  // Two programs in one: neither is the one before.
  const y = jit((v: NDArray) => [f(v), np.cumprod(v.mul(0.5), 0)] as const)(x);
  await y[0].data();
  const { pipelines } = calls;
  await jit((v: NDArray) => [np.cumprod(v.mul(0.5), 0), f(v)] as const)(x)[1].data();
  expect(pipelines).toBeGreaterThan(0);
  expect(calls['pipelines']).toBe(pipelines);
});

test('keeps temporary arrays in one buffer, planned by their lifetimes', async () => {
  const n = 10_000;
  const f = jit((x: NDArray) => {
    let y = x;
    for (let i = 0; i < 12; i++) y = np.cumsum(np.flip(y, 0)).mul(0.5);
    return y;
  });
  const x = onGpu(np.ones([n]));
  const before = driver.buffers.bytes;
  const calls = count();
  const y = f(x);
  await y.blockUntilReady();
  // The result and the arena, and the parameters of launches.
  expect(calls['buffers']).toBeLessThanOrEqual(3);
  expect(driver.buffers.bytes - before).toBeLessThan(5 * 4 * n);
});

test('writes a result where its donated argument is, and the next call binds what the last one bound', async () => {
  const step = jit((x: NDArray, y: NDArray) => [x.mul(2).sub(y), y.add(1)] as const, { donate: [0, 1] });
  let [x, y] = [onGpu(np.ones([1000])), onGpu(np.ones([1000]))];
  const [first, second] = [blockOf(x), blockOf(y)];
  for (let i = 0; i < 3; i++) {
    [x, y] = step(x, y);
    expect(new Set([blockOf(x), blockOf(y)])).toEqual(new Set([first, second]));
  }
  expect((await x.data())[7]).toBe(-3);
});

test('with new data writes them into memory that is there already', async () => {
  const step = jit((x: NDArray) => np.sum(np.square(x)));
  const run = async (i: number): Promise<void> => {
    const x = onGpu(np.full([64, 64], i));
    const y = step(x);
    expect((await y.data())[0]).toBe(4096 * i * i);
    dispose(x);
    dispose(y);
  };
  for (let i = 0; i < 3; i++) await run(i);
  const calls = count();
  for (let i = 0; i < 5; i++) await run(i);
  // A write and a call, and the copy that is read.
  expect(calls).toEqual({ pipelines: 0, modules: 0, buffers: 0, groups: 0, encoders: 10, submissions: 10, writes: 5 });
});
