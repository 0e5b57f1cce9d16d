/** Derivatives users ask for: grad, valueAndGrad, vjp, jvp, linearize, linearTranspose. */
import { ShapedArray, showShape } from '../core/aval.js';
import { canonicalAxis, nth } from '../core/axes.js';
import { isFloat } from '../core/dtype.js';
import { ShapeError, TreeError } from '../core/errors.js';
import { evalJaxpr, traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray, ArrayLike } from '../core/ndarray.js';
import { LinearOperand, Zero, type MaybeZero } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import type { TreeDef } from '../core/tree.js';
import { flattenUpTo, unflatten, type MapTree } from '../core/tree.js';
import { full, instantiate, zerosOf } from '../lax/broadcast.js';
import { convertElementType } from '../lax/convert.js';
import {
  checkDifferentiable,
  checkList,
  checkTangents,
  flatFunction,
  flattenArguments,
  flattenResult,
  matchTree,
  type ArgumentsLike,
  type ArrayTree,
  type FlatArguments,
  type ToArrays,
  type TreesLike,
} from './arguments.js';
import { jvpFlat } from './jvp.js';
import { linearizeFlat, type LinearFunction } from './linearize.js';
import { backwardPass } from './transpose.js';

type AnyFunction = (...args: never[]) => unknown;

/** Split `[out, aux]`, which a function with `hasAux` must return. */
export function splitAux(result: unknown, op: string): [out: unknown, aux: unknown] {
  if (!Array.isArray(result) || result.length !== 2) {
    throw new TreeError(
      `${op}: with hasAux the function must return a pair [value, aux], got ${Array.isArray(result) ? `${String(result.length)} values` : typeof result}.${userLine()}`,
    );
  }
  return [result[0], result[1]];
}

/** Cotangents of a linear function's arguments. */
export function pullback(linear: LinearFunction, cotangents: readonly MaybeZero[]): MaybeZero[] {
  const { jaxpr, consts } = linear.closed;
  const given = cotangents.filter((_, i) => linear.nonzero[i] === true);
  return backwardPass(
    jaxpr,
    consts,
    jaxpr.invars.map((v) => new LinearOperand(v.aval)),
    given,
  ).map((ct, i) => ct ?? new Zero(nth(jaxpr.invars, i).aval));
}

/** A function on flat arguments whose result has been split into output and aux. */
export function flatWithAux(
  f: AnyFunction,
  flat: FlatArguments,
  op: string,
  hasAux: boolean,
): {
  run: (...arrays: NDArray[]) => NDArray[];
  /** Structure of the output, number of its leaves, and how to rebuild aux. */
  outDef: () => TreeDef;
  auxDef: () => TreeDef;
} {
  let outDef: TreeDef | undefined;
  let auxDef: TreeDef | undefined;
  const need = (def: TreeDef | undefined): TreeDef => {
    if (def === undefined) throw new Error('internal: the function has not run');
    return def;
  };
  return {
    run: (...arrays) => {
      const result: unknown = f(...(unflatten(flat.def, arrays) as never[]));
      const [out, aux] = hasAux ? splitAux(result, op) : [result, null];
      const flatOut = flattenResult(out, op);
      const flatAux = flattenResult(aux, op);
      outDef = flatOut.def;
      auxDef = flatAux.def;
      return [...flatOut.arrays, ...flatAux.arrays];
    },
    outDef: () => need(outDef),
    auxDef: () => need(auxDef),
  };
}

export interface GradOptions<I extends number | readonly number[] = 0, H extends boolean = false> {
  /** Which argument, or arguments, to differentiate by. Default 0. */
  argnums?: I;
  /** `f` returns `[value, aux]`; aux is passed through. */
  hasAux?: H;
}

export type UntypedOptions = GradOptions<number | readonly number[], boolean>;

/** The type of the gradient: like the argument, or a tuple of them. */
export type GradOf<A extends readonly unknown[], I> = I extends number
  ? ToArrays<A[I]>
  : I extends readonly number[]
    ? { [K in keyof I]: I[K] extends number ? ToArrays<A[I[K]]> : never }
    : never;

const listOf = (argnums: number | readonly number[]): readonly number[] =>
  typeof argnums === 'number' ? [argnums] : argnums;

