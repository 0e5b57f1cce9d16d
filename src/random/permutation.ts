/** Random order: permutations, and choices from a population. */
import { canonicalAxis, nth } from '../core/axes.js';
import { showShape, sizeOf, type Shape } from '../core/aval.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { searchsorted } from '../numpy/search.js';
import { take } from '../numpy/take.js';
import { gumbelOf } from './categorical.js';
import { canonicalShape, randomBits, spawn } from './key.js';
import { randint } from './integers.js';
import { uniformOn } from './uniform.js';

/** Sorts by fresh random words, as often as makes a collision in all rounds unlikely (see TensorFlow's RandomShuffle). */
function shuffle(op: string, key: NDArray, x: NDArray, axis: number): NDArray {
  const EXPONENT = 3;
  const rounds = Math.ceil((EXPONENT * Math.log(Math.max(1, x.size))) / Math.log(2 ** 32 - 1));
  let next = key;
  let values = x;
  for (let round = 0; round < rounds; round++) {
    const [rest, subkey] = spawn(next);
    next = rest;
    values = nth(lax.sort([randomBits(op, subkey, x.shape), values], axis), 1);
  }
  return values;
}

/** Slices of `x` at `indices` along `axis`, all in bounds. */
const takeRows = (x: NDArray, indices: NDArray, axis: number): NDArray => take(x, indices, axis, { mode: 'clip' });

/** Options of {@link permutation}. */
export interface PermutationOptions {
  /** Shuffle each vector along the axis by itself, instead of moving whole slices. */
  independent?: boolean;
}

/**
 * The integers 0 … x-1 in random order, or the slices of an array along `axis` in random order.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.permutation(random.key(0), 5).sort().js(); // => [0, 1, 2, 3, 4]
 * ```
 */
export function permutation(key: NDArray, x: number | NDArray, axis = 0, options: PermutationOptions = {}): NDArray {
  const op = 'random.permutation';
  if (typeof x === 'number') return shuffle(op, key, range(op, x), 0);
  if (x.ndim === 0) {
    throw new ShapeError(
      `${op}: takes an integer or an array with axes, got a scalar array; pass a JS number.${userLine()}`,
    );
  }
  const along = canonicalAxis(axis, x.ndim, op);
  if (options.independent === true || x.ndim === 1) return shuffle(op, key, x, along);
  return takeRows(x, shuffle(op, key, range(op, nth(x.shape, along)), 0), along);
}

function range(op: string, n: number): NDArray {
  if (!Number.isInteger(n) || n < 0) {
    throw new ArgumentError(
      `${op}: the number of things must be an integer that is not negative, got ${n}.${userLine()}`,
    );
  }
  return lax.iota('int32', n);
}

/** Options of {@link choice}. */
export interface ChoiceOptions {
  /** Shape of the sample, a scalar by default. */
  shape?: Shape;
  /** Whether a thing may be drawn twice; true by default. */
  replace?: boolean;
  /** Probabilities, one per thing; uniform by default. Only their ratios count when `replace` is true. */
  p?: NDArray;
  /** The axis of `a` that the things lie along, 0 by default. */
  axis?: number;
}

/**
 * Things drawn at random from 0 … a-1, or from the slices of an array along `axis`; the axis is replaced by `shape`.
 *
 * Without probabilities these are {@link randint} or, without replacement, the head of a {@link permutation}; with them
 * the inverse of the cumulative sums or, without replacement, the largest of log p plus Gumbel samples. Throws
 * ArgumentError when more things are drawn than there are, ShapeError when `p` does not have one entry per thing.
 *
 * @example
 * ```ts
 * import { random, numpy as np } from 'cotangent';
 * const key = random.key(0);
 * random.choice(key, 10, { shape: [3], replace: false }).shape; // => [3]
 * random.choice(key, np.array([[1, 2], [3, 4]]), { shape: [5] }).shape; // => [5, 2]
 * random.choice(key, 3, { shape: [4], p: np.array([0, 1, 0]) }).js(); // => [1, 1, 1, 1]
 * ```
 */
export function choice(key: NDArray, a: number | NDArray, options: ChoiceOptions = {}): NDArray {
  const op = 'random.choice';
  const { replace = true, p, axis = 0 } = options;
  const shape = canonicalShape(op, options.shape ?? []);
  const array = typeof a === 'number' ? undefined : a;
  if (array?.ndim === 0) {
    throw new ShapeError(
      `${op}: takes an integer or an array with axes, got a scalar array; pass a JS number.${userLine()}`,
    );
  }
  const along = array === undefined ? 0 : canonicalAxis(axis, array.ndim, op);
  const population = array === undefined ? range(op, Number(a)).size : nth(array.shape, along);
  const draws = sizeOf(shape);
  if (draws > 0 && (population === 0 || (!replace && draws > population))) {
    throw new ArgumentError(
      `${op}: cannot draw ${draws} from ${population} thing${population === 1 ? '' : 's'}${replace ? '' : ' without replacement'}.${userLine()}`,
    );
  }
  const weights = p === undefined ? undefined : checkWeights(op, p, population);
  const indices = drawIndices(op, key, { population, shape, draws, replace, weights });
  return array === undefined ? indices : takeRows(array, indices, along);
}

function checkWeights(op: string, p: NDArray, population: number): NDArray {
  if (p.ndim !== 1 || p.shape[0] !== population) {
    throw new ShapeError(
      `${op}: p must have one entry for each of the ${population} things, got shape ${showShape(p.shape)}.${userLine()}`,
    );
  }
  return isFloat(p.dtype) ? p : lax.convertElementType(p, 'float32');
}

interface Draw {
  readonly population: number;
  readonly shape: Shape;
  readonly draws: number;
  readonly replace: boolean;
  readonly weights: NDArray | undefined;
}

function drawIndices(op: string, key: NDArray, { population, shape, draws, replace, weights }: Draw): NDArray {
  if (weights === undefined) {
    if (replace) return randint(key, shape, 0, population);
    return lax.reshape(lax.sliceInDim(shuffle(op, key, range(op, population), 0), 0, draws), shape);
  }
  const dtype = weights.dtype === 'float64' ? 'float64' : 'float32';
  if (replace) {
    const sums = lax.cumsum(weights, 0);
    const total = lax.reshape(lax.sliceInDim(sums, population - 1, population), []);
    return searchsorted(sums, lax.mul(total, lax.sub(1, uniformOn(op, key, shape, dtype))));
  }
  const scores = lax.add(gumbelOf(op, key, [population], dtype, 'low'), lax.log(weights));
  return lax.reshape(lax.topK(scores, draws)[1], shape);
}
