/**
 * Neural networks of layers that are pairs of pure functions: `init` makes parameters of a key and the shape of the
 * input, `apply` maps parameters and input to the output.
 */
import '../backends/install.js';
export { MultiHeadAttention, type AttentionOptions, type AttentionParams } from './attention.js';
export {
  gruCell,
  lstmCell,
  rnnCell,
  type Cell,
  type CellOptions,
  type GruParams,
  type LstmCellOptions,
  type LstmState,
  type RnnCellOptions,
  type RnnParams,
} from './cells.js';
export {
  parallel,
  residual,
  serial,
  shapeDependent,
  type Parallel,
  type Residual,
  type Serial,
} from './combinators.js';
export {
  constrain,
  constraints,
  maxNorm,
  nonNeg,
  unitNorm,
  type Constraint,
  type ConstrainOptions,
} from './constraints.js';
export {
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose,
  GeneralConv,
  type ConvLayout,
  type ConvMaker,
  type ConvOptions,
} from './convolution.js';
export { Dense, type DenseOptions, type DenseParams, type KernelParams } from './dense.js';
export {
  Arctan,
  Elu,
  elementwise,
  Exp,
  Gelu,
  HardSigmoid,
  HardTanh,
  Identity,
  LeakyRelu,
  LogSigmoid,
  LogSoftmax,
  Mish,
  Relu,
  Relu6,
  Selu,
  Sigmoid,
  Silu,
  Softmax,
  Softplus,
  SoftSign,
  Tanh,
} from './elementwise.js';
export {
  Embedding,
  LearnedPositions,
  PositionalEncoding,
  type EmbeddingOptions,
  type EmbeddingParams,
  type PositionParams,
} from './embedding.js';
export { FanInConcat, FanInSum, FanOut } from './fan.js';
export { freeze, type FreezeOptions } from './freeze.js';
export { Dropout, GaussianNoise } from './noise.js';
export {
  BatchNorm,
  GroupNorm,
  LayerNorm,
  LocalResponseNorm,
  type BatchNormOptions,
  type BatchNormState,
  type LocalResponseNormOptions,
  type NormOptions,
  type NormParams,
} from './normalization.js';
export { AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool, SumPool, type PoolOptions } from './pooling.js';
export { Bidirectional, GRU, LSTM, Recurrent, RNN, type BothDirections, type RecurrentOptions } from './recurrent.js';
export {
  l1,
  l1l2,
  l2,
  regularization,
  regularize,
  type ActivityState,
  type Regularizer,
  type RegularizeOptions,
} from './regularizers.js';
export { Flatten, RepeatVector, Reshape } from './reshaping.js';
export { countParams, summary, type SummaryOptions } from './summary.js';
export { TransformerBlock, type TransformerOptions, type TransformerParams } from './transformer.js';
export type { PerAxis } from './windows.js';
export {
  erase,
  layer,
  type AnyLayer,
  type Apply,
  type Context,
  type Erased,
  type Init,
  type Initialized,
  type InputOf,
  type Layer,
  type Mode,
  type NoParams,
  type OutputOf,
  type ParamsOf,
  type ShapeOf,
  type StateOf,
} from './layer.js';
export {
  constant,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  lecunUniform,
  normal,
  ones,
  orthogonal,
  truncatedNormal,
  uniform,
  varianceScaling,
  zeros,
  type FanAxes,
  type FanMode,
  type Initializer,
  type VarianceScalingOptions,
} from './initializers.js';
