/** Functions with their own forward-mode rule. */
import { ShapedArray } from '../core/aval.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { definePrimitive, notLinear, type ClosedJaxpr, type MaybeZero, type Primitive } from '../core/primitive.js';
import { bind } from '../core/trace.js';
import { unflatten } from '../core/tree.js';
import { take1 } from '../core/tuple.js';
import { instantiate, batchOrRepeat } from '../lax/broadcast.js';
import { mul } from '../lax/arithmetic.js';
import { matchTree, type ArgumentsLike, type ToArrays } from './arguments.js';
import { calledTypes, hoistConstants } from './call.js';
import { callWithRule } from './custom-call.js';
import { batchJaxpr, vmapFlat } from './vmap.js';

/** Results and their tangents, from primals and tangents. */
type FlatJvp = (
  primals: readonly NDArray[],
  tangents: readonly NDArray[],
) => { primals: readonly NDArray[]; tangents: readonly NDArray[] };
type CustomJvpParams = { readonly jaxpr: ClosedJaxpr; readonly jvp: FlatJvp; readonly numConsts: number };

const customJvpP: Primitive<CustomJvpParams> = definePrimitive<CustomJvpParams>({
  name: 'custom_jvp_call',
  abstract: (operands, { jaxpr }) => calledTypes('custom_jvp_call', operands, jaxpr),
  jvp: (primals, tangents, { jvp, numConsts }) => {
    // Values the function closes over count as constants.
    const out = jvp(
      primals.slice(numConsts),
      tangents.slice(numConsts).map((t: MaybeZero) => instantiate(t)),
    );
    return { primals: out.primals, tangents: out.tangents };
  },
  transpose: notLinear('a function with a custom jvp is differentiated by its rule'),
  batch: (size, operands, dims, { jaxpr, jvp, numConsts }, axisName) => {
    const batched = dims.map((d) => d !== null);
    const made = batchJaxpr(jaxpr, size, batched, axisName ?? null, true);
    const moved = operands.map((x, i) => (batched[i] === true ? batchOrRepeat(x, dims[i] ?? null, size) : x));
    const axes = batched.slice(numConsts).map((b) => (b ? 0 : null));
    const rule: FlatJvp = (primals, tangents) => {
      const n = primals.length;
      const out = vmapFlat(
        (...xs) => {
          const result = jvp(xs.slice(0, n), xs.slice(n));
          return [...result.primals, ...result.tangents];
        },
        size,
        [...primals, ...tangents],
        [...axes, ...axes],
        axisName,
      );
      const whole = out.results.map((x, i) => batchOrRepeat(x, out.dims[i] ?? null, size));
      return { primals: whole.slice(0, whole.length / 2), tangents: whole.slice(whole.length / 2) };
    };
    const results = bindCustomJvp(made.closed, moved, rule, numConsts);
    return { results, dims: results.map(() => 0) };
  },
  lower: (_avals, { jaxpr }) => ({ kind: 'call', jaxpr }),
  examples: () => {
    const aval = new ShapedArray([3], 'float32');
    const jaxpr = traceToJaxpr((...args) => [mul(take1(args)[0], take1(args)[0])], [aval], 'custom_jvp');
    const jvp: FlatJvp = (primals, tangents) => {
      const [x] = take1(primals);
      return { primals: [mul(x, x)], tangents: [mul(mul(x, 2), take1(tangents)[0])] };
    };
    return [{ args: [{ shape: [3] }], params: { jaxpr, jvp, numConsts: 0 } }];
  },
});

function bindCustomJvp(
  closed: ClosedJaxpr,
  operands: readonly NDArray[],
  jvp: FlatJvp,
  numConsts: number,
): readonly NDArray[] {
  const hoisted = hoistConstants(closed);
  return bind(customJvpP, [...hoisted.consts, ...operands], {
    jaxpr: hoisted.closed,
    jvp,
    numConsts: numConsts + hoisted.consts.length,
  });
}

/** A function whose derivative is given by {@link CustomJvp.defjvp}. */
export interface CustomJvp<A extends readonly unknown[], R> {
  (...args: ArgumentsLike<A>): ToArrays<R>;
  /** Set the rule: from primals and tangents (lists, one per argument) to `[result, tangent of the result]`. */
  defjvp(rule: (primals: A, tangents: ToArrays<A>) => readonly [R, R]): CustomJvp<A, R>;
}

/**
 * A function with its own derivative rule, for forward and (as its transpose) reverse mode. Values that `f` closes over
 * count as constants.
 *
 * @example
 * ```ts
 * import { customJvp, grad, numpy as np } from 'cotangent';
 * const log1pexp = customJvp((x: np.Array) => np.log1p(np.exp(x))).defjvp(([x], [dx]) => [
 *   np.log1p(np.exp(x)),
 *   dx.mul(np.subtract(1, np.divide(1, np.add(1, np.exp(x))))),
 * ]);
 * grad(log1pexp)(100).item(); // => 1
 * ```
 */
export function customJvp<A extends readonly unknown[], R>(f: (...args: A) => R): CustomJvp<A, R> {
  let rule: ((primals: A, tangents: ToArrays<A>) => readonly [R, R]) | undefined;
  const op = `customJvp(${f.name})`;
  const call = (...args: ArgumentsLike<A>): ToArrays<R> =>
    callWithRule(f, args, op, ({ closed, arrays, def, outDef }) => {
      const jvp: FlatJvp = (primals, tangents) => {
        if (rule === undefined)
          throw new Error(`${op}: no rule; call .defjvp((primals, tangents) => [value, tangent]) first`);
        const out = rule(unflatten(def, primals) as A, unflatten(def, tangents) as ToArrays<A>);
        return {
          primals: matchTree(outDef, out[0], op, "the rule's value"),
          tangents: matchTree(outDef, out[1], op, "the rule's tangent"),
        };
      };
      return bindCustomJvp(closed, arrays, jvp, 0);
    });
  const self: CustomJvp<A, R> = Object.assign(call, {
    defjvp: (r: (primals: A, tangents: ToArrays<A>) => readonly [R, R]) => {
      rule = r;
      return self;
    },
  });
  return self;
}
