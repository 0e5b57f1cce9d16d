/**
 * Arrays on the host, with the few rearrangements that the laws compare against: plain loops over indices, which share
 * nothing with the primitives under test.
 */
import { nth, range } from '../core/axes.js';
import { ShapedArray, sizeOf, stridesOf, type Shape } from '../core/aval.js';
import type { ConcreteArray } from '../core/concrete.js';
import { fromHost } from '../core/concrete.js';
import { hostArray, isFloat, type DType, type TypedArray } from '../core/dtype.js';
import type { NDArray } from '../core/ndarray.js';
import type { ArgSpec } from '../core/primitive.js';
import type { Rng } from './prng.js';

/** Elements in row-major order, with a type. */
export interface HostArray {
  readonly aval: ShapedArray;
  readonly data: TypedArray;
}

export const host = (shape: Shape, dtype: DType, data: TypedArray): HostArray => ({
  aval: new ShapedArray(shape, dtype),
  data,
});

/** The elements of an array that has values. */
export const toHost = (x: NDArray): HostArray => host(x.shape, x.dtype, x.dataSync());

/** A new array on the default device. */
export const toDevice = ({ aval, data }: HostArray): ConcreteArray => fromHost(data, aval.shape, aval.dtype);

/** The multi-index of the element at a row-major position. */
export function unravel(position: number, shape: Shape): number[] {
  const strides = stridesOf(shape);
  return shape.map((n, d) => Math.floor(position / nth(strides, d)) % n);
}

/** A new array of `shape` whose element at each index is that of `x` at another. */
export function rearrange(
  x: HostArray,
  shape: Shape,
  source: (index: readonly number[]) => readonly number[],
): HostArray {
  const data = hostArray(x.aval.dtype, sizeOf(shape));
  const strides = stridesOf(x.aval.shape);
  for (let i = 0; i < data.length; i++) {
    const from = source(unravel(i, shape)).reduce((sum, k, d) => sum + k * nth(strides, d), 0);
    data[i] = x.data[from] ?? NaN;
  }
  return host(shape, x.aval.dtype, data);
}

const insertAt = <T>(list: readonly T[], at: number, value: T): T[] => [...list.slice(0, at), value, ...list.slice(at)];

/** Arrays of one type side by side on a new axis. `like` gives the type when there are none. */
export function stack(parts: readonly HostArray[], axis: number, like: ShapedArray): HostArray {
  const shape = insertAt(like.shape, axis, parts.length);
  const data = hostArray(like.dtype, sizeOf(shape));
  const strides = stridesOf(like.shape);
  for (let i = 0; i < data.length; i++) {
    const index = unravel(i, shape);
    const inner = index.filter((_, d) => d !== axis).reduce((sum, k, d) => sum + k * nth(strides, d), 0);
    data[i] = nth(parts, nth(index, axis)).data[inner] ?? NaN;
  }
  return host(shape, like.dtype, data);
}

/** Element-by-element. */
export function mapHost(x: HostArray, f: (value: number) => number): HostArray {
  const data = hostArray(x.aval.dtype, x.data.length);
  x.data.forEach((v, i) => {
    data[i] = f(v);
  });
  return host(x.aval.shape, x.aval.dtype, data);
}

/** `count` numbers in (0, 1), in random order, any two at least half a cell of the even grid apart. */
function spread(count: number, rng: Rng): number[] {
  return rng.shuffle(range(count)).map((cell) => (cell + rng.uniform(0.25, 0.75)) / count);
}

/**
 * Draw operands for their specifications. Over all operands floats keep a distance from each other (unless domains
 * shift them together), so that finite differences do not step across the kinks of max, sort and the like.
 */
export function drawOperands(specs: readonly ArgSpec[], rng: Rng): HostArray[] {
  const fractions = spread(
    specs.reduce((n, s) => n + sizeOf(s.shape), 0),
    rng,
  );
  let next = 0;
  return specs.map((spec) => {
    const dtype = spec.dtype ?? 'float32';
    const [lo, hi] = spec.domain ?? [-2, 2];
    const data = hostArray(dtype, sizeOf(spec.shape));
    for (let i = 0; i < data.length; i++) {
      const fraction = nth(fractions, next++);
      const least = dtype === 'uint32' ? Math.max(0, Math.ceil(lo)) : Math.ceil(lo);
      if (spec.values !== undefined) data[i] = spec.values[i] ?? 0;
      else if (dtype === 'bool') data[i] = rng.int(0, 1);
      else if (isFloat(dtype)) data[i] = lo + (hi - lo) * fraction;
      else data[i] = rng.int(least, Math.max(least, Math.floor(hi)));
    }
    return host(spec.shape, dtype, data);
  });
}

/** Uniform in ±[1/2, 1]: a direction in which every element counts. */
export function drawDirection(aval: ShapedArray, rng: Rng): HostArray {
  const data = hostArray(aval.dtype, aval.size);
  if (isFloat(aval.dtype))
    for (let i = 0; i < data.length; i++) data[i] = rng.uniform(0.5, 1) * (rng.chance(0.5) ? 1 : -1);
  return host(aval.shape, aval.dtype, data);
}
