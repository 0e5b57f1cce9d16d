/**
 * Which values are computed once, by a kernel, and which wherever they are read. Views are index arithmetic and never
 * computed; a value that is read once, without repetition, is computed where it is read.
 */
import { computeType } from '../core/dtype.js';
import { sizeOf } from '../core/aval.js';
import { nth } from '../core/axes.js';
import type { MapLowering } from '../core/lowering.js';
import { Var, type Atom } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { isControl, type Body, type LoweredEqn } from './inline.js';
import { isView, stridedView } from './views.js';

/** Work per element of one inlined value, in cheap operations, beyond which it is stored even if it is read once. */
const MAX_INLINED = 200;
/** What an expensive operation (a transcendental function, random bits) counts. */
const EXPENSIVE = 12;

/** Work of a value that is computed wherever it is read, at most. */
const MAX_REMADE = 60;
/** Work of a value that is computed for every element it is repeated to, at most. */
const CHEAP_REPEATED = 4;
/** Nodes of an expression that are about an operation: those of indices are done once for many elements. */
const NODES_PER_OPERATION = 3;
/** How much smaller what it is made of must be. */
const REMADE_RATIO = 8;

/** Rows or columns up to which a product reads the other operand where it is, and so wants it stored. */
const FEW = 8;

/** How what reads a value wants it: computed wherever it is read, or so if that is cheap, or stored. */
const Want = { ANY: 0, STORED_IF_WORK: 1, STORED: 2 } as const;
type Want = (typeof Want)[keyof typeof Want];
const stricter = (a: Want, b: Want): Want => (a > b ? a : b);

interface Use {
  count: number;
  repeated: boolean;
  want: Want;
}

/**
 * A product reads an element of an operand once for each column (row) of the other one, or, in blocks, computes it once
 * for many of them while it packs the operand. A convolution does so for each window that the element is in.
 */
function wantOf({ lowering, inputs }: LoweredEqn, operand: number): Want {
  if (lowering.kind !== 'contract') return Want.ANY;
  const { batch, k } = lowering;
  const [m, n] = [sizeOf(lowering.m), sizeOf(lowering.n)];
  const [own, other] = operand === 0 ? [m, n] : [n, m];
  if (sizeOf(batch) * own * sizeOf(k) > nth(inputs, operand).aval.size) return Want.STORED;
  if (other === 1) return Want.ANY;
  return Math.min(m, n) > FEW ? Want.STORED_IF_WORK : Want.STORED;
}

/** Values that are not inlined. */
export function chooseMembers(
  program: Body,
  producer: ReadonlyMap<Var, LoweredEqn>,
): { members: ReadonlySet<Var>; work: ReadonlyMap<LoweredEqn, number> } {
  const members = new Set<Var>();
  const outputs = new Set<Atom>(program.outputs);
  const uses = new Map<Var, Use>();
  const useOf = (v: Var): Use => {
    let use = uses.get(v);
    if (use === undefined) uses.set(v, (use = { count: 0, repeated: false, want: Want.ANY }));
    return use;
  };
  const again = cheapAgain(program);
  // What is made of a product or a reduction of this program is computed in its kernel rather than while it is packed.
  const isCheap = (eqn: LoweredEqn): boolean => {
    const found = again.get(eqn);
    return found !== undefined && found.work <= CHEAP_REPEATED && !found.ofKernel;
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
        (compute && (use.count > 1 || use.repeated) && !isRemade(eqn, use, again)) ||
        (use.want > (use.count === 1 && isCheap(eqn) ? Want.STORED_IF_WORK : Want.ANY) &&
          !isRemade(eqn, { count: 1, repeated: false }, again) &&
          !isStridedView(v, eqn, producer))
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
      const want = eqn.inputs.map((x, i) => (x === a ? wantOf(eqn, i) : Want.ANY)).reduce(stricter);
      const use = useOf(a);
      const passed = through ? useOf(nth(eqn.outputs, 0)) : undefined;
      use.count += passed?.count ?? 1;
      use.want = stricter(use.want, passed?.want ?? want);
      // A sort reads whole arrays in their own order; loops and branches hand on where arrays are.
      if (eqn.lowering.kind === 'sort' || isControl(eqn)) members.add(a);
      use.repeated ||= size > a.aval.size || (passed?.repeated ?? false);
    }
  }
  return { members, work: limitInlining(program, members) };
}

