/** Reductions besides the sum: products, extrema, logic, and the position of an extremum. */
import { canonicalAxes, canonicalAxis, dropAxes, nth, range } from '../core/axes.js';
import { identityOf, type CombineOp } from '../core/combine.js';
import { computeType, isFloat } from '../core/dtype.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import {
  definePrimitive,
  notDifferentiable,
  notLinear,
  Zero,
  type JvpRule,
  type NoRule,
  type Primitive,
} from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { showShape } from '../core/aval.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { div, mul } from './arithmetic.js';
import { broadcastInDim, full, reduceSum } from './broadcast.js';
import { eq, zeroJvp } from './compare.js';
import { convertElementType } from './convert.js';
import { cumprod } from './cumulative.js';
import { lift1 } from './lift.js';
import { reshape, transpose } from './reshape.js';
import { concatenate, sliceInDim } from './slicing.js';

type AxesParams = { readonly axes: readonly number[] };

/** Repeat a reduced array over the axes that were reduced. */
const unreduce = (reduced: NDArray, shape: readonly number[], axes: readonly number[]): NDArray =>
  broadcastInDim(
    reduced,
    shape,
    range(shape.length).filter((d) => !axes.includes(d)),
  );

function reducePrimitive(
  name: string,
  combine: CombineOp,
  accepts: 'numbers' | 'any' | 'bits',
  jvp: (primitive: () => Primitive<AxesParams>) => JvpRule<AxesParams> | NoRule,
): Primitive<AxesParams> {
  const primitive: Primitive<AxesParams> = definePrimitive<AxesParams>({
    name,
    abstract: (operands, { axes }) => {
      const [x] = take1(operands);
      if ((accepts === 'bits' && isFloat(x.dtype)) || (accepts === 'numbers' && x.dtype === 'bool')) {
        throw new DTypeError(`${name}: does not take ${x.dtype}.${userLine()}`);
      }
      const over = canonicalAxes(axes, x.ndim, name);
      return [x.with({ shape: dropAxes(x.shape, over) })];
    },
    jvp: jvp(() => primitive),
    transpose: notLinear(),
    batch: (_size, operands, dims, { axes }) => {
      const [x] = take1(operands);
      const dim = dims[0] ?? 0;
      const shifted = axes.map((d) => (d >= dim ? d + 1 : d));
      return {
        results: [bind1(primitive, [x], { axes: shifted })],
        dims: [dim - shifted.filter((d) => d < dim).length],
      };
    },
    lower: (operands, { axes }) => {
      const [x] = take1(operands);
      return {
        kind: 'reduce',
        axes,
        reducers: [
          {
            dtype: x.dtype,
            init: s.constant(computeType(x.dtype), identityOf(combine, x.dtype)),
            update: { combine, value: (elements) => take1(elements)[0] },
          },
        ],
        results: (accumulators) => accumulators,
      };
    },
    examples: () =>
      (accepts === 'bits'
        ? (['bool', 'int32'] as const)
        : accepts === 'any'
          ? (['float32', 'float16', 'int32', 'bool'] as const)
          : (['float32', 'float16', 'int32'] as const)
      ).flatMap((dtype) => [
        { args: [{ shape: [3], dtype }], params: { axes: [0] } },
        { args: [{ shape: [2, 3, 4], dtype }], params: { axes: [0, 2] } },
        { args: [{ shape: [2, 3], dtype }], params: { axes: [1] } },
      ]),
  });
  return primitive;
}

/** The tangent of an extremum: the mean of the tangents at the places that attain it (as JAX splits ties). */
const extremumJvp =
  (primitive: () => Primitive<AxesParams>): JvpRule<AxesParams> =>
  (primals, tangents, params) => {
    const [x] = take1(primals);
    const [dx] = take1(tangents);
    const out = bind1(primitive(), primals, params);
    // The extremum of nothing is a constant.
    if (dx instanceof Zero || params.axes.some((d) => x.aval.shape[d] === 0))
      return { primals: [out], tangents: [new Zero(out.aval.strengthen())] };
    const location = convertElementType(eq(x, unreduce(out, x.aval.shape, params.axes)), x.dtype);
    const tangent = div(reduceSum(mul(dx, location), params.axes), reduceSum(location, params.axes));
    return { primals: [out], tangents: [tangent] };
  };

