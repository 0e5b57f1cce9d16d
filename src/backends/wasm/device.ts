/**
 * The `cpu` device: arrays in WebAssembly memory, programs as WebAssembly modules. It is always there and needs
 * nothing. Execution is synchronous, so a call's results can be read as soon as it returns.
 */
import type { Storage } from '../../core/device.js';
import { computeType, dtypeOfHost, type DType, type TypedArray } from '../../core/dtype.js';
import { ArgumentError, DTypeError } from '../../core/errors.js';
import type { Backend, Executable } from '../../compiler/backend.js';
import { programKey } from '../../compiler/key.js';
import type { Program } from '../../compiler/loop-ir.js';
import { LruCache } from '../../compiler/lru.js';
import { emitProgram, type EmitOptions, type EmittedProgram } from './emit-program.js';
import { CpuExecutable } from './executable.js';
import { hasFusedMultiplyAdd } from './features.js';
import { Heap } from './heap.js';
import { Region } from './region.js';
import { CellStore, CpuStorage, deletedError, type CellStoreOptions, type MemoryStats } from './storage.js';
import { ThreadPool } from './threads/pool.js';
import { canShareMemory, chooseThreads, wantedThreads } from './threads/settings.js';
import type { Spawn } from './threads/spawn.js';

/** Compiled programs that are kept for the next function of the same structure. */
const EXECUTABLES = 512;

export interface CpuDeviceOptions extends Omit<CellStoreOptions, 'reclaim'> {
  /** Prints a program as a module; another one than the usual in tests. */
  readonly emit?: (program: Program, options: EmitOptions) => EmittedProgram;
  /** Starts a worker; another way than the usual in tests. */
  readonly spawn?: Spawn;
  /** How many threads a program may use, at the time of a call; those of `setThreads` if absent. */
  readonly threads?: () => number;
}

export class CpuDevice implements Backend {
  readonly kind = 'cpu';
  readonly #options: CpuDeviceOptions;
  #store: CellStore | undefined;
  #table: Region | undefined;
  #arena: Region | undefined;
  #pool: ThreadPool | undefined;
  readonly #executables = new LruCache<CpuExecutable>(EXECUTABLES);

  constructor(options: CpuDeviceOptions = {}) {
    this.#options = options;
  }

