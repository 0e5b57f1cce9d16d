/** Forward mode: the interpreter that carries a tangent with each value. */
import { isFloat } from '../core/dtype.js';
import { NotSupportedError } from '../core/errors.js';
import { evalClosed, traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import type { ClosedJaxpr } from '../core/primitive.js';
import { NoRule, Zero, type AnyPrimitive, type MaybeZero, type Params } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { currentTrace, Trace, Tracer, withFreshTrace, withTrace } from '../core/trace.js';
import { nth } from '../core/axes.js';
import { instantiate } from '../lax/broadcast.js';
import { memoize } from './memo.js';

class JvpTracer extends Tracer {
  readonly aval;
  constructor(
    readonly owner: JvpTrace,
    readonly primal: NDArray,
    readonly tangent: NDArray,
  ) {
    super();
    this.aval = primal.aval;
  }
}

/** Results of applying a primitive's jvp rule under the current interpreter. */
export function applyJvp(
  primitive: AnyPrimitive,
  primals: readonly NDArray[],
  tangents: readonly MaybeZero[],
  params: Params,
): {
  readonly primals: readonly NDArray[];
  readonly tangents: readonly MaybeZero[];
} {
  const { jvp } = primitive;
  if (!(jvp instanceof NoRule)) return jvp(primals, tangents, params);
  const results = currentTrace().process(primitive, primals, params);
  // Integers have no tangents, so a rule is missed only by float results.
  const float = results.find((x) => isFloat(x.dtype));
  if (float !== undefined) {
    throw new NotSupportedError(
      `${primitive.name} has no derivative: ${jvp.reason}. Wrap it in stopGradient if it should count as constant.${userLine()}`,
    );
  }
  return { primals: results, tangents: results.map((x) => new Zero(x.aval)) };
}

class JvpTrace extends Trace {
  readonly transform = 'jvp';
  constructor(private readonly parent: Trace) {
    super();
  }

  /** Primal and tangent of any value. */
  split(x: NDArray): [NDArray, MaybeZero] {
    return x instanceof JvpTracer && x.owner === this ? [x.primal, x.tangent] : [x, new Zero(x.aval)];
  }

  process(primitive: AnyPrimitive, operands: readonly NDArray[], params: Params): readonly NDArray[] {
    const pairs = operands.map((x) => this.split(x));
    const primals = pairs.map(([p]) => p);
    return withTrace(this.parent, () => {
      if (pairs.every(([, t]) => t instanceof Zero)) return this.parent.process(primitive, primals, params);
      const out = applyJvp(
        primitive,
        primals,
        pairs.map(([, t]) => t),
        params,
      );
      return out.primals.map((p, i) => {
        const t = nth(out.tangents, i);
        return t instanceof Zero ? p : new JvpTracer(this, p, t);
      });
    });
  }
}

/** Values and tangents of a function of lists of arrays. */
export function jvpFlat(
  f: (...args: NDArray[]) => readonly NDArray[],
  primals: readonly NDArray[],
  tangents: readonly MaybeZero[],
): {
  primals: NDArray[];
  tangents: MaybeZero[];
} {
  return withFreshTrace(new JvpTrace(currentTrace()), (trace) => {
    const args = primals.map((p, i) => {
      const t = nth(tangents, i);
      return t instanceof Zero ? p : new JvpTracer(trace, p, t);
    });
    const out = f(...args).map((x) => trace.split(x));
    return { primals: out.map(([p]) => p), tangents: out.map(([, t]) => t) };
  });
}

/** The jaxpr of a jaxpr's jvp. */
export interface JvpJaxpr {
  /** Arguments are the primals, then the tangents of those marked nonzero; results likewise. */
  readonly closed: ClosedJaxpr;
  /** Which results have a tangent. */
  readonly nonzero: readonly boolean[];
}

/** The jvp of a jaxpr along the marked arguments; results marked in `force` have a tangent even where it is zero. */
export const jvpJaxpr = memoize(
  (closed: ClosedJaxpr, nonzero: readonly boolean[], force: readonly boolean[] = []): JvpJaxpr => {
    const avals = closed.inAvals;
    const tangentAvals = avals.filter((_, i) => nonzero[i]).map((a) => a.strengthen());
    let moving: boolean[] = [];
    const traced = traceToJaxpr(
      (...args) => {
        const primals = args.slice(0, avals.length);
        const given = args.slice(avals.length);
        let next = 0;
        const tangents = avals.map((a, i): MaybeZero => (nonzero[i] === true ? nth(given, next++) : new Zero(a)));
        const out = jvpFlat((...xs) => evalClosed(closed, xs), primals, tangents);
        moving = out.tangents.map((t, i) => !(t instanceof Zero) || force[i] === true);
        return [...out.primals, ...out.tangents.filter((_, i) => moving[i]).map(instantiate)];
      },
      [...avals, ...tangentAvals],
      'jvp',
    );
    return { closed: traced, nonzero: moving };
  },
);
