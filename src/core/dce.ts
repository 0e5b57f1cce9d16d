/** Dead code elimination of jaxprs. */
import { Jaxpr, Var, type Atom, type Eqn } from './primitive.js';
import { nth } from './axes.js';

/** The jaxpr with only the results marked `keep` and what they need; arguments stay. */
export function pruneResults(jaxpr: Jaxpr, keep: readonly boolean[]): Jaxpr {
  const outvars = jaxpr.outvars.filter((_, i) => keep[i] === true);
  const live = new Set<Atom>(outvars);
  const eqns: Eqn[] = [];
  for (let i = jaxpr.eqns.length - 1; i >= 0; i--) {
    const eqn = nth(jaxpr.eqns, i);
    if (!eqn.outputs.some((v) => live.has(v))) continue;
    eqn.inputs.forEach((a) => {
      if (a instanceof Var) live.add(a);
    });
    eqns.push(eqn);
  }
  return new Jaxpr(jaxpr.constvars, jaxpr.invars, eqns.reverse(), outvars);
}
