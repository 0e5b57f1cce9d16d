/**
 * The rules that every primitive which calls a jaxpr shares: forward mode, linearization, transposition and batching
 * are those of the jaxpr, in a call again.
 */
import type { ShapedArray } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { JaxprTypeError } from '../core/errors.js';
import { constantsAsArguments } from '../core/jaxpr-trace.js';
import { NDArray } from '../core/ndarray.js';
import {
  ClosedJaxpr,
  LinearOperand,
  Zero,
  type BatchRule,
  type JvpRule,
  type LinearizeRule,
  type MaybeZero,
  type Params,
  type TransposeRule,
} from '../core/primitive.js';
import { batchOrRepeat } from '../lax/broadcast.js';
import { jvpJaxpr } from './jvp.js';
import { linearizeJaxpr } from './linearize.js';
import { memoize } from './memo.js';
import { transposeJaxpr } from './transpose.js';
import { batchJaxpr } from './vmap.js';

/** Result types of a call; the operands must have the types of the jaxpr's arguments. */
export function calledTypes(
  name: string,
  operands: readonly ShapedArray[],
  { inAvals, outAvals }: ClosedJaxpr,
): readonly ShapedArray[] {
  if (operands.length !== inAvals.length || operands.some((x, i) => !x.equals(nth(inAvals, i)))) {
    throw new JaxprTypeError(
      `${name}: the jaxpr takes ${inAvals.map(String).join(', ')}, but the operands are ${operands.map(String).join(', ')}`,
    );
  }
  return outAvals;
}

/** Apply the call to another jaxpr with the parameters it had. */
export type Rebind<P> = (closed: ClosedJaxpr, operands: readonly NDArray[], params: P) => readonly NDArray[];

const hoist = memoize((closed: ClosedJaxpr) => new ClosedJaxpr(constantsAsArguments(closed), []));

/** A closed jaxpr without constants, and the operands they become. */
export const hoistConstants = (closed: ClosedJaxpr): { closed: ClosedJaxpr; consts: readonly NDArray[] } =>
  closed.consts.length === 0 ? { closed, consts: [] } : { closed: hoist(closed), consts: closed.consts };

/** One tangent per result: the given ones where marked, zero elsewhere. */
export function tangentsWhere(
  nonzero: readonly boolean[],
  results: readonly NDArray[],
  tangents: readonly NDArray[],
): MaybeZero[] {
  let next = 0;
  return nonzero.map((x, i) => (x ? nth(tangents, next++) : new Zero(nth(results, i).aval)));
}

interface CallParams extends Params {
  readonly jaxpr: ClosedJaxpr;
}

export function callRules<P extends CallParams>(
  rebind: Rebind<P>,
): {
  jvp: JvpRule<P>;
  linearize: LinearizeRule<P>;
  transpose: TransposeRule<P>;
  batch: BatchRule<P>;
} {
  const call: Rebind<P> = (closed, operands, params) => {
    const hoisted = hoistConstants(closed);
    return rebind(hoisted.closed, [...hoisted.consts, ...operands], params);
  };
  return {
    jvp: (primals, tangents, params) => {
      const nonzero = tangents.map((t) => !(t instanceof Zero));
      const given = tangents.filter((t): t is NDArray => t instanceof NDArray);
      const made = jvpJaxpr(params.jaxpr, nonzero);
      const out = call(made.closed, [...primals, ...given], params);
      const results = out.slice(0, made.nonzero.length);
      return { primals: results, tangents: tangentsWhere(made.nonzero, results, out.slice(results.length)) };
    },
    linearize: (primals, nonzero, params) => {
      const split = linearizeJaxpr(params.jaxpr, nonzero);
      const out = call(split.primal, primals, params);
      const n = split.nonzero.length;
      const residuals = out.slice(n);
      const results = out.slice(0, n);
      return {
        results,
        tangents: (tangents) => {
          const given = tangents.filter((t): t is NDArray => t instanceof NDArray);
          const outTangents = split.nonzero.some((x) => x) ? call(split.tangent, [...residuals, ...given], params) : [];
          return tangentsWhere(split.nonzero, results, outTangents);
        },
      };
    },
    transpose: (cotangents, operands, params) => {
      const isLinear = operands.map((x) => x instanceof LinearOperand);
      const zero = cotangents.map((ct) => ct instanceof Zero);
      const { closed, nonzero } = transposeJaxpr(params.jaxpr, isLinear, zero);
      const known = operands.filter((x) => x instanceof NDArray);
      const given = cotangents.filter((ct): ct is NDArray => ct instanceof NDArray);
      const out = call(closed, [...known, ...given], params);
      let next = 0;
      return nonzero.map((x) => (x ? nth(out, next++) : null));
    },
    batch: (size, operands, dims, params, axisName) => {
      const batched = dims.map((d) => d !== null);
      const made = batchJaxpr(params.jaxpr, size, batched, axisName ?? null, false);
      const moved = operands.map((x, i) => (batched[i] === true ? batchOrRepeat(x, dims[i] ?? null, size) : x));
      const results = call(made.closed, moved, params);
      return { results, dims: made.batched.map((b) => (b ? 0 : null)) };
    },
  };
}
