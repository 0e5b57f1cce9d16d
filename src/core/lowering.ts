/**
 * What a primitive may lower to. The compiler turns these into kernels; a rule says once how an element of the
 * result is computed, and every backend follows.
 */
import type { Shape, ShapedArray } from './aval.js';
import type { DType } from './dtype.js';
import type { CombineOp } from './combine.js';
import type { Expr } from './scalar.js';

/** One int32 expression per dimension. */
export type Index = readonly Expr[];

/**
 * An operand that a lowering can read at any in-bounds index. Expressions are of the type in which values are computed
 * (`computeType`): the elements of a float16 operand are float32, and so are constants beside them and accumulators.
 */
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

/**
 * An accumulator of a reduction: `combine` may be reassociated, `next` runs in order, unless `merge` gives the value
 * after two parts from those after each, both started from `init`. It must be associative and commutative, with `init`
 * its identity, and all reducers of a lowering have it or none.
 */
export interface Reducer {
  readonly dtype: DType;
  readonly init: Expr;
  readonly update:
    | { readonly combine: CombineOp; value(elements: readonly Expr[]): Expr }
    | {
        next(accumulators: readonly Expr[], elements: readonly Expr[], position: Expr): Expr;
        merge?(earlier: readonly Expr[], later: readonly Expr[]): Expr;
      };
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

/**
 * `out[out(b, m, n)] = sum over k of lhs(b, m, k) * rhs(b, k, n)`, with any number of axes in each of the four groups.
 * An operand read at an affine index is packed by strides; any other expression (a window of an image, zero where it
 * hangs over the edge) is evaluated while it is packed, so that it is never stored as a whole.
 */
export interface ContractLowering {
  readonly kind: 'contract';
  /** Extents of the axes. */
  readonly batch: Shape;
  readonly m: Shape;
  readonly n: Shape;
  readonly k: Shape;
  readonly lhs: (operand: Operand, batch: Index, m: Index, k: Index) => Expr;
  readonly rhs: (operand: Operand, batch: Index, k: Index, n: Index) => Expr;
  /** Index of the result. */
  readonly out: (batch: Index, m: Index, n: Index) => Index;
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

/** `jaxpr(constants, carry, x) = (carry, y)`, once for each slice along the leading axis of xs; operands are constants, carry, xs. */
export interface ScanLowering<J> {
  readonly kind: 'scan';
  readonly jaxpr: J;
  readonly length: number;
  /** From the last slice to the first. */
  readonly reverse: boolean;
  readonly numConsts: number;
  readonly numCarry: number;
}

/** `body(bodyConsts, carry)` again while `cond(condConsts, carry)`; operands are the constants of cond, of body, then the carry. */
export interface WhileLowering<J> {
  readonly kind: 'while';
  readonly cond: J;
  readonly body: J;
  readonly numCondConsts: number;
  readonly numBodyConsts: number;
}

/** One of the branches, chosen by the int32 scalar that is the first operand (clamped to the branches); the rest are their operands. */
export interface CondLowering<J> {
  readonly kind: 'cond';
  readonly branches: readonly J[];
}

export type Lowering<J> =
  | MapLowering
  | ReduceLowering
  | CumulativeLowering
  | ContractLowering
  | ScatterLowering
  | SortLowering
  | CallLowering<J>
  | ScanLowering<J>
  | WhileLowering<J>
  | CondLowering<J>;
