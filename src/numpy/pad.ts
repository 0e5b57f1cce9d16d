/** `np.pad`: the modes that repeat elements are index maps; the others compute what they add from the edges. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { isFloat, isInteger } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { asArray, numeric, single } from './promote.js';
import { takeStatic } from './static-take.js';

/** One value for all sides, `[before, after]` for all axes, or one pair per axis. */
export type PerSide<T> = T | readonly (T | readonly T[])[];

/** How many elements to add: for all sides, `[before, after]`, one pair per axis, or pairs by axis. */
export type PadWidth = PerSide<number> | Readonly<Record<number, number | readonly [number, number]>>;

/** How `np.pad` fills the new elements. */
export type PadMode =
  'constant' | 'edge' | 'empty' | 'linear_ramp' | 'maximum' | 'mean' | 'minimum' | 'reflect' | 'symmetric' | 'wrap';

/** Options of {@link pad}, each for the modes it names. */
export interface PadOptions {
  /** `constant`: the values, default 0. */
  constantValues?: PerSide<ArrayLike>;
  /** `linear_ramp`: the values at the outer ends, default 0. */
  endValues?: PerSide<ArrayLike>;
  /** `maximum`, `mean`, `minimum`: how many elements at each end are taken, default all. */
  statLength?: PerSide<number> | null;
  /** `reflect`, `symmetric`: whether the reflection is also turned about the edge value (`odd`). */
  reflectType?: 'even' | 'odd';
}

type Pair<T> = readonly [before: T, after: T];

/** One pair per axis from the shorter forms. */
function pairsOf<T extends ArrayLike>(what: string, given: PerSide<T>, ndim: number): Pair<T>[] {
  const fail = (): never => {
    throw new ArgumentError(
      `pad: ${what} must be one value, [before, after], or one such pair per axis (here ${ndim}).${userLine()}`,
    );
  };
  const pairOf = (x: readonly T[]): Pair<T> =>
    x.length === 1 || x.length === 2 ? [nth(x, 0), nth(x, x.length - 1)] : fail();
  if (!isSides(given)) return range(ndim).map(() => [given, given]);
  const inner = given.filter((x) => isList(x));
  if (inner.length === 0) {
    const flat = given.filter((x): x is T => !isList(x));
    return range(ndim).map(() => pairOf(flat));
  }
  if (inner.length !== given.length || (inner.length !== ndim && inner.length !== 1)) return fail();
  return range(ndim).map((d) => pairOf(inner.length === 1 ? nth(inner, 0) : nth(inner, d)));
}

const isSides = <T extends ArrayLike>(x: PerSide<T>): x is readonly (T | readonly T[])[] => Array.isArray(x);
const isList = <T>(x: T | readonly T[]): x is readonly T[] => Array.isArray(x);

const isPerSide = (width: PadWidth): width is PerSide<number> => typeof width === 'number' || Array.isArray(width);

function widthsOf(width: PadWidth, ndim: number): Pair<number>[] {
  const pairs = isPerSide(width) ? pairsOf('padWidth', width, ndim) : widthsByAxis(width, ndim);
  const wrong = pairs.flat().find((n) => !Number.isInteger(n) || n < 0);
  if (wrong !== undefined)
    throw new ArgumentError(`pad: widths must be integers of at least 0, got ${wrong}.${userLine()}`);
  return pairs;
}

function widthsByAxis(
  width: Readonly<Record<number, number | readonly [number, number]>>,
  ndim: number,
): Pair<number>[] {
  const pairs = range(ndim).map((): Pair<number> => [0, 0]);
  for (const [axis, by] of Object.entries(width)) {
    pairs[canonicalAxis(Number(axis), ndim, 'pad')] = typeof by === 'number' ? [by, by] : by;
  }
  return pairs;
}

/** Where the element at `i` (outside of `[0, n)` too) comes from, and how many periods away it is. */
type Source = (i: number, n: number) => { position: number; period: number; mirrored: boolean };

const floorMod = (i: number, n: number): number => ((i % n) + n) % n;

const SOURCES: Partial<Record<PadMode, Source>> = {
  edge: (i, n) => ({ position: Math.min(n - 1, Math.max(0, i)), period: 0, mirrored: false }),
  wrap: (i, n) => ({ position: floorMod(i, n), period: Math.floor(i / n), mirrored: false }),
  // … 2 1 | 0 1 2 | 1 0 …: the edge is not repeated, so the period is 2(n - 1).
  reflect: (i, n) => {
    const p = Math.max(1, 2 * (n - 1));
    const at = floorMod(i, p);
    return { position: at < n ? at : p - at, period: Math.floor(i / p), mirrored: at >= n };
  },
  // … 1 0 | 0 1 2 | 2 1 …: the edge is repeated, so the period is 2n.
  symmetric: (i, n) => {
    const at = floorMod(i, 2 * n);
    return { position: at < n ? at : 2 * n - 1 - at, period: Math.floor(i / (2 * n)), mirrored: at >= n };
  },
};

