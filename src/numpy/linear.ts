/** Products of vectors, matrices and stacks of them. Chains of matrices and Kronecker products are in products.ts. */
import { canonicalAxis, nth, range } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { moveaxis } from '../lax/reshape.js';
import { broadcastOperands, samePair, single } from './promote.js';

/**
 * A contraction of two arrays of one dtype. Of booleans it is the or of ands, as in NumPy: computed by counting.
 */
export function contraction(op: string, x: ArrayLike, y: ArrayLike, f: (x: NDArray, y: NDArray) => NDArray): NDArray {
  const [a, b] = samePair(op, x, y);
  if (a.dtype !== 'bool') return f(a, b);
  return lax.convertElementType(f(lax.convertElementType(a, 'int32'), lax.convertElementType(b, 'int32')), 'bool');
}

/** Contract one axis of each, without batch axes; throws when the lengths differ. */
function contractAxes(op: string, a: NDArray, b: NDArray, axisA: number, axisB: number): NDArray {
  const [n, m] = [nth(a.aval.shape, axisA), nth(b.aval.shape, axisB)];
  if (n !== m) {
    throw new ShapeError(
      `${op}: shapes ${showShape(a.shape)} and ${showShape(b.shape)} do not fit: axis ${axisA} of the first (length ${n}) is summed ` +
        `with axis ${axisB} of the second (length ${m}). Transpose or reshape one of them.${userLine()}`,
    );
  }
  return lax.dotGeneral(a, b, [
    [[axisA], [axisB]],
    [[], []],
  ]);
}

/** Product of scalars with anything. */
const scale = (a: NDArray, b: NDArray): NDArray => lax.mul(a, b);

/**
 * The dot product: of vectors Σ xᵢ yᵢ; of matrices their product; in general, a sum over the last axis of `x` and the
 * last but one of `y` (its only one, for a vector), with the axes of `x` before those of `y`. Scalars multiply.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.dot(np.array([1, 2, 3]), np.array([4, 5, 6])); // => 32
 * np.dot(np.array([[1, 2], [3, 4]]), np.array([1, 1])); // => [3, 7]
 * ```
 */
export function dot(x: ArrayLike, y: ArrayLike): NDArray {
  return contraction('dot', x, y, (a, b) =>
    a.ndim === 0 || b.ndim === 0 ? scale(a, b) : contractAxes('dot', a, b, a.ndim - 1, Math.max(0, b.ndim - 2)),
  );
}

/**
 * The sum over the last axes of both: Σₖ x[…, k] y[…, k], with the axes of `x` before those of `y`. Scalars multiply.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.inner(np.array([[1, 2], [3, 4]]), np.array([1, 10])); // => [21, 43]
 * ```
 */
export function inner(x: ArrayLike, y: ArrayLike): NDArray {
  return contraction('inner', x, y, (a, b) =>
    a.ndim === 0 || b.ndim === 0 ? scale(a, b) : contractAxes('inner', a, b, a.ndim - 1, b.ndim - 1),
  );
}

const flat = (x: NDArray): NDArray => lax.reshape(x, [x.size]);

/**
 * The dot product of the flattened arrays.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.vdot(np.array([[1, 2], [3, 4]]), np.array([[1, 0], [0, 1]])); // => 5
 * ```
 */
export function vdot(x: ArrayLike, y: ArrayLike): NDArray {
  return contraction('vdot', x, y, (a, b) => contractAxes('vdot', flat(a), flat(b), 0, 0));
}

/**
 * The products xᵢ yⱼ of all elements of the flattened arrays.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.outer(np.array([1, 2]), np.array([3, 4])); // => [[3, 4], [6, 8]]
 * ```
 */
export function outer(x: ArrayLike, y: ArrayLike): NDArray {
  return contraction('outer', x, y, (a, b) => {
    const shape = [a.size, b.size];
    return lax.mul(lax.broadcastInDim(flat(a), shape, [0]), lax.broadcastInDim(flat(b), shape, [1]));
  });
}

