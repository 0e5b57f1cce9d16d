/**
 * A contraction as a plain loop kernel: loops over batch, m and n around a sum over k. For every dtype and shape
 * for which packing would not pay (matrix-vector, outer and dot products, bool).
 */
import { accRef, binary, constant, int, load, loopVar } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { ContractAxis, ContractKernel, Loop, LoopKernel } from '../../compiler/loop-ir.js';

export function contractAsLoops(kernel: ContractKernel): LoopKernel {
  const { dtype } = kernel;
  let nextId = 0;
  const open = (axes: readonly ContractAxis[]): { axis: ContractAxis; loop: Loop }[] =>
    axes.map((axis) => ({ axis, loop: { id: nextId++, extent: axis.extent } }));
  const outer = open([...kernel.batch, ...kernel.m, ...kernel.n]);
  const inner = open(kernel.k);
  const index = (offset: number, stride: (axis: ContractAxis) => number, over: typeof outer): Expr =>
    over.reduce<Expr>(
      (sum, { axis, loop }) => binary('add', sum, binary('mul', loopVar(loop.id, loop.extent), int(stride(axis)))),
      int(offset),
    );
  const all = [...outer, ...inner];
  const lhs = load(
    dtype,
    kernel.lhs.buffer,
    index(kernel.lhs.offset, (a) => a.lhsStride, all),
  );
  const rhs = load(
    dtype,
    kernel.rhs.buffer,
    index(kernel.rhs.offset, (a) => a.rhsStride, all),
  );
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
        stores: [
          {
            buffer: kernel.out.buffer,
            index: index(kernel.out.offset, (a) => a.outStride, outer),
            value: accRef(dtype, 0),
          },
        ],
        ordered: false,
      },
    ],
  };
}
