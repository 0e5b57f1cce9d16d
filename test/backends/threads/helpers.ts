/** Devices whose programs are split over threads however small they are. */
import { jit, setDefaultDevice, type NDArray, type TypedArray } from 'cotangent';
import { getDefaultDevice } from '../../../src/core/concrete.js';
import { CpuDevice, type CpuDeviceOptions } from '../../../src/backends/wasm/device.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';

/** A device that splits every step that can be cut, over as many threads as `threads` says at the time of a call. */
export class ThreadedDevice extends CpuDevice {
  static count = 1;

  constructor(options: CpuDeviceOptions = {}) {
    super({
      emit: (program, emitOptions) => emitProgram(program, { ...emitOptions, split: 'always' }),
      threads: () => ThreadedDevice.count,
      ...options,
    });
  }
}

/** Run `body` with `device` as the default one. */
export function onDevice<R>(device: CpuDevice, body: () => R): R {
  const before = getDefaultDevice();
  setDefaultDevice(device);
  try {
    return body();
  } finally {
    setDefaultDevice(before);
  }
}

/** The bytes of arrays. */
export const bits = (xs: readonly NDArray[]): Uint8Array[] =>
  xs.map((x) => {
    const data: TypedArray = x.dataSync();
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  });

/** What `f` gives, jitted, on `device` with each number of threads. */
export function withThreads(device: CpuDevice, counts: readonly number[], f: () => NDArray[]): Uint8Array[][] {
  return onDevice(device, () => {
    const compiled = jit(f);
    return counts.map((count) => {
      ThreadedDevice.count = count;
      return bits(compiled());
    });
  });
}
