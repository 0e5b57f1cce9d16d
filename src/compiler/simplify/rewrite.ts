/**
 * Equations replaced by simpler ones, in one walk from the first to the last: rules see operands that are simplified
 * already, and may ask what made them.
 */
import { Var, type Atom } from '../../core/primitive.js';
import { controlEqn, isControl, mapBodies, operandCount, type Body, type LoweredEqn } from '../inline.js';
import { substituteEqn } from '../simplify-control.js';

export interface Rewrite {
  /** What the results are instead, where they are known without an equation. */
  readonly results?: readonly Atom[];
  /** Equations in the place of this one; together they make its outputs, unless `results` says otherwise. */
  readonly eqns?: readonly LoweredEqn[];
}

export type Rule = (eqn: LoweredEqn, producer: ReadonlyMap<Var, LoweredEqn>) => Rewrite | undefined;

/** Apply the first rule that fits to each equation, those of loops and branches included. */
export function rewrite<B extends Body>(program: B, rules: readonly Rule[]): B {
  const producer = new Map<Var, LoweredEqn>();
  const replacement = new Map<Var, Atom>();
  const read = (a: Atom): Atom => (a instanceof Var ? (replacement.get(a) ?? a) : a);
  const given = new Set<Atom>(program.inputs);
  const outputs = new Set<Atom>(program.outputs);
  const eqns: LoweredEqn[] = [];
  const emit = (eqn: LoweredEqn): void => {
    eqns.push(eqn);
    eqn.outputs.forEach((v) => producer.set(v, eqn));
  };
  for (const original of program.eqns) {
    if (isControl(original)) {
      const { lowering } = original;
      const operands = original.inputs.slice(0, operandCount(lowering));
      const simpler = mapBodies(lowering, (body) => rewrite(body, rules));
      emit(substituteEqn(controlEqn(original, operands, original.outputs, simpler), read));
      continue;
    }
    const inputs = original.inputs.map(read);
    const eqn = inputs.every((a, i) => a === original.inputs[i]) ? original : { ...original, inputs };
    let made: Rewrite | undefined;
    for (const rule of rules) if ((made ??= rule(eqn, producer)) !== undefined) break;
    // A result that is an argument would share its storage.
    if (made?.results?.some((a) => given.has(a)) === true && eqn.outputs.some((v) => outputs.has(v))) made = undefined;
    if (made === undefined) emit(eqn);
    made?.eqns?.forEach(emit);
    made?.results?.forEach((a, i) => {
      const v = eqn.outputs[i];
      if (v !== undefined) replacement.set(v, a);
    });
  }
  return { ...program, eqns, outputs: program.outputs.map(read) };
}
