/** `checkpoint`: values are recomputed in the backward pass instead of kept, trading time for memory. */
import { ShapedArray } from '../core/aval.js';
import { evalClosed, evalJaxpr, traceToJaxpr } from '../core/jaxpr-trace.js';
import { pruneClosed } from '../core/dce.js';
import { nth } from '../core/axes.js';
import { NDArray } from '../core/ndarray.js';
import {
  ClosedJaxpr,
  definePrimitive,
  Jaxpr,
  LinearOperand,
  Var,
  type Atom,
  type Eqn,
  type Params,
  type Primitive,
} from '../core/primitive.js';
import { bind } from '../core/trace.js';
import { unflatten } from '../core/tree.js';
import { take1 } from '../core/tuple.js';
import { optimizationBarrier } from '../lax/identity.js';
import { sin } from '../lax/trigonometric.js';
import {
  flatFunction,
  flattenArguments,
  type ArgumentsLike,
  type ArrayTree,
  type ToArrays,
  type TreesLike,
} from './arguments.js';
import { callRules, calledTypes, hoistConstants, tangentsWhere } from './call.js';
import { linearizeJaxpr } from './linearize.js';
import { memoize } from './memo.js';
import { backwardPass } from './transpose.js';

/** Whether the results of an operation are kept, given its name as jaxprs print it and its parameters. */
export type CheckpointPolicy = (primitive: string, params: Params) => boolean;

const hasNoBatch = (params: Params): boolean => {
  const numbers = params['dimensionNumbers'];
  const batch: unknown = Array.isArray(numbers) ? numbers[1] : undefined;
  return Array.isArray(batch) && batch.every((axes: unknown) => Array.isArray(axes) && axes.length === 0);
};

/**
 * Which values {@link checkpoint} keeps for the way back: the names of `jax.checkpoint_policies`.
 *
 * @example
 * ```ts
 * import { checkpoint, checkpointPolicies, grad, numpy as np } from 'cotangent';
 * // Products are kept, and what is cheap is computed again.
 * const layer = (w: np.Array, x: np.Array) => np.tanh(np.matmul(x, w));
 * const kept = checkpoint(layer, { policy: checkpointPolicies.dotsSaveable });
 * grad((w: np.Array) => kept(w, np.ones([1, 2])).sum())(np.zeros([2, 2])).js(); // => [[1,1],[1,1]]
 * ```
 */
export const checkpointPolicies: {
  /** Nothing but the arguments: the default. */
  readonly nothingSaveable: CheckpointPolicy;
  /** Everything, as without checkpoint. */
  readonly everythingSaveable: CheckpointPolicy;
  /** Results of matrix products and other contractions. */
  readonly dotsSaveable: CheckpointPolicy;
  /** Results of contractions without batch axes: those with parameters, mostly. */
  readonly dotsWithNoBatchDimsSaveable: CheckpointPolicy;
} = {
  nothingSaveable: () => false,
  everythingSaveable: () => true,
  dotsSaveable: (primitive) => primitive === 'dot_general',
  dotsWithNoBatchDimsSaveable: (primitive, params) => primitive === 'dot_general' && hasNoBatch(params),
};

type CheckpointParams = { readonly jaxpr: ClosedJaxpr; readonly policy?: CheckpointPolicy };

let barriers = true;

/**
 * Run `f`, which transposes the body of a loop, with recomputation unguarded: the first computation was another loop, so
 * that there is nothing to merge with.
 */
export function withoutBarriers<R>(f: () => R): R {
  const before = barriers;
  barriers = false;
  try {
    return f();
  } finally {
    barriers = before;
  }
}

const rules = callRules<CheckpointParams>((jaxpr, operands, { policy }) =>
  bind(checkpointP, operands, { jaxpr, ...(policy && { policy }) }),
);

interface SplitCheckpoint {
  /** Arguments to results, then the values that the policy keeps. */
  readonly primal: ClosedJaxpr;
  /** From the arguments marked `kept`, the values that were kept and the active tangents, to the tangents of `nonzero`. */
  readonly tangent: ClosedJaxpr;
  readonly kept: readonly boolean[];
  readonly nonzero: readonly boolean[];
}

/** Values that a policy keeps of those that the residuals are computed from: the last ones on the way. */
function savedValues(jaxpr: Jaxpr, residuals: readonly Atom[], isSaved: (eqn: Eqn) => boolean): Var[] {
  const maker = new Map<Atom, Eqn>(jaxpr.eqns.flatMap((eqn) => eqn.outputs.map((v) => [v, eqn] as const)));
  const seen = new Set<Atom>();
  const saved: Var[] = [];
  const visit = (atom: Atom): void => {
    if (!(atom instanceof Var) || seen.has(atom)) return;
    seen.add(atom);
    const eqn = maker.get(atom);
    if (eqn === undefined) return;
    if (isSaved(eqn)) saved.push(atom);
    else eqn.inputs.forEach(visit);
  };
  residuals.forEach(visit);
  return saved;
}

