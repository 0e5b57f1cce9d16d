/**
 * Finite differences. A function of trees is flattened, its float arguments become float64, and its directional
 * derivative is the central difference (f(x + h·v) - f(x - h·v)) / 2h.
 *
 * The difference has two errors: truncation, h²/6·|f‴|, and rounding, ε·|f|/h. With f and f‴ of one size their sum is
 * least at h = ∛(3ε) (Press et al., Numerical Recipes, 3rd ed., section 5.7), so the step is ∛ε: 6·10⁻⁶ for float64 and
 * 5·10⁻³ for float32, with an error of the order of ε^(2/3): 4·10⁻¹¹ and 2·10⁻⁵.
 *
 * A sum over many units with kinks (ReLU, max) has units whose kink lies between the two points, in number proportional to h, and each adds
 * to the difference what does not vanish with h: an error of order h. With rounding that is least at h = √ε, 1.5·10⁻⁸ for float64.
 */
import { nth } from '../core/axes.js';
import { isFloat, type DType } from '../core/dtype.js';
import { DTypeError } from '../core/errors.js';
import { subJaxprs } from '../core/check.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { Var, type Jaxpr } from '../core/primitive.js';
import { flattenWithPath, showPath, unflatten, type Path, type TreeDef } from '../core/tree.js';
import { zerosOf } from '../lax/broadcast.js';
import { leafArray, type ArgumentsLike, type ToArrays } from '../transforms/arguments.js';
import { coarsest, epsilonOf, isNarrow, type Precision } from './compare.js';
import { host, mapHost, toDevice, toHost, type HostArray } from './host.js';

/** A function on lists of arrays with the point it is looked at, and names for messages. */
export interface FlatCase {
  readonly name: string;
  readonly run: (...xs: NDArray[]) => NDArray[];
  readonly args: readonly HostArray[];
  /** `args[0].w` for each argument. */
  readonly labels: readonly string[];
  /** `result.loss` for each result; known once the function has run. */
  readonly resultLabels: () => readonly string[];
  /** The coarsest float dtype that results are computed in. */
  readonly precision: Precision;
}

/** Structure and leaves of a list of arguments. */
export interface FlatArgs {
  readonly def: TreeDef;
  readonly arrays: readonly HostArray[];
  readonly labels: readonly string[];
}

export function flattenArgs(args: unknown, root: string, op: string): FlatArgs {
  const [leaves, def] = flattenWithPath<unknown>(args);
  const labels = leaves.map(([path]) => showPath(path, root));
  return {
    def,
    labels,
    arrays: leaves.map(([, leaf], i) => toHost(leafArray(leaf, () => `${op}: ${labels[i] ?? ''}`))),
  };
}

/** Floats as float64. */
export const widen = (x: HostArray): HostArray =>
  isNarrow(x.aval.dtype) ? host(x.aval.shape, 'float64', Float64Array.from(x.data)) : x;

/** The dtypes of the values of a jaxpr that depend on its arguments. */
function dependentTypes(jaxpr: Jaxpr): DType[] {
  const dependent = new Set<Var>(jaxpr.invars);
  return jaxpr.eqns.flatMap((eqn) => {
    if (!eqn.inputs.some((a) => a instanceof Var && dependent.has(a))) return [];
    eqn.outputs.forEach((v) => dependent.add(v));
    return [...eqn.outputs.map((v) => v.aval.dtype), ...subJaxprs(eqn.params).flatMap(dependentTypes)];
  });
}

/**
 * `f` at `args` in float64. A function that takes float32 only, or rounds to it on the way, is looked at in that
 * precision.
 */
