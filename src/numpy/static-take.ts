/** Elements along an axis at positions that are known while tracing. */
import { nth, range } from '../core/axes.js';
import { fromHost } from '../core/concrete.js';
import type { NDArray } from '../core/ndarray.js';
import { broadcastTo, concatenate, rev, sliceInDim } from '../lax/index.js';
import { gatherRows } from './gathers.js';

/** Consecutive positions that rise, fall or stay. */
interface Run {
  readonly start: number;
  readonly step: -1 | 0 | 1;
  readonly length: number;
}

function runsOf(positions: readonly number[]): Run[] {
  const runs: Run[] = [];
  let i = 0;
  while (i < positions.length) {
    const start = nth(positions, i);
    const step = i + 1 < positions.length ? nth(positions, i + 1) - start : 1;
    if (step !== -1 && step !== 0 && step !== 1) {
      runs.push({ start, step: 1, length: 1 });
      i++;
      continue;
    }
    let end = i + 1;
    while (end < positions.length && nth(positions, end) - nth(positions, end - 1) === step) end++;
    runs.push({ start, step, length: end - i });
    i = end;
  }
  return runs;
}

function readRun(x: NDArray, axis: number, { start, step, length }: Run): NDArray {
  if (step === 1) return sliceInDim(x, start, start + length, axis);
  if (step === -1) return rev(sliceInDim(x, start - length + 1, start + 1, axis), [axis]);
  const one = sliceInDim(x, start, start + 1, axis);
  return broadcastTo(
    one,
    x.aval.shape.map((n, d) => (d === axis ? length : n)),
  );
}

// Up to this many pieces, a concatenation of slices is cheaper than a gather: the compiler reads slices in place.
const MOST_RUNS = 8;

/** Elements of `x` along `axis` at `positions`, all in bounds: slices joined if they are few, else a gather. */
export function takeStatic(x: NDArray, axis: number, positions: readonly number[]): NDArray {
  const runs = runsOf(positions);
  if (runs.length === 0) return sliceInDim(x, 0, 0, axis);
  if (runs.length <= MOST_RUNS) {
    return concatenate(
      runs.map((run) => readRun(x, axis, run)),
      axis,
    );
  }
  const index = fromHost(Int32Array.from(positions), [positions.length], 'int32');
  return gatherRows(x, [axis], [index], axis, { mode: 'promise_in_bounds' });
}

/** The positions `0 … n - 1` that are not in `removed`. */
export const otherPositions = (n: number, removed: ReadonlySet<number>): number[] =>
  range(n).filter((i) => !removed.has(i));
