/**
 * Decisions about a packed matrix product: the order of axes, block sizes, how each operand reaches the tiles (read
 * where it is, packed, or computed block by block), and where the product goes.
 */
import type { Expr } from '../../core/scalar.js';
import type { ContractAxis, ContractKernel, ContractOperand, StridedOperand } from '../../compiler/loop-ir.js';
import type { Steps } from './contract-axes.js';
import { groupSize, stepsOf } from './contract-axes.js';
import type { Blocks } from './gemm-blocks.js';
import { blockCount, cutAnywhere, cutAtAxes } from './gemm-blocks.js';
import { mainStrides, type ComputedMatrix } from './gemm-computed.js';
import type { GemmType } from './gemm-micro.js';
import { columnsOf, MR, widthOf } from './gemm-micro.js';
import { roundUp } from './util.js';

/** Values of k per block, of 4 bytes: the strips of one tile fit a 32 KiB first-level cache. */
const MAX_K = 320;
/** The same where the left operand is evaluated with its rows side by side: a block takes a cache line for each k. */
const MAX_K_ACROSS = 128;
/** Rows of a block of the left operand: MC x KC values stay in the second-level cache. */
const MAX_M = 96;
const MAX_M_ACROSS = 320;
/** Columns of a block of the right operand. */
const MAX_N = 1024;
const MAX_N_COMPUTED = 256;
/** Bytes of the packed right operand up to which all of its k is packed at once, for all blocks of rows. */
const MAX_PACKED = 2 ** 22;
/** Bytes from one k to the next up to which a tile may read an operand across k where it is. */
const NEAR = 128;
/** Bytes of an operand that stays in the first-level cache while it is read in any order. */
const SMALL = 24576;
/** Units of work wanted, for threads, of products of this many multiplications. */
const UNITS = 8;
const WORTH_THREADS = 2 ** 20;
/** Fewest rows and columns to which blocks are cut for that. */
const MIN_M = 32;
const MIN_N = 64;
/** Rows up to which the right operand is not packed, and columns of it at a time. */
const FEW = 8;
const MAX_N_FEW = 512;
const MIN_N_FEW = 256;

export type LeftPlan =
  /** Read in place: rows `rowStride` elements apart, `step` elements from one k to the next. */
  | { readonly kind: 'direct'; readonly rowStride: number; readonly step: number }
  | { readonly kind: 'packed' }
  /** Evaluated: for every row the values of k side by side, or, across, for every k the rows. */
  | { readonly kind: 'computed'; readonly matrix: ComputedMatrix; readonly across: boolean };

export type RightPlan =
  /** Read in place: `column` elements from one column to the next, `step` from one k to the next. */
  | { readonly kind: 'direct'; readonly column: number; readonly step: number }
  | { readonly kind: 'packed' }
  /** Evaluated with columns side by side and read so, or with k adjacent and then packed. */
  | { readonly kind: 'computed'; readonly matrix: ComputedMatrix; readonly across: boolean };

export type ProductPlan =
  /** Straight into `out`, whose columns are adjacent. */
  | { readonly kind: 'out'; readonly out: StridedOperand; readonly rowStride: number }
  /** Sums over a part of k each, in scratch memory, that a second step adds up. */
  | { readonly kind: 'partial' }
  /** A block in scratch memory, from which it is stored. */
  | { readonly kind: 'block'; readonly stride: number };

/** How few rows are multiplied by a right operand that is read once where it is (gemm-few.ts). */
export type FewRows = 'rows' | 'dots';

export interface GemmPlan {
  readonly kernel: ContractKernel;
  readonly dtype: GemmType;
  readonly width: 4 | 8;
  readonly nr: number;
  readonly batch: number;
  readonly m: Blocks;
  readonly n: Blocks;
  readonly k: Blocks;
  readonly left: LeftPlan;
  readonly right: RightPlan;
  readonly product: ProductPlan;
  /** In tiles, or, with few rows, by adding up rows of the right operand, or by dot products in lanes. */
  readonly by: 'tiles' | FewRows;
  /** Parts of k that are summed on their own, and blocks of k in each. */
  readonly splits: number;
  readonly blocksPerSplit: number;
  /** Whether the right operand is prepared for all k before the blocks of rows are gone through. */
  readonly wholeRight: boolean;
}

