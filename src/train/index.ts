/** `cotangent/train`: pieces of a training loop. */
import '../backends/install.js';
export { checkFinite, NotFiniteError } from './check-finite.js';
export { checkGradients, GradientError, type CheckGradientsOptions } from './check-gradients.js';
export { checkpoint, resume, type CheckpointFileOptions, type Resumed } from './checkpoint.js';
export { csvLogger, type CsvLoggerOptions } from './csv-logger.js';
export { earlyStopping, type Best, type EarlyStoppingOptions, type Monitor } from './early-stopping.js';
export { history, stepHistory, toCsv, type History, type HistoryRow, type StepHistory } from './history.js';
export { untilInterrupted } from './interrupt.js';
export {
  fold,
  run,
  take,
  tap,
  trainWith,
  type AnyIterable,
  type Look,
  type LookAtSteps,
  type Trained,
  type TrainOptions,
} from './loop.js';
export type { Metrics } from './measures.js';
export { meter, type Meter, type MeterOptions, type Reading } from './meter.js';
export {
  minimize,
  type Beginning,
  type Loss,
  type LossContext,
  type LossWith,
  type Minimizer,
  type MinimizeOptions,
  type StepMetrics,
  type TrainState,
} from './minimize.js';
export { progressBar, type ProgressOptions } from './progress.js';
export { evaluate, validateWith, type Validated, type ValidateOptions } from './validate.js';
