/** Vectorization: the interpreter that carries a batch axis with each value. */
import { evalClosed, traceToJaxpr } from '../core/jaxpr-trace.js';
import { canonicalAxis, nth, range } from '../core/axes.js';
import { subJaxprs } from '../core/check.js';
import { AxisError, ShapeError, TreeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import type { AnyPrimitive, ClosedJaxpr, Params } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { currentTrace, Trace, Tracer, withFreshTrace, withTrace } from '../core/trace.js';
import { flatten, flattenUpTo, unflatten, type TreeDef } from '../core/tree.js';
import { batchOrRepeat } from '../lax/broadcast.js';
import { moveaxis } from '../lax/reshape.js';
import { showShape } from '../core/aval.js';
import {
  flatFunction,
  flattenArguments,
  type ArgumentsLike,
  type ArrayTree,
  type ToArrays,
  type TreesLike,
} from './arguments.js';
import { memoize } from './memo.js';

class BatchTracer extends Tracer {
  readonly aval;
  constructor(
    readonly owner: BatchTrace,
    readonly value: NDArray,
    readonly dim: number,
  ) {
    super();
    this.aval = value.aval.with({ shape: value.aval.shape.filter((_, d) => d !== dim) });
  }
}

/** Whether an equation with these parameters, or one of a jaxpr among them, is a collective over the axis of that name. */
export const mentionsAxis = (params: Params, axisName: string): boolean =>
  params['axisName'] === axisName ||
  subJaxprs(params).some((jaxpr) => jaxpr.eqns.some((eqn) => mentionsAxis(eqn.params, axisName)));

class BatchTrace extends Trace {
  readonly transform = 'vmap';
  constructor(
    private readonly parent: Trace,
    readonly size: number,
    readonly axisName: string | undefined,
  ) {
    super();
  }

  split(x: NDArray): [NDArray, number | null] {
    return x instanceof BatchTracer && x.owner === this ? [x.value, x.dim] : [x, null];
  }

  process(primitive: AnyPrimitive, operands: readonly NDArray[], params: Params): readonly NDArray[] {
    const pairs = operands.map((x) => this.split(x));
    const values = pairs.map(([x]) => x);
    const dims = pairs.map(([, d]) => d);
    // A collective over this axis is meant for this trace even when its operand does not vary along it.
    const named = this.axisName !== undefined && mentionsAxis(params, this.axisName);
    return withTrace(this.parent, () => {
      if (!named && dims.every((d) => d === null)) return this.parent.process(primitive, values, params);
      const out = primitive.batch(this.size, values, dims, params, this.axisName);
      return out.results.map((x, i) => {
        const dim = nth(out.dims, i);
        return dim === null ? x : new BatchTracer(this, x, dim);
      });
    });
  }
}

/** Batched values of a function of lists of arrays, with their batch axes. */
export function vmapFlat(
  f: (...args: NDArray[]) => readonly NDArray[],
  size: number,
  args: readonly NDArray[],
  dims: readonly (number | null)[],
  axisName?: string,
): { results: NDArray[]; dims: (number | null)[] } {
  return withFreshTrace(new BatchTrace(currentTrace(), size, axisName), (trace) => {
    const tracers = args.map((x, i) => {
      const dim = nth(dims, i);
      return dim === null ? x : new BatchTracer(trace, x, dim);
    });
    const out = f(...tracers).map((x) => trace.split(x));
    return { results: out.map(([x]) => x), dims: out.map(([, d]) => d) };
  });
}

/**
 * A batched jaxpr, whose batched arguments and results have the axis first, and which results are batched; those of
 * `force` (all, or the marked ones) are in any case.
 */
export const batchJaxpr = memoize(
  (
    closed: ClosedJaxpr,
    size: number,
    batched: readonly boolean[],
    axisName: string | null,
    force: boolean | readonly boolean[],
  ): { closed: ClosedJaxpr; batched: boolean[] } => {
    let outBatched: boolean[] = [];
    const avals = closed.inAvals.map((a, i) => (batched[i] === true ? a.with({ shape: [size, ...a.shape] }) : a));
    const result = traceToJaxpr(
      (...args) => {
        const out = vmapFlat(
          (...xs) => evalClosed(closed, xs),
          size,
          args,
          batched.map((b) => (b ? 0 : null)),
          axisName ?? undefined,
        );
        outBatched = out.dims.map((d, i) => d !== null || force === true || (force !== false && force[i] === true));
        return out.results.map((x, i) => (nth(outBatched, i) ? batchOrRepeat(x, nth(out.dims, i), size) : x));
      },
      avals,
      'vmap',
    );
    return { closed: result, batched: outBatched };
  },
);

/** Batch axes: a number or null for a whole argument, or a tree of them that is a prefix of it. */
export type Axes = number | null | readonly Axes[] | { readonly [key: string]: Axes };

export interface VmapOptions {
  /** Where the batch axis goes in the results; a number, or a tree that is a prefix of them. Default 0. */
  outAxes?: Axes;
  /** A name for the axis, for collectives (`lax.psum`). */
  axisName?: string;
  /** Length of the axis, when no argument has it. */
  axisSize?: number;
}

/** One axis per leaf of `def`, from a prefix tree of axes. */
function broadcastAxes(axes: Axes, def: TreeDef, what: string): (number | null)[] {
  if (axes === null || typeof axes === 'number') return range(def.numLeaves).map(() => axes);
  const isLeaf = (v: unknown): boolean => v === null || typeof v === 'number';
  const [leaves, prefix] = flatten<number | null>(axes, isLeaf);
  let parts: unknown[];
  try {
    parts = flattenUpTo(prefix, unflatten(def, range(def.numLeaves)), what);
  } catch (error) {
    if (!(error instanceof TreeError)) throw error;
    throw new TreeError(
      `${error.message}. ${what} must be a number, null, or a tree that is a prefix of what it describes.${userLine()}`,
    );
  }
  return parts.flatMap((part, i) => flatten<number>(part as object)[0].map(() => leaves[i] ?? null));
}

/**
 * Vectorize `f` over an axis of its arguments: it is written for one example and runs on a batch in one program.
 *
 * @param inAxes - the axis of each argument to map over (0 by default; `null` for an argument that is shared), a list
 *   with one entry per argument, each a number, `null`, or a tree that is a prefix of the argument.
 * @throws AxisError, ShapeError when axes do not exist or have different lengths.
 * @example
 * ```ts
 * import { vmap, numpy as np } from 'cotangent';
 * const rows = np.array([[1, 2], [3, 4]]);
 * vmap((row) => np.sum(row))(rows).js(); // => [3,7]
 * ```
 */
export function vmap<A extends readonly NDArray[], R>(
  f: (...args: A) => R,
  inAxes?: number | readonly Axes[],
  options?: VmapOptions,
): (...args: ArgumentsLike<A>) => ToArrays<R>;
export function vmap<A extends readonly unknown[], R extends ArrayTree>(
  f: (...args: A) => R,
  inAxes?: number | readonly Axes[],
  options?: VmapOptions,
): (...args: TreesLike<A>) => R;
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  inAxes?: number | readonly Axes[],
  options?: VmapOptions,
): (...args: ArgumentsLike<A>) => ToArrays<R>;
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  inAxes: number | readonly Axes[] = 0,
  options: VmapOptions = {},
): (...args: ArgumentsLike<A>) => ToArrays<R> {
  return (...args) => {
    const { arrays, def, labels } = flattenArguments(args, 'vmap');
    if (typeof inAxes !== 'number' && inAxes.length !== (args as readonly unknown[]).length) {
      throw new AxisError(
        `vmap: inAxes has ${String(inAxes.length)} entries but the function was called with ${String((args as readonly unknown[]).length)} arguments.${userLine()}`,
      );
    }
    const dims = broadcastAxes(inAxes, def, 'vmap: inAxes').map((d, i) =>
      d === null ? null : canonicalAxis(d, nth(arrays, i).ndim, `vmap: ${labels[i] ?? ''}`),
    );
    const sizes = arrays.flatMap((x, i) =>
      dims[i] === null
        ? []
        : [
            {
              size: nth(x.aval.shape, dims[i] ?? 0),
              label: `${labels[i] ?? ''} ${showShape(x.shape)} along axis ${String(dims[i])}`,
            },
          ],
    );
    const size = options.axisSize ?? sizes[0]?.size;
    if (size === undefined)
      throw new AxisError(`vmap: no argument is mapped (all inAxes are null) and no axisSize is given.${userLine()}`);
    const wrong = sizes.find((x) => x.size !== size);
    if (wrong !== undefined) {
      throw new ShapeError(
        `vmap: mapped axes must have one length, but ${sizes.map((x) => `${x.label} has ${String(x.size)}`).join(', ')}${options.axisSize === undefined ? '' : ` and axisSize is ${String(size)}`}.${userLine()}`,
      );
    }
    const flat = flatFunction(f, def, 'vmap');
    const out = vmapFlat(flat.run, size, arrays, dims, options.axisName);
    const outAxes = broadcastAxes(options.outAxes === undefined ? 0 : options.outAxes, flat.outDef(), 'vmap: outAxes');
    const results = out.results.map((x, i) => {
      const to = outAxes[i] ?? null;
      const dim = nth(out.dims, i);
      if (to === null) {
        if (dim !== null)
          throw new AxisError(
            `vmap: outAxes is null for a result that depends on the mapped axis; give it an axis.${userLine()}`,
          );
        return x;
      }
      const first = batchOrRepeat(x, dim, size);
      return moveaxis(first, 0, canonicalAxis(to, first.ndim, 'vmap: outAxes'));
    });
    return unflatten(flat.outDef(), results) as ToArrays<R>;
  };
}
