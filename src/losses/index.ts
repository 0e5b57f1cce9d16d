/**
 * `losses`: functions of predictions and targets, reduced to their mean unless told otherwise, so that `grad` takes them; and the
 * information of distributions. Of float16 they are computed and given in float32: their squares and sums are no halves.
 */
export {
  binaryCrossEntropy,
  categoricalCrossEntropy,
  crossEntropyWithLogits,
  nll,
  sigmoidBinaryCrossEntropy,
  softmaxCrossEntropy,
  type BinaryOptions,
  type LabelOptions,
  type SmoothingOptions,
} from './classification.js';
export { ctc, type CtcOptions } from './ctc.js';
export {
  crossEntropy,
  entropy,
  klDivergence,
  likelihood,
  logLikelihood,
  type InformationOptions,
} from './information.js';
export {
  cosineDistance,
  cosineSimilarity,
  hinge,
  multiclassHinge,
  squaredHinge,
  triplet,
  type TripletOptions,
} from './margin.js';
export type { LossOptions } from './reduction.js';
export { huber, logCosh, meanAbsoluteError, meanSquaredError, type HuberOptions } from './regression.js';
