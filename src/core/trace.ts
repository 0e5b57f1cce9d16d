/**
 * Tracing. One interpreter is current at a time and holds its parent; there are no levels (the "current
 * trace" design of JAX's core and autodidax2). `bind` hands an operation to the current interpreter.
 */
import type { ShapedArray } from './aval.js';
import { ConcreteArray } from './concrete.js';
import { ConcretizationError, UnexpectedTracerError } from './errors.js';
import { NDArray, type NestedArray } from './ndarray.js';
import { forgetParams, type AnyPrimitive, type Params, type Primitive } from './primitive.js';
import { inOperation, operationSource, userLine, type SourceInfo } from './source.js';
import type { TypedArray } from './dtype.js';

/** An interpreter of primitives. */
export abstract class Trace {
  /** False once the transform that made it has returned: its tracers must not be used any more. */
  alive = true;
  /** What users know the transform as: `jit`, `grad`, `vmap`. */
  abstract readonly transform: string;
  abstract process(primitive: AnyPrimitive, operands: readonly NDArray[], params: Params): readonly NDArray[];
}

/** A value inside a trace. */
export abstract class Tracer extends NDArray {
  abstract readonly owner: Trace;
  /** Where the value was made, for messages about leaks. */
  readonly source: SourceInfo = operationSource();
  /** What it is, for messages: `argument x.w of f`. */
  label: string | undefined;

  #refuse(what: string): never {
    if (!this.owner.alive) throw leaked(this, what);
    const origin = this.label === undefined ? '' : `, ${this.label}`;
    throw new ConcretizationError(
      `${what}: the value is traced by ${this.owner.transform} and has no elements yet (it is ${this.aval.toString()}${origin}). ` +
        `Use np.where(condition, a, b) or lax.cond instead of if, lax.foriLoop, lax.scan or lax.whileLoop instead of a loop, ` +
        `functions of np instead of Math, and ` +
        `jit(f, { staticArgnums: [i] }) for arguments that must be plain numbers.${userLine()}`,
    );
  }
  js(): NestedArray {
    return this.#refuse('js()');
  }
  item(): number {
    return this.#refuse('item()');
  }
  dataSync(): TypedArray {
    return this.#refuse('dataSync()');
  }
  data(): Promise<TypedArray> {
    return this.#refuse('data()');
  }
  blockUntilReady(): Promise<this> {
    return Promise.resolve(this);
  }
  [Symbol.toPrimitive](hint: string): never {
    return this.#refuse(
      hint === 'string'
        ? 'conversion to a string'
        : 'conversion to a number (a comparison, arithmetic operator or Math function)',
    );
  }
  dispose(): void {
    // A traced value has no memory.
  }
  toJSON(): never {
    return this.#refuse('JSON.stringify');
  }
  override toString(): string {
    return `Traced<${this.aval.toString()}>`;
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** How concrete operations run; the compiler installs itself here. */
export type Evaluator = (
  primitive: AnyPrimitive,
  operands: readonly ConcreteArray[],
  params: Params,
) => readonly NDArray[];
let evaluator: Evaluator | undefined;
export function setEvaluator(evaluate: Evaluator): void {
  evaluator = evaluate;
}

/** The interpreter at the bottom: computes. */
class EvalTrace extends Trace {
  readonly transform = 'eval';
  process(primitive: AnyPrimitive, operands: readonly NDArray[], params: Params): readonly NDArray[] {
    const concrete = operands.map((x) => {
      if (x instanceof ConcreteArray) return x;
      if (x instanceof Tracer) throw leaked(x, primitive.name);
      throw new TypeError(`${primitive.name}: an operand is no array`);
    });
    if (evaluator === undefined) throw new Error('no evaluator: import cotangent, not one of its internal modules');
    return evaluator(primitive, concrete, params);
  }
}

export const evalTrace: Trace = new EvalTrace();
let current: Trace = evalTrace;

export const currentTrace = (): Trace => current;

/** Run `f` with `trace` as the current interpreter; restores the previous one also when `f` throws. */
export function withTrace<A>(trace: Trace, f: () => A): A {
  const previous = current;
  current = trace;
  try {
    return f();
  } finally {
    current = previous;
  }
}

/** Run `f` inside a fresh trace, which dies when `f` returns or throws. */
export function withFreshTrace<T extends Trace, A>(trace: T, f: (trace: T) => A): A {
  try {
    return withTrace(trace, () => f(trace));
  } finally {
    trace.alive = false;
  }
}

/** Apply a primitive under the current interpreter. */
export function bind<P extends Params>(
  primitive: Primitive<P>,
  operands: readonly NDArray[],
  params: P,
): readonly NDArray[] {
  return inOperation(() => current.process(forgetParams(primitive), operands, params));
}

/** {@link bind} for a primitive with one result. */
export function bind1<P extends Params>(primitive: Primitive<P>, operands: readonly NDArray[], params: P): NDArray {
  const [result] = bind(primitive, operands, params);
  if (result === undefined) throw new Error(`${primitive.name}: no result`);
  return result;
}

/** The error for a tracer that outlived its trace, or that a trace which is not inside its own was handed. */
export function leaked(tracer: Tracer, op: string): UnexpectedTracerError {
  const made = tracer.source.toString();
  return new UnexpectedTracerError(
    `${op}: a value of ${tracer.aval.toString()} traced by ${tracer.owner.transform} was used outside of it` +
      `${made === '' ? '' : `; it was made at ${made}`}. A function under a transform must not store its values in outer variables: ` +
      `return them instead (an extra result, or hasAux).${userLine()}`,
  );
}

/** Throw if `x` is a tracer whose trace has ended. */
export function checkNotLeaked(x: NDArray, op: string): void {
  if (x instanceof Tracer && !x.owner.alive) throw leaked(x, op);
}

export type { ShapedArray };
