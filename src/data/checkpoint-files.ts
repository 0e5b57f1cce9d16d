/** Checkpoints as files. */
import type { TypedArray } from '../core/dtype.js';
import { NDArray } from '../core/ndarray.js';
import { leaves } from '../core/tree.js';
import { checkpointOf, readCheckpoint, type Restored } from './checkpoint.js';
import { orThrow } from './data-file-error.js';
import { readBytes, writeBytes } from './files.js';

/**
 * Saves a tree to a safetensors file, in Node: parameters, the state of an optimizer, keys, counters, all in one tree. Leaves may be on any device.
 * The file is replaced in one step, so that a crash while it is written leaves the one that was there (see {@link writeBytes}). See
 * {@link encodeCheckpoint} for what a tree may hold; that is also what a page uses.
 *
 * @param path - by convention ending in `.safetensors`; its folder must be there
 * @param metadata - texts to keep beside the tree
 * @throws (rejects) DataFileError if the file cannot be written; TreeError, ArgumentError as {@link encodeCheckpoint}.
 *
 * @example
 * ```ts no-run
 * import { numpy as np, random } from 'cotangent';
 * import { loadCheckpoint, saveCheckpoint } from 'cotangent/data';
 *
 * let state = { params: { w: np.zeros([784, 10]) }, key: random.key(0), epoch: 0 };
 * await saveCheckpoint('state.safetensors', state, { git: 'f00ba4' });
 * state = await loadCheckpoint('state.safetensors', state);
 * ```
 */
export async function saveCheckpoint(
  path: string,
  tree: unknown,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const arrays = leaves<unknown>([tree]).filter((leaf) => leaf instanceof NDArray);
  const elements = new Map<NDArray, TypedArray>();
  await Promise.all(arrays.map(async (x) => elements.set(x, await x.data())));
  const bytes = checkpointOf('saveCheckpoint', tree, metadata, (x) => elements.get(x) ?? x.dataSync());
  orThrow(await writeBytes(path, bytes)());
}

/**
 * Loads what {@link saveCheckpoint} saved, in Node, as a tree of the structure, shapes and dtypes of `like`; see {@link decodeCheckpoint}.
 *
 * @throws (rejects) DataFileError if the file cannot be read, is none, or has another tree: its message lists each leaf that does not fit.
 *
 * @example
 * ```ts no-run
 * import { evalShape, random, stax } from 'cotangent';
 * import { loadCheckpoint } from 'cotangent/data';
 *
 * const [init] = stax.Dense(10);
 * // The types of the parameters, of which none need be drawn.
 * const { params } = evalShape(() => init(random.key(0), [-1, 784]));
 * const trained = await loadCheckpoint('params.safetensors', params);
 * ```
 */
export async function loadCheckpoint<T>(path: string, like: T): Promise<Restored<T>> {
  return readCheckpoint(orThrow(await readBytes(path)()), like, path);
}
