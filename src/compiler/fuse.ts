/**
 * Fusion: which values share a kernel. Members (see members.ts) form groups, one kernel each: maps over the same space,
 * reductions with what they reduce and what is done with their results, and whole rows: reductions along a row, values
 * of each row, and maps over all points of the rows that need them.
 */
import { byteWidth } from '../core/dtype.js';
import { sameShape, sizeOf, type Shape } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { Var } from '../core/primitive.js';
import { Alignment } from './alignment.js';
import { seatOf, type Seat } from './beside.js';
import type { Body, LoweredEqn } from './inline.js';
import { chooseMembers } from './members.js';
import { innerOf, placeOf, rowsOf, samePoints, type Space } from './space.js';

/** Equations that become one kernel: any number of a `loop`, a product and its epilogue of a `contract`, or one. */
export interface Group extends Space {
  readonly kind: 'loop' | 'cumulative' | 'scatter' | 'contract' | 'sort' | 'repeat' | 'branch';
  shape: Shape;
  axes: readonly number[];
  /** Of a `contract` group: for each axis of the product the axis of the space, -1 where its extent is 1. */
  permutation: readonly number[];
  readonly members: LoweredEqn[];
  /** For the values of a `loop` group: how many reductions of the group lie before it, one after the other. */
  readonly levels: Map<Var, number>;
  /** Groups this one needs, directly or not. */
  readonly ancestors: Set<Group>;
  /** Of a `contract` group: groups computed beside it, in its kernel. */
  readonly riders: Rider[];
}

/** A group that sums an operand of a product over what the product sums over. */
export interface Rider extends Seat {
  readonly group: Group;
}

export interface Fusion {
  readonly groups: readonly Group[];
  /** Values that some group computes as a member; all others are inlined. */
  readonly groupOf: ReadonlyMap<Var, Group>;
  /** Inputs and members that an equation reads, through inlined values. */
  readonly reads: (eqn: LoweredEqn) => ReadonlySet<Var>;
  /** Work of an element of an equation's result, with what is inlined in it, in cheap operations. */
  readonly work: ReadonlyMap<LoweredEqn, number>;
}

/** Work per element of a whole kernel: expression trees are walked recursively, and V8 compiles large functions slowly. */
const MAX_KERNEL = 600;
/** Buffers of one kernel. */
const MAX_BUFFERS = 40;
/** Bytes of a row that several stages walk over: it stays in the second-level cache with what is beside it. */
const MAX_ROW = 1 << 18;
/** Elements of a row where there are fewer than four: rows are what threads and tiles divide. */
const MAX_LONE_ROW = 8192;
/** Bytes of the whole space where rows are not contiguous. */
const MAX_SCATTERED = 1 << 18;

