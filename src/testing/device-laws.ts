/** Laws of devices: what a program gives on one it gives on another, within roundings. */
import type { Device } from '../core/device.js';
import type { DType } from '../core/dtype.js';
import { ConcreteArray, fromHost } from '../core/concrete.js';
import type { NDArray } from '../core/ndarray.js';
import { jit } from '../transforms/jit.js';
import { assertAllSame, type Tolerance } from './compare.js';
import type { OnLists } from './derivative-laws.js';
import { host, type HostArray } from './host.js';

/** Results of a function of arrays, with its operands on a device. */
export async function evaluateOn(device: Device, f: OnLists, operands: readonly HostArray[]): Promise<HostArray[]> {
  const xs = operands.map(({ aval, data }) => fromHost(data, aval.shape, aval.dtype, device));
  const results = f(...xs);
  return Promise.all(
    results.map(async (y) => host(y.shape, y.dtype, y instanceof ConcreteArray ? await y.data() : y.dataSync())),
  );
}

/** The same function, jitted as a function of one list. */
export const jitted =
  (f: OnLists): OnLists =>
  (...xs) =>
    jit((list: readonly NDArray[]) => [...f(...list)])(xs);

/** Throws CheckError unless `f` gives the same on both devices. */
export async function assertSameOn(
  what: string,
  f: OnLists,
  operands: readonly HostArray[],
  [device, reference]: readonly [Device, Device],
  tolerance: (dtype: DType) => Tolerance,
): Promise<void> {
  const [got, expected] = [await evaluateOn(device, f, operands), await evaluateOn(reference, f, operands)];
  assertAllSame(what, got, expected, tolerance);
}
