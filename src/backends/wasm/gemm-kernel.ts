/**
 * The packed, blocked matrix product for contractions of any operands, strides and axis groups. One iteration of the
 * outermost loop is one unit: (part of k, point of the batch, block of columns, block of rows). For each, blocks of the
 * operands are packed or evaluated into scratch memory and multiplied tile by tile; sums over k are accumulated block
 * by block where the product goes, which is `out`, or a scratch block that is then stored (see gemm-plan.ts).
 */
import type { ContractKernel, StagesBeside } from '../../compiler/loop-ir.js';
import type { FunctionRef, ModuleBuilder } from './assembler.js';
import { countedLoop, pushMin } from './control.js';
import { besideCode, emitBeside, placeBeside } from './gemm-beside.js';
import { blockCount, pushBlockStart } from './gemm-blocks.js';
import { GemmDriver } from './gemm-driver.js';
import type { GemmType } from './gemm-micro.js';
import { MR } from './gemm-micro.js';
import { fillTable } from './gemm-offsets.js';
import { dotsFunction } from './gemm-dots.js';
import { rowsFunction } from './gemm-few.js';
import { leftOperand, rightOperand } from './gemm-operands.js';
import type { GemmPlan } from './gemm-plan.js';
import { planGemm } from './gemm-plan.js';
import { storeFunction, sumOfPartials } from './gemm-result.js';
import type { BlockLayout } from './gemm-tiles.js';
import { tilesFunction } from './gemm-tiles.js';
import type { EmittedKernel, KernelStep } from './kernel-step.js';
import { listContraction } from './listing.js';
import { emitLoopSteps } from './loop-steps.js';
import { roundUp } from './util.js';
import type { VectorMode } from './vectorise.js';

export interface GemmOptions {
  readonly vectors: VectorMode;
  /** Whether the engine has fused multiply-add. */
  readonly fused: boolean;
}

/** `kernel` has no axes of extent 1, and is oriented. */
export function emitGemmKernel(
  module: ModuleBuilder,
  kernel: ContractKernel,
  dtype: GemmType,
  options: GemmOptions,
): EmittedKernel {
  const plan = planGemm(kernel, dtype);
  const units = plan.splits * plan.batch * blockCount(plan.n) * blockCount(plan.m);
  const driver = new GemmDriver(module, plan, options.vectors);
  const beside = placeBeside(plan);
  const target = emitDriver(driver, beside.inside, options.fused);
  const slots = kernel.buffers.map((_, slot) => ({ slot }));
  const partials = plan.product.kind === 'partial' ? [{ scratch: 0 }] : [];
  const shared = partials.length === 0 ? 0 : plan.splits * plan.batch * plan.m.total * plan.n.total * plan.width;
  const steps: KernelStep[] = [
    {
      target,
      args: [...slots, { private: 0 }, ...partials],
      extent: units,
      // The driver is cheap; the functions it calls tier up by themselves.
      tile: units,
      grain: 1,
      // Four lanes and two results an instruction.
      operations: (plan.batch * plan.m.total * plan.n.total * plan.k.total) / units / 8,
    },
  ];
  let scratchBytes = roundUp(shared, 64);
  let privateBytes = driver.scratchBytes;
  if (partials.length > 0) {
    const sum = sumOfPartials(kernel, plan.splits);
    const last = emitLoopSteps(module, sum, false, options.vectors, [...slots, ...partials], scratchBytes);
    steps.push(...last.steps);
    scratchBytes = last.scratchBytes;
    privateBytes = Math.max(privateBytes, last.privateBytes);
  }
  const product = { steps, scratchBytes, privateBytes, listing: () => listing(plan) };
  return emitBeside(module, kernel, beside.after, product, options.vectors);
}

function listing({ kernel, dtype, batch, m, n, k, nr, left, right, product, by, splits }: GemmPlan): string {
  const parts = splits > 1 ? `, k in ${splits} parts` : '';
  const head =
    `contract ${kernel.name}: ${batch} x [${m.total}, ${k.total}] x [${k.total}, ${n.total}] ${dtype}, packed, ` +
    `in ${by}, lhs ${left.kind}, rhs ${right.kind}, product in ${product.kind}, tiles ${MR} x ${nr}, ` +
    `blocks m ${m.piece}, n ${n.piece}, k ${k.piece}${parts}`;
  return [head, ...listContraction(kernel)].join('\n');
}

