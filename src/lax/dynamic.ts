/** Slices and updates whose start is computed: dynamic_slice and dynamic_update_slice, each other's transposes. */
import { addIndex } from '../core/index-expr.js';
import { nth, range } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { definePrimitive, LinearOperand, Zero, type Primitive } from '../core/primitive.js';
import type { ShapedArray } from '../core/aval.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { batchOrRepeat, instantiate, zerosOf } from './broadcast.js';
import { convertElementType } from './convert.js';
import { clamp } from './arithmetic.js';
import { gather, scatter } from './gather.js';
import { lift, lift1, liftNumber } from './lift.js';
import { reshape } from './reshape.js';
import { concatenate } from './slicing.js';

type DynamicSliceParams = { readonly sliceSizes: Shape };

function checkStarts(name: string, x: ShapedArray, starts: readonly ShapedArray[]): void {
  if (starts.length !== x.ndim || starts.some((i) => i.ndim !== 0)) {
    throw new ShapeError(
      `${name}: shape ${showShape(x.shape)} needs ${String(x.ndim)} scalar start indices, got ${starts.map((i) => i.toString()).join(', ')}.${userLine()}`,
    );
  }
  const wrong = starts.find((i) => i.dtype !== 'int32' && i.dtype !== 'uint32');
  if (wrong !== undefined)
    throw new DTypeError(
      `${name}: start indices must be integers, got ${wrong.dtype}; use x.astype('int32').${userLine()}`,
    );
}

/** Start indices clamped so that the window of `sizes` lies within `shape`, as int32 expressions. */
const clampedStarts = (starts: readonly s.Expr[], shape: Shape, sizes: Shape): s.Expr[] =>
  starts.map((e, d) =>
    s.binary('max', s.int(0), s.binary('min', s.convert('int32', e), s.int(nth(shape, d) - nth(sizes, d)))),
  );

/** One start vector per example, clamped, from scalar starts of which some are batched. */
function stackStarts(
  size: number,
  starts: readonly NDArray[],
  dims: readonly (number | null)[],
  shape: Shape,
  sizes: Shape,
): NDArray {
  const columns = starts.map((start, d) => {
    const column = convertElementType(batchOrRepeat(start, dims[d] ?? null, size), 'int32');
    return reshape(clamp(0, column, nth(shape, d) - nth(sizes, d)), [size, 1]);
  });
  return concatenate(columns, 1);
}

