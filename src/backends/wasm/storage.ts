/**
 * The storage of arrays on the CPU. The Wasm heap is a cache over memory that the JS engine collects: a cell's
 * bytes are in the heap, or in a host array, and when the cells in the heap pass a limit the least recently used
 * ones are spilled to host arrays. From then on nothing here refers to a spilled cell, so if the program has
 * dropped the array, its bytes are garbage like any other. This is what bounds a synchronous loop, in which
 * finalizers never run; between jobs, finalizers free the heap cells of dead arrays without the copy.
 *
 * Who refers to whom: array -> handle ({@link CpuStorage}) -> {@link Cell}; the store -> cells in the heap (the
 * list of recent use, and the registry's held values). Nothing here refers to a handle, and no WeakRef is made,
 * because making one keeps its target alive until the job ends.
 */
import type { Device, Storage } from '../../core/device.js';
import { byteWidth, hostArray, hostView, type DType, type TypedArray } from '../../core/dtype.js';
import { packHalves, unpackHalves } from '../../core/half.js';
import { DeletedArrayError } from '../../core/errors.js';
import { Heap, HeapExhaustedError, showBytes } from './heap.js';

/**
 * Arrays up to this many bytes never live in the heap; a call copies them in and out. V8 keeps a typed array of
 * up to 64 bytes inside its own object: 0.03 µs to make and 0.01 µs to copy, against 0.3 µs for watching a handle.
 */
export const TINY_BYTES = 64;

/**
 * Only arrays of at least this many bytes are watched by a finalizer. To register and unregister one costs about
 * 0.3 µs, and 1 µs more when it fires; spilling 16 KiB costs 1.7 µs, so up to there waiting for the spill is cheaper.
 */
const WATCH_BYTES = 32768;

/**
 * What a cell counts for besides its bytes. Cells in the heap are reachable, so a scavenge copies them; with many
 * small ones that is what they cost (128-byte results: 1.2 µs each when this is 512, 0.75 µs when it is 2048).
 */
const CELL_OVERHEAD = 2048;

/** The most that cells in the heap may hold before they are spilled; arrays in use by a call come on top. */
export const DEFAULT_SOFT_LIMIT = 256 * 2 ** 20;

/**
 * The limit in force starts here. A loop that makes garbage runs faster when the blocks it reuses are still in the
 * last-level cache (filling and spilling 1 MiB: 90 µs within 16 MiB, 130 µs within 64 MiB; the L3 had 32 MiB).
 * Whenever a spilled cell is needed again, the limit was too low, and it rises, up to the soft limit.
 */
const LIMIT_FLOOR = 16 * 2 ** 20;
/** The limit falls by this fraction of the bytes spilled, so it follows a program whose working set has shrunk. */
const LIMIT_DECAY = 1 / 64;

const EMPTY = new Int32Array(0);

/** The bytes of one array. In the heap if `address` is not 0; on the host if `host` is there; perhaps both. */
export class Cell {
  address = 0;
  /** Calls in progress that use the address. The cell is in the list of recent use when this is 0. */
  pins = 0;
  /** Times it was moved out of the heap. */
  spills = 0;
  /** Whether the registry watches the handle of this cell. */
  watched = false;
  /** Why the bytes are gone. */
  gone: string | undefined = undefined;
  // Neighbours in the list of recent use; a cell outside the list is its own neighbour.
  newer: Cell;
  older: Cell;

  constructor(
    readonly bytes: number,
    public host: Int32Array | undefined,
  ) {
    this.newer = this;
    this.older = this;
  }
}

/** A device whose arrays live in a {@link CellStore}. */
export interface CellDevice extends Device {
  readonly store: CellStore;
}

/** The handle of an array's bytes: what arrays hold. When it is collected, so are the bytes. */
export class CpuStorage implements Storage {
  constructor(
    readonly device: CellDevice,
    readonly dtype: DType,
    readonly length: number,
    readonly cell: Cell,
  ) {}

  get gone(): string | undefined {
    return this.cell.gone;
  }

  release(reason: string): void {
    this.device.store.release(this.cell, reason);
  }
}

