/** Tracing to a jaxpr: the interpreter that records equations, and evaluation of a recorded jaxpr. */
import type { ShapedArray } from './aval.js';
import { ConcreteArray } from './concrete.js';
import type { NDArray } from './ndarray.js';
import { ClosedJaxpr, Jaxpr, Lit, Var, type AnyPrimitive, type Atom, type Eqn, type Params } from './primitive.js';
import { inOperation, operationSource } from './source.js';
import { checkNotLeaked, currentTrace, Trace, Tracer, withFreshTrace, withTrace } from './trace.js';

/** A value that stands for an atom of the jaxpr being recorded. */
export class JaxprTracer extends Tracer {
  constructor(
    readonly owner: JaxprTrace,
    readonly aval: ShapedArray,
    readonly atom: Atom,
  ) {
    super();
  }
}

/** Records every operation. Values of outer traces and concrete arrays become constants. */
export class JaxprTrace extends Trace {
  readonly eqns: Eqn[] = [];
  readonly #constants = new Map<NDArray, Var>();

  constructor(readonly transform: string) {
    super();
  }

  argument(aval: ShapedArray, label?: string): JaxprTracer {
    const tracer = new JaxprTracer(this, aval, new Var(aval));
    tracer.label = label;
    return tracer;
  }

  /** The atom of any array: its own, a literal, or a new constant. */
  atomOf(x: NDArray, op: string): Atom {
    if (x instanceof JaxprTracer && x.owner === this) return x.atom;
    checkNotLeaked(x, op);
    if (x instanceof ConcreteArray && x.scalarValue !== undefined) return new Lit(x.scalarValue, x.aval);
    let variable = this.#constants.get(x);
    if (variable === undefined) {
      variable = new Var(x.aval);
      this.#constants.set(x, variable);
    }
    return variable;
  }

  process(primitive: AnyPrimitive, operands: readonly NDArray[], params: Params): readonly NDArray[] {
    const inputs = operands.map((x) => this.atomOf(x, primitive.name));
    const avals = primitive.abstract(
      inputs.map((a) => a.aval),
      params,
    );
    const results = avals.map((aval) => new JaxprTracer(this, aval, new Var(aval)));
    this.record({
      primitive,
      inputs,
      params,
      outputs: results.map((t) => t.atom).filter((a) => a instanceof Var),
      source: operationSource(),
    });
    return results;
  }

  record(eqn: Eqn): void {
    this.eqns.push(eqn);
  }

  /** The jaxpr from `args` to `results`, with the constants it closed over. */
  finish(args: readonly JaxprTracer[], results: readonly NDArray[]): ClosedJaxpr {
    const outvars = results.map((x) => this.atomOf(x, this.transform));
    const constvars = [...this.#constants.values()];
    const invars = args.map((t) => t.atom).filter((a) => a instanceof Var);
    return new ClosedJaxpr(new Jaxpr(constvars, invars, this.eqns, outvars), [...this.#constants.keys()]);
  }
}

/**
 * Record `f` on arguments of the given types. The constants of the result may be tracers of the traces around it.
 */
export function traceToJaxpr(
  f: (...args: NDArray[]) => readonly NDArray[],
  avals: readonly ShapedArray[],
  transform: string,
  labels: readonly string[] = [],
): ClosedJaxpr {
  return withFreshTrace(new JaxprTrace(transform), (trace) => {
    const args = avals.map((aval, i) => trace.argument(aval, labels[i]));
    return trace.finish(args, f(...args));
  });
}

/** Run a jaxpr under the current interpreter. */
export function evalJaxpr(jaxpr: Jaxpr, consts: readonly NDArray[], args: readonly NDArray[]): NDArray[] {
  const values = new Map<Var, NDArray>();
  const assign = (variables: readonly Var[], arrays: readonly NDArray[]): void => {
    variables.forEach((v, i) => {
      const x = arrays[i];
      if (x === undefined)
        throw new Error(`evalJaxpr: ${String(variables.length)} variables, ${String(arrays.length)} values`);
      values.set(v, x);
    });
  };
  const read = (atom: Atom): NDArray => {
    if (atom instanceof Lit) return new ConcreteArray(atom.aval, atom.value);
    const x = values.get(atom);
    if (x === undefined) throw new Error('evalJaxpr: a variable is read before it is written');
    return x;
  };
  assign(jaxpr.constvars, consts);
  assign(jaxpr.invars, args);
  for (const eqn of jaxpr.eqns) {
    assign(
      eqn.outputs,
      inOperation(() => currentTrace().process(eqn.primitive, eqn.inputs.map(read), eqn.params), eqn.source),
    );
  }
  return jaxpr.outvars.map(read);
}

export const evalClosed = (closed: ClosedJaxpr, args: readonly NDArray[]): NDArray[] =>
  evalJaxpr(closed.jaxpr, closed.consts, args);

/** Turn the constants of a closed jaxpr into leading arguments. */
export function constantsAsArguments(closed: ClosedJaxpr): Jaxpr {
  const { jaxpr } = closed;
  return new Jaxpr([], [...jaxpr.constvars, ...jaxpr.invars], jaxpr.eqns, jaxpr.outvars);
}

export { withTrace };
