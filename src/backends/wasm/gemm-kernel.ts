/**
 * The packed, blocked matrix product for contractions of any strides and axis groups: blocks of the right operand
 * (KC x NC) and of the left (MC x KC) are packed into scratch memory and multiplied tile by tile; sums over k are
 * accumulated in the output block by block. One iteration of the outermost loop is one (batch, block of MC rows).
 */
import type { ContractAxis, ContractKernel, StridedOperand } from '../../compiler/loop-ir.js';
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from './assembler.js';
import type { Steps } from './contract-axes.js';
import { groupSize, mergeAxes, stepsOf } from './contract-axes.js';
import { countedLoop, pushMin, pushScaled } from './control.js';
import type { GemmType } from './gemm-micro.js';
import { columnsOf, microKernel, MR, widthOf } from './gemm-micro.js';
import { packAdjacentLines, packFourLines } from './gemm-pack.js';
import type { EmittedKernel } from './kernel-step.js';
import { product, roundUp } from './util.js';

/** Bytes of a packed strip of k values for one tile column: a fraction of a 32 KiB first-level cache. */
const MAX_K = 320;
/** Rows packed at a time: MC x KC values stay in the second-level cache. */
const MAX_M = 96;
/** Columns packed at a time. */
const MAX_N = 1024;

/** `extent` cut into the fewest blocks of at most `most`, all about equal and multiples of `unit`. */
function blockOf(extent: number, most: number, unit: number): number {
  const blocks = Math.ceil(extent / most);
  return roundUp(Math.ceil(extent / blocks), unit);
}

/** Where a piece of the scratch memory begins. */
interface Scratch {
  readonly left: number;
  readonly right: number;
  readonly tile: number;
  readonly bytes: number;
}

/** Byte offsets by linear index: computed, or read from a table in scratch memory. */
interface Offsets {
  readonly steps: Steps;
  /** Byte offset of the table in the scratch memory, if there is one. */
  readonly table: number | undefined;
  readonly extent: number;
}

/** A contraction all of whose operands are strided. */
export interface StridedContraction extends ContractKernel {
  readonly lhs: StridedOperand;
  readonly rhs: StridedOperand;
  readonly out: StridedOperand;
}

export function emitGemmKernel(module: ModuleBuilder, kernel: StridedContraction, dtype: GemmType): EmittedKernel {
  return new GemmEmitter(module, kernel, dtype).emit();
}

class GemmEmitter {
  private readonly width: 4 | 8;
  private readonly nr: number;
  private readonly m: number;
  private readonly n: number;
  private readonly k: number;
  private readonly mc: number;
  private readonly nc: number;
  private readonly kc: number;
  private readonly batch: readonly ContractAxis[];
  private readonly scratch: Scratch;
  private readonly lhsM: Offsets;
  private readonly lhsK: Offsets;
  private readonly rhsK: Offsets;
  private readonly rhsN: Offsets;
  private readonly outM: Offsets;
  private readonly outN: Offsets;

  constructor(
    private readonly module: ModuleBuilder,
    private readonly kernel: StridedContraction,
    private readonly dtype: GemmType,
  ) {
    this.width = widthOf(dtype);
    this.nr = columnsOf(dtype);
    this.batch = mergeAxes(kernel.batch);
    const m = mergeAxes(kernel.m);
    const n = mergeAxes(kernel.n);
    const k = mergeAxes(kernel.k);
    this.m = groupSize(m);
    this.n = groupSize(n);
    this.k = groupSize(k);
    this.mc = blockOf(this.m, MAX_M, MR);
    this.nc = blockOf(this.n, MAX_N, this.nr);
    this.kc = blockOf(this.k, (MAX_K * 4) / this.width, 1);
    const left = 0;
    const right = roundUp(this.mc * this.kc * this.width, 64);
    const tile = right + roundUp(this.nc * this.kc * this.width, 64);
    let bytes = tile + roundUp(MR * this.nr * this.width, 64);
    const offsets = (axes: readonly ContractAxis[], operand: 'lhsStride' | 'rhsStride' | 'outStride'): Offsets => {
      const steps = stepsOf(axes, operand);
      const extent = groupSize(axes);
      if (steps.kind === 'stride') return { steps, table: undefined, extent };
      const table = bytes;
      bytes += roundUp(extent * 4, 64);
      return { steps, table, extent };
    };
    this.lhsM = offsets(m, 'lhsStride');
    this.lhsK = offsets(k, 'lhsStride');
    this.rhsK = offsets(k, 'rhsStride');
    this.rhsN = offsets(n, 'rhsStride');
    this.outM = offsets(m, 'outStride');
    this.outN = offsets(n, 'outStride');
    this.scratch = { left, right, tile, bytes };
  }