/**
 * New elements `from … to - 1` of an axis by an index map. Odd reflections are f(i) turned about the edges: with
 * L = f(0) and R = f(n - 1), a mirrored element is 2R - f(i), and each period adds 2(R - L).
 */
function mapped(x: NDArray, axis: number, source: Source, odd: boolean, from: number, to: number): NDArray {
  const n = nth(x.aval.shape, axis);
  const at = range(to - from).map((i) => source(from + i, n));
  const even = takeStatic(
    x,
    axis,
    at.map(({ position }) => position),
  );
  if (!odd) return even;
  const wide = even.aval.shape;
  const coefficient = (f: (a: (typeof at)[number]) => number): NDArray =>
    lax.broadcastInDim(lax.convertElementType(asArray(at.map(f), 'float32'), x.dtype), wide, [axis]);
  const left = lax.broadcastTo(lax.sliceInDim(x, 0, 1, axis), wide);
  const right = lax.broadcastTo(lax.sliceInDim(x, n - 1, n, axis), wide);
  const mirrored = lax.mul(
    coefficient((a) => (a.mirrored ? -1 : 1)),
    even,
  );
  const turned = lax.add(
    mirrored,
    lax.mul(
      coefficient((a) => (a.mirrored ? 2 : 0)),
      right,
    ),
  );
  return lax.add(
    turned,
    lax.mul(
      coefficient((a) => 2 * a.period),
      lax.sub(right, left),
    ),
  );
}

/** A straight line from `end`, at the outer end, toward the edge of the array. */
function ramp(x: NDArray, axis: number, end: NDArray, width: number, side: 0 | 1): NDArray {
  const n = nth(x.aval.shape, axis);
  const dtype = isFloat(x.dtype) ? x.dtype : 'float32';
  const edge = lax.sliceInDim(x, side === 0 ? 0 : n - 1, side === 0 ? 1 : n, axis);
  const shape = x.aval.shape.map((m, d) => (d === axis ? width : m));
  const steps = lax.broadcastedIota(dtype, shape, axis);
  const outward = side === 0 ? steps : lax.rev(steps, [axis]);
  const start = lax.convertElementType(end, dtype);
  const rise = lax.sub(lax.broadcastTo(lax.convertElementType(edge, dtype), shape), start);
  const line = lax.add(lax.div(lax.mul(rise, outward), width), start);
  return isFloat(x.dtype) ? line : lax.convertElementType(lax.floor(line), x.dtype);
}

/** One statistic of the elements at an end, repeated. */
function statistic(
  mode: PadMode,
  x: NDArray,
  axis: number,
  width: number,
  side: 0 | 1,
  length: number | undefined,
): NDArray {
  const n = nth(x.aval.shape, axis);
  const count = Math.min(n, length ?? n);
  if (count < 1)
    throw new ArgumentError(`pad: statLength must be at least 1 for mode '${mode}', got ${count}.${userLine()}`);
  const part = lax.sliceInDim(x, side === 0 ? 0 : n - count, side === 0 ? count : n, axis);
  const one = lax.expandDims(summary(mode, part, axis, count), [axis]);
  return lax.broadcastTo(
    one,
    x.aval.shape.map((m, d) => (d === axis ? width : m)),
  );
}

function summary(mode: PadMode, part: NDArray, axis: number, count: number): NDArray {
  if (mode === 'maximum') return lax.reduceMax(part, [axis]);
  if (mode === 'minimum') return lax.reduceMin(part, [axis]);
  const isWhole = isInteger(part.dtype);
  const mean = lax.div(lax.reduceSum(isWhole ? lax.convertElementType(part, 'float32') : part, [axis]), count);
  return isWhole ? lax.convertElementType(lax.round(mean, 'TO_NEAREST_EVEN'), part.dtype) : mean;
}

