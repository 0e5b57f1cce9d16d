/** Gzip by the platform's own `DecompressionStream`, which Node and browsers both have. */
import { left, right } from 'fp-ts/lib/Either.js';
import type { DecodeError } from './decode-error.js';
import type { TaskEither } from './either.js';

/** Whether the bytes begin as a gzip member does (RFC 1952, section 2.3.1). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * Decompresses gzip data; bytes that are not gzip pass unchanged, so a reader can take `file` and `file.gz` alike.
 *
 * @returns a task that never rejects: `Left` of `BadGzip` if the data is corrupt or ends early.
 *
 * @example
 * ```ts
 * import { gunzip } from 'cotangent/data';
 *
 * const result = await gunzip(new Uint8Array([1, 2, 3]))();
 * result._tag; // => "Right"
 * ```
 */
export function gunzip(bytes: Uint8Array, file = 'gzip data'): TaskEither<DecodeError, Uint8Array> {
  return async () => {
    if (!isGzip(bytes)) return right(bytes);
    try {
      // A stream takes no memory that others may write to at the same time, hence the copy of a shared buffer.
      const stream = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new DecompressionStream('gzip'));
      return right(new Uint8Array(await new Response(stream).arrayBuffer()));
    } catch (reason) {
      return left({ _tag: 'BadGzip', file, reason: rootCause(reason) });
    }
  };
}

/** Streams wrap what went wrong ("terminated") around what it was ("unexpected end of file"). */
function rootCause(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  return reason.cause === undefined ? reason.message : rootCause(reason.cause);
}
