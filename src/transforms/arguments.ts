/** Arguments of transforms: trees to lists of arrays and back, with teaching errors that name the leaf. */
import type { ShapedArray } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { scalar } from '../core/concrete.js';
import { isFloat } from '../core/dtype.js';
import { ArgumentError, DTypeError, TreeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import {
  flatten,
  flattenUpTo,
  flattenWithPath,
  showPath,
  structure,
  unflatten,
  type MapTree,
  type Tree,
  type TreeDef,
} from '../core/tree.js';

/** One argument with numbers allowed in place of arrays; `unknown` and trees of any depth stay what they are. */
export type ArgumentLike<T> = unknown extends T
  ? T
  : Tree<NDArray> extends T
    ? Tree<ArrayLike>
    : MapTree<T, NDArray, ArrayLike>;
/** A list of arguments with numbers allowed in place of arrays. */
export type ArgumentsLike<A extends readonly unknown[]> = { [K in keyof A]: ArgumentLike<A[K]> };
/**
 * Any tree of arrays: what the type of parameters extends in a function that is generic in it.
 *
 * @example
 * ```ts
 * import { grad, numpy as np, optimizers } from 'cotangent';
 * import type { ArrayTree, NDArray } from 'cotangent';
 * const sgd = optimizers.sgd(0.25);
 * const descend = <P extends ArrayTree>(loss: (params: P) => NDArray, params: P): P => {
 *   const [updates] = sgd.update(grad(loss)(params), sgd.init(params));
 *   return optimizers.applyUpdates(params, updates);
 * };
 * descend((p: { w: NDArray }) => np.square(p.w).sum(), { w: np.array([2, 4]) }).w.js(); // => [1,2]
 * ```
 */
export type ArrayTree = Tree<NDArray>;
/** {@link ArgumentsLike} that takes a generic tree of arrays as it is, of which no conditional type says anything. */
export type TreesLike<A extends readonly unknown[]> = { [K in keyof A]: A[K] | ArgumentLike<A[K]> };
/** The tree type `T` with every number or boolean an array. */
export type ToArrays<T> = [T] extends [Tree<NDArray>] ? T : MapTree<T, ArrayLike, NDArray>;

/** A leaf as an array; numbers become weak float32 scalars, booleans bool. */
export function leafArray(leaf: unknown, where: () => string): NDArray {
  if (leaf instanceof NDArray) return leaf;
  if (typeof leaf === 'number') return scalar(leaf, 'float32', true);
  if (typeof leaf === 'boolean') return scalar(leaf, 'bool');
  const kind =
    typeof leaf === 'object' && leaf !== null
      ? `an object of class ${leaf.constructor.name}`
      : `a ${typeof leaf} (${String(leaf)})`;
  throw new ArgumentError(
    `${where()} is ${kind}, which is no array. Arguments and results are trees of arrays and numbers; pass anything else ` +
      `as a static argument (jit(f, { staticArgnums: [i] })) or by closure.${userLine()}`,
  );
}

export interface FlatArguments {
  readonly arrays: NDArray[];
  readonly def: TreeDef;
  /** `params.w[0]` of each leaf; made when they are first asked for. */
  readonly labels: readonly string[];
}

/** Flatten a list of arguments (or any tree) to arrays. */
export function flattenArguments(args: unknown, op: string, what = 'argument'): FlatArguments {
  const [leaves, def] = flatten<unknown>(args);
  let labels: readonly string[] | undefined;
  const labelled = (): readonly string[] =>
    (labels ??= flattenWithPath<unknown>(args)[0].map(([[first, ...rest]]) => {
      return `${what} ${showPath(rest, String(first ?? ''))}`;
    }));
  const arrays = leaves.map((leaf, i) => leafArray(leaf, () => `${op}: ${nth(labelled(), i)}`));
  return {
    arrays,
    def,
    get labels() {
      return labelled();
    },
  };
}

/** Throw unless `value` is a list of arguments. */
export function checkList(value: unknown, op: string, what: string): void {
  if (Array.isArray(value)) return;
  throw new ArgumentError(
    `${op}: ${what} must be a list with one entry per argument of the function, as in ${op}(f, [x]); ` +
      `got ${value === undefined ? 'nothing' : value instanceof NDArray ? `the array ${value.aval.toString()}` : typeof value}.${userLine()}`,
  );
}

/** Flatten a function's result to arrays. */
export function flattenResult(result: unknown, op: string): { arrays: NDArray[]; def: TreeDef } {
  const [leaves, def] = flattenWithPath<unknown>(result);
  const arrays = leaves.map(([path, leaf]) =>
    leafArray(leaf, () => `${op}: the function's result${path.length === 0 ? '' : ` at ${showPath(path)}`}`),
  );
  return { arrays, def };
}

/** A function on trees as one on lists of arrays; the structure of its result is known after a call. */
export function flatFunction(
  f: (...args: never[]) => unknown,
  def: TreeDef,
  op: string,
): { run: (...arrays: NDArray[]) => NDArray[]; outDef: () => TreeDef } {
  let out: TreeDef | undefined;
  return {
    run: (...arrays) => {
      const result = f(...(unflatten(def, arrays) as never[]));
      const flat = flattenResult(result, op);
      out = flat.def;
      return flat.arrays;
    },
    outDef: () => {
      if (out === undefined) throw new Error('internal: the function has not run');
      return out;
    },
  };
}

/** Arrays of `value` in the structure `def`; throws TreeError with the path where it differs. */
export function matchTree(def: TreeDef, value: unknown, op: string, what: string): NDArray[] {
  if (structure(value).equals(def)) return flattenArguments([value], op, what).arrays;
  const leaves = flattenUpTo(def, value, `${op}: ${what}`);
  return leaves.map((leaf, i) => {
    if (typeof leaf === 'object' && leaf !== null && !(leaf instanceof NDArray)) {
      throw new TreeError(
        `${op}: ${what} has structure ${structure(value).toString()}, expected ${def.toString()} (leaf ${String(i)} is a container).${userLine()}`,
      );
    }
    return leafArray(leaf, () => `${op}: ${what}`);
  });
}

/** Throw unless every array is of a float dtype, which derivatives need. */
export function checkDifferentiable(arrays: readonly NDArray[], labels: readonly string[], op: string): void {
  arrays.forEach((x, i) => {
    if (!isFloat(x.dtype)) {
      throw new DTypeError(
        `${op}: ${labels[i] ?? 'an argument'} is ${x.aval.toString()}, and only float32 and float64 have derivatives. ` +
          `Convert it with x.astype('float32'), or choose others with argnums.${userLine()}`,
      );
    }
  });
}

/** Throw unless tangents have the type of their primals. */
export function checkTangents(
  primals: readonly ShapedArray[],
  tangents: readonly NDArray[],
  labels: readonly string[],
  op: string,
): void {
  primals.forEach((p, i) => {
    const t = tangents[i];
    if (t === undefined || !t.aval.equals(p)) {
      throw new TreeError(
        `${op}: ${labels[i] ?? 'a primal'} is ${p.toString()} but its tangent is ${String(t?.aval)}; they must have the same shape and dtype.${userLine()}`,
      );
    }
  });
}
