/** An array on a WebGPU device: the first bytes of a block of its own. */
import type { Device, Storage } from '../../core/device.js';
import type { DType } from '../../core/dtype.js';
import type { Block, BufferPool } from './buffers.js';

/**
 * Bytes that a buffer costs beside its own, in the driver and in the page: without them V8 would let tens of thousands of small arrays lie,
 * for finalizers run only when it looks through all of its heap.
 */
const OVERHEAD = 8 * 2 ** 10;

export class GpuStorage implements Storage {
  #gone: string | undefined;
  /**
   * Memory of the same size that is never touched, so that the garbage collector, which does not see the device's, knows
   * what it would gain.
   */
  readonly ballast: ArrayBuffer;

  constructor(
    readonly device: Device,
    readonly dtype: DType,
    /** Elements. */
    readonly length: number,
    readonly block: Block,
    private readonly pool: BufferPool,
  ) {
    this.ballast = new ArrayBuffer(block.size + OVERHEAD);
    pool.watch(this, block);
  }

  get gone(): string | undefined {
    return this.#gone;
  }

  release(reason: string): void {
    if (this.#gone === undefined) this.pool.free(this.take(reason));
  }

  /** Give the block to another storage; this one can no longer be read. */
  take(reason: string): Block {
    this.#gone = reason;
    this.pool.unwatch(this);
    return this.block;
  }
}
