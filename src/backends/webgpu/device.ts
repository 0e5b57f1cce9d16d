/**
 * The `webgpu` device: arrays in buffers of a GPU, programs as compute shaders. It is an in-order stream: a call returns at
 * once, and reading an array waits for what was given before.
 */
import type { Backend, Executable } from '../../compiler/backend.js';
import { besideApart } from '../../compiler/beside-apart.js';
import { programKey } from '../../compiler/key.js';
import type { Program } from '../../compiler/loop-ir.js';
import { LruCache } from '../../compiler/lru.js';
import type { Storage } from '../../core/device.js';
import { hostArray, type DType, type TypedArray } from '../../core/dtype.js';
import { ArgumentError, DeletedArrayError } from '../../core/errors.js';
import { packHalves, roundToHalf, unpackHalves } from '../../core/half.js';
import type { MemoryLayout } from '../../compiler/plan.js';
import type { GpuCapabilities } from './capabilities.js';
import { GpuExecutable, type ExecutableDevice } from './executable.js';
import { lowerProgram } from './lower-program.js';
import { bytesOf, gpuLayout } from './memory-layout.js';
import { Profiler, type GpuDevice, type KernelTime } from './profiler.js';
import { GpuQueue } from './queue.js';
import type { Tile } from './tile.js';
import { GpuStorage } from './storage.js';
import type { TileStore } from './tile-store.js';
import { Tuner, type Bench } from './tuner.js';

/** Compiled programs that are kept for the next function of the same structure. */
const EXECUTABLES = 512;

export class WebGpuDevice implements Backend, ExecutableDevice, GpuDevice {
  readonly kind = 'webgpu';
  readonly layout: MemoryLayout;
  readonly queue: GpuQueue;
  readonly #executables = new LruCache<GpuExecutable>(EXECUTABLES);

  readonly tuner: Tuner | undefined;

  constructor(
    gpu: GPUDevice,
    readonly description: string,
    readonly capabilities: GpuCapabilities,
    /** If tiles are to be measured: those known so far, and where to keep them. */
    tuning?: { readonly tiles: Map<string, Tile>; readonly store: TileStore | undefined },
  ) {
    this.queue = new GpuQueue(gpu);
    this.layout = gpuLayout(capabilities);
    if (tuning !== undefined) {
      this.capabilities = { ...capabilities, tiles: tuning.tiles };
      this.tuner = new Tuner(capabilities, tuning.tiles, (tiles) => this.#bench(gpu, tiles), tuning.store);
    }
  }

  /** A device of its own on the same GPU, for measurements. */
  #bench(gpu: GPUDevice, tiles: ReadonlyMap<string, Tile>): Bench {
    const device = new WebGpuDevice(gpu, this.description, { ...this.capabilities, tiles });
    return {
      newStorage: (dtype, length) => device.newStorage(dtype, length),
      ready: (storage) => device.ready(storage),
      make: (program) => new GpuExecutable(device, program),
      trim: () => {
        device.queue.buffers.trim();
      },
    };
  }

  /** Resolves when the device is gone. */
  get lost(): Promise<unknown> {
    return this.queue.gpu.lost;
  }

  supports(dtype: DType): boolean {
    return dtype !== 'float64';
  }

  newStorage(dtype: DType, length: number): GpuStorage {
    const { buffers } = this.queue;
    const bytes = bytesOf(dtype, length, this.capabilities);
    buffers.checkArray(bytes, `an array of ${length} elements of ${dtype}`);
    return new GpuStorage(this, dtype, length, buffers.allocate(bytes), buffers);
  }

  fromHost(dtype: DType, data: TypedArray): GpuStorage {
    const storage = this.newStorage(dtype, data.length);
    const words = this.#packed(dtype, data);
    const { gpu, failures } = this.queue;
    gpu.queue.writeBuffer(storage.block.buffer, 0, words.buffer, words.byteOffset, words.byteLength);
    failures.write(storage.block);
    return storage;
  }

