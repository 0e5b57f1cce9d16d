/** Simplification of flat programs: common subexpressions, dead code. Every pass keeps the types. */
import { Var, type Atom } from '../core/primitive.js';
import { nth } from '../core/axes.js';
import type { FlatProgram, LoweredEqn } from './inline.js';
import { paramsKey } from './key.js';

/** Simplify until nothing is left to do; both passes are complete in one run. */
export const simplify = (program: FlatProgram): FlatProgram => eliminateDead(eliminateCommon(program));

/** Merge equations that compute the same thing, but for barriers. */
function eliminateCommon(program: FlatProgram): FlatProgram {
  const numbers = new Map<Var, number>();
  const replacement = new Map<Var, Var>();
  const seen = new Map<string, readonly Var[]>();
  const read = (a: Atom): Atom => (a instanceof Var ? (replacement.get(a) ?? a) : a);
  const name = (a: Atom): string => {
    if (!(a instanceof Var)) return `${Object.is(a.value, -0) ? '-0' : String(a.value)}:${a.aval.dtype}`;
    let n = numbers.get(a);
    if (n === undefined) numbers.set(a, (n = numbers.size));
    return String(n);
  };
  const eqns: LoweredEqn[] = [];
  for (const eqn of program.eqns) {
    const inputs = eqn.inputs.map(read);
    if (eqn.lowering.kind !== 'map' || eqn.lowering.barrier !== true) {
      const key = `${eqn.primitive.name}[${paramsKey(eqn.params)}](${inputs.map(name).join(',')})`;
      const earlier = seen.get(key);
      if (earlier !== undefined) {
        eqn.outputs.forEach((v, i) => replacement.set(v, nth(earlier, i)));
        continue;
      }
      seen.set(key, eqn.outputs);
    }
    eqns.push({ ...eqn, inputs });
  }
  return { ...program, eqns, outputs: program.outputs.map(read) };
}

/** Drop equations whose results nobody reads. */
function eliminateDead(program: FlatProgram): FlatProgram {
  const live = new Set<Atom>(program.outputs);
  const eqns: LoweredEqn[] = [];
  for (let i = program.eqns.length - 1; i >= 0; i--) {
    const eqn = nth(program.eqns, i);
    if (!eqn.outputs.some((v) => live.has(v))) continue;
    eqn.inputs.forEach((a) => live.add(a));
    eqns.push(eqn);
  }
  return { ...program, eqns: eqns.reverse() };
}