function splitBy(policy: CheckpointPolicy, closed: ClosedJaxpr, active: readonly boolean[]): SplitCheckpoint {
  const { primal, tangent, nonzero } = linearizeJaxpr(closed, active);
  const { constvars, invars, eqns, outvars } = primal.jaxpr;
  const residuals = outvars.slice(nonzero.length);
  const isSaved = (eqn: Eqn): boolean => policy(eqn.primitive.name, eqn.params);
  const saved = savedValues(primal.jaxpr, residuals, isSaved);
  // What was kept is an argument now, and not made again.
  const again = new Jaxpr(
    constvars,
    [...invars, ...saved],
    eqns.filter((eqn) => !eqn.outputs.some((v) => saved.includes(v))),
    residuals,
  );
  const moving = closed.inAvals.filter((_, i) => active[i]).map((a) => a.strengthen());
  const n = invars.length + saved.length;
  const traced = pruneClosed(
    traceToJaxpr(
      (...args) => evalClosed(tangent, [...evalJaxpr(again, primal.consts, args.slice(0, n)), ...args.slice(n)]),
      [...again.inAvals, ...moving],
      'checkpoint',
    ),
  );
  const used = new Set<Atom>(traced.jaxpr.eqns.flatMap((eqn) => eqn.inputs));
  const kept = invars.map((_, i) => used.has(nth(traced.jaxpr.invars, i)));
  const { jaxpr } = traced;
  return {
    primal: new ClosedJaxpr(
      new Jaxpr(constvars, invars, eqns, [...outvars.slice(0, nonzero.length), ...saved]),
      primal.consts,
    ),
    tangent: new ClosedJaxpr(
      new Jaxpr(
        jaxpr.constvars,
        jaxpr.invars.filter((_, i) => kept[i] !== false),
        jaxpr.eqns,
        jaxpr.outvars,
      ),
      traced.consts,
    ),
    kept,
    nonzero,
  };
}

const splits = new WeakMap<CheckpointPolicy, (closed: ClosedJaxpr, active: readonly boolean[]) => SplitCheckpoint>();
/** {@link splitBy}, remembered. */
function splitFor(policy: CheckpointPolicy): (closed: ClosedJaxpr, active: readonly boolean[]) => SplitCheckpoint {
  let split = splits.get(policy);
  if (split === undefined) {
    split = memoize((closed: ClosedJaxpr, active: readonly boolean[]) => splitBy(policy, closed, active));
    splits.set(policy, split);
  }
  return split;
}

const checkpointP: Primitive<CheckpointParams> = definePrimitive<CheckpointParams>({
  name: 'checkpoint',
  abstract: (operands, { jaxpr }) => calledTypes('checkpoint', operands, jaxpr),
  jvp: rules.jvp,
  batch: rules.batch,
  // Only arguments, and what the policy says, are kept: the tangent program computes everything else from them again.
  linearize: (primals, nonzero, params) => {
    const { jaxpr, policy = checkpointPolicies.nothingSaveable } = params;
    const split = splitFor(policy)(jaxpr, nonzero);
    // Without kept values the values are those of the call as it is.
    const n = split.nonzero.length;
    const hasSaved = split.primal.jaxpr.outvars.length > n;
    const values = hoistConstants(hasSaved ? split.primal : jaxpr);
    const out = bind(checkpointP, [...values.consts, ...primals], { ...params, jaxpr: values.closed });
    const results = out.slice(0, n);
    return {
      results,
      tangents: (tangents) => {
        const given = tangents.filter((t): t is NDArray => t instanceof NDArray);
        const { closed, consts } = hoistConstants(split.tangent);
        const kept = primals.filter((_, i) => split.kept[i]);
        const moved = split.nonzero.some((x) => x)
          ? bind(checkpointP, [...consts, ...kept, ...out.slice(n), ...given], { ...params, jaxpr: closed })
          : [];
        return tangentsWhere(split.nonzero, results, moved);
      },
    };
  },
  transpose: (cotangents, operands, { jaxpr }) => {
    const known = operands.filter((x) => x instanceof NDArray);
    // The barrier keeps the recomputation apart from the first computation, which it would be merged with.
    const again = barriers ? optimizationBarrier(known) : known;
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

export interface CheckpointOptions {
  /** Which values are kept; by default {@link checkpointPolicies}.nothingSaveable. */
  readonly policy?: CheckpointPolicy;
}

/**
 * `f`, except that reverse mode keeps only its arguments, and what `policy` says, and computes other intermediate values
 * again when it needs them.
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
  options?: CheckpointOptions,
): (...args: ArgumentsLike<A>) => ToArrays<R>;
export function checkpoint<A extends readonly unknown[], R extends ArrayTree>(
  f: (...args: A) => R,
  options?: CheckpointOptions,
): (...args: TreesLike<A>) => R;
export function checkpoint<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options?: CheckpointOptions,
): (...args: ArgumentsLike<A>) => ToArrays<R>;
export function checkpoint<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: CheckpointOptions = {},
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
    const params = options.policy === undefined ? { jaxpr: closed } : { jaxpr: closed, policy: options.policy };
    return unflatten(flat.outDef(), bind(checkpointP, [...consts, ...arrays], params)) as ToArrays<R>;
  };
}
