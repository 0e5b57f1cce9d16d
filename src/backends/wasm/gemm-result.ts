/** What happens to a finished product: the stores of its elements, block by block or after partial sums. */
import { accRef, binary, int, load, loopVar, mapOperands } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { BufferSlot, ContractAxis, ContractKernel, LoopKernel, Store } from '../../compiler/loop-ir.js';
import { mapStore } from '../../compiler/stages.js';
import type { FunctionRef, ModuleBuilder } from './assembler.js';
import { groupSize } from './contract-axes.js';
import type { Blocks } from './gemm-blocks.js';
import { axisVar, blockFunction, linearOf, storing } from './gemm-block-kernel.js';
import type { VectorMode } from './vectorise.js';

/** All stores of an element of the product, which is the accumulator of id 0. */
export function resultStores({ dtype, out, epilogue = [], batch, m, n }: ContractKernel): Store[] {
  if (out === undefined) return [...epilogue];
  const index = [...batch, ...m, ...n].reduce<Expr>(
    (sum, axis) => binary('add', sum, binary('mul', axisVar(axis), int(axis.outStride))),
    int(out.offset),
  );
  return [{ buffer: out.buffer, index, value: accRef(dtype, 0) }, ...epilogue];
}

/** `(slots…, product, lo, hi, batch, block)`: store rows [lo, hi) of a block of columns, whose row 0 would be at `product`. */
export function storeFunction(
  module: ModuleBuilder,
  name: string,
  kernel: ContractKernel,
  blocks: Blocks,
  stride: number,
  vectors: VectorMode,
): FunctionRef {
  const { buffers, dtype, batch, m, n } = kernel;
  const slots: BufferSlot[] = [...buffers, { dtype, length: 2 ** 30, access: 'read' }];
  const space = { batch, rows: m, columns: n, blocks };
  return blockFunction(
    module,
    name,
    slots,
    space,
    (row, column) => {
      const product = load(dtype, buffers.length, binary('add', binary('mul', row, int(stride)), column));
      return [storing(resultStores(kernel).map((store) => withProduct(store, product)))];
    },
    vectors,
  );
}

function withProduct(store: Store, product: Expr): Store {
  const memo = new Map<Expr, Expr>();
  const visit = (e: Expr): Expr => {
    if (e.op === 'acc') return product;
    const known = memo.get(e);
    if (known !== undefined) return known;
    const result = mapOperands(e, visit);
    memo.set(e, result);
    return result;
  };
  return mapStore(store, visit);
}

/**
 * Adds up the `splits` partial products in the slot after the kernel's own, always in the same order, and stores the
 * sums.
 */
export function sumOfPartials(kernel: ContractKernel, splits: number): LoopKernel {
  const { buffers, dtype, batch, m, n } = kernel;
  const axes = [...batch, ...m, ...n];
  const size = groupSize(axes);
  const part = { id: Math.max(-1, ...[...axes, ...kernel.k].map((a) => a.id)) + 1, extent: splits };
  const at = binary('add', binary('mul', loopVar(part.id, splits), int(size)), linearOf(axes));
  const loops = (list: readonly ContractAxis[]): LoopKernel['loops'] => list.map(({ id, extent }) => ({ id, extent }));
  return {
    kind: 'loop',
    name: `${kernel.name}.sum`,
    buffers: [...buffers, { dtype, length: splits * size, access: 'read' }],
    loops: loops(axes),
    stages: [
      {
        loops: [part],
        accumulators: [
          {
            id: 0,
            dtype,
            init: { op: 'const', type: dtype, value: 0 },
            update: { combine: 'add', value: load(dtype, buffers.length, at) },
          },
        ],
        stores: [],
        ordered: false,
      },
      { loops: [], accumulators: [], stores: resultStores(kernel), ordered: false },
    ],
  };
}
