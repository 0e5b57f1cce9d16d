/** Matrix products in terms of expressions: the elements of their operands, and what becomes of each result. */
import { addIndex, mulIndex } from '../../core/index-expr.js';
import { accRef, int, load, loopVar, type Expr } from '../../core/scalar.js';
import type { ContractAxis, ContractKernel, Store } from '../../compiler/loop-ir.js';

export type Stride = 'lhsStride' | 'rhsStride' | 'outStride';

export const variableOf = ({ id, extent }: ContractAxis): Expr => loopVar(id, extent);

/** The element of a strided array at the variables of some axes. */
export const indexOf = (axes: readonly ContractAxis[], stride: Stride, offset: number): Expr =>
  axes.reduce<Expr>(
    (sum, axis) => (axis[stride] === 0 ? sum : addIndex(sum, mulIndex(variableOf(axis), axis[stride]))),
    int(offset),
  );

export const lhsOf = ({ lhs, dtype, batch, m, k }: ContractKernel): Expr =>
  'value' in lhs ? lhs.value : load(dtype, lhs.buffer, indexOf([...batch, ...m, ...k], 'lhsStride', lhs.offset));

export const rhsOf = ({ rhs, dtype, batch, n, k }: ContractKernel): Expr =>
  'value' in rhs ? rhs.value : load(dtype, rhs.buffer, indexOf([...batch, ...n, ...k], 'rhsStride', rhs.offset));

/** A result, the accumulator of id 0, is stored, and the epilogue runs. */
export const resultStores = ({ out, epilogue = [], batch, m, n, dtype }: ContractKernel): Store[] => [
  ...(out === undefined
    ? []
    : [
        {
          buffer: out.buffer,
          index: indexOf([...batch, ...m, ...n], 'outStride', out.offset),
          value: accRef(dtype, 0),
        },
      ]),
  ...epilogue,
];
