/**
 * Preparation of bodies for kernels. Views of the outside that a body reads are repeated inside, where they are index
 * arithmetic, so that only values with memory of their own are read from around. And every result of a body becomes a
 * value that the body computes, every initial carry one that the loop may take over.
 */
import { Lit, Var, type Atom } from '../core/primitive.js';
import { nth } from '../core/axes.js';
import { controlEqn, freeVariables, isControl, mapBodies, operandCount, type Body, type LoweredEqn } from './inline.js';
import { copyOf, substitute } from './simplify-control.js';
import { isView, stridedView } from './views.js';

/** Prepare all loops and branches in a body. */
export const prepareBodies = <B extends Body>(body: B): B => prepare(body, new Map());

function prepare<B extends Body>(body: B, around: ReadonlyMap<Var, LoweredEqn>): B {
  const producer = new Map(around);
  const uses = new Map<Atom, number>();
  for (const a of [...body.eqns.flatMap((eqn) => eqn.inputs), ...body.outputs]) uses.set(a, (uses.get(a) ?? 0) + 1);
  const eqns: LoweredEqn[] = [];
  for (const eqn of body.eqns) {
    if (isControl(eqn)) {
      const operands = eqn.inputs.slice(0, operandCount(eqn.lowering)).map((a) => {
        const made = a instanceof Var ? producer.get(a) : undefined;
        const own =
          a instanceof Lit
            ? copyOf(a)
            : made !== undefined && isConstant(a, producer) && (uses.get(a) ?? 0) > 1
              ? // Each loop may write over an array of constants of its own.
                { ...made, outputs: made.outputs.map((v) => new Var(v.aval)) }
              : undefined;
        if (own === undefined) return a;
        eqns.push(own);
        return nth(own.outputs, made?.outputs.findIndex((v) => v === a) ?? 0);
      });
      const lowering = mapBodies(eqn.lowering, (inner) => prepare(ownResults(sinkViews(inner, producer)), producer));
      eqns.push(controlEqn(eqn, operands, eqn.outputs, lowering));
    } else eqns.push(eqn);
    eqn.outputs.forEach((v) => producer.set(v, eqn));
  }
  return { ...body, eqns };
}

/** Repeat the views inside that a body reads from around it: strided ones, and constants. */
function sinkViews(body: Body, producer: ReadonlyMap<Var, LoweredEqn>): Body {
  const inside = new Map<Atom, Atom>();
  const eqns: LoweredEqn[] = [];
  const sink = (a: Atom): Atom => {
    const known = inside.get(a);
    if (known !== undefined) return known;
    const eqn = a instanceof Var ? producer.get(a) : undefined;
    if (!(a instanceof Var) || eqn === undefined || !isView(eqn)) return a;
    if (!isConstant(a, producer) && stridedView(a, producer) === undefined) return a;
    const copy = { ...eqn, inputs: eqn.inputs.map(sink), outputs: eqn.outputs.map((v) => new Var(v.aval)) };
    eqns.push(copy);
    eqn.outputs.forEach((v, i) => inside.set(v, nth(copy.outputs, i)));
    return inside.get(a) ?? a;
  };
  freeVariables(body).forEach(sink);
  if (eqns.length === 0) return body;
  const read = (a: Atom): Atom => inside.get(a) ?? a;
  const changed = substitute(body, read);
  return { ...changed, eqns: [...eqns, ...changed.eqns] };
}

/** Whether a value is a view of literals. */
const isConstant = (a: Atom, producer: ReadonlyMap<Var, LoweredEqn>): boolean => {
  if (!(a instanceof Var)) return true;
  const eqn = producer.get(a);
  return eqn !== undefined && isView(eqn) && eqn.inputs.every((x) => isConstant(x, producer));
};

/** A body whose results are distinct and its own. */
function ownResults(body: Body): Body {
  const own = new Set<Atom>(body.eqns.flatMap((eqn) => eqn.outputs));
  const copies: LoweredEqn[] = [];
  const outputs = body.outputs.map((a) => {
    if (own.delete(a)) return a;
    const copy = copyOf(a);
    copies.push(copy);
    return nth(copy.outputs, 0);
  });
  return copies.length === 0 ? body : { ...body, eqns: [...body.eqns, ...copies], outputs };
}
