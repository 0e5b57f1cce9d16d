/**
 * What a primitive may lower to. The compiler turns these into kernels; a rule says once how an element of the
 * result is computed, and every backend follows.
 */
import type { ShapedArray } from './aval.js';
import type { DType } from './dtype.js';
import type { CombineOp } from './combine.js';
import type { Expr } from './scalar.js';

/** One int32 expression per dimension. */
export type Index = readonly Expr[];

/** An operand that a lowering can read at any in-bounds index. */
export interface Operand {
  readonly aval: ShapedArray;
  readonly at: (index: Index) => Expr;
}

/**
 * Every result element is a scalar expression of operand elements. `cost` tells the fuser what recomputing an
 * element costs: `view` is index arithmetic only, `cheap` a few operations, `expensive` transcendental or long.
 */
export interface MapLowering {
  readonly kind: 'map';
  readonly cost: 'view' | 'cheap' | 'expensive';
  /**
   * True when result element i depends only on element i of operands of the result's shape and on scalars, so that
   * one kernel serves every shape.
   */
  readonly elementwise?: boolean;
  /** True when the compiler must neither merge, move nor fuse across it. */
  readonly barrier?: boolean;
  /** One expression per result. All results of a map have the same shape. */
  readonly at: (operands: readonly Operand[], index: Index) => readonly Expr[];
}

/** An accumulator of a reduction: `combine` may be reassociated, `next` runs in order. */
export interface Reducer {
  readonly dtype: DType;
  readonly init: Expr;
  readonly update:
    | { readonly combine: CombineOp; value(elements: readonly Expr[]): Expr }
    | { next(accumulators: readonly Expr[], elements: readonly Expr[], position: Expr): Expr };
}

/** Results from accumulators over `axes`, for each point of the other axes. */
export interface ReduceLowering {
  readonly kind: 'reduce';
  readonly axes: readonly number[];
  readonly reducers: readonly Reducer[];
  readonly results: (accumulators: readonly Expr[]) => readonly Expr[];
}

/** Like a reduction along one axis, but every partial result is kept: the result has the operand's shape. */
export interface CumulativeLowering {
  readonly kind: 'cumulative';
  readonly axis: number;
  readonly reverse: boolean;
  readonly reducers: readonly Reducer[];
  readonly results: (accumulators: readonly Expr[]) => readonly Expr[];
}

/** A sum of products over the contracted axes; result axes are batch, free lhs, free rhs. */
export interface ContractLowering {
  readonly kind: 'contract';
  readonly lhsContract: readonly number[];
  readonly rhsContract: readonly number[];
  readonly lhsBatch: readonly number[];
  readonly rhsBatch: readonly number[];
}

/**
 * Operands are (operand, indices, updates): a copy of `operand` in which each update is combined at its
 * target; updates run in row-major order and targets out of bounds are dropped.
 */
export interface ScatterLowering {
  readonly kind: 'scatter';
  readonly combine: CombineOp | 'set';
  readonly target: (indices: Operand, update: Index) => { readonly index: Index; readonly inBounds: Expr };
}

/** Stable ascending sort of all operands together along `axis`, by the first `numKeys` operands. */
export interface SortLowering {
  readonly kind: 'sort';
  readonly axis: number;
  readonly numKeys: number;
}

/** The results are those of another jaxpr on the same operands. */
export interface CallLowering<J> {
  readonly kind: 'call';
  readonly jaxpr: J;
}

export type Lowering<J> =
  | MapLowering
  | ReduceLowering
  | CumulativeLowering
  | ContractLowering
  | ScatterLowering
  | SortLowering
  | CallLowering<J>;