export function flatCase(f: (...args: never[]) => unknown, args: unknown, name: string, op: string): FlatCase {
  const { def, arrays, labels } = flattenArgs(args, 'args', op);
  let resultPaths: readonly Path[] = [];
  const run = (...xs: NDArray[]): NDArray[] => {
    const result = f(...(unflatten(def, xs) as never[]));
    const [leaves] = flattenWithPath<unknown>(result);
    resultPaths = leaves.map(([path]) => path);
    return leaves.map(([path, leaf]) => leafArray(leaf, () => `${op}: the result of ${name} at ${showPath(path)}`));
  };
  const resultLabels = (): string[] => resultPaths.map((path) => showPath(path, 'result'));
  const precisionAt = (points: readonly HostArray[]): Precision => {
    const values = points.map(toDevice);
    const floats = points.filter((x) => isFloat(x.aval.dtype)).map((x) => x.aval);
    // Integers keep their values: the function may look at them.
    const onFloats = (...tracers: NDArray[]): NDArray[] => {
      let next = 0;
      return run(...values.map((x) => (isFloat(x.dtype) ? nth(tracers, next++) : x)));
    };
    return coarsest(dependentTypes(traceToJaxpr(onFloats, floats, op).jaxpr));
  };
  const wide = arrays.map(widen);
  try {
    return { name, run, args: wide, labels, resultLabels, precision: precisionAt(wide) };
  } catch (error) {
    if (!(error instanceof DTypeError)) throw error;
    return { name, run, args: arrays, labels, resultLabels, precision: coarsest(arrays.map((x) => x.aval.dtype)) };
  }
}

export const defaultStep = (precision: DType, kinks = false): number =>
  (kinks ? Math.sqrt : Math.cbrt)(epsilonOf(precision));

/** Derivatives along `directions` of the results that are floats; `null` for the others. */
export function centralDifference(
  { run, args }: Pick<FlatCase, 'run' | 'args'>,
  directions: readonly HostArray[],
  step: number,
): (HostArray | null)[] {
  const at = (h: number): HostArray[] =>
    run(
      ...args.map((x, i) => {
        const v = directions[i];
        if (v === undefined || !isFloat(x.aval.dtype)) return toDevice(x);
        let next = 0;
        return toDevice(mapHost(x, (value) => value + h * (v.data[next++] ?? 0)));
      }),
    ).map(toHost);
  const forward = at(step);
  const backward = at(-step);
  return forward.map((y, i) => {
    if (!isFloat(y.aval.dtype)) return null;
    const data = Float64Array.from(y.data, (value, k) => (value - (backward[i]?.data[k] ?? NaN)) / (2 * step));
    return host(y.aval.shape, 'float64', data);
  });
}

export interface NumericalOptions {
  /** The step h of the difference quotient; by default ∛ε. */
  eps?: number;
  /** Whether `f` has kinks, as networks with ReLU or max pooling: the step is then √ε where it is ∛ε by default. */
  kinks?: boolean;
}

/**
 * The directional derivative of `f` at `primals` along `tangents`, by central differences in float64:
 * (f(x + h·v) - f(x - h·v)) / 2h with h = ∛ε ≈ 6·10⁻⁶, whose relative error is of the order of ε^(2/3) (Press et al.,
 * Numerical Recipes, section 5.7). Results that are no floats have derivative zero. Integer arguments stay as they are.
 *
 * @param f - a function of trees of arrays.
 * @param primals - its arguments, a list.
 * @param tangents - a direction for each argument, in the same structure.
 * @returns the derivative in the structure of the result; floats are float64.
 * @throws TreeError when `tangents` differ in structure from `primals`.
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { numericalJvp } from 'cotangent/testing';
 * const slope = numericalJvp((x: np.Array) => x.mul(x), [3], [1]);
 * Math.abs(Number(slope.item()) - 6) < 1e-8; // => true
 * ```
 */
export function numericalJvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: ArgumentsLike<A>,
  tangents: ArgumentsLike<A>,
  options: NumericalOptions = {},
): ToArrays<R> {
  let outDef: TreeDef | undefined;
  const remember = (...args: A): R => {
    const result = f(...args);
    outDef = flattenWithPath<unknown>(result)[1];
    return result;
  };
  const c = flatCase(remember, primals, f.name, 'numericalJvp');
  const directions = flattenArgs(tangents, 'tangents', 'numericalJvp');
  const values = c.run(...c.args.map(toDevice));
  if (outDef === undefined) throw new Error('unreachable: the function has run');
  const derivative = centralDifference(c, directions.arrays, options.eps ?? defaultStep(c.precision, options.kinks));
  const leaves = derivative.map((d, i) => (d === null ? zerosOf(nth(values, i).aval) : toDevice(d)));
  return unflatten(outDef, leaves) as ToArrays<R>;
}
