/** Dead code elimination of jaxprs. */
import { ClosedJaxpr, Jaxpr, Var, type Atom, type Eqn } from './primitive.js';
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

/** The closed jaxpr with only what its results need; arguments stay, constants that nothing reads do not. */
export function pruneClosed(closed: ClosedJaxpr): ClosedJaxpr {
  const jaxpr = pruneResults(
    closed.jaxpr,
    closed.jaxpr.outvars.map(() => true),
  );
  const used = new Set<Atom>([...jaxpr.eqns.flatMap((eqn) => eqn.inputs), ...jaxpr.outvars]);
  const kept = jaxpr.constvars.map((v) => used.has(v));
  return new ClosedJaxpr(
    new Jaxpr(
      jaxpr.constvars.filter((_, i) => kept[i]),
      jaxpr.invars,
      jaxpr.eqns,
      jaxpr.outvars,
    ),
    closed.consts.filter((_, i) => kept[i]),
  );
}
