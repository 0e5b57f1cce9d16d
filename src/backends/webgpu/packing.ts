/**
 * Kernels of more arrays than a shader may bind. The smallest of them are copied into one buffer before the launch, and
 * those it writes are copied back after it.
 */
import type { BufferPool } from './buffers.js';

export interface Range {
  readonly buffer: GPUBuffer;
  /** Bytes. */
  readonly offset: number;
  readonly size: number;
}

export interface Copy {
  readonly from: Range;
  readonly to: Range;
}

export interface Packing {
  readonly ranges: readonly Range[];
  /** For each range before: which it is now, and where it begins in that, in bytes. */
  readonly places: readonly { readonly range: number; readonly begin: number; readonly packed: boolean }[];
  readonly before: readonly Copy[];
  readonly after: readonly Copy[];
  /** Given back once the launch was submitted. */
  readonly temporary?: GPUBuffer;
}

/** Pack ranges so that at most `limit` are left. */
export function packRanges(
  ranges: readonly Range[],
  written: readonly boolean[],
  limit: number,
  pool: BufferPool,
): Packing {
  const places = ranges.map((_, range) => ({ range, begin: 0, packed: false }));
  if (ranges.length <= limit) return { ranges, places, before: [], after: [] };
  const bySize = ranges.map((_, i) => i).sort((a, b) => (ranges[a]?.size ?? 0) - (ranges[b]?.size ?? 0));
  const chosen = new Set(bySize.slice(0, ranges.length - limit + 1));
  const total = [...chosen].reduce((sum, i) => sum + (ranges[i]?.size ?? 0), 0);
  const temporary = pool.allocate(total);
  const rest: Range[] = [{ buffer: temporary, offset: 0, size: total }];
  const before: Copy[] = [];
  const after: Copy[] = [];
  let begin = 0;
  const packed = ranges.map((range, i) => {
    if (!chosen.has(i)) return { range: rest.push(range) - 1, begin: 0, packed: false };
    const inside = { buffer: temporary, offset: begin, size: range.size };
    // What is written may be written in part.
    before.push({ from: range, to: inside });
    if (written[i] === true) after.push({ from: inside, to: range });
    const place = { range: 0, begin, packed: true };
    begin += range.size;
    return place;
  });
  return { ranges: rest, places: packed, before, after, temporary };
}
