/**
 * Which values are computed once, by a kernel, and which wherever they are read. Views are index arithmetic and never
 * computed; a value that is read once, without repetition, is computed where it is read.
 */
import { nth } from '../core/axes.js';
import { Var, type Atom } from '../core/primitive.js';
import { isControl, type Body, type LoweredEqn } from './inline.js';
import { isView, stridedView } from './views.js';

/** Work per element of one inlined value, in cheap operations, beyond which it is stored even if it is read once. */
const MAX_INLINED = 200;
/** What an expensive operation (a transcendental function, random bits) counts. */
const EXPENSIVE = 12;

/** Values that are not inlined. */
export function chooseMembers(
  program: Body,
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
      // A sort reads whole arrays in their own order; loops and branches hand on where arrays are.
      if (eqn.lowering.kind === 'sort' || isControl(eqn)) members.add(a);
      use.repeated ||= size > a.aval.size || (passed?.repeated ?? false);
    }
  }
  return { members, work: limitInlining(program, members) };
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
