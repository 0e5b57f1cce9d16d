/** Checkpoints: any pytree as a safetensors file, each leaf under the name of its path. */
import { left, right } from 'fp-ts/lib/Either.js';
import { ShapedArray } from '../core/aval.js';
import { ConcreteArray, fromHost, getDefaultDevice } from '../core/concrete.js';
import type { TypedArray } from '../core/dtype.js';
import { TreeError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { flattenWithPath, showPath, unflatten, type MapTree, type Path } from '../core/tree.js';
import { ShapeDtypeStruct } from '../transforms/index.js';
import { orThrow } from './data-file-error.js';
import type { DecodeError, WrongLeaf } from './decode-error.js';
import type { Either } from './either.js';
import { elementsOfTensor, safetensorsOf, storedTensors } from './safetensors.js';

/** What a leaf of a checkpoint may be. */
type Leaf = NDArray | ShapeDtypeStruct | number | boolean;

/** A tree as it is read: arrays in place of their types. */
export type Restored<T> = MapTree<T, ShapeDtypeStruct, NDArray>;

const PLAIN = /^(?!__metadata__$)[^.[\]"]+$/;

/** `params.w[0]`; keys that could be read in another way are quoted, so that different paths have different names. */
const nameOf = (path: Path): string =>
  path.length === 0 || path.every((p) => typeof p === 'number' || PLAIN.test(p))
    ? showPath(path)
    : path.reduce<string>((name, p) => `${name}[${JSON.stringify(p)}]`, '');

/** The leaves of a tree by name, all of which a checkpoint can hold. */
function namedLeaves(op: string, tree: unknown): readonly (readonly [name: string, leaf: Leaf])[] {
  const [leaves] = flattenWithPath<unknown>([tree]);
  return leaves.map(([[, ...path], leaf]) => {
    const isLeaf =
      leaf instanceof NDArray ||
      leaf instanceof ShapeDtypeStruct ||
      typeof leaf === 'number' ||
      typeof leaf === 'boolean';
    if (isLeaf) return [nameOf(path), leaf];
    throw new TreeError(
      `${op}: ${showPath(path)} is a ${typeof leaf}, and leaves of a checkpoint are arrays, numbers and booleans. ` +
        `Leave it out of the tree, or put it into the metadata as a text.${userLine()}`,
    );
  });
}

/** Numbers of JavaScript are float64. */
function avalOf(leaf: Leaf): ShapedArray {
  if (leaf instanceof NDArray) return leaf.aval;
  if (leaf instanceof ShapeDtypeStruct) return new ShapedArray(leaf.shape, leaf.dtype);
  return new ShapedArray([], typeof leaf === 'number' ? 'float64' : 'bool');
}

/** The bytes of a checkpoint; `read` gives the elements of an array. */
export function checkpointOf(
  op: string,
  tree: unknown,
  metadata: Readonly<Record<string, string>>,
  read: (x: NDArray) => TypedArray,
): Uint8Array<ArrayBuffer> {
  const tensors = namedLeaves(op, tree).map(([name, leaf]) => {
    const { shape, dtype } = avalOf(leaf);
    if (leaf instanceof NDArray) return { name, shape, dtype, values: read(leaf) };
    if (typeof leaf === 'number') return { name, shape, dtype, values: Float64Array.of(leaf) };
    if (typeof leaf === 'boolean') return { name, shape, dtype, values: Uint8Array.of(Number(leaf)) };
    throw new TreeError(`${op}: ${name} is the type of an array, and has no elements to keep.${userLine()}`);
  });
  return safetensorsOf(op, tensors, metadata);
}

/**
 * The bytes of a checkpoint of `tree`: a safetensors file in which each leaf is under the name of its path, as `params.w[0]`. Leaves are arrays,
 * keys of random numbers among them, JavaScript numbers and booleans. Arrays on a GPU must be moved first, with
 * `await devicePutAsync(tree, devices()[0])`; {@link saveCheckpoint} does it.
 *
 * @param metadata - texts to keep beside the tree; {@link readSafetensors} gives them back
 * @throws TreeError for a leaf of another kind, ArgumentError for metadata that are no texts.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { encodeCheckpoint, readCheckpoint, readSafetensors } from 'cotangent/data';
 *
 * const state = { params: [{ w: np.ones([2, 2]) }], key: random.key(0), step: 7 };
 * const bytes = encodeCheckpoint(state);
 * Object.keys(readSafetensors(bytes).tensors); // => ["step", "params[0].w", "key"]
 * readCheckpoint(bytes, state).step; // => 7
 * ```
 */
export const encodeCheckpoint = (
  tree: unknown,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> => checkpointOf('encodeCheckpoint', tree, metadata, (x) => x.dataSync());

/**
 * Decodes a checkpoint to a tree of the structure of `like`, whose leaves say which shapes and dtypes are expected: arrays, numbers, booleans, or
 * what `evalShape` gives. Arrays go to the devices that those of `like` are on.
 *
 * @param bytes - the whole file
 * @param like - a tree as the one that was saved, for instance of fresh parameters
 * @param file - what errors call it
 * @returns `Right` of the tree, with the same bits as were saved, or `Left` of `TreeMismatch`, which lists leaves that are missing, superfluous, or of
 *   another shape or dtype, or what {@link decodeSafetensors} says.
 * @throws TreeError for a leaf of `like` of another kind.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { decodeCheckpoint, encodeCheckpoint, showDecodeError } from 'cotangent/data';
 *
 * const bytes = encodeCheckpoint({ w: np.ones([2, 2]) });
 * const result = decodeCheckpoint(bytes, { w: np.zeros([2, 3]) });
 * result._tag === 'Left' && showDecodeError(result.left).includes('w: expected float32[2, 3], found float32[2, 2]'); // => true
 * ```
 */
export function decodeCheckpoint<T>(bytes: Uint8Array, like: T, file = 'checkpoint'): Either<DecodeError, Restored<T>> {
  const expected = namedLeaves('decodeCheckpoint', like);
  const stored = storedTensors(bytes, file);
  if (stored._tag === 'Left') return stored;
  const found = new Map(stored.right.tensors.map((tensor) => [tensor.name, tensor]));
  const names = new Set(expected.map(([name]) => name));

  const wrong: WrongLeaf[] = [];
  for (const [path, leaf] of expected) {
    const tensor = found.get(path);
    const [want, got] = [show(avalOf(leaf)), tensor && show({ dtype: tensor.type, shape: tensor.shape })];
    if (want !== got) wrong.push({ path, expected: want, found: got });
  }
  for (const [path, { type, shape }] of found) {
    if (!names.has(path)) wrong.push({ path, expected: undefined, found: show({ dtype: type, shape }) });
  }
  if (wrong.length > 0) return left({ _tag: 'TreeMismatch', file, leaves: wrong });

  const leaves: unknown[] = [];
  for (const [name, leaf] of expected) {
    const tensor = found.get(name);
    if (tensor === undefined) continue;
    const values = elementsOfTensor(tensor, file);
    if (values._tag === 'Left') return values;
    const [first = 0] = values.right;
    leaves.push(
      typeof leaf === 'number' ? first : typeof leaf === 'boolean' ? first !== 0 : arrayLike(leaf, values.right),
    );
  }
  return right(unflatten(flattenWithPath(like as object)[1], leaves) as Restored<T>);
}

const show = ({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): string =>
  `${dtype}[${shape.join(', ')}]`;

/** Elements as an array of the type of `leaf`, weak if it is, on its device. */
function arrayLike(leaf: NDArray | ShapeDtypeStruct, values: TypedArray): NDArray {
  const aval = avalOf(leaf);
  const device = leaf instanceof ConcreteArray ? leaf.device : getDefaultDevice();
  return new ConcreteArray(aval, fromHost(values, aval.shape, aval.dtype, device).storage);
}

/**
 * {@link decodeCheckpoint} that throws.
 *
 * @throws DataFileError whose message lists the leaves that do not fit, with what was expected and found.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { encodeCheckpoint, readCheckpoint } from 'cotangent/data';
 *
 * const bytes = encodeCheckpoint([np.array([1, 2]), { lr: 0.1 }]);
 * readCheckpoint(bytes, [np.zeros(2), { lr: 0 }]); // => [[1, 2], { lr: 0.1 }]
 * ```
 */
export const readCheckpoint = <T>(bytes: Uint8Array, like: T, file?: string): Restored<T> =>
  orThrow(decodeCheckpoint(bytes, like, file));