/** Where a batch axis of a product comes from: both operands, or one of them (the other repeats). */
interface BatchAxis {
  readonly from: 'both' | 'a' | 'b';
}

/** Match the batch axes of two operands from the last, as broadcasting does. */
function matchBatch(op: string, a: NDArray, b: NDArray, countA: number, countB: number): BatchAxis[] {
  const n = Math.max(countA, countB);
  return range(n).map((p) => {
    const [i, j] = [p - n + countA, p - n + countB];
    if (i < 0) return { from: 'b' };
    if (j < 0) return { from: 'a' };
    const [lengthA, lengthB] = [nth(a.aval.shape, i), nth(b.aval.shape, j)];
    if (lengthA === lengthB) return { from: 'both' };
    if (lengthA === 1) return { from: 'b' };
    if (lengthB === 1) return { from: 'a' };
    throw new ShapeError(
      `${op}: shapes ${showShape(a.shape)} and ${showShape(b.shape)}: the axes before the matrices must broadcast together, but ` +
        `axis ${i} of the first has length ${lengthA} and axis ${j} of the second ${lengthB}.${userLine()}`,
    );
  });
}

/** Drop the batch axes of length 1 that only repeat. */
function dropRepeated(x: NDArray, count: number, batch: readonly BatchAxis[], other: 'a' | 'b'): NDArray {
  const offset = batch.length - count;
  return lax.squeeze(
    x,
    range(count).filter((i) => nth(batch, i + offset).from === other),
  );
}

/**
 * Matrix product over batch axes. An axis that only one operand has becomes a free axis of the contraction, so nothing
 * is repeated in memory; the axes are put in order afterwards.
 */
function matrixProduct(op: string, a: NDArray, b: NDArray): NDArray {
  const [matrixA, matrixB] = [Math.min(2, a.ndim), Math.min(2, b.ndim)];
  const [countA, countB] = [a.ndim - matrixA, b.ndim - matrixB];
  const [k, m] = [nth(a.aval.shape, a.ndim - 1), nth(b.aval.shape, b.ndim - matrixB)];
  if (k !== m) {
    throw new ShapeError(
      `${op}: shapes ${showShape(a.shape)} and ${showShape(b.shape)} do not fit: the last axis of the first (length ${k}) must be as ` +
        `long as the ${matrixB === 1 ? 'only' : 'last but one'} axis of the second (length ${m}). Transpose one of them?${userLine()}`,
    );
  }
  const batch = matchBatch(op, a, b, countA, countB);
  const [lhs, rhs] = [dropRepeated(a, countA, batch, 'b'), dropRepeated(b, countB, batch, 'a')];
  const axesWith = (owner: 'a' | 'b'): { axes: number[]; both: number[] } => {
    const own = batch.filter(({ from }) => from !== (owner === 'a' ? 'b' : 'a'));
    return { axes: range(own.length), both: range(own.length).filter((i) => nth(own, i).from === 'both') };
  };
  const product = lax.dotGeneral(lhs, rhs, [
    [[lhs.ndim - 1], [rhs.ndim - matrixB]],
    [axesWith('a').both, axesWith('b').both],
  ]);
  // Axes of the product: shared batch, batch and row of the first, batch and column of the second.
  const order = (from: BatchAxis['from']): number[] => range(batch.length).filter((p) => nth(batch, p).from === from);
  const [row, column] = [batch.length, batch.length + 1];
  const axes = [
    ...order('both'),
    ...order('a'),
    ...(matrixA === 2 ? [row] : []),
    ...order('b'),
    ...(matrixB === 2 ? [column] : []),
  ];
  const sorted = [...axes].sort((p, q) => p - q);
  return lax.transpose(
    product,
    sorted.map((p) => axes.indexOf(p)),
  );
}

