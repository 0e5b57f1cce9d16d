/** From a simplified program to steps: the groups of each level in an order that respects their dependences, as kernels. */
import { nth } from '../core/axes.js';
import { Var } from '../core/primitive.js';
import { fuse, type Fusion, type Group } from './fuse.js';
import { isControl, type Body, type Control, type LoweredEqn, type Repeat } from './inline.js';
import type { BoundKernel } from './builder.js';
import { KernelMaker } from './kernels.js';
import type { Kernel } from './loop-ir.js';
import { sortKernel } from './sort.js';

/** A kernel and the values in its slots. */
export interface KernelStep extends BoundKernel<Kernel> {
  readonly kind: 'kernel';
}

/** A value carried by a loop: where the first iteration finds it, what an iteration finds and leaves, and the result. */
export interface CarriedValue {
  readonly initial: Var;
  readonly start: Var;
  readonly end: Var;
  readonly result: Var;
  /** Memory of the loop itself, where a new value is put that may not be written over the old one. */
  readonly spare: Var;
}

/** An array and its slice in an iteration. */
export interface SlicedValue {
  readonly whole: Var;
  readonly slice: Var;
}

export interface RepeatStep {
  readonly kind: 'loop';
  readonly trips:
    { readonly count: number; readonly reverse: boolean } | { readonly cond: ScheduledBody; readonly holds: Var };
  readonly carries: readonly CarriedValue[];
  readonly reads: readonly SlicedValue[];
  readonly writes: readonly SlicedValue[];
  readonly body: ScheduledBody;
}

export interface BranchStep {
  readonly kind: 'branch';
  readonly index: Var;
  readonly results: readonly Var[];
  readonly branches: readonly (ScheduledBody & { readonly results: readonly Var[] })[];
}

export type ScheduledStep = KernelStep | RepeatStep | BranchStep;
export interface ScheduledBody {
  readonly steps: readonly ScheduledStep[];
}

const variable = (a: LoweredEqn['inputs'][number]): Var => {
  if (!(a instanceof Var)) throw new Error('internal: a value of a loop or branch has no memory');
  return a;
};

/** The steps of a body whose loops and branches are prepared. */
export function schedule(body: Body): ScheduledBody {
  const maker = new KernelMaker(body);
  const fusion = fuse(body);
  return { steps: sortGroups(fusion.groups).flatMap((group) => stepsOf(group, maker, fusion)) };
}

function stepsOf(group: Group, maker: KernelMaker, fusion: Fusion): ScheduledStep[] {
  const eqn = nth(group.members, 0);
  if (isControl(eqn)) return [eqn.lowering.kind === 'repeat' ? repeatStep(eqn, eqn.lowering) : branchStep(eqn)];
  return kernelsOf(group, eqn, maker, fusion).map((bound) => ({ kind: 'kernel', ...bound }));
}

function kernelsOf(group: Group, eqn: LoweredEqn, maker: KernelMaker, fusion: Fusion): BoundKernel<Kernel>[] {
  switch (group.kind) {
    case 'loop':
      return [maker.loopKernel(group, fusion)];
    case 'cumulative':
      return [maker.cumulativeKernel(eqn, fusion)];
    case 'scatter':
      return maker.scatterKernels(eqn, fusion);
    case 'contract':
      return [maker.contractKernel(group, fusion)];
    case 'sort':
      return [sortKernel(eqn)];
    default:
      throw new Error(`internal: a group of kind ${group.kind} is no kernel`);
  }
}

function repeatStep(eqn: LoweredEqn<Control>, { body, numCarry, trips }: Repeat): RepeatStep {
  const operands = eqn.inputs.slice(0, body.inputs.length).map(variable);
  const slices = (wholes: readonly Var[], parts: readonly LoweredEqn['inputs'][number][]): SlicedValue[] =>
    wholes.slice(numCarry).map((whole, i) => ({ whole, slice: variable(nth(parts, numCarry + i)) }));
  const carries = operands.slice(0, numCarry).map((initial, i): CarriedValue => {
    const [start, end, result] = [nth(body.inputs, i), variable(nth(body.outputs, i)), nth(eqn.outputs, i)];
    return { initial, start, end, result, spare: new Var(start.aval) };
  });
  const scheduled = schedule(body);
  if ('count' in trips) {
    const [reads, writes] = [slices(operands, body.inputs), slices(eqn.outputs, body.outputs)];
    return { kind: 'loop', trips, carries, reads, writes, body: scheduled };
  }
  const { cond } = trips;
  const condition = { cond: schedule(cond), holds: variable(nth(cond.outputs, 0)) };
  return { kind: 'loop', trips: condition, carries, reads: [], writes: [], body: scheduled };
}

function branchStep(eqn: LoweredEqn<Control>): BranchStep {
  const { lowering } = eqn;
  if (lowering.kind !== 'branch') throw new Error('unreachable');
  const branches = lowering.branches.map((body) => ({ ...schedule(body), results: body.outputs.map(variable) }));
  return { kind: 'branch', index: variable(nth(eqn.inputs, 0)), results: eqn.outputs, branches };
}

/** Groups after everything they need; otherwise in order of creation. */
function sortGroups(groups: readonly Group[]): Group[] {
  const sorted: Group[] = [];
  const done = new Set<Group>();
  const visit = (group: Group): void => {
    if (done.has(group)) return;
    done.add(group);
    for (const g of groups) if (group.ancestors.has(g)) visit(g);
    sorted.push(group);
  };
  groups.forEach(visit);
  return sorted;
}
