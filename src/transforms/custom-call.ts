/** Calling a function with a rule of its own: values are computed directly, and under a transform it is one equation. */
import type { ShapedArray } from '../core/aval.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import type { ClosedJaxpr } from '../core/primitive.js';
import { currentTrace, evalTrace } from '../core/trace.js';
import { unflatten, type TreeDef } from '../core/tree.js';
import { flatFunction, flattenArguments, type ArgumentsLike, type ToArrays } from './arguments.js';

/** What a rule needs to know of the call. */
export interface CustomCall {
  readonly closed: ClosedJaxpr;
  readonly arrays: readonly NDArray[];
  readonly avals: readonly ShapedArray[];
  /** Structures of the list of arguments and of the result. */
  readonly def: TreeDef;
  readonly outDef: TreeDef;
}

/** Call `f`; `bindRule` makes the equation that carries the rule. */
export function callWithRule<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  args: ArgumentsLike<A>,
  op: string,
  bindRule: (call: CustomCall) => readonly NDArray[],
): ToArrays<R> {
  const { arrays, def } = flattenArguments(args, op);
  const flat = flatFunction(f, def, op);
  if (currentTrace() === evalTrace) {
    const results = flat.run(...arrays);
    return unflatten(flat.outDef(), results) as ToArrays<R>;
  }
  const avals = arrays.map((x) => x.aval);
  const closed = traceToJaxpr(flat.run, avals, op);
  const outDef = flat.outDef();
  return unflatten(outDef, bindRule({ closed, arrays, avals, def, outDef })) as ToArrays<R>;
}
