/**
 * Loop-invariant code motion: what an iteration computes from values of outside the loop alone is computed once, before
 * the loop. Views and other cheap computations that make more than they read stay: they cost less than the memory.
 */
import { byteWidth } from '../core/dtype.js';
import { Var, type Atom } from '../core/primitive.js';
import { controlEqn, isControl, mapBodies, operandCount, type Body, type LoweredEqn, type Repeat } from './inline.js';
import { hasBarrier, substituteEqn } from './simplify-control.js';

/** Bytes that an expensive value may take beyond those it is computed from. */
const MAX_GROWTH = 1 << 18;

/** Move invariant equations out of all loops in a body, the innermost first. */
export function hoistInvariants<B extends Body>(body: B): B {
  const eqns: LoweredEqn[] = [];
  for (const eqn of body.eqns) {
    if (!isControl(eqn)) {
      eqns.push(eqn);
      continue;
    }
    const inner = controlEqn(
      eqn,
      eqn.inputs.slice(0, operandCount(eqn.lowering)),
      eqn.outputs,
      mapBodies(eqn.lowering, hoistInvariants),
    );
    // A case of a branch may not be chosen, so nothing leaves it.
    eqns.push(...(inner.lowering.kind === 'repeat' ? hoistFrom(inner, inner.lowering) : [inner]));
  }
  return { ...body, eqns };
}

/** The equations that leave a loop, then the loop. */
function hoistFrom(eqn: LoweredEqn, lowering: Repeat): LoweredEqn[] {
  const moved: LoweredEqn[] = [];
  const strip = (body: Body): Body => {
    const variant = new Set<Atom>(body.inputs);
    /** Invariant equations that stay, by their results, and their copies outside. */
    const staying = new Map<Atom, LoweredEqn>();
    const outside = new Map<Atom, Atom>();
    const readOutside = (a: Atom): Atom => {
      const known = outside.get(a);
      if (known !== undefined) return known;
      const stays = staying.get(a);
      if (stays === undefined) return a;
      const copy = substituteEqn({ ...stays, outputs: stays.outputs.map((v) => new Var(v.aval)) }, readOutside);
      moved.push(copy);
      stays.outputs.forEach((v, i) => {
        const made = copy.outputs[i];
        if (made !== undefined) outside.set(v, made);
      });
      return outside.get(a) ?? a;
    };
    const eqns = body.eqns.filter((e) => {
      if (hasBarrier(e) || e.inputs.some((a) => variant.has(a))) {
        e.outputs.forEach((v) => variant.add(v));
        return true;
      }
      if (isWorthMoving(e)) {
        moved.push(substituteEqn(e, readOutside));
        return false;
      }
      e.outputs.forEach((v) => staying.set(v, e));
      return true;
    });
    return { ...body, eqns };
  };
  const stripped = mapBodies(lowering, strip);
  if (moved.length === 0) return [eqn];
  return [...moved, controlEqn(eqn, eqn.inputs.slice(0, operandCount(lowering)), eqn.outputs, stripped)];
}

const bytesOf = (list: readonly Atom[]): number =>
  list.reduce((sum, a) => sum + (a instanceof Var ? a.aval.size * byteWidth(a.aval.dtype) : 0), 0);

function isWorthMoving({ lowering, inputs, outputs }: LoweredEqn): boolean {
  if (lowering.kind !== 'map') return true;
  const growth = bytesOf(outputs) - bytesOf(inputs);
  return lowering.cost === 'expensive' ? growth <= MAX_GROWTH : lowering.cost === 'cheap' && growth <= 0;
}
