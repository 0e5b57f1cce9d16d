/** Stable multi-operand sort and top_k. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { sameShape, ShapedArray, showShape } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { definePrimitive, notLinear, Zero, type MaybeZero, type Primitive } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { bind } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { batchOrRepeat } from './broadcast.js';
import { gather } from './gather.js';
import { inFloat32 } from './in-float32.js';
import { lift1 } from './lift.js';
import { moveaxis, reshape, rev } from './reshape.js';
import { broadcastedIota, sliceInDim } from './slicing.js';

type SortParams = { readonly dimension: number; readonly numKeys: number; readonly isStable: true };

/** Elements of `x` along `axis` at `indices`, which has the shape of `x` but for that axis; all in bounds. */
export function gatherAlongAxis(x: NDArray, indices: NDArray, axis: number): NDArray {
  const others = range(x.ndim).filter((d) => d !== axis);
  const dn = {
    offsetDims: [],
    collapsedSliceDims: [axis],
    startIndexMap: [axis],
    operandBatchingDims: others,
    startIndicesBatchingDims: others,
  };
  const { shape } = x.aval;
  return gather(
    x,
    reshape(indices, [...indices.aval.shape, 1]),
    dn,
    shape.map((n) => Math.min(1, n)),
    { mode: 'promise_in_bounds' },
  );
}

const sortP: Primitive<SortParams> = definePrimitive<SortParams>({
  name: 'sort',
  abstract: (operands, { dimension }) => {
    const first = nth(operands, 0);
    canonicalAxis(dimension, first.ndim, 'sort');
    if (operands.some((x) => !sameShape(x.shape, first.shape))) {
      throw new ShapeError(
        `sort: operands have shapes ${operands.map((x) => showShape(x.shape)).join(', ')}, which must be equal.${userLine()}`,
      );
    }
    return operands;
  },
  jvp: (primals, tangents, params) => {
    const order = broadcastedIota('int32', nth(primals, 0).aval.shape, params.dimension);
    const sorted = bind(sortP, [...primals, order], params);
    const permutation = nth(sorted, primals.length);
    return {
      primals: sorted.slice(0, -1),
      tangents: tangents.map((d): MaybeZero =>
        d instanceof Zero ? d : gatherAlongAxis(d, permutation, params.dimension),
      ),
    };
  },
  transpose: notLinear(),
  batch: (size, operands, dims, { dimension, numKeys, isStable }) => {
    const moved = operands.map((x, i) => batchOrRepeat(x, dims[i] ?? null, size));
    return { results: bind(sortP, moved, { dimension: dimension + 1, numKeys, isStable }), dims: moved.map(() => 0) };
  },
  lower: (avals, params) =>
    inFloat32(sortP, avals, params) ?? { kind: 'sort', axis: params.dimension, numKeys: params.numKeys },
  examples: () => [
    { args: [{ shape: [5] }], params: { dimension: 0, numKeys: 1, isStable: true } },
    { args: [{ shape: [4, 3] }], params: { dimension: 0, numKeys: 1, isStable: true } },
    { args: [{ shape: [4, 3], dtype: 'float16' }], params: { dimension: 1, numKeys: 1, isStable: true } },
    {
      args: [{ shape: [2, 5], dtype: 'int32', domain: [0, 3] }, { shape: [2, 5] }],
      params: { dimension: 1, numKeys: 1, isStable: true },
    },
    {
      args: [{ shape: [6], dtype: 'int32', domain: [0, 2] }, { shape: [6] }, { shape: [6] }],
      params: { dimension: 0, numKeys: 2, isStable: true },
    },
  ],
});

/**
 * Sort arrays of one shape together along `dimension`, stably and ascending, by the first `numKeys` of them. NaN
 * sorts last.
 */
export function sort(operands: readonly NDArray[], dimension = -1, numKeys = 1): NDArray[] {
  const first = operands[0];
  if (first === undefined) throw new ShapeError(`sort: needs at least one array.${userLine()}`);
  return [
    ...bind(sortP, operands, { dimension: canonicalAxis(dimension, first.ndim, 'sort'), numKeys, isStable: true }),
  ];
}

type TopKParams = { readonly k: number };

const topKP: Primitive<TopKParams> = definePrimitive<TopKParams>({
  name: 'top_k',
  abstract: (operands, { k }) => {
    const [x] = take1(operands);
    const n = x.shape[x.ndim - 1];
    if (n === undefined || k < 0 || k > n) {
      throw new ShapeError(
        `top_k: k = ${String(k)} elements do not exist along the last axis of shape ${showShape(x.shape)}.${userLine()}`,
      );
    }
    const shape = [...x.shape.slice(0, -1), k];
    return [x.with({ shape }), new ShapedArray(shape, 'int32')];
  },
  jvp: (primals, tangents, params) => {
    const [dx] = take1(tangents);
    const [values, indices] = take2(bind(topKP, primals, params));
    const tangent = dx instanceof Zero ? new Zero(values.aval.strengthen()) : gatherAlongAxis(dx, indices, dx.ndim - 1);
    return { primals: [values, indices], tangents: [tangent, new Zero(indices.aval)] };
  },
  transpose: notLinear(),
  batch: (size, operands, dims, params) => ({
    results: bind(topKP, [batchOrRepeat(take1(operands)[0], dims[0] ?? null, size)], params),
    dims: [0, 0],
  }),
  lower: (operands, { k }) => ({
    kind: 'call',
    // Ascending stable sort of the reversed row, reversed again: largest first, ties by the lower index.
    jaxpr: traceToJaxpr(
      (...args) => {
        const [x] = take1(args);
        const axis = x.ndim - 1;
        const flipped = [x, broadcastedIota('int32', x.aval.shape, axis)].map((a) => rev(a, [axis]));
        return sort(flipped, axis).map((a) => sliceInDim(rev(a, [axis]), 0, k, axis));
      },
      operands,
      'top_k',
    ),
  }),
  examples: () => [
    { args: [{ shape: [5] }], params: { k: 2 } },
    { args: [{ shape: [3, 4] }], params: { k: 3 } },
  ],
});

/**
 * The `k` largest elements along `axis` (the last by default), largest first, and their positions (int32); NaN counts
 * as largest, and of equal elements the first comes first.
 */
export function topK(x: ArrayLike, k: number, axis = -1): [values: NDArray, indices: NDArray] {
  const array = lift1('top_k', x);
  const from = canonicalAxis(axis, array.ndim, 'top_k');
  const last = array.ndim - 1;
  const [values, indices] = take2(bind(topKP, [moveaxis(array, from, last)], { k }));
  return [moveaxis(values, last, from), moveaxis(indices, last, from)];
}