const dynamicSliceP: Primitive<DynamicSliceParams> = definePrimitive<DynamicSliceParams>({
  name: 'dynamic_slice',
  abstract: ([x, ...starts], { sliceSizes }) => {
    if (x === undefined) throw new Error('dynamic_slice: no operand');
    checkStarts('dynamic_slice', x, starts);
    if (sliceSizes.length !== x.ndim || sliceSizes.some((n, d) => n < 0 || n > nth(x.shape, d))) {
      throw new ShapeError(
        `dynamic_slice: slice sizes ${showShape(sliceSizes)} do not fit in shape ${showShape(x.shape)}.${userLine()}`,
      );
    }
    return [x.with({ shape: sliceSizes })];
  },
  jvp: (primals, tangents, params) => {
    const out = bind1(dynamicSliceP, primals, params);
    const dx = nth(tangents, 0);
    const tangent =
      dx instanceof Zero ? new Zero(out.aval.strengthen()) : bind1(dynamicSliceP, [dx, ...primals.slice(1)], params);
    return { primals: [out], tangents: [tangent] };
  },
  transpose: (cotangents, operands) => {
    const [ct] = take1(cotangents);
    const [x, ...starts] = operands;
    const known = starts.filter((i) => i instanceof NDArray);
    if (ct instanceof Zero || !(x instanceof LinearOperand)) return operands.map(() => null);
    return [dynamicUpdateSlice(zerosOf(x.aval), ct, known), ...starts.map(() => null)];
  },
  batch: (size, operands, dims, { sliceSizes }) => {
    const x = nth(operands, 0);
    const starts = operands.slice(1);
    if (dims.slice(1).every((d) => d === null)) {
      const moved = batchOrRepeat(x, dims[0] ?? null, size);
      return { results: [dynamicSlice(moved, [0, ...starts], [size, ...sliceSizes])], dims: [0] };
    }
    const shape = x.aval.shape.filter((_, d) => d !== (dims[0] ?? -1));
    const vectors = stackStarts(size, starts, dims.slice(1), shape, sliceSizes);
    const axes = range(shape.length);
    const mode = 'promise_in_bounds' as const;
    if ((dims[0] ?? null) === null) {
      const dn = {
        offsetDims: axes.map((d) => d + 1),
        collapsedSliceDims: [],
        startIndexMap: axes,
        operandBatchingDims: [],
        startIndicesBatchingDims: [],
      };
      return { results: [gather(x, vectors, dn, sliceSizes, { mode })], dims: [0] };
    }
    const dn = {
      offsetDims: axes.map((d) => d + 1),
      collapsedSliceDims: [],
      startIndexMap: axes.map((d) => d + 1),
      operandBatchingDims: [0],
      startIndicesBatchingDims: [0],
    };
    return {
      results: [
        gather(batchOrRepeat(x, dims[0] ?? null, size), vectors, dn, [Math.min(1, size), ...sliceSizes], { mode }),
      ],
      dims: [0],
    };
  },
  lower: ([x], { sliceSizes }) => ({
    kind: 'map',
    cost: 'view',
    at: (operands, index) => {
      const starts = clampedStarts(
        operands.slice(1).map((o) => o.at([])),
        x?.shape ?? [],
        sliceSizes,
      );
      return [nth(operands, 0).at(index.map((e, d) => addIndex(nth(starts, d), e)))];
    },
  }),
  examples: () => [
    { args: [{ shape: [5] }, { shape: [], dtype: 'int32', values: [2] }], params: { sliceSizes: [2] } },
    {
      args: [
        { shape: [3, 4] },
        { shape: [], dtype: 'int32', values: [9] },
        { shape: [], dtype: 'int32', values: [-1] },
      ],
      params: { sliceSizes: [2, 3] },
    },
  ],
});

