/** Functions that move elements along axes: flips, quarter turns, rolls, repetitions. */
import { canonicalAxes, canonicalAxis, nth, range } from '../core/axes.js';
import { showShape, sizeOf } from '../core/aval.js';
import { ConcreteArray, fromHost } from '../core/concrete.js';
import { ArgumentError, ConcretizationError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike, type AxisArg } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { gatherRows } from './gathers.js';
import { asIndex, floorDivMod, VECTOR_SCATTER } from './positions.js';
import { single } from './promote.js';

/**
 * The order of elements reversed along `axis` (all axes if absent).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.flip(np.array([[1, 2], [3, 4]]), 1).js(); // => [[2, 1], [4, 3]]
 * ```
 */
export function flip(x: ArrayLike, axis?: AxisArg): NDArray {
  const array = single('flip', x);
  return lax.rev(array, canonicalAxes(axis, array.ndim, 'flip'));
}

/**
 * Reversed along axis 1: columns from right to left.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.fliplr(np.array([[1, 2], [3, 4]])).js(); // => [[2, 1], [4, 3]]
 * ```
 */
export const fliplr = (x: ArrayLike): NDArray => flipAxis('fliplr', x, 1);

/**
 * Reversed along axis 0: rows from bottom to top.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([[1, 2], [3, 4]]);
 * [np.flipud(x), np.fliplr(x)]; // => [[[3, 4], [1, 2]], [[2, 1], [4, 3]]]
 * ```
 */
export const flipud = (x: ArrayLike): NDArray => flipAxis('flipud', x, 0);

function flipAxis(op: string, x: ArrayLike, axis: number): NDArray {
  const array = single(op, x);
  return lax.rev(array, [canonicalAxis(axis, array.ndim, op)]);
}

/**
 * Turn by `k` quarter turns in the plane of two axes, from the first toward the second.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.rot90(np.array([[1, 2], [3, 4]])).js(); // => [[2, 4], [1, 3]]
 * ```
 */
export function rot90(x: ArrayLike, k = 1, axes: readonly [number, number] = [0, 1]): NDArray {
  const array = single('rot90', x);
  const [a, b] = [canonicalAxis(axes[0], array.ndim, 'rot90'), canonicalAxis(axes[1], array.ndim, 'rot90')];
  if (a === b || !Number.isInteger(k)) {
    throw new ArgumentError(
      `rot90: needs an integer number of turns and two different axes, got k = ${k} and ${showShape(axes)}.${userLine()}`,
    );
  }
  const turns = ((k % 4) + 4) % 4;
  if (turns === 0) return array;
  if (turns === 2) return lax.rev(array, [a, b]);
  const order = range(array.ndim).map((d) => (d === a ? b : d === b ? a : d));
  return turns === 1 ? lax.transpose(lax.rev(array, [b]), order) : lax.rev(lax.transpose(array, order), [b]);
}

/** Elements moved by `shift` along one axis; those that leave at the end come back at the start. */
function rollAxis(array: NDArray, shift: number | NDArray, axis: number): NDArray {
  const n = nth(array.aval.shape, axis);
  if (n === 0) return array;
  if (typeof shift === 'number') {
    const by = ((shift % n) + n) % n;
    if (by === 0) return array;
    return lax.concatenate([lax.sliceInDim(array, n - by, n, axis), lax.sliceInDim(array, 0, n - by, axis)], axis);
  }
  // A window of the array written twice, which starts where the first element of the result stands.
  const start = floorDivMod(lax.neg(shift), n).remainder;
  return lax.dynamicSliceInDim(lax.concatenate([array, array], axis), start, n, axis);
}

/**
 * Elements moved by `shift` places along `axis`, those beyond the end back to the start; without an axis, in
 * row-major order. `shift` is a number, one number per axis, or an integer array (which may be traced).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.roll(np.array([1, 2, 3, 4]), 1).js(); // => [4, 1, 2, 3]
 * np.roll(np.array([[1, 2], [3, 4], [5, 6]]), -1, 0).js(); // => [[3, 4], [5, 6], [1, 2]]
 * ```
 */
