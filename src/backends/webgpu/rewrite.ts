/** Rewriting kernels: loop variables as expressions of others, and slots that nothing uses left out. */
import { addIndex, divIndex, isNonNegative, modIndex, mulIndex, splitIndex, subIndex } from '../../core/index-expr.js';
import { loopVar, mapOperands, type Expr, type LoopVar } from '../../core/scalar.js';
import type { BufferSlot, Loop, LoopKernel, Stage } from '../../compiler/loop-ir.js';
import { mapStage, renaming } from '../../compiler/stages.js';
import { sizeOf, walk } from './stage-kind.js';

/** Index arithmetic as it would have been built from the operands it has now. */
function rebuilt(e: Expr): Expr {
  if (e.type !== 'int32' || !('y' in e) || e.op === 'select') return e;
  const c = e.y.op === 'const' ? Number(e.y.value) : undefined;
  switch (e.op) {
    case 'add':
      return addIndex(e.x, e.y);
    case 'sub':
      return subIndex(e.x, e.y);
    case 'mul':
      return c === undefined ? e : mulIndex(e.x, c);
    case 'div':
      return c !== undefined && c > 0 && isNonNegative(e.x) ? divIndex(e.x, c) : e;
    case 'rem':
      return c !== undefined && c > 0 && isNonNegative(e.x) ? modIndex(e.x, c) : e;
    default:
      return e;
  }
}

/** Expressions with leaves (variables, accumulators) replaced; nodes shared before are shared after. */
export function replacing(leaf: (e: Expr) => Expr | undefined): (e: Expr) => Expr {
  const known = new Map<Expr, Expr>();
  const visit = (e: Expr): Expr => {
    let result = known.get(e);
    if (result === undefined) {
      const mapped = leaf(e) ?? mapOperands(e, visit);
      result = mapped === e || leaf(e) !== undefined ? mapped : rebuilt(mapped);
      known.set(e, result);
    }
    return result;
  };
  return visit;
}

/** Replaces the variables of loops by those of their position, flat in row-major order. */
export function atPosition(loops: readonly Loop[], position: Expr): (e: Expr) => Expr {
  const index = splitIndex(
    position,
    loops.map((l) => l.extent),
  );
  const values = new Map(loops.map((l, i) => [l.id, index[i]]));
  return replacing((e) => (e.op === 'var' ? values.get(e.id) : undefined));
}

/** A loop variable that a kernel does not have yet. */
export function freshLoops({ loops, stages }: LoopKernel): (extent: number) => LoopVar {
  let next = 1 + Math.max(-1, ...[...loops, ...stages.flatMap((s) => s.loops)].map((l) => l.id));
  return (extent) => loopVar(next++, extent);
}

export const loopOf = ({ id, extent }: LoopVar): Loop => ({ id, extent });

/** The stage with one loop instead of several, if there is anything to iterate. */
export function flatStage(stage: Stage, fresh: (extent: number) => LoopVar): Stage {
  const total = sizeOf(stage.loops);
  if (stage.loops.length < 2 || total === 0) return stage;
  const position = fresh(total);
  return { ...mapStage(stage, atPosition(stage.loops, position)), loops: [loopOf(position)] };
}

/** The kernel with one outer loop instead of several. */
export function flatPoints(kernel: LoopKernel): LoopKernel {
  const total = sizeOf(kernel.loops);
  if (kernel.loops.length < 2 || total === 0) return kernel;
  const position = freshLoops(kernel)(total);
  const rewrite = atPosition(kernel.loops, position);
  return { ...kernel, loops: [loopOf(position)], stages: kernel.stages.map((s) => mapStage(s, rewrite)) };
}

/** The kernel with the slots that it uses, and where they were; their access is what it does with them. */
export function withUsedSlots(kernel: LoopKernel): { kernel: LoopKernel; slots: readonly number[] } {
  const [read, written] = [new Set<number>(), new Set<number>()];
  const note = (e: Expr): Expr => {
    walk([e], (x) => {
      if (x.op === 'load') read.add(x.buffer);
    });
    return e;
  };
  for (const stage of kernel.stages) {
    mapStage(stage, note);
    for (const t of stage.stores) {
      written.add(t.buffer);
      if (t.combine !== undefined || t.mask !== undefined) read.add(t.buffer);
    }
  }
  const slots = kernel.buffers.map((_, slot) => slot).filter((slot) => read.has(slot) || written.has(slot));
  const renamed = new Map(slots.map((slot, i) => [slot, i]));
  const rename = (slot: number): number => renamed.get(slot) ?? -1;
  const visit = renaming(rename);
  const stages = kernel.stages.map((stage) => {
    const mapped = mapStage(stage, visit);
    return { ...mapped, stores: mapped.stores.map((t) => ({ ...t, buffer: rename(t.buffer) })) };
  });
  const buffers = slots.flatMap((slot): BufferSlot[] => {
    const buffer = kernel.buffers[slot];
    if (buffer === undefined) return [];
    return [{ ...buffer, access: !written.has(slot) ? 'read' : read.has(slot) ? 'readwrite' : 'write' }];
  });
  return { kernel: { ...kernel, buffers, stages }, slots };
}
