/** Axis arguments: negative ones, lists, permutations. */
import { showShape, type Shape } from './aval.js';
import { AxisError } from './errors.js';
import { userLine } from './source.js';

/** `axis` in `[0, ndim)`; throws {@link AxisError} naming `op`. */
export function canonicalAxis(axis: number, ndim: number, op: string): number {
  if (!Number.isInteger(axis) || axis < -ndim || axis >= ndim) {
    throw new AxisError(
      `${op}: axis ${String(axis)} does not exist in an array of ${String(ndim)} dimension${ndim === 1 ? '' : 's'}` +
        `${ndim === 0 ? '' : ` (use -${String(ndim)} … ${String(ndim - 1)})`}.${userLine()}`,
    );
  }
  return axis < 0 ? axis + ndim : axis;
}

/** Sorted distinct axes; `null` or `undefined` means all of them. */
export function canonicalAxes(axes: number | readonly number[] | null | undefined, ndim: number, op: string): number[] {
  if (axes === null || axes === undefined) return Array.from({ length: ndim }, (_, i) => i);
  const list = (typeof axes === 'number' ? [axes] : axes).map((a) => canonicalAxis(a, ndim, op));
  if (new Set(list).size !== list.length) {
    throw new AxisError(`${op}: an axis is named twice in ${showShape(list)}.${userLine()}`);
  }
  return list.sort((a, b) => a - b);
}

/** The shape without `axes`. */
export const dropAxes = (shape: Shape, axes: readonly number[]): number[] => shape.filter((_, i) => !axes.includes(i));

/** Element `i` of `list`; for indices that are in bounds by construction. */
export function nth<T>(list: readonly T[], i: number): T {
  const value = list[i];
  if (value === undefined) throw new RangeError(`index ${String(i)} of a list of ${String(list.length)}`);
  return value;
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
