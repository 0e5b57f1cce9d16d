/** Tensor, Kronecker, vector and chained products. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ArgumentError, AxisError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { moveaxis } from '../lax/reshape.js';
import { contraction, dot } from './linear.js';
import { broadcastOperands, numeric, samePair, single } from './promote.js';

/**
 * A sum of products over several axes: the last `axes` of `x` with the first `axes` of `y`, or the axes listed for each
 * (`[[axes of x], [axes of y]]`, in pairs). The other axes of `x` come before those of `y`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.arange(6).reshape(2, 3);
 * np.tensordot(x, x, [[0], [0]]); // => [[9, 12, 15], [12, 17, 22], [15, 22, 29]]
 * np.tensordot(x, x, 0).shape; // => [2, 3, 2, 3]
 * ```
 */
export function tensordot(
  x: ArrayLike,
  y: ArrayLike,
  axes: number | readonly [number | readonly number[], number | readonly number[]] = 2,
): NDArray {
  return contraction('tensordot', x, y, (a, b) => {
    const list = (of: number | readonly number[], ndim: number): number[] =>
      (typeof of === 'number' ? [of] : of).map((axis) => canonicalAxis(axis, ndim, 'tensordot'));
    if (typeof axes === 'number' && (axes > a.ndim || axes > b.ndim || axes < 0)) {
      throw new AxisError(
        `tensordot: cannot sum over ${axes} axes of shapes ${showShape(a.shape)} and ${showShape(b.shape)}.${userLine()}`,
      );
    }
    const left = typeof axes === 'number' ? range(axes).map((i) => a.ndim - axes + i) : list(axes[0], a.ndim);
    const right = typeof axes === 'number' ? range(axes) : list(axes[1], b.ndim);
    const lengths = (v: NDArray, of: readonly number[]): number[] => of.map((d) => nth(v.aval.shape, d));
    const [n, m] = [lengths(a, left), lengths(b, right)];
    if (n.length !== m.length || n.some((length, i) => length !== m[i])) {
      throw new ShapeError(
        `tensordot: axes ${showShape(left)} of shape ${showShape(a.shape)} and ${showShape(right)} of shape ${showShape(b.shape)} must have ` +
          `equal lengths in pairs, got ${showShape(n)} and ${showShape(m)}.${userLine()}`,
      );
    }
    return lax.dotGeneral(a, b, [
      [left, right],
      [[], []],
    ]);
  });
}

/**
 * The Kronecker product: every element of `x` times the whole of `y`, as blocks.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.kron(np.eye(2), np.array([[1, 2]])); // => [[1, 2, 0, 0], [0, 0, 1, 2]]
 * ```
 */
export function kron(x: ArrayLike, y: ArrayLike): NDArray {
  return contraction('kron', x, y, (a, b) => {
    const ndim = Math.max(a.ndim, b.ndim);
    const padded = (v: NDArray): number[] => [...range(ndim - v.ndim).map(() => 1), ...v.aval.shape];
    const [left, right] = [padded(a), padded(b)];
    // Axis d of the result is the pair (axis d of x, axis d of y), merged by the last reshape.
    const pairs = range(ndim).flatMap((d) => [nth(left, d), nth(right, d)]);
    const spread = (v: NDArray, shape: readonly number[], parity: 0 | 1): NDArray =>
      lax.broadcastInDim(
        lax.reshape(v, shape),
        pairs,
        shape.map((_, d) => 2 * d + parity),
      );
    return lax.reshape(
      lax.mul(spread(a, left, 0), spread(b, right, 1)),
      left.map((n, d) => n * nth(right, d)),
    );
  });
}

/** The axes of {@link cross} that hold vectors; the last ones if absent. */
export interface CrossOptions {
  axisa?: number;
  axisb?: number;
  /** Axis of the result that holds vectors. */
  axisc?: number;
  /** All three at once. */
  axis?: number;
}

/**
 * The vector product of vectors of 3 elements; missing third elements count as 0, and of two vectors of 2 elements the
 * result is the third component alone. The other axes broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.cross(np.array([1, 0, 0]), np.array([0, 1, 0])); // => [0, 0, 1]
 * ```
 */
