/** Differences of neighbours, numerical derivatives, and the trapezoidal rule. */
import { canonicalAxes, canonicalAxis, nth, range } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { abs, add, mod, subtract as sub } from './arithmetic.js';
import { equal, greater, less } from './comparison.js';
import { logicalAnd } from './logic.js';
import { asArray, inexact, promoteTypesOf, promoteInexact, single } from './promote.js';
import { where } from './selecting.js';

/** Elements `from … to - 1` of an axis, counted from the end if negative. */
function part(x: NDArray, axis: number, from: number, to: number): NDArray {
  const n = nth(x.aval.shape, axis);
  return lax.sliceInDim(x, from < 0 ? n + from : from, to <= 0 ? n + to : to, axis);
}

/** Options of {@link diff}. */
export interface DiffOptions {
  /** Elements to put before the first along the axis; a number is repeated. */
  prepend?: ArrayLike;
  /** Elements to put after the last. */
  append?: ArrayLike;
}

/**
 * The `n`-th differences along `axis`: `x[i + 1] - x[i]`, `n` times. Of booleans, where neighbours differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.diff(np.array([1, 2, 4, 7])).js(); // => [1, 2, 3]
 * np.diff(np.array([1, 2, 4, 7]), 2).js(); // => [1, 1]
 * np.diff(np.array([1, 2]), 1, -1, { prepend: 0 }).js(); // => [1, 1]
 * ```
 */
export function diff(x: ArrayLike, n = 1, axis = -1, { prepend, append }: DiffOptions = {}): NDArray {
  if (!Number.isInteger(n) || n < 0)
    throw new ArgumentError(`diff: the order must be an integer of at least 0, got ${n}.${userLine()}`);
  const given = single('diff', x);
  if (given.ndim === 0) throw new ShapeError(`diff: a rank-0 array has no neighbours.${userLine()}`);
  const d0 = canonicalAxis(axis, given.ndim, 'diff');
  if (n === 0) return given;
  const ends = [prepend, x, append].filter((v) => v !== undefined);
  const wide = promoteTypesOf('diff', ends).map((v) =>
    v.ndim > 0
      ? v
      : lax.broadcastTo(
          v,
          given.aval.shape.map((m, d) => (d === d0 ? 1 : m)),
        ),
  );
  let result = lax.concatenate(wide, d0);
  for (let i = 0; i < n && nth(result.aval.shape, d0) > 0; i++) {
    const [later, earlier] = [part(result, d0, 1, 0), part(result, d0, 0, -1)];
    result = result.dtype === 'bool' ? lax.ne(later, earlier) : lax.sub(later, earlier);
  }
  return result;
}

/** Options of {@link ediff1d}. */
export interface Ediff1dOptions {
  toBegin?: ArrayLike | null;
  toEnd?: ArrayLike | null;
}

/**
 * Differences of neighbours in row-major order, between what is given as `toBegin` and `toEnd`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.ediff1d(np.array([[1, 2], [4, 7]]), { toEnd: 0 }).js(); // => [1, 2, 3, 0]
 * ```
 */
export function ediff1d(x: ArrayLike, { toBegin, toEnd }: Ediff1dOptions = {}): NDArray {
  const array = single('ediff1d', x);
  const flat = lax.reshape(array, [array.size]);
  const ends = (v: ArrayLike | null | undefined): NDArray[] => {
    if (v === null || v === undefined) return [];
    const given = lax.convertElementType(asArray(v, undefined, 'ediff1d'), array.dtype);
    return [lax.reshape(given, [given.size])];
  };
  return lax.concatenate([...ends(toBegin), diff(flat), ...ends(toEnd)], 0);
}

/** Options of {@link gradient}. */
export interface GradientOptions {
  /** Axis or axes along which to differentiate; all if absent. */
  axis?: number | readonly number[] | null;
  /** Order of the one-sided differences at the ends, 1 or 2. */
  edgeOrder?: 1 | 2;
}

const isOptions = (x: ArrayLike | GradientOptions): x is GradientOptions =>
  typeof x === 'object' && !(x instanceof NDArray);

