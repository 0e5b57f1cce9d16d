/** Devices by name, and moving arrays between them. */
import { ShapedArray } from '../core/aval.js';
import { ConcreteArray, getDefaultDevice } from '../core/concrete.js';
import type { Device } from '../core/device.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { type ArrayLike } from '../core/ndarray.js';
import { flatten, unflatten, type MapTree } from '../core/tree.js';
import { cpu } from './wasm/device.js';

/** The devices of this machine that are in use. `cpu` is always there. */
export const devices = (): readonly Device[] => [cpu];

/**
 * The arrays of a tree on `device` (the default device if absent). Numbers become arrays.
 *
 * @example
 * ```ts
 * import { devicePut, devices, numpy as np } from 'cotangent';
 * devicePut(np.array([1, 2]), devices()[0]).js(); // => [1,2]
 * ```
 */
export function devicePut<T>(value: T, device: Device = getDefaultDevice()): MapTree<T, ArrayLike, NDArray> {
  const [leaves, def] = flatten<unknown>(value);
  const moved = leaves.map((x) => {
    if (!(x instanceof ConcreteArray)) {
      if (typeof x === 'number' || typeof x === 'boolean') {
        const dtype = typeof x === 'number' ? 'float32' : 'bool';
        const data = dtype === 'float32' ? Float32Array.of(Number(x)) : Uint8Array.of(Number(x));
        return new ConcreteArray(new ShapedArray([], dtype), device.fromHost(dtype, data));
      }
      throw new ArgumentError('devicePut: a leaf is no concrete array; move arrays outside of transforms');
    }
    return x.device === device && x.scalarValue === undefined
      ? x
      : new ConcreteArray(x.aval, device.fromHost(x.dtype, x.dataSync()));
  });
  return unflatten(def, moved) as MapTree<T, ArrayLike, NDArray>;
}
