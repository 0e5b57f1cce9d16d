/**
 * Walking through a network with its parameters: which layer they belong to, which of them are trained, and whether they are a kernel
 * or a bias. What penalties and constraints go by.
 */
import { NDArray } from '../core/ndarray.js';
import { mapWithPath, type Path } from '../core/tree.js';
import { infoOf, type AnyLayer } from './layer.js';

/** A layer with what is its own of the parameters and the state of a network. */
export interface Placed {
  readonly layer: AnyLayer;
  readonly params: unknown;
  readonly state: unknown;
}

/** The parameters, or the state, of the i-th layer of a list. */
export const entryOf = (list: unknown, i: number): unknown => (Array.isArray(list) ? (list[i] as unknown) : null);

/** The layers directly inside of a layer, the one that it wraps or those of its list, with what is theirs. */
export function childrenOf({ layer, params, state }: Placed): readonly Placed[] {
  const { listed = [], wrapped, innerState = (same: unknown) => same } = infoOf(layer);
  if (wrapped !== undefined) return [{ layer: wrapped, params, state: innerState(state) }];
  return listed.map((each, i) => ({ layer: each, params: entryOf(params, i), state: entryOf(state, i) }));
}

/** Whether a gradient reaches the parameters of a layer, as far as it is up to the layer itself. */
export const isTrained = (layer: AnyLayer): boolean => infoOf(layer).trainable !== false;

/** What an array in a layer's parameters is, by the last name in its path: W, Wi, …, or embeddings; b, bi, …; or something else. */
export function roleOf(path: Path): 'kernel' | 'bias' | undefined {
  const name = path.findLast((key) => typeof key === 'string') ?? '';
  if (name.startsWith('W') || name === 'embeddings') return 'kernel';
  return name.startsWith('b') ? 'bias' : undefined;
}

/** Parameters with `f` applied to the arrays that are trained. */
export function mapTrained(layer: AnyLayer, params: unknown, f: (path: Path, array: NDArray) => NDArray): unknown {
  if (!isTrained(layer)) return params;
  const { listed, wrapped } = infoOf(layer);
  if (wrapped !== undefined) return mapTrained(wrapped, params, f);
  if (listed !== undefined) return listed.map((each, i) => mapTrained(each, entryOf(params, i), f));
  return mapWithPath<unknown>((path, leaf) => (leaf instanceof NDArray ? f(path, leaf) : leaf), params);
}

/** The trained arrays of parameters, each with its path. */
export function trainedArrays(layer: AnyLayer, params: unknown): readonly (readonly [path: Path, array: NDArray])[] {
  const found: (readonly [Path, NDArray])[] = [];
  mapTrained(layer, params, (path, array) => {
    found.push([path, array]);
    return array;
  });
  return found;
}

/** Whether a layer, or one inside of it that is trained, is such a one. */
export function someTrained(layer: AnyLayer, is: (layer: AnyLayer) => boolean): boolean {
  if (!isTrained(layer)) return false;
  const { listed = [], wrapped } = infoOf(layer);
  return is(layer) || (wrapped === undefined ? listed : [wrapped]).some((each) => someTrained(each, is));
}