  emit(): EmittedKernel {
    const { kernel, m, n, k } = this;
    const blocks = Math.ceil(m / this.mc);
    const extent = blocks * product(this.batch.map((a) => a.extent));
    const target = this.driver(blocks);
    return {
      steps: [
        {
          target,
          args: [...kernel.buffers.map((_, slot) => ({ slot })), { private: 0 }],
          extent,
          // The driver is cheap; the functions it calls tier up by themselves.
          tile: extent,
          grain: 1,
          // Four lanes and two results an instruction.
          operations: (this.mc * n * k) / 8,
        },
      ],
      scratchBytes: 0,
      privateBytes: this.scratch.bytes,
      listing: () =>
        `contract ${kernel.name}: ${extent / blocks} x [${m}, ${k}] x [${k}, ${n}] ${kernel.dtype}, packed, tiles ${MR} x ${this.nr}, blocks m ${this.mc}, n ${this.nc}, k ${this.kc}`,
    };
  }

  /** `(slots…, scratch, lo, hi)` */
  private driver(blocks: number): FunctionRef {
    const { module, kernel, width } = this;
    const packLeft = this.packFunction('left', this.lhsM, this.lhsK, MR);
    const packRight = this.packFunction('right', this.rhsN, this.rhsK, this.nr);
    const multiply = this.multiplyFunction();
    const slots = kernel.buffers.length;
    const f = module.function(
      kernel.name,
      Array.from({ length: slots + 3 }, () => 'i32' as const),
    );
    const scratch = slots;
    const unit = slots + 1;
    const hi = slots + 2;
    for (const offsets of [this.lhsM, this.lhsK, this.rhsK, this.rhsN, this.outM, this.outN])
      this.fillTable(f, scratch, offsets);
    const b = f.local('i32');
    const first = f.local('i32');
    const last = f.local('i32');
    const lhs = f.local('i32');
    const rhs = f.local('i32');
    const out = f.local('i32');
    const n0 = f.local('i32');
    const nc = f.local('i32');
    const k0 = f.local('i32');
    const kc = f.local('i32');
    const block = f.local('i32');
    const m0 = f.local('i32');
    const mc = f.local('i32');
    const operand = (
      local: number,
      slot: number,
      offset: number,
      key: 'lhsStride' | 'rhsStride' | 'outStride',
    ): void => {
      f.get(slot);
      if (offset !== 0) f.i32(offset * width).op('i32.add');
      let below = 1;
      for (const axis of [...this.batch].reverse()) {
        if (axis[key] !== 0) {
          f.get(b);
          if (below > 1) f.i32(below).op('i32.div_u');
          f.i32(axis.extent)
            .op('i32.rem_u')
            .i32(axis[key] * width)
            .op('i32.mul')
            .op('i32.add');
        }
        below *= axis.extent;
      }
      f.set(local);
    };
    const blockExtent = (local: number, start: number, most: number, total: number): void => {
      pushMin(
        f,
        () => f.i32(most),
        () => f.i32(total).get(start).op('i32.sub'),
      );
      f.set(local);
    };
    const exit = f.block();
    const nextBatch = f.loop();
    f.get(unit).get(hi).op('i32.ge_u').brIf(exit);
    f.get(unit).i32(blocks).op('i32.div_u').set(b);
    f.get(unit).i32(blocks).op('i32.rem_u').set(first);
    pushMin(
      f,
      () => f.i32(blocks),
      () => f.get(first).get(hi).op('i32.add').get(unit).op('i32.sub'),
    );
    f.set(last);
    operand(lhs, kernel.lhs.buffer, kernel.lhs.offset, 'lhsStride');
    operand(rhs, kernel.rhs.buffer, kernel.rhs.offset, 'rhsStride');
    operand(out, kernel.out.buffer, kernel.out.offset, 'outStride');
    f.i32(0).set(n0);
    countedLoop(f, n0, { value: this.n }, this.nc, () => {
      blockExtent(nc, n0, this.nc, this.n);
      f.i32(0).set(k0);
      countedLoop(f, k0, { value: this.k }, this.kc, () => {
        blockExtent(kc, k0, this.kc, this.k);
        f.get(rhs).get(scratch).get(n0).get(nc).get(k0).get(kc).call(packRight);
        f.get(first).set(block);
        countedLoop(f, block, { local: last }, 1, () => {
          pushScaled(f, block, this.mc).set(m0);
          blockExtent(mc, m0, this.mc, this.m);
          f.get(lhs).get(scratch).get(m0).get(mc).get(k0).get(kc).call(packLeft);
          f.get(scratch).get(out).get(m0).get(mc).get(n0).get(nc).get(kc).get(k0).call(multiply);
        });
      });
    });
    f.get(unit).get(last).op('i32.add').get(first).op('i32.sub').set(unit).br(nextBatch);
    f.end().end();
    return f;
  }

