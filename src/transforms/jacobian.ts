/** Jacobians, Hessians and Hessian-vector products of functions on trees, any rank. */
import type { ShapedArray } from '../core/aval.js';
import { sizeOf } from '../core/aval.js';
import { nth, range } from '../core/axes.js';
import { isFloat } from '../core/dtype.js';
import { DTypeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { Zero, type MaybeZero } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import { unflatten, type MapTree, type TreeDef } from '../core/tree.js';
import { batchOrRepeat, instantiate } from '../lax/broadcast.js';
import { convertElementType } from '../lax/convert.js';
import { eq } from '../lax/compare.js';
import { moveaxis, reshape } from '../lax/reshape.js';
import { broadcastedIota } from '../lax/slicing.js';
import { checkDifferentiable, flattenArguments, type ArgumentsLike, type ToArrays } from './arguments.js';
import {
  activeLeaves,
  flatWithAux,
  pullback,
  untypedGrad,
  untypedJvp,
  type GradOf,
  type GradOptions,
  type UntypedOptions,
} from './grad.js';
import { jvpFlat } from './jvp.js';
import { linearizeFlat } from './linearize.js';
import { vmapFlat } from './vmap.js';

type AnyFunction = (...args: never[]) => unknown;

/** The unit vectors of an array of the given type, stacked along a new first axis: shape [size, ...shape]. */
function basis(aval: ShapedArray): NDArray {
  const n = aval.size;
  const identity = eq(broadcastedIota('int32', [n, n], 0), broadcastedIota('int32', [n, n], 1));
  return reshape(convertElementType(identity, aval.dtype), [n, ...aval.shape]);
}

/** The Jacobian's type: the result's tree, with the argument's tree at each leaf. */
export type JacobianOf<R, G> = MapTree<R, NDArray, G>;

interface Parts {
  readonly outDef: TreeDef;
  readonly aux: unknown;
  /** Block [i][j]: derivative of result leaf i by active argument leaf j, shape [...out, ...in]. */
  readonly blocks: readonly (readonly NDArray[])[];
  readonly defs: readonly TreeDef[];
  /** Active leaf numbers of each chosen argument. */
  readonly leaves: readonly (readonly number[])[];
}

function assemble(
  { outDef, aux, blocks, defs, leaves }: Parts,
  argnums: number | readonly number[],
  hasAux: boolean,
): unknown {
  const jacobian = unflatten(
    outDef,
    blocks.map((row) => {
      const trees = defs.map((def, k) =>
        unflatten(
          def,
          nth(leaves, k).map((j) => nth(row, j)),
        ),
      );
      return typeof argnums === 'number' ? trees[0] : trees;
    }),
  );
  return hasAux ? [jacobian, aux] : jacobian;
}

function prepare(
  f: AnyFunction,
  args: readonly unknown[],
  argnums: number | readonly number[],
  hasAux: boolean,
  op: string,
) {
  const flat = flattenArguments(args, op);
  const { active, defs, positions } = activeLeaves(flat.def, argnums, op);
  checkDifferentiable(
    flat.arrays.filter((_, i) => active[i]),
    flat.labels.filter((_, i) => active[i]),
    op,
  );
  const numbers = new Map<number, number>();
  active.forEach((a, i) => {
    if (a) numbers.set(i, numbers.size);
  });
  const leaves = positions.map((list) => list.map((i) => numbers.get(i) ?? 0));
  return { flat, active, defs, leaves, g: flatWithAux(f, flat, op, hasAux) };
}

function checkOutputs(values: readonly NDArray[], op: string): void {
  const wrong = values.find((x) => !isFloat(x.dtype));
  if (wrong !== undefined)
    throw new DTypeError(
      `${op}: the function returned ${wrong.aval.toString()}, and only floats have derivatives; return it through hasAux.${userLine()}`,
    );
}

/**
 * The Jacobian by forward mode, one direction per input element: best when there are few inputs. Blocks have shape
 * [...result shape, ...argument shape], in the result's tree with the argument's tree at each leaf.
 *
 * @example
 * ```ts
 * import { jacfwd, numpy as np } from 'cotangent';
 * jacfwd((x: np.Array) => x.mul(x))(np.array([1, 2])).js(); // => [[2,0],[0,4]]
 * ```
 */
export function jacfwd<A extends readonly NDArray[], R, const I extends number | readonly number[] = 0>(
  f: (...args: A) => R,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => JacobianOf<R, GradOf<A, I>>;
export function jacfwd<A extends readonly unknown[], R, const I extends number | readonly number[] = 0>(
  f: (...args: A) => R,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => JacobianOf<R, GradOf<A, I>>;
export function jacfwd<A extends readonly unknown[], R, Aux, const I extends number | readonly number[] = 0>(
  f: (...args: A) => readonly [R, Aux],
  options: GradOptions<I, true> & { hasAux: true },
): (...args: ArgumentsLike<A>) => [JacobianOf<R, GradOf<A, I>>, ToArrays<Aux>];
export function jacfwd(f: AnyFunction, options: UntypedOptions = {}): (...args: unknown[]) => unknown {
  return untypedJacfwd(f, options);
}

function untypedJacfwd(
  f: AnyFunction,
  { argnums = 0, hasAux = false }: UntypedOptions,
): (...args: unknown[]) => unknown {
  return (...args) => {
    const { flat, active, defs, leaves, g } = prepare(f, args, argnums, hasAux, 'jacfwd');
    const inputs = flat.arrays.filter((_, i) => active[i]);
    let values: NDArray[] = [];
    const columns = inputs.map((x, j) => {
      const push = (direction: NDArray): readonly NDArray[] => {
        let next = 0;
        const tangents = flat.arrays.map((y, i): MaybeZero =>
          active[i] === true && next++ === j ? direction : new Zero(y.aval),
        );
        const out = jvpFlat(g.run, flat.arrays, tangents);
        values = out.primals;
        return out.tangents.slice(0, g.outDef().numLeaves).map(instantiate);
      };
      const out = vmapFlat((d) => [...push(d), ...values], x.size, [basis(x.aval)], [0]);
      const n = g.outDef().numLeaves;
      values = out.results.slice(n);
      checkOutputs(values.slice(0, n), 'jacfwd');
      // The batch axis becomes the argument's axes, last.
      return range(n).map((i) => {
        const y = nth(out.results, i);
        const dim = out.dims[i] ?? null;
        const wide = dim === null ? instantiateBatch(y, x.size) : moveaxis(y, dim, y.ndim - 1);
        return reshape(wide, [...wide.aval.shape.slice(0, -1), ...x.aval.shape]);
      });
    });
    const n = g.outDef().numLeaves;
    const blocks = range(n).map((i) => columns.map((column) => nth(column, i)));
    const aux = hasAux ? unflatten(g.auxDef(), values.slice(n)) : null;
    return assemble({ outDef: g.outDef(), aux, blocks, defs, leaves }, argnums, hasAux);
  };
}

const instantiateBatch = (x: NDArray, size: number): NDArray => moveaxis(batchOrRepeat(x, null, size), 0, x.ndim);

/**
 * The Jacobian by reverse mode, one cotangent per result element: best when there are few results. Blocks have shape
 * [...result shape, ...argument shape].
 *
 * @example
 * ```ts
 * import { jacrev, numpy as np } from 'cotangent';
 * jacrev((x: np.Array) => x.mul(x))(np.array([1, 2])).js(); // => [[2,0],[0,4]]
 * ```
 */
export function jacrev<A extends readonly NDArray[], R, const I extends number | readonly number[] = 0>(
  f: (...args: A) => R,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => JacobianOf<R, GradOf<A, I>>;
export function jacrev<A extends readonly unknown[], R, const I extends number | readonly number[] = 0>(
  f: (...args: A) => R,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => JacobianOf<R, GradOf<A, I>>;
export function jacrev<A extends readonly unknown[], R, Aux, const I extends number | readonly number[] = 0>(
  f: (...args: A) => readonly [R, Aux],
  options: GradOptions<I, true> & { hasAux: true },
): (...args: ArgumentsLike<A>) => [JacobianOf<R, GradOf<A, I>>, ToArrays<Aux>];
export function jacrev(
  f: AnyFunction,
  { argnums = 0, hasAux = false }: UntypedOptions = {},
): (...args: unknown[]) => unknown {
  return (...args) => {
    const { flat, active, defs, leaves, g } = prepare(f, args, argnums, hasAux, 'jacrev');
    const { primals, linear } = linearizeFlat(g.run, flat.arrays, active);
    const n = g.outDef().numLeaves;
    const values = primals.slice(0, n);
    checkOutputs(values, 'jacrev');
    const inputs = flat.arrays.filter((_, i) => active[i]);
    const blocks = values.map((y, i) => {
      const pull = (ct: NDArray): NDArray[] =>
        pullback(
          linear,
          primals.map((p, k): MaybeZero => (k === i ? ct : new Zero(p.aval))),
        ).map(instantiate);
      const out = vmapFlat((ct) => pull(ct), sizeOf(y.aval.shape), [basis(y.aval)], [0]);
      return inputs.map((x, j) =>
        reshape(batchOrRepeat(nth(out.results, j), out.dims[j] ?? null, y.size), [...y.aval.shape, ...x.aval.shape]),
      );
    });
    const aux = unflatten(g.auxDef(), primals.slice(n));
    return assemble({ outDef: g.outDef(), aux, blocks, defs, leaves }, argnums, hasAux);
  };
}

/** The Jacobian, by reverse mode: {@link jacrev}. */
export const jacobian = jacrev;

/**
 * The Hessian of a scalar function, as forward over reverse mode: for each pair of argument leaves a block of shape
 * [...first, ...second].
 *
 * @example
 * ```ts
 * import { hessian, numpy as np } from 'cotangent';
 * hessian((x: np.Array) => np.sum(x.mul(x).mul(x)))(np.array([1, 2])).js(); // => [[6,0],[0,12]]
 * ```
 */
export function hessian<A extends readonly NDArray[], const I extends number | readonly number[] = 0>(
  f: (...args: A) => NDArray | number,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => JacobianOf<GradOf<A, I>, GradOf<A, I>>;
export function hessian<A extends readonly unknown[], const I extends number | readonly number[] = 0>(
  f: (...args: A) => NDArray | number,
  options?: GradOptions<I>,
): (...args: ArgumentsLike<A>) => JacobianOf<GradOf<A, I>, GradOf<A, I>>;
export function hessian<A extends readonly unknown[], Aux, const I extends number | readonly number[] = 0>(
  f: (...args: A) => readonly [NDArray | number, Aux],
  options: GradOptions<I, true> & { hasAux: true },
): (...args: ArgumentsLike<A>) => [JacobianOf<GradOf<A, I>, GradOf<A, I>>, ToArrays<Aux>];
export function hessian(f: AnyFunction, options: UntypedOptions = {}): (...args: unknown[]) => unknown {
  return untypedJacfwd(untypedGrad(f, options), options);
}

/**
 * The product of the Hessian of a scalar function with a tangent, by forward over reverse mode: no Hessian is made.
 * `primals` and `tangents` are lists with one entry per argument; the result is like the first argument (or `argnums`).
 *
 * @example
 * ```ts
 * import { hvp, numpy as np } from 'cotangent';
 * hvp((x: np.Array) => np.sum(x.mul(x).mul(x)), [np.array([1, 2])], [np.array([1, 1])]).js(); // => [6,12]
 * ```
 */
export function hvp<A extends readonly unknown[], const I extends number | readonly number[] = 0>(
  f: (...args: A) => NDArray | number,
  primals: ArgumentsLike<A>,
  tangents: ArgumentsLike<A>,
  options?: GradOptions<I>,
): GradOf<A, I>;
export function hvp<A extends readonly unknown[], Aux, const I extends number | readonly number[] = 0>(
  f: (...args: A) => readonly [NDArray | number, Aux],
  primals: ArgumentsLike<A>,
  tangents: ArgumentsLike<A>,
  options: GradOptions<I, true> & { hasAux: true },
): [GradOf<A, I>, ToArrays<Aux>];
export function hvp(
  f: AnyFunction,
  primals: readonly unknown[],
  tangents: readonly unknown[],
  options: UntypedOptions = {},
): unknown {
  const [, tangent, aux] = untypedJvp(untypedGrad(f, options), primals, tangents, options.hasAux ?? false);
  return options.hasAux === true ? [tangent, aux] : tangent;
}
