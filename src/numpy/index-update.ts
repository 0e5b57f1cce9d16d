/**
 * Functional updates at an index: `x.at(...).set(v)` and its relatives. An update of slices is
 * dynamic_update_slice (or a select, when there is a stride); one of index arrays is a scatter, whose updates out
 * of bounds are dropped, as in JAX.
 */
import { nth } from '../core/axes.js';
import { sameShape, showShape, type Shape } from '../core/aval.js';
import { ConcreteArray } from '../core/concrete.js';
import { ConcretizationError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike, type IndexArg, type IndexUpdate } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import {
  add,
  broadcastInDim,
  broadcastTo,
  convertElementType,
  div,
  dynamicUpdateSlice,
  full,
  max,
  min,
  mul,
  neg,
  pad,
  reshape,
  rev,
  scatter,
  scatterAdd,
  scatterMax,
  scatterMin,
  scatterMul,
  select,
  sub,
} from '../lax/index.js';
import { rowNumbers, scatterNumbers, stackIndices } from './gathers.js';
import { isWhole, lengthOf, planIndex, type IndexPlan } from './index-plan.js';
import { basicGet, readPlan } from './index-read.js';
import { asArray } from './promote.js';

type Operation = 'set' | 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max';

const COMBINE: Record<Operation, (x: NDArray, v: NDArray) => NDArray> = {
  set: (_x, v) => v,
  add,
  sub,
  mul,
  div,
  min,
  max,
};

/** `x` with the part that {@link basicGet} reads replaced by `part`. */
function basicSet(x: NDArray, part: NDArray, { slices }: IndexPlan): NDArray {
  const { shape } = x.aval;
  if (part.size === 0) return x;
  if (sameShape(shape, part.aval.shape) && slices.every((s, d) => isWhole(s, nth(shape, d)))) return part;
  const reversed = slices.flatMap((s, d) => (s.reversed ? [d] : []));
  const ordered = rev(reshape(part, slices.map(lengthOf)), reversed);
  if (slices.every((s) => s.stride === 1)) {
    return dynamicUpdateSlice(
      x,
      ordered,
      slices.map((s) => s.start),
    );
  }
  const config = slices.map((s, d) => {
    const spanned = (lengthOf(s) - 1) * s.stride + 1;
    return [s.start, nth(shape, d) - s.start - spanned, s.stride - 1] as const;
  });
  const mask = pad(full(ordered.aval.shape, true), false, config);
  return select(mask, pad(ordered, 0, config), x);
}

/** `x` with `updates`, of shape `plan.gatherShape`, combined into the elements that index arrays select. */
function advancedUpdate(operation: Operation, x: NDArray, updates: NDArray, plan: IndexPlan): NDArray {
  const { advanced, batchShape, batchAt, inBounds, unique } = plan;
  if (updates.size === 0) return x;
  if (advanced.length === 0) return COMBINE[operation](x, reshape(updates, x.aval.shape));
  const axes = advanced.map(({ axis }) => axis);
  const indices = stackIndices(advanced.map(({ index }) => index));
  const numbers = scatterNumbers(rowNumbers(x.ndim, axes, batchShape.length, batchAt));
  const options = { mode: inBounds ? 'promise_in_bounds' : 'fill', uniqueIndices: unique } as const;
  switch (operation) {
    case 'set':
      return scatter(x, indices, updates, numbers, options);
    case 'add':
      return scatterAdd(x, indices, updates, numbers, options);
    case 'sub':
      return scatterAdd(x, indices, neg(updates), numbers, options);
    case 'mul':
      return scatterMul(x, indices, updates, numbers, options);
    case 'div':
      return div(x, scatterMul(full(x.aval.shape, 1, x.dtype), indices, updates, numbers, options));
    case 'min':
      return scatterMin(x, indices, updates, numbers, options);
    case 'max':
      return scatterMax(x, indices, updates, numbers, options);
  }
}

/** Values in the dtype of `x`, broadcast to the shape of the index; leading axes of length 1 may be too many. */
function valuesFor(operation: string, x: NDArray, values: ArrayLike, shape: Shape): NDArray {
  const array = convertElementType(asArray(values, undefined, `x.at(...).${operation}`), x.dtype);
  const extra = array.ndim - shape.length;
  const own = array.aval.shape.slice(Math.max(0, extra));
  const leads = array.aval.shape.slice(0, Math.max(0, extra)).every((n) => n === 1);
  const fits = leads && own.every((n, i) => n === 1 || n === shape[shape.length - own.length + i]);
  if (!fits) {
    throw new ShapeError(
      `x.at(...).${operation}: values of shape ${showShape(array.shape)} do not broadcast to the shape ${showShape(shape)} ` +
        `of what the index selects in shape ${showShape(x.shape)}.${userLine()}`,
    );
  }
  return broadcastTo(reshape(array, own), shape);
}

