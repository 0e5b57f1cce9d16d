/**
 * Operands that a compiled program does not find in row-major order: each view is a base array and the lax operations
 * that give the operand back from it. Inside jit they are index arithmetic of the kernels, not copies.
 */
import { nth, range } from '../core/axes.js';
import { sizeOf } from '../core/aval.js';
import { hostArray, isFloat } from '../core/dtype.js';
import type { NDArray } from '../core/ndarray.js';
import { reshape, rev, transpose } from '../lax/reshape.js';
import { concatenate, slice, sliceInDim } from '../lax/slicing.js';
import { host, rearrange, unravel, type HostArray } from './host.js';

export interface View {
  readonly base: HostArray;
  readonly view: (base: NDArray) => NDArray;
}

/** All axes in reverse order. */
const transposed = (x: HostArray): View => {
  const { shape } = x.aval;
  return {
    base: rearrange(x, [...shape].reverse(), (i) => [...i].reverse()),
    view: (b) => transpose(b, range(shape.length).reverse()),
  };
};

/** Every axis backwards. */
const reversed = (x: HostArray): View => {
  const { shape } = x.aval;
  return {
    base: rearrange(x, shape, (i) => i.map((k, d) => nth(shape, d) - 1 - k)),
    view: (b) => rev(b, range(shape.length)),
  };
};

/** Every second element of a larger array, from its second on; what lies between must not be seen. */
const strided = (x: HostArray): View => {
  const { shape, dtype } = x.aval;
  const outer = shape.map((n) => 2 * n + 2);
  const data = hostArray(dtype, sizeOf(outer));
  data.fill(isFloat(dtype) ? NaN : 1);
  const strides = outer.map((_, d) => sizeOf(outer.slice(d + 1)));
  x.data.forEach((value, i) => {
    data[unravel(i, shape).reduce((sum, k, d) => sum + (2 * k + 1) * nth(strides, d), 0)] = value;
  });
  const view = (b: NDArray): NDArray =>
    slice(
      b,
      shape.map(() => 1),
      shape.map((n) => 2 * n + 1),
      shape.map(() => 2),
    );
  return { base: host(outer, dtype, data), view };
};

/** A matrix of the same elements, transposed and reshaped: no stride describes it. */
const reshaped = (x: HostArray): View => {
  const { shape, size } = x.aval;
  const rows = range(size + 1).find((r) => r > 1 && size % r === 0) ?? 1;
  const columns = rows === 0 || size === 0 ? 0 : size / rows;
  const flat = host([rows, columns], x.aval.dtype, x.data);
  return {
    base: rearrange(flat, [columns, rows], ([i = 0, j = 0]) => [j, i]),
    view: (b) => reshape(transpose(b, [1, 0]), shape),
  };
};

/** Two halves, in the wrong order, joined in the right one. */
const joined = (x: HostArray): View => {
  const { shape } = x.aval;
  const n = shape[0];
  if (n === undefined) return { base: x, view: (b) => b };
  const half = Math.floor(n / 2);
  const base = rearrange(x, shape, ([i = 0, ...rest]) => [(i + half) % n, ...rest]);
  return { base, view: (b) => (n < 2 ? b : concatenate([sliceInDim(b, n - half, n), sliceInDim(b, 0, n - half)], 0)) };
};

/** The views, by name. */
export const VIEWS: Readonly<Record<string, (x: HostArray) => View>> = {
  transposed,
  reversed,
  strided,
  reshaped,
  joined,
};
