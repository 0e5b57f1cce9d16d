/**
 * Optimizers as pairs of pure functions: `init(params)` makes a state, `update(gradients, state, params)` gives updates
 * and the next state, `applyUpdates(params, updates)` the next parameters. States are trees of arrays.
 */
import '../backends/install.js';
export { adam, momentum, sgd, type AdamOptimizerState, type MomentumState } from './optimizers.js';
export {
  scale,
  scaleByAdam,
  scaleByLearningRate,
  scaleBySchedule,
  trace,
  type AdamOptions,
  type AdamState,
  type Count,
  type CountState,
  type LearningRate,
  type Moments,
  type Schedule,
  type Trace,
  type TraceOptions,
  type TraceState,
} from './scaling.js';
export {
  applyUpdates,
  chain,
  identity,
  type AnyTransformation,
  type ChainState,
  type EmptyState,
  type GradientTransformation,
  type KindOf,
  type StateFor,
  type StateOf,
  type StateKind,
} from './transformation.js';
