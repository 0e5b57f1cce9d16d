/**
 * Which parts of a loop kernel do four neighbouring elements at once: the points, or the iterations of stages that a
 * workgroup shares, if they read and write whole vectors of four. What is not aligned stays one by one: neighbouring
 * invocations then still have neighbouring elements.
 */
import type { Expr, LoopVar } from '../../core/scalar.js';
import type { LoopKernel, Stage } from '../../compiler/loop-ir.js';
import { bodyRoots, stageRoots } from '../../compiler/stages.js';
import { LANES, Lanes } from './lanes.js';
import { kindOf, walk } from './stage-kind.js';

/** Iterations of a stage from which every invocation of a small workgroup has a vector. */
const SHARED_FROM = 128;

/**
 * Operations for each element from which vectors gain nothing: arithmetic bounds the kernel, not memory, and four elements take four times the
 * registers.
 */
const MOST_OPERATIONS = 200;

/** How slots lie in what is bound. */
export interface SlotMemory {
  readonly binding: number;
  /** Whether its first element is at a multiple of 16 bytes, wherever it is. */
  readonly isAligned: boolean;
}

export interface Vectors {
  /** If an invocation does four points. */
  readonly points?: Lanes;
  /** The stages of which an invocation does four iterations. */
  readonly stages: ReadonlyMap<Stage, Lanes>;
  /** Bindings that hold vectors. */
  readonly bindings: ReadonlySet<number>;
}

const NONE: Vectors = { stages: new Map(), bindings: new Set() };

interface Access {
  readonly slot: number;
  readonly index: Expr;
  readonly isStore: boolean;
}

function accessesOf(stage: Stage): Access[] {
  const found: Access[] = stage.stores.map(({ buffer, index }) => ({ slot: buffer, index, isStore: true }));
  walk(stageRoots(stage), (e) => {
    if (e.op === 'load') found.push({ slot: e.buffer, index: e.index, isStore: false });
  });
  return found;
}

function isLight(stages: readonly Stage[], lanes: Lanes, always: ReadonlySet<Expr>): boolean {
  let operations = 0;
  walk(stages.flatMap(bodyRoots), (e) => {
    if (always.has(e) && lanes.of(e).kind !== 'uniform') operations += 1;
  });
  return operations <= MOST_OPERATIONS;
}

/** Whether the lanes of a stage read and write vectors, or all the same element. */
function suits(stage: Stage, lanes: Lanes, slots: readonly SlotMemory[]): boolean {
  const masks = stage.stores.flatMap((t) => t.mask ?? []);
  if (stage.ordered && stage.accumulators.length === 0) return false;
  if (masks.some((m) => lanes.of(m).kind !== 'uniform')) return false;
  return accessesOf(stage).every(({ slot, index, isStore }) => {
    const { kind, aligned } = lanes.of(index);
    if (kind === 'uniform') return !isStore;
    return kind === 'run' && aligned && slots[slot]?.isAligned === true;
  });
}

/** Four points at once. `always`: what is computed whatever the conditions of selects are. */
export function vectorPoints(
  kernel: LoopKernel,
  fresh: (extent: number) => LoopVar,
  slots: readonly SlotMemory[],
  dynamicExtent: boolean,
  always: ReadonlySet<Expr>,
): Vectors {
  const [loop] = kernel.loops;
  if (loop === undefined || kernel.loops.length > 1 || loop.extent < LANES) return NONE;
  const lanes = new Lanes(loop.id, fresh(Math.ceil(loop.extent / LANES)), () => true);
  if (!kernel.stages.every((stage) => suits(stage, lanes, slots)) || !isLight(kernel.stages, lanes, always))
    return NONE;
  const accesses = kernel.stages.flatMap(accessesOf);
  const runs = accesses.filter(({ index }) => lanes.of(index).kind === 'run');
  // Of a last vector that is not full, lanes beyond the end are in the padding of arrays that end there.
  const endsWithPoints = ({ slot, index }: Access): boolean =>
    index.op === 'var' && (dynamicExtent || kernel.buffers[slot]?.length === loop.extent);
  if ((dynamicExtent || loop.extent % LANES !== 0) && !runs.every(endsWithPoints)) return NONE;
  const bindingOf = ({ slot }: Access): number => slots[slot]?.binding ?? -1;
  const bindings = new Set(runs.map(bindingOf));
  if (bindings.size === 0 || accesses.some((a) => !runs.includes(a) && bindings.has(bindingOf(a)))) return NONE;
  return { points: lanes, stages: new Map(), bindings };
}

/** Four iterations at once of the stages that a workgroup shares, each of one loop. */
export function vectorStages(
  kernel: LoopKernel,
  fresh: (extent: number) => LoopVar,
  slots: readonly SlotMemory[],
  always: ReadonlySet<Expr>,
): Vectors {
  const stages = new Map<Stage, Lanes>();
  for (const stage of kernel.stages) {
    const [loop] = stage.loops;
    if (loop === undefined || stage.loops.length > 1 || kindOf(stage) !== 'shared') continue;
    if (loop.extent < SHARED_FROM || loop.extent % LANES !== 0) continue;
    const own = new Set(stage.accumulators.map((a) => a.id));
    const lanes = new Lanes(loop.id, fresh(loop.extent / LANES), (id) => own.has(id));
    if (suits(stage, lanes, slots) && isLight([stage], lanes, always)) stages.set(stage, lanes);
  }
  // A binding is read in one way by all.
  for (;;) {
    const [vectors, scalars] = [new Set<number>(), new Set<number>()];
    for (const stage of kernel.stages)
      for (const { slot, index } of accessesOf(stage)) {
        const isRun = stages.get(stage)?.of(index).kind === 'run';
        (isRun ? vectors : scalars).add(slots[slot]?.binding ?? -1);
      }
    const spoilt = [...stages].filter(([stage, lanes]) =>
      accessesOf(stage).some(
        ({ slot, index }) => lanes.of(index).kind === 'run' && scalars.has(slots[slot]?.binding ?? -1),
      ),
    );
    if (spoilt.length === 0) return { stages, bindings: vectors };
    for (const [stage] of spoilt) stages.delete(stage);
  }
}
