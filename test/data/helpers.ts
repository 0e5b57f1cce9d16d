/** What tests of data files share. */
import type { DecodeError, Either } from 'cotangent/data';

/** The error of a `Left`. */
export function errorOf(result: Either<DecodeError, unknown>): DecodeError {
  if (result._tag === 'Right') throw new Error('expected an error');
  return result.left;
}
