/**
 * Products of a few rows and columns, and batches of them: one function goes through the points of the batch and
 * multiplies tile by tile, all sizes and distances in its code. Operands are read where they are; only a right operand
 * whose columns are not adjacent is transposed first. Sums run over k in order, as in one block of a large product.
 */
import type { ContractAxis, ContractKernel, StridedOperand } from '../../compiler/loop-ir.js';
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from './assembler.js';
import type { StrideKey } from './contract-axes.js';
import { groupSize, stepsOf } from './contract-axes.js';
import { countedLoop } from './control.js';
import { cutAtAxes } from './gemm-blocks.js';
import type { GemmOptions } from './gemm-kernel.js';
import { multiplyAdd } from './gemm-few.js';
import type { GemmType } from './gemm-micro.js';
import { loadColumns, storeColumns, widthOf } from './gemm-micro.js';
import { packFourLines } from './gemm-pack.js';
import { directOut } from './gemm-plan.js';
import { storeFunction } from './gemm-result.js';
import type { EmittedKernel } from './kernel-step.js';
import { tileFor } from './kernel-step.js';
import { listContraction } from './listing.js';
import { roundUp } from './util.js';

/** Multiplications of one product, at most, and its columns. */
const MOST = 8192;
const MOST_COLUMNS = 64;
/** Distances in elements up to which all of a product is reached by static offsets. */
const FAR = 2 ** 20;

/** Lines that are packed together: rows in scratch memory are as many elements long, or several times. */
const LINES = 4;

/** Elements from one point, row or column, and k to the next. */
interface Strides {
  readonly batch: number;
  readonly line: number;
  readonly k: number;
}

interface SmallPlan {
  readonly kernel: ContractKernel;
  readonly dtype: GemmType;
  readonly fused: boolean;
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly lhs: StridedOperand & Strides;
  readonly rhs: StridedOperand & Strides;
  /** Where the product goes if nothing else is done with it: from one point and row to the next. */
  readonly out: (StridedOperand & { readonly batch: number; readonly row: number }) | undefined;
}

/** `kernel` is oriented and has no axes of extent 1. */
export function planSmall(kernel: ContractKernel, dtype: GemmType, fused: boolean): SmallPlan | undefined {
  const [m, n, k] = [groupSize(kernel.m), groupSize(kernel.n), groupSize(kernel.k)];
  if (m * n * k > MOST || n > MOST_COLUMNS || n < 2 || k < 2) return undefined;
  const stride = (axes: readonly ContractAxis[], key: StrideKey): number => {
    const steps = stepsOf(axes, key);
    return steps.kind === 'stride' && steps.stride >= 0 && steps.stride < FAR ? steps.stride : NaN;
  };
  if ('value' in kernel.lhs || 'value' in kernel.rhs) return undefined;
  const read = (operand: StridedOperand, lines: readonly ContractAxis[], key: StrideKey): StridedOperand & Strides => ({
    ...operand,
    batch: stride(kernel.batch, key),
    line: stride(lines, key),
    k: stride(kernel.k, key),
  });
  const lhs = read(kernel.lhs, kernel.m, 'lhsStride');
  const rhs = read(kernel.rhs, kernel.n, 'rhsStride');
  // A matrix that is used once is not worth transposing.
  if (m === 1 && rhs.line !== 1) return undefined;
  const direct = directOut(kernel);
  const out =
    direct === undefined
      ? undefined
      : { ...direct.out, batch: stride(kernel.batch, 'outStride'), row: direct.rowStride };
  const all = [lhs, rhs].flatMap((o) => [o.batch, o.line, o.k]);
  if (Number.isNaN(all.reduce((a, b) => a + b, out === undefined ? 0 : out.batch))) return undefined;
  return { kernel, dtype, fused, batch: groupSize(kernel.batch), m, n, k, lhs, rhs, out };
}

export function emitSmallGemm(module: ModuleBuilder, plan: SmallPlan, options: GemmOptions): EmittedKernel {
  const { kernel, dtype, batch, m, n, k } = plan;
  const emitter = new SmallEmitter(module, plan, options);
  emitter.emit();
  const operations = (m * n * k) / 8 + 16;
  return {
    steps: [
      {
        target: emitter.f,
        args: [...kernel.buffers.map((_, slot) => ({ slot })), { private: 0 }],
        extent: batch,
        tile: tileFor(operations),
        operations,
      },
    ],
    scratchBytes: 0,
    privateBytes: emitter.scratchBytes,
    listing: () =>
      [
        `contract ${kernel.name}: ${batch} x [${m}, ${k}] x [${k}, ${n}] ${dtype}, small`,
        ...listContraction(kernel),
      ].join('\n'),
  };
}