/**
 * Derivatives of sampled values by central differences, second order inside; at the ends by one-sided ones of
 * `edgeOrder`. After `f` come the spacings: none (1), one for all axes, or one per axis, each a number or the
 * vector of coordinates; and at last perhaps options. With unequal spacing h₁ before and h₂ after, the derivative is
 * (h₁² f₊ + (h₂² - h₁²) f - h₂² f₋) / (h₁ h₂ (h₁ + h₂)) (Fornberg 1988).
 *
 * Returns one array for a vector or a single axis, else one per axis.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.gradient(np.array([1, 2, 4, 7])); // => [1, 1.5, 2.5, 3]
 * np.gradient(np.array([[1, 2], [4, 8]])); // => [[[3, 6], [3, 6]], [[1, 1], [4, 4]]]
 * ```
 */
export function gradient(f: ArrayLike, ...args: readonly (ArrayLike | GradientOptions)[]): NDArray | NDArray[] {
  const last = args[args.length - 1];
  const options: GradientOptions = last !== undefined && isOptions(last) ? last : {};
  const spacings = args.filter((x): x is ArrayLike => !isOptions(x));
  const array = inexact('gradient', f);
  const axes =
    options.axis === undefined || options.axis === null
      ? range(array.ndim)
      : typeof options.axis === 'number'
        ? canonicalAxes(options.axis, array.ndim, 'gradient')
        : options.axis.map((d) => canonicalAxis(d, array.ndim, 'gradient'));
  if (spacings.length > 1 && spacings.length !== axes.length) {
    throw new ArgumentError(
      `gradient: ${spacings.length} spacings for ${axes.length} axes; give one, or one for each.${userLine()}`,
    );
  }
  const edgeOrder = options.edgeOrder ?? 1;
  const results = axes.map((axis, i) => derivative(array, axis, spacings[i] ?? spacings[0] ?? 1, edgeOrder));
  const [only] = results;
  return results.length === 1 && only !== undefined ? only : results;
}

/** Spacings before and after each inner element, broadcast along `axis`, or one number for all. */
function stepsOf(x: NDArray, axis: number, spacing: ArrayLike): { uniform: NDArray } | { steps: NDArray } {
  const given = lax.convertElementType(inexact('gradient', spacing), x.dtype);
  if (given.ndim === 0) return { uniform: given };
  const n = nth(x.aval.shape, axis);
  if (given.ndim !== 1 || given.size !== n) {
    throw new ShapeError(
      `gradient: coordinates of shape ${showShape(given.shape)} for axis ${axis} of shape ${showShape(x.shape)}; give a number or a vector of length ${n}.${userLine()}`,
    );
  }
  return {
    steps: lax.broadcastInDim(
      diff(given),
      x.aval.shape.map((m, d) => (d === axis ? n - 1 : m)),
      [axis],
    ),
  };
}

function derivative(x: NDArray, axis: number, spacing: ArrayLike, edgeOrder: 1 | 2): NDArray {
  const n = nth(x.aval.shape, axis);
  if (n < edgeOrder + 1) {
    throw new ShapeError(
      `gradient: axis ${axis} of shape ${showShape(x.shape)} needs at least ${edgeOrder + 1} elements.${userLine()}`,
    );
  }
  const at = (from: number, to: number): NDArray => part(x, axis, from, to);
  const spaced = stepsOf(x, axis, spacing);
  const first = (a: NDArray, b: NDArray, h: NDArray): NDArray => lax.div(lax.sub(b, a), h);
  if ('uniform' in spaced) {
    const h = spaced.uniform;
    const inner = n > 2 ? [lax.div(lax.sub(at(2, 0), at(0, -2)), lax.mul(h, 2))] : [];
    if (edgeOrder === 1)
      return lax.concatenate([first(at(0, 1), at(1, 2), h), ...inner, first(at(-2, -1), at(-1, 0), h)], axis);
    // (-3f₀ + 4f₁ - f₂) / 2h, and mirrored.
    const edge = (a: NDArray, b: NDArray, c: NDArray): NDArray =>
      lax.div(lax.sub(lax.sub(lax.mul(b, 4), lax.mul(a, 3)), c), lax.mul(h, 2));
    return lax.concatenate(
      [edge(at(0, 1), at(1, 2), at(2, 3)), ...inner, lax.neg(edge(at(-1, 0), at(-2, -1), at(-3, -2)))],
      axis,
    );
  }
  const step = (from: number, to: number): NDArray => part(spaced.steps, axis, from, to);
  const inner = n > 2 ? [central(at(0, -2), at(1, -1), at(2, 0), step(0, -1), step(1, 0))] : [];
  if (edgeOrder === 1) {
    return lax.concatenate(
      [first(at(0, 1), at(1, 2), step(0, 1)), ...inner, first(at(-2, -1), at(-1, 0), step(-1, 0))],
      axis,
    );
  }
  const left = oneSided(at(0, 1), at(1, 2), at(2, 3), step(0, 1), step(1, 2));
  const right = lax.neg(oneSided(at(-1, 0), at(-2, -1), at(-3, -2), step(-1, 0), step(-2, -1)));
  return lax.concatenate([left, ...inner, right], axis);
}

