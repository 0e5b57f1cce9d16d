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
import { GpuExecutable, type ExecutableDevice } from './executable.js';
import { bytesOf, GPU_LAYOUT } from './memory-layout.js';
import { GpuQueue } from './queue.js';
import { GpuStorage } from './storage.js';

/** Compiled programs that are kept for the next function of the same structure. */
const EXECUTABLES = 512;

export class WebGpuDevice implements Backend, ExecutableDevice {
  readonly kind = 'webgpu';
  readonly layout = GPU_LAYOUT;
  readonly queue: GpuQueue;
  readonly #executables = new LruCache<GpuExecutable>(EXECUTABLES);

  constructor(
    gpu: GPUDevice,
    /** The adapter, in its own words. */
    readonly description: string,
  ) {
    this.queue = new GpuQueue(gpu);
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
    return new GpuStorage(this, dtype, length, buffers.allocate(bytesOf(dtype, length)), buffers);
  }

  fromHost(dtype: DType, data: TypedArray): GpuStorage {
    const storage = this.newStorage(dtype, data.length);
    // WGSL stores no bytes.
    const words = data instanceof Uint8Array ? Uint32Array.from(data) : data;
    this.queue.gpu.queue.writeBuffer(storage.buffer, 0, words.buffer, words.byteOffset, words.byteLength);
    return storage;
  }

  toHost(_storage: Storage): TypedArray {
    throw new ArgumentError(
      'webgpu: an array on this device cannot be read synchronously, for the device may still be computing it. Use await x.data().',
    );
  }

  async toHostAsync(storage: Storage): Promise<TypedArray> {
    const { dtype, length, buffer } = this.#readable(storage, 'reading');
    const result = hostArray(dtype, length);
    await this.queue.stream.idle();
    if (length > 0) {
      const bytes = await this.queue.read(buffer, 0, bytesOf(dtype, length));
      if (result instanceof Uint8Array) result.set(new Uint32Array(bytes));
      else new Uint8Array(result.buffer).set(new Uint8Array(bytes));
    }
    await this.queue.check();
    return result;
  }

  async ready(storage: Storage): Promise<void> {
    this.#readable(storage, 'waiting');
    await this.queue.stream.idle();
    await this.queue.gpu.queue.onSubmittedWorkDone();
    await this.queue.check();
  }

  copy(storage: Storage): GpuStorage {
    const { dtype, length, buffer } = this.#readable(storage, 'copying');
    const copy = this.newStorage(dtype, length);
    const { stream, gpu } = this.queue;
    stream.run(() => {
      const encoder = gpu.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, 0, copy.buffer, 0, bytesOf(dtype, length));
      gpu.queue.submit([encoder.finish()]);
    });
    return copy;
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
      this.#executables.set(key, (executable = new GpuExecutable(this, besideApart(program))));
    return executable;
  }
}
