/**
 * The operations that random programs are made of. Each takes operands from the values made so far and gives one or more
 * new ones, with a bound on their magnitude; operations with kinks or jumps report how far their operands are from one,
 * so that derivatives are only compared with finite differences where there are derivatives.
 */
import { nth, range } from '../core/axes.js';
import { sizeOf, type Shape } from '../core/aval.js';
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
const MAX_SIZE = 36;
/** Magnitudes that are squashed. */
const MAX_BOUND = 3;

const value = (x: NDArray, bound: number): Value[] => [{ x, bound }];

/** Elements of a concrete array; nothing of a traced one. */
const elements = (x: NDArray): readonly number[] => (x instanceof ConcreteArray ? Array.from(x.dataSync()) : []);

/** Report distances, except of exact ties: those are there by construction, on both sides of every step. */
function reportAll(b: Builder, distances: readonly number[]): void {
  for (const d of distances) if (d !== 0) b.report(Math.abs(d));
}
const differences = (x: NDArray, y: NDArray): number[] => {
  const [xs, ys] = [elements(x), elements(y)];
  const at = (list: readonly number[], i: number): number => list[list.length === 1 ? 0 : i] ?? NaN;
  return xs.length === 0 || ys.length === 0
    ? []
    : range(Math.max(xs.length, ys.length)).map((i) => at(xs, i) - at(ys, i));
};
/** Differences between all pairs of elements of one array. */
const pairwise = (x: NDArray): number[] => {
  const sorted = [...elements(x)].sort((p, q) => p - q);
  return sorted.slice(1).map((e, i) => e - nth(sorted, i));
};

const pickFloat = (b: Builder, accept: (v: Value) => boolean = () => true): Value | undefined => {
  const fitting = b.values.filter((v) => isFloat(v.x.dtype) && accept(v));
  if (fitting.length === 0) return undefined;
  // Recent values are taken more often, so that programs grow deep as well as wide.
  const recent = fitting.slice(-4);
  return b.rng.chance(0.6) ? b.rng.pick(recent) : b.rng.pick(fitting);
};

const add = (x: ArrayLike, y: ArrayLike): NDArray => lax.add(x, y);
const scale = (x: NDArray, factor: number): NDArray => lax.mul(x, factor);
/** c + x², positive. */
const above = (c: number, x: NDArray): NDArray => add(lax.square(x), c);

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

type Unary = readonly [f: (x: NDArray) => NDArray, bound: (b: number) => number];

/** Smooth functions, with their arguments brought into their domains. */
const SMOOTH: readonly Unary[] = [
  [lax.neg, (b) => b],
  [lax.sin, () => 1],
  [lax.cos, () => 1],
  [lax.tanh, () => 1],
  [lax.atan, () => 1.6],
  [lax.erf, () => 1],
  [lax.erfc, () => 2],
  [lax.logistic, () => 1],
  [lax.asinh, (b) => b],
  [lax.exp, Math.exp],
  [lax.exp2, (b) => 2 ** b],
  [lax.expm1, Math.exp],
  [lax.sinh, Math.sinh],
  [lax.cosh, Math.cosh],
  [lax.square, (b) => b * b],
  [(x) => lax.integerPow(x, 3), (b) => b ** 3],
  [(x) => lax.mul(x, 0.7), (b) => 0.7 * b],
  [(x) => lax.sub(0.5, x), (b) => b + 0.5],
  [(x) => lax.log(above(1.5, x)), (b) => Math.log(1.5 + b * b)],
  [(x) => lax.log2(above(1.5, x)), (b) => Math.log2(1.5 + b * b)],
  [(x) => lax.log1p(lax.square(x)), (b) => Math.log1p(b * b)],
  [(x) => lax.sqrt(above(0.5, x)), (b) => Math.sqrt(0.5 + b * b)],
  [(x) => lax.rsqrt(above(0.5, x)), () => 1.5],
  [(x) => lax.cbrt(above(0.5, x)), (b) => Math.cbrt(0.5 + b * b)],
  [(x) => lax.div(1, above(1, x)), () => 1],
  [(x) => lax.integerPow(above(1, x), -2), () => 1],
  [(x) => lax.acosh(above(1.5, x)), (b) => Math.acosh(1.5 + b * b)],
  [(x) => lax.asin(scale(lax.sin(x), 0.8)), () => 1],
  [(x) => lax.acos(scale(lax.sin(x), 0.8)), () => 2.6],
  [(x) => lax.atanh(scale(lax.tanh(x), 0.8)), () => 1.2],
  [(x) => lax.erfInv(scale(lax.tanh(x), 0.8)), () => 1],
  [(x) => lax.tan(scale(lax.sin(x), 0.9)), () => 1.3],
  [(x) => lax.lgamma(above(1, x)), (b) => Math.max(1, (1 + b * b) * Math.log(2 + b * b))],
  [(x) => lax.digamma(above(1, x)), (b) => 1 + Math.log(1 + b * b)],
  [(x) => lax.polygamma(1, above(1, x)), () => 1.7],
];