function updateAt(operation: Operation, x: NDArray, values: ArrayLike, index: readonly IndexArg[]): NDArray {
  const masked = maskedUpdate(operation, x, values, index);
  if (masked !== undefined) return masked;
  const plan = planIndex('x.at', x.aval.shape, index);
  const updates = reshape(valuesFor(operation, x, values, plan.resultShape), plan.gatherShape);
  if (plan.advanced.length === 0 && plan.batchShape.length === 0) {
    return basicSet(x, operation === 'set' ? updates : COMBINE[operation](basicGet(x, plan), updates), plan);
  }
  return basicSet(x, advancedUpdate(operation, basicGet(x, plan), updates, plan), plan);
}

/** A mask over the leading axes and nothing else, broadcast over the shape of `x`; undefined for other indices. */
function leadingMask(x: NDArray, index: readonly IndexArg[]): NDArray | undefined {
  const [mask, ...rest] = index;
  if (!(mask instanceof NDArray) || mask.dtype !== 'bool' || rest.some((item) => item !== '...')) return undefined;
  const { shape } = x.aval;
  if (mask.ndim > x.ndim || !sameShape(mask.aval.shape, shape.slice(0, mask.ndim))) return undefined;
  return broadcastInDim(
    mask,
    shape,
    mask.aval.shape.map((_, d) => d),
  );
}

/** An update by a mask whose values do not depend on which elements it selects: a select, traced or not. */
function maskedUpdate(
  operation: Operation,
  x: NDArray,
  values: ArrayLike,
  index: readonly IndexArg[],
): NDArray | undefined {
  const mask = leadingMask(x, index);
  const leading = index[0] instanceof NDArray ? index[0] : undefined;
  if (mask === undefined || leading === undefined) return undefined;
  const isUniform = !(values instanceof NDArray) || values.ndim <= x.ndim - leading.ndim;
  if (isUniform) return select(mask, COMBINE[operation](x, valuesFor(operation, x, values, x.aval.shape)), x);
  if (leading instanceof ConcreteArray) return undefined;
  throw new ConcretizationError(
    `x.at(mask).${operation}: values of shape ${showShape(values.shape)} for a traced mask of shape ${showShape(leading.shape)}: which ` +
      `element gets which value depends on the mask. Use one value for all, or np.where(mask, values, x).${userLine()}`,
  );
}

function applyAt(f: (values: NDArray) => NDArray, x: NDArray, index: readonly IndexArg[]): NDArray {
  const mask = leadingMask(x, index);
  if (mask !== undefined && !(index[0] instanceof ConcreteArray)) {
    return select(mask, valuesFor('apply', x, f(x), x.aval.shape), x);
  }
  const plan = planIndex('x.at', x.aval.shape, index);
  return updateAt('set', x, f(readPlan(x, plan)), index);
}

/**
 * Reads and functional updates of `x` at an index (see `indexArray`): each method returns a new array of the dtype of
 * `x`. Values broadcast to the shape the index selects. Updates out of bounds are dropped. Where an index array names
 * an element twice, `add`, `sub`, `mul`, `div`, `min` and `max` apply every value and `set` keeps the last.
 *
 * Throws ShapeError when the values do not broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.zeros([4]);
 * x.at(1).set(5).js(); // => [0, 5, 0, 0]
 * x.at(np.array([0, 0, 3], { dtype: 'int32' })).add(1).js(); // => [2, 0, 0, 1]
 * ```
 */
export function indexUpdate(x: NDArray, index: readonly IndexArg[]): IndexUpdate {
  return {
    get: () => readPlan(x, planIndex('x.at', x.aval.shape, index)),
    set: (values) => updateAt('set', x, values, index),
    add: (values) => updateAt('add', x, values, index),
    sub: (values) => updateAt('sub', x, values, index),
    mul: (values) => updateAt('mul', x, values, index),
    div: (values) => updateAt('div', x, values, index),
    min: (values) => updateAt('min', x, values, index),
    max: (values) => updateAt('max', x, values, index),
    apply: (f) => applyAt(f, x, index),
  };
}