/**
 * `x` with elements added at the ends of its axes. `padWidth` is one number for all sides, `[before, after]` for all
 * axes, one pair per axis, or an object of widths by axis. Modes are NumPy's:
 *
 * - `constant`: `constantValues` (default 0); `empty`: zeros; `edge`: the last element;
 * - `reflect`, `symmetric`: mirrored, without or with the edge itself; `wrap`: from the other end;
 * - `linear_ramp`: a line to `endValues`; `maximum`, `mean`, `minimum`: of the axis, or of `statLength` elements.
 *
 * Throws ShapeError for a mode that needs elements on an axis that has none.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.pad(np.array([1, 2, 3]), [1, 2]).js(); // => [0, 1, 2, 3, 0, 0]
 * np.pad(np.array([1, 2, 3]), 2, 'reflect').js(); // => [3, 2, 1, 2, 3, 2, 1]
 * ```
 */
export function pad(x: ArrayLike, padWidth: PadWidth, mode: PadMode = 'constant', options: PadOptions = {}): NDArray {
  const array =
    mode === 'constant' || mode === 'empty' || SOURCES[mode] !== undefined ? single('pad', x) : numeric('pad', x);
  const widths = widthsOf(padWidth, array.ndim);
  if (mode === 'constant' || mode === 'empty')
    return padConstant(array, widths, mode === 'empty' ? 0 : (options.constantValues ?? 0));
  const makeEnds = endMaker(mode, options, array);
  return widths.reduce((acc, [before, after], axis) => {
    if (before === 0 && after === 0) return acc;
    if (nth(acc.aval.shape, axis) === 0) {
      throw new ShapeError(
        `pad: axis ${axis} of shape ${showShape(array.shape)} is empty, so mode '${mode}' has nothing to repeat.${userLine()}`,
      );
    }
    const [low, high] = makeEnds(acc, axis, before, after);
    return lax.concatenate([...(before > 0 ? [low()] : []), acc, ...(after > 0 ? [high()] : [])], axis);
  }, array);
}

type EndMaker = (x: NDArray, axis: number, before: number, after: number) => readonly [() => NDArray, () => NDArray];

function endMaker(mode: PadMode, options: PadOptions, array: NDArray): EndMaker {
  const source = SOURCES[mode];
  if (source !== undefined) {
    const odd = options.reflectType === 'odd' && (mode === 'reflect' || mode === 'symmetric');
    return (x, axis, before, after) => {
      const n = nth(x.aval.shape, axis);
      // The only element of an axis is its own reflection, about either edge.
      const turns = odd && !(mode === 'reflect' && n === 1);
      return [() => mapped(x, axis, source, turns, -before, 0), () => mapped(x, axis, source, turns, n, n + after)];
    };
  }
  if (mode === 'linear_ramp') {
    const ends = pairsOf('endValues', options.endValues ?? 0, array.ndim);
    return (x, axis, before, after) => {
      const [low, high] = nth(ends, axis);
      return [() => ramp(x, axis, asArray(low), before, 0), () => ramp(x, axis, asArray(high), after, 1)];
    };
  }
  if (mode === 'maximum' || mode === 'minimum' || mode === 'mean') {
    const given = options.statLength ?? undefined;
    const lengths = given === undefined ? undefined : pairsOf('statLength', given, array.ndim);
    return (x, axis, before, after) => [
      () => statistic(mode, x, axis, before, 0, lengths?.[axis]?.[0]),
      () => statistic(mode, x, axis, after, 1, lengths?.[axis]?.[1]),
    ];
  }
  throw new ArgumentError(
    `pad: there is no mode '${mode}'; use constant, edge, empty, linear_ramp, maximum, mean, minimum, reflect, symmetric or wrap.${userLine()}`,
  );
}

function padConstant(array: NDArray, widths: readonly Pair<number>[], given: PerSide<ArrayLike>): NDArray {
  const values = pairsOf('constantValues', given, array.ndim);
  const convert = (v: ArrayLike): NDArray => lax.convertElementType(asArray(v), array.dtype);
  const [first] = values.flat();
  if (first === undefined) return array;
  if (values.flat().every((v) => v === first)) {
    return lax.pad(
      array,
      convert(first),
      widths.map(([before, after]) => [before, after, 0] as const),
    );
  }
  return widths.reduce((acc, width, axis) => {
    const [low, high] = nth(values, axis);
    const grow = (x: NDArray, value: ArrayLike, [before, after]: Pair<number>): NDArray =>
      lax.pad(
        x,
        convert(value),
        x.aval.shape.map((_, d) => (d === axis ? ([before, after, 0] as const) : ([0, 0, 0] as const))),
      );
    return grow(grow(acc, low, [width[0], 0]), high, [0, width[1]]);
  }, array);
}
