/** How blocks of the operands come to be where tiles read them: packed, evaluated, or where they were. */
import type { StridedOperand } from '../../compiler/loop-ir.js';
import type { StrideKey } from './contract-axes.js';
import { fillFunction } from './gemm-computed.js';
import type { GemmDriver } from './gemm-driver.js';
import { MR } from './gemm-micro.js';
import { pushOffset, strided } from './gemm-offsets.js';
import { packFunction } from './gemm-pack.js';
import { roundUp } from './util.js';

/** Code for an operand. `from` pushes how many values of k are prepared before those of the block at hand. */
export interface OperandCode {
  /** For a new point of the batch. */
  readonly open: () => void;
  /** Make the block at hand ready. */
  readonly prepare: (from: () => void) => void;
  /** Push where it is. */
  readonly address: (from: () => void) => void;
}

const nothing = (): void => undefined;

export function leftOperand(d: GemmDriver): OperandCode {
  const { f, plan, module } = d;
  const { kernel, left, m, k, width } = plan;
  if (left.kind === 'computed') {
    const { matrix, across } = left;
    const at = d.allocate(matrix.stride * (across ? k.piece : m.piece) * width);
    const fill = fillFunction(module, `${kernel.name}.lhs`, kernel.buffers, matrix, d.vectors);
    const [rows, block] = across ? [d.k, d.m.block] : [d.m, d.k.block];
    const address = (): void => {
      d.pushScratch(at);
    };
    return {
      open: nothing,
      prepare: () => {
        d.callBlock(fill, address, matrix.stride, rows, block);
      },
      address,
    };
  }
  const source = stridedSource(d, kernel.lhs, 'm', 'lhsStride');
  if (left.kind !== 'packed') return source;
  const at = d.allocate(roundUp(m.piece, MR) * k.piece * width);
  const pack = packFunction(module, `${kernel.name}.pack.left`, {
    lines: source.lines,
    ks: source.ks,
    width,
    strip: MR,
  });
  const address = (): void => {
    d.pushScratch(at);
  };
  return {
    open: source.open,
    prepare: () => {
      f.get(source.base);
      address();
      f.get(d.scratch).get(d.m.start).get(d.m.size).get(d.k.start).get(d.k.size).call(pack);
    },
    address,
  };
}

export function rightOperand(d: GemmDriver): OperandCode {
  const { f, plan, module } = d;
  const { kernel, right, n, k, width, nr, wholeRight } = plan;
  if (right.kind === 'direct') return stridedSource(d, kernel.rhs, 'n', 'rhsStride');
  const perK = right.kind === 'computed' && right.across ? right.matrix.stride : roundUp(n.piece, nr);
  const at = d.allocate(perK * (wholeRight ? plan.blocksPerSplit * k.piece : k.piece) * width);
  const address = (from: () => void): void => {
    d.pushScratch(at);
    from();
    f.i32(perK * width)
      .op('i32.mul')
      .op('i32.add');
  };
  if (right.kind === 'computed') {
    const { matrix, across } = right;
    const fill = fillFunction(module, `${kernel.name}.rhs`, kernel.buffers, matrix, d.vectors);
    if (across) {
      const prepare = (from: () => void): void => {
        d.callBlock(
          fill,
          () => {
            address(from);
          },
          matrix.stride,
          d.k,
          d.n.block,
        );
      };
      return { open: nothing, prepare, address };
    }
    const evaluated = d.allocate(matrix.stride * n.piece * width);
    const lines = strided(matrix.stride, width);
    const pack = packFunction(module, `${kernel.name}.pack.right`, { lines, ks: strided(1, width), width, strip: nr });
    return {
      open: nothing,
      prepare: (from) => {
        d.callBlock(
          fill,
          () => {
            d.pushScratch(evaluated);
          },
          matrix.stride,
          d.n,
          d.k.block,
        );
        d.pushScratch(evaluated);
        address(from);
        f.get(d.scratch).i32(0).get(d.n.size).i32(0).get(d.k.size).call(pack);
      },
      address,
    };
  }
  const source = stridedSource(d, kernel.rhs, 'n', 'rhsStride');
  const pack = packFunction(module, `${kernel.name}.pack.right`, {
    lines: source.lines,
    ks: source.ks,
    width,
    strip: nr,
  });
  return {
    open: source.open,
    prepare: (from) => {
      f.get(source.base);
      address(from);
      f.get(d.scratch).get(d.n.start).get(d.n.size).get(d.k.start).get(d.k.size).call(pack);
    },
    address,
  };
}

/** A strided operand, read where it is. */
function stridedSource(
  d: GemmDriver,
  operand: StridedOperand | { readonly value: unknown },
  group: 'm' | 'n',
  key: StrideKey,
) {
  if ('value' in operand) throw new Error('internal: a computed operand is not evaluated');
  const { f } = d;
  const base = f.local('i32');
  const lines = d.offsets(group, key);
  const ks = d.offsets('k', key);
  return {
    base,
    lines,
    ks,
    open: (): void => {
      d.pushBase(operand, key);
      f.set(base);
    },
    prepare: nothing,
    address: (): void => {
      f.get(base);
      pushOffset(f, lines, d.scratch, () => f.get(d[group].start));
      f.op('i32.add');
      pushOffset(f, ks, d.scratch, () => f.get(d.k.start));
      f.op('i32.add');
    },
  };
}
