/** slice and pad, which are each other's transposes, and concatenate; iota. */
import { addIndex, maxOf, mulIndex, subIndex } from '../core/index-expr.js';
import { canonicalAxis, nth } from '../core/axes.js';
import { ShapedArray, showShape, type Shape } from '../core/aval.js';
import { computeType, type DType } from '../core/dtype.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import {
  definePrimitive,
  LinearOperand,
  notDifferentiable,
  notLinear,
  Zero,
  type MaybeZero,
  type Primitive,
} from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { batchOrRepeat, broadcastInDim, full, instantiate, reduceSum } from './broadcast.js';
import { select, sub } from './arithmetic.js';
import { lift, lift1 } from './lift.js';
import { linearJvp, linearTranspose } from './linear-rules.js';
import { moveaxis } from './reshape.js';

type SliceParams = {
  readonly startIndices: readonly number[];
  readonly limitIndices: readonly number[];
  readonly strides: readonly number[];
};

const sliceP: Primitive<SliceParams> = definePrimitive<SliceParams>({
  name: 'slice',
  abstract: (operands, { startIndices, limitIndices, strides }) => {
    const [x] = take1(operands);
    const ok =
      startIndices.length === x.ndim &&
      limitIndices.length === x.ndim &&
      strides.length === x.ndim &&
      x.shape.every(
        (n, d) =>
          nth(startIndices, d) >= 0 &&
          nth(startIndices, d) <= nth(limitIndices, d) &&
          nth(limitIndices, d) <= n &&
          nth(strides, d) > 0,
      );
    if (!ok) {
      throw new ShapeError(
        `slice: start ${showShape(startIndices)}, limit ${showShape(limitIndices)}, strides ${showShape(strides)} do not lie within shape ` +
          `${showShape(x.shape)}: one of each per axis, 0 ≤ start ≤ limit ≤ length, stride ≥ 1.${userLine()}`,
      );
    }
    return [
      x.with({
        shape: x.shape.map((_, d) => Math.ceil((nth(limitIndices, d) - nth(startIndices, d)) / nth(strides, d))),
      }),
    ];
  },
  jvp: linearJvp((x, p) => slice(x, p.startIndices, p.limitIndices, p.strides)),
  transpose: linearTranspose((ct, x, { startIndices, strides }) =>
    pad(
      ct,
      0,
      x.shape.map((n, d) => {
        const lo = nth(startIndices, d);
        const stride = nth(strides, d);
        const length = nth(ct.aval.shape, d);
        const spanned = length === 0 ? 0 : (length - 1) * stride + 1;
        return [lo, n - lo - spanned, stride - 1] as const;
      }),
    ),
  ),
  batch: (_size, operands, dims, p) => {
    const [x] = take1(operands);
    const dim = dims[0] ?? 0;
    const insert = (list: readonly number[], value: number): number[] => [
      ...list.slice(0, dim),
      value,
      ...list.slice(dim),
    ];
    return {
      results: [
        slice(x, insert(p.startIndices, 0), insert(p.limitIndices, nth(x.aval.shape, dim)), insert(p.strides, 1)),
      ],
      dims: [dim],
    };
  },
  lower: (_avals, { startIndices, strides }) => ({
    kind: 'map',
    cost: 'view',
    at: (operands, index) => [
      take1(operands)[0].at(index.map((e, d) => addIndex(mulIndex(e, nth(strides, d)), s.int(nth(startIndices, d))))),
    ],
  }),
  examples: () => [
    { args: [{ shape: [5] }], params: { startIndices: [1], limitIndices: [4], strides: [1] } },
    { args: [{ shape: [5, 4] }], params: { startIndices: [0, 1], limitIndices: [5, 4], strides: [2, 2] } },
    { args: [{ shape: [3] }], params: { startIndices: [2], limitIndices: [2], strides: [1] } },
  ],
});

/** Low, high and interior padding of one axis; low and high may be negative (they crop). */
export type PaddingConfig = readonly (readonly [low: number, high: number, interior: number])[];
type PadParams = { readonly paddingConfig: PaddingConfig };

