/** Blocks of GPU memory by size, reused when their arrays are gone: making one costs more than a small kernel. */
import { OutOfMemoryError } from './errors.js';
import { USAGE } from './flags.js';
import type { Stream } from './stream.js';

/** Sizes are rounded up to this many bytes, so that arrays of nearly the same size share blocks. */
const GRAIN = 256;
/** Bytes of unused blocks that are kept. */
const KEPT = 256 * 2 ** 20;

/** A buffer, and what is known of its content. */
export interface Block {
  /** Never given again, so that it names a block in keys. */
  readonly id: number;
  readonly buffer: GPUBuffer;
  /** Bytes. */
  readonly size: number;
  /** When it was last written, in the queue's time. */
  written: number;
  /** Why its content is not what it should be. */
  failure: Error | undefined;
}

let nextId = 0;

export class BufferPool {
  readonly #free = new Map<number, Block[]>();
  #kept = 0;
  /** Of all buffers that exist. */
  bytes = 0;
  count = 0;

  /** Bytes of buffers that arrays and programs have. */
  get used(): number {
    return this.bytes - this.#kept;
  }

  readonly #owners = new FinalizationRegistry<Block>((block) => {
    this.free(block);
  });

  constructor(
    private readonly device: GPUDevice,
    private readonly stream: Stream,
    /** Told when a buffer is no more, and when one could not be had. */
    private readonly on: { readonly destroyed: () => void; readonly failed: (error: Error) => void },
  ) {}

  /** Throws if an array of so many bytes cannot be on this device. */
  checkArray(bytes: number, what: string): void {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    check(bytes, Math.min(maxBufferSize, maxStorageBufferBindingSize), what);
  }

  /** Throws if there cannot be a buffer of so many bytes, whose parts are bound one by one. */
  checkBuffer(bytes: number, what: string): void {
    check(bytes, this.device.limits.maxBufferSize, what);
  }

  allocate(bytes: number): Block {
    // A little more than the device has room for, where rounding up would make it too much.
    const size = Math.max(GRAIN, Math.min(Math.ceil(bytes / GRAIN) * GRAIN, this.device.limits.maxBufferSize));
    const known = this.#free.get(size)?.pop();
    if (known !== undefined) {
      this.#kept -= size;
      known.failure = undefined;
      return known;
    }
    return this.#make(size, USAGE.storage | USAGE.uniform | USAGE.copySource | USAGE.copyTarget);
  }

  /** A block of its own use, which is not pooled. */
  reserve(bytes: number, usage: number): Block {
    return this.#make(Math.ceil(bytes / GRAIN) * GRAIN, usage);
  }

  #make(size: number, usage: number): Block {
    this.device.pushErrorScope('out-of-memory');
    const block: Block = {
      id: nextId++,
      buffer: this.device.createBuffer({ size, usage }),
      size,
      written: 0,
      failure: undefined,
    };
    this.bytes += size;
    this.count += 1;
    this.device.popErrorScope().then(
      (error) => {
        if (error !== null) this.#outOfMemory(block, error);
      },
      // The device is lost, and says so elsewhere.
      () => undefined,
    );
    return block;
  }

  #outOfMemory(block: Block, cause: GPUError): void {
    block.failure = new OutOfMemoryError(
      `webgpu: no memory for ${block.size} bytes; ${this.bytes - block.size} bytes are in use. Arrays that are no longer needed are ` +
        `freed when they are collected: await now and then, dispose of large ones, or donate them to jitted calls. (${cause.message})`,
      { cause },
    );
    this.trim();
    this.on.failed(block.failure);
  }

  /** Give back all that is not in use. */
  trim(): void {
    const unused = [...this.#free.values()].flat();
    this.#free.clear();
    this.#kept = 0;
    unused.forEach((block) => {
      this.destroy(block);
    });
  }

  /** The end of a block that nothing uses any more. */
  destroy(block: Block): void {
    this.bytes -= block.size;
    this.count -= 1;
    block.buffer.destroy();
    this.on.destroyed();
  }

  /** Take `block` back when `owner` is collected. */
  watch(owner: object, block: Block): void {
    this.#owners.register(owner, block, owner);
  }

  unwatch(owner: object): void {
    this.#owners.unregister(owner);
  }

  /** Take a block back once everything given to the device so far has been done with it. */
  free(block: Block): void {
    this.stream.run(() => {
      const { size } = block;
      if (block.failure instanceof OutOfMemoryError || this.#kept + size > KEPT) {
        this.destroy(block);
        return;
      }
      this.#kept += size;
      const list = this.#free.get(size);
      if (list === undefined) this.#free.set(size, [block]);
      else list.push(block);
    });
  }
}

function check(bytes: number, limit: number, what: string): void {
  if (bytes <= limit) return;
  throw new OutOfMemoryError(
    `webgpu: ${what} takes ${bytes} bytes, but this device allows at most ${limit} in one array. Split it, or use the cpu device.`,
  );
}
