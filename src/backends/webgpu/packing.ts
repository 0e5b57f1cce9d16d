/**
 * Kernels of more arrays than a shader may bind. The smallest of them are copied into one block before the launch, and
 * those it writes are copied back after it. A binding has elements of one width, so that halves have a block of their own.
 */
import type { Copy, Range } from './launch.js';

export interface Packing {
  readonly ranges: readonly Range[];
  /** For each range before: which it is now, and where it begins in that, in bytes. */
  readonly places: readonly { readonly range: number; readonly begin: number; readonly packed: boolean }[];
  readonly before: readonly Copy[];
  readonly after: readonly Copy[];
  /** Of each block that they are copied into. */
  readonly bytes: readonly number[];
}

const sizeOf = (range: Range | undefined): number => range?.size ?? 0;

/** Pack ranges so that at most `limit` are left: those of class `i` into the block `sources[i]`. */
export function packRanges(
  ranges: readonly Range[],
  written: readonly boolean[],
  classes: readonly number[],
  limit: number,
  sources: readonly number[],
): Packing {
  const places = ranges.map((_, range) => ({ range, begin: 0, packed: false }));
  if (ranges.length <= limit) return { ranges, places, before: [], after: [], bytes: sources.map(() => 0) };
  const bySize = ranges.map((_, i) => i).sort((a, b) => sizeOf(ranges[a]) - sizeOf(ranges[b]));
  const classOf = (i: number): number => classes[i] ?? 0;
  // Each block takes a binding itself.
  let count = ranges.length - limit + 1;
  const used = (): number => new Set(bySize.slice(0, count).map(classOf)).size;
  while (ranges.length - count + used() > limit) count += 1;
  const chosen = new Set(bySize.slice(0, count));
  const bytes = sources.map((_, c) =>
    [...chosen].reduce((sum, i) => sum + (classOf(i) === c ? sizeOf(ranges[i]) : 0), 0),
  );
  const rest: Range[] = [];
  const block = sources.map((source, c) =>
    [...chosen].some((i) => classOf(i) === c) ? rest.push({ source, offset: 0, size: bytes[c] ?? 0 }) - 1 : -1,
  );
  const before: Copy[] = [];
  const after: Copy[] = [];
  const begins = sources.map(() => 0);
  const packed = ranges.map((range, i) => {
    if (!chosen.has(i)) return { range: rest.push(range) - 1, begin: 0, packed: false };
    const c = classOf(i);
    const begin = begins[c] ?? 0;
    const inside = { source: sources[c] ?? -1, offset: begin, size: range.size };
    // What is written may be written in part.
    before.push({ from: range, to: inside });
    if (written[i] === true) after.push({ from: inside, to: range });
    begins[c] = begin + sizeOf(range);
    return { range: block[c] ?? -1, begin, packed: true };
  });
  return { ranges: rest, places: packed, before, after, bytes };
}
