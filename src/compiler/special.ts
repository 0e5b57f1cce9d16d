/** Kernels whose inner structure is the backend's: matrix products and sorts. */
import { nth, range } from '../core/axes.js';
import { stridesOf } from '../core/aval.js';
import { Var } from '../core/primitive.js';
import type { BoundKernel } from './kernels.js';
import type { LoweredEqn } from './inline.js';
import type { BufferSlot, ContractAxis, ContractKernel, SortKernel } from './loop-ir.js';
import { stridedView, type StridedView } from './views.js';

const slotOf = (v: Var, access: BufferSlot['access']): BufferSlot => ({
  dtype: v.aval.dtype,
  length: v.aval.size,
  access,
});

const variable = (a: LoweredEqn['inputs'][number]): Var => {
  if (!(a instanceof Var)) throw new Error('a literal operand of a matrix product or sort must be stored first');
  return a;
};

/** A matrix product over strided views of what is stored: transposes cost nothing. */
export function contractKernel(
  eqn: LoweredEqn,
  producer: ReadonlyMap<Var, LoweredEqn>,
  isStored: (v: Var) => boolean,
): BoundKernel<ContractKernel> {
  if (eqn.lowering.kind !== 'contract') throw new Error('unreachable');
  const { lhsContract, rhsContract, lhsBatch, rhsBatch } = eqn.lowering;
  const [l, r] = [variable(nth(eqn.inputs, 0)), variable(nth(eqn.inputs, 1))];
  const out = nth(eqn.outputs, 0);
  const view = (v: Var): StridedView => {
    const found = stridedView(v, producer, isStored);
    if (found === undefined) throw new Error('an operand of a matrix product is no strided view of a stored value');
    return found;
  };
  const [lhs, rhs] = [view(l), view(r)];
  const outStrides = stridesOf(out.aval.shape);
  let next = 0;
  const free = (v: Var, contract: readonly number[], batch: readonly number[]): number[] =>
    range(v.aval.ndim).filter((d) => !contract.includes(d) && !batch.includes(d));
  const axis = (extent: number, lhsStride: number, rhsStride: number, outStride: number): ContractAxis => ({
    extent,
    lhsStride,
    rhsStride,
    outStride,
  });
  const batch = lhsBatch.map((d, i) =>
    axis(nth(l.aval.shape, d), nth(lhs.strides, d), nth(rhs.strides, nth(rhsBatch, i)), nth(outStrides, next++)),
  );
  const m = free(l, lhsContract, lhsBatch).map((d) =>
    axis(nth(l.aval.shape, d), nth(lhs.strides, d), 0, nth(outStrides, next++)),
  );
  const n = free(r, rhsContract, rhsBatch).map((d) =>
    axis(nth(r.aval.shape, d), 0, nth(rhs.strides, d), nth(outStrides, next++)),
  );
  const k = lhsContract.map((d, i) =>
    axis(nth(l.aval.shape, d), nth(lhs.strides, d), nth(rhs.strides, nth(rhsContract, i)), 0),
  );
  const same = lhs.base === rhs.base;
  const slots = same ? [lhs.base, out] : [lhs.base, rhs.base, out];
  return {
    slots,
    kernel: {
      kind: 'contract',
      name: eqn.primitive.name,
      buffers: slots.map((v) => slotOf(v, v === out ? 'write' : 'read')),
      dtype: out.aval.dtype,
      batch,
      m,
      n,
      k,
      lhs: { buffer: 0, offset: lhs.offset },
      rhs: { buffer: same ? 0 : 1, offset: rhs.offset },
      out: { buffer: slots.length - 1, offset: 0 },
    },
  };
}

export function sortKernel(eqn: LoweredEqn): BoundKernel<SortKernel> {
  if (eqn.lowering.kind !== 'sort') throw new Error('unreachable');
  const { axis, numKeys } = eqn.lowering;
  const { shape } = nth(eqn.inputs, 0).aval;
  const product = (list: readonly number[]): number => list.reduce((a, b) => a * b, 1);
  const slots = [...eqn.inputs.map(variable), ...eqn.outputs];
  return {
    slots,
    kernel: {
      kind: 'sort',
      name: eqn.primitive.name,
      buffers: slots.map((v, i) => slotOf(v, i < eqn.inputs.length ? 'read' : 'write')),
      outer: product(shape.slice(0, axis)),
      length: nth(shape, axis),
      inner: product(shape.slice(axis + 1)),
      numKeys,
    },
  };
}
