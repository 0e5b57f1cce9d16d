/**
 * Keys: the state of a random number generator as a value. A key is a uint32 array of shape [2]; `split` and `foldIn`
 * make independent keys of one, and every sampler takes one. Bit for bit JAX's default generator since 0.5
 * (threefry2x32, `jax_threefry_partitionable`): element i depends on the key and on i alone, so a sample does not
 * depend on how its array is divided among devices or threads.
 */
import { showShape, sizeOf, type Shape } from '../core/aval.js';
import { fromHost, scalar } from '../core/concrete.js';
import { isInteger, type DType } from '../core/dtype.js';
import { ArgumentError, DTypeError, ShapeError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { bitwiseXor, concatenate, convertElementType, expandDims, iota, reshape, sliceInDim } from '../lax/index.js';
import { threefry2x32 } from './threefry.js';

const WORD = 2 ** 32;

/**
 * A key from a seed: an integer, a bigint, or a scalar integer array (which may be traced).
 *
 * The key is the seed's high and low 32-bit words, `[hi, lo]`. Seeds from -2³¹ to 2³² - 1 give `[0, seed mod 2³²]`, as
 * JAX with its default 32-bit integers; others are taken as 64-bit integers, as JAX with `jax_enable_x64`.
 * Throws ArgumentError for a number that is no integer or is beyond 2⁵³ (use a bigint), DTypeError or ShapeError for
 * an array that is no integer scalar.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.key(42).js(); // => [0, 42]
 * ```
 */
export function key(seed: number | bigint | NDArray): NDArray {
  if (seed instanceof NDArray) {
    const word = integerScalar('random.key', 'the seed', seed);
    return stackWords(scalar(0, 'uint32'), word);
  }
  if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
    throw new ArgumentError(
      `random.key: the seed must be an integer of at most 53 bits, got ${seed}. Use a bigint for larger seeds.${userLine()}`,
    );
  }
  const bits = BigInt.asUintN(64, BigInt(seed));
  const isShort = seed >= -(2 ** 31) && seed < WORD;
  const words = Uint32Array.of(isShort ? 0 : Number(bits >> 32n), Number(bits & 0xffffffffn));
  return fromHost(words, [2], 'uint32');
}

/**
 * New keys from one, which must not be used afterwards: `num` of them (2 by default) along a new first axis, or an
 * array of keys of shape `num`. The result has shape `[num, 2]` or `[...num, 2]`; for single keys see {@link spawn}.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.split(random.key(0)).js(); // => [[1797259609, 2579123966], [928981903, 3453687069]]
 * random.split(random.key(0), 5).shape; // => [5, 2]
 * ```
 */
export function split(key: NDArray, num: number | Shape = 2): NDArray {
  const shape = canonicalShape('random.split', typeof num === 'number' ? [num] : num);
  const [hi, lo] = hash('random.split', key, shape);
  return concatenate([expandDims(hi, [shape.length]), expandDims(lo, [shape.length])], shape.length);
}

/** A list of `N` keys. */
export type Keys<N extends number, T extends readonly NDArray[] = readonly []> = number extends N
  ? readonly NDArray[]
  : T['length'] extends N
    ? T
    : Keys<N, readonly [...T, NDArray]>;

/**
 * The keys of {@link split} one by one, as a JS list whose length TypeScript knows. (NumPy's generators have the name.)
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * const [next, forWeights] = random.spawn(random.key(0));
 * next.js(); // => [1797259609, 2579123966]
 * forWeights.js(); // => [928981903, 3453687069]
 * ```
 */
export function spawn<const N extends number = 2>(key: NDArray, num?: N): Keys<N> {
  const count = num ?? 2;
  const keys = split(key, count);
  const list = Array.from({ length: count }, (_, i) => reshape(sliceInDim(keys, i, i + 1), [2]));
  // A list of N keys; the compiler does not count a loop.
  return list as readonly NDArray[] as Keys<N>;
}

/**
 * A key made of a key and an integer: of the same key, different integers give independent keys. `data` is taken
 * modulo 2³² and may be a traced scalar, such as a step counter. Throws for data that is no integer.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.foldIn(random.key(0), 1).js(); // => [928981903, 3453687069]
 * ```
 */