/** Rows in groups of at most `most`, about equal, those of one height after the other. */
function rowGroups(rows: number, most: number): { from: number; height: number; count: number }[] {
  const groups = Math.ceil(rows / most);
  const height = Math.ceil(rows / groups);
  const lower = height * groups - rows;
  const first = { from: 0, height, count: groups - lower };
  return lower === 0 ? [first] : [first, { from: first.count * height, height: height - 1, count: lower }];
}

/**
 * The first columns of the vectors of each strip. The last vector ends with the last column, so that all are whole: it may
 * compute some columns again.
 */
function strips(columns: number, lanes: number): number[][] {
  const vectors = Array.from({ length: Math.ceil(columns / lanes) }, (_, i) =>
    Math.max(0, Math.min(i * lanes, columns - lanes)),
  );
  const found: number[][] = [];
  while (vectors.length > 3 || vectors.length === 2) found.push(vectors.splice(0, 2));
  if (vectors.length > 0) found.push(vectors);
  return found;
}

/** Rows of a tile by the vectors of a row: accumulators, vectors of the right operand and a factor in 16 registers. */
const ROWS = [0, 6, 4, 3];

class SmallEmitter {
  readonly f: FunctionBuilder;
  scratchBytes = 0;
  private readonly width: 4 | 8;
  private readonly lanes: number;
  private readonly store: FunctionRef | undefined;

  constructor(
    private readonly module: ModuleBuilder,
    private readonly plan: SmallPlan,
    options: GemmOptions,
  ) {
    const { kernel, dtype, n } = plan;
    this.width = widthOf(dtype);
    this.lanes = 16 / this.width;
    if (plan.out === undefined)
      this.store = storeFunction(
        module,
        `${kernel.name}.store`,
        kernel,
        cutAtAxes(kernel.n, n, 1),
        roundUp(n, LINES),
        options.vectors,
      );
    this.f = module.function(
      kernel.name,
      Array.from({ length: kernel.buffers.length + 3 }, () => 'i32' as const),
    );
  }

  private allocate(bytes: number): number {
    const at = this.scratchBytes;
    this.scratchBytes += roundUp(bytes, 64);
    return at;
  }

  /** `(slots…, scratch, lo, hi)` */
  emit(): void {
    const { f, plan, width, store } = this;
    const { lhs, rhs, out, kernel, m, n, k } = plan;
    const slots = kernel.buffers.length;
    const [scratch, lo, hi] = [slots, slots + 1, slots + 2];
    const pointer = (operand: StridedOperand, batch: number): number => {
      const local = f.local('i32');
      f.get(operand.buffer).get(lo);
      f.i32(batch * width)
        .op('i32.mul')
        .op('i32.add')
        .i32(operand.offset * width)
        .op('i32.add')
        .set(local);
      return local;
    };
    const a = pointer(lhs, lhs.batch);
    const b = pointer(rhs, rhs.batch);
    const moves: [local: number, elements: number][] = [
      [a, lhs.batch],
      [b, rhs.batch],
    ];
    const scratchPointer = (bytes: number): number => {
      const local = f.local('i32');
      f.get(scratch).i32(this.allocate(bytes)).op('i32.add').set(local);
      return local;
    };
    const row = roundUp(n, LINES);
    const c = out === undefined ? scratchPointer(m * row * width) : pointer(out, out.batch);
    if (out !== undefined) moves.push([c, out.batch]);
    const isPacked = rhs.line !== 1;
    const right = isPacked ? scratchPointer(k * row * width) : b;
    countedLoop(f, lo, { local: hi }, 1, () => {
      if (isPacked) this.pack(b, right, row);
      this.tiles(a, right, c, (isPacked ? row : rhs.k) * width, (out === undefined ? row : out.row) * width);
      if (store !== undefined) {
        kernel.buffers.forEach((_, slot) => f.get(slot));
        f.get(c).i32(0).i32(m).get(lo).i32(0).call(store);
      }
      for (const [local, elements] of moves)
        if (elements > 0)
          f.get(local)
            .i32(elements * width)
            .op('i32.add')
            .set(local);
    });
  }