const dynamicUpdateSliceP: Primitive<Record<string, never>> = definePrimitive<Record<string, never>>({
  name: 'dynamic_update_slice',
  abstract: ([x, update, ...starts]) => {
    if (x === undefined || update === undefined) throw new Error('dynamic_update_slice: no operand');
    checkStarts('dynamic_update_slice', x, starts);
    if (update.ndim !== x.ndim || update.shape.some((n, d) => n > nth(x.shape, d))) {
      throw new ShapeError(
        `dynamic_update_slice: update of shape ${showShape(update.shape)} does not fit in shape ${showShape(x.shape)}.${userLine()}`,
      );
    }
    if (update.dtype !== x.dtype)
      throw new DTypeError(`dynamic_update_slice: operand is ${x.dtype} but the update ${update.dtype}.${userLine()}`);
    return [x.strengthen()];
  },
  jvp: (primals, tangents, params) => {
    const out = bind1(dynamicUpdateSliceP, primals, params);
    const [dx, du] = [nth(tangents, 0), nth(tangents, 1)];
    if (dx instanceof Zero && du instanceof Zero) return { primals: [out], tangents: [new Zero(out.aval)] };
    return {
      primals: [out],
      tangents: [bind1(dynamicUpdateSliceP, [instantiate(dx), instantiate(du), ...primals.slice(2)], params)],
    };
  },
  transpose: (cotangents, operands) => {
    const [ct] = take1(cotangents);
    const [x, update, ...starts] = operands;
    const known = starts.filter((i) => i instanceof NDArray);
    if (ct instanceof Zero || update === undefined) return operands.map(() => null);
    const toOperand = x instanceof LinearOperand ? dynamicUpdateSlice(ct, zerosOf(update.aval), known) : null;
    const toUpdate = update instanceof LinearOperand ? dynamicSlice(ct, known, update.aval.shape) : null;
    return [toOperand, toUpdate, ...starts.map(() => null)];
  },
  batch: (size, operands, dims) => {
    const [x, update] = take2(operands.slice(0, 2).map((o, i) => batchOrRepeat(o, dims[i] ?? null, size)));
    const starts = operands.slice(2);
    if (dims.slice(2).every((d) => d === null))
      return { results: [dynamicUpdateSlice(x, update, [0, ...starts])], dims: [0] };
    const shape = x.aval.shape.slice(1);
    const vectors = stackStarts(size, starts, dims.slice(2), shape, update.aval.shape.slice(1));
    const axes = range(shape.length).map((d) => d + 1);
    const dn = {
      updateWindowDims: axes,
      insertedWindowDims: [],
      scatterDimsToOperandDims: axes,
      operandBatchingDims: [0],
      scatterIndicesBatchingDims: [0],
    };
    return {
      results: [scatter(x, vectors, update, dn, { mode: 'promise_in_bounds', uniqueIndices: true })],
      dims: [0],
    };
  },
  lower: ([x, update]) => ({
    kind: 'map',
    cost: 'cheap',
    at: (operands, index) => {
      const [operand, source] = [nth(operands, 0), nth(operands, 1)];
      const [shape, sizes] = [x?.shape ?? [], update?.shape ?? []];
      if (sizes.includes(0)) return [operand.at(index)];
      const starts = clampedStarts(
        operands.slice(2).map((o) => o.at([])),
        shape,
        sizes,
      );
      const local = index.map((e, d) => s.binary('sub', e, nth(starts, d)));
      const inside = local.map((e, d) => s.binary('lt', s.bitcast('uint32', e), s.constant('uint32', nth(sizes, d))));
      const clamped = local.map((e, d) => s.binary('max', s.int(0), s.binary('min', e, s.int(nth(sizes, d) - 1))));
      const all = inside.reduce<s.Expr>((acc, e) => (acc.op === 'const' ? e : s.binary('and', acc, e)), s.bool(true));
      return [s.select(all, source.at(clamped), operand.at(index))];
    },
  }),
  examples: () => [
    { args: [{ shape: [5] }, { shape: [2] }, { shape: [], dtype: 'int32', values: [2] }], params: {} },
    {
      args: [
        { shape: [3, 4] },
        { shape: [2, 2] },
        { shape: [], dtype: 'int32', values: [9] },
        { shape: [], dtype: 'int32', values: [1] },
      ],
      params: {},
    },
  ],
});

const liftStarts = (op: string, starts: readonly ArrayLike[]): NDArray[] =>
  starts.map((i) => (typeof i === 'object' ? i : liftNumber(i, 'int32', op)));

/** The window of `sliceSizes` that starts at `startIndices`, which are clamped so that it lies within `x`. */
export function dynamicSlice(x: ArrayLike, startIndices: readonly ArrayLike[], sliceSizes: Shape): NDArray {
  return bind1(dynamicSliceP, [lift1('dynamic_slice', x), ...liftStarts('dynamic_slice', startIndices)], {
    sliceSizes: [...sliceSizes],
  });
}

/** `x` with the window that starts at `startIndices` (clamped to lie within `x`) replaced by `update`. */
export function dynamicUpdateSlice(x: ArrayLike, update: ArrayLike, startIndices: readonly ArrayLike[]): NDArray {
  return bind1(
    dynamicUpdateSliceP,
    [...lift('dynamic_update_slice', x, update), ...liftStarts('dynamic_update_slice', startIndices)],
    {},
  );
}

/** {@link dynamicSlice} along one axis. */
export function dynamicSliceInDim(x: ArrayLike, start: ArrayLike, size: number, axis = 0): NDArray {
  const array = lift1('dynamic_slice', x);
  return dynamicSlice(
    array,
    array.aval.shape.map((_, d) => (d === axis ? start : 0)),
    array.aval.shape.map((n, d) => (d === axis ? size : n)),
  );
}

/** Element `index` along `axis`, which is dropped unless `keepdims`. */
export function dynamicIndexInDim(x: ArrayLike, index: ArrayLike, axis = 0, keepdims = true): NDArray {
  const row = dynamicSliceInDim(x, index, 1, axis);
  return keepdims
    ? row
    : reshape(
        row,
        row.aval.shape.filter((_, d) => d !== axis),
      );
}