/** The error for a use of a storage whose bytes are gone. `use` says what was tried. */
export function deletedError(storage: Storage, use: string): DeletedArrayError {
  return new DeletedArrayError(
    `${use}: this array (${storage.dtype}, ${storage.length} elements) can no longer be used: ${String(storage.gone)}. ` +
      `Use the results of that call instead, or keep the array by not donating or disposing it.`,
  );
}

/** What the memory of a CPU device holds; see `memoryStats`. */
export interface MemoryStats {
  /** Size of the WebAssembly memory. It never shrinks; pages that were never touched take no RAM. */
  readonly heapBytes: number;
  /** Bytes of it in blocks: cells, arena and call tables, rounding included. */
  readonly heapInUse: number;
  /** Arrays in the heap, and their bytes. */
  readonly cells: number;
  readonly cellBytes: number;
  /** The limit in force, between a floor and the soft limit. */
  readonly limit: number;
  readonly softLimit: number;
  /** Since the start: moves out of the heap, and the bytes that had to be copied for them. */
  readonly spills: number;
  readonly spilledBytesTotal: number;
  /** Since the start: moves into the heap, and their bytes. */
  readonly restores: number;
  readonly restoredBytesTotal: number;
  /** Since the start: cells freed because their array was collected. */
  readonly finalized: number;
}

export interface CellStoreOptions {
  readonly heap?: Heap;
  readonly softLimit?: number;
  /** Called when the heap is full and no cell can be spilled; frees what it can and says whether it did. */
  readonly reclaim?: () => boolean;
}

export class CellStore {
  readonly heap: Heap;
  readonly #reclaim: () => boolean;
  // Sentinel of the list of recent use: `older` is the most recent cell, `newer` the least recent.
  readonly #ends = new Cell(0, undefined);
  readonly #registry: FinalizationRegistry<Cell>;
  #softLimit = 0;
  #floor = 0;
  #limit = 0;
  #cells = 0;
  #cellBytes = 0;
  #spills = 0;
  #spilledBytes = 0;
  #restores = 0;
  #restoredBytes = 0;
  #finalized = 0;

