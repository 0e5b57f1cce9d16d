/**
 * The pseudo-random numbers of the tests: small, seeded and independent of the library's own `random`, which is
 * itself under test.
 */

/** 2³². */
const RANGE = 0x100000000;
/** The golden ratio in 32 bits: the increment of a Weyl sequence with full period. */
const WEYL = 0x9e3779b9;

/** A bijection of 32-bit words whose output bits depend on all input bits (the finalizer of MurmurHash3). */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A stream of numbers that is a pure function of its seed (SplitMix: a Weyl sequence, mixed). */
export class Rng {
  #state: number;

  constructor(seed: number) {
    this.#state = mix(seed >>> 0);
  }

  /** Uniform on the 32-bit unsigned integers. */
  word(): number {
    this.#state = (this.#state + WEYL) >>> 0;
    return mix(this.#state);
  }

  /** Uniform in [0, 1), with 53 random bits. */
  unit(): number {
    const high = this.word() >>> 5;
    const low = this.word() >>> 6;
    return (high * 0x4000000 + low) / (RANGE * 0x200000);
  }

  /** Uniform in [lo, hi). */
  uniform(lo: number, hi: number): number {
    return lo + (hi - lo) * this.unit();
  }

  /** An integer, uniform in lo … hi, both included. */
  int(lo: number, hi: number): number {
    return lo + Math.floor(this.unit() * (hi - lo + 1));
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.unit() < p;
  }

  /** One of the elements of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    const chosen = list[this.int(0, list.length - 1)];
    if (chosen === undefined) throw new RangeError('Rng.pick: the list is empty');
    return chosen;
  }

  /** The list in random order. */
  shuffle<T>(list: readonly T[]): T[] {
    const rest = [...list];
    const order: T[] = [];
    while (rest.length > 0) order.push(...rest.splice(this.int(0, rest.length - 1), 1));
    return order;
  }

  /** A stream of its own for a named purpose, so that what one consumer draws does not move another's numbers. */
  fork(label: string): Rng {
    let h = this.word();
    for (const c of label) h = mix(h ^ (c.codePointAt(0) ?? 0));
    return new Rng(h);
  }
}
