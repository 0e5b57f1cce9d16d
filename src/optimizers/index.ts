/**
 * Optimizers as pairs of pure functions: `init(params)` makes a state, `update(gradients, state, params)` gives updates
 * and the next state, `applyUpdates(params, updates)` the next parameters. States are trees of arrays.
 */
import '../backends/install.js';
export {
  adam,
  adamax,
  adamW,
  amsgrad,
  lamb,
  lion,
  nadam,
  radam,
  type AdamOptimizerState,
  type DecayedState,
  type LambState,
  type WeightDecayOptions,
} from './adam-optimizers.js';
export {
  scaleByAdamax,
  scaleByLion,
  scaleByNadam,
  scaleByRadam,
  type LionMean,
  type LionOptions,
  type LionState,
  type NadamMoments,
  type NadamOptions,
  type NadamState,
  type RadamOptions,
} from './adam-variants.js';
export {
  scaleByAdam,
  scaleByAmsgrad,
  type AdamOptions,
  type AdamState,
  type AmsgradMoments,
  type AmsgradState,
  type Moments,
} from './adam.js';
export {
  scaleByAdadelta,
  scaleByRms,
  scaleByRss,
  type AdadeltaMeans,
  type AdadeltaOptions,
  type AdadeltaState,
  type AdagradOptions,
  type RmsMeans,
  type RmsOptions,
  type RmsState,
  type RssState,
  type SumOfSquares,
} from './adaptive.js';
export {
  centralize,
  clip,
  clipByGlobalNorm,
  clipByNorm,
  globalNorm,
  keepParams,
  keepParamsNonnegative,
  scaleByTrustRatio,
  zeroNans,
  type TrustRatioOptions,
} from './clipping.js';
export { addDecayedWeights, addNoise, type DecayOptions, type Noise, type NoiseState } from './decay.js';
export type { Hyperparameter } from './hyper.js';
export { lbfgs, type LbfgsMemory, type LbfgsOptions, type LbfgsState } from './lbfgs.js';
export type { WolfeOptions } from './line-search.js';
export { injectHyperparams, type Injected, type InjectState, type WithHyperparams } from './inject.js';
export { freeze, masked, partition, setToZero, type Labels, type MaskedState, type PartitionState } from './masking.js';
export type { Mask, Masked } from './masks.js';
export {
  adadelta,
  adagrad,
  momentum,
  nesterov,
  rmsprop,
  sgd,
  sm3,
  type MomentumState,
  type OptimizerState,
  type RmspropOptions,
  type RmspropState,
} from './optimizers.js';
export {
  scale,
  scaleByLearningRate,
  scaleBySchedule,
  trace,
  type ArraySchedule,
  type Count,
  type CountState,
  type LearningRate,
  type OptionalTrace,
  type OptionalTraceState,
  type Schedule,
  type Trace,
  type TraceOptions,
  type TraceState,
} from './scaling.js';
export {
  cosineDecaySchedule,
  sgdrSchedule,
  warmupCosineDecaySchedule,
  type CosineCycle,
  type CosineDecayOptions,
  type WarmupCosineOptions,
} from './cosine-schedules.js';
export { cosineOnecycleSchedule, linearOnecycleSchedule, type OnecycleOptions } from './onecycle.js';
export * from './schedules.js';
export { scaleBySm3, type PerAxis, type Sm3Memory, type Sm3Options, type Sm3State } from './sm3.js';
export {
  applyUpdates,
  chain,
  erase,
  identity,
  type AnyTransformation,
  type AnyTree,
  type ChainState,
  type EmptyState,
  type ErasedTransformation,
  type GradientTransformation,
  type KindOf,
  type SomeState,
  type StateFor,
  type StateOf,
  type StateKind,
  type UpdateExtra,
} from './transformation.js';
export {
  accumulate,
  applyIfFinite,
  ema,
  lookahead,
  type Accumulated,
  type AccumulateState,
  type Ahead,
  type Ema,
  type EmaOptions,
  type EmaState,
  type FiniteGuard,
  type FiniteState,
  type LookaheadOptions,
  type LookaheadState,
} from './wrappers.js';
