/**
 * What is computed beside a matrix product: with the block of an operand that it reads, when the block is first at hand,
 * or, where a block is not all of k or ends inside an axis, in steps of its own after the product.
 */
import type { ContractKernel, LoopKernel, StagesBeside } from '../../compiler/loop-ir.js';
import type { ModuleBuilder } from './assembler.js';
import { blockFunction } from './gemm-block-kernel.js';
import type { GemmDriver } from './gemm-driver.js';
import type { GemmPlan } from './gemm-plan.js';
import type { EmittedKernel } from './kernel-step.js';
import { emitLoopSteps } from './loop-steps.js';
import type { VectorMode } from './vectorise.js';

/** The parts that are computed block by block, and the others. */
export function placeBeside({ kernel, splits }: GemmPlan): { inside: StagesBeside[]; after: StagesBeside[] } {
  const inside: StagesBeside[] = [];
  const after: StagesBeside[] = [];
  for (const part of kernel.beside ?? []) (splits === 1 && kernel[part.of].length === 1 ? inside : after).push(part);
  return { inside, after };
}

/** The kernel with steps for `parts` after its own. */
export function emitBeside(
  module: ModuleBuilder,
  kernel: ContractKernel,
  parts: readonly StagesBeside[],
  product: EmittedKernel,
  vectors: VectorMode,
): EmittedKernel {
  return parts.reduce((before, part, i): EmittedKernel => {
    const loops = loopsOf(kernel, part, i);
    const slots = kernel.buffers.map((_, slot) => ({ slot }));
    const next = emitLoopSteps(module, loops, false, vectors, slots, before.scratchBytes);
    return {
      steps: [...before.steps, ...next.steps],
      scratchBytes: next.scratchBytes,
      privateBytes: Math.max(before.privateBytes, next.privateBytes),
      listing: () => before.listing(),
    };
  }, product);
}

function loopsOf({ name, buffers, batch, ...axes }: ContractKernel, part: StagesBeside, i: number): LoopKernel {
  const loops = [...batch, ...axes[part.of]].map(({ id, extent }) => ({ id, extent }));
  return { kind: 'loop', name: `${name}.beside${i}`, buffers, loops, stages: part.stages };
}

/** Code for each block of rows (`m`) and of columns (`n`): what is beside them, if the other block is the first one. */
export function besideCode(
  d: GemmDriver,
  parts: readonly StagesBeside[],
): Record<'m' | 'n', (isFirst: () => void) => void> {
  const { f, plan, module } = d;
  const { kernel } = plan;
  const functions = parts.map(({ of, stages }, i) => ({
    of,
    target: blockFunction(
      module,
      `${kernel.name}.beside${i}`,
      kernel.buffers,
      {
        batch: kernel.batch,
        rows: [],
        columns: kernel[of],
        blocks: plan[of],
        taken: stages.flatMap((stage) => stage.loops.map((l) => l.id)),
      },
      () => stages,
      d.vectors,
    ),
  }));
  const code = (of: 'm' | 'n') => (isFirst: () => void) => {
    const here = functions.filter((g) => g.of === of);
    if (here.length === 0) return;
    isFirst();
    f.if();
    for (const { target } of here) {
      d.pushSlots();
      f.i32(0).i32(1).get(d.batch).get(d[of].block).call(target);
    }
    f.end();
  };
  return { m: code('m'), n: code('n') };
}
