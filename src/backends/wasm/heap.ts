/**
 * The heap: an allocator over one growable WebAssembly memory. Blocks are aligned to 64 bytes (a cache line, and
 * four SIMD registers). Small blocks come from slabs of one size each, in O(1); large ones from the best-fit span
 * allocator. All bookkeeping lives outside the memory.
 */
import { CotangentError } from '../../core/errors.js';
import { SpanAllocator } from './spans.js';

/** Every block begins at a multiple of this, and occupies a multiple of it. */
export const BLOCK_ALIGN = 64;

const WASM_PAGE = 65536;
/** Unit of the span allocator; the size of a virtual-memory page nearly everywhere. */
const GRANULE = 4096;
const GRANULES_PER_PAGE = WASM_PAGE / GRANULE;
/** 4 GiB - 64 KiB: with all 65536 pages the end of memory would not fit an i32 address. */
const MAXIMUM_PAGES = 65535;

/** Largest block that comes from a slab. */
const SMALL_MAX = 16384;
const SMALL_UNITS = SMALL_MAX / BLOCK_ALIGN;
/** A used slot of a slab; the largest slab has 1024 slots. */
const USED = 0xffff;
const END = 0xfffe;

// Slab block sizes in units of 64 bytes: every multiple up to 8 units, then four per power of two, which bounds
// the waste by a quarter.
const CLASS_UNITS: number[] = [1, 2, 3, 4, 5, 6, 7, 8];
for (let power = 8; power < SMALL_UNITS; power *= 2) {
  for (let quarter = 5; quarter <= 8; quarter++) CLASS_UNITS.push((power * quarter) / 4);
}
const CLASS_OF_UNITS = new Uint8Array(SMALL_UNITS + 1);
for (let units = 1; units <= SMALL_UNITS; units++) {
  CLASS_OF_UNITS[units] = CLASS_UNITS.findIndex((size) => size >= units);
}

/**
 * There is no room: the WebAssembly memory is full (it holds 4 GiB at most), or the engine refuses a buffer. The message says
 * how many bytes were wanted and how many there are. Everything is as it was, and later calls work.
 *
 * Fix: compute in pieces (smaller batches, `lax.map`), donate arguments that are not needed afterwards
 * (`jit(f, { donate })`), or recompute instead of store (`checkpoint`).
 */
export class HeapExhaustedError extends CotangentError {
  override name = 'HeapExhaustedError';
}

