/**
 * Neural networks of layers that are pairs of pure functions: `init` makes parameters of a key and the shape of the
 * input, `apply` maps parameters and input to the output.
 */
import '../backends/install.js';
export { serial, parallel, FanOut, FanInSum, FanInConcat, type Serial, type Parallel } from './combinators.js';
export {
  Dense,
  Dropout,
  Elu,
  elementwise,
  Exp,
  Flatten,
  Gelu,
  Identity,
  LeakyRelu,
  LogSoftmax,
  Relu,
  Selu,
  Sigmoid,
  Silu,
  Softmax,
  Softplus,
  Tanh,
  type DenseOptions,
  type DenseParams,
} from './layers.js';
export {
  layer,
  type AnyLayer,
  type Apply,
  type Context,
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
  truncatedNormal,
  uniform,
  varianceScaling,
  zeros,
  type FanAxes,
  type FanMode,
  type Initializer,
  type VarianceScalingOptions,
} from './initializers.js';