export function roll(x: ArrayLike, shift: ArrayLike | readonly number[], axis?: AxisArg): NDArray {
  const array = single('roll', x);
  const shifts = shiftList(shift);
  if (axis === undefined || axis === null) {
    const flat = lax.reshape(array, [array.size]);
    return lax.reshape(
      shifts.reduce<NDArray>((acc, by) => rollAxis(acc, by, 0), flat),
      array.aval.shape,
    );
  }
  const axes = (typeof axis === 'number' ? [axis] : axis).map((d) => canonicalAxis(d, array.ndim, 'roll'));
  if (shifts.length !== axes.length && shifts.length !== 1 && axes.length !== 1) {
    throw new ArgumentError(`roll: ${shifts.length} shifts for ${axes.length} axes; give one for each.${userLine()}`);
  }
  const count = Math.max(shifts.length, axes.length);
  return range(count).reduce((acc, i) => rollAxis(acc, shifts[i] ?? nth(shifts, 0), axes[i] ?? nth(axes, 0)), array);
}

function shiftList(shift: ArrayLike | readonly number[]): (number | NDArray)[] {
  if (shift instanceof NDArray) {
    const index = asIndex('roll', shift);
    if (index.ndim === 0) return [index];
    return range(index.size).map((i) => lax.reshape(lax.sliceInDim(lax.reshape(index, [index.size]), i, i + 1), []));
  }
  const list = typeof shift === 'number' || typeof shift === 'boolean' ? [Number(shift)] : [...shift];
  const wrong = list.find((by) => !Number.isInteger(by));
  if (wrong !== undefined) throw new ArgumentError(`roll: the shift ${wrong} is no integer.${userLine()}`);
  return list;
}

/**
 * `x` repeated as a whole `reps[d]` times along axis `d`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.tile(np.array([1, 2]), 2).js(); // => [1, 2, 1, 2]
 * np.tile(np.array([1, 2]), [2, 2]).js(); // => [[1, 2, 1, 2], [1, 2, 1, 2]]
 * ```
 */
export function tile(x: ArrayLike, reps: number | readonly number[]): NDArray {
  const array = single('tile', x);
  const given = typeof reps === 'number' ? [reps] : reps;
  if (given.some((r) => !Number.isInteger(r) || r < 0)) {
    throw new ArgumentError(`tile: repetitions must be integers of at least 0, got ${showShape(given)}.${userLine()}`);
  }
  const ndim = Math.max(array.ndim, given.length);
  const lengths = [...range(ndim - array.ndim).map(() => 1), ...array.aval.shape];
  const counts = [...range(ndim - given.length).map(() => 1), ...given];
  const wide = lengths.flatMap((n, d) => [nth(counts, d), n]);
  const spread = lax.broadcastInDim(
    lax.reshape(array, lengths),
    wide,
    range(ndim).map((d) => 2 * d + 1),
  );
  return lax.reshape(
    spread,
    lengths.map((n, d) => n * nth(counts, d)),
  );
}

/** Options of {@link repeat}. */
export interface RepeatOptions {
  /** Length of the result along the axis; needed when the numbers of repetitions are traced. */
  totalRepeatLength?: number;
}

/**
 * Each element repeated in place: all `repeats` times, or the i-th along `axis` `repeats[i]` times. Without an axis the
 * elements are taken in row-major order.
 *
 * Traced repetitions need `totalRepeatLength`; elements beyond it are dropped, and the last is repeated to fill it.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.repeat(np.array([1, 2]), 2).js(); // => [1, 1, 2, 2]
 * np.repeat(np.array([[1, 2]]), [1, 3], 1).js(); // => [[1, 2, 2, 2]]
 * ```
 */
