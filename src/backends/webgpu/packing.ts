/**
 * Kernels of more arrays than a shader may bind. The smallest of them are copied into one block before the launch, and
 * those it writes are copied back after it.
 */
import type { Copy, Range } from './launch.js';

export interface Packing {
  readonly ranges: readonly Range[];
  /** For each range before: which it is now, and where it begins in that, in bytes. */
  readonly places: readonly { readonly range: number; readonly begin: number; readonly packed: boolean }[];
  readonly before: readonly Copy[];
  readonly after: readonly Copy[];
  /** Of the block that they are copied into. */
  readonly bytes: number;
}

const sizeOf = (range: Range | undefined): number => range?.size ?? 0;

/** Pack ranges so that at most `limit` are left, into the block `source`. */
export function packRanges(
  ranges: readonly Range[],
  written: readonly boolean[],
  limit: number,
  source: number,
): Packing {
  const places = ranges.map((_, range) => ({ range, begin: 0, packed: false }));
  if (ranges.length <= limit) return { ranges, places, before: [], after: [], bytes: 0 };
  const bySize = ranges.map((_, i) => i).sort((a, b) => sizeOf(ranges[a]) - sizeOf(ranges[b]));
  const chosen = new Set(bySize.slice(0, ranges.length - limit + 1));
  const bytes = [...chosen].reduce((sum, i) => sum + sizeOf(ranges[i]), 0);
  const rest: Range[] = [{ source, offset: 0, size: bytes }];
  const before: Copy[] = [];
  const after: Copy[] = [];
  let begin = 0;
  const packed = ranges.map((range, i) => {
    if (!chosen.has(i)) return { range: rest.push(range) - 1, begin: 0, packed: false };
    const inside = { source, offset: begin, size: range.size };
    // What is written may be written in part.
    before.push({ from: range, to: inside });
    if (written[i] === true) after.push({ from: inside, to: range });
    const place = { range: 0, begin, packed: true };
    begin += sizeOf(range);
    return place;
  });
  return { ranges: rest, places: packed, before, after, bytes };
}