  constructor(options: CellStoreOptions = {}) {
    this.heap = options.heap ?? new Heap();
    this.#reclaim = options.reclaim ?? (() => false);
    this.setSoftLimit(options.softLimit ?? DEFAULT_SOFT_LIMIT);
    this.#registry = new FinalizationRegistry((cell) => {
      cell.watched = false;
      this.#finalized += 1;
      this.release(cell, 'it was collected');
    });
  }

  get stats(): MemoryStats {
    return {
      heapBytes: this.heap.bytes,
      heapInUse: this.heap.inUse,
      cells: this.#cells,
      cellBytes: this.#cellBytes - this.#cells * CELL_OVERHEAD,
      limit: this.#limit,
      softLimit: this.#softLimit,
      spills: this.#spills,
      spilledBytesTotal: this.#spilledBytes,
      restores: this.#restores,
      restoredBytesTotal: this.#restoredBytes,
      finalized: this.#finalized,
    };
  }

  /** Change the soft limit, spilling what is above it. */
  setSoftLimit(bytes: number): void {
    this.#softLimit = bytes;
    this.#floor = Math.min(LIMIT_FLOOR, bytes);
    this.#limit = Math.max(this.#floor, Math.min(this.#limit, bytes));
    this.#makeRoom(0);
  }

  /** A cell with the bytes of `data`, which is copied. It enters the heap when it is first used there. */
  fromHost(dtype: DType, data: TypedArray): Cell {
    return new Cell(data.length * byteWidth(dtype), wordsOf(dtype, data));
  }

  /** A pinned cell in the heap whose contents are not cleared. For more than {@link TINY_BYTES}. */
  allocate(bytes: number): Cell {
    const cell = new Cell(bytes, undefined);
    this.#place(cell);
    cell.pins = 1;
    return cell;
  }

  /** A cell of tiny size whose bytes are at `address` now. */
  tinyFrom(address: number, bytes: number): Cell {
    const words = (bytes + 3) >>> 2;
    return new Cell(bytes, words === 0 ? EMPTY : this.heap.i32.slice(address >>> 2, (address >>> 2) + words));
  }

  /** Copy a tiny cell to `address`. */
  stageTiny(cell: Cell, address: number): void {
    if (cell.host !== undefined) this.heap.i32.set(cell.host, address >>> 2);
  }

  /** Let the garbage collector free the cell with its handle. */
  adopt(handle: CpuStorage): CpuStorage {
    const { cell } = handle;
    if (cell.address !== 0 && !cell.watched && cell.bytes >= WATCH_BYTES) {
      // The cell is both held value and token. It refers to no handle. A registry keeps a held value until its
      // callback has run, but spilling unregisters it, so this never keeps a cell that has left the heap.
      this.#registry.register(handle, cell, cell);
      cell.watched = true;
    }
    return handle;
  }

  /** The address of the bytes, which stay there until {@link unpin}. Brings them in if they are on the host. */
  pin(handle: CpuStorage): number {
    const { cell } = handle;
    if (cell.address === 0) {
      this.#restore(cell);
      this.adopt(handle);
    } else if (cell.pins === 0) {
      unlink(cell);
    }
    cell.pins += 1;
    return cell.address;
  }

  /** End of one use; the last one makes the cell the most recently used. */
  unpin(cell: Cell): void {
    cell.pins -= 1;
    if (cell.pins !== 0 || cell.address === 0) return;
    const first = this.#ends.older;
    cell.newer = this.#ends;
    cell.older = first;
    first.newer = cell;
    this.#ends.older = cell;
  }

  /** Free the bytes now. */
  release(cell: Cell, reason: string): void {
    if (cell.gone !== undefined) return;
    cell.gone = reason;
    cell.host = undefined;
    if (cell.address !== 0) this.#leave(cell);
  }

  /** Move the block of an unpinned cell in the heap to a new, pinned cell; the old one is gone for `reason`. */
  take(cell: Cell, reason: string): Cell {
    const next = new Cell(cell.bytes, undefined);
    next.address = cell.address;
    next.pins = 1;
    unlink(cell);
    this.#unwatch(cell);
    cell.address = 0;
    cell.host = undefined;
    cell.gone = reason;
    return next;
  }

  /** A fresh host array with the contents. */
  read(cell: Cell, dtype: DType, length: number): TypedArray {
    if (length === 0) return hostArray(dtype, 0);
    const { host } = cell;
    if (cell.bytes > TINY_BYTES) {
      return onHost(cell.bytes, () =>
        host === undefined
          ? copyOf(dtype, this.heap.memory.buffer, cell.address, length)
          : copyOf(dtype, host.buffer, 0, length),
      );
    }
    if (host === undefined) throw new Error('internal error: a tiny array is never in the heap');
    // Asking V8 for the buffer of a tiny typed array would move it out of its object, so go through a buffer of ours.
    tinyWords.set(host);
    return copyOf(dtype, tinyWords.buffer, 0, length);
  }

  /**
   * A block that is no cell, for the runtime's own use; give it back with `heap.free`. Like every allocation it
   * spills cells while the heap is full, and throws {@link HeapExhaustedError} when that does not help.
   */
  allocateBlock(bytes: number, what = 'a block'): number {
    // Moving everything out would not help.
    if (bytes > this.heap.limit) throw new HeapExhaustedError(this.heap.exhaustedMessage(bytes, what));
    let address = this.heap.tryAlloc(bytes);
    while (address === 0) {
      if (!this.#spillOldest() && !this.#reclaim())
        throw new HeapExhaustedError(this.heap.exhaustedMessage(bytes, what));
      address = this.heap.tryAlloc(bytes);
    }
    return address;
  }

  #place(cell: Cell): void {
    const charge = chargeOf(cell);
    this.#makeRoom(charge);
    cell.address = this.allocateBlock(cell.bytes, 'an array');
    this.#cells += 1;
    this.#cellBytes += charge;
  }

  #makeRoom(bytes: number): void {
    while (this.#cellBytes + bytes > this.#limit && this.#spillOldest());
  }

  #restore(cell: Cell): void {
    const { host } = cell;
    if (host === undefined) throw new Error('internal error: a cell without bytes was pinned');
    this.#place(cell);
    this.heap.i32.set(host, cell.address >>> 2);
    this.#restores += 1;
    this.#restoredBytes += cell.bytes;
    // What comes and goes keeps its host copy, which makes the next spill free; what comes once and stays does not.
    if (cell.spills === 0) cell.host = undefined;
    else this.#limit = Math.min(this.#softLimit, this.#limit + chargeOf(cell));
  }

  #spillOldest(): boolean {
    const cell = this.#ends.newer;
    if (cell === this.#ends) return false;
    if (cell.host === undefined) {
      const start = cell.address >>> 2;
      // Constructing from a view is the one way to copy that does not clear the new array first.
      const words = this.heap.i32.subarray(start, start + ((cell.bytes + 3) >>> 2));
      cell.host = onHost(cell.bytes, () => new Int32Array(words));
      this.#spilledBytes += cell.bytes;
    }
    this.#spills += 1;
    cell.spills += 1;
    this.#limit = Math.max(this.#floor, this.#limit - chargeOf(cell) * LIMIT_DECAY);
    this.#leave(cell);
    return true;
  }

  /** Out of the heap, the list and the registry. */
  #leave(cell: Cell): void {
    unlink(cell);
    this.#unwatch(cell);
    this.heap.free(cell.address, cell.bytes);
    cell.address = 0;
    this.#cells -= 1;
    this.#cellBytes -= chargeOf(cell);
  }

  #unwatch(cell: Cell): void {
    if (cell.watched) this.#registry.unregister(cell);
    cell.watched = false;
  }
}