/** Which leaves belong to the arguments `argnums`. */
export function activeLeaves(
  def: TreeDef,
  argnums: number | readonly number[],
  op: string,
): { active: boolean[]; defs: TreeDef[]; positions: number[][] } {
  const chosen = listOf(argnums).map((n) => canonicalAxis(n, def.children.length, `${op}: argnums`));
  let next = 0;
  const ranges = def.children.map((child) => Array.from({ length: child.numLeaves }, () => next++));
  const active = new Array<boolean>(def.numLeaves).fill(false);
  for (const n of chosen) for (const i of nth(ranges, n)) active[i] = true;
  return { active, defs: chosen.map((n) => nth(def.children, n)), positions: chosen.map((n) => nth(ranges, n)) };
}

/** Value (with aux) and gradients as trees. */
function valueAndGradients(
  f: AnyFunction,
  args: readonly unknown[],
  argnums: number | readonly number[],
  hasAux: boolean,
  op: string,
): { value: NDArray; aux: unknown; gradients: unknown } {
  const flat = flattenArguments(args, op);
  const { active, defs, positions } = activeLeaves(flat.def, argnums, op);
  checkDifferentiable(
    flat.arrays.filter((_, i) => active[i]),
    flat.labels.filter((_, i) => active[i]),
    op,
  );
  const g = flatWithAux(f, flat, op, hasAux);
  const { primals, linear } = linearizeFlat(g.run, flat.arrays, active);
  const value = nth(primals, 0);
  if (g.outDef().numLeaves !== 1 || !g.outDef().isLeaf || value.ndim !== 0) {
    throw new ShapeError(
      `${op}: the function must return one scalar, got ${g.outDef().isLeaf ? `an array of shape ${showShape(value.shape)}` : `a tree ${g.outDef().toString()}`}. ` +
        `Reduce it (np.sum, np.mean), use hasAux for extra results, or jacobian for all derivatives of an array.${userLine()}`,
    );
  }
  if (!isFloat(value.dtype))
    throw new ShapeError(
      `${op}: the function returned ${value.aval.toString()}, and only floats have gradients.${userLine()}`,
    );
  const cts = linear.nonzero.map((_, i): MaybeZero =>
    i === 0 ? full([], 1, value.dtype) : new Zero(nth(primals, i).aval),
  );
  const gradients = pullback(linear, cts).map(instantiate);
  const byLeaf = new Map<number, NDArray>();
  let next = 0;
  active.forEach((a, i) => {
    if (a) byLeaf.set(i, nth(gradients, next++));
  });
  const trees = defs.map((def, k) =>
    unflatten(
      def,
      nth(positions, k).map((i) => byLeaf.get(i)),
    ),
  );
  const aux = unflatten(g.auxDef(), primals.slice(1));
  return { value, aux, gradients: typeof argnums === 'number' ? trees[0] : trees };
}

/**
 * The gradient of a scalar function by its first argument (or those of `argnums`), in the argument's own structure.
 *
 * @throws ShapeError when `f` does not return one float scalar, DTypeError for integer arguments.
 * @example
 * ```ts
 * import { grad, numpy as np } from 'cotangent';
 * const loss = (w: { a: np.Array; b: np.Array }) => np.sum(w.a.mul(w.b));
 * grad(loss)({ a: np.array([1, 2]), b: np.array([3, 4]) }).a.js(); // => [3,4]
 * ```
 */
