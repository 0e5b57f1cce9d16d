/** Devices by name, and moving arrays between them. */
import { ShapedArray } from '../core/aval.js';
import { ConcreteArray, getDefaultDevice } from '../core/concrete.js';
import type { Device } from '../core/device.js';
import type { TypedArray } from '../core/dtype.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { type ArrayLike } from '../core/ndarray.js';
import { flatten, unflatten, type MapTree } from '../core/tree.js';
import { cpu } from './wasm/device.js';
import type { GpuDevice } from './webgpu/profiler.js';
import type { WebGpuOptions } from './webgpu/request.js';

const inUse: Device[] = [cpu];

/** The devices of this machine that are in use: `cpu`, which is always there, and those that were asked for. */
export const devices = (): readonly Device[] => [...inUse];

/** Devices asked for, by what was asked. */
const requested = new Map<string, Promise<GpuDevice>>();

/**
 * A device by name. `cpu` is always there; `webgpu` is the browser's GPU, or in Node that of the package `webgpu` (Dawn), which must
 * be installed beside this one. Asking again gives the same device, so that arrays of both askers mix.
 *
 * @throws NoDeviceError if there is no WebGPU here, or no adapter for it.
 * @example
 * ```ts no-run
 * import { jit, numpy as np, requestDevice, setDefaultDevice } from 'cotangent';
 * setDefaultDevice(await requestDevice('webgpu'));
 * const y = jit(np.tanh)(np.arange(5));
 * console.log(await y.data());
 * ```
 */
export function requestDevice(kind: 'webgpu', options?: WebGpuOptions): Promise<GpuDevice>;
export function requestDevice(kind: 'cpu' | 'webgpu', options?: WebGpuOptions): Promise<Device>;
export function requestDevice(kind: 'cpu' | 'webgpu', options: WebGpuOptions = {}): Promise<Device> {
  if (kind === 'cpu') return Promise.resolve(cpu);
  const key = JSON.stringify(options);
  let device = requested.get(key);
  if (device === undefined) {
    device = import('./webgpu/request.js').then(async ({ requestWebGpu }) => {
      const gpu = await requestWebGpu(options);
      inUse.push(gpu);
      // A device that is lost is not given again.
      void gpu.lost.then(() => {
        requested.delete(key);
        inUse.splice(inUse.indexOf(gpu), 1);
      });
      return gpu;
    });
    // Nor is a failure: a driver may have come meanwhile.
    device.catch(() => requested.delete(key));
    requested.set(key, device);
  }
  return device;
}

/** An array on a device; made of a number, or of elements that are on the host. */
function put(x: unknown, device: Device, read: (x: ConcreteArray) => TypedArray, op: string): ConcreteArray {
  if (typeof x === 'number' || typeof x === 'boolean') {
    const dtype = typeof x === 'number' ? 'float32' : 'bool';
    const data = dtype === 'float32' ? Float32Array.of(Number(x)) : Uint8Array.of(Number(x));
    return new ConcreteArray(new ShapedArray([], dtype), device.fromHost(dtype, data));
  }
  if (!(x instanceof ConcreteArray))
    throw new ArgumentError(`${op}: a leaf is no concrete array; move arrays outside of transforms`);
  return isThere(x, device) ? x : new ConcreteArray(x.aval, device.fromHost(x.dtype, read(x)));
}

const isThere = (x: ConcreteArray, device: Device): boolean => x.device === device && x.scalarValue === undefined;

/**
 * The arrays of a tree on `device` (the default device if absent). Numbers become arrays.
 *
 * @throws ArgumentError for an array on a GPU that is to be elsewhere: it can only be waited for, by `devicePutAsync`.
 * @example
 * ```ts
 * import { devicePut, devices, numpy as np } from 'cotangent';
 * devicePut(np.array([1, 2]), devices()[0]).js(); // => [1,2]
 * ```
 */
export function devicePut<T>(value: T, device: Device = getDefaultDevice()): MapTree<T, ArrayLike, NDArray> {
  const [leaves, def] = flatten<unknown>(value);
  return unflatten(
    def,
    leaves.map((x) => put(x, device, (array) => array.dataSync(), 'devicePut')),
  ) as MapTree<T, ArrayLike, NDArray>;
}

/**
 * As `devicePut`, from any device: waits until the arrays are computed, and reads all of them at once.
 *
 * @throws GpuError if computing one of them failed.
 * @example
 * ```ts
 * import { devicePutAsync, devices, numpy as np } from 'cotangent';
 * // Say, parameters that were trained on a GPU.
 * const { w } = await devicePutAsync({ w: np.array([1, 2]) }, devices()[0]);
 * w.js(); // => [1,2]
 * ```
 */
export async function devicePutAsync<T>(
  value: T,
  device: Device = getDefaultDevice(),
): Promise<MapTree<T, ArrayLike, NDArray>> {
  const [leaves, def] = flatten<unknown>(value);
  const elements = new Map<ConcreteArray, TypedArray>();
  await Promise.all(
    leaves.map(async (x) => {
      if (x instanceof ConcreteArray && !isThere(x, device)) elements.set(x, await x.data());
    }),
  );
  return unflatten(
    def,
    leaves.map((x) => put(x, device, (array) => elements.get(array) ?? array.dataSync(), 'devicePutAsync')),
  ) as MapTree<T, ArrayLike, NDArray>;
}
