/**
 * Where in the user's code an equation was traced. Capturing a stack is cheap in V8 (it is formatted only when
 * read), so every equation carries one.
 */

const FRAME = /(?:\()?((?:file:\/\/|https?:\/\/|\/|[A-Za-z]:\\)[^()\s]*?):(\d+):(\d+)\)?$/;

function framesOf(stack: string): string[] {
  return stack.split('\n').filter((line) => FRAME.test(line.trim()));
}

function fileOf(frame: string): string {
  return FRAME.exec(frame.trim())?.[1] ?? '';
}

// The library's own folder, read off this module's own frame: it holds in ESM, CJS and bundles alike.
const OWN = fileOf(framesOf(new Error().stack ?? '')[0] ?? '').replace(/(\/|\\)(core(\/|\\))?[^/\\]*$/, '$1');

/** A place in user code, formatted on demand. */
export class SourceInfo {
  #at: { stack?: string } | string;

  private constructor(at: { stack?: string }) {
    this.#at = at;
  }

  static capture(): SourceInfo {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 60;
    const at = new Error();
    Error.stackTraceLimit = limit;
    return new SourceInfo(at);
  }

  /** `file:line:column` of the innermost frame outside the library, or an empty string. */
  toString(): string {
    if (typeof this.#at !== 'string') {
      const frame = framesOf(this.#at.stack ?? '').find((line) => {
        const file = fileOf(line);
        return !file.startsWith(OWN) && !file.startsWith('node:');
      });
      const match = frame === undefined ? null : FRAME.exec(frame.trim());
      this.#at = match === null ? '' : `${match[1] ?? ''}:${match[2] ?? ''}:${match[3] ?? ''}`;
    }
    return this.#at;
  }
}

// One operation of the user may run many (a derivative rule, a batch rule): they all have its place, so that a stack is
// captured once, and only if somebody asks.
let depth = 0;
let shared: SourceInfo | undefined;

/** Run `f` as part of the operation that is running, or as a new one; `source` is its place if that is known. */
export function inOperation<A>(f: () => A, source?: SourceInfo): A {
  const before = shared;
  if (depth === 0 || source !== undefined) shared = source;
  depth++;
  try {
    return f();
  } finally {
    depth--;
    shared = before;
  }
}

/** The place of the operation that is running. */
export const operationSource = (): SourceInfo =>
  depth === 0 ? SourceInfo.capture() : (shared ??= SourceInfo.capture());

/** The user's line of the call that is running now, as `\n  at file:line:column`, or an empty string. */
export function userLine(): string {
  const line = SourceInfo.capture().toString();
  return line === '' ? '' : `\n  at ${line}`;
}
