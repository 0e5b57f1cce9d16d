/** Transposition of linear programs: cotangents flow from results to arguments, through rules of linear primitives only. */
import { NotSupportedError } from '../core/errors.js';
import { pruneResults } from '../core/dce.js';
import { evalJaxpr, traceToJaxpr } from '../core/jaxpr-trace.js';
import { ConcreteArray } from '../core/concrete.js';
import { NDArray } from '../core/ndarray.js';
import {
  ClosedJaxpr,
  LinearOperand,
  Lit,
  NoRule,
  Var,
  Zero,
  type Atom,
  type Eqn,
  type Jaxpr,
  type MaybeZero,
} from '../core/primitive.js';
import { inOperation } from '../core/source.js';
import { currentTrace } from '../core/trace.js';
import { nth } from '../core/axes.js';
import { addTangents, zerosOf } from '../lax/broadcast.js';
import { memoize } from './memo.js';

/** Which results of a jaxpr depend on the marked arguments. */
export function dependentResults(jaxpr: Jaxpr, marked: readonly boolean[]): boolean[] {
  const dependent = new Set<Atom>(jaxpr.invars.filter((_, i) => marked[i] === true));
  for (const eqn of jaxpr.eqns) {
    const inputs = eqn.inputs.map((a) => dependent.has(a));
    if (!inputs.some((d) => d)) continue;
    const called = calledJaxpr(eqn);
    const outputs = called === undefined ? eqn.outputs.map(() => true) : dependentResults(called.jaxpr, inputs);
    eqn.outputs.forEach((v, i) => {
      if (outputs[i] === true) dependent.add(v);
    });
  }
  return jaxpr.outvars.map((a) => dependent.has(a));
}

/** The jaxpr that an equation calls, if its results are that jaxpr's. */
function calledJaxpr({ primitive, inputs, params }: Eqn): ClosedJaxpr | undefined {
  const { jaxpr } = params;
  if (!(jaxpr instanceof ClosedJaxpr)) return undefined;
  const lowering = primitive.lower(
    inputs.map((a) => a.aval),
    params,
  );
  return lowering.kind === 'call' && lowering.jaxpr === jaxpr ? jaxpr : undefined;
}

/** A call with linear operands may have results that do not depend on them: those are computed forward. */
function knownResults(
  eqn: Eqn,
  isLinear: (a: Atom) => boolean,
  read: (a: Atom) => NDArray,
): ReadonlyMap<number, NDArray> {
  const called = calledJaxpr(eqn);
  if (called === undefined) return new Map();
  const dependent = dependentResults(called.jaxpr, eqn.inputs.map(isLinear));
  const known = dependent.flatMap((d, i) => (d ? [] : [i]));
  if (known.length === 0) return new Map();
  const pruned = pruneResults(
    called.jaxpr,
    dependent.map((d) => !d),
  );
  // What is left does not read the linear operands.
  const results = evalJaxpr(
    pruned,
    called.consts,
    eqn.inputs.map((a) => (isLinear(a) ? zerosOf(a.aval) : read(a))),
  );
  return new Map(known.map((i, k) => [i, nth(results, k)]));
}

/**
 * Cotangents of the linear arguments of a jaxpr. `args[i]` is a LinearOperand for the arguments to transpose and a
 * value for the others; equations that depend only on values are computed forward.
 */
