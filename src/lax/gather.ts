/**
 * gather and scatter in XLA's generality (XLA operation semantics, "Gather" and "Scatter"), with batching
 * dimensions; they are each other's transposes. The index vector is the last axis of the indices.
 */
import { nth, range } from '../core/axes.js';
import type { ShapedArray } from '../core/aval.js';
import { showShape, type Shape } from '../core/aval.js';
import type { CombineOp } from '../core/combine.js';
import { isFloat } from '../core/dtype.js';
import { DTypeError, NotSupportedError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import {
  definePrimitive,
  LinearOperand,
  notLinear,
  Zero,
  type JvpRule,
  type Primitive,
  type TransposeRule,
} from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2, take3 } from '../core/tuple.js';
import { inFloat32 } from './in-float32.js';
import { add, div, mul, select } from './arithmetic.js';
import { addTangents, batchOrRepeat, full, instantiate, zerosOf } from './broadcast.js';
import { eq } from './compare.js';
import { convertElementType } from './convert.js';
import {
  fill,
  locate,
  scatterSliceSizes,
  takeNumbers,
  toGather,
  toScatter,
  windowAxes,
  type GatherDimensionNumbers,
  type GatherParams,
  type IndexMode,
  type ScatterDimensionNumbers,
  type ScatterParams,
} from './gather-index.js';
import { lift, lift1 } from './lift.js';
import { notLinearIn } from './linear-rules.js';
import { reshape } from './reshape.js';
import { broadcastedIota } from './slicing.js';

