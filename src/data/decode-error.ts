/** What can be wrong with a data file, as values; and the exception that the throwing readers make of them. */
import { CotangentError } from '../core/errors.js';
import type { Either } from './either.js';

interface InFile<Tag extends string> {
  readonly _tag: Tag;
  /** Name of the file, or whatever the caller calls the bytes. */
  readonly file: string;
}

/** The file ends before its header says it does. */
export interface Truncated extends InFile<'Truncated'> {
  readonly part: 'header' | 'data';
  readonly expectedBytes: number;
  readonly foundBytes: number;
}

/** Bytes are left over after what the header announces. */
export interface TrailingBytes extends InFile<'TrailingBytes'> {
  readonly expectedBytes: number;
  readonly foundBytes: number;
}

/** The first bytes are not those of the format. */
export interface WrongMagic extends InFile<'WrongMagic'> {
  readonly expected: string;
  /** In hexadecimal. */
  readonly found: string;
}

/** The header names an element type the format does not have. */
export interface UnsupportedType extends InFile<'UnsupportedType'> {
  readonly code: number;
  readonly supported: readonly number[];
}

/** Gzip data where plain bytes are needed. */
export interface Compressed extends InFile<'Compressed'> {
  readonly format: 'gzip';
}

/** Gzip data that cannot be decompressed. */
export interface BadGzip extends InFile<'BadGzip'> {
  readonly reason: string;
}

/** The array has another number of axes, or another element type, than its role needs. */
export interface WrongShape extends InFile<'WrongShape'> {
  readonly expected: string;
  readonly found: string;
}

/** Images and labels that are not as many. */
export interface CountMismatch extends InFile<'CountMismatch'> {
  readonly images: number;
  readonly labels: number;
  readonly labelFile: string;
}

/** A label that is no class. */
export interface LabelOutOfRange extends InFile<'LabelOutOfRange'> {
  readonly index: number;
  readonly label: number;
  readonly classes: number;
}

/** The ways in which a data file can fail to be one. */
export type DecodeError =
  | Truncated
  | TrailingBytes
  | WrongMagic
  | UnsupportedType
  | Compressed
  | BadGzip
  | WrongShape
  | CountMismatch
  | LabelOutOfRange;

const bytes = (n: number): string => (n === 1 ? '1 byte' : `${n} bytes`);
const AGAIN = 'Download or copy the file again';

/**
 * The error in words: the file, what was expected, what was found, and what to do.
 *
 * @example
 * ```ts
 * import { decodeIdx, showDecodeError } from 'cotangent/data';
 *
 * const result = decodeIdx(new Uint8Array([0, 0, 8]), 'labels.idx');
 * if (result._tag === 'Left') console.log(showDecodeError(result.left));
 * ```
 */
export function showDecodeError(error: DecodeError): string {
  return `${error.file}: ${explain(error)}`;
}

function explain(error: DecodeError): string {
  switch (error._tag) {
    case 'Truncated':
      return (
        `truncated: the ${error.part} should end at byte ${error.expectedBytes}, but the file has ` +
        `${bytes(error.foundBytes)}. ${AGAIN}; a transfer may have stopped early.`
      );
    case 'TrailingBytes':
      return (
        `${bytes(error.foundBytes - error.expectedBytes)} too many: the header announces ` +
        `${bytes(error.expectedBytes)}, the file has ${error.foundBytes}. ${AGAIN}, and check that nothing was appended to it.`
      );
    case 'WrongMagic':
      return (
        `not an IDX file: expected it to begin with ${error.expected}, found ${error.found}. ` +
        'Check that the path leads to an IDX file (MNIST names them …-idx3-ubyte and …-idx1-ubyte).'
      );
    case 'UnsupportedType': {
      const codes = error.supported.map(hex).join(', ');
      return `unknown element type: expected one of ${codes} in byte 2, found ${hex(error.code)}. ${AGAIN}.`;
    }
    case 'Compressed':
      return `compressed with ${error.format}: expected plain bytes. Decompress it first, with \`await gunzip(bytes)()\`.`;
    case 'BadGzip':
      return `cannot be decompressed: expected gzip data, found data that fails with "${error.reason}". ${AGAIN}.`;
    case 'WrongShape':
      return `holds something else: expected ${error.expected}, found ${error.found}. Check that images and labels are not swapped.`;
    case 'CountMismatch':
      return (
        `${error.images} images, but ${error.labels} labels in ${error.labelFile}: expected as many of each. ` +
        'Take both files from the same part of the data set (train or t10k).'
      );
    case 'LabelOutOfRange':
      return (
        `label ${error.label} at index ${error.index}: expected a class from 0 to ${error.classes - 1}. ` +
        'Check that these are the labels, or say how many classes there are.'
      );
  }
}

/** `0x0d`. */
export const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;

/** A data file that is not what it should be; `error` has the parts of the message. */
export class DataFileError extends CotangentError {
  override name = 'DataFileError';

  constructor(readonly error: DecodeError) {
    super(showDecodeError(error));
  }
}

/**
 * The value of a `Right`; throws the error of a `Left`.
 *
 * @throws DataFileError with the decoder's error.
 *
 * @example
 * ```ts
 * import { decodeIdx, encodeIdx, orThrow } from 'cotangent/data';
 *
 * const bytes = encodeIdx({ dtype: 'uint8', shape: [2], data: new Uint8Array([3, 1]) });
 * orThrow(decodeIdx(bytes)).shape; // => [2]
 * ```
 */
export function orThrow<A>(result: Either<DecodeError, A>): A {
  if (result._tag === 'Left') throw new DataFileError(result.left);
  return result.right;
}
