/** A block that every call reuses: the arena of intermediates, and the table of addresses. */
import { Heap } from './heap.js';
import type { CellStore } from './storage.js';

/** A region this large is given back when it goes mostly unused. */
const HUGE = 64 * 2 ** 20;
/** Calls in a row that use less than a quarter of a huge region before it is shrunk to what they needed. */
const IDLE_CALLS = 256;

/**
 * One block, grown to the largest request so far. Calls run one at a time, so all programs share it; its
 * contents mean nothing between calls.
 */
export class Region {
  /** 0 while there is none. */
  address = 0;
  #bytes = 0;
  #held = false;
  #idleCalls = 0;
  #idlePeak = 0;

  constructor(
    private readonly store: CellStore,
    /** What it holds, for messages. */
    private readonly what: string,
  ) {}

  get bytes(): number {
    return this.#bytes;
  }

  /** Make it hold at least `bytes`, and keep it where it is until {@link done}. */
  reserve(bytes: number): number {
    if (bytes > this.#bytes) {
      this.#resize(bytes);
    } else if (this.#bytes >= HUGE) {
      if (bytes * 4 > this.#bytes) {
        this.#idleCalls = 0;
        this.#idlePeak = 0;
      } else {
        this.#idlePeak = Math.max(this.#idlePeak, bytes);
        this.#idleCalls += 1;
        if (this.#idleCalls === IDLE_CALLS) this.#resize(this.#idlePeak);
      }
    }
    this.#held = true;
    return this.address;
  }

  /** End of the call. */
  done(): void {
    this.#held = false;
  }

  /** Give the block back if no call is using it; says whether there was one to give. */
  release(): boolean {
    if (this.#held || this.#bytes === 0) return false;
    this.store.heap.free(this.address, this.#bytes);
    this.address = 0;
    this.#bytes = 0;
    return true;
  }

  #resize(bytes: number): void {
    this.release();
    this.#idleCalls = 0;
    this.#idlePeak = 0;
    if (bytes === 0) return;
    const size = Heap.blockBytes(bytes);
    this.address = this.store.allocateBlock(size, this.what);
    this.#bytes = size;
  }
}
