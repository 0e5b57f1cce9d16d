/**
 * Fusion: which values are computed inside others, and which share a kernel. Views are index arithmetic and never
 * computed; a value read once, without repetition, is computed where it is read; the rest are members of groups, one
 * kernel each: maps over the same space, reductions with their prologue, and epilogues of reductions.
 */
import { sameShape, type Shape } from '../core/aval.js';
import { dropAxes, nth } from '../core/axes.js';
import { Var, type Atom } from '../core/primitive.js';
import type { FlatProgram, LoweredEqn } from './inline.js';
import { isView, stridedView } from './views.js';

/** Equations that become one kernel. `loop` groups may have several members, the other kinds have one. */
export interface Group {
  readonly kind: 'loop' | 'cumulative' | 'scatter' | 'contract' | 'sort';
  /** The space of the outer loops of a `loop` group. */
  readonly shape: Shape;
  readonly members: LoweredEqn[];
  /** Groups this one needs, directly or not. */
  readonly ancestors: Set<Group>;
}

export interface Fusion {
  readonly groups: readonly Group[];
  /** Values that some group computes as a member; all others are inlined. */
  readonly groupOf: ReadonlyMap<Var, Group>;
}

/**
 * Work per element, in cheap operations: of one inlined value, beyond which it is stored even if it is read once, and
 * of a whole kernel. The bounds keep kernels compilable: expression trees are walked recursively.
 */
const MAX_INLINED = 200;
const MAX_KERNEL = 600;
/** What an expensive operation (a transcendental function, random bits) counts. */
const EXPENSIVE = 12;
/** Buffers of one kernel. */
const MAX_BUFFERS = 40;

/** Decide which values are members of groups. `alignedIn` says whether an equation can be computed inside a group. */
export function fuse(
  program: FlatProgram,
  alignedIn: (eqn: LoweredEqn, group: Group, fusion: Fusion) => boolean,
): Fusion {
  const producer = new Map<Var, LoweredEqn>();
  for (const eqn of program.eqns) eqn.outputs.forEach((v) => producer.set(v, eqn));
  const { members, work } = chooseMembers(program, producer);

  const groups: Group[] = [];
  const groupOf = new Map<Var, Group>();
  const fusion: Fusion = { groups, groupOf };
  const workOf = new Map<Group, number>();
  const readCache = new Map<LoweredEqn, ReadonlySet<Var>>();
  /** Inputs and members that an equation reads through inlined values. */
  const reads = (eqn: LoweredEqn): ReadonlySet<Var> => {
    let found = readCache.get(eqn);
    if (found === undefined) {
      const all = new Set<Var>();
      for (const a of eqn.inputs) {
        if (!(a instanceof Var)) continue;
        const source = producer.get(a);
        if (source === undefined || members.has(a)) all.add(a);
        else reads(source).forEach((v) => all.add(v));
      }
      found = all;
      readCache.set(eqn, found);
    }
    return found;
  };

  for (const eqn of program.eqns) {
    if (!eqn.outputs.some((v) => members.has(v))) continue;
    const needed = new Set([...reads(eqn)].map((v) => groupOf.get(v)).filter((g) => g !== undefined));
    const group = findGroup(eqn, needed) ?? createGroup(eqn, groups);
    group.members.push(eqn);
    workOf.set(group, (workOf.get(group) ?? 0) + (work.get(eqn) ?? 1));
    for (const g of needed) if (g !== group) addAncestor(group, g, groups);
    eqn.outputs.forEach((v) => groupOf.set(v, group));
  }
  return fusion;

  function findGroup(eqn: LoweredEqn, needed: ReadonlySet<Group>): Group | undefined {
    const { kind } = eqn.lowering;
    if (kind !== 'map' && kind !== 'reduce') return undefined;
    const shape = spaceOf(eqn);
    const mine = reads(eqn);
    // Producers first, then siblings, the most recent ones first.
    const candidates = [
      ...needed,
      ...groups
        .slice(-16)
        .reverse()
        .filter((g) => !needed.has(g)),
    ];
    return candidates.find((group) => {
      if (group.kind !== 'loop' || !sameShape(group.shape, shape)) return false;
      if ([...needed].some((g) => g !== group && g.ancestors.has(group))) return false;
      if (!needed.has(group)) {
        const shared = group.members.some((m) => [...reads(m)].some((v) => mine.has(v)));
        if (!shared && !(shape.length === 0 && kind === 'map')) return false;
      }
      if ((workOf.get(group) ?? 0) + (work.get(eqn) ?? 1) > MAX_KERNEL) return false;
      if (kind === 'reduce' && !group.members.some((m) => sameReduction(m, eqn))) return false;
      const buffers = new Set([...mine, ...group.members.flatMap((m) => [...reads(m), ...m.outputs])]);
      return buffers.size + eqn.outputs.length <= MAX_BUFFERS && alignedIn(eqn, group, fusion);
    });
  }
}