/** Bytes with a unit, for messages. */
export function showBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1] ?? ''}`;
}

export interface HeapOptions {
  /** Pages of 64 KiB at the start; default 16 (1 MiB). */
  readonly initialPages?: number;
  /** Pages of 64 KiB it may grow to; default 65535 (4 GiB - 64 KiB). */
  readonly maximumPages?: number;
  /** Whether other threads can reach it; default false. */
  readonly shared?: boolean;
}

/** A run of granules cut into equal blocks. */
class Slab {
  used = 0;
  /** Slots from here on have never been handed out. */
  fresh = 0;
  /** First of the freed slots, each of which holds the next in `links`. */
  free = END;
  readonly capacity: number;
  readonly links: Uint16Array;
  next: Slab | undefined;
  previous: Slab | undefined;

  constructor(
    readonly base: number,
    readonly blockBytes: number,
    slabBytes: number,
    readonly sizeClass: number,
  ) {
    this.capacity = Math.floor(slabBytes / blockBytes);
    this.links = new Uint16Array(this.capacity);
  }
}

export class Heap {
  readonly memory: WebAssembly.Memory;
  /** Whether other threads can reach the memory. */
  readonly shared: boolean;
  /** Pages of 64 KiB that it may grow to. */
  readonly maximumPages: number;
  /** The whole memory. Growth makes new views: read these anew after anything that may allocate. */
  i32: Int32Array;
  u8: Uint8Array;
  readonly #spans = new SpanAllocator();
  /** The slab a granule belongs to. */
  readonly #slabs: (Slab | undefined)[] = [];
  /** Per size class, the slabs with a free slot. */
  readonly #partial: (Slab | undefined)[] = CLASS_UNITS.map(() => undefined);
  /** Per size class, one slab without used blocks, kept so that a loop at a slab's edge does not churn. */
  readonly #empty: (Slab | undefined)[] = CLASS_UNITS.map(() => undefined);
  #inUse = 0;

  constructor(options: HeapOptions = {}) {
    const { initialPages = 16, maximumPages = MAXIMUM_PAGES, shared = false } = options;
    const { memory, maximum } = makeMemory(initialPages, Math.min(maximumPages, MAXIMUM_PAGES), shared);
    this.memory = memory;
    this.shared = shared;
    this.maximumPages = maximum;
    this.i32 = new Int32Array(memory.buffer);
    this.u8 = new Uint8Array(memory.buffer);
    this.#spans.extend(memory.buffer.byteLength / GRANULE);
    // Address 0 is never a block, so that it can say "none".
    this.#spans.take(1);
  }

  /** Bytes of memory, used or not. */
  get bytes(): number {
    return this.u8.length;
  }

  /** Bytes in blocks handed out, rounding included. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Bytes that a block of `bytes` occupies. */
  static blockBytes(bytes: number): number {
    return bytes > SMALL_MAX
      ? Math.ceil(bytes / GRANULE) * GRANULE
      : (CLASS_UNITS[CLASS_OF_UNITS[(bytes + 63) >>> 6] ?? 0] ?? 0) * BLOCK_ALIGN;
  }

  /** The address of a new block of at least `bytes` > 0 bytes, not cleared, or 0 when there is no room. */
  tryAlloc(bytes: number): number {
    if (bytes > SMALL_MAX) return this.#allocSpan(Math.ceil(bytes / GRANULE));
    const sizeClass = CLASS_OF_UNITS[(bytes + 63) >>> 6] ?? 0;
    const slab = this.#partial[sizeClass] ?? this.#newSlab(sizeClass);
    if (slab === undefined) return 0;
    let slot = slab.free;
    if (slot === END) slot = slab.fresh++;
    else slab.free = slab.links[slot] ?? END;
    slab.links[slot] = USED;
    slab.used += 1;
    if (slab.used === slab.capacity) this.#unlinkSlab(slab);
    this.#inUse += slab.blockBytes;
    return slab.base + slot * slab.blockBytes;
  }

  /** Like {@link tryAlloc}; throws {@link HeapExhaustedError} when there is no room. */
  alloc(bytes: number): number {
    const address = this.tryAlloc(bytes);
    if (address === 0) throw new HeapExhaustedError(this.exhaustedMessage(bytes));
    return address;
  }

  /** Give back a block: its address, and the `bytes` it was allocated with. */
  free(address: number, bytes: number): void {
    if (bytes > SMALL_MAX) {
      this.#inUse -= this.#spans.release(address / GRANULE) * GRANULE;
      return;
    }
    const slab = this.#slabs[Math.floor(address / GRANULE)];
    const slot = slab === undefined ? -1 : (address - slab.base) / slab.blockBytes;
    if (slab?.links[slot] !== USED) throw new Error(`internal error: no block of ${bytes} bytes at ${address}`);
    slab.links[slot] = slab.free;
    slab.free = slot;
    this.#inUse -= slab.blockBytes;
    if (slab.used === slab.capacity) this.#linkSlab(slab);
    slab.used -= 1;
    if (slab.used > 0) return;
    const spare = this.#empty[slab.sizeClass];
    if (spare !== undefined && spare !== slab && spare.used === 0) this.#releaseSlab(spare);
    this.#empty[slab.sizeClass] = slab;
  }

  /** Give the empty slabs back to the span allocator. */
  trim(): void {
    for (const [sizeClass, slab] of this.#empty.entries()) {
      if (slab?.used === 0) this.#releaseSlab(slab);
      this.#empty[sizeClass] = undefined;
    }
  }

  /** The free spans as [address, bytes]; free slots of slabs in use are not among them. */
  freeSpans(): (readonly [address: number, bytes: number])[] {
    return [...this.#spans.freeSpans()].map(([start, length]) => [start * GRANULE, length * GRANULE] as const);
  }

  /** Bytes that the memory can grow to. */
  get limit(): number {
    return this.maximumPages * WASM_PAGE;
  }

  /** What to tell the user when there is no room for `bytes` more, wanted for `what`. */
  exhaustedMessage(bytes: number, what = 'a block'): string {
    if (bytes > this.limit) {
      return (
        `out of memory on cpu: ${what} of ${showBytes(bytes)} is more than the ${showBytes(this.limit)} that the ` +
        `WebAssembly memory can ever hold; its addresses have 32 bits. Compute it in pieces (smaller batches, lax.map), ` +
        `or store less of it at once (a smaller dtype, checkpoint).`
      );
    }
    return (
      `out of memory on cpu: no room for ${what} of ${showBytes(bytes)}; ${showBytes(this.#inUse)} of at most ` +
      `${showBytes(this.limit)} are in use by this computation. Use smaller batches, donate inputs that are not ` +
      `needed afterwards (jit(f, { donate: [...] })), or recompute instead of store (checkpoint).`
    );
  }

  #allocSpan(granules: number): number {
    let start = this.#spans.take(granules);
    if (start < 0) {
      this.trim();
      start = this.#spans.take(granules);
    }
    if (start < 0) {
      if (!this.#grow(granules)) return 0;
      start = this.#spans.take(granules);
    }
    this.#inUse += granules * GRANULE;
    return start * GRANULE;
  }

  /** Grow so that a span of `granules` exists at the end, and geometrically, so that growing is rare. */
  #grow(granules: number): boolean {
    const pages = this.bytes / WASM_PAGE;
    const room = this.maximumPages - pages;
    const need = Math.ceil((granules - this.#spans.freeAtEnd) / GRANULES_PER_PAGE);
    if (need > room) return false;
    const wish = Math.min(room, Math.max(need, pages >>> 1));
    // An engine short of address space may refuse the comfortable amount and grant the exact one.
    if (!this.#growBy(wish) && !(wish > need && this.#growBy(need))) return false;
    this.i32 = new Int32Array(this.memory.buffer);
    this.u8 = new Uint8Array(this.memory.buffer);
    this.#spans.extend(this.memory.buffer.byteLength / GRANULE);
    return true;
  }

  #growBy(pages: number): boolean {
    try {
      this.memory.grow(pages);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }

  #newSlab(sizeClass: number): Slab | undefined {
    const blockBytes = (CLASS_UNITS[sizeClass] ?? 0) * BLOCK_ALIGN;
    // At least 8 blocks a slab, so that less than an eighth is lost at its end.
    const slabBytes = blockBytes <= 2048 ? 16 * GRANULE : 32 * GRANULE;
    const base = this.#allocSpan(slabBytes / GRANULE);
    if (base === 0) return undefined;
    this.#inUse -= slabBytes;
    const slab = new Slab(base, blockBytes, slabBytes, sizeClass);
    for (let granule = base / GRANULE; granule < (base + slabBytes) / GRANULE; granule++) this.#setSlab(granule, slab);
    this.#linkSlab(slab);
    return slab;
  }

  #setSlab(granule: number, slab: Slab | undefined): void {
    // Filling the gap keeps the array dense, which is what makes the look-up fast.
    while (this.#slabs.length < granule) this.#slabs.push(undefined);
    this.#slabs[granule] = slab;
  }

  #releaseSlab(slab: Slab): void {
    this.#unlinkSlab(slab);
    const granules = this.#spans.release(slab.base / GRANULE);
    for (let i = 0; i < granules; i++) this.#setSlab(slab.base / GRANULE + i, undefined);
  }

  #linkSlab(slab: Slab): void {
    const head = this.#partial[slab.sizeClass];
    slab.next = head;
    slab.previous = undefined;
    if (head !== undefined) head.previous = slab;
    this.#partial[slab.sizeClass] = slab;
  }

  #unlinkSlab(slab: Slab): void {
    if (slab.next !== undefined) slab.next.previous = slab.previous;
    if (slab.previous !== undefined) slab.previous.next = slab.next;
    else this.#partial[slab.sizeClass] = slab.next;
    slab.next = undefined;
    slab.previous = undefined;
  }
}

/** A memory with the largest maximum the engine grants; some mobile browsers refuse to reserve 4 GiB. */
function makeMemory(initial: number, wanted: number, shared: boolean): { memory: WebAssembly.Memory; maximum: number } {
  for (let maximum = wanted; ; maximum = Math.max(initial, maximum >>> 1)) {
    try {
      return { memory: new WebAssembly.Memory({ initial, maximum, shared }), maximum };
    } catch (error) {
      if (!(error instanceof RangeError) || maximum === initial) throw error;
    }
  }
}
