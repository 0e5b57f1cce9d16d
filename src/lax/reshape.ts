/** Primitives that rearrange elements one to one: reshape, transpose, rev. Each is its own kind of inverse. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { reshapeIndex, subIndex } from '../core/index-expr.js';
import { sameShape, showShape, sizeOf, type Shape } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { type ArrayLike } from '../core/ndarray.js';
import { definePrimitive } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1 } from '../core/tuple.js';
import { lift1 } from './lift.js';
import { linearJvp, linearTranspose } from './linear-rules.js';

type ReshapeParams = { readonly newSizes: Shape };

const reshapeP = definePrimitive<ReshapeParams>({
  name: 'reshape',
  abstract: (operands, { newSizes }) => {
    const [x] = take1(operands);
    if (sizeOf(newSizes) !== x.size) {
      throw new ShapeError(
        `reshape: shape ${showShape(x.shape)} has ${String(x.size)} elements and cannot become ${showShape(newSizes)}, ` +
          `which has ${String(sizeOf(newSizes))}. The product of the axes must stay the same; one axis may be given as -1.${userLine()}`,
      );
    }
    return [x.with({ shape: newSizes })];
  },
  jvp: linearJvp((x, { newSizes }) => reshape(x, newSizes)),
  transpose: linearTranspose((ct, x) => reshape(ct, x.shape)),
  batch: (size, operands, dims, { newSizes }) => {
    const [x] = take1(operands);
    return { results: [reshape(moveaxis(x, dims[0] ?? 0, 0), [size, ...newSizes])], dims: [0] };
  },
  lower: (operands, { newSizes }) => {
    const [x] = take1(operands);
    return {
      kind: 'map',
      cost: 'view',
      at: (ops, index) => [take1(ops)[0].at(reshapeIndex(index, newSizes, x.shape))],
    };
  },
  examples: () => [
    { args: [{ shape: [2, 6] }], params: { newSizes: [3, 4] } },
    { args: [{ shape: [2, 3, 4] }], params: { newSizes: [6, 4] } },
    { args: [{ shape: [6] }], params: { newSizes: [2, 1, 3] } },
    { args: [{ shape: [] }], params: { newSizes: [1, 1] } },
  ],
});

type TransposeParams = { readonly permutation: readonly number[] };

const inversePermutation = (permutation: readonly number[]): number[] =>
  permutation.map((_, i) => permutation.indexOf(i));

const transposeP = definePrimitive<TransposeParams>({
  name: 'transpose',
  abstract: (operands, { permutation }) => {
    const [x] = take1(operands);
    if (
      !sameShape(
        [...permutation].sort((a, b) => a - b),
        range(x.ndim),
      )
    ) {
      throw new ShapeError(
        `transpose: ${showShape(permutation)} is no permutation of the ${String(x.ndim)} axes of shape ${showShape(x.shape)}.${userLine()}`,
      );
    }
    return [x.with({ shape: permutation.map((d) => nth(x.shape, d)) })];
  },
  jvp: linearJvp((x, { permutation }) => transpose(x, permutation)),
  transpose: linearTranspose((ct, _x, { permutation }) => transpose(ct, inversePermutation(permutation))),
  batch: (_size, operands, dims, { permutation }) => {
    const [x] = take1(operands);
    const dim = dims[0] ?? 0;
    return { results: [transpose(x, [dim, ...permutation.map((d) => (d >= dim ? d + 1 : d))])], dims: [0] };
  },
  lower: (_operands, { permutation }) => ({
    kind: 'map',
    cost: 'view',
    at: (ops, index) => [take1(ops)[0].at(inversePermutation(permutation).map((d) => nth(index, d)))],
  }),
  examples: () => [
    { args: [{ shape: [2, 3] }], params: { permutation: [1, 0] } },
    { args: [{ shape: [2, 3, 4] }], params: { permutation: [2, 0, 1] } },
  ],
});

type RevParams = { readonly dimensions: readonly number[] };

const revP = definePrimitive<RevParams>({
  name: 'rev',
  abstract: (operands, { dimensions }) => {
    const [x] = take1(operands);
    for (const d of dimensions) canonicalAxis(d, x.ndim, 'rev');
    return [x];
  },
  jvp: linearJvp((x, { dimensions }) => rev(x, dimensions)),
  transpose: linearTranspose((ct, _x, { dimensions }) => rev(ct, dimensions)),
  batch: (_size, operands, dims, { dimensions }) => {
    const [x] = take1(operands);
    const dim = dims[0] ?? 0;
    return {
      results: [
        rev(
          x,
          dimensions.map((d) => (d >= dim ? d + 1 : d)),
        ),
      ],
      dims: [dim],
    };
  },
  lower: (operands, { dimensions }) => {
    const [x] = take1(operands);
    return {
      kind: 'map',
      cost: 'view',
      at: (ops, index) => [
        take1(ops)[0].at(index.map((e, d) => (dimensions.includes(d) ? subIndex(s.int(nth(x.shape, d) - 1), e) : e))),
      ],
    };
  },
  examples: () => [
    { args: [{ shape: [5] }], params: { dimensions: [0] } },
    { args: [{ shape: [2, 3] }], params: { dimensions: [0, 1] } },
  ],
});

/** The same elements in row-major order under another shape. Throws ShapeError when the sizes differ. */
export function reshape(x: ArrayLike, newSizes: Shape): NDArray {
  const array = lift1('reshape', x);
  return sameShape(array.aval.shape, newSizes) ? array : bind1(reshapeP, [array], { newSizes: [...newSizes] });
}

/** Axis i of the result is axis `permutation[i]` of `x`. */
export function transpose(x: ArrayLike, permutation: readonly number[]): NDArray {
  const array = lift1('transpose', x);
  const isIdentity = permutation.length === array.ndim && permutation.every((d, i) => d === i);
  return isIdentity ? array : bind1(transposeP, [array], { permutation: [...permutation] });
}

/** The order of elements reversed along `dimensions`. */
export function rev(x: ArrayLike, dimensions: readonly number[]): NDArray {
  const array = lift1('rev', x);
  return dimensions.length === 0 ? array : bind1(revP, [array], { dimensions: [...dimensions] });
}

/** Move one axis to another place. */
export function moveaxis(x: NDArray, from: number, to: number): NDArray {
  if (from === to) return x;
  const order = range(x.ndim).filter((i) => i !== from);
  order.splice(to, 0, from);
  return transpose(x, order);
}

/** Drop axes of length 1. */
export function squeeze(x: ArrayLike, dimensions: readonly number[]): NDArray {
  const array = lift1('squeeze', x);
  const axes = dimensions.map((d) => canonicalAxis(d, array.ndim, 'squeeze'));
  const wrong = axes.find((d) => array.aval.shape[d] !== 1);
  if (wrong !== undefined) {
    throw new ShapeError(
      `squeeze: axis ${String(wrong)} of shape ${showShape(array.shape)} has length ${String(array.aval.shape[wrong])}, and only axes of length 1 can go.${userLine()}`,
    );
  }
  return reshape(
    array,
    array.aval.shape.filter((_, d) => !axes.includes(d)),
  );
}

/** Insert axes of length 1 so that they stand at `dimensions` of the result. */
export function expandDims(x: ArrayLike, dimensions: readonly number[]): NDArray {
  const array = lift1('expand_dims', x);
  const ndim = array.ndim + dimensions.length;
  const axes = dimensions.map((d) => canonicalAxis(d, ndim, 'expand_dims'));
  let next = 0;
  return reshape(
    array,
    range(ndim).map((d) => (axes.includes(d) ? 1 : nth(array.aval.shape, next++))),
  );
}
