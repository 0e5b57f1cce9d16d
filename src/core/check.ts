/** The type checker of jaxprs: run on everything the tests trace and after every compiler pass there. */
import { ClosedJaxpr, Jaxpr, Var, type Atom } from './primitive.js';
import { JaxprTypeError } from './errors.js';
import { printJaxpr } from './print.js';

/** Throws {@link JaxprTypeError} unless variables are defined once, before use, with the types their rules give. */
export function checkJaxpr(jaxpr: Jaxpr): void {
  const defined = new Set<Var>();
  const fail = (message: string): never => {
    throw new JaxprTypeError(`${message}\n${printJaxpr(jaxpr)}`);
  };
  const define = (v: Var): void => {
    if (defined.has(v)) fail('a variable is bound twice');
    defined.add(v);
  };
  const use = (a: Atom, where: string): void => {
    if (a instanceof Var && !defined.has(a)) fail(`${where} uses an unbound variable`);
  };
  jaxpr.constvars.forEach(define);
  jaxpr.invars.forEach(define);
  for (const eqn of jaxpr.eqns) {
    const { name } = eqn.primitive;
    eqn.inputs.forEach((a) => {
      use(a, name);
    });
    for (const sub of subJaxprs(eqn.params)) checkJaxpr(sub);
    const expected = eqn.primitive.abstract(
      eqn.inputs.map((a) => a.aval),
      eqn.params,
    );
    if (expected.length !== eqn.outputs.length) {
      fail(`${name} has ${String(expected.length)} results but binds ${String(eqn.outputs.length)}`);
    }
    eqn.outputs.forEach((v, i) => {
      const aval = expected[i];
      if (aval === undefined || !aval.equals(v.aval))
        fail(`${name} gives ${String(aval)} but binds ${v.aval.toString()}`);
      define(v);
    });
  }
  jaxpr.outvars.forEach((a) => {
    use(a, 'the result');
  });
}

/** The jaxprs among an equation's parameters. */
export function subJaxprs(params: Readonly<Record<string, unknown>>): Jaxpr[] {
  const found: Jaxpr[] = [];
  const visit = (value: unknown): void => {
    if (value instanceof Jaxpr) found.push(value);
    else if (value instanceof ClosedJaxpr) found.push(value.jaxpr);
    else if (Array.isArray(value)) value.forEach(visit);
  };
  Object.values(params).forEach(visit);
  return found;
}
