/**
 * The space of a loop kernel. A point of the outer loops is a row; the inner axes, if there are any, run along it
 * inside a stage. A value of the kernel has its place there: one element for each row, or one for each point of the
 * full space. Axes of extent 1 do not count, so that a row of [n] and one of [n, 1] are the same.
 */
import type { Shape } from '../core/aval.js';
import { dropAxes, nth, range } from '../core/axes.js';
import type { Index } from '../core/lowering.js';
import * as s from '../core/scalar.js';

export interface Space {
  readonly shape: Shape;
  /** Axes of `shape` that run along a row; none in a kernel of plain maps. */
  readonly axes: readonly number[];
}

export type Place = 'row' | 'full';

export const rowsOf = ({ shape, axes }: Space): Shape => dropAxes(shape, axes);
export const innerOf = ({ shape, axes }: Space): Shape => axes.map((d) => nth(shape, d));

const withoutUnits = (shape: Shape): number[] => shape.filter((n) => n !== 1);

/** Whether shapes are the same but for axes of extent 1. */
export function samePoints(a: Shape, b: Shape): boolean {
  const [x, y] = [withoutUnits(a), withoutUnits(b)];
  return x.length === y.length && x.every((n, i) => n === y[i]);
}

/** Where a value of this shape belongs. */
export function placeOf(shape: Shape, space: Space): Place | undefined {
  if (samePoints(shape, rowsOf(space))) return 'row';
  return samePoints(shape, space.shape) ? 'full' : undefined;
}

/** The index into `shape` that the given variables, one for each axis of `like`, stand for. */
export function indexFor(shape: Shape, variables: Index, like: Shape): Index {
  const used = range(like.length).filter((d) => like[d] !== 1);
  let next = 0;
  return shape.map((n) => (n === 1 ? s.int(0) : nth(variables, nth(used, next++))));
}

/** The variables of the full space, in the order of its axes. */
export function fullVariables({ shape, axes }: Space, rows: Index, inner: Index): Index {
  let nextRow = 0;
  return shape.map((_, d) => {
    const at = axes.indexOf(d);
    return at < 0 ? nth(rows, nextRow++) : nth(inner, at);
  });
}

/** Whether two indices are built alike. An element that was loaded is the same only if it is the same node. */
export const sameIndex = (a: Index, b: Index): boolean =>
  a.length === b.length && a.every((e, i) => sameArithmetic(e, b[i]));

function sameArithmetic(a: s.Expr, b: s.Expr | undefined): boolean {
  if (a === b) return true;
  if (b === undefined || a.op !== b.op || a.type !== b.type) return false;
  if (a.op === 'const') return b.op === 'const' && a.value === b.value;
  if (a.op === 'var') return b.op === 'var' && a.id === b.id;
  if (a.op === 'load' || a.op === 'acc') return false;
  const operands = s.operandsOf(b);
  return s.operandsOf(a).every((x, i) => sameArithmetic(x, operands[i]));
}