export function repeat(
  x: ArrayLike,
  repeats: number | readonly number[] | NDArray,
  axis?: number | null,
  { totalRepeatLength }: RepeatOptions = {},
): NDArray {
  const given = single('repeat', x);
  const array = axis === undefined || axis === null ? lax.reshape(given, [given.size]) : given;
  const d0 = canonicalAxis(axis ?? 0, array.ndim, 'repeat');
  const n = nth(array.aval.shape, d0);
  if (typeof repeats === 'number' && totalRepeatLength === undefined) {
    const [count] = checkCounts([repeats], 1);
    const wide = array.aval.shape.flatMap((m, d) => (d === d0 ? [m, count ?? 0] : [m]));
    const kept = range(array.ndim).map((d) => (d <= d0 ? d : d + 1));
    const result = array.aval.shape.map((m, d) => (d === d0 ? m * (count ?? 0) : m));
    return lax.reshape(lax.broadcastInDim(array, wide, kept), result);
  }
  const sources =
    repeats instanceof NDArray && (totalRepeatLength !== undefined || !(repeats instanceof ConcreteArray))
      ? tracedSources(repeats, n, totalRepeatLength)
      : hostSources(repeats, n, totalRepeatLength);
  return gatherRows(array, [d0], [sources], d0, { mode: 'clip' });
}

function checkCounts(counts: readonly number[], n: number): readonly number[] {
  if (counts.some((c) => !Number.isInteger(c) || c < 0)) {
    throw new ArgumentError(
      `repeat: repetitions must be integers of at least 0, got ${showShape(counts)}.${userLine()}`,
    );
  }
  const [only] = counts;
  if (counts.length === 1 && only !== undefined) return range(n).map(() => only);
  if (counts.length === n) return counts;
  throw new ShapeError(
    `repeat: ${counts.length} repetitions for an axis of length ${n}; give one, or one for each.${userLine()}`,
  );
}

function hostSources(repeats: number | readonly number[] | NDArray, n: number, total: number | undefined): NDArray {
  const listed =
    repeats instanceof NDArray
      ? Array.from(asIndex('repeat', repeats).dataSync())
      : typeof repeats === 'number'
        ? [repeats]
        : repeats;
  const counts = checkCounts(listed, n);
  const sources = counts.flatMap((c, i) => range(c).map(() => i));
  const length = total ?? sources.length;
  const data = Int32Array.from(range(length).map((i) => sources[i] ?? n - 1));
  return fromHost(data, [length], 'int32');
}

/** The element that each place of the result repeats: how many blocks have begun by then, less one. */
function tracedSources(repeats: NDArray, n: number, total: number | undefined): NDArray {
  if (total === undefined) {
    throw new ConcretizationError(
      `repeat: the length of the result depends on the traced repetitions (${repeats.aval.toString()}), and shapes are ` +
        `static. Pass { totalRepeatLength: n }.${userLine()}`,
    );
  }
  const counts = lax.broadcastTo(lax.reshape(asIndex('repeat', repeats), repeats.size === 1 ? [] : [repeats.size]), [
    n,
  ]);
  if (n === 0) return lax.full([total], 0, 'int32');
  const starts = lax.sub(lax.cumsum(counts), counts);
  const begun = lax.scatterAdd(
    lax.full([total], 0, 'int32'),
    lax.reshape(starts, [n, 1]),
    lax.full([n], 1, 'int32'),
    VECTOR_SCATTER,
  );
  return lax.sub(lax.cumsum(begun), 1);
}

/**
 * The elements of `x` in row-major order, repeated from the start as often as needed to fill `shape`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.resize(np.array([1, 2, 3]), [2, 2]).js(); // => [[1, 2], [3, 1]]
 * ```
 */
export function resize(x: ArrayLike, shape: number | readonly number[]): NDArray {
  const array = single('resize', x);
  const wanted = typeof shape === 'number' ? [shape] : shape;
  if (wanted.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new ShapeError(`resize: ${showShape(wanted)} is no shape.${userLine()}`);
  }
  const total = sizeOf(wanted);
  if (array.size === 0) return lax.full(wanted, 0, array.dtype);
  const flat = tile(lax.reshape(array, [array.size]), Math.ceil(total / array.size));
  return lax.reshape(lax.sliceInDim(flat, 0, total), wanted);
}
