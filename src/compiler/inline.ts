/**
 * The first pass: calls (jit, custom derivatives, checkpoint, primitives defined by others) are replaced by their
 * equations, so that what follows sees flat lists: one of the program, and one of each body of a loop or branch.
 */
import { nth } from '../core/axes.js';
import type { Lowering } from '../core/lowering.js';
import type { NDArray } from '../core/ndarray.js';
import { Var, type AnyPrimitive, type Atom, type ClosedJaxpr, type Params } from '../core/primitive.js';
import type { SourceInfo } from '../core/source.js';

/** A list of equations from inputs to outputs. The body of a loop or branch also reads variables of what is around it. */
export interface Body {
  readonly inputs: readonly Var[];
  readonly eqns: readonly LoweredEqn[];
  readonly outputs: readonly Atom[];
}

/**
 * A loop, of scan or while. The first inputs of its equation are the initial carry and the arrays that are sliced; the
 * inputs of `body` are the carry and the slices, its outputs the next carry and the slices of stacked results. A condition
 * has the inputs of the body.
 */
export interface Repeat {
  readonly kind: 'repeat';
  readonly body: Body;
  readonly numCarry: number;
  readonly trips: { readonly count: number; readonly reverse: boolean } | { readonly cond: Body };
}

/** One of several bodies without inputs, by an index that is the first input of its equation. */
export interface Branch {
  readonly kind: 'branch';
  readonly branches: readonly Body[];
}

export type Control = Repeat | Branch;
type PlainLowering = Exclude<Lowering<ClosedJaxpr>, { kind: 'call' | 'scan' | 'while' | 'cond' }>;

/**
 * An equation with what it lowers to. Those that have bodies list the variables that the bodies read from around them
 * after their own inputs, so that passes need not look inside to know what an equation needs.
 */
export interface LoweredEqn<L extends PlainLowering | Control = PlainLowering | Control> {
  readonly primitive: Pick<AnyPrimitive, 'name'>;
  readonly params: Params;
  readonly inputs: readonly Atom[];
  readonly outputs: readonly Var[];
  readonly source: SourceInfo | undefined;
  readonly lowering: L;
}

/** A flat program: no calls. Constants of inlined jaxprs have become inputs at the end. */
export interface FlatProgram extends Body {
  /** Values of the last `constants.length` inputs. */
  readonly constants: readonly NDArray[];
}

export const isControl = (eqn: LoweredEqn): eqn is LoweredEqn<Control> =>
  eqn.lowering.kind === 'repeat' || eqn.lowering.kind === 'branch';

/** The bodies of a loop or branch. */
export const bodiesOf = (control: Control): readonly Body[] =>
  control.kind === 'branch'
    ? control.branches
    : 'cond' in control.trips
      ? [control.trips.cond, control.body]
      : [control.body];

/** The same loop or branch with each body replaced. */
export function mapBodies<C extends Control>(control: C, f: (body: Body) => Body): Control {
  if (control.kind === 'branch') return { ...control, branches: control.branches.map(f) };
  const { trips } = control;
  return { ...control, body: f(control.body), trips: 'cond' in trips ? { cond: f(trips.cond) } : trips };
}

/** How many inputs of the equation are its own; the rest are what its bodies read from around it. */
export const operandCount = (control: Control): number => (control.kind === 'branch' ? 1 : control.body.inputs.length);

/** What a body reads from around it. */
export function freeVariables({ inputs, eqns, outputs }: Body): Set<Var> {
  const bound = new Set<Var>(inputs);
  for (const eqn of eqns) eqn.outputs.forEach((v) => bound.add(v));
  const free = new Set<Var>();
  for (const a of [...eqns.flatMap((eqn) => eqn.inputs), ...outputs]) {
    if (a instanceof Var && !bound.has(a)) free.add(a);
  }
  return free;
}