/** The space of the outer loops: the result's shape. */
const spaceOf = (eqn: LoweredEqn): Shape =>
  eqn.lowering.kind === 'reduce'
    ? dropAxes(nth(eqn.inputs, 0).aval.shape, eqn.lowering.axes)
    : nth(eqn.outputs, 0).aval.shape;

const sameReduction = (a: LoweredEqn, b: LoweredEqn): boolean =>
  a.lowering.kind === 'reduce' &&
  b.lowering.kind === 'reduce' &&
  sameShape(nth(a.inputs, 0).aval.shape, nth(b.inputs, 0).aval.shape) &&
  sameShape(a.lowering.axes, b.lowering.axes);

function createGroup(eqn: LoweredEqn, groups: Group[]): Group {
  const { kind } = eqn.lowering;
  if (kind === 'scan' || kind === 'while' || kind === 'cond')
    throw new Error(`${eqn.primitive.name}: the compiler does not run ${kind} yet`);
  const group: Group = {
    kind: kind === 'map' || kind === 'reduce' ? 'loop' : kind,
    shape: spaceOf(eqn),
    members: [],
    ancestors: new Set(),
  };
  groups.push(group);
  return group;
}

function addAncestor(group: Group, ancestor: Group, groups: readonly Group[]): void {
  const added = [ancestor, ...ancestor.ancestors];
  for (const g of groups) if (g === group || g.ancestors.has(group)) added.forEach((a) => g.ancestors.add(a));
}

/** Values that are not inlined. */
function chooseMembers(
  program: FlatProgram,
  producer: ReadonlyMap<Var, LoweredEqn>,
): { members: ReadonlySet<Var>; work: ReadonlyMap<LoweredEqn, number> } {
  const members = new Set<Var>();
  const outputs = new Set<Atom>(program.outputs);
  const uses = new Map<Var, { count: number; repeated: boolean; needsBuffer: boolean }>();
  const useOf = (v: Var): { count: number; repeated: boolean; needsBuffer: boolean } => {
    let use = uses.get(v);
    if (use === undefined) uses.set(v, (use = { count: 0, repeated: false, needsBuffer: false }));
    return use;
  };
  // Backwards, so that what is known of a view's result can be passed on to its operand.
  for (let i = program.eqns.length - 1; i >= 0; i--) {
    const eqn = nth(program.eqns, i);
    for (const v of eqn.outputs) {
      const use = useOf(v);
      const compute = !isView(eqn);
      const barrier = eqn.lowering.kind === 'map' && eqn.lowering.barrier === true;
      if (
        eqn.lowering.kind !== 'map' ||
        barrier ||
        outputs.has(v) ||
        (compute && (use.count > 1 || use.repeated)) ||
        (use.needsBuffer && (compute || stridedView(v, producer) === undefined))
      ) {
        members.add(v);
      }
    }
    const through = isView(eqn) && eqn.outputs.every((v) => !members.has(v));
    const size = Math.max(
      ...eqn.outputs.map((v) => v.aval.size),
      eqn.lowering.kind === 'reduce' ? nth(eqn.inputs, 0).aval.size : 0,
    );
    for (const a of new Set(eqn.inputs)) {
      if (!(a instanceof Var) || producer.get(a) === undefined) continue;
      const use = useOf(a);
      const passed = through ? useOf(nth(eqn.outputs, 0)) : undefined;
      use.count += passed?.count ?? 1;
      use.needsBuffer ||= passed?.needsBuffer ?? eqn.lowering.kind === 'contract';
      // A sort reads whole arrays in their own order.
      if (eqn.lowering.kind === 'sort') members.add(a);
      use.repeated ||= size > a.aval.size || (passed?.repeated ?? false);
    }
  }
  return { members, work: limitInlining(program, members) };
}

/** Make members of inlined values that grow too large; returns the work of each equation with what is inlined in it. */
function limitInlining(program: FlatProgram, members: Set<Var>): Map<LoweredEqn, number> {
  const inlined = new Map<Var, number>();
  const work = new Map<LoweredEqn, number>();
  for (const eqn of program.eqns) {
    const own = eqn.lowering.kind === 'map' && eqn.lowering.cost === 'expensive' ? EXPENSIVE : 1;
    const total = eqn.inputs.reduce(
      (sum, a) => sum + (a instanceof Var && !members.has(a) ? (inlined.get(a) ?? 0) : 0),
      own,
    );
    work.set(eqn, total);
    if (total > MAX_INLINED && !isView(eqn) && eqn.lowering.kind === 'map') eqn.outputs.forEach((v) => members.add(v));
    eqn.outputs.forEach((v) => inlined.set(v, total));
  }
  return work;
}