export function backwardPass(
  jaxpr: Jaxpr,
  consts: readonly NDArray[],
  args: readonly (NDArray | LinearOperand)[],
  cotangents: readonly MaybeZero[],
): (MaybeZero | null)[] {
  const values = new Map<Var, NDArray>();
  const linear = new Set<Var>();
  jaxpr.constvars.forEach((v, i) => values.set(v, nth(consts, i)));
  jaxpr.invars.forEach((v, i) => {
    const x = nth(args, i);
    if (x instanceof LinearOperand) linear.add(v);
    else values.set(v, x);
  });
  const isLinear = (a: Atom): boolean => a instanceof Var && linear.has(a);
  const read = (a: Atom): NDArray => {
    if (a instanceof Lit) return new ConcreteArray(a.aval, a.value);
    const x = values.get(a);
    if (x === undefined) throw new Error('internal: a linear value is read as known');
    return x;
  };

  const linearEqns = jaxpr.eqns.filter((eqn) => {
    if (eqn.inputs.some(isLinear)) {
      const known = knownResults(eqn, isLinear, read);
      eqn.outputs.forEach((v, i) => {
        const x = known.get(i);
        if (x === undefined) linear.add(v);
        else values.set(v, x);
      });
      return true;
    }
    currentTrace()
      .process(eqn.primitive, eqn.inputs.map(read), eqn.params)
      .forEach((x, i) => values.set(nth(eqn.outputs, i), x));
    return false;
  });

  const sums = new Map<Var, MaybeZero>();
  const accumulate = (a: Atom, ct: MaybeZero | null): void => {
    if (!(a instanceof Var) || !linear.has(a) || ct === null || ct instanceof Zero) return;
    const before = sums.get(a);
    sums.set(a, before === undefined ? ct : addTangents(before, ct));
  };
  jaxpr.outvars.forEach((a, i) => {
    accumulate(a, nth(cotangents, i));
  });

  for (let i = linearEqns.length - 1; i >= 0; i--) {
    const eqn = nth(linearEqns, i);
    const cts = eqn.outputs.map((v) => sums.get(v) ?? new Zero(v.aval));
    if (cts.every((ct) => ct instanceof Zero)) continue;
    const { transpose, name } = eqn.primitive;
    if (transpose instanceof NoRule) {
      throw new NotSupportedError(
        `${name} cannot be transposed: ${transpose.reason}. It was recorded at ${String(eqn.source)}; use forward mode (jvp, jacfwd), or give it a customVjp.`,
      );
    }
    const operands = eqn.inputs.map((a) => (isLinear(a) ? new LinearOperand(a.aval) : read(a)));
    // A derivative has the place of what it is the derivative of.
    inOperation(() => {
      transpose(cts, operands, eqn.params).forEach((ct, j) => {
        accumulate(nth(eqn.inputs, j), ct);
      });
    }, eqn.source);
    // Free the cotangents of what has been passed on.
    eqn.outputs.forEach((v) => sums.delete(v));
  }
  return jaxpr.invars.map((v) => (linear.has(v) ? (sums.get(v) ?? new Zero(v.aval)) : null));
}

/** Which arguments of a transposed jaxpr have a cotangent that is not known to be zero. */
export interface TransposedJaxpr {
  /** Known arguments, then nonzero cotangents, to the cotangents marked in `nonzero`. */
  readonly closed: ClosedJaxpr;
  /** Per argument; false also for known ones. */
  readonly nonzero: readonly boolean[];
}

/** The jaxpr of a transposed jaxpr, for calls. */
export const transposeJaxpr = memoize(
  (closed: ClosedJaxpr, isLinear: readonly boolean[], zeroCotangents: readonly boolean[]): TransposedJaxpr => {
    const { inAvals, outAvals } = closed;
    const known = inAvals.filter((_, i) => isLinear[i] !== true);
    const given = outAvals.filter((_, i) => zeroCotangents[i] !== true).map((a) => a.strengthen());
    let nonzero: boolean[] = [];
    const transposed = traceToJaxpr(
      (...xs) => {
        let nextKnown = 0;
        let nextCt = known.length;
        const args = inAvals.map((a, i) => (isLinear[i] === true ? new LinearOperand(a) : nth(xs, nextKnown++)));
        const cts = outAvals.map((a, i): MaybeZero => (zeroCotangents[i] === true ? new Zero(a) : nth(xs, nextCt++)));
        const results = backwardPass(closed.jaxpr, closed.consts, args, cts);
        nonzero = results.map((ct) => ct instanceof NDArray);
        return results.filter((ct) => ct instanceof NDArray);
      },
      [...known, ...given],
      'transpose',
    );
    return { closed: transposed, nonzero };
  },
);
