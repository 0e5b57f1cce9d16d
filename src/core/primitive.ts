/**
 * Primitives and jaxprs: the data of the traced IR. A primitive is one value that carries every rule, so that a
 * missing rule is a compile error; a jaxpr is a list of equations, each one primitive applied to variables.
 */
import type { ShapedArray, Shape } from './aval.js';
import type { DType } from './dtype.js';
import type { Lowering } from './lowering.js';
import type { NDArray } from './ndarray.js';
import type { SourceInfo } from './source.js';

/** Parameters of an equation: everything that is not an array. Printed by the jaxpr printer. */
export type ParamValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Jaxpr
  | ClosedJaxpr
  | readonly ParamValue[]
  | { readonly [key: string]: ParamValue }
  | ((...args: never[]) => unknown);
export type Params = Readonly<Record<string, ParamValue>>;

/** A tangent or cotangent known to be zero: it is never computed. */
export class Zero {
  constructor(readonly aval: ShapedArray) {}
}
export type MaybeZero = NDArray | Zero;

/** Stands for an operand of a linear equation that is being transposed with respect to it. */
export class LinearOperand {
  constructor(readonly aval: ShapedArray) {}
}

/** A rule that cannot exist, with the reason users are told. */
export class NoRule {
  constructor(readonly reason: string) {}
}
/** For `jvp`: `notDifferentiable('argmax is piecewise constant')`. */
export const notDifferentiable = (reason: string): NoRule => new NoRule(reason);
/** For `transpose`: the operation is linear in none of its operands. */
export const notLinear = (reason = 'it is not linear'): NoRule => new NoRule(reason);

export type JvpRule<P> = (
  primals: readonly NDArray[],
  tangents: readonly MaybeZero[],
  params: P,
) => { readonly primals: readonly NDArray[]; readonly tangents: readonly MaybeZero[] };

/** Cotangents of the operands, `null` or Zero where there is none. Non-linear operands arrive as values. */
export type TransposeRule<P> = (
  cotangents: readonly MaybeZero[],
  operands: readonly (NDArray | LinearOperand)[],
  params: P,
) => readonly (MaybeZero | null)[];

/** `dims[i]` is the batch axis of operand i, or null. Returns results and their batch axes. */
export type BatchRule<P> = (
  size: number,
  operands: readonly NDArray[],
  dims: readonly (number | null)[],
  params: P,
  axisName: string | undefined,
) => { readonly results: readonly NDArray[]; readonly dims: readonly (number | null)[] };

/** What linearizing one equation gives: results, and their tangents as a linear function. */
export type LinearizeRule<P> = (
  primals: readonly NDArray[],
  nonzero: readonly boolean[],
  params: P,
) => {
  readonly results: readonly NDArray[];
  /** Called while the tangent program is traced; only with tangents that are not Zero where `nonzero`. */
  readonly tangents: (tangents: readonly MaybeZero[]) => readonly MaybeZero[];
};

/** One way to call a primitive, from which law tests are generated. */
export interface Example<P> {
  readonly args: readonly ArgSpec[];
  readonly params: P;
}
/** How to draw an operand: `values` fixes it, else uniform in `domain` (integers for integer dtypes). */
export interface ArgSpec {
  readonly shape: Shape;
  readonly dtype?: DType;
  readonly domain?: readonly [number, number];
  readonly values?: readonly number[];
}

/** A primitive operation with all its rules. `P` are its parameters. */
export interface Primitive<P extends Params = Params> {
  /** JAX's name, in snake case, as jaxprs print it. */
  readonly name: string;
  /** Result types; throws a teaching error for operands that do not fit. */
  readonly abstract: (operands: readonly ShapedArray[], params: P) => readonly ShapedArray[];
  readonly jvp: JvpRule<P> | NoRule;
  readonly transpose: TransposeRule<P> | NoRule;
  readonly batch: BatchRule<P>;
  readonly lower: (operands: readonly ShapedArray[], params: P) => Lowering<ClosedJaxpr>;
  /** Only for primitives that carry jaxprs, whose tangent program is more than the trace of their jvp. */
  readonly linearize?: LinearizeRule<P>;
  /** Examples for the generated laws; at least one. */
  readonly examples: () => readonly Example<P>[];
}

/** Primitives as the interpreters and jaxprs hold them, the type of their parameters forgotten. */
export type AnyPrimitive = Primitive;

const registry = new Map<string, AnyPrimitive>();

/**
 * Define a primitive and add it to the registry that the generated laws run over. Names are unique.
 */
export function definePrimitive<P extends Params>(definition: Primitive<P>): Primitive<P> {
  if (registry.has(definition.name)) throw new Error(`primitive ${definition.name} is defined twice`);
  registry.set(definition.name, forgetParams(definition));
  return definition;
}

/**
 * Forget the type of a primitive's parameters. Sound because equations are only made by `bind`, which pairs a
 * primitive with parameters of its own type.
 */
export const forgetParams = <P extends Params>(primitive: Primitive<P>): AnyPrimitive =>
  primitive as unknown as AnyPrimitive;

/** Every primitive defined so far, by name. */
export const primitives = (): ReadonlyMap<string, AnyPrimitive> => registry;

/** A variable of a jaxpr. Identity is the variable. */
export class Var {
  constructor(readonly aval: ShapedArray) {}
}

/** A scalar constant written into an equation. */
export class Lit {
  constructor(
    readonly value: number,
    readonly aval: ShapedArray,
  ) {}
}
export type Atom = Var | Lit;

/** One equation: `outputs = primitive[params] inputs`. */
export interface Eqn {
  readonly primitive: AnyPrimitive;
  readonly inputs: readonly Atom[];
  readonly params: Params;
  readonly outputs: readonly Var[];
  readonly source: SourceInfo | undefined;
}

/** A function in the traced IR: variables bound to constants and arguments, equations in order, results. */
export class Jaxpr {
  constructor(
    readonly constvars: readonly Var[],
    readonly invars: readonly Var[],
    readonly eqns: readonly Eqn[],
    readonly outvars: readonly Atom[],
  ) {}

  get inAvals(): ShapedArray[] {
    return this.invars.map((v) => v.aval);
  }
  get outAvals(): ShapedArray[] {
    return this.outvars.map((v) => v.aval);
  }

  /** As JAX prints it. */
  toString(): string {
    return printer(this);
  }
}

/** A jaxpr with the values of its constants. */
export class ClosedJaxpr {
  constructor(
    readonly jaxpr: Jaxpr,
    readonly consts: readonly NDArray[],
  ) {}

  get inAvals(): ShapedArray[] {
    return this.jaxpr.inAvals;
  }
  get outAvals(): ShapedArray[] {
    return this.jaxpr.outAvals;
  }

  /** As JAX prints it. */
  toString(): string {
    return printer(this.jaxpr);
  }
}

// The printer needs the classes above, so it is put in here by its own module.
let printer: (jaxpr: Jaxpr) => string = () => '<jaxpr>';
export function setJaxprPrinter(print: (jaxpr: Jaxpr) => string): void {
  printer = print;
}
