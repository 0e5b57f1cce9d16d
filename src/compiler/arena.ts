/**
 * Offsets in one block of memory for values that live for some time each, so that no two that live at once overlap.
 * The minimum is NP-hard; placing the largest first into the smallest gap that fits is near it (Pisarchyk and Lee,
 * "Efficient memory management for deep neural net inference", 2020), and the best of several orders is nearer.
 */

/** Bytes wanted from the time `from` to the time `to`, both included. */
export interface Lifetime {
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

export interface ArenaPlan {
  /** By position in the list of lifetimes. */
  readonly offsets: readonly number[];
  readonly bytes: number;
}

const overlaps = (a: Lifetime, b: Lifetime): boolean => a.from <= b.to && b.from <= a.to;

/** The most bytes that live at once: no plan can do with less. */
export function peakBytes(lifetimes: readonly Lifetime[]): number {
  const changes = lifetimes
    .filter((life) => life.bytes > 0)
    .flatMap((life) => [
      { time: life.from, bytes: life.bytes },
      { time: life.to + 1, bytes: -life.bytes },
    ]);
  let [live, peak] = [0, 0];
  for (const { bytes } of changes.sort((a, b) => a.time - b.time || a.bytes - b.bytes)) {
    live += bytes;
    peak = Math.max(peak, live);
  }
  return peak;
}

/** Orders to place values in. */
const ORDERS: readonly ((a: Lifetime, b: Lifetime) => number)[] = [
  (a, b) => b.bytes - a.bytes || a.from - b.from,
  (a, b) => b.to - b.from - (a.to - a.from) || b.bytes - a.bytes,
  (a, b) => a.from - b.from || b.bytes - a.bytes,
];

/** Offsets for all lifetimes; those of no bytes are at 0. */
export function planArena(lifetimes: readonly Lifetime[]): ArenaPlan {
  const bound = peakBytes(lifetimes);
  let best: ArenaPlan | undefined;
  for (const order of ORDERS) {
    const plan = placeInOrder(lifetimes, order);
    if (best === undefined || plan.bytes < best.bytes) best = plan;
    if (best.bytes === bound) break;
  }
  return best ?? { offsets: [], bytes: 0 };
}

function placeInOrder(lifetimes: readonly Lifetime[], order: (a: Lifetime, b: Lifetime) => number): ArenaPlan {
  const offsets = lifetimes.map(() => 0);
  let total = 0;
  /** Sorted by offset. */
  const placed: { readonly life: Lifetime; readonly offset: number }[] = [];
  const sorted = lifetimes.map((life, index) => ({ life, index })).sort((a, b) => order(a.life, b.life));
  for (const { life, index } of sorted) {
    if (life.bytes === 0) continue;
    let end = 0;
    let gap = Infinity;
    let offset = -1;
    for (const other of placed) {
      if (!overlaps(life, other.life)) continue;
      const room = other.offset - end;
      if (room >= life.bytes && room < gap) [gap, offset] = [room, end];
      end = Math.max(end, other.offset + other.life.bytes);
    }
    if (offset < 0) offset = end;
    offsets[index] = offset;
    total = Math.max(total, offset + life.bytes);
    const at = placed.findIndex((other) => other.offset > offset);
    placed.splice(at < 0 ? placed.length : at, 0, { life, offset });
  }
  return { offsets, bytes: total };
}