/** Decide which values are members of which groups. */
export function fuse(program: Body): Fusion {
  const producer = new Map<Var, LoweredEqn>();
  for (const eqn of program.eqns) eqn.outputs.forEach((v) => producer.set(v, eqn));
  const { members, work } = chooseMembers(program, producer);

  const groups: Group[] = [];
  const groupOf = new Map<Var, Group>();
  const workOf = new Map<Group, number>();
  const alignments = new Map<Group, Alignment>();
  const readCache = new Map<LoweredEqn, ReadonlySet<Var>>();
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
  const fusion: Fusion = { groups, groupOf, reads, work };

  for (const eqn of program.eqns) {
    if (!eqn.outputs.some((v) => members.has(v))) continue;
    const needed = new Set([...reads(eqn)].map((v) => groupOf.get(v)).filter((g) => g !== undefined));
    mergeNeeded(eqn, needed);
    const group = findGroup(eqn, needed) ?? createGroup(eqn, groups);
    const level = levelIn(eqn, group, fusion) + (eqn.lowering.kind === 'reduce' ? 1 : 0);
    group.members.push(eqn);
    workOf.set(group, (workOf.get(group) ?? 0) + (work.get(eqn) ?? 1));
    for (const g of needed) if (g !== group) addAncestor(group, g, groups);
    for (const v of eqn.outputs) {
      groupOf.set(v, group);
      group.levels.set(v, level);
    }
    if (group.kind === 'loop' || group.kind === 'contract') alignmentOf(group).add(eqn, reads(eqn), work.get(eqn) ?? 1);
  }
  mergeScalars();
  rideOnProducts();
  return fusion;

  /** Groups that an equation needs become one where the equation may then be in it. */
  function mergeNeeded(eqn: LoweredEqn, needed: Set<Group>): void {
    if (needed.size < 2) return;
    for (const group of [...needed].filter((g) => spaceWith(eqn, g) !== undefined)) {
      for (const other of [...needed]) {
        if (needed.has(group) && other !== group && absorb(group, other)) needed.delete(other);
      }
    }
  }

  /** What is computed once, of scalars, shares a kernel. */
  function mergeScalars(): void {
    const isSingle = (g: Group): boolean => g.kind === 'loop' && sizeOf(rowsOf(g)) === 1;
    for (const other of groups.filter((g) => isSingle(g) && sizeOf(g.shape) === 1))
      groups.find((group) => group !== other && isSingle(group) && absorb(group, other));
  }

  /** Let `group` compute what `other` does, if neither waits for the other and all values have a place there. */
  function absorb(group: Group, other: Group): boolean {
    if (group.kind !== 'loop' || other.kind !== 'loop' || group.ancestors.has(other) || other.ancestors.has(group))
      return false;
    const fits = other.members.every((m) => spaceWith(m, group) === group);
    if (!fits || (workOf.get(group) ?? 0) + (workOf.get(other) ?? 0) > MAX_KERNEL) return false;
    const all = [...group.members, ...other.members];
    if (new Set(all.flatMap((m) => [...reads(m), ...m.outputs])).size > MAX_BUFFERS) return false;
    const alignment = alignmentOf(group);
    for (const m of other.members) {
      group.members.push(m);
      alignment.add(m, reads(m), work.get(m) ?? 1);
      for (const v of m.outputs) groupOf.set(v, group);
    }
    other.levels.forEach((level, v) => group.levels.set(v, level));
    workOf.set(group, (workOf.get(group) ?? 0) + (workOf.get(other) ?? 0));
    replace(other, group);
    return true;
  }

  /** `group` is in place of `other`. */
  function replace(other: Group, group: Group): void {
    for (const a of other.ancestors) addAncestor(group, a, groups);
    for (const g of groups) {
      if (!g.ancestors.delete(other)) continue;
      addAncestor(g, group, groups);
    }
    groups.splice(groups.indexOf(other), 1);
  }

  /** Sums of what a product reads ride in its kernel (the gradient of a bias in that of the weights). */
  function rideOnProducts(): void {
    const hosts = groups.filter((g) => g.kind === 'contract');
    for (const rider of [...groups]) {
      const sum = rider.members.find((m) => m.lowering.kind === 'reduce');
      if (sum === undefined) continue;
      const summed = reads(sum);
      for (const host of hosts) {
        const product = nth(host.members, 0);
        if (![...reads(product)].some((v) => summed.has(v))) continue;
        if (rider.ancestors.has(host) || host.ancestors.has(rider)) continue;
        const seat = seatOf(rider, product, producer, (v) => groupOf.has(v));
        if (seat === undefined) continue;
        host.riders.push({ group: rider, ...seat });
        replace(rider, host);
        break;
      }
    }
  }

  function alignmentOf(group: Group): Alignment {
    let found = alignments.get(group);
    if (found === undefined) {
      found = new Alignment(group, producer, (v) => groupOf.has(v));
      alignments.set(group, found);
    }
    return found;
  }

  function findGroup(eqn: LoweredEqn, needed: ReadonlySet<Group>): Group | undefined {
    const { kind } = eqn.lowering;
    if (kind !== 'map' && kind !== 'reduce') return undefined;
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
      if (group.kind === 'contract') return needed.has(group) && joinsEpilogue(eqn, mine, group, needed);
      const space = spaceWith(eqn, group);
      if (space === undefined) return false;
      if ([...needed].some((g) => g !== group && g.ancestors.has(group))) return false;
      if (!needed.has(group) && !isSibling(eqn, mine, group)) return false;
      if (!hasRoom(eqn, mine, group)) return false;
      const alongRow = kind === 'reduce' || placeOf(nth(eqn.outputs, 0).aval.shape, space) === 'full';
      // A stage after another walks over the row again.
      if (
        alongRow &&
        levelIn(eqn, group, fusion) > 0 &&
        !rowsStayCached(space, byteWidth(nth(eqn.outputs, 0).aval.dtype))
      )
        return false;
      if (space === group) return alignmentOf(group).accepts(eqn);
      const alignment = new Alignment(space, producer, (v) => groupOf.has(v));
      for (const m of group.members) alignment.add(m, reads(m), work.get(m) ?? 1);
      if (!alignment.accepts(eqn)) return false;
      Object.assign(group, space);
      alignments.set(group, alignment);
      return true;
    });
  }

  function hasRoom(eqn: LoweredEqn, mine: ReadonlySet<Var>, group: Group): boolean {
    if ((workOf.get(group) ?? 0) + (work.get(eqn) ?? 1) > MAX_KERNEL) return false;
    const buffers = new Set([...mine, ...group.members.flatMap((m) => [...reads(m), ...m.outputs])]);
    return buffers.size + eqn.outputs.length <= MAX_BUFFERS;
  }

  /** Whether a map can be done with each element of a matrix product as it is computed; the first decides the space. */
  function joinsEpilogue(eqn: LoweredEqn, mine: ReadonlySet<Var>, group: Group, needed: ReadonlySet<Group>): boolean {
    if (eqn.lowering.kind !== 'map' || !hasRoom(eqn, mine, group)) return false;
    if ([...needed].some((g) => g !== group && g.ancestors.has(group))) return false;
    if (group.members.length > 1) return alignmentOf(group).accepts(eqn);
    const { shape } = nth(eqn.outputs, 0).aval;
    const alignment = new Alignment({ shape, axes: [] }, producer, (v) => groupOf.has(v));
    const permutation = alignment.adopt(nth(nth(group.members, 0).outputs, 0), eqn);
    if (permutation === undefined) return false;
    Object.assign(group, { shape, permutation });
    alignments.set(group, alignment);
    return true;
  }

  /** Whether a kernel of both reads something once that two would read twice. */
  function isSibling(eqn: LoweredEqn, mine: ReadonlySet<Var>, group: Group): boolean {
    const shape = nth(eqn.outputs, 0).aval.shape;
    const points = sizeOf(group.shape);
    if (eqn.lowering.kind === 'map' && sizeOf(shape) === 1 && sizeOf(rowsOf(group)) === 1) return true;
    const alongRow = eqn.lowering.kind === 'reduce' || placeOf(shape, group) === 'full';
    return group.members.some((m) => [...reads(m)].some((v) => mine.has(v) && (!alongRow || v.aval.size >= points)));
  }
}

