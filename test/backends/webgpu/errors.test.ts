/** What goes wrong on the device reaches whoever awaits a result of it, with the kernel's name; the next call works. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  DeviceLostError,
  devicePut,
  devices,
  GpuError,
  jit,
  lax,
  numpy as np,
  OutOfMemoryError,
  requestDevice,
  type Device,
  type NDArray,
} from 'cotangent';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';

const asGpu = (device: Device): WebGpuDevice => {
  if (!(device instanceof WebGpuDevice)) throw new Error('not a WebGPU device');
  return device;
};
const gpu = asGpu(await requestDevice('webgpu'));
const driver = gpu.queue.gpu;
const onGpu = (x: NDArray): NDArray => devicePut(x, gpu);

const works = async (device: Device = gpu): Promise<void> => {
  const x = devicePut(np.arange(3), device);
  expect(Array.from(await jit((v: NDArray) => v.add(1))(x).data())).toEqual([1, 2, 3]);
};

afterEach(async () => {
  vi.restoreAllMocks();
  await works();
});

/** Whatever shader is made meanwhile is not WGSL. */
function refuseShaders(): void {
  const make = driver.createShaderModule.bind(driver);
  vi.spyOn(driver, 'createShaderModule').mockImplementation((d) => make({ ...d, code: `${d.code} nonsense` }));
}

describe('a refused kernel', () => {
  const f = jit((x: NDArray) => np.sum(np.cosh(x)).mul(0.123));

  test('is an error of its results and of what is computed from them, and of nothing else', async () => {
    const x = onGpu(np.ones([5]));
    const before = x.add(1);
    refuseShaders();
    const y = f(x);
    const z = y.add(1);
    vi.restoreAllMocks();
    const other = x.mul(3);
    await expect(y.data()).rejects.toThrow(GpuError);
    await expect(y.blockUntilReady()).rejects.toThrow(/kernel \S+ was refused.*nonsense/s);
    await expect(z.data()).rejects.toThrow(/was refused/);
    expect(new Set(await before.data())).toEqual(new Set([2]));
    expect(new Set(await other.data())).toEqual(new Set([3]));
    // It may have been for once.
    expect((await f(x).data())[0]).toBeCloseTo(5 * 0.123 * Math.cosh(1), 5);
  });

  test('in a loop that asks the host', async () => {
    refuseShaders();
    const y = jit((x: NDArray) =>
      lax.whileLoop(
        (v: NDArray) => np.sum(v).less(77),
        (v: NDArray) => v.mul(1.7),
        x,
      ),
    )(onGpu(np.ones([5])));
    vi.restoreAllMocks();
    await expect(y.data()).rejects.toThrow(/was refused/);
  });
});

test('what the driver refuses later is an error of what was written since all was well', async () => {
  const x = onGpu(np.ones([4]));
  await x.blockUntilReady();
  const y = x.add(1);
  // A copy beyond the end, as no call makes it.
  const encoder = driver.createCommandEncoder();
  const buffer = driver.createBuffer({ size: 16, usage: 4 | 8 });
  encoder.copyBufferToBuffer(buffer, 0, buffer, 4096, 16);
  driver.queue.submit([encoder.finish()]);
  await expect(y.data()).rejects.toThrow(GpuError);
  await expect(y.add(1).data()).rejects.toThrow(GpuError);
  expect(Array.from(await x.data())).toEqual([1, 1, 1, 1]);
});

describe('memory', () => {
  const { maxBufferSize, maxStorageBufferBindingSize } = driver.limits;
  const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);

  test('an array larger than the device allows is an error at once, with sizes', () => {
    const elements = limit / 4 + 1;
    const wide = jit((x: NDArray) => np.broadcastTo(x, [elements]).add(np.arange(1).astype('float32')));
    const x = onGpu(np.ones([1]));
    const expected = new RegExp(
      `array of ${elements} elements of float32 takes ${4 * elements} bytes.*at most ${limit}`,
    );
    expect(() => wide(x)).toThrow(expected);
    expect(() => wide(x)).toThrow(OutOfMemoryError);
  });

  test('a buffer that the driver has no room for is an error of what is written there', async () => {
    const make = driver.createBuffer.bind(driver);
    // A buffer that cannot be made, and the answer of a driver that has no memory.
    vi.spyOn(driver, 'createBuffer').mockImplementation((d) => make({ ...d, size: 2 ** 46 }));
    const pop = driver.popErrorScope.bind(driver);
    vi.spyOn(driver, 'popErrorScope').mockImplementation(async () => {
      await pop();
      return { message: 'out of memory' };
    });
    const x = onGpu(np.ones([12345]));
    vi.restoreAllMocks();
    const y = x.add(1);
    await expect(y.data()).rejects.toThrow(OutOfMemoryError);
    await expect(x.data()).rejects.toThrow(/no memory for 49408 bytes; \d+ bytes are in use/);
  });
});

test('a lost device: its arrays say so, the CPU works, and asking again gives another', async () => {
  const other = asGpu(await requestDevice('webgpu', { powerPreference: 'low-power' }));
  expect(other).not.toBe(gpu);
  const x = devicePut(np.ones([8]), other);
  const loop = jit((v: NDArray) =>
    lax.whileLoop(
      (w: NDArray) => np.sum(w).less(1e4),
      (w: NDArray) => w.mul(1.01),
      v,
    ),
  )(x);
  other.queue.gpu.destroy();
  await expect(loop.data()).rejects.toThrow(DeviceLostError);
  await expect(x.data()).rejects.toThrow(/lost.*ask for it again with requestDevice/);
  await expect(x.add(1).data()).rejects.toThrow(DeviceLostError);
  expect(np.arange(3).add(1).js()).toEqual([1, 2, 3]);
  expect(devices()).not.toContain(other);
  const again = await requestDevice('webgpu', { powerPreference: 'low-power' });
  expect(again).not.toBe(other);
  await works(again);
});
