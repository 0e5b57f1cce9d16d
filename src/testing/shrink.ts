/**
 * Making a program that breaks a law small enough to read: fewer operations, then fewer equations of its jaxpr, by
 * dropping results, inlining calls, turning intermediate values into arguments and letting equations be skipped.
 */
import { nth } from '../core/axes.js';
import { subJaxprs } from '../core/check.js';
import { ConcreteArray } from '../core/concrete.js';
import { pruneResults } from '../core/dce.js';
import { isFloat } from '../core/dtype.js';
import { evalClosed, evalJaxpr, traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import type { ClosedJaxpr } from '../core/primitive.js';
import { Jaxpr, Lit, Var, type Atom, type Eqn } from '../core/primitive.js';
import { currentTrace } from '../core/trace.js';
import { toDevice, toHost, type HostArray } from './host.js';
import type { ProgramCase, ProgramLaw } from './program-laws.js';

/** A jaxpr without constants, and arguments. */
interface Candidate {
  readonly jaxpr: Jaxpr;
  readonly args: readonly HostArray[];
}

/** Tries of one shrinking, which bounds its time. */
const BUDGET = 400;

function calledJaxpr(eqn: Eqn): ClosedJaxpr | undefined {
  const lowering = eqn.primitive.lower(
    eqn.inputs.map((a) => a.aval),
    eqn.params,
  );
  return lowering.kind === 'call' ? lowering.jaxpr : undefined;
}

/** Run a jaxpr with every call replaced by the equations it stands for. */
export function evalInlined(jaxpr: Jaxpr, consts: readonly NDArray[], args: readonly NDArray[]): NDArray[] {
  const values = new Map<Var, NDArray>();
  jaxpr.constvars.forEach((v, i) => values.set(v, nth(consts, i)));
  jaxpr.invars.forEach((v, i) => values.set(v, nth(args, i)));
  const read = (a: Atom): NDArray => {
    const x = a instanceof Lit ? new ConcreteArray(a.aval, a.value) : values.get(a);
    if (x === undefined) throw new Error('evalInlined: a variable is read before it is written');
    return x;
  };
  for (const eqn of jaxpr.eqns) {
    const inputs = eqn.inputs.map(read);
    const called = calledJaxpr(eqn);
    const results =
      called === undefined
        ? currentTrace().process(eqn.primitive, inputs, eqn.params)
        : evalInlined(called.jaxpr, called.consts, inputs);
    eqn.outputs.forEach((v, i) => values.set(v, nth(results, i)));
  }
  return jaxpr.outvars.map(read);
}

const caseOf = ({ jaxpr, args }: Candidate): ProgramCase => ({
  inputs: jaxpr.inAvals,
  args,
  run: (...xs) => evalJaxpr(jaxpr, [], xs),
  plain: (...xs) => evalInlined(jaxpr, [], xs),
});

/** Values of all variables at the arguments. */
function valuesOf({ jaxpr, args }: Candidate): Map<Var, HostArray> {
  const variables = jaxpr.eqns.flatMap((eqn) => eqn.outputs);
  const all = evalJaxpr(new Jaxpr([], jaxpr.invars, jaxpr.eqns, variables), [], args.map(toDevice));
  return new Map(variables.map((v, i) => [v, toHost(nth(all, i))]));
}

/** Only what the results need: equations and arguments. */
function prune({ jaxpr, args }: Candidate): Candidate {
  const { eqns, outvars, invars } = pruneResults(
    jaxpr,
    jaxpr.outvars.map(() => true),
  );
  const read = new Set<Atom>([...outvars, ...eqns.flatMap((eqn) => eqn.inputs)]);
  const kept = invars.map((v) => read.has(v));
  // A program has an argument, used or not.
  if (!kept.includes(true)) kept[0] = true;
  return {
    jaxpr: new Jaxpr(
      [],
      invars.filter((_, i) => kept[i]),
      eqns,
      outvars,
    ),
    args: args.filter((_, i) => kept[i]),
  };
}

/** What shrinking makes smaller: equations, those of calls included, then results. */
function weight(jaxpr: Jaxpr): number {
  const equations = (j: Jaxpr): number =>
    j.eqns.reduce((n, eqn) => n + 1 + subJaxprs(eqn.params).reduce((m, sub) => m + equations(sub), 0), 0);
  return 100 * equations(jaxpr) + jaxpr.outvars.length;
}

/** Candidates with one equation less, or one call opened, or one result only; the boldest first. */
function* smaller(c: Candidate): Generator<Candidate> {
  const { jaxpr, args } = c;
  const { eqns, invars, outvars } = jaxpr;
  if (outvars.length > 1) for (const a of outvars) yield prune({ jaxpr: new Jaxpr([], invars, eqns, [a]), args });
  // An earlier value is the result.
  for (const eqn of eqns) {
    for (const v of eqn.outputs)
      if (isFloat(v.aval.dtype) && !outvars.includes(v)) yield prune({ jaxpr: new Jaxpr([], invars, eqns, [v]), args });
  }
  // A value becomes an argument, so that what made it goes.
  const values = valuesOf(c);
  for (let i = eqns.length - 1; i >= 0; i--) {
    const eqn = nth(eqns, i);
    if (eqn.outputs.some((v) => !isFloat(v.aval.dtype))) continue;
    const rest = eqns.filter((e) => e !== eqn);
    const given = eqn.outputs.map((v) => values.get(v)).filter((x) => x !== undefined);
    yield prune({ jaxpr: new Jaxpr([], [...invars, ...eqn.outputs], rest, outvars), args: [...args, ...given] });
  }
  // An equation is skipped: its operand of the same type passes through.
  for (const eqn of eqns) {
    const [out, ...others] = eqn.outputs;
    const through = eqn.inputs.find((a) => a instanceof Var && out?.aval.equals(a.aval) === true);
    if (out === undefined || others.length > 0 || through === undefined) continue;
    const replace = (a: Atom): Atom => (a === out ? through : a);
    const rest = eqns.filter((e) => e !== eqn).map((e) => ({ ...e, inputs: e.inputs.map(replace) }));
    yield prune({ jaxpr: new Jaxpr([], invars, rest, outvars.map(replace)), args });
  }
  // A call is replaced by its equations.
  for (const eqn of eqns) {
    if (calledJaxpr(eqn) === undefined) continue;
    const opened = traceToJaxpr(
      (...xs) => evalOpening(jaxpr, eqn, xs),
      invars.map((v) => v.aval),
      'shrink',
    );
    if (opened.consts.length === 0) yield prune({ jaxpr: opened.jaxpr, args });
  }
}

/** Run a jaxpr with one call opened. */
function evalOpening(jaxpr: Jaxpr, target: Eqn, args: readonly NDArray[]): NDArray[] {
  const at = jaxpr.eqns.indexOf(target);
  const before = jaxpr.eqns.slice(0, at);
  const called = calledJaxpr(target);
  const made = [...jaxpr.invars, ...before.flatMap((e) => e.outputs)];
  const values = evalJaxpr(new Jaxpr([], jaxpr.invars, before, made), [], args);
  const inputs = evalJaxpr(new Jaxpr([], made, [], target.inputs), [], values);
  const results = called === undefined ? [] : evalClosed(called, inputs);
  return evalJaxpr(
    new Jaxpr([], [...made, ...target.outputs], jaxpr.eqns.slice(at + 1), jaxpr.outvars),
    [],
    [...values, ...results],
  );
}

/** The error that the law throws, if it does. */
export function failureOf(law: ProgramLaw, c: ProgramCase, seed: number): Error | undefined {
  try {
    law.check(c, seed);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** A smaller program that fails in the same way (with the same class of error), and what is wrong with it. */
export function shrink(
  law: ProgramLaw,
  failing: ProgramCase,
  seed: number,
  failure: Error,
): { program: string; args: readonly HostArray[]; failure: Error } {
  const traced = traceToJaxpr((...xs) => failing.run(...xs), failing.inputs, 'makeJaxpr');
  const unshrunk = { program: String(traced), args: failing.args, failure };
  if (traced.consts.length > 0) return unshrunk;
  let best: Candidate = { jaxpr: traced.jaxpr, args: failing.args };
  // Some failures need the function itself, with its closures.
  let found = failureOf(law, caseOf(best), seed);
  if (found === undefined || found.name !== failure.name) return unshrunk;
  let tries = 0;
  for (let progress = true; progress && tries < BUDGET;) {
    progress = false;
    for (const candidate of smaller(best)) {
      if (weight(candidate.jaxpr) >= weight(best.jaxpr)) continue;
      if (++tries > BUDGET) break;
      const error = failureOf(law, caseOf(candidate), seed);
      if (error === undefined || error.name !== failure.name) continue;
      [best, found, progress] = [candidate, error, true];
      break;
    }
  }
  return { program: String(best.jaxpr), args: best.args, failure: found };
}
