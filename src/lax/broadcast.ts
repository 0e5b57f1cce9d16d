/**
 * broadcast_in_dim and reduce_sum, which are each other's transposes, and add_any, the sum of two tangents.
 */
import { canonicalAxes, dropAxes, nth, range } from '../core/axes.js';
import type { ShapedArray } from '../core/aval.js';
import { showShape, type Shape } from '../core/aval.js';
import { scalar } from '../core/concrete.js';
import { computeType, type DType } from '../core/dtype.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { definePrimitive, LinearOperand, Zero, type MaybeZero } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { lift1 } from './lift.js';
import { linearJvp, linearTranspose } from './linear-rules.js';
import { moveaxis, reshape } from './reshape.js';

type BroadcastParams = { readonly shape: Shape; readonly broadcastDimensions: readonly number[] };

const broadcastInDimP = definePrimitive<BroadcastParams>({
  name: 'broadcast_in_dim',
  abstract: (operands, { shape, broadcastDimensions }) => {
    const [x] = take1(operands);
    const fits =
      broadcastDimensions.length === x.ndim &&
      broadcastDimensions.every(
        (d, i) => d >= 0 && d < shape.length && (i === 0 || d > nth(broadcastDimensions, i - 1)),
      ) &&
      x.shape.every((n, i) => n === 1 || n === shape[nth(broadcastDimensions, i)]);
    if (!fits) {
      throw new ShapeError(
        `broadcast_in_dim: shape ${showShape(x.shape)} does not broadcast to ${showShape(shape)} along dimensions ` +
          `${showShape(broadcastDimensions)}: each axis must have length 1 or the length of the one it maps to.${userLine()}`,
      );
    }
    return [x.with({ shape })];
  },
  jvp: linearJvp((x, { shape, broadcastDimensions }) => broadcastInDim(x, shape, broadcastDimensions)),
  transpose: linearTranspose((ct, x, { shape, broadcastDimensions }) => {
    const kept = broadcastDimensions.filter((d, i) => x.shape[i] === shape[d]);
    return reshape(
      reduceSum(
        ct,
        range(ct.ndim).filter((d) => !kept.includes(d)),
      ),
      x.shape,
    );
  }),
  batch: (size, operands, dims, { shape, broadcastDimensions }) => {
    const [x] = take1(operands);
    const moved = moveaxis(x, dims[0] ?? 0, 0);
    return {
      results: [broadcastInDim(moved, [size, ...shape], [0, ...broadcastDimensions.map((d) => d + 1)])],
      dims: [0],
    };
  },
  lower: (operands, { broadcastDimensions }) => {
    const [x] = take1(operands);
    return {
      kind: 'map',
      cost: 'view',
      at: (ops, index) => [
        take1(ops)[0].at(broadcastDimensions.map((d, i) => (x.shape[i] === 1 ? s.int(0) : nth(index, d)))),
      ],
    };
  },
  examples: () => [
    { args: [{ shape: [] }], params: { shape: [2, 3], broadcastDimensions: [] } },
    { args: [{ shape: [3] }], params: { shape: [2, 3], broadcastDimensions: [1] } },
    { args: [{ shape: [2, 1] }], params: { shape: [2, 4, 3], broadcastDimensions: [0, 2] } },
  ],
});

type AxesParams = { readonly axes: readonly number[] };

const reduceSumP = definePrimitive<AxesParams>({
  name: 'reduce_sum',
  abstract: (operands, { axes }) => {
    const [x] = take1(operands);
    if (x.dtype === 'bool') {
      throw new DTypeError(
        `reduce_sum: cannot sum bool. Use np.sum, which counts, or convert: x.astype('int32').${userLine()}`,
      );
    }
    return [x.with({ shape: dropAxes(x.shape, canonicalAxes(axes, x.ndim, 'reduce_sum')) })];
  },
  jvp: linearJvp((x, { axes }) => reduceSum(x, axes)),
  transpose: linearTranspose((ct, x, { axes }) =>
    broadcastInDim(
      ct,
      x.shape,
      range(x.ndim).filter((d) => !axes.includes(d)),
    ),
  ),
  batch: (_size, operands, dims, { axes }) => {
    const [x] = take1(operands);
    const dim = dims[0] ?? 0;
    const shifted = axes.map((d) => (d >= dim ? d + 1 : d));
    return { results: [reduceSum(x, shifted)], dims: [dim - shifted.filter((d) => d < dim).length] };
  },
  lower: (operands, { axes }) => {
    const [x] = take1(operands);
    return {
      kind: 'reduce',
      axes,
      reducers: [
        {
          dtype: x.dtype,
          init: s.constant(computeType(x.dtype), 0),
          update: { combine: 'add', value: (elements) => take1(elements)[0] },
        },
      ],
      results: (accumulators) => accumulators,
    };
  },
  examples: () => [
    { args: [{ shape: [3] }], params: { axes: [0] } },
    { args: [{ shape: [3, 4], dtype: 'float16' }], params: { axes: [1] } },
    { args: [{ shape: [2, 3] }], params: { axes: [0] } },
    { args: [{ shape: [2, 3, 4] }], params: { axes: [0, 2] } },
    { args: [{ shape: [2, 3] }], params: { axes: [0, 1] } },
  ],
});

