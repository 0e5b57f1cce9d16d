/** What simplification knows of loops and branches: carries that do not change, cases known, results nobody reads. */
import type { ShapedArray } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { Lit, Var, type Atom } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import {
  bodiesOf,
  controlEqn,
  isControl,
  mapBodies,
  operandCount,
  type Body,
  type Branch,
  type Control,
  type LoweredEqn,
  type Repeat,
} from './inline.js';

/** Whether the equation is a barrier, or has one inside. */
export const hasBarrier = (eqn: LoweredEqn): boolean =>
  isControl(eqn)
    ? bodiesOf(eqn.lowering).some((body) => body.eqns.some(hasBarrier))
    : eqn.lowering.kind === 'map' && eqn.lowering.barrier === true;

/** A value of its own, equal to `a`. */
export function copyOf(a: Atom, aval: ShapedArray = a.aval): LoweredEqn & { outputs: [Var] } {
  return {
    primitive: { name: 'copy' },
    params: {},
    source: undefined,
    inputs: [a],
    outputs: [new Var(aval)],
    lowering: {
      kind: 'map',
      cost: 'cheap',
      elementwise: true,
      at: ([x], index) => (x === undefined ? [] : [x.at(index)]),
    },
  };
}

export interface SimplifiedControl {
  /** What is left of the equation. */
  readonly eqns: readonly LoweredEqn[];
  /** Results that are other values. */
  readonly forwarded: ReadonlyMap<Var, Atom>;
}

/** Simplify one loop or branch. `read` gives what a variable has become; `visit` simplifies a body. */
export function simplifyControl(
  eqn: LoweredEqn<Control>,
  read: (a: Atom) => Atom,
  visit: (body: Body) => Body,
): SimplifiedControl {
  const { lowering } = eqn;
  const operands = eqn.inputs.slice(0, operandCount(lowering)).map(read);
  return lowering.kind === 'branch'
    ? simplifyBranch(eqn, lowering, nth(operands, 0), visit)
    : simplifyRepeat(eqn, lowering, operands, visit);
}

function simplifyBranch(
  eqn: LoweredEqn,
  lowering: Branch,
  index: Atom,
  visit: (body: Body) => Body,
): SimplifiedControl {
  const known = lowering.branches.length === 1 ? 0 : index instanceof Lit ? index.value : undefined;
  if (known !== undefined) {
    const chosen = visit(nth(lowering.branches, Math.min(Math.max(known, 0), lowering.branches.length - 1)));
    return { eqns: chosen.eqns, forwarded: new Map(eqn.outputs.map((v, i) => [v, nth(chosen.outputs, i)])) };
  }
  const branches = lowering.branches.map(visit);
  const first = nth(branches, 0);
  const defined = new Set<Atom>(first.eqns.flatMap((e) => e.outputs));
  // A result that is the same value of the outside in every case.
  const same = eqn.outputs.map((_, i) => {
    const a = nth(first.outputs, i);
    return a instanceof Var && !defined.has(a) && branches.every((b) => b.outputs[i] === a);
  });
  const forwarded = new Map<Var, Atom>();
  eqn.outputs.forEach((v, i) => {
    if (same[i] === true) forwarded.set(v, nth(first.outputs, i));
  });
  const keep = <T>(list: readonly T[]): T[] => list.filter((_, i) => same[i] !== true);
  const outputs = keep(eqn.outputs);
  if (outputs.length === 0) return { eqns: [], forwarded };
  const kept = branches.map((b) => ({ ...b, outputs: keep(b.outputs) }));
  return { eqns: [controlEqn(eqn, [index], outputs, { kind: 'branch', branches: kept })], forwarded };
}

function simplifyRepeat(
  eqn: LoweredEqn,
  lowering: Repeat,
  operands: readonly Atom[],
  visit: (body: Body) => Body,
): SimplifiedControl {
  const { numCarry, trips } = lowering;
  const forwarded = new Map<Var, Atom>();
  if ('count' in trips && trips.count === 0) {
    const empty: LoweredEqn[] = [];
    eqn.outputs.forEach((v, i) => {
      if (i < numCarry) forwarded.set(v, nth(operands, i));
      else {
        const zero = s.constant(v.aval.dtype, 0);
        empty.push({
          ...copyOf(new Lit(0, v.aval.with({ shape: [] })), v.aval),
          outputs: [v],
          params: { shape: v.aval.shape },
          lowering: { kind: 'map', cost: 'cheap', at: () => [zero] },
        });
      }
    });
    return { eqns: empty, forwarded };
  }
  let body = visit(lowering.body);
  let cond = 'cond' in trips ? visit(trips.cond) : undefined;
  const isCarried = body.inputs.map(() => true);
  // Carries that every iteration passes on, and stacked results that are slices of an array as it is.
  for (;;) {
    const same = body.inputs.findIndex((v, i) => i < numCarry && isCarried[i] === true && body.outputs[i] === v);
    if (same < 0) break;
    isCarried[same] = false;
    const value = nth(operands, same);
    const replace =
      (from: Var): ((a: Atom) => Atom) =>
      (a) =>
        a === from ? value : a;
    body = substitute(body, replace(nth(body.inputs, same)));
    if (cond !== undefined) cond = substitute(cond, replace(nth(cond.inputs, same)));
    forwarded.set(nth(eqn.outputs, same), value);
  }
  const isStacked = eqn.outputs.map((v, i) => {
    if (i < numCarry) return isCarried[i] === true;
    const from = body.inputs.findIndex((x, k) => k >= numCarry && body.outputs[i] === x);
    if (from >= 0) forwarded.set(v, nth(operands, from));
    return from < 0;
  });
  const kept = keepParts({ ...lowering, body, trips: cond === undefined ? trips : { cond } }, isCarried, isStacked);
  const outputs = eqn.outputs.filter((_, i) => isStacked[i]);
  if (outputs.length === 0) return { eqns: [], forwarded };
  return {
    eqns: [
      controlEqn(
        eqn,
        operands.filter((_, i) => isCarried[i]),
        outputs,
        kept,
      ),
    ],
    forwarded,
  };
}

