/** The primitive operations, by JAX's names in camel case. Strict: shapes and dtypes must agree; `np` broadcasts and promotes. */
export * from './arithmetic.js';
export { besselI0e, besselI1e } from './bessel.js';
export { broadcastInDim, broadcastTo, broadcastShapes, full, reduceSum } from './broadcast.js';
export {
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  clz,
  eq,
  ge,
  gt,
  isFinite,
  le,
  lt,
  ne,
  nextafter,
  populationCount,
  shiftLeft,
  shiftRightArithmetic,
  shiftRightLogical,
} from './compare.js';
export * from './collectives.js';
export { bitcastConvertType, convertElementType } from './convert.js';
export * from './composite.js';
export {
  conv,
  convGeneralDilated,
  convTranspose,
  convWithGeneralPadding,
  type ConvDilationOptions,
  type ConvOptions,
  type ConvTransposeOptions,
} from './conv.js';
export { convDimensionNumbers, type ConvDimensionNumbers, type ConvDimensions } from './conv-dimensions.js';
export * from './cumulative.js';
export { batchMatmul, dot, dotGeneral, type DotDimensionNumbers } from './dot.js';
export { dynamicIndexInDim, dynamicSlice, dynamicSliceInDim, dynamicUpdateSlice } from './dynamic.js';
export * from './exponential.js';
export {
  gather,
  scatter,
  scatterAdd,
  scatterMax,
  scatterMin,
  scatterMul,
  type GatherOptions,
  type ScatterOptions,
} from './gather.js';
export type { GatherDimensionNumbers, IndexMode, ScatterDimensionNumbers } from './gather-index.js';
export { optimizationBarrier, stopGradientArray as stopGradient } from './identity.js';
export { igamma, igammac } from './incomplete-gamma.js';
export { reducePrecision } from './reduce-precision.js';
export { reduceWindow, type WindowOp } from './reduce-window.js';
export * from './reductions.js';
export { expandDims, reshape, rev, squeeze, transpose } from './reshape.js';
export { broadcastedIota, concatenate, iota, pad, slice, sliceInDim, type PaddingConfig } from './slicing.js';
export { sort, topK } from './sort.js';
export * from './special.js';
export * from './trigonometric.js';
export type { Padding } from './windows.js';
export { zeta, zetaDerivative } from './zeta.js';
