/** Times of kernels on the device: while they are taken, each launch is a pass of its own, of which the device notes the beginning and the end. */
import type { Device } from '../../core/device.js';
import { MAP_READ, USAGE } from './flags.js';

/** What a kernel took on the device. */
export interface KernelTime {
  /** Its name, as in `asText('kernels')`. */
  readonly kernel: string;
  /** Milliseconds of all its launches together. */
  readonly ms: number;
  readonly launches: number;
}

/** A GPU, as `requestDevice('webgpu')` gives it. */
export interface GpuDevice extends Device {
  /**
   * The time that each kernel takes on the device in what `call` does, in the order of their first launches. Kernels are then
   * waited for one by one, so that a call as a whole takes longer than it does otherwise; compiling does not count.
   * Browsers round times to 0.1 ms or so: there, let `call` do it many times.
   *
   * @throws ArgumentError on a device without `timestamp-query`, and while another profile is being taken.
   * @throws GpuError if the device is lost.
   * @example
   * ```ts no-run
   * import { devicePut, jit, nn, numpy as np, requestDevice } from 'cotangent';
   * const gpu = await requestDevice('webgpu');
   * const f = jit(nn.softmax);
   * const x = devicePut(np.ones([1000, 1000]), gpu);
   * for (const { kernel, ms, launches } of await gpu.profile(() => f(x))) console.log(kernel, ms / launches);
   * ```
   */
  profile(call: () => unknown): Promise<KernelTime[]>;
}

/** Times that a set of queries holds (WebGPU's limit), two for a launch. */
const QUERIES = 4096;
const BYTES = 8;
const NANOSECONDS = 1e6;

export class Profiler {
  readonly #sets: { readonly queries: GPUQuerySet; readonly kernels: string[] }[] = [];

  constructor(private readonly gpu: GPUDevice) {}

  /** Where the times of the next launch go. */
  next(kernel: string): GPUComputePassTimestampWrites {
    let set = this.#sets.at(-1);
    if (set === undefined || set.kernels.length === QUERIES / 2) {
      set = { queries: this.gpu.createQuerySet({ type: 'timestamp', count: QUERIES }), kernels: [] };
      this.#sets.push(set);
    }
    const beginning = 2 * (set.kernels.push(kernel) - 1);
    return {
      querySet: set.queries,
      beginningOfPassWriteIndex: beginning,
      endOfPassWriteIndex: beginning + 1,
    };
  }

  /** The times so far, once the device has them. */
  async take(): Promise<KernelTime[]> {
    const byKernel = new Map<string, { ms: number; launches: number }>();
    for (const { queries, kernels } of this.#sets.splice(0)) {
      const times = await this.#read(queries, 2 * kernels.length);
      kernels.forEach((kernel, i) => {
        const entry = byKernel.get(kernel) ?? { ms: 0, launches: 0 };
        byKernel.set(kernel, entry);
        entry.launches += 1;
        // Clocks of GPUs are reset at times, when they sleep: a pass that ends before it begins says nothing.
        entry.ms += Math.max(0, Number((times[2 * i + 1] ?? 0n) - (times[2 * i] ?? 0n)) / NANOSECONDS);
      });
    }
    return [...byKernel].map(([kernel, entry]) => ({ kernel, ...entry }));
  }

  async #read(queries: GPUQuerySet, count: number): Promise<BigUint64Array> {
    const { gpu } = this;
    const size = count * BYTES;
    const resolved = gpu.createBuffer({ size, usage: USAGE.queryResolve | USAGE.copySource });
    const mapped = gpu.createBuffer({ size, usage: USAGE.mapRead | USAGE.copyTarget });
    try {
      const encoder = gpu.createCommandEncoder({ label: 'profile' });
      encoder.resolveQuerySet(queries, 0, count, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, mapped, 0, size);
      gpu.queue.submit([encoder.finish()]);
      await mapped.mapAsync(MAP_READ);
      return new BigUint64Array(mapped.getMappedRange().slice(0));
    } finally {
      for (const each of [queries, resolved, mapped]) each.destroy();
    }
  }
}