const unarySmooth: Operation = (b) => {
  const v = pickFloat(b);
  if (v === undefined) return undefined;
  const [f, bound] = b.rng.pick(SMOOTH);
  return value(f(v.x), bound(v.bound));
};

const unaryKinked: Operation = (b) => {
  const v = pickFloat(b);
  if (v === undefined || b.smooth) return undefined;
  const toInteger = (offset: number): number[] =>
    elements(v.x).map((e) => (3 * e - offset - Math.round(3 * e - offset)) / 3);
  switch (b.rng.int(0, 5)) {
    case 0:
      reportAll(b, elements(v.x));
      return value(lax.abs(v.x), v.bound);
    case 1:
      reportAll(b, elements(v.x));
      return value(lax.sign(v.x), 1);
    case 2:
      reportAll(b, toInteger(0));
      return value(lax.mul(lax.floor(scale(v.x, 3)), 0.25), v.bound + 1);
    case 3:
      reportAll(b, toInteger(0.5));
      return value(lax.round(scale(v.x, 3), b.rng.chance(0.5) ? 'TO_NEAREST_EVEN' : 'AWAY_FROM_ZERO'), 3 * v.bound + 1);
    case 4:
      reportAll(
        b,
        elements(v.x).flatMap((e) => [e + 0.7, e - 0.9]),
      );
      return value(lax.clamp(-0.7, v.x, 0.9), 0.9);
    default:
      reportAll(b, elements(v.x));
      return value(lax.max(v.x, 0), v.bound);
  }
};

/** A second operand for an elementwise operation: of the same shape, a scalar, or made to fit by a sum and a broadcast. */
function partner(b: Builder, v: Value): Value | undefined {
  const { shape } = v.x.aval;
  const same = pickFloat(b, (w) => w !== v && w.x.ndim === shape.length && w.x.shape.every((n, d) => n === shape[d]));
  if (same !== undefined && b.rng.chance(0.7)) return same;
  const other = pickFloat(b);
  if (other === undefined) return undefined;
  const scalar = other.x.ndim === 0 ? other.x : scale(lax.reduceSum(other.x), 1 / Math.max(1, other.x.size));
  return { x: b.rng.chance(0.5) ? scalar : lax.broadcastTo(scalar, shape), bound: other.bound };
}

const binary: Operation = (b) => {
  const v = pickFloat(b);
  const w = v === undefined ? undefined : partner(b, v);
  if (v === undefined || w === undefined) return undefined;
  const sum = v.bound + w.bound;
  switch (b.rng.int(0, b.smooth ? 5 : 9)) {
    case 0:
      return value(lax.add(v.x, w.x), sum);
    case 1:
      return value(lax.sub(w.x, v.x), sum);
    case 2:
      return value(lax.mul(v.x, w.x), v.bound * w.bound);
    case 3:
      return value(lax.div(v.x, above(1.2, w.x)), v.bound);
    case 4:
      return value(lax.pow(above(0.5, v.x), lax.tanh(w.x)), 0.5 + v.bound ** 2 + 2);
    case 5:
      return value(lax.atan2(above(0.5, v.x), w.x), 3.2);
    case 6:
      reportAll(b, differences(v.x, w.x));
      return value(lax.max(v.x, w.x), Math.max(v.bound, w.bound));
    case 7:
      reportAll(b, differences(v.x, w.x));
      return value(lax.min(w.x, v.x), Math.max(v.bound, w.bound));
    case 8: {
      reportAll(b, differences(v.x, w.x));
      const { shape } = v.x.aval;
      const wide = lax.broadcastTo(w.x, shape);
      return value(lax.select(lax.lt(v.x, wide), lax.sin(v.x), lax.mul(wide, 0.5)), Math.max(1, w.bound));
    }
    default: {
      const divisor = above(1.2, w.x);
      reportAll(
        b,
        elements(lax.div(v.x, divisor)).map((q) => q - Math.round(q)),
      );
      return value(lax.rem(v.x, divisor), v.bound);
    }
  }
};