/** The space of a group when `eqn` has joined it; undefined where it has no place there. */
function spaceWith(eqn: LoweredEqn, group: Group): Space | undefined {
  if (group.kind !== 'loop') return undefined;
  if (eqn.lowering.kind !== 'reduce')
    return placeOf(nth(eqn.outputs, 0).aval.shape, group) === undefined ? undefined : group;
  const { axes } = eqn.lowering;
  const { shape } = nth(eqn.inputs, 0).aval;
  if (sameShape(shape, group.shape) && sameShape(axes, group.axes)) return group;
  if (group.axes.length > 0 || !group.members.every((m) => m.lowering.kind === 'map')) return undefined;
  // The maps of the group become maps over all points of the rows, or values of the rows.
  const space = { shape, axes };
  return sameShape(shape, group.shape) || samePoints(group.shape, rowsOf(space)) ? space : undefined;
}

/** Whether the second walk over a row finds it in the cache. */
function rowsStayCached(space: Space, width: number): boolean {
  const { shape, axes } = space;
  const all = sizeOf(shape);
  const row = sizeOf(innerOf(space));
  const isLong = (d: number): boolean => shape[d] !== 1;
  const firstInner = Math.min(...axes.filter(isLong));
  const isContiguous = shape.every((_, d) => d < firstInner || axes.includes(d) || !isLong(d));
  if (!isContiguous) return all * width <= MAX_SCATTERED;
  return row * width <= MAX_ROW && (row <= MAX_LONE_ROW || all >= 4 * row);
}

function createGroup(eqn: LoweredEqn, groups: Group[]): Group {
  const { lowering } = eqn;
  const { kind } = lowering;
  const group: Group = {
    kind: kind === 'map' || kind === 'reduce' ? 'loop' : kind,
    shape: (kind === 'reduce' ? nth(eqn.inputs, 0) : nth(eqn.outputs, 0)).aval.shape,
    axes: lowering.kind === 'reduce' ? lowering.axes : [],
    permutation: nth(eqn.outputs, 0).aval.shape.map((n, d) => (n === 1 ? -1 : d)),
    members: [],
    levels: new Map(),
    ancestors: new Set(),
    riders: [],
  };
  groups.push(group);
  return group;
}

function addAncestor(group: Group, ancestor: Group, groups: readonly Group[]): void {
  const added = [ancestor, ...ancestor.ancestors];
  for (const g of groups) if (g === group || g.ancestors.has(group)) added.forEach((a) => g.ancestors.add(a));
}

/** How many reductions of the group lie before `eqn`, one after the other. */
export function levelIn(eqn: LoweredEqn, group: Group, { reads, groupOf }: Pick<Fusion, 'reads' | 'groupOf'>): number {
  let level = 0;
  for (const v of reads(eqn)) if (groupOf.get(v) === group) level = Math.max(level, group.levels.get(v) ?? 0);
  return level;
}