const gatherP: Primitive<GatherParams> = definePrimitive<GatherParams>({
  name: 'gather',
  abstract: (operands, { dimensionNumbers: dn, sliceSizes }) => {
    const [x, indices] = take2(operands);
    const depth = indices.shape[indices.ndim - 1];
    const ok =
      indices.ndim > 0 &&
      depth === dn.startIndexMap.length &&
      sliceSizes.length === x.ndim &&
      sliceSizes.every((n, d) => n >= 0 && n <= nth(x.shape, d)) &&
      [...dn.collapsedSliceDims, ...dn.operandBatchingDims].every((d) => nth(sliceSizes, d) <= 1) &&
      dn.offsetDims.length === windowAxes(dn, x.ndim).length;
    if (!ok) {
      throw new ShapeError(
        `gather: dimension numbers ${JSON.stringify(dn)} and slice sizes ${showShape(sliceSizes)} do not fit operand ${x.toString()} and indices ${indices.toString()}.${userLine()}`,
      );
    }
    if (isFloat(indices.dtype) || indices.dtype === 'bool')
      throw new DTypeError(`gather: indices must be integers, got ${indices.dtype}.${userLine()}`);
    const batchShape = indices.shape.slice(0, -1);
    const window = windowAxes(dn, x.ndim).map((d) => nth(sliceSizes, d));
    let nextBatch = 0;
    const shape = range(batchShape.length + window.length).map((i) => {
      const w = dn.offsetDims.indexOf(i);
      return w >= 0 ? nth(window, w) : nth(batchShape, nextBatch++);
    });
    return [x.with({ shape })];
  },
  jvp: (primals, tangents, params) => {
    const [, indices] = take2(primals);
    const [dx] = take2(tangents);
    const out = bind1(gatherP, primals, params);
    return {
      primals: [out],
      tangents: [
        dx instanceof Zero
          ? new Zero(out.aval.strengthen())
          : bind1(gatherP, [dx, indices], { ...params, fillValue: 0 }),
      ],
    };
  },
  transpose: (cotangents, operands, { dimensionNumbers, mode }) => {
    const [ct] = take1(cotangents);
    const [x, indices] = take2(operands);
    if (ct instanceof Zero || !(x instanceof LinearOperand) || indices instanceof LinearOperand) return [null, null];
    return [scatterAdd(zerosOf(x.aval), indices, ct, toScatter(dimensionNumbers), { mode }), null];
  },
  batch: (size, operands, dims, params) => {
    const [x, indices] = take2(operands);
    const [xDim, iDim] = [dims[0] ?? null, dims[1] ?? null];
    const dn = params.dimensionNumbers;
    const bump = (list: readonly number[]): number[] => list.map((d) => d + 1);
    if (iDim === null) {
      const dn2 = {
        ...dn,
        offsetDims: [0, ...bump(dn.offsetDims)],
        collapsedSliceDims: bump(dn.collapsedSliceDims),
        startIndexMap: bump(dn.startIndexMap),
        operandBatchingDims: bump(dn.operandBatchingDims),
      };
      return {
        results: [
          bind1(gatherP, [batchOrRepeat(x, xDim, size), indices], {
            ...params,
            dimensionNumbers: dn2,
            sliceSizes: [size, ...params.sliceSizes],
          }),
        ],
        dims: [0],
      };
    }
    const batchedIndices = batchOrRepeat(indices, iDim, size);
    if (xDim === null) {
      const dn2 = {
        ...dn,
        offsetDims: bump(dn.offsetDims),
        startIndicesBatchingDims: bump(dn.startIndicesBatchingDims),
      };
      return { results: [bind1(gatherP, [x, batchedIndices], { ...params, dimensionNumbers: dn2 })], dims: [0] };
    }
    const dn2: GatherDimensionNumbers = {
      offsetDims: bump(dn.offsetDims),
      collapsedSliceDims: bump(dn.collapsedSliceDims),
      startIndexMap: bump(dn.startIndexMap),
      operandBatchingDims: [0, ...bump(dn.operandBatchingDims)],
      startIndicesBatchingDims: [0, ...bump(dn.startIndicesBatchingDims)],
    };
    return {
      results: [
        bind1(gatherP, [batchOrRepeat(x, xDim, size), batchedIndices], {
          ...params,
          dimensionNumbers: dn2,
          sliceSizes: [Math.min(1, size), ...params.sliceSizes],
        }),
      ],
      dims: [0],
    };
  },
  lower: (avals, { dimensionNumbers, sliceSizes, mode, fillValue }) => {
    const [x] = take2(avals);
    return {
      kind: 'map',
      cost: 'cheap',
      at: (operands, index) => {
        const [operand, indices] = take2(operands);
        if (x.size === 0) return [fill(x.dtype, fillValue)];
        const at = locate(dimensionNumbers, sliceSizes, mode, x.shape, indices, index);
        return [s.select(at.inBounds, operand.at(at.index), fill(x.dtype, fillValue))];
      },
    };
  },
  examples: () => [
    {
      args: [{ shape: [5, 3] }, { shape: [4, 1], dtype: 'int32', values: [0, 4, 2, 2] }],
      params: { dimensionNumbers: takeNumbers(2, 1, 0), sliceSizes: [1, 3], mode: 'clip', fillValue: null },
    },
    {
      args: [{ shape: [5] }, { shape: [3, 1], dtype: 'int32', values: [1, 7, -1] }],
      params: { dimensionNumbers: takeNumbers(1, 1, 0), sliceSizes: [1], mode: 'clip', fillValue: null },
    },
    {
      args: [{ shape: [5] }, { shape: [3, 1], dtype: 'int32', values: [1, 7, -1] }],
      params: { dimensionNumbers: takeNumbers(1, 1, 0), sliceSizes: [1], mode: 'fill', fillValue: 0 },
    },
    {
      args: [{ shape: [2, 4] }, { shape: [2, 3, 1], dtype: 'int32', values: [0, 3, 1, 2, 2, 0] }],
      params: {
        dimensionNumbers: {
          offsetDims: [],
          collapsedSliceDims: [1],
          startIndexMap: [1],
          operandBatchingDims: [0],
          startIndicesBatchingDims: [0],
        },
        sliceSizes: [1, 1],
        mode: 'promise_in_bounds',
        fillValue: null,
      },
    },
  ],
});

type ScatterRules = {
  readonly jvp: (primitive: () => Primitive<ScatterParams>) => JvpRule<ScatterParams>;
  readonly transpose?: TransposeRule<ScatterParams>;
};