export function planGemm(kernel: ContractKernel, dtype: GemmType): GemmPlan {
  const width = widthOf(dtype);
  const nr = columnsOf(dtype);
  const batch = groupSize(kernel.batch);
  const [m, n, k] = [groupSize(kernel.m), groupSize(kernel.n), groupSize(kernel.k)];
  const acrossLeft = 'value' in kernel.lhs && runsAlong(kernel.lhs.value, kernel.m, kernel.k, false);
  const acrossRight = 'value' in kernel.rhs && runsAlong(kernel.rhs.value, kernel.n, kernel.k, true);
  const direct = directOut(kernel);
  const work = batch * m * n * k;

  const mostK = ((acrossLeft ? MAX_K_ACROSS : MAX_K) * 4) / width;
  const cutK = ('value' in kernel.lhs && !acrossLeft) || ('value' in kernel.rhs && !acrossRight);
  const kBlocks = cutK ? cutAtAxes(kernel.k, mostK, 1) : cutAnywhere(k, mostK, 1);
  let mostM = acrossLeft ? MAX_M_ACROSS : MAX_M;
  const by = fewRows(kernel, width) ?? 'tiles';
  const leastN = by === 'tiles' ? MIN_N : MIN_N_FEW;
  let mostN = 'value' in kernel.rhs ? MAX_N_COMPUTED : by === 'tiles' ? MAX_N : MAX_N_FEW;
  const cutM = (): Blocks => (acrossLeft ? cutAtAxes(kernel.m, mostM, MR) : cutAnywhere(m, mostM, MR));
  const cutN = (): Blocks =>
    acrossRight || direct === undefined ? cutAtAxes(kernel.n, mostN, nr) : cutAnywhere(n, mostN, nr);
  let [mBlocks, nBlocks] = [cutM(), cutN()];
  const units = (): number => batch * blockCount(mBlocks) * blockCount(nBlocks);
  let splits = 1;
  if (work >= WORTH_THREADS) {
    // How k is divided must not depend on where the product goes, so that it has the same bits with an epilogue and without.
    const plainN = acrossRight ? nBlocks : cutAnywhere(n, mostN, nr);
    const plainUnits = batch * blockCount(mBlocks) * blockCount(plainN);
    const most = Math.min(Math.ceil((2 * UNITS) / plainUnits), Math.floor(blockCount(kBlocks) / 2));
    // Partial sums are worth it where they are much smaller than the operands.
    if (plainUnits < UNITS && most > 1 && batch * m * n * most * 4 <= batch * k * (m + n)) splits = most;
    while (splits === 1 && units() < UNITS && (mBlocks.piece > MIN_M || nBlocks.piece > leastN)) {
      const narrow = nBlocks.piece > leastN && (nBlocks.piece >= 2 * mBlocks.piece || mBlocks.piece <= MIN_M);
      if (narrow) mostN = Math.max(leastN, Math.floor(Math.min(mostN, nBlocks.piece) / 2));
      else mostM = Math.max(MIN_M, Math.floor(Math.min(mostM, mBlocks.piece) / 2));
      const before = units();
      [mBlocks, nBlocks] = [cutM(), cutN()];
      if (units() === before && mostM <= MIN_M && mostN <= leastN) break;
    }
  }
  const blocksPerSplit = Math.ceil(blockCount(kBlocks) / splits);
  splits = Math.ceil(blockCount(kBlocks) / blocksPerSplit);

  const left = planLeft(kernel, acrossLeft, by, mBlocks, kBlocks, width);
  const right = planRight(kernel, acrossRight, by, nBlocks, kBlocks, width, nr);
  const packedBytes = (splits > 1 ? blocksPerSplit * kBlocks.piece : k) * roundUp(nBlocks.piece, nr) * width;
  return {
    kernel,
    dtype,
    width,
    nr,
    batch,
    m: mBlocks,
    n: nBlocks,
    k: kBlocks,
    left,
    right,
    by,
    product:
      splits > 1
        ? { kind: 'partial' }
        : direct === undefined
          ? { kind: 'block', stride: roundUp(nBlocks.piece, nr) }
          : { kind: 'out', ...direct },
    splits,
    blocksPerSplit,
    wholeRight: right.kind !== 'direct' && blocksPerSplit > 1 && blockCount(mBlocks) > 1 && packedBytes <= MAX_PACKED,
  };
}

