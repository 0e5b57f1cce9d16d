/** The public functions of indexing, shape, joining, sorting, sets, statistics, polynomials and windows. */
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