export function grad<A extends readonly NDArray[], const I extends number | readonly number[] = 0>(
  f: (...args: A) => NDArray | number,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => GradOf<A, I>;
export function grad<P extends ArrayTree, R extends readonly unknown[]>(
  f: (params: P, ...rest: R) => NDArray | number,
): (...args: TreesLike<[params: P, ...rest: R]>) => P;
export function grad<A extends readonly unknown[], const I extends number | readonly number[] = 0>(
  f: (...args: A) => NDArray | number,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => GradOf<A, I>;
export function grad<P extends ArrayTree, R extends readonly unknown[], Aux>(
  f: (params: P, ...rest: R) => readonly [NDArray | number, Aux],
  options: { argnums?: 0; hasAux: true },
): (...args: TreesLike<[params: P, ...rest: R]>) => [gradient: P, aux: ToArrays<Aux>];
export function grad<A extends readonly unknown[], Aux, const I extends number | readonly number[] = 0>(
  f: (...args: A) => readonly [NDArray | number, Aux],
  options: GradOptions<I, true> & { hasAux: true },
): (...args: ArgumentsLike<A>) => [gradient: GradOf<A, I>, aux: ToArrays<Aux>];
export function grad(f: AnyFunction, options: UntypedOptions = {}): (...args: unknown[]) => unknown {
  return untypedGrad(f, options);
}

/** {@link grad} without its types, for transforms built on it. */
export const untypedGrad =
  (f: AnyFunction, { argnums = 0, hasAux = false }: UntypedOptions): ((...args: unknown[]) => unknown) =>
  (...args) => {
    const { aux, gradients } = valueAndGradients(f, args, argnums, hasAux, 'grad');
    return hasAux ? [gradients, aux] : gradients;
  };

/**
 * {@link grad} that also returns the value: `[value, gradient]`, or `[[value, aux], gradient]` with `hasAux`.
 *
 * @example
 * ```ts
 * import { valueAndGrad, numpy as np } from 'cotangent';
 * const [value, gradient] = valueAndGrad((x: np.Array) => x.mul(x))(3);
 * [value.item(), gradient.item()]; // => [9,6]
 * ```
 */
export function valueAndGrad<A extends readonly NDArray[], const I extends number | readonly number[] = 0>(
  f: (...args: A) => NDArray | number,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => [value: NDArray, gradient: GradOf<A, I>];
export function valueAndGrad<P extends ArrayTree, R extends readonly unknown[]>(
  f: (params: P, ...rest: R) => NDArray | number,
): (...args: TreesLike<[params: P, ...rest: R]>) => [value: NDArray, gradient: P];
export function valueAndGrad<A extends readonly unknown[], const I extends number | readonly number[] = 0>(
  f: (...args: A) => NDArray | number,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => [value: NDArray, gradient: GradOf<A, I>];
export function valueAndGrad<P extends ArrayTree, R extends readonly unknown[], Aux>(
  f: (params: P, ...rest: R) => readonly [NDArray | number, Aux],
  options: { argnums?: 0; hasAux: true },
): (...args: TreesLike<[params: P, ...rest: R]>) => [valueAndAux: [NDArray, ToArrays<Aux>], gradient: P];
export function valueAndGrad<A extends readonly unknown[], Aux, const I extends number | readonly number[] = 0>(
  f: (...args: A) => readonly [NDArray | number, Aux],
  options: GradOptions<I, true> & { hasAux: true },
): (...args: ArgumentsLike<A>) => [valueAndAux: [NDArray, ToArrays<Aux>], gradient: GradOf<A, I>];
export function valueAndGrad(
  f: AnyFunction,
  { argnums = 0, hasAux = false }: GradOptions<number | readonly number[], boolean> = {},
): (...args: unknown[]) => unknown {
  return (...args) => {
    const { value, aux, gradients } = valueAndGradients(f, args, argnums, hasAux, 'valueAndGrad');
    return [hasAux ? [value, aux] : value, gradients];
  };
}

/**
 * Values of `f` and the function from cotangents of its result to cotangents of its arguments (a list, one per primal).
 *
 * @example
 * ```ts
 * import { vjp, numpy as np } from 'cotangent';
 * const [y, pull] = vjp((x: np.Array) => x.mul(x), [np.array([1, 2])]);
 * pull(np.array([10, 1]))[0].js(); // => [20,4]
 * ```
 */
export function vjp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: ArgumentsLike<A>,
): [out: ToArrays<R>, pullback: (cotangents: MapTree<R, NDArray, ArrayLike>) => ToArrays<A>];
export function vjp<A extends readonly unknown[], R, Aux>(
  f: (...args: A) => readonly [R, Aux],
  primals: ArgumentsLike<A>,
  options: { hasAux: true },
): [out: ToArrays<R>, pullback: (cotangents: MapTree<R, NDArray, ArrayLike>) => ToArrays<A>, aux: ToArrays<Aux>];
export function vjp(
  f: AnyFunction,
  primals: unknown,
  { hasAux = false }: { hasAux?: boolean } = {},
): readonly unknown[] {
  checkList(primals, 'vjp', 'primals');
  const flat = flattenArguments(primals, 'vjp');
  const active = flat.arrays.map((x) => isFloat(x.dtype));
  const g = flatWithAux(f, flat, 'vjp', hasAux);
  const { primals: out, linear } = linearizeFlat(g.run, flat.arrays, active);
  const outDef = g.outDef();
  const n = outDef.numLeaves;
  const values = out.slice(0, n);
  const pull = (cotangents: unknown): unknown => {
    const cts = matchTree(outDef, cotangents, 'vjp', 'the cotangent');
    const typed = cts.map((ct, i) => asTypeOf(ct, nth(values, i), `vjp: cotangent ${String(i)}`));
    const all = linear.nonzero.map((_, i): MaybeZero => typed[i] ?? new Zero(nth(out, i).aval));
    const results = pullback(linear, all);
    let next = 0;
    return unflatten(
      flat.def,
      flat.arrays.map((x, i) => (active[i] === true ? instantiate(nth(results, next++)) : zerosOf(x.aval))),
    );
  };
  const result = unflatten(outDef, values);
  return hasAux ? [result, pull, unflatten(g.auxDef(), out.slice(n))] : [result, pull];
}

/** A scalar number is taken as an array of the wanted type; anything else must have it. */
function asTypeOf(x: NDArray, like: NDArray, what: string): NDArray {
  if (x.aval.equals(like.aval)) return x;
  if (x.weakType && x.ndim === 0 && isFloat(like.dtype))
    return full(like.aval.shape, convertElementType(x, like.dtype));
  throw new ShapeError(
    `${what} is ${x.aval.toString()}, but the value it belongs to is ${like.aval.toString()}; they must have the same shape and dtype.${userLine()}`,
  );
}

/**
 * Values and directional derivative of `f` at `primals` along `tangents`: `[value, tangent]` (and aux with `hasAux`).
 *
 * @example
 * ```ts
 * import { jvp, numpy as np } from 'cotangent';
 * const [y, dy] = jvp((x: np.Array) => x.mul(x), [3], [1]);
 * [y.item(), dy.item()]; // => [9,6]
 * ```
 */
export function jvp<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: ArgumentsLike<A>,
  tangents: ArgumentsLike<A>,
): [out: ToArrays<R>, tangent: ToArrays<R>];
export function jvp<A extends readonly unknown[], R, Aux>(
  f: (...args: A) => readonly [R, Aux],
  primals: ArgumentsLike<A>,
  tangents: ArgumentsLike<A>,
  options: { hasAux: true },
): [out: ToArrays<R>, tangent: ToArrays<R>, aux: ToArrays<Aux>];
export function jvp(
  f: AnyFunction,
  primals: unknown,
  tangents: unknown,
  options: { hasAux?: boolean } = {},
): readonly unknown[] {
  return untypedJvp(f, primals, tangents, options.hasAux ?? false);
}

/** {@link jvp} without its types, for transforms built on it. */
export function untypedJvp(f: AnyFunction, primals: unknown, tangents: unknown, hasAux: boolean): readonly unknown[] {
  checkList(primals, 'jvp', 'primals');
  checkList(tangents, 'jvp', 'tangents');
  const flat = flattenArguments(primals, 'jvp');
  const ts = flattenUpToArrays(flat.def, tangents, 'jvp').map((t, i) =>
    isFloat(nth(flat.arrays, i).dtype)
      ? asTypeOf(t, nth(flat.arrays, i), `jvp: tangent of ${flat.labels[i] ?? ''}`)
      : t,
  );
  const g = flatWithAux(f, flat, 'jvp', hasAux);
  const out = jvpFlat(
    g.run,
    flat.arrays,
    ts.map((t, i): MaybeZero => (isFloat(nth(flat.arrays, i).dtype) ? t : new Zero(t.aval))),
  );
  const n = g.outDef().numLeaves;
  const value = unflatten(g.outDef(), out.primals.slice(0, n));
  const tangent = unflatten(g.outDef(), out.tangents.slice(0, n).map(instantiate));
  return hasAux ? [value, tangent, unflatten(g.auxDef(), out.primals.slice(n))] : [value, tangent];
}

const flattenUpToArrays = (def: TreeDef, value: unknown, op: string): NDArray[] =>
  flattenArguments(flattenUpTo(def, value, `${op}: tangents`), op, 'tangent').arrays;

/**
 * Values of `f` and its derivative there as a linear function of tangents, which computes no value again.
 *
 * @example
 * ```ts
 * import { linearize, numpy as np } from 'cotangent';
 * const [y, df] = linearize((x: np.Array) => np.sin(x), [0]);
 * df(2).item(); // => 2
 * ```
 */
export function linearize<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  primals: ArgumentsLike<A>,
): [out: ToArrays<R>, derivative: (...tangents: ArgumentsLike<A>) => ToArrays<R>];
export function linearize<A extends readonly unknown[], R, Aux>(
  f: (...args: A) => readonly [R, Aux],
  primals: ArgumentsLike<A>,
  options: { hasAux: true },
): [out: ToArrays<R>, derivative: (...tangents: ArgumentsLike<A>) => ToArrays<R>, aux: ToArrays<Aux>];
export function linearize(
  f: AnyFunction,
  primals: unknown,
  { hasAux = false }: { hasAux?: boolean } = {},
): readonly unknown[] {
  checkList(primals, 'linearize', 'primals');
  const flat = flattenArguments(primals, 'linearize');
  const active = flat.arrays.map((x) => isFloat(x.dtype));
  const g = flatWithAux(f, flat, 'linearize', hasAux);
  const { primals: out, linear } = linearizeFlat(g.run, flat.arrays, active);
  const n = g.outDef().numLeaves;
  const derivative = (...tangents: unknown[]): unknown => {
    const ts = flattenUpToArrays(flat.def, tangents, 'linearize').map((t, i) =>
      active[i] === true ? asTypeOf(t, nth(flat.arrays, i), `linearize: tangent of ${flat.labels[i] ?? ''}`) : t,
    );
    checkTangents(
      flat.arrays.filter((_, i) => active[i]).map((x) => x.aval),
      ts.filter((_, i) => active[i]),
      flat.labels,
      'linearize',
    );
    const results = evalJaxpr(
      linear.closed.jaxpr,
      linear.closed.consts,
      ts.filter((_, i) => active[i]),
    );
    let next = 0;
    const full = linear.nonzero.map((nonzero, i) => (nonzero ? nth(results, next++) : zerosOf(nth(out, i).aval)));
    return unflatten(g.outDef(), full.slice(0, n));
  };
  const value = unflatten(g.outDef(), out.slice(0, n));
  return hasAux ? [value, derivative, unflatten(g.auxDef(), out.slice(n))] : [value, derivative];
}

/**
 * The transpose of a function that is linear in its arguments: from cotangents of the result to cotangents of the
 * arguments. `example` gives their shapes and dtypes.
 *
 * @throws NotSupportedError when `f` is not linear.
 * @example
 * ```ts
 * import { linearTranspose, numpy as np } from 'cotangent';
 * const transpose = linearTranspose((x: np.Array) => np.sum(x).mul(3), [np.zeros([2])]);
 * transpose(1)[0].js(); // => [3,3]
 * ```
 */
export function linearTranspose<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  example: ArgumentsLike<A>,
): (cotangents: MapTree<R, NDArray, ArrayLike>) => ToArrays<A> {
  const flat = flattenArguments(example, 'linearTranspose');
  const g = flatFunction(f, flat.def, 'linearTranspose');
  const closed = traceToJaxpr(
    g.run,
    flat.arrays.map((x) => new ShapedArray(x.aval.shape, x.dtype)),
    'linearTranspose',
  );
  return (cotangents) => {
    const cts = matchTree(g.outDef(), cotangents, 'linearTranspose', 'the cotangent');
    const typed = cts.map((ct, i) => {
      const like = nth(closed.outAvals, i);
      return ct.weakType && ct.ndim === 0 ? full(like.shape, convertElementType(ct, like.dtype)) : ct;
    });
    const results = backwardPass(
      closed.jaxpr,
      closed.consts,
      closed.inAvals.map((a) => new LinearOperand(a)),
      typed,
    );
    return unflatten(
      flat.def,
      results.map((ct, i) => (ct === null ? zerosOf(nth(closed.inAvals, i)) : instantiate(ct))),
    ) as ToArrays<A>;
  };
}