  /** Copy the right operand so that columns are adjacent; what is between them and the next row is arbitrary. */
  private pack(from: number, to: number, row: number): void {
    const { f, plan, width, module } = this;
    const { rhs, n, k } = plan;
    const four = packFourLines(module, { width, packedStep: row * width, kStride: rhs.k });
    for (let line = 0; line < n; line += LINES) {
      f.get(to)
        .i32(line * width)
        .op('i32.add');
      for (let i = line; i < line + LINES; i++)
        f.get(from)
          .i32(Math.min(i, n - 1) * rhs.line * width)
          .op('i32.add');
      f.i32(k).i32(0).call(four);
    }
  }

  private tiles(a: number, b: number, c: number, rightStep: number, rowBytes: number): void {
    const { f, plan, lanes, width } = this;
    const leftRow = plan.lhs.line * width;
    const columns = strips(plan.n, lanes);
    const [at, to, left] = [f.local('i32'), f.local('i32'), f.local('i32')];
    for (const vectors of columns) {
      for (const { from, height, count } of rowGroups(plan.m, ROWS[vectors.length] ?? 1)) {
        f.get(a)
          .i32(from * leftRow)
          .op('i32.add')
          .set(at);
        f.get(c)
          .i32(from * rowBytes)
          .op('i32.add')
          .set(to);
        const tile = (): void => {
          this.tile({ a: at, b, c: to, rows: height, vectors, rightStep, rowBytes });
        };
        if (count === 1) tile();
        else {
          f.i32(0).set(left);
          countedLoop(f, left, { value: count }, 1, () => {
            tile();
            f.get(at)
              .i32(height * leftRow)
              .op('i32.add')
              .set(at);
            f.get(to)
              .i32(height * rowBytes)
              .op('i32.add')
              .set(to);
          });
        }
      }
    }
    for (const local of [at, to, left]) f.release('i32', local);
  }

  private tile(given: {
    a: number;
    b: number;
    c: number;
    rows: number;
    vectors: readonly number[];
    rightStep: number;
    rowBytes: number;
  }): void {
    const { f, plan, width } = this;
    const { a, b, c, rows, vectors, rightStep, rowBytes } = given;
    const { dtype, fused, k, n, lhs, rhs } = plan;
    const padded = rhs.line !== 1;
    const sums = Array.from({ length: rows }, () => vectors.map(() => f.local('v128')));
    const right = vectors.map(() => f.local('v128'));
    const factor = f.local('v128');
    for (const sum of sums.flat()) f.v128(new Uint8Array(16)).set(sum);
    const whole = Math.min(n, this.lanes);
    const [x, y, count] = [f.local('i32'), f.local('i32'), f.local('i32')];
    f.get(a).set(x).get(b).set(y).i32(k).set(count);
    // Not unrolled: V8 runs out of registers (batches of 8³: 19 GFLOP/s instead of 39; of 4³ no gain).
    const top = f.loop();
    vectors.forEach((column, v) => {
      loadColumns(f, y, column * width, (padded ? this.lanes : whole) * width);
      f.set(right[v] ?? 0);
    });
    sums.forEach((row, r) => {
      f.get(x).memory(width === 4 ? 'v128.load32_splat' : 'v128.load64_splat', r * lhs.line * width);
      f.set(factor);
      row.forEach((sum, v) => {
        multiplyAdd(f, { dtype, fused }, sum, factor, right[v] ?? 0);
      });
    });
    f.get(x)
      .i32(lhs.k * width)
      .op('i32.add')
      .set(x);
    f.get(y).i32(rightStep).op('i32.add').set(y);
    f.get(count).i32(1).op('i32.sub').tee(count).brIf(top).end();
    for (const local of [x, y, count]) f.release('i32', local);
    sums.forEach((row, r) => {
      row.forEach((sum, v) => {
        storeColumns(f, c, sum, r * rowBytes + (vectors[v] ?? 0) * width, whole * width);
      });
    });
    for (const local of [...sums.flat(), ...right, factor]) f.release('v128', local);
  }
}