/** A loop with some inputs and outputs only; a carry is kept in both or in neither. */
function keepParts(lowering: Repeat, inputs: readonly boolean[], outputs: readonly boolean[]): Repeat {
  const { body, trips, numCarry } = lowering;
  const keepIn = <T>(list: readonly T[]): T[] => list.filter((_, i) => inputs[i]);
  return {
    kind: 'repeat',
    numCarry: inputs.slice(0, numCarry).filter((x) => x).length,
    body: { ...body, inputs: keepIn(body.inputs), outputs: body.outputs.filter((_, i) => outputs[i]) },
    trips: 'cond' in trips ? { cond: { ...trips.cond, inputs: keepIn(trips.cond.inputs) } } : trips,
  };
}

/** A body that reads other values in place of some. */
export const substitute = (body: Body, read: (a: Atom) => Atom): Body => ({
  ...body,
  eqns: body.eqns.map((eqn) => substituteEqn(eqn, read)),
  outputs: body.outputs.map(read),
});

/** An equation, its bodies included, that reads other values in place of some. */
export function substituteEqn(eqn: LoweredEqn, read: (a: Atom) => Atom): LoweredEqn {
  if (eqn.inputs.every((a) => read(a) === a)) return eqn;
  if (!isControl(eqn)) return { ...eqn, inputs: eqn.inputs.map(read) };
  const operands = eqn.inputs.slice(0, operandCount(eqn.lowering)).map(read);
  const lowering = mapBodies(eqn.lowering, (body) => substitute(body, read));
  return controlEqn(eqn, operands, eqn.outputs, lowering);
}

const usedIn = (...bodies: readonly Body[]): Set<Atom> =>
  new Set(bodies.flatMap((body) => [...body.eqns.flatMap((eqn) => eqn.inputs), ...body.outputs]));

/** Drop results that are not live, and everything inside that only they need. */
export function pruneControl(
  eqn: LoweredEqn<Control>,
  isLive: (v: Var) => boolean,
  eliminateDead: (body: Body) => Body,
): LoweredEqn {
  const { lowering } = eqn;
  const operands = eqn.inputs.slice(0, operandCount(lowering));
  if (lowering.kind === 'branch') {
    const live = eqn.outputs.map(isLive);
    const branches = lowering.branches.map((b) =>
      eliminateDead({ ...b, outputs: b.outputs.filter((_, i) => live[i]) }),
    );
    return controlEqn(
      eqn,
      operands,
      eqn.outputs.filter((_, i) => live[i]),
      { kind: 'branch', branches },
    );
  }
  const { numCarry, trips } = lowering;
  const cond = 'cond' in trips ? eliminateDead(trips.cond) : undefined;
  const usedByCond = cond === undefined ? undefined : usedIn(cond);
  /** A carry is needed when its result is read, or when anything needed reads it. */
  const needed = eqn.outputs.map(
    (v, i) => isLive(v) || (i < numCarry && usedByCond?.has(nth(cond?.inputs ?? [], i)) === true),
  );
  for (;;) {
    const body = eliminateDead({ ...lowering.body, outputs: lowering.body.outputs.filter((_, i) => needed[i]) });
    const used = usedIn(body);
    const missing = body.inputs.findIndex((v, i) => i < numCarry && needed[i] !== true && used.has(v));
    if (missing >= 0) {
      needed[missing] = true;
      continue;
    }
    const inputs = body.inputs.map((v, i) => (i < numCarry ? needed[i] === true : used.has(v)));
    // The outputs of `body` are those needed already.
    const kept = keepParts(
      { ...lowering, body, trips: cond === undefined ? trips : { cond } },
      inputs,
      body.outputs.map(() => true),
    );
    return controlEqn(
      eqn,
      operands.filter((_, i) => inputs[i]),
      eqn.outputs.filter((_, i) => needed[i]),
      kept,
    );
  }
}
