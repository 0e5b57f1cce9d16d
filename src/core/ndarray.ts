/// <reference lib="esnext.disposable" preserve="true" />
/**
 * `NDArray`: the one type users hold, concrete or traced. Methods are declared here and installed by
 * `numpy/methods`, which implements them with lax; core knows only their types.
 */
import type { ShapedArray } from './aval.js';
import type { DType, TypedArray } from './dtype.js';

/** Nested JS arrays of numbers or booleans. */
export type NestedArray = number | boolean | readonly NestedArray[];

/** Whatever can stand where an array is expected. A bare number or boolean is weakly typed. */
export type ArrayLike = NDArray | number | boolean;

/** One or several axes, negative ones counted from the end; `null` or absent means all. */
export type AxisArg = number | readonly number[] | null;

/**
 * One index: an integer, a slice `[start, stop]` or `[start, stop, step]` (with `null` for an open end),
 * `null` for a new axis, `'...'` for the axes in between, or an array of integers or booleans.
 */
export type IndexArg = number | null | '...' | readonly (number | null)[] | NDArray;

/** Options of the reducing methods. */
export interface ReduceOptions {
  keepdims?: boolean;
}

/** Options of `var` and `std`: `ddof` is subtracted from the count in the divisor. */
export interface VarianceOptions extends ReduceOptions {
  ddof?: number;
}

/** An axis argument, or options that hold it: `x.sum(-1)` and `x.sum({ axis: -1 })` are the same. */
export type AxisOrOptions<Options, Axis = AxisArg> = Axis | (Options & { axis?: Axis });

/** What `x.at(...)` returns: reads and functional updates at an index. */
export interface IndexUpdate {
  get(): NDArray;
  set(values: ArrayLike): NDArray;
  add(values: ArrayLike): NDArray;
  sub(values: ArrayLike): NDArray;
  mul(values: ArrayLike): NDArray;
  div(values: ArrayLike): NDArray;
  min(values: ArrayLike): NDArray;
  max(values: ArrayLike): NDArray;
  /** `x.at(i).apply(f)` replaces the elements by `f` of them. */
  apply(f: (values: NDArray) => NDArray): NDArray;
}

/** Methods that chain; each is the function of the same name in `np`. */
export interface NDArrayMethods {
  add(other: ArrayLike): NDArray;
  sub(other: ArrayLike): NDArray;
  mul(other: ArrayLike): NDArray;
  div(other: ArrayLike): NDArray;
  floorDivide(other: ArrayLike): NDArray;
  mod(other: ArrayLike): NDArray;
  pow(other: ArrayLike): NDArray;
  neg(): NDArray;
  abs(): NDArray;
  exp(): NDArray;
  log(): NDArray;
  sqrt(): NDArray;
  square(): NDArray;
  sign(): NDArray;
  round(decimals?: number): NDArray;
  clip(min?: ArrayLike, max?: ArrayLike): NDArray;
  equal(other: ArrayLike): NDArray;
  notEqual(other: ArrayLike): NDArray;
  less(other: ArrayLike): NDArray;
  lessEqual(other: ArrayLike): NDArray;
  greater(other: ArrayLike): NDArray;
  greaterEqual(other: ArrayLike): NDArray;
  logicalAnd(other: ArrayLike): NDArray;
  logicalOr(other: ArrayLike): NDArray;
  logicalNot(): NDArray;
  sum(axis?: AxisOrOptions<ReduceOptions>, options?: ReduceOptions): NDArray;
  prod(axis?: AxisOrOptions<ReduceOptions>, options?: ReduceOptions): NDArray;
  mean(axis?: AxisOrOptions<ReduceOptions>, options?: ReduceOptions): NDArray;
  var(axis?: AxisOrOptions<VarianceOptions>, options?: VarianceOptions): NDArray;
  std(axis?: AxisOrOptions<VarianceOptions>, options?: VarianceOptions): NDArray;
  max(axis?: AxisOrOptions<ReduceOptions>, options?: ReduceOptions): NDArray;
  min(axis?: AxisOrOptions<ReduceOptions>, options?: ReduceOptions): NDArray;
  all(axis?: AxisOrOptions<ReduceOptions>, options?: ReduceOptions): NDArray;
  any(axis?: AxisOrOptions<ReduceOptions>, options?: ReduceOptions): NDArray;
  argmax(axis?: AxisOrOptions<ReduceOptions, number | null>, options?: ReduceOptions): NDArray;
  argmin(axis?: AxisOrOptions<ReduceOptions, number | null>, options?: ReduceOptions): NDArray;
  cumsum(axis?: number | null): NDArray;
  cumprod(axis?: number | null): NDArray;
  sort(axis?: number): NDArray;
  argsort(axis?: number): NDArray;
  dot(other: ArrayLike): NDArray;
  matmul(other: ArrayLike): NDArray;
  reshape(...shape: readonly number[] | readonly [readonly number[]]): NDArray;
  ravel(): NDArray;
  flatten(): NDArray;
  transpose(...axes: readonly number[] | readonly [readonly number[]]): NDArray;
  swapaxes(axis1: number, axis2: number): NDArray;
  squeeze(axis?: AxisArg): NDArray;
  repeat(repeats: number, axis?: number): NDArray;
  take(indices: ArrayLike, axis?: number | null): NDArray;
  diagonal(offset?: number, axis1?: number, axis2?: number): NDArray;
  trace(offset?: number, axis1?: number, axis2?: number): NDArray;
  astype(dtype: DType): NDArray;
  /** Index as NumPy's `x[...]` does. */
  slice(...index: readonly IndexArg[]): NDArray;
  /** Functional updates: `x.at(0, [1, 3]).set(0)`. */
  at(...index: readonly IndexArg[]): IndexUpdate;
  /** The transpose, all axes reversed. */
  readonly T: NDArray;
  /** Along the first axis. */
  [Symbol.iterator](): Iterator<NDArray>;
}

// The methods are installed on the prototype by `numpy/methods`, typed there by NDArrayMethods, so a missing one
// is a compile error; merging is how TypeScript is told.
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type
export interface NDArray extends NDArrayMethods {}

/** An immutable n-dimensional array: no method writes in place, and buffers handed in or out are copies. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export abstract class NDArray {
  /** Shape, dtype and weakness. */
  abstract readonly aval: ShapedArray;

  get shape(): number[] {
    return [...this.aval.shape];
  }
  get dtype(): DType {
    return this.aval.dtype;
  }
  get ndim(): number {
    return this.aval.ndim;
  }
  /** Number of elements. */
  get size(): number {
    return this.aval.size;
  }
  /** True for a value that came from a bare JS number and gives way in dtype promotion. */
  get weakType(): boolean {
    return this.aval.weakType;
  }
  /** Length of the first axis, as NumPy's `len`. */
  get length(): number {
    return this.aval.shape[0] ?? 0;
  }

  /** Nested JS arrays (booleans for bool, numbers otherwise), read synchronously. */
  abstract js(): NestedArray;
  /** The only element of an array of size 1. */
  abstract item(): number | boolean;
  /** A copy of the elements in row-major order, read synchronously. */
  abstract dataSync(): TypedArray;
  /** A copy of the elements in row-major order, once they are computed. */
  abstract data(): Promise<TypedArray>;
  /**
   * Give the memory back now instead of at collection. Never necessary; afterwards any use is an error. Of a traced
   * value it does nothing.
   */
  abstract dispose(): void;

  /** `using x = np.zeros([3])` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Wait until the array is computed. */
  abstract blockUntilReady(): Promise<this>;
}
