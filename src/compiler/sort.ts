/** Sorts, whose inner structure is the backend's. */
import { sizeOf } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { Var } from '../core/primitive.js';
import type { BoundKernel } from './builder.js';
import type { LoweredEqn } from './inline.js';
import type { BufferSlot, SortKernel } from './loop-ir.js';

const slotOf = (v: Var, access: BufferSlot['access']): BufferSlot => ({
  dtype: v.aval.dtype,
  length: v.aval.size,
  access,
});

const variable = (a: LoweredEqn['inputs'][number]): Var => {
  if (!(a instanceof Var)) throw new Error('a literal operand of a sort must be stored first');
  return a;
};

export function sortKernel(eqn: LoweredEqn): BoundKernel<SortKernel> {
  if (eqn.lowering.kind !== 'sort') throw new Error('unreachable');
  const { axis, numKeys } = eqn.lowering;
  const { shape } = nth(eqn.inputs, 0).aval;
  const slots = [...eqn.inputs.map(variable), ...eqn.outputs];
  return {
    slots,
    kernel: {
      kind: 'sort',
      name: eqn.primitive.name,
      buffers: slots.map((v, i) => slotOf(v, i < eqn.inputs.length ? 'read' : 'write')),
      outer: sizeOf(shape.slice(0, axis)),
      length: nth(shape, axis),
      inner: sizeOf(shape.slice(axis + 1)),
      numKeys,
    },
  };
}