const paddedLength = (n: number, [lo, hi, interior]: readonly [number, number, number]): number =>
  lo + hi + (n === 0 ? 0 : (n - 1) * interior + n);

const padP: Primitive<PadParams> = definePrimitive<PadParams>({
  name: 'pad',
  abstract: (operands, { paddingConfig }) => {
    const [x, value] = take2(operands);
    const shape = x.shape.map((n, d) => paddedLength(n, paddingConfig[d] ?? [0, 0, 0]));
    if (
      paddingConfig.length !== x.ndim ||
      shape.some((n) => n < 0) ||
      paddingConfig.some(([, , i]) => i < 0) ||
      value.ndim !== 0
    ) {
      throw new ShapeError(
        `pad: configuration ${JSON.stringify(paddingConfig)} does not fit shape ${showShape(x.shape)}: one [low, high, interior] per axis, ` +
          `interior ≥ 0, no negative length, and a scalar padding value.${userLine()}`,
      );
    }
    if (x.dtype !== value.dtype)
      throw new DTypeError(`pad: operand is ${x.dtype} but the padding value ${value.dtype}.${userLine()}`);
    return [x.with({ shape, weakType: x.weakType && value.weakType })];
  },
  jvp: (primals, tangents, { paddingConfig }) => {
    const out = bind1(padP, primals, { paddingConfig });
    const zero = tangents.filter((t) => !(t instanceof Zero)).length === 0;
    return {
      primals: [out],
      tangents: [zero ? new Zero(out.aval.strengthen()) : bind1(padP, tangents.map(instantiate), { paddingConfig })],
    };
  },
  transpose: (cotangents, operands, { paddingConfig }) => {
    const [ct] = take1(cotangents);
    const [x, value] = take2(operands);
    if (ct instanceof Zero) return [null, null];
    // Undo the outer padding (negative amounts pad), then take every (interior + 1)-th element.
    const cropped = pad(
      ct,
      0,
      paddingConfig.map(([lo, hi]) => [-lo, -hi, 0] as const),
    );
    const strides = paddingConfig.map(([, , interior]) => interior + 1);
    const inner = slice(
      cropped,
      strides.map(() => 0),
      cropped.aval.shape,
      strides,
    );
    return [
      x instanceof LinearOperand ? inner : null,
      value instanceof LinearOperand ? sub(reduceSum(ct), reduceSum(inner)) : null,
    ];
  },
  batch: (size, operands, dims, { paddingConfig }) => {
    const [x, value] = take2(operands);
    const [xDim, valueDim] = [dims[0] ?? null, dims[1] ?? null];
    const moved = batchOrRepeat(x, xDim, size);
    const config: PaddingConfig = [[0, 0, 0], ...paddingConfig];
    if (valueDim === null) return { results: [pad(moved, value, config)], dims: [0] };
    // A padding value per example: pad a mask too and choose.
    const padded = pad(moved, 0, config);
    const mask = pad(full(moved.aval.shape, true), false, config);
    return {
      results: [select(mask, padded, broadcastInDim(moveaxis(value, valueDim, 0), padded.aval.shape, [0]))],
      dims: [0],
    };
  },
  lower: (avals, { paddingConfig }) => {
    const [x] = take2(avals);
    return {
      kind: 'map',
      cost: 'cheap',
      at: (operands, index) => {
        const [operand, value] = take2(operands);
        let inside: s.Expr | undefined;
        const require = (condition: s.Expr): void => {
          inside = inside === undefined ? condition : s.binary('and', inside, condition);
        };
        const source = index.map((e, d) => {
          const [lo, , interior] = nth(paddingConfig, d);
          const n = nth(x.shape, d);
          const max = maxOf(e);
          const shifted = subIndex(e, s.int(lo));
          const last = (n - 1) * (interior + 1);
          if (lo > 0) require(s.binary('ge', e, s.int(lo)));
          if (!(max - lo <= last)) require(s.binary('le', e, s.int(last + lo)));
          if (interior === 0 && lo <= 0 && max - lo <= last) return shifted;
          // Out of bounds the value is not used, but the index must stay in bounds for the load.
          const clamped = n === 0 ? s.int(0) : s.binary('max', s.int(0), s.binary('min', shifted, s.int(last)));
          if (interior === 0) return clamped;
          require(s.binary('eq', s.binary('rem', shifted, s.int(interior + 1)), s.int(0)));
          return s.binary('div', clamped, s.int(interior + 1));
        });
        if (x.size === 0) return [value.at([])];
        return [inside === undefined ? operand.at(source) : s.select(inside, operand.at(source), value.at([]))];
      },
    };
  },
  examples: () => [
    { args: [{ shape: [3] }, { shape: [] }], params: { paddingConfig: [[1, 2, 0]] } },
    { args: [{ shape: [4] }, { shape: [] }], params: { paddingConfig: [[-1, -1, 0]] } },
    {
      args: [{ shape: [2, 3] }, { shape: [] }],
      params: {
        paddingConfig: [
          [0, 1, 2],
          [-1, 2, 1],
        ],
      },
    },
  ],
});

