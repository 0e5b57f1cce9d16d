/**
 * `cotangent/data`: file formats, checkpoints, data sets, mini-batches and image augmentation. It loads in Node and in a page: decoders take bytes,
 * and what reads and writes files asks for Node when it is called.
 */
import '../backends/install.js';

export * as augment from './augment/index.js';
export { batches, splitRows, type Batches, type BatchesOptions, type SplitOptions } from './batches.js';
export { decodeCheckpoint, encodeCheckpoint, readCheckpoint, type Restored } from './checkpoint.js';
export { loadCheckpoint, saveCheckpoint } from './checkpoint-files.js';
export { decodeCsv, encodeCsv, readCsv, type CsvFormat, type CsvOptions, type CsvTable } from './csv.js';
export { DataFileError, orThrow, showDecodeError } from './data-file-error.js';
export type {
  BadArchive,
  BadGzip,
  BadHeader,
  BadImage,
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
  TreeMismatch,
  Truncated,
  Unreadable,
  UnsupportedDType,
  UnsupportedType,
  Unwritable,
  WrongLeaf,
  WrongMagic,
  WrongShape,
} from './decode-error.js';
export { drawDigits, type DrawDigitsOptions } from './digits.js';
export type { Either, Left, Right, TaskEither } from './either.js';
export { readBytes, writeBytes } from './files.js';
export { gunzip } from './gzip.js';
export { decodeIdx, encodeIdx, readIdx, type IdxArray, type IdxType } from './idx.js';
export { decodeImage, readImage } from './image-files.js';
export {
  imageArrays,
  labelImages,
  readLabelledImages,
  sliceImages,
  type LabelImagesOptions,
  type LabelledImages,
} from './images.js';
export { decodeNpy, encodeNpy, readNpy } from './npy.js';
export { decodeNpz, encodeNpz, readNpz, type DecodeNpzOptions, type EncodeNpzOptions } from './npz.js';
export { numericColumns, readNumericColumns, type NumericColumnsOptions } from './numeric-columns.js';
export type { ImageOptions } from './pixels.js';
export { encodePng, type EncodePngOptions } from './png.js';
export { decodeSafetensors, encodeSafetensors, readSafetensors, type Safetensors } from './safetensors.js';
