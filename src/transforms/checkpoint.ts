/** `checkpoint`: values are recomputed in the backward pass instead of kept, trading time for memory. */
import { ShapedArray } from '../core/aval.js';
import { evalClosed, traceToJaxpr } from '../core/jaxpr-trace.js';
import { pruneResults } from '../core/dce.js';
import { nth } from '../core/axes.js';
import { NDArray } from '../core/ndarray.js';
import {
  ClosedJaxpr,
  definePrimitive,
  LinearOperand,
  Zero,
  type MaybeZero,
  type Primitive,
} from '../core/primitive.js';
import { bind } from '../core/trace.js';
import { unflatten } from '../core/tree.js';
import { take1 } from '../core/tuple.js';
import { optimizationBarrier } from '../lax/identity.js';
import { sin } from '../lax/trigonometric.js';
import { flatFunction, flattenArguments, type ArgumentsLike, type ToArrays } from './arguments.js';
import { callRules, calledTypes, hoistConstants } from './call.js';
import { linearizeJaxpr } from './linearize.js';
import { memoize } from './memo.js';
import { backwardPass } from './transpose.js';

type CheckpointParams = { readonly jaxpr: ClosedJaxpr };

const rules = callRules<CheckpointParams>((jaxpr, operands) => bind(checkpointP, operands, { jaxpr }));

/** The program of tangents: from arguments and active tangents, with residuals computed again from the arguments. */
const tangentJaxpr = memoize(
  (closed: ClosedJaxpr, active: readonly boolean[]): { closed: ClosedJaxpr; nonzero: readonly boolean[] } => {
    const { primal, tangent, nonzero } = linearizeJaxpr(closed, active);
    const n = closed.inAvals.length;
    const moving = closed.inAvals.filter((_, i) => active[i]).map((a) => a.strengthen());
    const traced = traceToJaxpr(
      (...args) => {
        const residuals = evalClosed(primal, args.slice(0, n)).slice(nonzero.length);
        return evalClosed(tangent, [...residuals, ...args.slice(n)]);
      },
      [...closed.inAvals, ...moving],
      'checkpoint',
    );
    return {
      closed: new ClosedJaxpr(
        pruneResults(
          traced.jaxpr,
          traced.jaxpr.outvars.map(() => true),
        ),
        traced.consts,
      ),
      nonzero,
    };
  },
);

const checkpointP: Primitive<CheckpointParams> = definePrimitive<CheckpointParams>({
  name: 'checkpoint',
  abstract: (operands, { jaxpr }) => calledTypes('checkpoint', operands, jaxpr),
  jvp: rules.jvp,
  batch: rules.batch,
  // Only the arguments are kept: the tangent program computes everything else from them again.
  linearize: (primals, nonzero, { jaxpr }) => {
    const results = bind(checkpointP, primals, { jaxpr });
    return {
      results,
      tangents: (tangents) => {
        const given = tangents.filter((t): t is NDArray => t instanceof NDArray);
        const split = tangentJaxpr(jaxpr, nonzero);
        const { closed, consts } = hoistConstants(split.closed);
        const out = split.nonzero.some((x) => x)
          ? bind(checkpointP, [...consts, ...primals, ...given], { jaxpr: closed })
          : [];
        let next = 0;
        return split.nonzero.map((x, i): MaybeZero => (x ? nth(out, next++) : new Zero(nth(results, i).aval)));
      },
    };
  },
  transpose: (cotangents, operands, { jaxpr }) => {
    const known = operands.filter((x) => x instanceof NDArray);
    // The barrier keeps the recomputation apart from the first computation, which it would be merged with.
    const again = optimizationBarrier(known);
    let next = 0;
    const args = operands.map((x) => (x instanceof LinearOperand ? x : nth(again, next++)));
    return backwardPass(jaxpr.jaxpr, jaxpr.consts, args, cotangents);
  },
  lower: (_avals, { jaxpr }) => ({ kind: 'call', jaxpr }),
  examples: () => {
    const jaxpr = traceToJaxpr(
      (...args) => [sin(sin(take1(args)[0]))],
      [new ShapedArray([3], 'float32')],
      'checkpoint',
    );
    return [{ args: [{ shape: [3] }], params: { jaxpr } }];
  },
});

/**
 * `f`, except that reverse mode keeps only its arguments and computes intermediate values again when it needs them.
 *
 * @example
 * ```ts
 * import { checkpoint, grad, numpy as np } from 'cotangent';
 * const block = checkpoint((x: np.Array) => np.sin(np.sin(x)));
 * grad((x: np.Array) => block(x))(0).item(); // => 1
 * ```
 */
export function checkpoint<A extends readonly NDArray[], R>(
  f: (...args: A) => R,
): (...args: ArgumentsLike<A>) => ToArrays<R>;
export function checkpoint<A extends readonly unknown[], R>(
  f: (...args: A) => R,
): (...args: ArgumentsLike<A>) => ToArrays<R>;
export function checkpoint<A extends readonly unknown[], R>(
  f: (...args: A) => R,
): (...args: ArgumentsLike<A>) => ToArrays<R> {
  const op = `checkpoint(${f.name})`;
  return (...args) => {
    const { arrays, def } = flattenArguments(args, op);
    const flat = flatFunction(f, def, op);
    const { closed, consts } = hoistConstants(
      traceToJaxpr(
        flat.run,
        arrays.map((x) => x.aval),
        op,
      ),
    );
    return unflatten(flat.outDef(), bind(checkpointP, [...consts, ...arrays], { jaxpr: closed })) as ToArrays<R>;
  };
}
