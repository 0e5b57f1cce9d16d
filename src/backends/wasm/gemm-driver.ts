/** What the pieces of a packed matrix product share: the driver function, its scratch memory and its positions. */
import type { StridedOperand } from '../../compiler/loop-ir.js';
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from './assembler.js';
import type { StrideKey } from './contract-axes.js';
import type { Blocks } from './gemm-blocks.js';
import { pushBlockSize, pushBlockStart } from './gemm-blocks.js';
import type { Offsets } from './gemm-offsets.js';
import { offsetsOf } from './gemm-offsets.js';
import type { GemmPlan } from './gemm-plan.js';
import { roundUp } from './util.js';
import type { VectorMode } from './vectorise.js';

/** Locals: the block of a group that is at hand, its first index and its size. */
export interface Cursor {
  readonly block: number;
  readonly start: number;
  readonly size: number;
}

/**
 * `(slots…, scratch, [partial sums,] lo, hi)`: the function under construction. It fills the scratch memory, calls the
 * functions that pack, evaluate, multiply and store, and knows which block of each group is at hand.
 */
export class GemmDriver {
  readonly f: FunctionBuilder;
  readonly m: Cursor;
  readonly n: Cursor;
  readonly k: Cursor;
  /** Local: the point of the batch. */
  readonly batch: number;
  /** Local: the part of k. */
  readonly part: number;
  readonly scratch: number;
  readonly partial: number;
  readonly lo: number;
  readonly hi: number;
  readonly tables: Offsets[] = [];
  scratchBytes = 0;

  constructor(
    readonly module: ModuleBuilder,
    readonly plan: GemmPlan,
    readonly vectors: VectorMode,
  ) {
    const slots = plan.kernel.buffers.length;
    const params = slots + (plan.product.kind === 'partial' ? 4 : 3);
    this.f = module.function(
      plan.kernel.name,
      Array.from({ length: params }, () => 'i32' as const),
    );
    [this.scratch, this.partial, this.lo, this.hi] = [slots, slots + 1, params - 2, params - 1];
    const cursor = (): Cursor => ({
      block: this.f.local('i32'),
      start: this.f.local('i32'),
      size: this.f.local('i32'),
    });
    [this.m, this.n, this.k] = [cursor(), cursor(), cursor()];
    [this.batch, this.part] = [this.f.local('i32'), this.f.local('i32')];
  }

  /** A place of `bytes` in the scratch memory. */
  allocate(bytes: number): number {
    const at = this.scratchBytes;
    this.scratchBytes += roundUp(bytes, 64);
    return at;
  }

  /** The offsets of a group in an operand, with a table in scratch memory if they need one. */
  offsets(group: 'm' | 'n' | 'k', operand: StrideKey): Offsets {
    const { kernel, width } = this.plan;
    const offsets = offsetsOf(kernel[group], operand, width, (bytes) => this.allocate(bytes));
    this.tables.push(offsets);
    return offsets;
  }

  /** The start and size of the block at hand. */
  moveTo(cursor: Cursor, blocks: Blocks): void {
    const { f } = this;
    pushBlockStart(f, blocks, cursor.block);
    f.set(cursor.start);
    pushBlockSize(f, blocks, cursor.block);
    f.set(cursor.size);
  }

  pushSlots(): void {
    this.plan.kernel.buffers.forEach((_, slot) => this.f.get(slot));
  }

  pushScratch(at: number): void {
    this.f.get(this.scratch);
    if (at !== 0) this.f.i32(at).op('i32.add');
  }

  /** Add `elements * local` to the address on the stack. */
  addScaled(local: number, elements: number): void {
    this.f
      .get(local)
      .i32(elements * this.plan.width)
      .op('i32.mul')
      .op('i32.add');
  }

  /** Push the address of an operand's first element at the point of the batch. */
  pushBase(operand: StridedOperand, key: StrideKey): void {
    const { f, batch } = this;
    const { width, kernel } = this.plan;
    f.get(operand.buffer);
    if (operand.offset !== 0) f.i32(operand.offset * width).op('i32.add');
    let below = 1;
    [...kernel.batch].reverse().forEach((axis, i) => {
      if (axis[key] !== 0) {
        f.get(batch);
        if (below > 1) f.i32(below).op('i32.div_u');
        if (i < kernel.batch.length - 1) f.i32(axis.extent).op('i32.rem_u');
        f.i32(axis[key] * width)
          .op('i32.mul')
          .op('i32.add');
      }
      below *= axis.extent;
    });
  }

  /**
   * Call a block function (gemm-block-kernel.ts) for `rows` and block `block` of the columns. `push` pushes where the
   * first of the rows is; they are `stride` elements apart.
   */
  callBlock(target: FunctionRef, push: () => void, stride: number, rows: Cursor, block: number): void {
    const { f } = this;
    this.pushSlots();
    push();
    this.addScaled(rows.start, -stride);
    f.get(rows.start).get(rows.start).get(rows.size).op('i32.add').get(this.batch).get(block).call(target);
  }
}