/** d Πx = Σᵢ dxᵢ Πⱼ≠ᵢ xⱼ, with the products of the others from two exclusive cumulative products: exact at zeros. */
const productJvp =
  (primitive: () => Primitive<AxesParams>): JvpRule<AxesParams> =>
  (primals, tangents, params) => {
    const [x] = take1(primals);
    const [dx] = take1(tangents);
    const out = bind1(primitive(), primals, params);
    if (dx instanceof Zero) return { primals: [out], tangents: [new Zero(out.aval.strengthen())] };
    const kept = range(x.ndim).filter((d) => !params.axes.includes(d));
    const keptShape = kept.map((d) => nth(x.aval.shape, d));
    const rows = (a: NDArray): NDArray =>
      reshape(
        transpose(a, [...kept, ...params.axes]),
        [...keptShape, -1].map((n) => (n === -1 ? params.axes.reduce((p, d) => p * nth(a.aval.shape, d), 1) : n)),
      );
    const flat = rows(x);
    const axis = kept.length;
    const n = nth(flat.aval.shape, axis);
    if (n === 0) return { primals: [out], tangents: [new Zero(out.aval.strengthen())] };
    const one = full([...keptShape, 1], 1, x.dtype);
    const before = concatenate([one, sliceInDim(cumprod(flat, axis), 0, n - 1, axis)], axis);
    const after = concatenate([sliceInDim(cumprod(flat, axis, true), 1, n, axis), one], axis);
    return { primals: [out], tangents: [reduceSum(mul(rows(dx), mul(before, after)), [axis])] };
  };

const reduceMaxP = reducePrimitive('reduce_max', 'max', 'any', extremumJvp);
const reduceMinP = reducePrimitive('reduce_min', 'min', 'any', extremumJvp);
const reduceProdP = reducePrimitive('reduce_prod', 'mul', 'numbers', productJvp);
const reduceAndP = reducePrimitive('reduce_and', 'and', 'bits', zeroJvp);
const reduceOrP = reducePrimitive('reduce_or', 'or', 'bits', zeroJvp);
const reduceXorP = reducePrimitive('reduce_xor', 'xor', 'bits', zeroJvp);

const reducer =
  (name: string, primitive: Primitive<AxesParams>) =>
  (x: ArrayLike, axes?: readonly number[] | null): NDArray => {
    const array = lift1(name, x);
    const over = canonicalAxes(axes, array.ndim, name);
    return over.length === 0 ? array : bind1(primitive, [array], { axes: over });
  };

/** Largest element over `axes` (all if absent); NaN if there is one. Of nothing, -Infinity or the smallest integer. */
export const reduceMax = reducer('reduce_max', reduceMaxP);
/** Smallest element over `axes`; NaN if there is one. */
export const reduceMin = reducer('reduce_min', reduceMinP);
/** Product over `axes`. */
export const reduceProd = reducer('reduce_prod', reduceProdP);
/** Logical or bitwise and over `axes`. */
export const reduceAnd = reducer('reduce_and', reduceAndP);
/** Logical or bitwise or over `axes`. */
export const reduceOr = reducer('reduce_or', reduceOrP);
/** Logical or bitwise exclusive or over `axes`. */
export const reduceXor = reducer('reduce_xor', reduceXorP);

type ArgParams = { readonly axes: readonly number[]; readonly indexDtype: 'int32' };

