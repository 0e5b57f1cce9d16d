/** Parts of a tree: which leaves a transformation acts on, said by a tree of booleans or of names. */
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { flatten, flattenUpTo, flattenWithPath, showPath, unflatten, type MapTree, type Tree } from '../core/tree.js';

/**
 * Which leaves: a tree of booleans in the structure of the parameters, of which one boolean may stand for a whole
 * subtree, or a function that makes such a tree of the parameters (or of gradients, which have their structure).
 */
export type Mask = Tree<boolean> | ((params: object) => unknown);

/** The tree type `P` when some of its leaves are not there. */
export type Masked<P> = MapTree<P, NDArray, NDArray | null>;

/** The value that `prefix`, a tree of values or a function of the parameters, has for each leaf of `tree`. */
export function perLeaf<L>(
  op: string,
  prefix: unknown,
  tree: unknown,
  check: (value: unknown, path: string) => asserts value is L,
): L[] {
  const values: unknown = typeof prefix === 'function' ? (prefix as (params: unknown) => unknown)(tree) : prefix;
  const [leaves, def] = flattenWithPath<unknown>(values);
  const subtrees = flattenUpTo(def, tree, op);
  return leaves.flatMap(([path, value], i) => {
    check(value, showPath(path));
    const kept: L = value;
    return flatten<unknown>(subtrees[i] as object)[0].map(() => kept);
  });
}

/** Which leaves of `tree` a mask has. */
export const keptBy = (op: string, mask: Mask, tree: unknown): boolean[] =>
  perLeaf<boolean>(op, mask, tree, (value, path): asserts value is boolean => {
    if (typeof value !== 'boolean') {
      throw new ArgumentError(
        `${op}: the mask has a ${typeof value} at ${path}; it is a tree of booleans: true where the transformation acts.${userLine()}`,
      );
    }
  });

/** The tree with the leaves that are not kept taken out: `null`, which has no leaves, is in their places. */
export function part(tree: unknown, kept: readonly boolean[]): unknown {
  const [leaves, def] = flatten<unknown>(tree);
  return unflatten(
    def,
    leaves.map((leaf, i) => (kept[i] === true ? leaf : null)),
  );
}

/** The tree with the leaves that are kept replaced by those of a {@link part}. */
export function withPart(op: string, tree: unknown, kept: readonly boolean[], replacement: unknown): unknown {
  const [leaves, def] = flatten<unknown>(tree);
  const partDef = flatten<unknown>(part(tree, kept))[1];
  const given = flattenUpTo(partDef, replacement, op);
  let next = 0;
  return unflatten(
    def,
    leaves.map((leaf, i) => (kept[i] === true ? given[next++] : leaf)),
  );
}
