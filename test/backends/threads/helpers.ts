/** Devices whose programs are split over threads however small they are. */
import { setDefaultDevice, type NDArray, type TypedArray } from 'cotangent';
import { getDefaultDevice } from '../../../src/core/concrete.js';
import { CpuDevice, type CpuDeviceOptions } from '../../../src/backends/wasm/device.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';

/** A device that splits every step that can be cut, over as many threads as `threads` says at the time of a call. */
export class ThreadedDevice extends CpuDevice {
  static count = 1;
  /** Whether programs compiled from now on are split. */
  static split: 'auto' | 'always' = 'always';

  constructor(options: CpuDeviceOptions = {}) {
    super({
      emit: (program, emitOptions) => emitProgram(program, { ...emitOptions, split: ThreadedDevice.split }),
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
