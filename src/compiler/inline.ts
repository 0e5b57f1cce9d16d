/**
 * The first pass: calls (jit, custom derivatives, checkpoint, primitives defined by others) are replaced by their
 * equations, so that what follows sees one flat list.
 */
import { type ClosedJaxpr, Var, type Atom, type Eqn } from '../core/primitive.js';
import { nth } from '../core/axes.js';
import type { Lowering } from '../core/lowering.js';

/** An equation with what it lowers to. */
export interface LoweredEqn extends Eqn {
  readonly lowering: Exclude<Lowering<ClosedJaxpr>, { kind: 'call' }>;
}

/** A flat program: no calls. Constants of inlined jaxprs have become inputs at the end. */
export interface FlatProgram {
  readonly inputs: readonly Var[];
  /** Values of the last `constants.length` inputs. */
  readonly constants: readonly ClosedJaxpr['consts'][number][];
  readonly eqns: readonly LoweredEqn[];
  readonly outputs: readonly Atom[];
}

/** Flatten a closed jaxpr; its own constants come after its arguments. */
export function inlineCalls(closed: ClosedJaxpr): FlatProgram {
  const eqns: LoweredEqn[] = [];
  const constantVars: Var[] = [];
  const constants: ClosedJaxpr['consts'][number][] = [];

  const visit = ({ jaxpr, consts }: ClosedJaxpr, args: readonly Atom[]): Atom[] => {
    const env = new Map<Var, Atom>();
    jaxpr.invars.forEach((v, i) => env.set(v, nth(args, i)));
    jaxpr.constvars.forEach((v, i) => {
      const constant = new Var(v.aval);
      env.set(v, constant);
      constantVars.push(constant);
      constants.push(nth(consts, i));
    });
    const read = (a: Atom): Atom => (a instanceof Var ? (env.get(a) ?? a) : a);
    for (const eqn of jaxpr.eqns) {
      const inputs = eqn.inputs.map(read);
      const lowering = eqn.primitive.lower(
        eqn.inputs.map((a) => a.aval),
        eqn.params,
      );
      if (lowering.kind === 'call') {
        const results = visit(lowering.jaxpr, inputs);
        eqn.outputs.forEach((v, i) => env.set(v, nth(results, i)));
      } else {
        const outputs = eqn.outputs.map((v) => {
          const fresh = new Var(v.aval);
          env.set(v, fresh);
          return fresh;
        });
        eqns.push({ ...eqn, inputs, outputs, lowering });
      }
    }
    return jaxpr.outvars.map(read);
  };

  const args = closed.jaxpr.invars.map((v) => new Var(v.aval));
  const outputs = visit(closed, args);
  return { inputs: [...args, ...constantVars], constants, eqns, outputs };
}