const permutation = (b: Builder, n: number): number[] => b.rng.shuffle(range(n));

/** Shapes with the same number of elements. */
function reshapes(b: Builder, size: number): Shape {
  if (size === 0) return b.rng.pick([[0], [2, 0], [0, 3]]);
  const factors = range(size + 1)
    .slice(1)
    .filter((k) => size % k === 0);
  const first = b.rng.pick(factors);
  const second = b.rng.pick(factors.filter((k) => (size / first) % k === 0));
  return b.rng.pick([[size], [first, size / first], [first, second, size / first / second], [size / first, 1, first]]);
}

const rearrangement: Operation = (b) => {
  const v = pickFloat(b, (w) => w.x.ndim > 0);
  if (v === undefined) return undefined;
  const { shape, ndim, size } = v.x.aval;
  const axis = b.rng.int(0, ndim - 1);
  const n = nth(shape, axis);
  switch (b.rng.int(0, 6)) {
    case 0:
      return value(lax.transpose(v.x, permutation(b, ndim)), v.bound);
    case 1:
      return value(lax.reshape(v.x, reshapes(b, size)), v.bound);
    case 2:
      return value(
        lax.rev(
          v.x,
          range(ndim).filter(() => b.rng.chance(0.5)),
        ),
        v.bound,
      );
    case 3: {
      const start = shape.map((k) => b.rng.int(0, Math.max(0, k - 1)));
      const limit = shape.map((k, d) => b.rng.int(Math.min(k, nth(start, d) + 1), k));
      return value(
        lax.slice(
          v.x,
          start,
          limit,
          shape.map(() => b.rng.int(1, 2)),
        ),
        v.bound,
      );
    }
    case 4: {
      const config = shape.map(
        (k) => [b.rng.int(k > 1 ? -1 : 0, 1), b.rng.int(k > 2 ? -1 : 0, 1), b.rng.int(0, 1)] as const,
      );
      const padding = pickFloat(b, (w) => w.x.ndim === 0);
      const padded = lax.pad(v.x, padding?.x ?? 0.25, config);
      return padded.size > MAX_SIZE ? undefined : value(padded, Math.max(v.bound, padding?.bound ?? 0.25));
    }
    case 5: {
      if (size * 2 > MAX_SIZE) return undefined;
      const other = lax.sliceInDim(v.x, Math.min(1, n), n, axis);
      return value(lax.concatenate(b.rng.chance(0.5) ? [v.x, other] : [other, v.x, other], axis), v.bound);
    }
    default: {
      const extra = b.rng.int(1, 3);
      if (size * extra > MAX_SIZE || ndim > 2) return undefined;
      const place = b.rng.int(0, ndim);
      const wide = [...shape.slice(0, place), extra, ...shape.slice(place)];
      return value(
        lax.broadcastInDim(
          v.x,
          wide,
          range(ndim + 1).filter((d) => d !== place),
        ),
        v.bound,
      );
    }
  }
};

const reduction: Operation = (b) => {
  const v = pickFloat(b, (w) => w.x.ndim > 0);
  if (v === undefined) return undefined;
  const { shape, ndim } = v.x.aval;
  const axes = range(ndim).filter(() => b.rng.chance(0.6));
  const count = sizeOf(axes.map((d) => nth(shape, d)));
  const spread = (reduced: Value): Value[] => {
    // Often the reduced value meets the rows it came from, as in a softmax.
    if (!b.rng.chance(0.4)) return [reduced];
    const kept = range(ndim).filter((d) => !axes.includes(d));
    const wide = lax.broadcastInDim(reduced.x, shape, kept);
    return [{ x: lax.sub(v.x, wide), bound: v.bound + reduced.bound }];
  };
  switch (b.rng.int(0, b.smooth ? 1 : 3)) {
    case 0:
      return spread({ x: lax.reduceSum(v.x, axes), bound: count * v.bound });
    case 1:
      return spread({ x: lax.reduceProd(scale(v.x, 0.9 / Math.max(1, v.bound)), axes), bound: 1 });
    case 2:
      if (count === 0) return undefined;
      reportAll(b, pairwise(v.x));
      return spread({ x: lax.reduceMax(v.x, axes), bound: v.bound });
    default:
      if (count === 0) return undefined;
      reportAll(b, pairwise(v.x));
      return spread({ x: lax.reduceMin(v.x, axes), bound: v.bound });
  }
};

