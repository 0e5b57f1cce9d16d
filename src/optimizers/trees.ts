/** Trees of arrays that belong together: gradients, states and parameters, mapped side by side. */
import { sameShape, showShape } from '../core/aval.js';
import { ConcreteArray } from '../core/concrete.js';
import { isFloat, promoteTypes, type DType } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { flattenUpTo, flattenWithPath, leaves, showPath, unflatten, type Path, type Tree } from '../core/tree.js';
import { cond } from '../control/cond.js';
import { add, convertElementType, full, mul, reduceSum, select } from '../lax/index.js';
import { copy } from '../numpy/shape.js';

const asLeaf = (op: string, path: Path, leaf: unknown): NDArray => {
  if (leaf instanceof NDArray) return leaf;
  throw new ArgumentError(
    `${op}: the leaf at ${showPath(path)} is ${typeof leaf === 'object' ? 'no array' : `a ${typeof leaf}`}; parameters and gradients are trees of arrays.${userLine()}`,
  );
};

/**
 * Apply `f` to the number of each leaf and corresponding arrays of trees of one structure. Throws TreeError or
 * ShapeError, naming `op` and the path, when structures or shapes differ.
 */
export function mapTreesWithIndex<P>(
  op: string,
  f: (index: number, first: NDArray, ...rest: NDArray[]) => NDArray,
  first: P,
  ...rest: readonly unknown[]
): P {
  const [leaves, def] = flattenWithPath<unknown>(first);
  const others = rest.map((tree) => flattenUpTo(def, tree, op));
  const results = leaves.map(([path, leaf], i) => {
    const array = asLeaf(op, path, leaf);
    const beside = others.map((list) => asLeaf(op, path, list[i]));
    const misfit = beside.find((x) => !sameShape(x.aval.shape, array.aval.shape));
    if (misfit !== undefined) {
      throw new ShapeError(
        `${op}: at ${showPath(path)}, shapes ${showShape(array.shape)} and ${showShape(misfit.shape)} differ; gradients, ` +
          `state and parameters must belong together.${userLine()}`,
      );
    }
    return f(i, array, ...beside);
  });
  // The structure is that of `first` and its leaves are arrays, as those of `first` are.
  return unflatten(def, results) as P;
}

/** {@link mapTreesWithIndex} of a function that asks for no number. */
export const mapTrees = <P>(
  op: string,
  f: (first: NDArray, ...rest: NDArray[]) => NDArray,
  first: P,
  ...rest: readonly unknown[]
): P => mapTreesWithIndex(op, (_, ...arrays) => f(...arrays), first, ...rest);

/** Zeros in the structure of `params`. */
export const zerosLike = <P>(op: string, params: P): P => mapTrees(op, (x) => full(x.aval.shape, 0, x.dtype), params);

/** The same values in memory of their own, so that a step may donate both the parameters and the state. */
export const copyTree = <P>(op: string, params: P): P => mapTrees(op, (x) => copy(x), params);

/** `onTrue` where the scalar `pred` is true, leaf by leaf, else `onFalse`. */
export const choose = <T>(op: string, pred: NDArray, onTrue: T, onFalse: T): T =>
  mapTrees(op, (t, f) => select(pred, t, f), onTrue, onFalse);

/** What `onTrue` makes if the scalar `pred` is true, else what `onFalse` makes, trees of one type: only one of them runs. */
export function branch<T>(pred: NDArray, onTrue: () => T, onFalse: () => T): T {
  // Outside a trace the answer is known, and neither need be traced. Reading from a GPU would wait for it.
  if (pred instanceof ConcreteArray && pred.storage.device.kind === 'cpu') return pred.item() ? onTrue() : onFalse();
  // Of a generic tree `cond` cannot tell that its leaves are arrays.
  return cond<readonly [], Tree<NDArray>>(pred, onTrue as () => Tree<NDArray>, onFalse as () => Tree<NDArray>) as T;
}

/** The widest float dtype among the leaves, in which scalars that belong to the tree as a whole are computed. */
export function floatOf(params: unknown): DType {
  const dtypes = leaves<unknown>(params as object).flatMap((x) =>
    x instanceof NDArray && isFloat(x.dtype) ? [x.dtype] : [],
  );
  // Sums of halves overflow.
  const widest = dtypes.reduce<DType>((a, b) => promoteTypes(a, b), 'float16');
  return widest === 'float16' ? 'float32' : widest;
}

/** The sum over all leaves of the products of their elements, in {@link floatOf} the first tree. */
export function dotTrees(op: string, a: unknown, b: unknown): NDArray {
  const dtype = floatOf(a);
  const wide = (x: NDArray): NDArray => convertElementType(x, dtype);
  const products = mapTrees(op, (x, y) => mul(wide(x), wide(y)), a, b);
  return leaves<NDArray>(products as object)
    .map((x) => reduceSum(x))
    .reduce((sum, x) => add(sum, x), full([], 0, dtype));
}

/** The parameters, of a transformation that needs them. */
export function needParams<P>(op: string, params: P | undefined): P {
  if (params !== undefined) return params;
  throw new ArgumentError(`${op}: needs the parameters too; call update(gradients, state, params).${userLine()}`);
}
