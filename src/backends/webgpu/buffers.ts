/** GPU buffers by size, reused when their arrays are gone: making one costs more than a small kernel. */
import { USAGE } from './flags.js';
import type { Stream } from './stream.js';

/** Sizes are rounded up to this many bytes, so that arrays of nearly the same size share buffers. */
const GRAIN = 256;
/** Bytes of unused buffers that are kept. */
const KEPT = 256 * 2 ** 20;

export class BufferPool {
  readonly #free = new Map<number, GPUBuffer[]>();
  #kept = 0;
  /** Bytes of all buffers that exist. */
  bytes = 0;
  readonly #owners = new FinalizationRegistry<GPUBuffer>((buffer) => {
    this.free(buffer);
  });

  constructor(
    private readonly device: GPUDevice,
    private readonly stream: Stream,
  ) {}

  allocate(bytes: number): GPUBuffer {
    const size = Math.max(GRAIN, Math.ceil(bytes / GRAIN) * GRAIN);
    const known = this.#free.get(size)?.pop();
    if (known !== undefined) {
      this.#kept -= size;
      return known;
    }
    this.bytes += size;
    return this.device.createBuffer({
      size,
      usage: USAGE.storage | USAGE.copySource | USAGE.copyTarget,
    });
  }

  /** Take `buffer` back when `owner` is collected. */
  watch(owner: object, buffer: GPUBuffer): void {
    this.#owners.register(owner, buffer, owner);
  }

  unwatch(owner: object): void {
    this.#owners.unregister(owner);
  }

  /** Take a buffer back once everything given to the device so far has been done with it. */
  free(buffer: GPUBuffer): void {
    this.stream.run(() => {
      const { size } = buffer;
      if (this.#kept + size > KEPT) {
        this.bytes -= size;
        buffer.destroy();
        return;
      }
      this.#kept += size;
      const list = this.#free.get(size);
      if (list === undefined) this.#free.set(size, [buffer]);
      else list.push(buffer);
    });
  }
}