type ConcatenateParams = { readonly dimension: number };

const concatenateP: Primitive<ConcatenateParams> = definePrimitive<ConcatenateParams>({
  name: 'concatenate',
  abstract: (operands, { dimension }) => {
    const first = nth(operands, 0);
    canonicalAxis(dimension, first.ndim, 'concatenate');
    const fits = operands.every(
      (x) => x.ndim === first.ndim && x.shape.every((n, d) => d === dimension || n === first.shape[d]),
    );
    if (!fits) {
      throw new ShapeError(
        `concatenate: shapes ${operands.map((x) => showShape(x.shape)).join(', ')} must agree on every axis but axis ${String(dimension)}.${userLine()}`,
      );
    }
    if (operands.some((x) => x.dtype !== first.dtype)) {
      throw new DTypeError(
        `concatenate: dtypes ${operands.map((x) => x.dtype).join(', ')} must be equal; convert with x.astype(...).${userLine()}`,
      );
    }
    const length = operands.reduce((sum, x) => sum + nth(x.shape, dimension), 0);
    return [
      first.with({
        shape: first.shape.map((n, d) => (d === dimension ? length : n)),
        weakType: operands.every((x) => x.weakType),
      }),
    ];
  },
  jvp: (primals, tangents, params) => {
    const out = bind1(concatenateP, primals, params);
    const zero = tangents.filter((t) => !(t instanceof Zero)).length === 0;
    return {
      primals: [out],
      tangents: [zero ? new Zero(out.aval.strengthen()) : bind1(concatenateP, tangents.map(instantiate), params)],
    };
  },
  transpose: (cotangents, operands, { dimension }) => {
    const [ct] = take1(cotangents);
    if (ct instanceof Zero) return operands.map(() => null);
    let start = 0;
    return operands.map((x): MaybeZero | null => {
      const from = start;
      start += nth(x.aval.shape, dimension);
      return x instanceof LinearOperand ? sliceInDim(ct, from, start, dimension) : null;
    });
  },
  batch: (size, operands, dims, { dimension }) => ({
    results: [
      concatenate(
        operands.map((x, i) => batchOrRepeat(x, dims[i] ?? null, size)),
        dimension + 1,
      ),
    ],
    dims: [0],
  }),
  lower: (avals, { dimension }) => ({
    kind: 'map',
    cost: 'cheap',
    at: (operands, index) => {
      const position = nth(index, dimension);
      let end = 0;
      const parts = operands
        .map((operand, i) => {
          const start = end;
          const length = nth(nth(avals, i).shape, dimension);
          end += length;
          // Clamped, because a backend may evaluate every branch.
          const local = s.binary('max', s.int(0), s.binary('min', subIndex(position, s.int(start)), s.int(length - 1)));
          return { end, length, value: (): s.Expr => operand.at(index.map((e, d) => (d === dimension ? local : e))) };
        })
        .filter((part) => part.length > 0);
      const last = parts[parts.length - 1];
      if (last === undefined) return [s.constant(computeType(nth(avals, 0).dtype), 0)];
      return [
        parts
          .slice(0, -1)
          .reduceRight<s.Expr>(
            (rest, part) => s.select(s.binary('lt', position, s.int(part.end)), part.value(), rest),
            last.value(),
          ),
      ];
    },
  }),
  examples: () => [
    { args: [{ shape: [2] }, { shape: [3] }], params: { dimension: 0 } },
    { args: [{ shape: [2, 1] }, { shape: [2, 3] }, { shape: [2, 2] }], params: { dimension: 1 } },
  ],
});

