/** `metrics`: how good predictions are, as functions that jit compiles; from the definitions of scikit-learn. */
export {
  accuracy,
  confusionMatrix,
  f1,
  precision,
  recall,
  topKAccuracy,
  type AverageOptions,
} from './classification.js';
export { averagePrecision, rocAuc } from './ranking.js';