const cumulative: Operation = (b) => {
  const v = pickFloat(b, (w) => w.x.ndim > 0);
  if (v === undefined) return undefined;
  const axis = b.rng.int(0, v.x.ndim - 1);
  const reverse = b.rng.chance(0.5);
  const n = nth(v.x.aval.shape, axis);
  switch (b.rng.int(0, b.smooth ? 2 : 4)) {
    case 0:
      return value(lax.cumsum(v.x, axis, reverse), n * v.bound);
    case 1:
      return value(lax.cumprod(scale(v.x, 1 / Math.max(1, v.bound)), axis, reverse), 1);
    case 2:
      return value(lax.cumlogsumexp(v.x, axis, reverse), v.bound + Math.log(Math.max(1, n)));
    case 3:
      reportAll(b, pairwise(v.x));
      return value(lax.cummax(v.x, axis, reverse), v.bound);
    default:
      reportAll(b, pairwise(v.x));
      return value(lax.cummin(v.x, axis, reverse), v.bound);
  }
};

/** A contraction of a value with another, or itself, over axes of equal length. */
const contraction: Operation = (b) => {
  const v = pickFloat(b, (w) => w.x.ndim > 0);
  if (v === undefined) return undefined;
  const axis = b.rng.int(0, v.x.ndim - 1);
  const n = nth(v.x.aval.shape, axis);
  const w = pickFloat(b, (u) => u.x.ndim > 0 && u.x.shape.includes(n));
  if (w === undefined) return undefined;
  const other = w.x.shape.indexOf(n);
  const pairs = v.x.shape.flatMap((k, i) =>
    i === axis ? [] : w.x.shape.flatMap((m, j) => (m === k && j !== other ? [[i, j] as const] : [])),
  );
  const batch = pairs.length > 0 && b.rng.chance(0.5) ? [b.rng.pick(pairs)] : [];
  const size = (v.x.size / Math.max(1, n)) * (w.x.size / Math.max(1, n));
  if (size > MAX_SIZE || v.x.ndim + w.x.ndim > 5) return undefined;
  const product = lax.dotGeneral(v.x, w.x, [
    [[axis], [other]],
    [batch.map(([i]) => i), batch.map(([, j]) => j)],
  ]);
  return value(product, n * v.bound * w.bound);
};

/** An index in [0, n), from a value if there is one to compute it from. */
function someIndex(b: Builder, n: number): NDArray {
  const source = b.smooth ? undefined : pickFloat(b, (w) => w.x.ndim === 1 && w.x.size > 0);
  if (source === undefined || b.rng.chance(0.4)) return lax.full([], b.rng.int(0, n), 'int32');
  reportAll(b, pairwise(source.x));
  return lax.argmax(source.x, 0);
}

/** Row numbers, some of them out of bounds and some repeated. */
const someRows = (b: Builder, n: number, count: number): NDArray =>
  lax.reshape(lax.rem(lax.mul(lax.iota('int32', count), b.rng.int(1, 3)), n + 1), [count, 1]);

