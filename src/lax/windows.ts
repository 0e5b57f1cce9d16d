/**
 * The geometry of sliding windows, of one axis at a time, for convolutions and window reductions: lengths, padding, and
 * where in the array an element of a window lies. An array of length n is dilated (baseDilation - 1 holes between its
 * elements), padded (negative amounts crop), and then windows of `size` elements, windowDilation apart, start every
 * `stride` elements.
 */
import { nth } from '../core/axes.js';
import { addIndex, divIndex, maxOf, modIndex, mulIndex, subIndex } from '../core/index-expr.js';
import * as s from '../core/scalar.js';

export interface WindowAxis {
  readonly size: number;
  readonly stride: number;
  readonly low: number;
  readonly high: number;
  readonly baseDilation: number;
  readonly windowDilation: number;
}

/** Elements from the first to the last, holes included. */
export const dilated = (n: number, dilation: number): number => (n === 0 ? 0 : (n - 1) * dilation + 1);

/** Length of the dilated and padded array. */
export const paddedLength = (n: number, w: WindowAxis): number => dilated(n, w.baseDilation) + w.low + w.high;

/** How many windows lie within the padded array. */
export function windowCount(n: number, w: WindowAxis): number {
  const room = paddedLength(n, w) - dilated(w.size, w.windowDilation);
  return room < 0 ? 0 : Math.floor(room / w.stride) + 1;
}

/** The padding of a window operation: by name, as TensorFlow's, or the amounts before and after each axis. */
export type Padding = 'SAME' | 'SAME_LOWER' | 'VALID' | readonly (readonly [low: number, high: number])[];

/** `SAME` padding gives ⌈n / stride⌉ windows; the odd element goes to the end, or to the front for `SAME_LOWER`. */
export function namedPadding(
  name: 'SAME' | 'SAME_LOWER' | 'VALID',
  n: number,
  w: Pick<WindowAxis, 'size' | 'stride' | 'windowDilation'>,
): readonly [number, number] {
  if (name === 'VALID') return [0, 0];
  const total = Math.max(0, (Math.ceil(n / w.stride) - 1) * w.stride + dilated(w.size, w.windowDilation) - n);
  const less = Math.floor(total / 2);
  return name === 'SAME' ? [less, total - less] : [total - less, less];
}

/**
 * The windows that an element lies in, as windows over the array of results: the transposed geometry, in which stride
 * and base dilation change places and the elements of a window run backwards.
 *
 * @param n - length of the array, and `count` the number of windows.
 */
export function transposedWindow(n: number, count: number, w: WindowAxis): WindowAxis {
  const window = dilated(w.size, w.windowDilation);
  const low = window - w.low - 1;
  return {
    size: w.size,
    stride: w.baseDilation,
    low,
    high: dilated(n, w.baseDilation) + window - 1 - dilated(count, w.stride) - low,
    baseDilation: w.stride,
    windowDilation: w.windowDilation,
  };
}

/** An element of a window. */
export interface WindowElement {
  /** Index in the array; in bounds even where there is nothing. */
  readonly index: s.Expr;
  /** Whether there is an element of the array, not padding or a hole; undefined: always. */
  readonly inside: s.Expr | undefined;
  /** Which element of the window it is, in [0, size) where `inside`. */
  readonly offset: s.Expr;
}

/** In a dilated array only these many elements of a window can be other than holes. */
export const candidates = (w: WindowAxis): number =>
  w.windowDilation === 1 ? Math.ceil(w.size / w.baseDilation) : w.size;

/** Candidate `j` (of {@link candidates}, in order) of window `o` over an array of length `n`, which is not 0. */
export function candidate(n: number, w: WindowAxis, o: s.Expr, j: s.Expr): WindowElement {
  if (w.baseDilation === 1 || w.windowDilation !== 1) return windowElement(n, w, o, j);
  // The first element at or after the start of the window is ⌈(o stride - low) / dilation⌉ = ⌊(o stride + rest) / dilation⌋ + whole.
  const d = w.baseDilation;
  const whole = Math.floor((d - 1 - w.low) / d);
  const rest = d - 1 - w.low - whole * d;
  const first = divIndex(addIndex(mulIndex(o, w.stride), s.int(rest)), d);
  const position = addIndex(first, j);
  // position + whole is the index, (position + whole) d - (o stride - low) the element of the window.
  const offset =
    w.stride === 1
      ? addIndex(mulIndex(j, d), subIndex(s.int(d - 1), modIndex(addIndex(o, s.int(rest)), d)))
      : subIndex(addIndex(mulIndex(position, d), s.int(whole * d + w.low)), mulIndex(o, w.stride));
  const within = bounded(position, -whole, n);
  const inWindow = w.size % d === 0 ? undefined : s.binary('lt', offset, s.int(w.size));
  return { index: within.index, inside: both(within.inside, inWindow), offset };
}

/** Element `k` of window `o` over an array of length `n`, which is not 0. */
export function windowElement(n: number, w: WindowAxis, o: s.Expr, k: s.Expr): WindowElement {
  const d = w.baseDilation;
  const inWindow = addIndex(mulIndex(o, w.stride), mulIndex(k, w.windowDilation));
  const length = dilated(n, d);
  if (d === 1) return { ...bounded(inWindow, w.low, n), offset: k };
  const { index, inside } = bounded(inWindow, w.low, length);
  const holes = s.binary('eq', s.binary('rem', subIndex(inWindow, s.int(w.low)), s.int(d)), s.int(0));
  return { index: s.binary('div', index, s.int(d)), inside: both(inside, holes), offset: k };
}

/** `e - low` as an index below `n`, for an index `e` that is at least 0. */
function bounded(e: s.Expr, low: number, n: number): Pick<WindowElement, 'index' | 'inside'> {
  const under = low > 0;
  const over = !(maxOf(e) - low < n);
  let index = subIndex(e, s.int(low));
  if (over) index = s.binary('min', index, s.int(n - 1));
  if (under) index = s.binary('max', index, s.int(0));
  return {
    index,
    inside: both(
      under ? s.binary('ge', e, s.int(low)) : undefined,
      over ? s.binary('lt', e, s.int(n + low)) : undefined,
    ),
  };
}

/** Both conditions; undefined stands for true. */
export const both = (a: s.Expr | undefined, b: s.Expr | undefined): s.Expr | undefined =>
  a === undefined ? b : b === undefined ? a : s.binary('and', a, b);

/** Row-major position of a window's element among all `sizes` of the window. */
export const flatOffset = (offsets: readonly s.Expr[], sizes: readonly number[]): s.Expr =>
  offsets.reduce<s.Expr>((sum, e, d) => addIndex(mulIndex(sum, nth(sizes, d)), e), s.int(0));
