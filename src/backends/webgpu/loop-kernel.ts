/**
 * Loop kernels as compute shaders: whether a point of the outer loops is the work of an invocation or of a workgroup, and how
 * many of them are launched.
 */
import type { LazySelects } from '../../compiler/lazy.js';
import type { LoopKernel } from '../../compiler/loop-ir.js';
import { stageRoots } from '../../compiler/stages.js';
import { lazySelects } from './branch.js';
import type { GpuCapabilities } from './capabilities.js';
import { LANES } from './lanes.js';
import { LoopEmitter } from './loop-emitter.js';
import { Printer, type SlotAccess } from './printer.js';
import { flatPoints, flatStage, freshLoops } from './rewrite.js';
import { kindOf, readsAlong, sizeOf, type StageKind } from './stage-kind.js';
import { vectorPoints, vectorStages, type SlotMemory, type Vectors } from './vectors.js';

/** Invocations of a workgroup whose points are single invocations. */
const THREADS = 64;
/** The largest workgroup that every device has (WebGPU's default limit of invocations), and its memory. */
const MAX_GROUP = 256;
const GROUP_BYTES = 16384;
/** Iterations of a stage from which a workgroup shares them. */
const SHARED_FROM = 32;
/**
 * The same of a scan, by its points: invocations that go each along a row of their own neither wait for others nor add
 * anything twice, and what they read beside each other stays in the cache while rows are short.
 */
const SCANS_SHARED_FROM: readonly (readonly [points: number, iterations: number])[] = [
  [16384, 257],
  [1024, 65],
];
/** Points from which a device is busy with workgroups of 64 and of 32 invocations, which wait for fewer others. */
const MANY_POINTS = 128;
const MOST_POINTS = 1024;
/** Points that are too few for an invocation each to keep a device busy. */
const FEW_POINTS = 64;
/** Workgroups that are launched for points that are single invocations; each does several if there are more. */
const MAX_LAUNCHED = 8192;

/** A shader without its bindings, and how many workgroups to launch. */
export interface KernelShader {
  readonly workgroupSize: number;
  /** Declarations outside of functions. */
  readonly declarations: string;
  readonly body: string;
  readonly usesSubgroups: boolean;
  /** Workgroups for a number of points of the outermost loop; constant unless the extent comes at run time. */
  readonly groups: (extent: number) => number;
}

/** Slots that a scatter combines into: several iterations may meet at one element. */
export function atomicSlots(kernel: LoopKernel): Set<number> {
  return new Set(
    kernel.stages.flatMap((stage) =>
      stage.ordered && stage.accumulators.length === 0
        ? stage.stores.filter((t) => t.combine !== undefined).map((t) => t.buffer)
        : [],
    ),
  );
}

/** Iterations of a stage from which the workgroup of a point shares them. */
const sharedFrom = (kind: StageKind, points: number): number =>
  (kind === 'scan' ? SCANS_SHARED_FROM.find(([many]) => points >= many)?.[1] : undefined) ?? SHARED_FROM;

/** Whether a point is the work of a workgroup. A driver that is a CPU has no use for more invocations than keep its cores busy. */
function usesGroups({ loops, stages }: LoopKernel, { isCpu }: GpuCapabilities): boolean {
  const shared = stages.filter(
    (s) => kindOf(s) !== 'serial' && sizeOf(s.loops) >= sharedFrom(kindOf(s), sizeOf(loops)),
  );
  if (shared.length === 0) return false;
  return sizeOf(loops) < FEW_POINTS || (!isCpu && shared.every(readsAlong));
}

/** Invocations that share a point. */
function groupSize(kernel: LoopKernel): number {
  const largest = Math.max(...kernel.stages.map((s) => sizeOf(s.loops)));
  const accumulators = kernel.stages.reduce((n, s) => n + s.accumulators.length, 0);
  const points = sizeOf(kernel.loops);
  const most = Math.min(
    points < MANY_POINTS ? MAX_GROUP : points < MOST_POINTS ? 64 : 32,
    2 ** Math.floor(Math.log2(GROUP_BYTES / (4 * Math.max(1, accumulators)))),
  );
  return Math.min(most, Math.max(32, 2 ** Math.ceil(Math.log2(largest / 4))));
}

/** The stages of a scatter as points of their own: its order is that of no device. */
function withoutOrder(kernel: LoopKernel): LoopKernel {
  const [stage, ...rest] = kernel.stages;
  if (stage === undefined || rest.length > 0 || !stage.ordered || stage.accumulators.length > 0) return kernel;
  return { ...kernel, loops: [...kernel.loops, ...stage.loops], stages: [{ ...stage, loops: [] }] };
}

/** A loop kernel as it is printed. */
export interface LoopPlan {
  readonly kernel: LoopKernel;
  readonly inGroups: boolean;
  readonly vectors: Vectors;
  readonly lazy: LazySelects;
}

export function planLoop(
  original: LoopKernel,
  slots: readonly SlotMemory[],
  dynamicExtent: boolean,
  capabilities: GpuCapabilities,
): LoopPlan {
  const kernel = flatPoints(withoutOrder(original));
  const fresh = freshLoops(kernel);
  const lazyOf = ({ stages }: LoopKernel): LazySelects => lazySelects(stages.flatMap(stageRoots), capabilities);
  const flat = { ...kernel, stages: kernel.stages.map((s) => (kindOf(s) === 'serial' ? s : flatStage(s, fresh))) };
  const inGroups = usesGroups(kernel, capabilities);
  const inStages = (): Vectors => vectorStages(flat, fresh, slots, lazyOf(flat).always);
  if (inGroups) return { kernel: flat, inGroups, vectors: inStages(), lazy: lazyOf(flat) };
  const points = vectorPoints(kernel, fresh, slots, dynamicExtent, lazyOf(kernel).always);
  if (points.points !== undefined || !capabilities.isCpu)
    return { kernel, inGroups, vectors: points, lazy: lazyOf(kernel) };
  // Each invocation goes along a row of its own.
  const vectors = inStages();
  const stages = kernel.stages.map((stage, i) => {
    const other = flat.stages[i];
    return other !== undefined && vectors.stages.has(other) ? other : stage;
  });
  const rows = { ...kernel, stages };
  return { kernel: rows, inGroups, vectors, lazy: lazyOf(rows) };
}

export function loopShader(
  { kernel, inGroups, vectors, lazy }: LoopPlan,
  slots: readonly SlotAccess[],
  dynamicExtent: boolean,
  capabilities: GpuCapabilities,
): KernelShader & { readonly prelude: string } {
  const printer = new Printer(slots, lazy);
  const emitter = new LoopEmitter(printer, kernel, vectors, capabilities);
  const common = (): Pick<KernelShader, 'declarations' | 'body' | 'usesSubgroups'> & { prelude: string } => ({
    declarations: emitter.declarations,
    prelude: printer.prelude,
    body: printer.text,
    usesSubgroups: emitter.usesSubgroups,
  });
  const points = sizeOf(kernel.loops);
  if (inGroups) {
    const workgroupSize = groupSize(kernel);
    emitter.group(workgroupSize);
    return { workgroupSize, ...common(), groups: () => points };
  }
  emitter.invocation(THREADS, dynamicExtent);
  const each = vectors.points === undefined ? 1 : LANES;
  return {
    workgroupSize: THREADS,
    ...common(),
    groups: (extent) => Math.min(MAX_LAUNCHED, Math.ceil((dynamicExtent ? extent : points) / each / THREADS)),
  };
}