const isStridedView = (v: Var, eqn: LoweredEqn, producer: ReadonlyMap<Var, LoweredEqn>): boolean =>
  isView(eqn) && stridedView(v, producer) !== undefined;

/** What it takes to compute an element from what is certainly stored, and how many elements of that there are at most. */
interface Again {
  readonly work: number;
  readonly source: number;
  /** Whether some of that is no map's result, but is computed here. */
  readonly ofKernel: boolean;
}

/** What a cheap map does for an element: one operation, or, of a window of elements, as many as there are. */
function operations({ inputs, outputs }: LoweredEqn, lowering: MapLowering): number {
  if (lowering.elementwise === true) return 1;
  const { shape } = nth(outputs, 0).aval;
  const operands = inputs.map(({ aval }, i) => ({ aval, at: () => s.accRef(computeType(aval.dtype), i) }));
  const seen = new Set<s.Expr>();
  const visit = (e: s.Expr): void => {
    if (seen.has(e) || e.op === 'const' || e.op === 'var') return;
    seen.add(e);
    s.operandsOf(e).forEach(visit);
  };
  lowering
    .at(
      operands,
      shape.map((n, d) => s.loopVar(d, n)),
    )
    .forEach(visit);
  return Math.ceil(seen.size / NODES_PER_OPERATION);
}

function cheapAgain(program: Body): ReadonlyMap<LoweredEqn, Again> {
  const byValue = new Map<Var, Again>();
  const byEqn = new Map<LoweredEqn, Again>();
  const others = new Set<Var>();
  for (const eqn of program.eqns) {
    const { lowering } = eqn;
    if (lowering.kind !== 'map' || lowering.barrier === true) {
      eqn.outputs.forEach((v) => others.add(v));
      continue;
    }
    let work = lowering.cost === 'expensive' ? EXPENSIVE : lowering.cost === 'view' ? 0 : operations(eqn, lowering);
    let source = 0;
    let ofKernel = false;
    for (const a of eqn.inputs) {
      if (!(a instanceof Var)) continue;
      const made = byValue.get(a);
      work += made?.work ?? 0;
      source = Math.max(source, made?.source ?? a.aval.size);
      ofKernel ||= made?.ofKernel ?? others.has(a);
    }
    const found = { work, source, ofKernel };
    byEqn.set(eqn, found);
    eqn.outputs.forEach((v) => byValue.set(v, found));
  }
  return byEqn;
}

/**
 * Whether a value is computed wherever it is read, because that moves far less memory than to store it: values made of
 * much smaller ones (one-hot vectors, masks made of positions, random bits made of a key) and scalars.
 */
function isRemade(
  eqn: LoweredEqn,
  { count, repeated }: { readonly count: number; readonly repeated: boolean },
  again: ReadonlyMap<LoweredEqn, Again>,
): boolean {
  const found = again.get(eqn);
  if (found === undefined) return false;
  const { size } = nth(eqn.outputs, 0).aval;
  const { work, source } = found;
  if (size === 1) return source <= 1 && work <= MAX_REMADE;
  // A few operations on each row are not worth a kernel that stores their result.
  if (repeated && count <= 2 && work <= CHEAP_REPEATED) return true;
  if (source * REMADE_RATIO > size) return false;
  return work < EXPENSIVE || (count <= 2 && work <= MAX_REMADE);
}

/** Make members of inlined values that grow too large; returns the work of each equation with what is inlined in it. */
function limitInlining(program: Body, members: Set<Var>): Map<LoweredEqn, number> {
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
