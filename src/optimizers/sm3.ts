/** SM3: Adagrad whose memory is one vector for each axis of a parameter. */
import { nth, range } from '../core/axes.js';
import type { NDArray } from '../core/ndarray.js';
import { flattenUpTo, flattenWithPath, unflatten, type MapTree } from '../core/tree.js';
import * as lax from '../lax/index.js';
import { inFloat32 } from './halves.js';
import { checkRate, mean, type Hyperparameter } from './hyper.js';
import type { GradientTransformation, StateKind } from './transformation.js';
import { mapTrees, zerosLike } from './trees.js';

/** A tree with a list of vectors in place of each array: one for each axis, and a scalar for a scalar. */
export type PerAxis<P> = MapTree<P, NDArray, readonly NDArray[]>;

/** What {@link scaleBySm3} remembers. */
export type Sm3Memory<P> = {
  /** Decaying mean of the scaled gradients. */
  readonly momentum: P;
  /** For each index along an axis, a bound of the sums of squares of the gradients there. */
  readonly accumulators: PerAxis<P>;
};
/** State of {@link scaleBySm3}. */
export interface Sm3State extends StateKind {
  readonly state: Sm3Memory<this['params']>;
}

/** Options of {@link scaleBySm3}. */
export interface Sm3Options {
  /** Decay of the mean of scaled gradients, 0.9. */
  momentum?: Hyperparameter;
}

/** One array for each axis, made by `f`; a scalar counts as one axis. */
const perAxis = (x: NDArray, f: (axis: number | null) => NDArray): NDArray[] =>
  x.ndim === 0 ? [f(null)] : range(x.ndim).map(f);

/** The squares of `g` added to the smallest of the bounds that cover an element. */
function bound(g: NDArray, accumulators: readonly NDArray[]): NDArray {
  const { shape } = g.aval;
  const covering = accumulators.map((a, axis) => (g.ndim === 0 ? a : lax.broadcastInDim(a, shape, [axis])));
  return lax.add(
    covering.reduce((x, y) => lax.min(x, y)),
    lax.square(g),
  );
}

/**
 * Divides by the root of a bound of the sum of squares that needs one number for each row and column (Anil et al., NeurIPS 2019,
 * arXiv 1901.11150, SM3-II): with νᵢ = min over the axes r of μʳ[iᵣ], plus gᵢ², the scaled gradient is g/√ν (0 where ν is 0), the update is
 * m ← momentum m + (1 - momentum) g/√ν, and then μʳ is the maximum of ν over the other axes.
 *
 * @throws ArgumentError for a momentum outside [0, 1); from `update`, TreeError and ShapeError for gradients or a state of other parameters.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const sm3 = optimizers.scaleBySm3({ momentum: 0 });
 * const g = np.array([[3, 0], [1, 2]]);
 * const [updates, state] = sm3.update(g, sm3.init(g));
 * updates.js(); // => [[1, 0], [1, 1]]
 * state.accumulators.map((a) => a.js()); // => [[9, 4], [9, 4]]
 * ```
 */
export function scaleBySm3({ momentum = 0.9 }: Sm3Options = {}): GradientTransformation<Sm3State> {
  const op = 'scaleBySm3';
  checkRate(op, 'the momentum', momentum);
  // The trees that these make are the given one with each leaf replaced by a list, which the result's type says.
  const listsOf = <P>(tree: P, f: (x: NDArray, i: number) => NDArray[]): PerAxis<P> => {
    const [arrays, def] = flattenWithPath<NDArray>(tree as object);
    return unflatten(
      def,
      arrays.map(([, x], i) => f(x, i)),
    ) as PerAxis<P>;
  };
  return inFloat32(op, {
    init: (params) => ({
      momentum: zerosLike(op, params),
      accumulators: listsOf(params, (x) =>
        perAxis(x, (axis) => lax.full(axis === null ? [] : [nth(x.aval.shape, axis)], 0, x.dtype)),
      ),
    }),
    update: (updates, state) => {
      // An error names the leaf before the lists of another one are looked into.
      const gradients = mapTrees(op, (g) => g, updates, state.momentum);
      const [arrays, def] = flattenWithPath<NDArray>(gradients);
      const lists = flattenUpTo(def, state.accumulators, op) as NDArray[][];
      const bounds = unflatten(
        def,
        arrays.map(([, g], i) => bound(g, nth(lists, i))),
      ) as typeof updates;
      const scaled = mapTrees(
        op,
        // Where the bound is 0 the gradient is, too.
        (g, v) => lax.div(g, lax.sqrt(lax.select(lax.gt(v, 0), v, lax.full(v.aval.shape, 1, v.dtype)))),
        updates,
        bounds,
      );
      const averaged = mapTrees(op, (u, m) => mean(momentum, m, u), scaled, state.momentum);
      const accumulators = listsOf(bounds, (v) =>
        perAxis(v, (axis) => {
          const others = range(v.ndim).filter((d) => d !== axis);
          return others.length === 0 ? v : lax.reduceMax(v, others);
        }),
      );
      return [averaged, { momentum: averaged, accumulators }];
    },
  });
}
