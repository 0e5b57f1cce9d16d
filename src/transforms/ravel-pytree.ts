/** A tree of arrays as one vector and back. */
import { sizeOf } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { latticeDType, joinTypes, latticeType, type LatticeType } from '../core/dtype.js';
import { ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { showShape } from '../core/aval.js';
import { userLine } from '../core/source.js';
import { unflatten } from '../core/tree.js';
import { convertElementType } from '../lax/convert.js';
import { full } from '../lax/broadcast.js';
import { reshape } from '../lax/reshape.js';
import { concatenate, sliceInDim } from '../lax/slicing.js';
import { flattenArguments, type ToArrays } from './arguments.js';

/**
 * All elements of a tree as one vector (in the promoted dtype of the leaves), and the function that puts a vector of
 * that length back into the tree, each leaf with its own shape and dtype.
 *
 * @throws ShapeError from the inverse for a vector of another length.
 * @example
 * ```ts
 * import { ravelPytree, numpy as np } from 'cotangent';
 * const [vector, unravel] = ravelPytree({ w: np.array([[1, 2]]), b: np.array([3]) });
 * vector.js(); // => [3,1,2]
 * unravel(vector.mul(10)).w.js(); // => [[10,20]]
 * ```
 */
export function ravelPytree<T>(value: T): [vector: NDArray, unravel: (vector: NDArray) => ToArrays<T>] {
  const { arrays, def } = flattenArguments([value], 'ravelPytree');
  const type = arrays.reduce<LatticeType | undefined>((acc, x) => {
    const own = latticeType(x.dtype, x.weakType);
    return acc === undefined ? own : joinTypes(acc, own);
  }, undefined);
  const dtype = latticeDType(type ?? 'float32');
  const flat = arrays.map((x) => reshape(convertElementType(x, dtype), [x.size]));
  const vector = flat.length === 0 ? full([0], 0, dtype) : concatenate(flat, 0);
  const types = arrays.map((x) => ({ shape: x.aval.shape, dtype: x.dtype }));
  const unravel = (v: NDArray): ToArrays<T> => {
    const total = types.reduce((n, t) => n + sizeOf(t.shape), 0);
    if (v.ndim !== 1 || v.size !== total) {
      throw new ShapeError(
        `ravelPytree: the inverse takes a vector of ${String(total)} elements, got shape ${showShape(v.shape)}.${userLine()}`,
      );
    }
    let start = 0;
    const leaves = types.map((t) => {
      const from = start;
      start += sizeOf(t.shape);
      return convertElementType(reshape(sliceInDim(v, from, start), t.shape), t.dtype);
    });
    return nth(unflatten(def, leaves) as [ToArrays<T>], 0);
  };
  return [vector, unravel];
}
