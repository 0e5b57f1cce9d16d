/** `cotangent/data`: file formats, data sets and mini-batches. It loads in Node and in a page; reading files is the caller's. */
import '../backends/install.js';

export { batches, type Batches, type BatchesOptions } from './batches.js';
export {
  DataFileError,
  orThrow,
  showDecodeError,
  type BadGzip,
  type Compressed,
  type CountMismatch,
  type DecodeError,
  type LabelOutOfRange,
  type TrailingBytes,
  type Truncated,
  type UnsupportedType,
  type WrongMagic,
  type WrongShape,
} from './decode-error.js';
export { drawDigits, type DrawDigitsOptions } from './digits.js';
export type { Either, Left, Right, TaskEither } from './either.js';
export { gunzip } from './gzip.js';
export { decodeIdx, encodeIdx, readIdx, type IdxArray, type IdxType } from './idx.js';
export {
  imageArrays,
  labelImages,
  readLabelledImages,
  sliceImages,
  type LabelImagesOptions,
  type LabelledImages,
} from './images.js';