function central(before: NDArray, here: NDArray, after: NDArray, h1: NDArray, h2: NDArray): NDArray {
  const sum = lax.add(h1, h2);
  const a = lax.div(lax.neg(h2), lax.mul(h1, sum));
  const b = lax.div(lax.sub(h2, h1), lax.mul(h1, h2));
  const c = lax.div(h1, lax.mul(h2, sum));
  return lax.add(lax.add(lax.mul(a, before), lax.mul(b, here)), lax.mul(c, after));
}

/** The derivative at the first of three points, of second order. */
function oneSided(f0: NDArray, f1: NDArray, f2: NDArray, h1: NDArray, h2: NDArray): NDArray {
  const sum = lax.add(h1, h2);
  const a = lax.neg(lax.div(lax.add(lax.mul(h1, 2), h2), lax.mul(h1, sum)));
  const b = lax.div(sum, lax.mul(h1, h2));
  const c = lax.neg(lax.div(h1, lax.mul(h2, sum)));
  return lax.add(lax.add(lax.mul(a, f0), lax.mul(b, f1)), lax.mul(c, f2));
}

/** Options of {@link trapezoid}. */
export interface TrapezoidOptions {
  /** Distance between samples when `x` is absent, default 1. */
  dx?: ArrayLike;
  axis?: number;
}

/**
 * The integral of sampled values along an axis by the trapezoidal rule, Σ (xᵢ₊₁ - xᵢ)(yᵢ + yᵢ₊₁)/2; `x` is a vector of
 * coordinates or has the shape of `y`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.trapezoid(np.array([1, 2, 3])).js(); // => 4
 * np.trapezoid(np.array([1, 2, 3]), np.array([4, 6, 8])).js(); // => 8
 * ```
 */
export function trapezoid(y: ArrayLike, x?: ArrayLike | null, { dx = 1, axis = -1 }: TrapezoidOptions = {}): NDArray {
  const array = inexact('trapezoid', y);
  const d0 = canonicalAxis(axis, array.ndim, 'trapezoid');
  const widths = x === undefined || x === null ? dx : coordinateSteps(inexact('trapezoid', x), array, d0);
  const sums = lax.add(part(array, d0, 1, 0), part(array, d0, 0, -1));
  const products = promoteInexact('trapezoid', sums, widths);
  return lax.mul(lax.reduceSum(lax.mul(nth(products, 0), nth(products, 1)), [d0]), 0.5);
}

function coordinateSteps(x: NDArray, y: NDArray, axis: number): NDArray {
  if (x.ndim !== 1) return diff(x, 1, axis - y.ndim);
  const steps = diff(x);
  return lax.reshape(
    steps,
    y.aval.shape.map((_, d) => (d === axis ? steps.size : 1)),
  );
}

/**
 * A periodic signal made continuous along `axis`: each step between neighbours that is larger than `discont` (by default,
 * and at least, half a `period`) is replaced by the step equal to it modulo `period` that is in [-period/2, period/2].
 * Integers become float32.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.unwrap(np.array([1, 2, 3, 0, 1, 2]), null, -1, 4).js(); // => [1, 2, 3, 4, 5, 6]
 * ```
 */
export function unwrap(x: ArrayLike, discont?: number | null, axis = -1, period = 2 * Math.PI): NDArray {
  const array = inexact('unwrap', x);
  const d0 = canonicalAxis(axis, array.ndim, 'unwrap');
  if (nth(array.shape, d0) < 2) return array;
  const half = period / 2;
  const steps = diff(array, 1, d0);
  const wrapped = sub(mod(add(steps, half), period), half);
  // A step of just half a period may go either way: it keeps its sign.
  const ambiguous = logicalAnd(equal(wrapped, -half), greater(steps, 0));
  const change = sub(where(ambiguous, half, wrapped), steps);
  const needed = where(less(abs(steps), discont ?? half), 0, change);
  const rest = add(part(array, d0, 1, 0), lax.cumsum(needed, d0));
  return lax.concatenate([part(array, d0, 0, 1), rest], d0);
}