function scatterPrimitive(name: string, combine: CombineOp | 'set', rules: ScatterRules): Primitive<ScatterParams> {
  const primitive: Primitive<ScatterParams> = definePrimitive<ScatterParams>({
    name,
    abstract: (operands, { dimensionNumbers: dn }) => {
      const [x, indices, updates] = take3(operands);
      const batch = indices.shape.slice(0, -1);
      let nextBatch = 0;
      const window = windowAxes(toGather(dn), x.ndim);
      const ok =
        indices.ndim > 0 &&
        indices.shape[indices.ndim - 1] === dn.scatterDimsToOperandDims.length &&
        updates.ndim === batch.length + dn.updateWindowDims.length &&
        window.length === dn.updateWindowDims.length &&
        updates.shape.every((n, i) => {
          const w = dn.updateWindowDims.indexOf(i);
          return w >= 0 ? n <= nth(x.shape, nth(window, w)) : n === batch[nextBatch++];
        });
      if (!ok) {
        throw new ShapeError(
          `${name}: dimension numbers ${JSON.stringify(dn)} do not fit operand ${x.toString()}, indices ${indices.toString()} and updates ${updates.toString()}.${userLine()}`,
        );
      }
      if (updates.dtype !== x.dtype)
        throw new DTypeError(
          `${name}: operand is ${x.dtype} but updates are ${updates.dtype}; convert with updates.astype('${x.dtype}').${userLine()}`,
        );
      if (isFloat(indices.dtype) || indices.dtype === 'bool')
        throw new DTypeError(`${name}: indices must be integers, got ${indices.dtype}.${userLine()}`);
      return [x.strengthen()];
    },
    jvp: rules.jvp(() => primitive),
    transpose: rules.transpose ?? notLinear(),
    batch: (size, operands, dims, params) => {
      const [x, indices, updates] = take3(operands.map((operand, i) => batchOrRepeat(operand, dims[i] ?? null, size)));
      const bump = (list: readonly number[]): number[] => list.map((d) => d + 1);
      const dn = params.dimensionNumbers;
      const dimensionNumbers: ScatterDimensionNumbers = {
        updateWindowDims: bump(dn.updateWindowDims),
        insertedWindowDims: bump(dn.insertedWindowDims),
        scatterDimsToOperandDims: bump(dn.scatterDimsToOperandDims),
        operandBatchingDims: [0, ...bump(dn.operandBatchingDims)],
        scatterIndicesBatchingDims: [0, ...bump(dn.scatterIndicesBatchingDims)],
      };
      return { results: [bind1(primitive, [x, indices, updates], { ...params, dimensionNumbers })], dims: [0] };
    },
    lower: (avals, params) => {
      const { dimensionNumbers, mode } = params;
      const wide = combine === 'set' ? undefined : inFloat32(primitive, avals, params);
      if (wide !== undefined) return wide;
      const [x, , updates] = take3(avals);
      const dn = toGather(dimensionNumbers);
      const sliceSizes = scatterSliceSizes(dn, x.shape, updates.shape);
      return {
        kind: 'scatter',
        combine,
        target: (indices, update) => locate(dn, sliceSizes, mode, x.shape, indices, update),
      };
    },
    examples: () => [
      {
        args: [{ shape: [5] }, { shape: [3, 1], dtype: 'int32', values: [0, 4, 2] }, { shape: [3] }],
        params: { dimensionNumbers: toScatter(takeNumbers(1, 1, 0)), mode: 'fill', uniqueIndices: true },
      },
      {
        args: [{ shape: [4, 2] }, { shape: [2, 1], dtype: 'int32', values: [3, 0] }, { shape: [2, 2] }],
        params: { dimensionNumbers: toScatter(takeNumbers(2, 1, 0)), mode: 'clip', uniqueIndices: true },
      },
      ...(combine === 'mul'
        ? []
        : (['float32', 'float16'] as const).map((dtype) => ({
            args: [
              { shape: [5], dtype },
              { shape: [4, 1], dtype: 'int32' as const, values: [1, 7, 1, -2] },
              { shape: [4], dtype },
            ],
            params: {
              dimensionNumbers: toScatter(takeNumbers(1, 1, 0)),
              mode: 'fill' as const,
              uniqueIndices: false,
            },
          }))),
    ],
  });
  return primitive;
}