function emitDriver(d: GemmDriver, parts: readonly StagesBeside[], fused: boolean): FunctionRef {
  const { f, plan } = d;
  const [mBlocks, nBlocks, kBlocks] = [blockCount(plan.m), blockCount(plan.n), blockCount(plan.k)];
  const unit = d.lo;
  const group = f.local('i32');
  const first = f.local('i32');
  const last = f.local('i32');
  const firstK = f.local('i32');
  const lastK = f.local('i32');
  const left = leftOperand(d);
  const right = rightOperand(d);
  const product = productCode(d);
  const multiply = multiplyFunction(d, fused);
  const beside = besideCode(d, parts);

  for (const offsets of d.tables) fillTable(f, d.scratch, offsets);
  const exit = f.block();
  const again = f.loop();
  f.get(unit).get(d.hi).op('i32.ge_u').brIf(exit);
  // unit = ((part * batch + point) * blocks of columns + block of columns) * blocks of rows + block of rows
  f.get(unit).i32(mBlocks).op('i32.div_u').set(group);
  f.get(unit).i32(mBlocks).op('i32.rem_u').set(first);
  pushMin(
    f,
    () => f.i32(mBlocks),
    () => f.get(first).get(d.hi).op('i32.add').get(unit).op('i32.sub'),
  );
  f.set(last);
  f.get(group).i32(nBlocks).op('i32.rem_u').set(d.n.block);
  f.get(group).i32(nBlocks).op('i32.div_u').tee(group).i32(plan.batch).op('i32.rem_u').set(d.batch);
  f.get(group).i32(plan.batch).op('i32.div_u').tee(d.part);
  f.i32(plan.blocksPerSplit).op('i32.mul').set(firstK);
  pushMin(
    f,
    () => f.get(firstK).i32(plan.blocksPerSplit).op('i32.add'),
    () => f.i32(kBlocks),
  );
  f.set(lastK);
  d.moveTo(d.n, plan.n);
  left.open();
  right.open();
  product.open();
  const eachK = (body: () => void): void => {
    f.get(firstK).set(d.k.block);
    countedLoop(f, d.k.block, { local: lastK }, 1, () => {
      d.moveTo(d.k, plan.k);
      body();
    });
  };
  /** How much of k comes before the block at hand in what is prepared. */
  const before = (): void => {
    if (!plan.wholeRight) f.i32(0);
    else if (plan.splits === 1) f.get(d.k.start);
    else {
      f.get(d.k.start);
      pushBlockStart(f, plan.k, firstK);
      f.op('i32.sub');
    }
  };
  if (plan.wholeRight)
    eachK(() => {
      right.prepare(before);
    });
  beside.n(() => f.get(first).op('i32.eqz'));
  f.get(first).set(d.m.block);
  countedLoop(f, d.m.block, { local: last }, 1, () => {
    d.moveTo(d.m, plan.m);
    eachK(() => {
      if (!plan.wholeRight) right.prepare(before);
      left.prepare(before);
      left.address(before);
      right.address(before);
      product.address();
      f.get(d.m.size).get(d.n.size).get(d.k.size);
      f.get(d.k.block).get(firstK).op('i32.ne');
      f.call(multiply);
    });
    product.finish();
    beside.m(() => f.get(d.n.block).op('i32.eqz'));
  });
  f.get(unit).get(last).op('i32.add').get(first).op('i32.sub').set(unit).br(again);
  f.end().end();
  return f;
}

/** Where the block of the product at hand is, and what happens to it at the end. */
function productCode(d: GemmDriver): { open(): void; address(): void; finish(): void } {
  const { f, plan, module } = d;
  const { kernel, product, m, n, width } = plan;
  const nothing = (): void => undefined;
  const base = f.local('i32');
  switch (product.kind) {
    case 'out':
      return {
        open: () => {
          d.pushBase(product.out, 'outStride');
          f.set(base);
        },
        address: () => {
          f.get(base);
          d.addScaled(d.m.start, product.rowStride);
          d.addScaled(d.n.start, 1);
        },
        finish: nothing,
      };
    case 'partial':
      return {
        open: () => {
          f.get(d.partial).get(d.part).i32(plan.batch).op('i32.mul').get(d.batch).op('i32.add');
          f.i32(m.total * n.total * width)
            .op('i32.mul')
            .op('i32.add')
            .set(base);
        },
        address: () => {
          f.get(base);
          d.addScaled(d.m.start, n.total);
          d.addScaled(d.n.start, 1);
        },
        finish: nothing,
      };
    case 'block': {
      const at = d.allocate(product.stride * m.piece * width);
      const store = storeFunction(module, `${kernel.name}.store`, kernel, n, product.stride, d.vectors);
      const address = (): void => {
        d.pushScratch(at);
      };
      return {
        open: nothing,
        address,
        finish: () => {
          d.callBlock(store, address, product.stride, d.m, d.n.block);
        },
      };
    }
  }
}

/** `(a, b, c, m, n, k, accumulate)`: multiply blocks. */
function multiplyFunction({ module, plan }: GemmDriver, fused: boolean): FunctionRef {
  const layout = layoutOf(plan, fused);
  const { name } = plan.kernel;
  switch (plan.by) {
    case 'tiles':
      return tilesFunction(module, name, layout, plan.m, plan.n);
    case 'rows':
      return rowsFunction(module, name, layout.format, plan.m.total);
    case 'dots': {
      const column = plan.right.kind === 'direct' ? plan.right.column : 1;
      return dotsFunction(module, name, layout.format, plan.m.total, column * plan.width, plan.k);
    }
  }
}

/** How the blocks that tiles are made of lie in memory. */
function layoutOf(plan: GemmPlan, fused: boolean): BlockLayout {
  const { dtype, width, nr, left, right, product, n } = plan;
  const [leftRow, leftStep] =
    left.kind === 'packed'
      ? [1, MR]
      : left.kind === 'direct'
        ? [left.rowStride, left.step]
        : left.across
          ? [1, left.matrix.stride]
          : [left.matrix.stride, 1];
  const direct = right.kind === 'direct' || (right.kind === 'computed' && right.across);
  const rightStep =
    right.kind === 'direct' ? right.step : right.kind === 'computed' && right.across ? right.matrix.stride : nr;
  const rowStride = product.kind === 'out' ? product.rowStride : product.kind === 'partial' ? n.total : product.stride;
  return {
    format: {
      dtype,
      leftRow: leftRow * width,
      leftStep: leftStep * width,
      rightStep: rightStep * width,
      padded: right.kind !== 'direct',
      rowBytes: rowStride * width,
      fused,
    },
    leftTile: left.kind === 'packed' ? undefined : MR * leftRow * width,
    rightColumn: direct ? width : undefined,
    nr,
  };
}