const indexed: Operation = (b) => {
  const v = pickFloat(b, (w) => w.x.ndim > 0 && (w.x.shape[0] ?? 0) > 0);
  if (v === undefined) return undefined;
  const { shape, ndim } = v.x.aval;
  const n = nth(shape, 0);
  const row = sizeOf(shape.slice(1));
  const count = b.rng.int(1, 3);
  const window = range(ndim - 1).map((d) => d + 1);
  const mode = b.rng.pick(['clip', 'fill'] as const);
  switch (b.rng.int(0, 4)) {
    case 0: {
      const sizes = shape.map((k) => b.rng.int(Math.min(1, k), k));
      return value(
        lax.dynamicSlice(
          v.x,
          shape.map((k) => someIndex(b, k)),
          sizes,
        ),
        v.bound,
      );
    }
    case 1: {
      const update = lax.slice(
        v.x,
        shape.map(() => 0),
        shape.map((k) => Math.ceil(k / 2)),
      );
      return value(
        lax.dynamicUpdateSlice(
          v.x,
          lax.cos(update),
          shape.map((k) => someIndex(b, k)),
        ),
        Math.max(1, v.bound),
      );
    }
    case 2: {
      if (count * row > MAX_SIZE) return undefined;
      const dn = {
        offsetDims: window,
        collapsedSliceDims: [0],
        startIndexMap: [0],
        operandBatchingDims: [],
        startIndicesBatchingDims: [],
      };
      return value(
        lax.gather(v.x, someRows(b, n, count), dn, [1, ...shape.slice(1)], { mode, fillValue: 0.125 }),
        Math.max(1, v.bound),
      );
    }
    case 3: {
      const dn = {
        updateWindowDims: window,
        insertedWindowDims: [0],
        scatterDimsToOperandDims: [0],
        operandBatchingDims: [],
        scatterIndicesBatchingDims: [],
      };
      const updates = lax.sin(lax.broadcastInDim(lax.sliceInDim(v.x, 0, 1), [count, ...shape.slice(1)], range(ndim)));
      const scatter = b.rng.pick([lax.scatterAdd, lax.scatter]);
      return value(scatter(v.x, someRows(b, n, count), updates, dn, { mode }), v.bound + count);
    }
    default:
      return value(lax.dynamicIndexInDim(v.x, someIndex(b, n), 0, false), v.bound);
  }
};

const ordered: Operation = (b) => {
  const v = pickFloat(b, (w) => w.x.ndim > 0 && w.x.size > 0);
  if (v === undefined || b.smooth) return undefined;
  reportAll(b, pairwise(v.x));
  const axis = b.rng.int(0, v.x.ndim - 1);
  switch (b.rng.int(0, 2)) {
    case 0:
      return lax.sort([v.x], axis).map((x) => ({ x, bound: v.bound }));
    case 1:
      return lax.sort([v.x, lax.sin(v.x)], axis).map((x, i) => ({ x, bound: i === 0 ? v.bound : 1 }));
    default: {
      const [top, at] = lax.topK(v.x, b.rng.int(1, nth(v.x.aval.shape, v.x.ndim - 1)));
      return [
        { x: top, bound: v.bound },
        { x: lax.convertElementType(at, b.float), bound: 4 },
      ];
    }
  }
};

/** Integers and booleans on the way: positions, comparisons, bits, and back to floats. */
const discrete: Operation = (b) => {
  const v = pickFloat(b);
  if (v === undefined || b.smooth) return undefined;
  switch (b.rng.int(0, 2)) {
    case 0: {
      reportAll(b, elements(v.x));
      const mask = lax.gt(v.x, 0);
      return value(lax.select(mask, lax.square(v.x), lax.neg(v.x)), Math.max(v.bound, v.bound ** 2));
    }
    case 1: {
      const scaled = scale(v.x, 3);
      reportAll(
        b,
        elements(scaled).flatMap((e) => (Math.abs(e) < 0.5 ? [] : [(e - Math.round(e)) / 3])),
      );
      const whole = lax.convertElementType(scaled, 'int32');
      const bits = lax.bitwiseXor(lax.add(whole, 5), lax.full(v.x.aval.shape, 2, 'int32'));
      return value(lax.mul(lax.convertElementType(bits, b.float), 0.1), (3 * v.bound + 9) / 10);
    }
    default: {
      if (v.x.ndim === 0) return undefined;
      const ramp = lax.broadcastedIota(b.float, v.x.aval.shape, b.rng.int(0, v.x.ndim - 1));
      return value(lax.add(v.x, scale(ramp, 0.2)), v.bound + 1.5);
    }
  }
};

/** Operations by how often they are drawn. */
export const OPERATIONS: readonly (readonly [weight: number, operation: Operation])[] = [
  [5, unarySmooth],
  [2, unaryKinked],
  [5, binary],
  [4, rearrangement],
  [3, reduction],
  [2, cumulative],
  [3, contraction],
  [3, indexed],
  [1, ordered],
  [2, discrete],
];
