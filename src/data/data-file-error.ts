/** Errors of data files in words, and the exception that the throwing readers make of them. */
import { CotangentError } from '../core/errors.js';
import type { DecodeError, Unwritable, WrongLeaf } from './decode-error.js';
import type { Either } from './either.js';

const bytes = (n: number): string => (n === 1 ? '1 byte' : `${n} bytes`);
const fields = (n: number): string => (n === 1 ? '1 field' : `${n} fields`);
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
export function showDecodeError(error: DecodeError | Unwritable): string {
  return `${error.file}: ${explain(error)}`;
}

function explain(error: DecodeError | Unwritable): string {
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
        `not ${error.format}: expected it to begin with ${error.expected}, found ${error.found}. ` +
        `Check that the path leads to ${error.format}.`
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
    case 'EmptyFile':
      return `empty: expected ${error.expected}. ${AGAIN}.`;
    case 'BadUtf8':
      return (
        `not UTF-8: byte ${error.byte}, in line ${error.line}, belongs to no character. If the text is in another encoding, ` +
        "decode it first: new TextDecoder('windows-1252').decode(bytes)."
      );
    case 'RaggedRow':
      return (
        `row ${error.row} has ${fields(error.foundColumns)}: expected ${error.expectedColumns}, one for each column. ` +
        'Check the delimiter, and whether quotes in the file are text (then say quote: false).'
      );
    case 'BadQuotes':
      return `row ${error.row}: ${error.reason}. If quotes in the file are text, say quote: false.`;
    case 'DuplicateColumn':
      return `two columns are named ${JSON.stringify(error.column)}. Give the columns names of your own, with columns: [...].`;
    case 'MissingColumn':
      return (
        `no column is named ${JSON.stringify(error.column)}: there are ` +
        `${error.columns.map((name) => JSON.stringify(name)).join(', ')}.`
      );
    case 'NotANumber':
      return (
        `row ${error.row}, column ${JSON.stringify(error.column)}: expected a number, found ${JSON.stringify(error.found)}. ` +
        'Leave the column out, or list what stands for a missing number in missing: [...], which gives NaN.'
      );
    case 'BadHeader':
      return `the header is not that of ${error.format}: ${error.reason}. ${AGAIN}, and check that it was written as ${error.format}.`;
    case 'UnsupportedDType':
      return (
        `elements of type ${error.found}: expected one of ${error.supported.join(', ')}. Convert the array before it is written, ` +
        "with x.astype('float32') where it was made."
      );
    case 'IntegerTooLarge':
      return (
        `element ${error.index} is the ${error.type} ${error.value}, which 32 bits do not hold: expected integers of at most 32 bits. ` +
        "Convert the array before it is written, with x.astype('float64') where it was made."
      );
    case 'BadArchive':
      return `not an archive of arrays: ${error.reason}. ${AGAIN}.`;
    case 'BadImage':
      return `not a ${error.format} image that can be read: ${error.reason}. ${AGAIN}, or save it anew as an ordinary PNG.`;
    case 'TreeMismatch': {
      const more = error.leaves.length - SHOWN;
      return (
        `another tree than expected:\n${error.leaves.slice(0, SHOWN).map(leafInWords).join('')}` +
        (more > 0 ? `  and ${more} more\n` : '') +
        'Make the tree to read it for as it was when it was saved, with the same layers, sizes and dtypes.'
      );
    }
    case 'Unreadable':
      return `cannot be read: ${error.reason}. Check the path, and that you may read it.`;
    case 'Unwritable':
      return `cannot be written: ${error.reason}. Check that the folder is there, that you may write to it, and that it has room.`;
  }
}

/** Leaves of a mismatch that a message lists. */
const SHOWN = 10;

const leafInWords = ({ path, expected = 'nothing', found = 'nothing' }: WrongLeaf): string =>
  `  ${path}: expected ${expected}, found ${found}\n`;

/** `0x0d`. */
export const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;

/**
 * A data file that is not what it should be; `error` has the parts of the message, and its `_tag` says which error it is.
 *
 * @example
 * ```ts
 * import { DataFileError, readIdx } from 'cotangent/data';
 *
 * try {
 *   readIdx(new Uint8Array([0, 0, 8]), 'labels.idx');
 * } catch (error) {
 *   if (!(error instanceof DataFileError)) throw error;
 *   console.log(error.error._tag); // => "Truncated"
 * }
 * ```
 */
export class DataFileError extends CotangentError {
  override name = 'DataFileError';

  constructor(readonly error: DecodeError | Unwritable) {
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
export function orThrow<A>(result: Either<DecodeError | Unwritable, A>): A {
  if (result._tag === 'Left') throw new DataFileError(result.left);
  return result.right;
}