  /** Made on first use, so that importing the library reserves no memory. */
  get store(): CellStore {
    return (this.#store ??= new CellStore({
      ...this.#options,
      heap: this.#options.heap ?? new Heap({ shared: canShareMemory() }),
      reclaim: () => this.#arena?.release() ?? false,
    }));
  }

  get pool(): ThreadPool {
    return (this.#pool ??= new ThreadPool(this.store, this.#options.spawn));
  }

  /** How many threads a large program may use. */
  get threads(): number {
    if (!this.store.heap.shared || this.#pool?.failure !== undefined) return 1;
    return this.#options.threads?.() ?? wantedThreads();
  }

  get description(): string {
    const { threads } = this;
    const simd = hasFusedMultiplyAdd() ? 'relaxed SIMD' : 'SIMD';
    return `WebAssembly, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${simd}`;
  }

  /** The block that holds the addresses passed to a program, and the tiny arrays of its call. */
  get table(): Region {
    return (this.#table ??= new Region(this.store, 'the arguments of a program'));
  }

  /** The block that holds the intermediates of a running program. */
  get arena(): Region {
    return (this.#arena ??= new Region(this.store, 'the intermediate values of a program'));
  }

  supports(_dtype: DType): boolean {
    return true;
  }

  fromHost(dtype: DType, data: TypedArray): CpuStorage {
    const fits = dtype === 'bool' ? data instanceof Uint8Array : dtypeOfHost(data) === computeType(dtype);
    if (!fits) {
      throw new DTypeError(
        `cpu: data of a ${dtype} array must be a ${HOST_NAME[computeType(dtype)]}, ` +
          `but it is a ${data.constructor.name}. Convert it first, or ask for the dtype it has.`,
      );
    }
    return new CpuStorage(this, dtype, data.length, this.store.fromHost(dtype, data));
  }

  toHost(storage: Storage): TypedArray {
    const own = this.own(storage, 'reading');
    if (own.cell.gone !== undefined) throw deletedError(own, 'reading');
    return this.store.read(own.cell, own.dtype, own.length);
  }

  copy(storage: Storage): CpuStorage {
    return this.fromHost(storage.dtype, this.toHost(storage));
  }

  // Async so that errors come as rejections, as they do on devices that have to wait.
  // eslint-disable-next-line @typescript-eslint/require-await
  async toHostAsync(storage: Storage): Promise<TypedArray> {
    return this.toHost(storage);
  }

  // A call has run when it returns.
  // eslint-disable-next-line @typescript-eslint/require-await
  async ready(storage: Storage): Promise<void> {
    const own = this.own(storage, 'waiting');
    if (own.cell.gone !== undefined) throw deletedError(own, 'waiting');
  }

  compile(program: Program): Executable {
    const { shared, maximumPages } = this.store.heap;
    const options = shared ? { sharedMemoryPages: maximumPages } : {};
    if (this.#options.emit !== undefined) return new CpuExecutable(this, program, this.#options.emit(program, options));
    // The key is the whole structure, and the map compares it whole: equal hashes do not make programs equal.
    const key = programKey(program);
    let executable = this.#executables.get(key);
    if (executable === undefined) {
      executable = new CpuExecutable(this, program, emitProgram(program, options));
      this.#executables.set(key, executable);
    }
    return executable;
  }

  /** Compiled programs that are kept for the next function of the same structure. */
  get compiled(): number {
    return this.#executables.size;
  }

  /** The storage as one of this device; throws if it is another's. */
  own(storage: Storage, use: string): CpuStorage {
    if (storage instanceof CpuStorage && storage.device === this) return storage;
    throw new ArgumentError(
      `${use}: the array is on device ${storage.device.kind}, not on this ${this.kind} device. ` +
        `Copy it over first: read it with await x.data() and make a new array.`,
    );
  }

  /** What the memory holds. */
  stats(): MemoryStats & { readonly arenaBytes: number } {
    return { ...this.store.stats, arenaBytes: this.#arena?.bytes ?? 0 };
  }
}

const HOST_NAME = {
  bool: 'Uint8Array',
  float32: 'Float32Array',
  float64: 'Float64Array',
  int32: 'Int32Array',
  uint32: 'Uint32Array',
} as const;

/** The embedded default device. */
export const cpu = new CpuDevice();

/** What the memory of the `cpu` device holds: for tests, and for finding out where memory goes. */
export const memoryStats = (): MemoryStats & { readonly arenaBytes: number } => cpu.stats();

/**
 * Set on how many threads large programs run, the calling one included: 1 to 64. Results are the same, to the bit, for any
 * number. Without an argument: as many as the machine has, at most 8, which is where it begins.
 *
 * Threads are workers on a shared memory; they start when the first large program runs, do not keep a process alive, and
 * need `SharedArrayBuffer`, which a page has when it is cross-origin isolated. Without it, or where workers
 * cannot start, there is one thread whatever is set: see {@link getThreads}.
 *
 * @throws ArgumentError if `n` is no integer from 1 to 64.
 * @example
 * ```ts
 * import { getThreads, numpy as np, setThreads } from 'cotangent';
 * setThreads(2);
 * np.sum(np.ones([1000, 1000])).item(); // => 1000000
 * setThreads();
 * ```
 */
export const setThreads = (n?: number): void => {
  chooseThreads(n);
};

/**
 * On how many threads large programs may run: what {@link setThreads} set, or 1 where memory cannot be shared or
 * workers did not start.
 *
 * @example
 * ```ts
 * import { getThreads, setThreads } from 'cotangent';
 * setThreads(1);
 * getThreads(); // => 1
 * setThreads();
 * ```
 */
export const getThreads = (): number => cpu.threads;

/** Set how many bytes of arrays may stay in the WebAssembly heap before they move to host buffers. For tests. */
export const setSoftLimit = (bytes: number): void => {
  cpu.store.setSoftLimit(bytes);
};