/** What a cell in the heap counts for against the limit. */
const chargeOf = (cell: Cell): number => Heap.blockBytes(cell.bytes) + CELL_OVERHEAD;

function unlink(cell: Cell): void {
  cell.newer.older = cell.older;
  cell.older.newer = cell.newer;
  cell.newer = cell;
  cell.older = cell;
}

const tinyWords = new Int32Array(TINY_BYTES / 4);

/** A copy of `data` as words; the last one is padded with zeros. */
function wordsOf(dtype: DType, data: TypedArray): Int32Array {
  const bytes = data.length * byteWidth(dtype);
  if (bytes === 0) return EMPTY;
  if (bytes <= TINY_BYTES) {
    put(dtype, data, tinyWords.buffer);
    return tinyWords.slice(0, (bytes + 3) >>> 2);
  }
  const words = onHost(bytes, () => new Int32Array(Math.ceil(bytes / 4)));
  put(dtype, data, words.buffer);
  return words;
}

/** Elements that lie in memory, as a host array. */
const copyOf = (dtype: DType, buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray =>
  dtype === 'float16'
    ? unpackHalves(new Uint16Array(buffer, byteOffset, length))
    : hostView(dtype, buffer, byteOffset, length).slice();

/** Lay elements out at the start of a buffer. */
function put(dtype: DType, data: TypedArray, buffer: ArrayBufferLike): void {
  if (dtype === 'float16') {
    packHalves(data, new Uint16Array(buffer, 0, data.length));
    return;
  }
  const view = hostView(dtype, buffer, 0, data.length);
  view.set(data);
  if (view instanceof Uint8Array) normalize(view);
}

/** Make a host buffer; an engine that has no room for it says so in a RangeError of its own. */
function onHost<T>(bytes: number, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new HeapExhaustedError(
      `out of memory on the host: the JavaScript engine has no room for a buffer of ${showBytes(bytes)} (${cause.message}). ` +
        `Keep fewer arrays, or read and compute them in pieces.`,
      { cause },
    );
  }
}

/** Any nonzero byte is true; kernels rely on true being 1. */
function normalize(bools: Uint8Array): void {
  for (let i = 0; i < bools.length; i++) if ((bools[i] ?? 0) > 1) bools[i] = 1;
}
