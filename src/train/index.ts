/** `cotangent/train`: pieces of a training loop. */
import '../backends/install.js';
export { history, toCsv, type History, type HistoryRow } from './history.js';
export { fold, run, take, tap, trainWith, type AnyIterable, type Trained } from './loop.js';
export { meter, type Meter, type MeterOptions, type Reading } from './meter.js';