  /** Elements as they lie in the memory of the device. */
  #packed(dtype: DType, data: TypedArray): TypedArray | Uint16Array<ArrayBuffer> {
    // WGSL stores no bytes.
    if (data instanceof Uint8Array) return new Uint32Array(data);
    if (dtype !== 'float16') return data;
    if (!this.capabilities.f16) return Float32Array.from(data, roundToHalf);
    // Whole words are written.
    const halves = new Uint16Array(2 * Math.ceil(data.length / 2));
    packHalves(data, halves);
    return halves;
  }

  toHost(_storage: Storage): TypedArray {
    throw new ArgumentError(
      'webgpu: an array on this device cannot be read synchronously, for the device may still be computing it. Use await x.data(), ' +
        'or await devicePutAsync(x, device) for an array on another device.',
    );
  }

  async toHostAsync(storage: Storage): Promise<TypedArray> {
    const own = this.#readable(storage, 'reading');
    await this.queue.stream.idle();
    if (own.length === 0) await this.queue.done(own.block);
    const bytes =
      own.length === 0
        ? undefined
        : await this.queue.read(own.block, 0, bytesOf(own.dtype, own.length, this.capabilities));
    // That the storage is used here keeps its memory from being given to another while it is read.
    const result = hostArray(own.dtype, own.length);
    if (bytes === undefined) return result;
    if (own.dtype === 'float16' && this.capabilities.f16) return unpackHalves(new Uint16Array(bytes, 0, own.length));
    if (result instanceof Uint8Array) result.set(new Uint32Array(bytes));
    else new Uint8Array(result.buffer).set(new Uint8Array(bytes));
    return result;
  }

  async ready(storage: Storage): Promise<void> {
    const own = this.#readable(storage, 'waiting');
    await this.queue.stream.idle();
    await this.queue.done(own.block);
    // As above.
    this.queue.check(own.block);
  }

  copy(storage: Storage): GpuStorage {
    const { dtype, length, block } = this.#readable(storage, 'copying');
    const copy = this.newStorage(dtype, length);
    const { stream, gpu, failures } = this.queue;
    stream.run(() => {
      copy.block.failure = failures.of(block);
      const encoder = gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(block.buffer, 0, copy.block.buffer, 0, bytesOf(dtype, length, this.capabilities));
      gpu.queue.submit([encoder.finish()]);
      failures.write(copy.block);
    });
    return copy;
  }

  async profile(call: () => unknown): Promise<KernelTime[]> {
    const { queue, capabilities } = this;
    if (!capabilities.timestamps)
      throw new ArgumentError(
        'profile: this device has no times of kernels (timestamp-query). Take those of calls: await y.blockUntilReady().',
      );
    // What was called before is not part of it.
    await queue.stream.idle();
    if (queue.profiler !== undefined)
      throw new ArgumentError('profile: another profile is being taken on this device. Await it first.');
    const profiler = (queue.profiler = new Profiler(queue.gpu));
    try {
      await call();
      await queue.stream.idle();
      return await profiler.take();
    } catch (error) {
      throw queue.failures.lost ?? error;
    } finally {
      queue.profiler = undefined;
    }
  }

  #readable(storage: Storage, use: string): GpuStorage {
    const own = this.own(storage, use);
    if (own.gone !== undefined) throw new DeletedArrayError(`${use}: the array can no longer be used: ${own.gone}`);
    return own;
  }

  own(storage: Storage, use: string): GpuStorage {
    if (storage instanceof GpuStorage && storage.device === this) return storage;
    throw new ArgumentError(
      `${use}: the array is on device ${storage.device.kind}, not on this ${this.kind} device. Move it with devicePut(x, device).`,
    );
  }

  compile(program: Program): Executable {
    const key = programKey(program);
    let executable = this.#executables.get(key);
    if (executable === undefined)
      this.#executables.set(key, (executable = new GpuExecutable(this, lowerProgram(besideApart(program)))));
    return executable;
  }
}
