/**
 * Large blocks: a best-fit allocator over a line of equal granules, with coalescing. It knows granule numbers,
 * not bytes, and keeps all its bookkeeping outside the memory it manages, so that a kernel that writes out of
 * bounds cannot corrupt it and so that blocks need no headers.
 *
 * Boundary tags (Knuth, The Art of Computer Programming, vol. 1, section 2.5, algorithm C) give O(1) coalescing.
 * Free spans hang in doubly linked lists by length, in bins of two levels as in TLSF (Masmano, Ripoll, Crespo,
 * Real, "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004); within a bin the smallest
 * span that fits is taken, which makes it best fit.
 */

/** Lengths below this have a bin each; above, every power of two is divided into 16 bins. */
const EXACT_BINS = 32;
const SUB_BITS = 4;
const BIN_COUNT = EXACT_BINS + (31 - 5) * (1 << SUB_BITS);
const NONE = -1;

/** The bin of free spans of `length` granules. Monotone: a longer span is never in an earlier bin. */
function binOf(length: number): number {
  if (length < EXACT_BINS) return length;
  const exponent = 31 - Math.clz32(length);
  const sub = (length >>> (exponent - SUB_BITS)) & ((1 << SUB_BITS) - 1);
  return EXACT_BINS + ((exponent - 5) << SUB_BITS) + sub;
}

const grown = (old: Int32Array, length: number): Int32Array<ArrayBuffer> => {
  const next = new Int32Array(length);
  next.set(old);
  return next;
};

export class SpanAllocator {
  /** Granules managed. */
  #length = 0;
  /** At the first and last granule of each span: its length if it is free, minus its length if it is used. */
  #tag = new Int32Array(0);
  /** Links of the free lists, at the first granule of a free span. */
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  readonly #heads = new Int32Array(BIN_COUNT).fill(NONE);
  /** Bit b of word w: bin 32w + b is not empty. */
  readonly #occupied = new Int32Array(Math.ceil(BIN_COUNT / 32));

  /** Granules managed, free or used. */
  get length(): number {
    return this.#length;
  }

  /** Granules free at the very end of the line: what an {@link extend} would be joined to. */
  get freeAtEnd(): number {
    return this.#length === 0 ? 0 : Math.max(0, this.#tag[this.#length - 1] ?? 0);
  }

  /** Add granules at the end until there are `length` of them. */
  extend(length: number): void {
    const start = this.#length;
    if (length <= start) return;
    this.#tag = grown(this.#tag, length);
    this.#next = grown(this.#next, length);
    this.#previous = grown(this.#previous, length);
    this.#length = length;
    this.#mark(start, start - length);
    this.release(start);
  }

  /** The first granule of a span of exactly `length` granules, or -1 if no free span is long enough. */
  take(length: number): number {
    const start = this.#bestFit(length);
    if (start === NONE) return NONE;
    const have = this.#tag[start] ?? 0;
    this.#unlink(start, have);
    this.#mark(start, -length);
    if (have > length) {
      this.#mark(start + length, have - length);
      this.#link(start + length, have - length);
    }
    return start;
  }

  /** Give back the used span that starts at `start`; its length in granules is returned. */
  release(start: number): number {
    const length = -(this.#tag[start] ?? 0);
    if (length <= 0) throw new Error(`internal error: no used span starts at granule ${start}`);
    let first = start;
    let total = length;
    const after = this.#tag[start + length] ?? 0;
    if (start + length < this.#length && after > 0) {
      this.#unlink(start + length, after);
      total += after;
    }
    const before = start > 0 ? (this.#tag[start - 1] ?? 0) : 0;
    if (before > 0) {
      first = start - before;
      this.#unlink(first, before);
      total += before;
    }
    // A stale tag inside the joined span could be mistaken for a used span by a second release of the same start.
    this.#tag[start] = 0;
    this.#mark(first, total);
    this.#link(first, total);
    return length;
  }

  /** The free spans, in no particular order, as [first granule, length]; for tests and statistics. */
  *freeSpans(): Generator<readonly [start: number, length: number]> {
    for (const head of this.#heads) {
      for (let at = head; at !== NONE; at = this.#next[at] ?? NONE) yield [at, this.#tag[at] ?? 0];
    }
  }

  #mark(start: number, tag: number): void {
    this.#tag[start] = tag;
    this.#tag[start + Math.abs(tag) - 1] = tag;
  }

  #bestFit(length: number): number {
    let bin = binOf(length);
    let best = this.#smallest(this.#heads[bin] ?? NONE, length);
    while (best === NONE && (bin = this.#nextOccupied(bin + 1)) !== NONE) {
      best = this.#smallest(this.#heads[bin] ?? NONE, length);
    }
    return best;
  }

  /** The smallest span of at least `length` in one list. */
  #smallest(head: number, length: number): number {
    let best = NONE;
    let bestLength = Infinity;
    for (let at = head; at !== NONE; at = this.#next[at] ?? NONE) {
      const have = this.#tag[at] ?? 0;
      if (have < length || have >= bestLength) continue;
      if (have === length) return at;
      best = at;
      bestLength = have;
    }
    return best;
  }

  /** The first bin from `bin` on that has a span, or -1. */
  #nextOccupied(bin: number): number {
    if (bin >= BIN_COUNT) return NONE;
    let word = bin >>> 5;
    let bits = (this.#occupied[word] ?? 0) & (-1 << (bin & 31));
    while (bits === 0) {
      word += 1;
      if (word >= this.#occupied.length) return NONE;
      bits = this.#occupied[word] ?? 0;
    }
    return (word << 5) + (31 - Math.clz32(bits & -bits));
  }

  #link(start: number, length: number): void {
    const bin = binOf(length);
    const head = this.#heads[bin] ?? NONE;
    this.#next[start] = head;
    this.#previous[start] = NONE;
    if (head !== NONE) this.#previous[head] = start;
    this.#heads[bin] = start;
    const word = bin >>> 5;
    this.#occupied[word] = (this.#occupied[word] ?? 0) | (1 << (bin & 31));
  }

  #unlink(start: number, length: number): void {
    const next = this.#next[start] ?? NONE;
    const previous = this.#previous[start] ?? NONE;
    if (next !== NONE) this.#previous[next] = previous;
    if (previous !== NONE) {
      this.#next[previous] = next;
      return;
    }
    const bin = binOf(length);
    this.#heads[bin] = next;
    if (next === NONE) {
      const word = bin >>> 5;
      this.#occupied[word] = (this.#occupied[word] ?? 0) & ~(1 << (bin & 31));
    }
  }
}