export function foldIn(key: NDArray, data: number | NDArray): NDArray {
  if (typeof data === 'number' && (!Number.isInteger(data) || data < -(2 ** 31) || data >= WORD)) {
    throw new ArgumentError(`random.foldIn: data must be an integer of 32 bits, got ${data}.${userLine()}`);
  }
  const word = typeof data === 'number' ? scalar(data, 'uint32') : integerScalar('random.foldIn', 'data', data);
  const [k0, k1] = wordsOf('random.foldIn', key);
  return stackWords(...threefry2x32(k0, k1, scalar(0, 'uint32'), word));
}

/**
 * Uniform random 32-bit words of `shape`, as uint32.
 *
 * @example
 * ```ts
 * import { random } from 'cotangent';
 * random.bits(random.key(0), [2]).dtype; // => uint32
 * ```
 */
export function bits(key: NDArray, shape: Shape = [], options: { dtype?: DType } = {}): NDArray {
  const { dtype = 'uint32' } = options;
  if (dtype !== 'uint32') {
    throw new DTypeError(`random.bits: bits come as uint32, not ${dtype}; convert them with astype.${userLine()}`);
  }
  return randomBits('random.bits', key, shape);
}

/** {@link bits} for the samplers, whose name `op` errors carry. */
export const randomBits = (op: string, key: NDArray, shape: Shape): NDArray => bitwiseXor(...hash(op, key, shape));

/** The 64 random bits of each element of `shape`, as high and low words. */
export function hash(op: string, key: NDArray, shape: Shape): readonly [NDArray, NDArray] {
  const dims = canonicalShape(op, shape);
  const [k0, k1] = wordsOf(op, key);
  // The counter of an element is its row-major position as a 64-bit integer; no array has 2³² elements, so the high
  // word is 0.
  const zero = scalar(0, 'uint32');
  const counter = dims.length === 0 ? zero : reshape(iota('uint32', sizeOf(dims)), dims);
  return threefry2x32(k0, k1, zero, counter);
}

/** The two words of a key, as scalars; throws when `key` is none. */
function wordsOf(op: string, key: NDArray): readonly [NDArray, NDArray] {
  if (!(key instanceof NDArray)) {
    throw new ArgumentError(
      `${op}: the first argument must be a key, got ${typeof key}. Make one with random.key(seed).${userLine()}`,
    );
  }
  if (key.dtype !== 'uint32' || key.ndim !== 1 || key.shape[0] !== 2) {
    const many = key.dtype === 'uint32' && key.ndim > 1 && key.shape[key.ndim - 1] === 2;
    throw new (key.dtype === 'uint32' ? ShapeError : DTypeError)(
      `${op}: a key is a uint32 array of shape [2], got ${key.dtype} of shape ${showShape(key.shape)}. ` +
        (many ? 'These are several keys: take one, or map over them with vmap.' : 'Make one with random.key(seed).') +
        userLine(),
    );
  }
  return [reshape(sliceInDim(key, 0, 1), []), reshape(sliceInDim(key, 1, 2), [])];
}

const stackWords = (hi: NDArray, lo: NDArray): NDArray => concatenate([reshape(hi, [1]), reshape(lo, [1])], 0);

function integerScalar(op: string, what: string, x: NDArray): NDArray {
  if (!isInteger(x.dtype)) throw new DTypeError(`${op}: ${what} must be an integer, got ${x.dtype}.${userLine()}`);
  if (x.ndim !== 0) {
    throw new ShapeError(
      `${op}: ${what} must be a scalar, got shape ${showShape(x.shape)}. For several keys, map with vmap.${userLine()}`,
    );
  }
  return convertElementType(x, 'uint32');
}

/** A shape argument, checked. */
export function canonicalShape(op: string, shape: Shape): Shape {
  const isShape = Array.isArray(shape) && shape.every((n) => typeof n === 'number' && Number.isInteger(n) && n >= 0);
  if (isShape) return shape as Shape;
  throw new ShapeError(
    `${op}: a shape is a list of integers that are not negative, got ${JSON.stringify(shape)}.${userLine()}`,
  );
}
