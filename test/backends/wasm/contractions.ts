/** Contractions by the extents of their axes and the order of those in memory, and exact data for them. */
import { hostArray } from '../../../src/core/dtype.js';
import type { ComputeType, DType, TypedArray } from '../../../src/core/dtype.js';
import type { ContractAxis, ContractKernel } from '../../../src/compiler/loop-ir.js';

/** Small integers, so that floating sums are exact in any order. */
export function fill(dtype: DType, length: number, seed: number): TypedArray {
  const data = hostArray(dtype, length);
  for (let i = 0; i < length; i++) {
    const n = (Math.imul(i + 1, 2654435761) ^ Math.imul(seed + 1, 40503)) >>> 8;
    data[i] =
      dtype === 'bool' ? +(n % 5 === 0) : dtype === 'int32' ? (n % 19) - 9 : dtype === 'uint32' ? n : (n % 19) - 9;
  }
  return data;
}

export type Key = 'lhsStride' | 'rhsStride' | 'outStride';

export interface Axes {
  batch: number[];
  m: number[];
  n: number[];
  k: number[];
}

/** A contraction whose operands lay out their axes in the given orders. */
export function contraction(
  dtype: ComputeType,
  axes: Axes,
  order: (list: { axis: ContractAxis; key: Key }[]) => { axis: ContractAxis; key: Key }[] = (list) => list,
  offset = 0,
): ContractKernel {
  let id = 0;
  const make = (extents: readonly number[]): ContractAxis[] =>
    extents.map((extent) => ({ id: id++, extent, lhsStride: 0, rhsStride: 0, outStride: 0 }));
  const batch = make(axes.batch);
  const m = make(axes.m);
  const n = make(axes.n);
  const k = make(axes.k);
  const lay = (key: Key, list: readonly ContractAxis[]): number => {
    let size = 1;
    for (const { axis } of order(list.map((a) => ({ axis: a, key }))).reverse()) {
      Object.assign(axis, { [key]: size });
      size *= axis.extent;
    }
    return size;
  };
  const lhsLength = lay('lhsStride', [...batch, ...m, ...k]) + offset;
  const rhsLength = lay('rhsStride', [...batch, ...k, ...n]) + offset;
  const outLength = lay('outStride', [...batch, ...m, ...n]) + offset;
  return {
    kind: 'contract',
    name: 'dot',
    dtype,
    buffers: [
      { dtype, length: lhsLength, access: 'read' },
      { dtype, length: rhsLength, access: 'read' },
      { dtype, length: outLength, access: 'write' },
    ],
    batch,
    m,
    n,
    k,
    lhs: { buffer: 0, offset },
    rhs: { buffer: 1, offset },
    out: { buffer: 2, offset },
  };
}

/** Operands as they are or transposed. */
export const transposed =
  (lhs: boolean, rhs: boolean) =>
  (list: { axis: ContractAxis; key: Key }[]): { axis: ContractAxis; key: Key }[] =>
    (list[0]?.key === 'lhsStride' && lhs) || (list[0]?.key === 'rhsStride' && rhs) ? [...list].reverse() : list;
