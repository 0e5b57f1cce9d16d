/**
 * The line search of strong Wolfe conditions (Nocedal and Wright, "Numerical optimization", 2006, algorithms 3.5 and 3.6), with the
 * cubic interpolation and the safeguards of PyTorch's, whose steps it takes.
 */
import { checkCount } from '../core/counts.js';
import type { NDArray } from '../core/ndarray.js';
import { whileLoop } from '../control/while.js';
import * as lax from '../lax/index.js';
import { check, next, zeroCount } from './hyper.js';

/** A point on the line: its place, the function there, and the derivative along the line. */
export type LinePoint = {
  readonly t: NDArray;
  readonly f: NDArray;
  readonly g: NDArray;
};

/** Constants of a line search for the strong Wolfe conditions. */
export interface WolfeOptions {
  /** Of sufficient decrease, 1e-4; between 0 and c2. */
  c1?: number;
  /** Of curvature, 0.9; between c1 and 1. */
  c2?: number;
  /** Evaluations at most after the first, 25. */
  maxSteps?: number;
}

const DEFAULTS = { c1: 1e-4, c2: 0.9, maxSteps: 25 } as const;

/** Throws ArgumentError for constants for which no step need exist (Nocedal and Wright, lemma 3.1): it takes 0 < c1 < c2 < 1. */
export function checkWolfe(op: string, options: WolfeOptions): void {
  const { c1, c2, maxSteps } = { ...DEFAULTS, ...options };
  check(op, 'c2', c2, (v) => v > 0 && v < 1, 'between 0 and 1');
  check(op, 'c1', c1, (v) => v > 0 && v < c2, `between 0 and c2, ${c2}`);
  checkCount(op, 'maxSteps', maxSteps);
}

/** A bracket of this length, times the largest element of the direction, is short enough. */
const SHORT = 1e-9;

const pick = (condition: NDArray, a: LinePoint, b: LinePoint): LinePoint => ({
  t: lax.select(condition, a.t, b.t),
  f: lax.select(condition, a.f, b.f),
  g: lax.select(condition, a.g, b.g),
});
const or = lax.bitwiseOr;
const and = lax.bitwiseAnd;
const not = lax.bitwiseNot;

/** The minimum of the cubic through two points with their derivatives, within bounds; their middle where it has none. */
function cubicMinimum(a: LinePoint, b: LinePoint, low: NDArray, high: NDArray): NDArray {
  // The farther point last.
  const inOrder = lax.le(a.t, b.t);
  const [p, q] = [pick(inOrder, a, b), pick(inOrder, b, a)];
  const d1 = lax.sub(lax.add(p.g, q.g), lax.mul(lax.div(lax.sub(p.f, q.f), lax.sub(p.t, q.t)), 3));
  const square = lax.sub(lax.square(d1), lax.mul(p.g, q.g));
  const d2 = lax.sqrt(lax.max(square, 0));
  const share = lax.div(lax.sub(lax.add(q.g, d2), d1), lax.add(lax.sub(q.g, p.g), lax.mul(d2, 2)));
  const at = lax.sub(q.t, lax.mul(lax.sub(q.t, p.t), share));
  const within = lax.min(lax.max(at, low), high);
  // Nor is there one beside a wall.
  return lax.select(and(lax.ge(square, 0), lax.eq(at, at)), within, lax.mul(lax.add(low, high), 0.5));
}

/**
 * A step along a direction that decreases the function enough and whose slope is small enough; the best point seen, if none is
 * found in time. `origin` is the point at 0, `evaluate` gives function and derivative at a place.
 */
