/**
 * Pytrees as fp-ts sees them: a Functor and a Foldable in their leaves, with the traversal of a Traversable. Leaves are
 * whatever is not a container, so the laws hold for functions whose values are not containers; `sequence` is left out
 * because an effect in a leaf (`{ _tag: 'Some', … }`) is itself a container.
 */
import type { Applicative } from 'fp-ts/lib/Applicative.js';
import type { Foldable1 } from 'fp-ts/lib/Foldable.js';
import type { Functor1 } from 'fp-ts/lib/Functor.js';
import type { Traverse1 } from 'fp-ts/lib/Traversable.js';
import type { HKT } from 'fp-ts/HKT.js';
import { flatten, leaves, unflatten } from '../core/tree.js';
import type { Tree } from '../core/tree.js';

/** The name of pytrees among fp-ts's type constructors. */
export const URI = 'cotangent/Tree';
export type URI = typeof URI;

declare module 'fp-ts/HKT.js' {
  interface URItoKind<A> {
    readonly 'cotangent/Tree': Tree<A>;
  }
}

function traverseLeaves<F>(F: Applicative<F>) {
  return <A, B>(ta: Tree<A>, f: (a: A) => HKT<F, B>): HKT<F, Tree<B>> => {
    const [values, structure] = flatten<A>(ta ?? null);
    const collected = values.reduce<HKT<F, readonly B[]>>(
      (all, a) =>
        F.ap(
          F.map(all, (bs) => (b: B): readonly B[] => [...bs, b]),
          f(a),
        ),
      F.of([]),
    );
    return F.map(collected, (bs) => rebuild<B>(structure, bs));
  };
}

/** The structure of a tree with other leaves in it. */
function rebuild<B>(structure: Parameters<typeof unflatten>[0], values: readonly B[]): Tree<B> {
  // unflatten is typed for any container; these leaves are B's.
  return unflatten(structure, values) as Tree<B>;
}

/** `map` replaces every leaf by the function's value, as `tree.map` does. */
export const Functor: Functor1<URI> = {
  URI,
  map: <A, B>(fa: Tree<A>, f: (a: A) => B) => {
    const [values, structure] = flatten<A>(fa ?? null);
    return rebuild(
      structure,
      values.map((a) => f(a)),
    );
  },
};

/** Folds over the leaves in their order: arrays by index, objects by key. */
export const Foldable: Foldable1<URI> = {
  URI,
  reduce: <A, B>(fa: Tree<A>, b: B, f: (b: B, a: A) => B) => leaves<A>(fa ?? null).reduce((acc, a) => f(acc, a), b),
  reduceRight: <A, B>(fa: Tree<A>, b: B, f: (a: A, b: B) => B) =>
    leaves<A>(fa ?? null).reduceRight((acc, a) => f(a, acc), b),
  foldMap:
    (M) =>
    <A>(fa: Tree<A>, f: (a: A) => typeof M.empty) =>
      leaves<A>(fa ?? null).reduce((acc, a) => M.concat(acc, f(a)), M.empty),
};

/**
 * Runs an effect at every leaf, in their order, and collects the results in a tree of the same structure.
 *
 * @example
 * ```ts
 * import * as O from 'fp-ts/lib/Option.js';
 * import { tree } from 'cotangent/fp';
 *
 * const half = (n: number) => (n % 2 === 0 ? O.some(n / 2) : O.none);
 * const traverse = tree.traverse(O.Applicative);
 * O.toNullable(traverse({ a: 2, b: [4, 6] }, half)); // => { a: 1, b: [2, 3] }
 * O.isNone(traverse({ a: 2, b: [4, 5] }, half)); // => true
 * ```
 */
export const traverse: Traverse1<URI> = traverseLeaves;
