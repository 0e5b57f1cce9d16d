/** Looking at traced programs: makeJaxpr, evalShape. */
import { ShapedArray, type Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import type { ClosedJaxpr } from '../core/primitive.js';
import { flatten, unflatten, type MapTree } from '../core/tree.js';
import { flatFunction, leafArray, type ArgumentLike } from './arguments.js';

/** A shape and a dtype, in place of an array where only its type matters. */
export class ShapeDtypeStruct {
  constructor(
    readonly shape: Shape,
    readonly dtype: DType = 'float32',
  ) {}
}

type TypesLike<A extends readonly unknown[]> = {
  [K in keyof A]: MapTree<ArgumentLike<A[K]>, NDArray, NDArray | ShapeDtypeStruct>;
};

function trace(f: (...args: never[]) => unknown, args: unknown, op: string) {
  const [leaves, def] = flatten<unknown>(args);
  const avals = leaves.map((x) =>
    x instanceof ShapeDtypeStruct ? new ShapedArray(x.shape, x.dtype) : leafArray(x, () => op).aval,
  );
  const flat = flatFunction(f, def, op);
  return { closed: traceToJaxpr(flat.run, avals, op), outDef: flat.outDef() };
}

/**
 * The jaxpr of `f` for arguments like these (arrays, numbers, or {@link ShapeDtypeStruct}s); print it with `String`.
 *
 * @example
 * ```ts
 * import { makeJaxpr, numpy as np } from 'cotangent';
 * String(makeJaxpr((x: np.Array) => np.sin(np.cos(x)))(1)); // => { lambda ; a:f32[]. let b:f32[] = cos a; c:f32[] = sin b in (c,) }
 * ```
 */
export function makeJaxpr<A extends readonly NDArray[], R>(
  f: (...args: A) => R,
): (...args: TypesLike<A>) => ClosedJaxpr;
export function makeJaxpr<A extends readonly unknown[], R>(
  f: (...args: A) => R,
): (...args: TypesLike<A>) => ClosedJaxpr;
export function makeJaxpr<A extends readonly unknown[], R>(
  f: (...args: A) => R,
): (...args: TypesLike<A>) => ClosedJaxpr {
  return (...args) => trace(f, args, 'makeJaxpr').closed;
}

/**
 * Shapes and dtypes of the result of `f`, without computing it.
 *
 * @example
 * ```ts
 * import { evalShape, ShapeDtypeStruct, numpy as np } from 'cotangent';
 * evalShape((x: np.Array) => np.sum(x, 0), new ShapeDtypeStruct([2, 3])).shape; // => [3]
 * ```
 */
export function evalShape<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  ...args: TypesLike<A>
): MapTree<R, NDArray, ShapeDtypeStruct> {
  const { closed, outDef } = trace(f, args, 'evalShape');
  return unflatten(
    outDef,
    closed.outAvals.map((a) => new ShapeDtypeStruct(a.shape, a.dtype)),
  ) as MapTree<R, NDArray, ShapeDtypeStruct>;
}
