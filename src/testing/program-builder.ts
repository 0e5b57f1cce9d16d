/** What the operations of random programs share: values with bounds, distances from kinks, and how operands are picked. */
import { nth, range } from '../core/axes.js';
import { ConcreteArray } from '../core/concrete.js';
import { isFloat, type DType } from '../core/dtype.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import type { Rng } from './prng.js';

/** An array with a bound on the magnitude of its elements. */
export interface Value {
  readonly x: NDArray;
  readonly bound: number;
}

/** What an operation sees while a program is built. */
export interface Builder {
  readonly rng: Rng;
  readonly values: readonly Value[];
  /** Dtype of the program's floats. */
  readonly float: DType;
  /** Only operations without kinks. */
  readonly smooth: boolean;
  /** How far an operation is from its nearest kink or jump, where values are known. */
  readonly report: (distance: number) => void;
}

/** New values, or undefined where the operation has no fitting operands. */
export type Operation = (b: Builder) => Value[] | undefined;

/** Elements that a value may have. */
export const MAX_SIZE = 36;
/** Magnitudes that are squashed. */
const MAX_BOUND = 3;

export const value = (x: NDArray, bound: number): Value[] => [{ x, bound }];

/** Elements of a concrete array; nothing of a traced one. */
export const elements = (x: NDArray): readonly number[] => (x instanceof ConcreteArray ? Array.from(x.dataSync()) : []);

/** Report distances, except of exact ties: those are there by construction, on both sides of every step. */
export function reportAll(b: Builder, distances: readonly number[]): void {
  for (const d of distances) if (d !== 0) b.report(Math.abs(d));
}
export const differences = (x: NDArray, y: NDArray): number[] => {
  const [xs, ys] = [elements(x), elements(y)];
  const at = (list: readonly number[], i: number): number => list[list.length === 1 ? 0 : i] ?? NaN;
  return xs.length === 0 || ys.length === 0
    ? []
    : range(Math.max(xs.length, ys.length)).map((i) => at(xs, i) - at(ys, i));
};
/** Differences between all pairs of elements of one array. */
export const pairwise = (x: NDArray): number[] => {
  const sorted = [...elements(x)].sort((p, q) => p - q);
  return sorted.slice(1).map((e, i) => e - nth(sorted, i));
};

export const pickFloat = (b: Builder, accept: (v: Value) => boolean = () => true): Value | undefined => {
  const fitting = b.values.filter((v) => isFloat(v.x.dtype) && accept(v));
  if (fitting.length === 0) return undefined;
  // Recent values are taken more often, so that programs grow deep as well as wide.
  const recent = fitting.slice(-4);
  return b.rng.chance(0.6) ? b.rng.pick(recent) : b.rng.pick(fitting);
};

const add = (x: ArrayLike, y: ArrayLike): NDArray => lax.add(x, y);
export const scale = (x: NDArray, factor: number): NDArray => lax.mul(x, factor);
/** c + x², positive. */
export const above = (c: number, x: NDArray): NDArray => add(lax.square(x), c);

/** A value brought back to a magnitude of at most {@link MAX_BOUND}. */
export function squash(rng: Rng, v: Value): Value {
  if (!(v.bound > MAX_BOUND) || !isFloat(v.x.dtype)) return v;
  switch (rng.int(0, 2)) {
    case 0:
      return { x: lax.sin(v.x), bound: 1 };
    case 1:
      return { x: lax.tanh(v.x), bound: 1 };
    default:
      return { x: scale(v.x, 1 / v.bound), bound: 1 };
  }
}