/** The equation of a loop or branch over its own operands. */
export function controlEqn(
  eqn: Pick<LoweredEqn, 'primitive' | 'source'>,
  operands: readonly Atom[],
  outputs: readonly Var[],
  lowering: Control,
): LoweredEqn<Control> {
  const free = new Set(bodiesOf(lowering).flatMap((body) => [...freeVariables(body)]));
  const { primitive, source } = eqn;
  return { primitive, source, params: {}, inputs: [...operands, ...free], outputs, lowering };
}

/** Flatten a closed jaxpr; its own constants come after its arguments. */
export function inlineCalls(closed: ClosedJaxpr): FlatProgram {
  const constants = new Map<NDArray, Var>();
  const constant = (value: NDArray, v: Var): Var => {
    let known = constants.get(value);
    if (known === undefined) constants.set(value, (known = new Var(v.aval)));
    return known;
  };

  const visit = ({ jaxpr, consts }: ClosedJaxpr, args: readonly Atom[], eqns: LoweredEqn[]): Atom[] => {
    const env = new Map<Var, Atom>();
    jaxpr.invars.forEach((v, i) => env.set(v, nth(args, i)));
    jaxpr.constvars.forEach((v, i) => env.set(v, constant(nth(consts, i), v)));
    const read = (a: Atom): Atom => (a instanceof Var ? (env.get(a) ?? a) : a);
    for (const eqn of jaxpr.eqns) {
      const inputs = eqn.inputs.map(read);
      const lowering = eqn.primitive.lower(
        eqn.inputs.map((a) => a.aval),
        eqn.params,
      );
      if (lowering.kind === 'call') {
        const results = visit(lowering.jaxpr, inputs, eqns);
        eqn.outputs.forEach((v, i) => env.set(v, nth(results, i)));
        continue;
      }
      const outputs = eqn.outputs.map((v) => {
        const fresh = new Var(v.aval);
        env.set(v, fresh);
        return fresh;
      });
      switch (lowering.kind) {
        case 'scan': {
          const { numConsts, numCarry, length, reverse } = lowering;
          const body = bodyOf(lowering.jaxpr, inputs.slice(0, numConsts));
          const trips = { count: length, reverse };
          eqns.push(controlEqn(eqn, inputs.slice(numConsts), outputs, { kind: 'repeat', body, numCarry, trips }));
          break;
        }
        case 'while': {
          const { numCondConsts, numBodyConsts } = lowering;
          const carry = numCondConsts + numBodyConsts;
          const body = bodyOf(lowering.body, inputs.slice(numCondConsts, carry));
          const cond = bodyOf(lowering.cond, inputs.slice(0, numCondConsts), body.inputs);
          const numCarry = inputs.length - carry;
          eqns.push(controlEqn(eqn, inputs.slice(carry), outputs, { kind: 'repeat', body, numCarry, trips: { cond } }));
          break;
        }
        case 'cond': {
          const branches = lowering.branches.map((branch) => bodyOf(branch, inputs.slice(1)));
          eqns.push(controlEqn(eqn, inputs.slice(0, 1), outputs, { kind: 'branch', branches }));
          break;
        }
        default: {
          const { primitive, params, source } = eqn;
          eqns.push({ primitive, params, source, inputs, outputs, lowering });
        }
      }
    }
    return jaxpr.outvars.map(read);
  };
  /** The body that a jaxpr is when its first arguments are known. */
  const bodyOf = (
    jaxpr: ClosedJaxpr,
    known: readonly Atom[],
    inputs: readonly Var[] = jaxpr.jaxpr.invars.slice(known.length).map((v) => new Var(v.aval)),
  ): Body => {
    const eqns: LoweredEqn[] = [];
    return { inputs, outputs: visit(jaxpr, [...known, ...inputs], eqns), eqns };
  };

  const args = closed.jaxpr.invars.map((v) => new Var(v.aval));
  const eqns: LoweredEqn[] = [];
  const outputs = visit(closed, args, eqns);
  return { inputs: [...args, ...constants.values()], constants: [...constants.keys()], eqns, outputs };
}