const addAnyP = definePrimitive<Record<string, never>>({
  name: 'add_any',
  abstract: (avals) => {
    const [a, b] = take2(avals);
    if (!a.equals(b)) throw new ShapeError(`add_any: tangents of different types, ${a.toString()} and ${b.toString()}`);
    return [a.strengthen()];
  },
  jvp: (primals, tangents) => {
    const [x, y] = take2(primals);
    const [dx, dy] = take2(tangents);
    return { primals: [addAny(x, y)], tangents: [addTangents(dx, dy)] };
  },
  transpose: (cotangents, operands) => operands.map((x) => (x instanceof LinearOperand ? take1(cotangents)[0] : null)),
  batch: (size, operands, dims) => {
    const [x, y] = take2(operands.map((x, i) => batchOrRepeat(x, dims[i] ?? null, size)));
    return { results: [addAny(x, y)], dims: [0] };
  },
  lower: () => ({
    kind: 'map',
    cost: 'cheap',
    elementwise: true,
    at: (operands, index) => {
      const [x, y] = take2(operands.map((o) => o.at(index)));
      return [s.binary('add', x, y)];
    },
  }),
  examples: () => [{ args: [{ shape: [2, 3] }, { shape: [2, 3] }], params: {} }],
});

const addAny = (x: NDArray, y: NDArray): NDArray => bind1(addAnyP, [x, y], {});

/** Sum of tangents or cotangents of one type. */
export const addTangents = (x: MaybeZero, y: MaybeZero): MaybeZero =>
  x instanceof Zero ? y : y instanceof Zero ? x : addAny(x, y);

/** The batch axis first; an operand without one is repeated. */
export function batchOrRepeat(x: NDArray, dim: number | null, size: number): NDArray {
  return dim === null
    ? broadcastInDim(
        x,
        [size, ...x.aval.shape],
        range(x.ndim).map((d) => d + 1),
      )
    : moveaxis(x, dim, 0);
}

/**
 * Repeat `x` to `shape`: axis i of `x` becomes axis `broadcastDimensions[i]`, and must have its length or 1.
 * Throws ShapeError otherwise.
 */
export function broadcastInDim(x: ArrayLike, shape: Shape, broadcastDimensions: readonly number[]): NDArray {
  return bind1(broadcastInDimP, [lift1('broadcast_in_dim', x)], {
    shape: [...shape],
    broadcastDimensions: [...broadcastDimensions],
  });
}

/** Repeat `x` to `shape` by NumPy's rule: axes are aligned from the last. No equation when the shape is already right. */
export function broadcastTo(x: ArrayLike, shape: Shape): NDArray {
  const array = lift1('broadcast_to', x);
  const { shape: from } = array.aval;
  if (from.length === shape.length && from.every((n, i) => n === shape[i])) return array;
  const offset = shape.length - from.length;
  return broadcastInDim(
    array,
    shape,
    from.map((_, i) => i + offset),
  );
}

/** The shape NumPy broadcasting gives; throws ShapeError naming `op`. */
export function broadcastShapes(op: string, ...shapes: readonly Shape[]): number[] {
  const ndim = Math.max(0, ...shapes.map((shape) => shape.length));
  return range(ndim).map((d) => {
    const lengths = shapes.map((shape) => shape[d - ndim + shape.length] ?? 1);
    const extent = lengths.find((n) => n !== 1) ?? 1;
    if (lengths.some((n) => n !== 1 && n !== extent)) {
      throw new ShapeError(
        `${op}: shapes ${shapes.map(showShape).join(' and ')} do not broadcast together: axes are aligned from the last, and ` +
          `each pair must be equal or 1 (here axis ${String(d - ndim)} has ${lengths.join(' and ')}). ` +
          `Insert axes with np.expandDims or reshape.${userLine()}`,
      );
    }
    return extent;
  });
}

/** An array of `shape` with every element `value`, by default float32 (bool for a boolean, an array's own dtype). */
export function full(shape: Shape, value: ArrayLike, dtype?: DType): NDArray {
  if (value instanceof NDArray) return broadcastTo(value, shape);
  const element = scalar(value, dtype ?? (typeof value === 'boolean' ? 'bool' : 'float32'));
  return shape.length === 0 ? element : broadcastInDim(element, shape, []);
}

export const zerosOf = (aval: ShapedArray): NDArray => full(aval.shape, 0, aval.dtype);

/** The zeros a symbolic zero stands for, or the value itself. */
export const instantiate = (x: MaybeZero): NDArray => (x instanceof Zero ? zerosOf(x.aval) : x);

/** Sum over `axes` (all if absent). Numbers only; `np.sum` also counts booleans. */
export function reduceSum(x: ArrayLike, axes?: readonly number[] | null): NDArray {
  const array = lift1('reduce_sum', x);
  const over = canonicalAxes(axes, array.ndim, 'reduce_sum');
  return over.length === 0 ? array : bind1(reduceSumP, [array], { axes: over });
}