export function strongWolfe(
  evaluateAt: (t: NDArray) => LinePoint,
  origin: LinePoint,
  first: NDArray,
  directionSize: NDArray,
  options: WolfeOptions = {},
): NDArray {
  const { c1, c2, maxSteps } = { ...DEFAULTS, ...options };
  // Where the loss is not a number, or its slope, it is too high and rises: comparisons with NaN would take the point.
  const evaluate = (t: NDArray): LinePoint => {
    const { f, g } = evaluateAt(t);
    const isFinite = and(lax.isFinite(f), lax.isFinite(g));
    const wall = lax.scalarLike(Infinity, f);
    return { t, f: lax.select(isFinite, f, wall), g: lax.select(isFinite, g, wall) };
  };
  const tooHigh = ({ t, f }: LinePoint): NDArray => lax.gt(f, lax.add(origin.f, lax.mul(lax.mul(origin.g, t), c1)));
  const isFlat = ({ g }: LinePoint): NDArray => lax.le(lax.abs(g), lax.mul(origin.g, -c2));

  // Go on until a bracket is found, or a point that will do.
  interface Search {
    readonly count: NDArray;
    readonly before: LinePoint;
    readonly at: LinePoint;
  }
  const isBracket = ({ count, before, at }: Search): NDArray =>
    or(tooHigh(at), and(lax.gt(count, 1), lax.ge(at.f, before.f)));
  const search = whileLoop(
    (s: Search) => {
      const found = or(or(isBracket(s), isFlat(s.at)), lax.ge(s.at.g, 0));
      return and(lax.lt(s.count, maxSteps), not(found));
    },
    ({ count, before, at }: Search): Search => {
      const low = lax.add(at.t, lax.mul(lax.sub(at.t, before.t), 0.01));
      const guess = cubicMinimum(before, at, low, lax.mul(at.t, 10));
      return { count: next(count), before: at, at: evaluate(guess) };
    },
    { count: zeroCount(), before: origin, at: evaluate(first) },
  );

  const inTime = lax.lt(search.count, maxSteps);
  const other = pick(inTime, search.before, origin);
  const isLower = lax.le(other.f, search.at.f);
  interface Zoom {
    readonly count: NDArray;
    readonly low: LinePoint;
    readonly high: LinePoint;
    readonly stuck: NDArray;
    readonly done: NDArray;
  }
  const isDone = and(and(inTime, not(isBracket(search))), isFlat(search.at));
  const start: Zoom = {
    count: search.count,
    low: pick(isDone, search.at, pick(isLower, other, search.at)),
    high: pick(isLower, search.at, other),
    stuck: lax.full([], false, 'bool'),
    done: isDone,
  };
  const zoomed = whileLoop(
    ({ count, low, high, done }: Zoom) => {
      const length = lax.mul(lax.abs(lax.sub(high.t, low.t)), directionSize);
      return and(and(not(done), lax.lt(count, maxSteps)), lax.ge(length, SHORT));
    },
    ({ count, low, high, stuck }: Zoom): Zoom => {
      const [left, right] = [lax.min(low.t, high.t), lax.max(low.t, high.t)];
      const guess = cubicMinimum(low, high, left, right);
      // A guess close to an end makes little progress: the second time, or at the end itself, it is moved inwards.
      const margin = lax.mul(lax.sub(right, left), 0.1);
      const isClose = lax.lt(lax.min(lax.sub(right, guess), lax.sub(guess, left)), margin);
      const moves = and(isClose, or(stuck, or(lax.ge(guess, right), lax.le(guess, left))));
      const isRight = lax.lt(lax.abs(lax.sub(guess, right)), lax.abs(lax.sub(guess, left)));
      const inside = lax.select(isRight, lax.sub(right, margin), lax.add(left, margin));
      const at = evaluate(lax.select(moves, inside, guess));

      const fails = or(tooHigh(at), lax.ge(at.f, low.f));
      const ends = and(not(fails), isFlat(at));
      const turns = lax.ge(lax.mul(at.g, lax.sub(high.t, low.t)), 0);
      const stays = and(fails, lax.le(low.f, at.f));
      return {
        count: next(count),
        low: pick(stays, low, at),
        // The lower one of the old end and the new point is low; where the slope turns, the old low is the other end.
        high: pick(fails, pick(stays, at, low), pick(and(turns, not(ends)), low, high)),
        stuck: and(isClose, not(moves)),
        done: ends,
      };
    },
    start,
  );
  return zoomed.low.t;
}