export function cross(x: ArrayLike, y: ArrayLike, options: CrossOptions = {}): NDArray {
  const { axis, axisa = axis ?? -1, axisb = axis ?? -1, axisc = axis ?? -1 } = options;
  const [first, second] = samePair('cross', numeric('cross', x), numeric('cross', y));
  const components = (v: NDArray, along: number): NDArray[] => {
    const d = canonicalAxis(along, v.ndim, 'cross');
    const n = nth(v.aval.shape, d);
    if (n !== 2 && n !== 3) {
      throw new ShapeError(
        `cross: vectors have 2 or 3 elements, but axis ${d} of shape ${showShape(v.shape)} has ${n}.${userLine()}`,
      );
    }
    return range(n).map((i) => lax.squeeze(lax.sliceInDim(v, i, i + 1, d), [d]));
  };
  const [a, b] = [components(first, axisa), components(second, axisb)];
  const all = broadcastOperands('cross', [...a, ...b]);
  const at = (i: number): NDArray | undefined => (i < a.length ? all[i] : undefined);
  const bt = (i: number): NDArray | undefined => (i < b.length ? all[a.length + i] : undefined);
  const zero = lax.full(nth(all, 0).aval.shape, 0, first.dtype);
  // A factor that is not there is 0, and so is its product.
  const minor = (i: number, j: number): NDArray => {
    const product = (p: NDArray | undefined, q: NDArray | undefined): NDArray =>
      p === undefined || q === undefined ? zero : lax.mul(p, q);
    return lax.sub(product(at(i), bt(j)), product(at(j), bt(i)));
  };
  if (a.length === 2 && b.length === 2) return minor(0, 1);
  const parts = [minor(1, 2), minor(2, 0), minor(0, 1)].map((p) => lax.expandDims(p, [p.ndim]));
  const result = lax.concatenate(parts, nth(parts, 0).ndim - 1);
  return moveaxis(result, result.ndim - 1, canonicalAxis(axisc, result.ndim, 'cross'));
}

/**
 * The cheapest way to multiply a chain of matrices by dynamic programming over its parts (Cormen et al., Introduction
 * to Algorithms, "Matrix-chain multiplication"). `split(i, j)` is where the product of matrices i … j divides.
 */
function chainSplits(dims: readonly number[]): (i: number, j: number) => number {
  const n = dims.length - 1;
  const cost = range(n).map(() => new Array<number>(n).fill(0));
  const split = range(n).map(() => new Array<number>(n).fill(0));
  for (let length = 2; length <= n; length++) {
    for (let i = 0; i + length <= n; i++) {
      const j = i + length - 1;
      const row = nth(cost, i);
      row[j] = Infinity;
      for (let k = i; k < j; k++) {
        const total = nth(row, k) + nth(nth(cost, k + 1), j) + nth(dims, i) * nth(dims, k + 1) * nth(dims, j + 1);
        if (total >= nth(row, j)) continue;
        row[j] = total;
        nth(split, i)[j] = k;
      }
    }
  }
  return (i, j) => nth(nth(split, i), j);
}

/**
 * The product of a chain of matrices, multiplied in the order that takes the fewest operations. The first and last may
 * be vectors. Throws ArgumentError for fewer than two and ShapeError where lengths do not fit.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.multiDot([np.ones([10, 100]), np.ones([100, 5]), np.ones([5, 50])]).shape; // => [10, 50]
 * ```
 */
export function multiDot(xs: readonly ArrayLike[]): NDArray {
  const arrays = xs.map((x) => single('multiDot', x));
  if (arrays.length < 2)
    throw new ArgumentError(`multiDot: needs at least two arrays, got ${arrays.length}.${userLine()}`);
  arrays.forEach((x, i) => {
    const isEnd = i === 0 || i === arrays.length - 1;
    if (x.ndim === 2 || (isEnd && x.ndim === 1)) return;
    throw new ShapeError(
      `multiDot: array ${i} has shape ${showShape(x.shape)}; all must be matrices, and only the first and last may be vectors.${userLine()}`,
    );
  });
  // Rows of the first (1 for a vector), then the length after each matrix.
  const [first, last] = [nth(arrays, 0), nth(arrays, arrays.length - 1)];
  const dims = [
    first.ndim === 1 ? 1 : nth(first.aval.shape, 0),
    ...arrays.slice(0, -1).map((x) => nth(x.aval.shape, x.ndim - 1)),
    last.ndim === 1 ? 1 : nth(last.aval.shape, 1),
  ];
  const split = chainSplits(dims);
  const product = (i: number, j: number): NDArray =>
    i === j ? nth(arrays, i) : dot(product(i, split(i, j)), product(split(i, j) + 1, j));
  return product(0, arrays.length - 1);
}
