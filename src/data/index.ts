/** `cotangent/data`: file formats, data sets, mini-batches and image augmentation. It loads in Node and in a page; reading files is the caller's. */
import '../backends/install.js';

export * as augment from './augment/index.js';
export { batches, splitRows, type Batches, type BatchesOptions, type SplitOptions } from './batches.js';
export { decodeCsv, encodeCsv, readCsv, type CsvFormat, type CsvOptions, type CsvTable } from './csv.js';
export { DataFileError, orThrow, showDecodeError } from './data-file-error.js';
export type {
  BadArchive,
  BadGzip,
  BadHeader,
  BadQuotes,
  BadUtf8,
  Compressed,
  CountMismatch,
  DecodeError,
  DuplicateColumn,
  EmptyFile,
  IntegerTooLarge,
  LabelOutOfRange,
  MissingColumn,
  NotANumber,
  RaggedRow,
  TrailingBytes,
  Truncated,
  UnsupportedDType,
  UnsupportedType,
  WrongMagic,
  WrongShape,
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
export { decodeNpy, encodeNpy, readNpy } from './npy.js';
export { decodeNpz, encodeNpz, readNpz, type EncodeNpzOptions } from './npz.js';
export { numericColumns, readNumericColumns, type NumericColumnsOptions } from './numeric-columns.js';