type IotaParams = { readonly dtype: DType; readonly shape: Shape; readonly dimension: number };

const iotaP: Primitive<IotaParams> = definePrimitive<IotaParams>({
  name: 'iota',
  abstract: (_operands, { dtype, shape, dimension }) => {
    canonicalAxis(dimension, shape.length, 'iota');
    return [new ShapedArray(shape, dtype)];
  },
  jvp: notDifferentiable('iota has no operands'),
  transpose: notLinear('it has no operands'),
  batch: () => {
    throw new Error('iota has no operands to batch');
  },
  lower: (_avals, { dtype, dimension }) => ({
    kind: 'map',
    cost: 'view',
    at: (_operands, index) => [s.convert(dtype, nth(index, dimension))],
  }),
  examples: () => [
    { args: [], params: { dtype: 'int32', shape: [4], dimension: 0 } },
    { args: [], params: { dtype: 'float32', shape: [2, 3], dimension: 1 } },
  ],
});

/** Elements `start ≤ i < limit` with a stride on every axis. Throws ShapeError when they are not within `x`. */
export function slice(
  x: ArrayLike,
  startIndices: readonly number[],
  limitIndices: readonly number[],
  strides?: readonly number[],
): NDArray {
  const array = lift1('slice', x);
  const steps = strides ?? startIndices.map(() => 1);
  const whole = array.aval.shape.every((n, d) => startIndices[d] === 0 && limitIndices[d] === n && steps[d] === 1);
  if (whole && startIndices.length === array.ndim) return array;
  return bind1(sliceP, [array], {
    startIndices: [...startIndices],
    limitIndices: [...limitIndices],
    strides: [...steps],
  });
}

/** {@link slice} of one axis, the others whole. */
export function sliceInDim(x: ArrayLike, start: number, limit: number, axis = 0, stride = 1): NDArray {
  const array = lift1('slice', x);
  const d0 = canonicalAxis(axis, array.ndim, 'slice_in_dim');
  const { shape } = array.aval;
  return slice(
    array,
    shape.map((_, d) => (d === d0 ? start : 0)),
    shape.map((n, d) => (d === d0 ? limit : n)),
    shape.map((_, d) => (d === d0 ? stride : 1)),
  );
}

/** Pad each axis by `[low, high, interior]`; negative low and high crop. */
export function pad(x: ArrayLike, paddingValue: ArrayLike, paddingConfig: PaddingConfig): NDArray {
  const [array, value] = take2(lift('pad', x, paddingValue));
  if (
    paddingConfig.length === array.ndim &&
    paddingConfig.every(([lo, hi, interior]) => lo === 0 && hi === 0 && interior === 0)
  )
    return array;
  return bind1(padP, [array, value], { paddingConfig });
}

/** Join arrays along an existing axis. */
export function concatenate(operands: readonly NDArray[], dimension: number): NDArray {
  const first = operands[0];
  if (first === undefined) throw new ShapeError(`concatenate: needs at least one array.${userLine()}`);
  return operands.length === 1 ? first : bind1(concatenateP, operands, { dimension });
}

/** 0, 1, 2, … along `dimension` of an array of `shape`. */
export const broadcastedIota = (dtype: DType, shape: Shape, dimension: number): NDArray =>
  bind1(iotaP, [], { dtype, shape: [...shape], dimension });

/** `[0, 1, …, size - 1]`. */
export const iota = (dtype: DType, size: number): NDArray => broadcastedIota(dtype, [size], 0);
