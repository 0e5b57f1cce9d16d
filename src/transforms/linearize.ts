/**
 * Linearization: values are computed, and the tangent computation is recorded as a jaxpr that is linear in its
 * arguments; what it needs of the values (residuals) are its constants.
 */
import { isFloat } from '../core/dtype.js';
import { pruneClosed } from '../core/dce.js';
import { constantsAsArguments, evalClosed, JaxprTrace, JaxprTracer, traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { ClosedJaxpr, Zero, type AnyPrimitive, type MaybeZero, type Params } from '../core/primitive.js';
import { currentTrace, Trace, Tracer, withFreshTrace, withTrace } from '../core/trace.js';
import { nth } from '../core/axes.js';
import { instantiate } from '../lax/broadcast.js';
import { applyJvp } from './jvp.js';
import { memoize } from './memo.js';

class LinearizeTracer extends Tracer {
  readonly aval;
  constructor(
    readonly owner: LinearizeTrace,
    readonly primal: NDArray,
    readonly tangent: NDArray,
  ) {
    super();
    this.aval = primal.aval;
  }
}

/** Runs what does not depend on tangents on the parent, and records the rest. */
export class PartialTrace extends Trace {
  readonly transform = 'linearize';
  constructor(
    private readonly parent: Trace,
    private readonly tangents: JaxprTrace,
  ) {
    super();
  }

  process(primitive: AnyPrimitive, operands: readonly NDArray[], params: Params): readonly NDArray[] {
    const unknown = operands.some((x) => x instanceof JaxprTracer && x.owner === this.tangents);
    return unknown
      ? this.tangents.process(primitive, operands, params)
      : withTrace(this.parent, () => this.parent.process(primitive, operands, params));
  }
}

class LinearizeTrace extends Trace {
  readonly transform = 'grad';
  constructor(
    private readonly parent: Trace,
    private readonly tangents: JaxprTrace,
  ) {
    super();
  }

  split(x: NDArray): [NDArray, MaybeZero] {
    return x instanceof LinearizeTracer && x.owner === this ? [x.primal, x.tangent] : [x, new Zero(x.aval)];
  }

  process(primitive: AnyPrimitive, operands: readonly NDArray[], params: Params): readonly NDArray[] {
    const pairs = operands.map((x) => this.split(x));
    const primals = pairs.map(([p]) => p);
    const tangents = pairs.map(([, t]) => t);
    if (tangents.every((t) => t instanceof Zero))
      return withTrace(this.parent, () => this.parent.process(primitive, primals, params));
    const out = this.#linearize(primitive, primals, tangents, params);
    return out.primals.map((p, i) => {
      const t = nth(out.tangents, i);
      return t instanceof Zero ? p : new LinearizeTracer(this, p, t);
    });
  }

  #linearize(
    primitive: AnyPrimitive,
    primals: readonly NDArray[],
    tangents: readonly MaybeZero[],
    params: Params,
  ): { primals: readonly NDArray[]; tangents: readonly MaybeZero[] } {
    const { linearize } = primitive;
    if (linearize === undefined)
      return withTrace(new PartialTrace(this.parent, this.tangents), () =>
        applyJvp(primitive, primals, tangents, params),
      );
    const rule = withTrace(this.parent, () =>
      linearize(
        primals,
        tangents.map((t) => !(t instanceof Zero)),
        params,
      ),
    );
    return { primals: rule.results, tangents: withTrace(this.tangents, () => rule.tangents(tangents)) };
  }
}

/** A linear function of lists of arrays: a jaxpr for the results that depend on its arguments, zero for the others. */
export interface LinearFunction {
  /** Arguments are the tangents of the primals marked in `active`; constants are residuals. */
  readonly closed: ClosedJaxpr;
  /** Which results the jaxpr gives; the others are zero. */
  readonly nonzero: readonly boolean[];
}

/**
 * Values of `f` and its linearization with respect to the primals marked `active` (all floats by default). Results marked
 * in `force` count as nonzero.
 */
export function linearizeFlat(
  f: (...args: NDArray[]) => readonly NDArray[],
  primals: readonly NDArray[],
  active: readonly boolean[] = primals.map((p) => isFloat(p.dtype)),
  force: readonly boolean[] = [],
): { primals: NDArray[]; linear: LinearFunction } {
  const tangentTrace = new JaxprTrace('grad');
  const trace = new LinearizeTrace(currentTrace(), tangentTrace);
  try {
    const tangentArgs: JaxprTracer[] = [];
    const args = primals.map((p, i) => {
      if (active[i] !== true) return p;
      const tangent = tangentTrace.argument(p.aval.strengthen());
      tangentArgs.push(tangent);
      return new LinearizeTracer(trace, p, tangent);
    });
    const out = withFreshTrace(trace, () => f(...args)).map((x) => trace.split(x));
    const nonzero = out.map(([, t], i) => !(t instanceof Zero) || force[i] === true);
    const tangents = withTrace(tangentTrace, () =>
      out.filter((_, i) => nonzero[i]).map(([, t]): NDArray => instantiate(t)),
    );
    const closed = pruneClosed(tangentTrace.finish(tangentArgs, tangents));
    return { primals: out.map(([p]) => p), linear: { closed, nonzero } };
  } finally {
    tangentTrace.alive = false;
  }
}

/** A jaxpr split into values with residuals, and the linear program of tangents. */
export interface LinearizedJaxpr {
  /** Arguments to results, then residuals. */
  readonly primal: ClosedJaxpr;
  /** Residuals and active tangents to the tangents of the results marked nonzero. */
  readonly tangent: ClosedJaxpr;
  readonly nonzero: readonly boolean[];
}

/** Linearize a closed jaxpr with respect to the marked arguments; results marked in `force` count as nonzero. */
export const linearizeJaxpr = memoize(
  (closed: ClosedJaxpr, active: readonly boolean[], force: readonly boolean[] = []): LinearizedJaxpr => {
    let linear: LinearFunction | undefined;
    const primal = traceToJaxpr(
      (...args) => {
        const out = linearizeFlat((...xs) => evalClosed(closed, xs), args, active, force);
        ({ linear } = out);
        return [...out.primals, ...out.linear.closed.consts];
      },
      closed.inAvals,
      'grad',
    );
    if (linear === undefined) throw new Error('unreachable');
    return {
      primal,
      tangent: new ClosedJaxpr(constantsAsArguments(linear.closed), []),
      nonzero: linear.nonzero,
    };
  },
);
