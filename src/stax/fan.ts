/** Layers that split and join arrays: FanOut, FanInSum, FanInConcat. */
import { checkCount } from '../core/counts.js';
import { nth } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { broadcastOperands, promoteTypesOf } from '../numpy/promote.js';

import { describeLayer, NO_PARAMS, type Layer, type NoParams } from './layer.js';

/**
 * `count` copies of the input, for {@link parallel}.
 *
 * @throws ArgumentError for a count that is no whole number from 1.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * const [, apply] = stax.FanOut(3);
 * apply([], np.ones([2])).length; // => 3
 * ```
 */
export function FanOut(count: number): Layer<NoParams, NDArray, readonly NDArray[]> {
  checkCount('FanOut', 'the number of copies', count);
  const copies = <T>(x: T): T[] => Array.from({ length: count }, () => x);
  return describeLayer<Layer<NoParams, NDArray, readonly NDArray[]>>(
    [(_key, shape) => ({ outputShape: copies(shape), params: NO_PARAMS }), (_params, x) => copies(x)],
    { name: `FanOut(${count})` },
  );
}

function checkInputs<T>(name: string, xs: readonly T[]): readonly T[] {
  const list: unknown = xs;
  if (Array.isArray(list) && (list[0] instanceof NDArray || Array.isArray(list[0]))) return xs;
  throw new ShapeError(`${name}: needs a list of arrays, such as stax.parallel gives, got one array.${userLine()}`);
}

/** A length known from any of several, -1 if from none; throws when two differ. */
function commonLength(name: string, lengths: readonly number[], shapes: readonly Shape[]): number {
  const known = lengths.filter((n) => n !== -1);
  if (known.some((n) => n !== known[0])) {
    throw new ShapeError(
      `${name}: inputs have shapes ${shapes.map(showShape).join(' and ')}, which do not fit.${userLine()}`,
    );
  }
  return known[0] ?? -1;
}

function checkRanks(name: string, shapes: readonly Shape[]): Shape {
  const first = nth(shapes, 0);
  if (shapes.some((s) => s.length !== first.length)) {
    throw new ShapeError(
      `${name}: inputs have shapes ${shapes.map(showShape).join(' and ')}, of different rank.${userLine()}`,
    );
  }
  return first;
}

/**
 * The sum of a list of arrays of one shape.
 *
 * @throws ShapeError for arrays of different shapes, or one array that is not in a list.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * const [, apply] = stax.FanInSum;
 * apply([], [np.array([1, 2]), np.array([10, 20])]).js(); // => [11, 22]
 * ```
 */
export const FanInSum: Layer<NoParams, readonly NDArray[]> = describeLayer<Layer<NoParams, readonly NDArray[]>>(
  [
    (_key, shapes) => {
      const all = checkInputs('FanInSum', shapes);
      const outputShape = checkRanks('FanInSum', all).map((_, d) =>
        commonLength(
          'FanInSum',
          all.map((s) => nth(s, d)),
          all,
        ),
      );
      return { outputShape, params: NO_PARAMS };
    },
    (_params, xs) =>
      broadcastOperands('FanInSum', promoteTypesOf('FanInSum', checkInputs('FanInSum', xs))).reduce((a, b) =>
        lax.add(a, b),
      ),
  ],
  { name: 'FanInSum' },
);

/**
 * A list of arrays joined along `axis`, by default the last.
 *
 * @throws ShapeError for arrays that differ in another axis, or have no such axis.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * const [, apply] = stax.FanInConcat();
 * apply([], [np.ones([2, 3]), np.zeros([2, 1])]).shape; // => [2, 4]
 * ```
 */
export function FanInConcat(axis = -1): Layer<NoParams, readonly NDArray[]> {
  const name = `FanInConcat(${axis})`;
  const along = (rank: number): number => {
    const d = axis < 0 ? axis + rank : axis;
    if (d < 0 || d >= rank) throw new ShapeError(`${name}: inputs of rank ${rank} have no axis ${axis}.${userLine()}`);
    return d;
  };
  return describeLayer<Layer<NoParams, readonly NDArray[]>>(
    [
      (_key, shapes) => {
        const all = checkInputs(name, shapes);
        const first = checkRanks(name, all);
        const joined = along(first.length);
        const outputShape = first.map((_, d) => {
          const lengths = all.map((s) => nth(s, d));
          if (d !== joined) return commonLength(name, lengths, all);
          return lengths.includes(-1) ? -1 : lengths.reduce((a, b) => a + b);
        });
        return { outputShape, params: NO_PARAMS };
      },
      (_params, xs) => {
        const arrays = promoteTypesOf(name, checkInputs(name, xs));
        return lax.concatenate(arrays, along(nth(arrays, 0).ndim));
      },
    ],
    { name },
  );
}