  /** Write the byte offset of every index of a group of several axes. */
  private fillTable(f: FunctionBuilder, scratch: number, { steps, table, extent }: Offsets): void {
    if (steps.kind !== 'axes' || table === undefined) return;
    const i = f.local('i32');
    f.i32(0).set(i);
    countedLoop(f, i, { value: extent }, 1, () => {
      f.get(scratch).get(i).i32(4).op('i32.mul').op('i32.add');
      let below = 1;
      f.i32(0);
      for (const axis of [...steps.axes].reverse()) {
        f.get(i)
          .i32(below)
          .op('i32.div_u')
          .i32(axis.extent)
          .op('i32.rem_u')
          .i32(axis.stride * this.width)
          .op('i32.mul')
          .op('i32.add');
        below *= axis.extent;
      }
      f.memory('i32.store', table);
    });
    f.release('i32', i);
  }

  /** Push the byte offset of index `push()` in a group. */
  private pushOffset(f: FunctionBuilder, { steps, table }: Offsets, scratch: number, push: () => void): void {
    if (steps.kind === 'stride') {
      push();
      f.i32(steps.stride * this.width).op('i32.mul');
    } else {
      f.get(scratch);
      push();
      f.i32(4)
        .op('i32.mul')
        .op('i32.add')
        .memory('i32.load', table ?? 0);
    }
  }

  /**
   * `(operand, scratch, line0, lines, k0, k)`: pack lines in strips of `strip`. Lines past the end of the
   * operand repeat the last one; what is computed from them is dropped.
   */
  private packFunction(side: 'left' | 'right', lines: Offsets, ks: Offsets, strip: number): FunctionRef {
    const { module, kernel, width } = this;
    const kStride = ks.steps.kind === 'stride' ? ks.steps.stride : ('table' as const);
    const format = { width, packedStep: strip * width, kStride };
    const four = packFourLines(module, format);
    const adjacent =
      lines.steps.kind === 'stride' && lines.steps.stride === 1 ? packAdjacentLines(module, format) : undefined;
    const f = module.function(`${kernel.name}.pack.${side}`, ['i32', 'i32', 'i32', 'i32', 'i32', 'i32']);
    const [operand, scratch, line0, count, k0, k] = [0, 1, 2, 3, 4, 5] as const;
    const to = f.local('i32');
    const i = f.local('i32');
    const base = f.local('i32');
    const table = f.local('i32');
    f.get(scratch).i32(this.scratch[side]).op('i32.add').set(to);
    f.get(operand).set(base);
    if (ks.table === undefined) {
      f.get(base);
      this.pushOffset(f, ks, scratch, () => f.get(k0));
      f.op('i32.add').set(base);
    } else f.get(scratch).i32(ks.table).op('i32.add').get(k0).i32(4).op('i32.mul').op('i32.add').set(table);
    f.i32(0).set(i);
    /** Push the address of line `line0 + i + n`, or of the last line. */
    const pushLine = (n: number): void => {
      f.get(base);
      this.pushOffset(f, lines, scratch, () =>
        pushMin(
          f,
          () => f.get(line0).get(i).op('i32.add').i32(n).op('i32.add'),
          () => f.i32(lines.extent - 1),
        ),
      );
      f.op('i32.add');
    };
    countedLoop(f, i, { local: count }, strip, () => {
      if (adjacent !== undefined) {
        f.get(line0).get(i).op('i32.add').i32(strip).op('i32.add').i32(lines.extent).op('i32.le_u').if();
        f.get(to);
        pushLine(0);
        f.get(k).get(table).call(adjacent);
        f.else();
      }
      for (let group = 0; group < strip; group += 4) {
        f.get(to);
        if (group > 0) f.i32(group * width).op('i32.add');
        for (let n = group; n < group + 4; n++) pushLine(n);
        f.get(k).get(table).call(four);
      }
      if (adjacent !== undefined) f.end();
      f.get(to)
        .get(k)
        .i32(strip * width)
        .op('i32.mul')
        .op('i32.add')
        .set(to);
    });
    return f;
  }

