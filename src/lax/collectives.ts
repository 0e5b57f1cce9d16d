/**
 * Collectives over the named axis of a `vmap`: sums, extrema and copies along it, and the position on it. Outside of a
 * vmap with that axis name they are errors.
 */
import { ShapedArray } from '../core/aval.js';
import { ArgumentError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import {
  definePrimitive,
  LinearOperand,
  notDifferentiable,
  notLinear,
  Zero,
  type Primitive,
} from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1 } from '../core/tuple.js';
import { div } from './arithmetic.js';
import { batchOrRepeat, full, reduceSum } from './broadcast.js';
import { lift1 } from './lift.js';
import { linearJvp } from './linear-rules.js';
import { reduceMax, reduceMin } from './reductions.js';
import { iota } from './slicing.js';

type AxisParams = { readonly axisName: string };

const unbound = (name: string, axisName: string): ArgumentError =>
  new ArgumentError(
    `${name}: there is no axis named '${axisName}' here. Call it inside of vmap(f, 0, { axisName: '${axisName}' }).${userLine()}`,
  );

/** The axis is not this vmap's: the batch axis is carried along. */
const along = (primitive: Primitive<AxisParams>, x: NDArray, dim: number | null, params: AxisParams) => ({
  results: [bind1(primitive, [x], params)],
  dims: [dim],
});

function reduction(
  name: string,
  reduce: (x: NDArray, axes: readonly number[]) => NDArray,
  linear: boolean,
): Primitive<AxisParams> {
  const primitive: Primitive<AxisParams> = definePrimitive<AxisParams>({
    name,
    abstract: (operands) => operands,
    jvp: linear
      ? linearJvp((x, params) => bind1(primitive, [x], params))
      : notDifferentiable('an extremum over a mapped axis has no rule; use psum'),
    // The sum over an axis is its own transpose: every example gets the sum of all cotangents.
    transpose: linear
      ? (cotangents, operands, params) => {
          const [ct] = take1(cotangents);
          return [
            ct instanceof Zero || !(take1(operands)[0] instanceof LinearOperand)
              ? null
              : bind1(primitive, [ct], params),
          ];
        }
      : notLinear(),
    batch: (size, operands, dims, params, axisName) => {
      const [x] = take1(operands);
      const dim = dims[0] ?? null;
      if (axisName !== params.axisName) return along(primitive, x, dim, params);
      return { results: [reduce(batchOrRepeat(x, dim, size), [0])], dims: [null] };
    },
    lower: (_avals, { axisName }) => {
      throw unbound(name, axisName);
    },
    examples: () => [],
  });
  return primitive;
}

const psumP = reduction('psum', reduceSum, true);
const pmaxP = reduction('pmax', reduceMax, false);
const pminP = reduction('pmin', reduceMin, false);

const allGatherP: Primitive<AxisParams & { readonly axisSize: number }> = definePrimitive<
  AxisParams & { readonly axisSize: number }
>({
  name: 'all_gather',
  abstract: (operands, { axisSize }) => {
    const [x] = take1(operands);
    return [x.with({ shape: [axisSize, ...x.shape] })];
  },
  jvp: linearJvp((x, params) => bind1(allGatherP, [x], params)),
  transpose: notLinear('all_gather is differentiated inside of vmap only; use psum'),
  batch: (size, operands, dims, params, axisName) => {
    const [x] = take1(operands);
    const dim = dims[0] ?? null;
    if (axisName !== params.axisName) {
      return { results: [bind1(allGatherP, [batchOrRepeat(x, dim, size)], params)], dims: [1] };
    }
    return { results: [batchOrRepeat(x, dim, size)], dims: [null] };
  },
  lower: (_avals, { axisName }) => {
    throw unbound('all_gather', axisName);
  },
  examples: () => [],
});

const axisIndexP: Primitive<AxisParams> = definePrimitive<AxisParams>({
  name: 'axis_index',
  abstract: () => [new ShapedArray([], 'int32')],
  jvp: notDifferentiable('axis_index has no operands'),
  transpose: notLinear('it has no operands'),
  batch: (size) => ({ results: [iota('int32', size)], dims: [0] }),
  lower: (_avals, { axisName }) => {
    throw unbound('axis_index', axisName);
  },
  examples: () => [],
});

/**
 * Sum over the mapped axis of the surrounding `vmap` that is named `axisName`.
 *
 * @example
 * ```ts
 * import { lax, vmap, numpy as np } from 'cotangent';
 * const share = vmap((x: np.Array) => x.div(lax.psum(x, 'i')), 0, { axisName: 'i' });
 * share(np.array([1, 3])).js(); // => [0.25,0.75]
 * ```
 */
export const psum = (x: ArrayLike, axisName: string): NDArray => bind1(psumP, [lift1('psum', x)], { axisName });

/** Mean over the mapped axis named `axisName`. */
export function pmean(x: ArrayLike, axisName: string): NDArray {
  const array = lift1('pmean', x);
  return div(psum(array, axisName), psum(full([], 1, array.dtype), axisName));
}

/** Maximum over the mapped axis named `axisName`. */
export const pmax = (x: ArrayLike, axisName: string): NDArray => bind1(pmaxP, [lift1('pmax', x)], { axisName });

/** Minimum over the mapped axis named `axisName`. */
export const pmin = (x: ArrayLike, axisName: string): NDArray => bind1(pminP, [lift1('pmin', x)], { axisName });

/** The values of all examples along a new first axis of length `axisSize`, the length of the mapped axis. */
export const allGather = (x: ArrayLike, axisName: string, axisSize: number): NDArray =>
  bind1(allGatherP, [lift1('all_gather', x)], { axisName, axisSize });

/** The position on the mapped axis named `axisName` (int32). */
export const axisIndex = (axisName: string): NDArray => bind1(axisIndexP, [], { axisName });
