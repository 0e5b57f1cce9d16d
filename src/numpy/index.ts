/**
 * The array library by NumPy's names in camel case: NumPy's semantics, JAX's dtype promotion, and every function under
 * every transform. Importing it installs the methods of NDArray.
 */
import './methods.js';

export * from './constants.js';
export * from './dtypes.js';
// jax-js's name of the array type, so that its annotations carry over.
export { NDArray as Array } from '../core/ndarray.js';
export type { ArrayLike } from '../core/ndarray.js';
export type { DType } from '../core/dtype.js';
export type { ArrayInput, HostArray } from './promote.js';

export {
  array,
  asarray,
  empty,
  emptyLike,
  frombuffer,
  fromiter,
  full,
  fullLike,
  ones,
  onesLike,
  zeros,
  zerosLike,
  type BufferOptions,
  type DTypeOptions,
  type DTypeOr,
  type LikeOptions,
  type ShapeArg,
} from './creation.js';
export * from './ranges.js';
export { diag, diagflat, diagonal, eye, identity, trace, tri, tril, triu, vander } from './matrices.js';
export type { DiagonalOptions, VanderOptions } from './matrices.js';
export { fromfunction, indices, meshgrid, type IndicesOptions, type MeshgridOptions } from './grids.js';

export type { Binary, Unary } from './ufunc.js';
export * from './arithmetic.js';
export * from './powers.js';
export * from './exponential.js';
export * from './trigonometric.js';
export * from './extrema.js';
export * from './rounding.js';
export * from './floating.js';
export * from './comparison.js';
export {
  bitwiseAnd,
  bitwiseCount,
  bitwiseInvert,
  bitwiseLeftShift,
  bitwiseNot,
  bitwiseOr,
  bitwiseRightShift,
  bitwiseXor,
  invert,
  leftShift,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  rightShift,
} from './logic.js';
export * from './selecting.js';

export type { AccumulateOptions, AxisOptions, AxisOr, InitialOptions, WhereOptions } from './reduction.js';
export {
  all,
  amax,
  amin,
  any,
  argmax,
  argmin,
  average,
  countNonzero,
  max,
  mean,
  min,
  prod,
  ptp,
  std,
  sum,
  var,
  var_,
  variance,
  type ArgOptions,
  type AverageOptions,
  type MeanOptions,
  type VarianceOptions,
} from './reductions.js';
export * from './nan-reductions.js';
export * from './cumulative.js';

export { dot, inner, matmul, matrixTranspose, matvec, outer, vdot, vecdot, vecmat } from './linear.js';
export * from './products.js';
export { einsum, einsumPath, type EinsumPathOptions } from './einsum.js';
export type { EinsumArguments, LabelList } from './einsum-parse.js';
export type { EinsumPath, EinsumPathInfo, EinsumStrategy } from './einsum-path.js';

// Shapes, joining, indexing, sorting, searching, statistics, polynomials, sets.
export * from './apply.js';
export * from './casting.js';
export * from './convolution.js';
export * from './covariance.js';
export * from './differences.js';
export { append, delete_, delete_ as delete, insert, trimZeros, type Positions } from './edit.js';
export * from './histogram.js';
export * from './index-tricks.js';
export * from './interpolation.js';
export * from './join.js';
export { pad, type PadMode, type PadOptions, type PadWidth, type PerSide } from './pad.js';
export * from './polynomial.js';
export type { SizeOptions } from './positions.js';
export * from './put.js';
export * from './quantile.js';
export * from './reorder.js';
export { digitize, searchsorted, type SearchsortedOptions, type Side } from './search.js';
export * from './sets.js';
export {
  astype,
  atleast1d,
  atleast2d,
  atleast3d,
  broadcastArrays,
  broadcastShapes,
  broadcastTo,
  copy,
  expandDims,
  isscalar,
  moveaxis,
  ndim,
  permuteDims,
  ravel,
  reshape,
  rollaxis,
  shape,
  size,
  squeeze,
  swapaxes,
  transpose,
} from './shape.js';
export * from './sorting.js';
export * from './split.js';
export {
  choose,
  compress,
  extract,
  take,
  takeAlongAxis,
  type BoundsMode,
  type TakeMode,
  type TakeOptions,
} from './take.js';
export {
  unique,
  uniqueAll,
  uniqueCounts,
  uniqueInverse,
  uniqueValues,
  type UniqueAll,
  type UniqueOptions,
  type UniqueReturns,
} from './unique.js';
export * from './windows.js';