/** The elements of `x` that updates of this scatter meet; 0 where they are dropped. */
const gatherBack = (
  x: NDArray,
  indices: NDArray,
  updates: ShapedArray,
  { dimensionNumbers, mode }: ScatterParams,
): NDArray => {
  const dn = toGather(dimensionNumbers);
  return bind1(gatherP, [x, indices], {
    dimensionNumbers: dn,
    sliceSizes: scatterSliceSizes(dn, x.aval.shape, updates.shape),
    mode,
    fillValue: 0,
  });
};

/** 1 for the updates whose value stands in the result of a `set`, 0 for those that a later one overwrote. */
function winners(x: ShapedArray, indices: NDArray, updates: ShapedArray, params: ScatterParams): NDArray {
  const ids = add(reshape(broadcastedIota('int32', [updates.size], 0), updates.shape), 1);
  const written = bind1(scatterP, [full(x.shape, 0, 'int32'), indices, ids], params);
  return eq(gatherBack(written, indices, updates, params), ids);
}

/** jvp of a scatter that is linear in operand and updates together: the scatter of their tangents. */
const scatterTangents: ScatterRules['jvp'] = (primitive) => (primals, tangents, params) => {
  const [, indices] = take3(primals);
  const [dx, , du] = take3(tangents);
  const out = bind1(primitive(), primals, params);
  if (dx instanceof Zero && du instanceof Zero) return { primals: [out], tangents: [new Zero(out.aval)] };
  return { primals: [out], tangents: [bind1(primitive(), [instantiate(dx), indices, instantiate(du)], params)] };
};

const scatterAddP: Primitive<ScatterParams> = scatterPrimitive('scatter-add', 'add', {
  jvp: scatterTangents,
  transpose: (cotangents, operands, params) => {
    const [ct] = take1(cotangents);
    const [x, indices, updates] = take3(operands);
    if (ct instanceof Zero || indices instanceof LinearOperand) return [null, null, null];
    return [
      x instanceof LinearOperand ? ct : null,
      null,
      updates instanceof LinearOperand ? gatherBack(ct, indices, updates.aval, params) : null,
    ];
  },
});

const scatterP: Primitive<ScatterParams> = scatterPrimitive('scatter', 'set', {
  // The same update wins for tangents as for values: updates run in row-major order.
  jvp: scatterTangents,
  transpose: (cotangents, operands, params) => {
    const [ct] = take1(cotangents);
    const [x, indices, updates] = take3(operands);
    if (ct instanceof Zero || indices instanceof LinearOperand) return [null, null, null];
    const toOperand = x instanceof LinearOperand ? bind1(scatterP, [ct, indices, zerosOf(updates.aval)], params) : null;
    if (!(updates instanceof LinearOperand)) return [toOperand, null, null];
    const met = gatherBack(ct, indices, updates.aval, params);
    const toUpdates = params.uniqueIndices
      ? met
      : select(winners(x.aval, indices, updates.aval, params), met, zerosOf(met.aval));
    return [toOperand, null, toUpdates];
  },
});

const scatterMulP: Primitive<ScatterParams> = scatterPrimitive('scatter-mul', 'mul', {
  jvp: (primitive) => (primals, tangents, params) => {
    const [x, indices, updates] = take3(primals);
    const [dx, , du] = take3(tangents);
    const out = bind1(primitive(), primals, params);
    if (!(du instanceof Zero) && !params.uniqueIndices) {
      throw new NotSupportedError(
        `scatter-mul: its derivative with respect to the updates needs indices that are known to be unique; pass { uniqueIndices: true } if they are.${userLine()}`,
      );
    }
    const fromOperand = dx instanceof Zero ? dx : bind1(primitive(), [dx, indices, updates], params);
    const fromUpdates =
      du instanceof Zero
        ? du
        : scatterAdd(
            zerosOf(out.aval),
            indices,
            mul(gatherBack(x, indices, updates.aval, params), du),
            params.dimensionNumbers,
            params,
          );
    const sum = addTangents(fromOperand, fromUpdates);
    return { primals: [out], tangents: [sum instanceof Zero ? new Zero(out.aval) : sum] };
  },
  transpose: (cotangents, operands, params) => {
    const [ct] = take1(cotangents);
    const [x, indices, updates] = take3(operands);
    if (ct instanceof Zero || indices instanceof LinearOperand) return [null, null, null];
    if (!(updates instanceof LinearOperand))
      return [x instanceof LinearOperand ? bind1(scatterMulP, [ct, indices, updates], params) : null, null, null];
    if (x instanceof LinearOperand || !params.uniqueIndices) throw notLinearIn('scatter-mul', 'the updates depend');
    return [null, null, gatherBack(mul(ct, x), indices, updates.aval, params)];
  },
});

