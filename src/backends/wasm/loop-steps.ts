/** A loop kernel from the compiler as the functions that run it. */
import type { LoopKernel } from '../../compiler/loop-ir.js';
import { byteWidth } from '../../core/dtype.js';
import { operandsOf } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import { stageRoots } from '../../compiler/stages.js';
import type { ModuleBuilder } from './assembler.js';
import type { EmittedKernel, StepArgument } from './kernel-step.js';
import { tileFor } from './kernel-step.js';
import { listLoopKernel } from './listing.js';
import { emitLoopKernel } from './loop-kernel.js';
import { pairRows } from './pair-rows.js';
import { prepareLoopKernel } from './prepare.js';
import { splitReduction } from './split-reduction.js';
import { tileLoops } from './tile-loops.js';
import { product, roundUp } from './util.js';
import type { VectorMode } from './vectorise.js';
import { planVectors } from './vectorise.js';

/** Scalar operations of one iteration of the outermost loop, roughly. */
function operationsPerIteration(kernel: LoopKernel): number {
  let total = 0;
  for (const stage of kernel.stages) {
    const seen = new Set<Expr>();
    const visit = (e: Expr): void => {
      if (seen.has(e)) return;
      seen.add(e);
      operandsOf(e).forEach(visit);
    };
    stageRoots(stage).forEach(visit);
    total += Math.max(1, seen.size / 4) * product(stage.loops.map((l) => l.extent));
  }
  return total * product(kernel.loops.slice(1).map((l) => l.extent));
}

/**
 * Emit a loop kernel as one function, or, for long reductions, as several. `args` are the addresses of its slots, and
 * the first `scratchUsed` bytes of scratch are taken.
 */
export function emitLoopSteps(
  module: ModuleBuilder,
  source: LoopKernel,
  dynamic: boolean,
  vectors: VectorMode,
  args: readonly StepArgument[] = source.buffers.map((_, slot) => ({ slot })),
  scratchUsed = 0,
): EmittedKernel {
  return emitSteps(module, source, dynamic, vectors, args, scratchUsed);
}

function emitSteps(
  module: ModuleBuilder,
  source: LoopKernel,
  dynamic: boolean,
  vectors: VectorMode,
  args: readonly StepArgument[],
  scratchUsed: number,
  reorder = true,
): EmittedKernel {
  const prepared = prepareLoopKernel(source, dynamic);
  const plan = planVectors(prepared, vectors);
  const split = splitReduction(prepared, plan);
  if (split !== undefined) {
    let scratchBytes = scratchUsed;
    const allArgs = [...args];
    for (const slot of split.partialSlots) {
      allArgs.push({ scratch: scratchBytes });
      scratchBytes += roundUp(slot.length * byteWidth(slot.dtype), 64);
    }
    const first = emitSteps(module, split.partial, false, vectors, allArgs, scratchBytes);
    const second = emitSteps(module, split.final, false, vectors, allArgs, scratchBytes);
    return {
      steps: [...first.steps, ...second.steps],
      scratchBytes: Math.max(first.scratchBytes, second.scratchBytes),
      privateBytes: 0,
      listing: () => `${first.listing()}\n${second.listing()}`,
    };
  }
  const paired = reorder ? pairRows(prepared, plan) : undefined;
  if (paired !== undefined) return emitSteps(module, paired, false, vectors, args, scratchUsed, false);
  const tiled = reorder ? tileLoops(prepared) : undefined;
  if (tiled !== undefined) {
    const parts = tiled.map((part) => emitSteps(module, part, false, vectors, args, scratchUsed, false));
    return {
      steps: parts.flatMap((part) => part.steps),
      scratchBytes: scratchUsed,
      privateBytes: 0,
      listing: () => parts.map((part) => part.listing()).join('\n'),
    };
  }
  const { kernel } = prepared;
  const target = emitLoopKernel(module, prepared, plan);
  const outermost = kernel.loops[0];
  const operations = operationsPerIteration(kernel);
  return {
    steps: [
      {
        target,
        args,
        extent: dynamic ? 'dynamic' : outermost === undefined ? 1 : outermost.extent,
        tile: tileFor(operations),
        operations,
      },
    ],
    scratchBytes: scratchUsed,
    privateBytes: 0,
    listing: () => listLoopKernel(kernel, plan),
  };
}