/**
 * The matrix product. The last two axes are matrices, the axes before them broadcast; a vector on the left is a row, on
 * the right a column, and its axis goes. Throws ShapeError for scalars and for shapes that do not fit.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.matmul(np.array([[1, 2], [3, 4]]), np.array([[0, 1], [1, 0]])); // => [[2, 1], [4, 3]]
 * ```
 */
export function matmul(x: ArrayLike, y: ArrayLike): NDArray {
  return contraction('matmul', x, y, (a, b) => {
    if (a.ndim === 0 || b.ndim === 0) {
      throw new ShapeError(
        `matmul: takes vectors, matrices and stacks of matrices, got shapes ${showShape(a.shape)} and ${showShape(b.shape)}; ` +
          `multiply by a scalar with np.multiply.${userLine()}`,
      );
    }
    return matrixProduct('matmul', a, b);
  });
}

function need(op: string, x: NDArray, ndim: number, what: string): NDArray {
  if (x.ndim >= ndim) return x;
  throw new ShapeError(`${op}: ${what} needs at least ${ndim} axes, got shape ${showShape(x.shape)}.${userLine()}`);
}

/**
 * Matrices times vectors: Σₖ x[…, i, k] y[…, k].
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.matvec(np.array([[1, 2], [3, 4]]), np.array([[1, 0], [0, 1]])); // => [[1, 3], [2, 4]]
 * ```
 */
export function matvec(x: ArrayLike, y: ArrayLike): NDArray {
  return contraction('matvec', x, y, (a, b) => {
    const column = lax.expandDims(need('matvec', b, 1, 'the vector'), [-1]);
    const product = matrixProduct('matvec', need('matvec', a, 2, 'the matrix'), column);
    return lax.squeeze(product, [-1]);
  });
}

/**
 * Vectors times matrices: Σₖ x[…, k] y[…, k, j].
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.vecmat(np.array([1, 10]), np.array([[1, 2], [3, 4]])); // => [31, 42]
 * ```
 */
export function vecmat(x: ArrayLike, y: ArrayLike): NDArray {
  return contraction('vecmat', x, y, (a, b) => {
    const row = lax.expandDims(need('vecmat', a, 1, 'the vector'), [-2]);
    const product = matrixProduct('vecmat', row, need('vecmat', b, 2, 'the matrix'));
    return lax.squeeze(product, [-2]);
  });
}

/**
 * The dot product of vectors along one axis: Σₖ x[…, k] y[…, k]; the other axes broadcast.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.vecdot(np.array([[1, 2], [3, 4]]), np.array([1, 10])); // => [21, 43]
 * ```
 */
export function vecdot(x: ArrayLike, y: ArrayLike, { axis = -1 }: { axis?: number } = {}): NDArray {
  return contraction('vecdot', x, y, (first, second) => {
    const last = (v: NDArray): NDArray =>
      moveaxis(need('vecdot', v, 1, 'each operand'), canonicalAxis(axis, v.ndim, 'vecdot'), v.ndim - 1);
    const [a, b] = [last(first), last(second)];
    const [n, m] = [nth(a.aval.shape, a.ndim - 1), nth(b.aval.shape, b.ndim - 1)];
    if (n !== m) {
      throw new ShapeError(
        `vecdot: the vectors have lengths ${n} and ${m} (axis ${axis} of shapes ${showShape(first.shape)} and ` +
          `${showShape(second.shape)}), which must be equal.${userLine()}`,
      );
    }
    const [p = a, q = b] = broadcastOperands('vecdot', [a, b]);
    return lax.reduceSum(lax.mul(p, q), [p.ndim - 1]);
  });
}

/**
 * The last two axes exchanged.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.matrixTranspose(np.array([[1, 2], [3, 4]])); // => [[1, 3], [2, 4]]
 * ```
 */
export function matrixTranspose(x: ArrayLike): NDArray {
  const array = need('matrixTranspose', single('matrixTranspose', x), 2, 'a matrix');
  const n = array.ndim;
  return lax.transpose(array, [...range(n - 2), n - 1, n - 2]);
}
