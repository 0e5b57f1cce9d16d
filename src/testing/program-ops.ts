/**
 * The operations that random programs are made of. Each takes operands from the values made so far and gives one or more
 * new ones, with a bound on their magnitude; operations with kinks or jumps report how far their operands are from one,
 * so that derivatives are only compared with finite differences where there are derivatives.
 */
import { nth, range } from '../core/axes.js';
import { sizeOf, type Shape } from '../core/aval.js';
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';

import {
  elements,
  MAX_SIZE,
  pairwise,
  pickFloat,
  reportAll,
  scale,
  value,
  type Builder,
  type Operation,
  type Value,
} from './program-builder.js';
import { binary, unaryKinked, unarySmooth } from './program-elementwise.js';

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

/** A product taken apart, as a recurrent cell's into its gates: parts of it with functions of their own, and perhaps the whole as well. */
const gates: Operation = (b) => {
  const [product] = contraction(b) ?? [];
  if (product === undefined || product.x.ndim === 0) return undefined;
  const axis = b.rng.int(0, product.x.ndim - 1);
  const n = nth(product.x.aval.shape, axis);
  if (n < 2) return undefined;
  const cut = b.rng.int(1, n - 1);
  const [f, g] = b.rng.shuffle([lax.sin, lax.tanh, lax.logistic]);
  return [
    ...value((f ?? lax.sin)(lax.sliceInDim(product.x, 0, cut, axis)), 1),
    ...value((g ?? lax.cos)(lax.sliceInDim(product.x, cut, n, axis)), 1),
    ...(b.rng.chance(0.5) ? [product] : []),
  ];
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

/** The same operation on one value with parameters that differ a little: equal only to a compiler that looks away. */
const siblings: Operation = (b) => {
  const v = pickFloat(b, (w) => w.x.ndim > 0);
  if (v === undefined) return undefined;
  const { shape, ndim } = v.x.aval;
  const [first, last] = [0, ndim - 1];
  const pair = (f: NDArray, g: NDArray, bound: number): Value[] => value(lax.sub(f, scale(g, 0.5)), 1.5 * bound);
  const none = shape.map(() => [0, 0, 0] as const);
  const padded = (lo: number): NDArray =>
    lax.pad(
      v.x,
      0.5,
      none.map((p, d) => (d === last ? ([lo, -lo, 0] as const) : p)),
    );
  switch (b.rng.int(0, 5)) {
    case 0:
      return pair(lax.sin(lax.mul(v.x, 0.7)), lax.sin(lax.mul(v.x, -0.7)), 1);
    case 1:
      return pair(lax.square(lax.add(v.x, 0.5)), lax.square(lax.add(v.x, -0.5)), (v.bound + 0.5) ** 2);
    case 2:
      return pair(lax.cumsum(v.x, last, false), lax.cumsum(v.x, last, true), nth(shape, last) * v.bound);
    case 3:
      return pair(lax.rev(v.x, [first]), lax.rev(v.x, [last]), v.bound);
    case 4:
      return nth(shape, last) === 0 ? undefined : pair(padded(1), padded(-1), Math.max(0.5, v.bound));
    default:
      return pair(lax.integerPow(v.x, 2), lax.integerPow(v.x, 3), Math.max(1, v.bound ** 3));
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
  [2, siblings],
  [2, gates],
];