/** min and max: the tangent of a result is the mean over the operand and updates that attain it. */
const extremal: ScatterRules = {
  jvp: (primitive) => (primals, tangents, params) => {
    const [x, indices, updates] = take3(primals);
    const [dx, , du] = take3(tangents);
    const out = bind1(primitive(), primals, params);
    if (dx instanceof Zero && du instanceof Zero) return { primals: [out], tangents: [new Zero(out.aval)] };
    const { dtype } = x;
    const kept = convertElementType(eq(x, out), dtype);
    const taken = convertElementType(eq(updates, gatherBack(out, indices, updates.aval, params)), dtype);
    const dn = params.dimensionNumbers;
    const count = scatterAdd(kept, indices, taken, dn, params);
    const sum = scatterAdd(mul(instantiate(dx), kept), indices, mul(instantiate(du), taken), dn, params);
    return { primals: [out], tangents: [div(sum, count)] };
  },
};
const scatterMinP = scatterPrimitive('scatter-min', 'min', extremal);
const scatterMaxP = scatterPrimitive('scatter-max', 'max', extremal);

export interface GatherOptions {
  /** Default `fill`. */
  mode?: IndexMode;
  fillValue?: number;
}
export interface ScatterOptions {
  /** Default `fill`: updates out of bounds are dropped. */
  mode?: IndexMode;
  uniqueIndices?: boolean;
}

/** Slices of `operand` of `sliceSizes` that start at the index vectors of `startIndices`; see XLA's Gather. */
export function gather(
  operand: ArrayLike,
  startIndices: ArrayLike,
  dimensionNumbers: GatherDimensionNumbers,
  sliceSizes: Shape,
  options: GatherOptions = {},
): NDArray {
  const params = {
    dimensionNumbers,
    sliceSizes: [...sliceSizes],
    mode: options.mode ?? 'fill',
    fillValue: options.fillValue ?? null,
  };
  return bind1(gatherP, [lift1('gather', operand), lift1('gather', startIndices)], params);
}

type ScatterFunction = (
  operand: ArrayLike,
  indices: NDArray,
  updates: ArrayLike,
  dimensionNumbers: ScatterDimensionNumbers,
  options?: ScatterOptions,
) => NDArray;
const scatterFunction =
  (primitive: Primitive<ScatterParams>): ScatterFunction =>
  (operand, indices, updates, dimensionNumbers, options = {}) => {
    const [x, u] = take2(lift(primitive.name, operand, updates));
    return bind1(primitive, [x, indices, u], {
      dimensionNumbers,
      mode: options.mode ?? 'fill',
      uniqueIndices: options.uniqueIndices ?? false,
    });
  };

/** `operand` with windows replaced by `updates` (in row-major order, the last one stays); see XLA's Scatter. */
export const scatter: ScatterFunction = scatterFunction(scatterP);
/** `operand` with `updates` added. */
export const scatterAdd: ScatterFunction = scatterFunction(scatterAddP);
/** `operand` multiplied by `updates`. */
export const scatterMul: ScatterFunction = scatterFunction(scatterMulP);
/** The smaller of `operand` and `updates`. */
export const scatterMin: ScatterFunction = scatterFunction(scatterMinP);
/** The larger of `operand` and `updates`. */
export const scatterMax: ScatterFunction = scatterFunction(scatterMaxP);
