/**
 * Positions whose number depends on values: the true elements of a mask. Shapes are static, so either the mask is
 * concrete and is read on the host, or the caller says how many positions there are.
 */
import { sizeOf, type Shape } from '../core/aval.js';
import { ConcreteArray, fromHost } from '../core/concrete.js';
import { isInteger } from '../core/dtype.js';
import { ArgumentError, ConcretizationError, DTypeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { evalTrace, withTrace } from '../core/trace.js';
import {
  add,
  convertElementType,
  cumsum,
  div,
  full,
  iota,
  lt,
  ne,
  rem,
  reshape,
  scatter,
  select,
  sub,
  type ScatterDimensionNumbers,
} from '../lax/index.js';
import { describeArgument } from './describe.js';

/** Options of functions whose result has as many elements as some mask has true ones. */
export interface SizeOptions {
  /** Number of elements of the result; needed under `jit`, where it cannot be counted. Missing ones are filled. */
  size?: number;
  /** What stands in for missing elements. */
  fillValue?: number;
}

/** An argument that holds indices as an int32 array; throws for floats and booleans. */
export function asIndex(op: string, x: ArrayLike): NDArray {
  if (typeof x === 'number' && Number.isInteger(x)) return full([], x, 'int32');
  if (x instanceof NDArray && isInteger(x.dtype)) return convertElementType(x, 'int32');
  const hint =
    x instanceof NDArray
      ? `Convert them with x.astype('int32')`
      : `Make an array with np.array(list, { dtype: 'int32' })`;
  throw new DTypeError(`${op}: indices must be integers, got ${describeArgument(x)}. ${hint}.${userLine()}`);
}

/** Indices that count from the end when negative, as indices from the start. */
export const wrapNegative = (index: NDArray, length: number): NDArray =>
  select(lt(index, 0), add(index, length), index);

/** Quotient rounded down and remainder in `[0, n)` of int32 values by a positive integer. */
export function floorDivMod(x: NDArray, n: number): { quotient: NDArray; remainder: NDArray } {
  const signed = rem(x, n);
  const remainder = select(lt(signed, 0), add(signed, n), signed);
  return { quotient: div(sub(x, remainder), n), remainder };
}

/**
 * Run `f`, outside of any trace if its operands all have values: then its results have values too, and shapes may
 * depend on them even inside a function that is being traced.
 */
export const computeNow = <A>(operands: readonly ArrayLike[], f: () => A): A =>
  operands.every((x) => x instanceof ConcreteArray || !(x instanceof NDArray)) ? withTrace(evalTrace, f) : f();

/** True where `x` is not zero. */
export const asMask = (x: NDArray): NDArray => (x.dtype === 'bool' ? x : ne(x, 0));

/** The values of a concrete array, read on the host; throws, naming `op`, for a traced one. */
export function hostValues(op: string, x: NDArray, why: string, fix: string): ArrayLikeNumbers {
  if (x instanceof ConcreteArray) return x.dataSync();
  throw new ConcretizationError(
    `${op}: ${why}, but the array is traced and has no values yet (it is ${x.aval.toString()}). ${fix}.${userLine()}`,
  );
}
type ArrayLikeNumbers = { readonly length: number; readonly [i: number]: number };

/** Row-major positions of the nonzero values. */
export function hostPositions(values: ArrayLikeNumbers): number[] {
  const found: number[] = [];
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) found.push(i);
  return found;
}

const SIZE_WHY = 'the number of elements of the result depends on values';
const SIZE_FIX = 'Shapes are static: say how many with { size: n }, or use np.where(mask, x, 0)';

/** The size a caller asks for, checked, or how many elements of a concrete mask are true. */
export function resultSize(op: string, mask: NDArray, size: number | undefined): number {
  if (size === undefined) return hostPositions(hostValues(op, mask, SIZE_WHY, SIZE_FIX)).length;
  if (!Number.isInteger(size) || size < 0) {
    throw new ArgumentError(`${op}: size must be an integer of at least 0, got ${size}.${userLine()}`);
  }
  return size;
}

/** Dimension numbers of a scatter of single elements into a vector. */
export const VECTOR_SCATTER: ScatterDimensionNumbers = {
  updateWindowDims: [],
  insertedWindowDims: [0],
  scatterDimsToOperandDims: [0],
  operandBatchingDims: [],
  scatterIndicesBatchingDims: [],
};

/**
 * Row-major positions of the true elements of `mask` as an int32 vector, `size` of them if given: excess ones are
 * dropped, and missing ones are `mask.size`, which is out of bounds.
 */
export function positionsOf(op: string, mask: NDArray, size: number | undefined): NDArray {
  const n = mask.size;
  if (size === undefined) {
    const found = Int32Array.from(hostPositions(hostValues(op, mask, SIZE_WHY, SIZE_FIX)));
    return fromHost(found, [found.length], 'int32');
  }
  const length = resultSize(op, mask, size);
  const none = full([length], n, 'int32');
  if (n === 0 || length === 0) return none;
  const flat = reshape(mask, [n]);
  // The k-th true element goes to slot k; the others to a slot that does not exist.
  const slots = select(flat, sub(cumsum(convertElementType(flat, 'int32')), 1), full([n], length, 'int32'));
  return scatter(none, reshape(slots, [n, 1]), iota('int32', n), VECTOR_SCATTER);
}

/** One index vector per axis for row-major positions in an array of `shape`; negative ones count from the end. */
export function unravel(positions: NDArray, shape: Shape): NDArray[] {
  const result: NDArray[] = [];
  let rest = positions;
  for (const n of [...shape].reverse()) {
    if (sizeOf(shape) === 0) {
      result.unshift(full(positions.aval.shape, 0, 'int32'));
      continue;
    }
    const { quotient, remainder } = floorDivMod(rest, n);
    result.unshift(remainder);
    rest = quotient;
  }
  return result;
}