function argPrimitive(name: 'argmax' | 'argmin'): Primitive<ArgParams> {
  const better = name === 'argmax' ? 'gt' : 'lt';
  return definePrimitive<ArgParams>({
    name,
    abstract: (operands, { axes, indexDtype }) => {
      const [x] = take1(operands);
      const axis = canonicalAxis(take1(axes)[0], x.ndim, name);
      if (x.shape[axis] === 0) {
        throw new ShapeError(
          `${name}: axis ${String(axis)} of shape ${showShape(x.shape)} is empty and has no extremum.${userLine()}`,
        );
      }
      return [x.with({ shape: dropAxes(x.shape, [axis]), dtype: indexDtype, weakType: false })];
    },
    jvp: notDifferentiable(`${name} is piecewise constant; its results are integers`),
    transpose: notLinear(),
    batch: (_size, operands, dims, { axes, indexDtype }) => {
      const dim = dims[0] ?? 0;
      const axis = take1(axes)[0];
      const shifted = axis >= dim ? axis + 1 : axis;
      const results = [bind1(name === 'argmax' ? argmaxP : argminP, operands, { axes: [shifted], indexDtype })];
      return { results, dims: [dim - (shifted < dim ? 1 : 0)] };
    },
    lower: (operands, { axes }) => {
      const [x] = take1(operands);
      // The first NaN wins; among equals the first. Accumulators: position found (-1: none yet) and its value.
      const takes = (acc: readonly s.Expr[], e: s.Expr): s.Expr => {
        const [position, value] = [nth(acc, 0), nth(acc, 1)];
        const first = s.binary('lt', position, s.int(0));
        const improves = s.binary(better, e, value);
        const plain = s.binary('or', first, improves);
        if (!isFloat(x.dtype)) return plain;
        const newNaN = s.binary('and', s.binary('ne', e, e), s.binary('eq', value, value));
        return s.binary('or', plain, newNaN);
      };
      // Of two parts the better wins, and of two that are as good the one whose position comes first.
      const wins = (earlier: readonly s.Expr[], later: readonly s.Expr[]): s.Expr => {
        const [[p, v], [q, w]] = [take2(earlier), take2(later)];
        const equal = s.binary('eq', v, w);
        const bothNaN = s.binary('and', s.binary('ne', v, v), s.binary('ne', w, w));
        const same = isFloat(x.dtype) ? s.binary('or', equal, bothNaN) : equal;
        const first = s.binary('and', same, s.binary('lt', q, p));
        return s.binary('and', s.binary('ge', q, s.int(0)), s.binary('or', takes(earlier, w), first));
      };
      const merge =
        (i: number) =>
        (earlier: readonly s.Expr[], later: readonly s.Expr[]): s.Expr =>
          s.select(wins(earlier, later), nth(later, i), nth(earlier, i));
      return {
        kind: 'reduce',
        axes,
        reducers: [
          {
            dtype: 'int32',
            init: s.int(-1),
            update: {
              next: (acc, elements, position) => s.select(takes(acc, nth(elements, 0)), position, nth(acc, 0)),
              merge: merge(0),
            },
          },
          {
            dtype: x.dtype,
            init: s.constant(computeType(x.dtype), 0),
            update: {
              next: (acc, elements) => s.select(takes(acc, nth(elements, 0)), nth(elements, 0), nth(acc, 1)),
              merge: merge(1),
            },
          },
        ],
        results: (accumulators) => [nth(accumulators, 0)],
      };
    },
    examples: () =>
      (['float32', 'int32'] as const).flatMap((dtype) => [
        { args: [{ shape: [5], dtype }], params: { axes: [0], indexDtype: 'int32' as const } },
        { args: [{ shape: [2, 3, 4], dtype }], params: { axes: [1], indexDtype: 'int32' as const } },
      ]),
  });
}
const argmaxP: Primitive<ArgParams> = argPrimitive('argmax');
const argminP: Primitive<ArgParams> = argPrimitive('argmin');

/** Position of the first largest element along `axis` (int32); the first NaN counts as largest. */
export function argmax(x: ArrayLike, axis: number): NDArray {
  const array = lift1('argmax', x);
  return bind1(argmaxP, [array], { axes: [canonicalAxis(axis, array.ndim, 'argmax')], indexDtype: 'int32' });
}

/** Position of the first smallest element along `axis` (int32); the first NaN counts as smallest. */
export function argmin(x: ArrayLike, axis: number): NDArray {
  const array = lift1('argmin', x);
  return bind1(argminP, [array], { axes: [canonicalAxis(axis, array.ndim, 'argmin')], indexDtype: 'int32' });
}