/** Where tiles can be stored without another step: columns adjacent, rows at a constant distance. */
export function directOut({
  out,
  epilogue,
  m,
  n,
}: ContractKernel): { out: StridedOperand; rowStride: number } | undefined {
  if (out === undefined || epilogue !== undefined) return undefined;
  const [rows, columns] = [stepsOf(m, 'outStride'), stepsOf(n, 'outStride')];
  if (rows.kind !== 'stride' || columns.kind !== 'stride' || columns.stride !== 1 || rows.stride < 0) return undefined;
  return rows.stride * MR < 2 ** 26 ? { out, rowStride: rows.stride } : undefined;
}

/** Whether memory runs along the lines of an operand rather than along k: by the closer elements, then the longer axis. */
function runsAlong(value: Expr, lines: readonly ContractAxis[], k: readonly ContractAxis[], onTie: boolean): boolean {
  const strides = mainStrides(value, [...lines, ...k]);
  const closest = (axes: readonly ContractAxis[]): { stride: number; extent: number } => {
    let best = { stride: Infinity, extent: 0 };
    for (const { id, extent } of axes) {
      const stride = Math.abs(strides.get(id) ?? 0);
      if (stride > 0 && (stride < best.stride || (stride === best.stride && extent > best.extent)))
        best = { stride, extent };
    }
    return best;
  };
  const [along, across] = [closest(lines), closest(k)];
  if (along.stride !== across.stride) return along.stride < across.stride;
  return along.extent === across.extent ? onTie : along.extent > across.extent;
}

/** At least `elements`, such that rows do not fall into few sets of the cache: an odd number of cache lines apart. */
function spread(elements: number, width: number): number {
  const perLine = 64 / width;
  if (elements * width < 256) return roundUp(elements, 16 / width);
  const lines = Math.ceil(elements / perLine);
  return (lines % 2 === 0 ? lines + 1 : lines) * perLine;
}

const strideOf = (steps: Steps): number | undefined => (steps.kind === 'stride' ? steps.stride : undefined);

function planLeft(
  kernel: ContractKernel,
  across: boolean,
  by: GemmPlan['by'],
  m: Blocks,
  k: Blocks,
  width: 4 | 8,
): LeftPlan {
  const { lhs, batch } = kernel;
  if ('value' in lhs) {
    const [rows, columns, blocks] = across ? [kernel.k, kernel.m, m] : [kernel.m, kernel.k, k];
    const matrix = {
      value: lhs.value,
      dtype: kernel.dtype,
      batch,
      rows,
      columns,
      blocks,
      stride: spread(blocks.piece, width),
    };
    return { kind: 'computed', matrix, across };
  }
  const steps = (axes: readonly ContractAxis[]): number | undefined => strideOf(stepsOf(axes, 'lhsStride'));
  const step = steps(kernel.k);
  const rowStride = steps(kernel.m);
  if (rowStride === undefined || step === undefined || rowStride < 0 || step < 0) return { kind: 'packed' };
  if (by !== 'tiles') return { kind: 'direct', rowStride, step };
  const inPlace = step === 1 ? rowStride * MR < 2 ** 26 : rowStride === 1 && isNear(step, k.total, width);
  return inPlace ? { kind: 'direct', rowStride, step } : { kind: 'packed' };
}

function planRight(
  kernel: ContractKernel,
  across: boolean,
  by: GemmPlan['by'],
  n: Blocks,
  k: Blocks,
  width: 4 | 8,
  nr: number,
): RightPlan {
  const { rhs, batch } = kernel;
  if ('value' in rhs) {
    const [rows, columns, blocks] = across ? [kernel.k, kernel.n, n] : [kernel.n, kernel.k, k];
    const size = across ? roundUp(blocks.piece, nr) : blocks.piece;
    const matrix = { value: rhs.value, dtype: kernel.dtype, batch, rows, columns, blocks, stride: spread(size, width) };
    return { kind: 'computed', matrix, across };
  }
  const step = strideOf(stepsOf(kernel.k, 'rhsStride'));
  const column = strideOf(stepsOf(kernel.n, 'rhsStride'));
  if (step === undefined || column === undefined) return { kind: 'packed' };
  const inPlace = by !== 'tiles' || (column === 1 && step >= 0 && isNear(step, k.total, width));
  return inPlace ? { kind: 'direct', column, step } : { kind: 'packed' };
}