  /** `(scratch, out, m0, m, n0, n, k, accumulate)`: multiply the packed blocks into the output. */
  private multiplyFunction(): FunctionRef {
    const { module, kernel, width, nr } = this;
    const micro = microKernel(module, this.dtype);
    const flush = this.flushFunction();
    const f = module.function(
      `${kernel.name}.block`,
      Array.from({ length: 8 }, () => 'i32' as const),
    );
    const [scratch, out, m0, m, n0, n, k, accumulate] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
    const i = f.local('i32');
    const j = f.local('i32');
    const a = f.local('i32');
    const b = f.local('i32');
    const { steps: rows } = this.outM;
    const { steps: columns } = this.outN;
    const direct = rows.kind === 'stride' && columns.kind === 'stride' && columns.stride === 1;
    f.get(scratch).i32(this.scratch.right).op('i32.add').set(b);
    f.i32(0).set(j);
    countedLoop(f, j, { local: n }, nr, () => {
      f.get(scratch).i32(this.scratch.left).op('i32.add').set(a);
      f.i32(0).set(i);
      countedLoop(f, i, { local: m }, MR, () => {
        const whole = f.block();
        const partial = f.block();
        if (direct) {
          f.get(i).i32(MR).op('i32.add').get(m).op('i32.gt_u').brIf(partial);
          f.get(j).i32(nr).op('i32.add').get(n).op('i32.gt_u').brIf(partial);
          f.get(a).get(b).get(out);
          f.get(m0)
            .get(i)
            .op('i32.add')
            .i32(rows.stride * width)
            .op('i32.mul')
            .op('i32.add');
          f.get(n0).get(j).op('i32.add').i32(width).op('i32.mul').op('i32.add');
          f.i32(rows.stride * width)
            .get(k)
            .get(accumulate)
            .call(micro);
          f.br(whole);
        }
        f.end();
        f.get(a)
          .get(b)
          .get(scratch)
          .i32(this.scratch.tile)
          .op('i32.add')
          .i32(nr * width)
          .get(k)
          .i32(0)
          .call(micro);
        f.get(scratch).get(out).get(m0).get(i).op('i32.add');
        pushMin(
          f,
          () => f.i32(MR),
          () => f.get(m).get(i).op('i32.sub'),
        );
        f.get(n0).get(j).op('i32.add');
        pushMin(
          f,
          () => f.i32(nr),
          () => f.get(n).get(j).op('i32.sub'),
        );
        f.get(accumulate).call(flush);
        f.end();
        f.get(a)
          .get(k)
          .i32(MR * width)
          .op('i32.mul')
          .op('i32.add')
          .set(a);
      });
      f.get(b)
        .get(k)
        .i32(nr * width)
        .op('i32.mul')
        .op('i32.add')
        .set(b);
    });
    return f;
  }

  /** `(scratch, out, m0, m, n0, n, accumulate)`: copy part of a tile to where it belongs in the output. */
  private flushFunction(): FunctionRef {
    const { module, kernel, width, nr, dtype } = this;
    const f = module.function(
      `${kernel.name}.flush`,
      Array.from({ length: 7 }, () => 'i32' as const),
    );
    const [scratch, out, m0, m, n0, n, accumulate] = [0, 1, 2, 3, 4, 5, 6] as const;
    const i = f.local('i32');
    const j = f.local('i32');
    const row = f.local('i32');
    const to = f.local('i32');
    const from = f.local('i32');
    const type = dtype === 'float32' ? 'f32' : dtype === 'float64' ? 'f64' : 'i32';
    f.i32(0).set(i);
    countedLoop(f, i, { local: m }, 1, () => {
      f.get(out);
      this.pushOffset(f, this.outM, scratch, () => f.get(m0).get(i).op('i32.add'));
      f.op('i32.add').set(row);
      f.get(scratch)
        .get(i)
        .i32(nr * width)
        .op('i32.mul')
        .op('i32.add')
        .set(from);
      f.i32(0).set(j);
      countedLoop(f, j, { local: n }, 1, () => {
        f.get(row);
        this.pushOffset(f, this.outN, scratch, () => f.get(n0).get(j).op('i32.add'));
        f.op('i32.add').tee(to).get(from).memory(`${type}.load`, this.scratch.tile);
        f.get(accumulate).if(type);
        f.get(to).memory(`${type}.load`);
        f.else();
        if (type === 'f32') f.f32(-0);
        else if (type === 'f64') f.f64(-0);
        else f.i32(0);
        f.end();
        f.op(`${type}.add`).memory(`${type}.store`);
        f.get(from).i32(width).op('i32.add').set(from);
      });
    });
    return f;
  }
}
