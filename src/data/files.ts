/**
 * Files, where there is a file system: Node and what is like it. Nothing of Node's is loaded before it is needed, and by a computed name, so that a
 * page's bundler does not follow it.
 */
import { left, right } from 'fp-ts/lib/Either.js';
import type * as FsPromises from 'node:fs/promises';
import type { DecodeError, Unwritable } from './decode-error.js';
import type { TaskEither } from './either.js';

const MODULE = 'node:fs/promises';

const isFs = (module: unknown): module is typeof FsPromises =>
  typeof module === 'object' && module !== null && 'rename' in module && 'open' in module;

/** Node's module; throws in a page. */
async function fileSystem(): Promise<typeof FsPromises> {
  const node: { getBuiltinModule?: (name: string) => unknown } | undefined =
    'process' in globalThis ? globalThis.process : undefined;
  if (node === undefined) throw new Error('there is no file system here');
  // Node has getBuiltinModule from 20.16.
  const module: unknown =
    node.getBuiltinModule?.(MODULE) ?? (await import(/* @vite-ignore */ /* webpackIgnore: true */ MODULE));
  if (!isFs(module)) throw new Error(`${MODULE} has no files`);
  return module;
}

/** The system's name of an error, as `ENOENT`. */
const codeOf = (reason: unknown): { code?: string } =>
  reason instanceof Error && 'code' in reason && typeof reason.code === 'string' ? { code: reason.code } : {};

const inWords = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));

/**
 * The bytes of a file, in Node. A page has no files: there, `new Uint8Array(await (await fetch(url)).arrayBuffer())`.
 *
 * @returns a task that never rejects: `Left` of `Unreadable` with the system's reason.
 *
 * @example
 * ```ts
 * import { readBytes, showDecodeError } from 'cotangent/data';
 *
 * const result = await readBytes('no/such/file.npy')();
 * if (result._tag === 'Left') console.log(showDecodeError(result.left)); // no/such/file.npy: cannot be read: ENOENT: …
 * ```
 */
export function readBytes(path: string): TaskEither<DecodeError, Uint8Array> {
  return async () => {
    try {
      const { buffer, byteOffset, byteLength } = await (await fileSystem()).readFile(path);
      return right(new Uint8Array(buffer, byteOffset, byteLength));
    } catch (reason) {
      return left({ _tag: 'Unreadable', file: path, reason: inWords(reason), ...codeOf(reason) });
    }
  };
}

/**
 * Writes a file, in Node, whole or not at all: the bytes go to a temporary file beside it, to the disk, and then take its name. What was under that
 * name is whole until then; a crash leaves at most a file whose name ends in `.tmp`.
 *
 * @returns a task that never rejects: `Left` of `Unwritable` with the system's reason, and no temporary file.
 *
 * @example
 * ```ts no-run
 * import { numpy as np } from 'cotangent';
 * import { encodeNpy, writeBytes } from 'cotangent/data';
 *
 * const result = await writeBytes('x.npy', encodeNpy(np.arange(3)))();
 * ```
 */
export function writeBytes(path: string, bytes: Uint8Array): TaskEither<Unwritable, void> {
  return async () => {
    try {
      await replaceFile(await fileSystem(), path, bytes);
      return right(undefined);
    } catch (reason) {
      return left({ _tag: 'Unwritable', file: path, reason: inWords(reason) });
    }
  };
}

/**
 * Adds bytes to the end of a file, in Node; makes one if there is none.
 *
 * @returns a task that never rejects: `Left` of `Unwritable` with the system's reason.
 */
export function appendBytes(path: string, bytes: Uint8Array): TaskEither<Unwritable, void> {
  return async () => {
    try {
      await (await fileSystem()).appendFile(path, bytes);
      return right(undefined);
    } catch (reason) {
      return left({ _tag: 'Unwritable', file: path, reason: inWords(reason) });
    }
  };
}

async function replaceFile(fs: typeof FsPromises, path: string, bytes: Uint8Array): Promise<void> {
  // In the same folder, for only within a file system is a change of names one step.
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    // `wx`: never a file that is there.
    const file = await fs.open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (reason) {
    await fs.rm(temporary, { force: true });
    throw reason;
  }
  await syncFolder(fs, path.replace(/[^/\\]*$/, '') || '.');
}

/** Has the new name written to the disk, too; where folders cannot be opened, the system does it in its own time. */
async function syncFolder(fs: typeof FsPromises, folder: string): Promise<void> {
  try {
    const handle = await fs.open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch {
    // The file is whole under either name.
  }
}
