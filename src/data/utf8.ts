/** UTF-8 text of bytes; bytes that are none are an error and not replaced. */
import { left, right } from 'fp-ts/lib/Either.js';
import type { DecodeError } from './decode-error.js';
import type { Either } from './either.js';

/** The text, without the byte order mark some programs begin it with. */
export function decodeUtf8(bytes: Uint8Array, file: string): Either<DecodeError, string> {
  // Decoders take no memory that others may write to at the same time.
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
  try {
    return right(new TextDecoder('utf-8', { fatal: true }).decode(own));
  } catch {
    const byte = firstBad(own);
    const line = own.subarray(0, byte).reduce((n, value) => (value === 0x0a ? n + 1 : n), 1);
    return left({ _tag: 'BadUtf8', file, byte, line });
  }
}

/** The first byte whose prefix cannot begin a text: decoders do not say where they stopped, so by bisection. */
function firstBad(bytes: Uint8Array): number {
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  return good;
}
