/**
 * Reading by a plan of an index expression. Static parts become lax.slice, rev and reshape, scalars that
 * are computed become dynamic_slice, and index arrays become gather. Indices out of bounds that are not static are
 * clamped, as in JAX ("Out-of-bounds indexing").
 */
import { nth } from '../core/axes.js';
import type { NDArray } from '../core/ndarray.js';
import { dynamicSlice, reshape, rev, slice } from '../lax/index.js';
import { gatherRows } from './gathers.js';
import type { IndexPlan } from './index-plan.js';

/** Slices and integers of a plan: what the index arrays then select from. */
export function basicGet(x: NDArray, plan: IndexPlan): NDArray {
  const { slices } = plan;
  const part = slice(
    x,
    slices.map((s) => s.start),
    slices.map((s) => s.limit),
    slices.map((s) => s.stride),
  );
  const reversed = slices.flatMap((s, d) => (s.reversed ? [d] : []));
  return reshape(rev(part, reversed), plan.basicShape);
}

/** The elements that index arrays select, of shape `plan.gatherShape`. */
export function advancedGet(x: NDArray, plan: IndexPlan): NDArray {
  const { advanced, batchShape, batchAt, gatherShape, inBounds } = plan;
  const shape = x.aval.shape;
  if (advanced.length === 0) {
    // Index arrays without an axis are rank-0 masks: the whole array once, or not at all.
    if (batchShape.length === 0) return x;
    return slice(reshape(x, [1, ...shape]), [0, ...shape.map(() => 0)], [nth(batchShape, 0), ...shape]);
  }
  if (batchShape.length === 0) {
    const starts = shape.map((_, d) => advanced.find(({ axis }) => axis === d)?.index ?? 0);
    const sizes = shape.map((n, d) => (advanced.some(({ axis }) => axis === d) ? 1 : n));
    return reshape(dynamicSlice(x, starts, sizes), gatherShape);
  }
  return gatherRows(
    x,
    advanced.map(({ axis }) => axis),
    advanced.map(({ index }) => index),
    batchAt,
    { mode: inBounds ? 'promise_in_bounds' : 'clip' },
  );
}

/** All that a plan selects. */
export const readPlan = (x: NDArray, plan: IndexPlan): NDArray =>
  reshape(advancedGet(basicGet(x, plan), plan), plan.resultShape);
