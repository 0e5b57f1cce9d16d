/**
 * A contraction as a plain loop kernel: loops over batch, m and n around a sum over k. For every dtype and shape
 * for which packing would not pay (matrix-vector, outer and dot products, bool).
 */
import { accRef, binary, constant, int, load, loopVar } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { ContractAxis, ContractKernel, ContractOperand, Loop, LoopKernel, Store } from '../../compiler/loop-ir.js';

export function contractAsLoops(kernel: ContractKernel): LoopKernel {
  const { dtype } = kernel;
  const open = (axes: readonly ContractAxis[]): { axis: ContractAxis; loop: Loop }[] =>
    axes.map((axis) => ({ axis, loop: { id: axis.id, extent: axis.extent } }));
  const outer = open([...kernel.batch, ...kernel.m, ...kernel.n]);
  const inner = open(kernel.k);
  const index = (offset: number, stride: (axis: ContractAxis) => number, over: typeof outer): Expr =>
    over.reduce<Expr>(
      (sum, { axis, loop }) => binary('add', sum, binary('mul', loopVar(loop.id, loop.extent), int(stride(axis)))),
      int(offset),
    );
  const all = [...outer, ...inner];
  const read = (operand: ContractOperand, stride: (axis: ContractAxis) => number): Expr =>
    'value' in operand ? operand.value : load(dtype, operand.buffer, index(operand.offset, stride, all));
  const lhs = read(kernel.lhs, (a) => a.lhsStride);
  const rhs = read(kernel.rhs, (a) => a.rhsStride);
  const { out, epilogue = [] } = kernel;
  const plain: Store[] =
    out === undefined
      ? []
      : [{ buffer: out.buffer, index: index(out.offset, (a) => a.outStride, outer), value: accRef(dtype, 0) }];
  const isBool = dtype === 'bool';
  return {
    kind: 'loop',
    name: kernel.name,
    buffers: kernel.buffers,
    loops: outer.map(({ loop }) => loop),
    stages: [
      {
        loops: inner.map(({ loop }) => loop),
        accumulators: [
          {
            id: 0,
            dtype,
            init: constant(dtype, 0),
            update: { combine: isBool ? 'or' : 'add', value: binary(isBool ? 'and' : 'mul', lhs, rhs) },
          },
        ],
        stores: [],
        ordered: false,
      },
      {
        loops: [],
        accumulators: [],
        stores: [...plain, ...epilogue],
        ordered: false,
      },
    ],
  };
}
