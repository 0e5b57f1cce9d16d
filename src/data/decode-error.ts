/** What can be wrong with a data file, as values; data-file-error.ts puts them in words. */

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
  readonly format: string;
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

/** A file without anything in it. */
export interface EmptyFile extends InFile<'EmptyFile'> {
  readonly expected: string;
}

/** Text that is not UTF-8. */
export interface BadUtf8 extends InFile<'BadUtf8'> {
  /** Where the first byte is that no character has there, and its line, from 1. */
  readonly byte: number;
  readonly line: number;
}

/** A row with another number of fields than the table has columns. */
export interface RaggedRow extends InFile<'RaggedRow'> {
  /** From 1, the header included. */
  readonly row: number;
  readonly expectedColumns: number;
  readonly foundColumns: number;
}

/** A quoted field that does not end, or goes on after its closing quote. */
export interface BadQuotes extends InFile<'BadQuotes'> {
  /** From 1, the header included. */
  readonly row: number;
  readonly reason: string;
}

/** Two columns of one name. */
export interface DuplicateColumn extends InFile<'DuplicateColumn'> {
  readonly column: string;
}

/** A column that the table does not have. */
export interface MissingColumn extends InFile<'MissingColumn'> {
  readonly column: string;
  readonly columns: readonly string[];
}

/** A field that is no number. */
export interface NotANumber extends InFile<'NotANumber'> {
  /** From 1, the header included. */
  readonly row: number;
  readonly column: string;
  readonly found: string;
}

/** A header that does not say what it must. */
export interface BadHeader extends InFile<'BadHeader'> {
  readonly format: string;
  readonly reason: string;
}

/** Elements of a type that no array here has. */
export interface UnsupportedDType extends InFile<'UnsupportedDType'> {
  /** As the file spells it. */
  readonly found: string;
  readonly supported: readonly string[];
}

/** A 64-bit integer that no array here holds. */
export interface IntegerTooLarge extends InFile<'IntegerTooLarge'> {
  readonly type: string;
  /** Of the element, in the order of the file. */
  readonly index: number;
  readonly value: bigint;
}

/** A zip archive that cannot be read, or holds something else than arrays. */
export interface BadArchive extends InFile<'BadArchive'> {
  readonly reason: string;
}

/** An image that cannot be decoded. */
export interface BadImage extends InFile<'BadImage'> {
  readonly format: 'PNG' | 'JPEG';
  readonly reason: string;
}

/** A leaf of a tree that a file has not, or has otherwise. */
export interface WrongLeaf {
  /** As `params.w[0]`. */
  readonly path: string;
  /** As `float32[2, 3]`; `undefined` if the tree has no such leaf. */
  readonly expected: string | undefined;
  /** `undefined` if the file has no such leaf. */
  readonly found: string | undefined;
}

/** A checkpoint of another tree than the one it is read for. */
export interface TreeMismatch extends InFile<'TreeMismatch'> {
  readonly leaves: readonly WrongLeaf[];
}

/** A file that cannot be read. */
export interface Unreadable extends InFile<'Unreadable'> {
  /** The system's, such as `ENOENT` where there is no such file. */
  readonly code?: string;
  readonly reason: string;
}

/** A file that cannot be written; no decoder gives this. */
export interface Unwritable extends InFile<'Unwritable'> {
  readonly reason: string;
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
  | LabelOutOfRange
  | EmptyFile
  | BadUtf8
  | RaggedRow
  | BadQuotes
  | DuplicateColumn
  | MissingColumn
  | NotANumber
  | BadHeader
  | UnsupportedDType
  | IntegerTooLarge
  | BadArchive
  | BadImage
  | TreeMismatch
  | Unreadable;