/** Whether a product has few rows and its operands lie as that takes. */
export function fewRows(kernel: ContractKernel, width: 4 | 8): FewRows | undefined {
  const { lhs, rhs, m, n, k } = kernel;
  if (groupSize(m) > FEW || 'value' in lhs || 'value' in rhs) return undefined;
  const strides = [stepsOf(m, 'lhsStride'), stepsOf(k, 'lhsStride'), stepsOf(k, 'rhsStride'), stepsOf(n, 'rhsStride')];
  const [leftRow, leftStep, step, column] = strides.map(strideOf);
  if (leftRow === undefined || leftStep === undefined || step === undefined || column === undefined) return undefined;
  if ([leftRow, leftStep, step, column].some((s) => s < 0 || s >= 2 ** 24)) return undefined;
  if (column === 1) return groupSize(m) <= 2 || !isNear(step, groupSize(k), width) ? 'rows' : undefined;
  return step === 1 && leftStep === 1 ? 'dots' : undefined;
}

const isNear = (step: number, k: number, width: number): boolean => step * width <= NEAR || k * step * width <= SMALL;

/**
 * The same product with axes in the order that suits memory: axes of extent 1 are dropped by the caller; rows and
 * columns change places where the result is contiguous along rows; axes of a group go from far apart to close.
 */
export function orient(kernel: ContractKernel): ContractKernel {
  const stores = resultStrides(kernel);
  const nearest = (axes: readonly ContractAxis[]): number =>
    Math.min(
      ...axes.map((a) => Math.abs(stores.get(a.id) ?? 0)).map((s) => (s === 0 || Number.isNaN(s) ? Infinity : s)),
    );
  const swapped = nearest(kernel.m) < nearest(kernel.n) ? swap(kernel) : kernel;
  const { lhs, rhs, m, n, k } = swapped;
  const all = [...swapped.batch, ...m, ...n, ...k];
  const byOperand = (operand: ContractOperand): Map<number, number> | undefined =>
    'value' in operand ? mainStrides(operand.value, all) : undefined;
  const [left, right] = [byOperand(lhs), byOperand(rhs)];
  const sort = (axes: readonly ContractAxis[], strides: Map<number, number> | undefined): readonly ContractAxis[] => {
    if (strides === undefined) return axes;
    const distance = ({ id }: ContractAxis): number => {
      const stride = Math.abs(strides.get(id) ?? 0);
      return stride === 0 || Number.isNaN(stride) ? Infinity : stride;
    };
    return [...axes].sort((a, b) => {
      const [x, y] = [distance(a), distance(b)];
      return x === y ? 0 : y - x;
    });
  };
  return {
    ...swapped,
    m: sort(m, left ?? stores),
    n: sort(n, right ?? stores),
    k: sort(k, left ?? right),
  };
}

/** Strides of the first store of the result, by axis variable. */
function resultStrides({ out, epilogue, batch, m, n }: ContractKernel): Map<number, number> {
  const axes = [...batch, ...m, ...n];
  if (out !== undefined) return new Map(axes.map((a) => [a.id, a.outStride]));
  const index = epilogue?.[0]?.index;
  return index === undefined
    ? new Map<number, number>()
    : mainStrides({ op: 'load', type: 'float32', buffer: 0, index }, axes);
}

function swap(kernel: ContractKernel): ContractKernel {
  const turn = (axes: readonly ContractAxis[]): ContractAxis[] =>
    axes.map((a) => ({ ...a, lhsStride: a.rhsStride, rhsStride: a.lhsStride }));
  const { batch, m, n, k, lhs, rhs, beside } = kernel;
  return {
    ...kernel,
    batch: turn(batch),
    m: turn(n),
    n: turn(m),
    k: turn(k),
    lhs: rhs,
    rhs: lhs,
    ...(beside !== undefined && { beside: beside.map((b) => ({ ...b, of: b.of === 'm' ? 'n' : 'm' })) }),
  };
}
