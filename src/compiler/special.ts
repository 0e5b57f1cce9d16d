/** Kernels whose inner structure is the backend's: matrix products and sorts. */
import { nth } from '../core/axes.js';
import { linearIndex } from '../core/index-expr.js';
import { Var } from '../core/primitive.js';
import type * as s from '../core/scalar.js';
import { affine } from './access.js';
import { KernelBuilder, type BoundKernel } from './kernels.js';
import type { LoweredEqn } from './inline.js';
import type { BufferSlot, ContractAxis, ContractKernel, ContractOperand, SortKernel } from './loop-ir.js';

const slotOf = (v: Var, access: BufferSlot['access']): BufferSlot => ({
  dtype: v.aval.dtype,
  length: v.aval.size,
  access,
});

const variable = (a: LoweredEqn['inputs'][number]): Var => {
  if (!(a instanceof Var)) throw new Error('a literal operand of a matrix product or sort must be stored first');
  return a;
};

/** A matrix product. Operands that are strided views of what is stored are read in place: transposes cost nothing. */
export function contractKernel(
  eqn: LoweredEqn,
  producer: ReadonlyMap<Var, LoweredEqn>,
  isStored: (v: Var) => boolean,
): BoundKernel<ContractKernel> {
  const { lowering } = eqn;
  if (lowering.kind !== 'contract') throw new Error('unreachable');
  const builder = new KernelBuilder(producer, isStored, []);
  const out = nth(eqn.outputs, 0);
  const variables = (extents: readonly number[]): s.LoopVar[] => extents.map((n) => builder.newLoop(n));
  const groups = { batch: variables(lowering.batch), m: variables(lowering.m), n: variables(lowering.n) };
  const k = variables(lowering.k);
  const [l, r] = [builder.operand(nth(eqn.inputs, 0)), builder.operand(nth(eqn.inputs, 1))];
  const lhs = stridesIn(lowering.lhs(l, groups.batch, groups.m, k));
  const rhs = stridesIn(lowering.rhs(r, groups.batch, k, groups.n));
  const to = affine(linearIndex(lowering.out(groups.batch, groups.m, groups.n), out.aval.shape));
  if (to === undefined) throw new Error('the result of a matrix product is no strided view');
  const axes = (vars: readonly s.LoopVar[]): ContractAxis[] =>
    vars.map(({ id, extent }) => ({
      id,
      extent,
      lhsStride: lhs.strides.get(id) ?? 0,
      rhsStride: rhs.strides.get(id) ?? 0,
      outStride: to.strides.get(id) ?? 0,
    }));
  const buffer = builder.slot(out, 'write');
  const { kernel, slots } = builder.finish(eqn.primitive.name);
  return {
    slots,
    kernel: {
      kind: 'contract',
      name: kernel.name,
      buffers: kernel.buffers,
      dtype: out.aval.dtype,
      batch: axes(groups.batch),
      m: axes(groups.m),
      n: axes(groups.n),
      k: axes(k),
      lhs: lhs.operand,
      rhs: rhs.operand,
      out: { buffer, offset: to.offset },
    },
  };
}

/** An operand of a matrix product and its strides by loop variable; none where it is computed. */
function stridesIn(value: s.Expr): { operand: ContractOperand; strides: ReadonlyMap<number, number> } {
  const form = value.op === 'load' ? affine(value.index) : undefined;
  return value.op === 'load' && form !== undefined
    ? { operand: { buffer: value.buffer, offset: form.offset }, strides: form.strides }
    : { operand: { value }, strides: new Map() };
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
