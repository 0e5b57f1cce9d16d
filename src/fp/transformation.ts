/**
 * Gradient transformations under composition, as fp-ts sees them: a Monoid. `concat` is `optimizers.chain`, flat, so that
 * the grouping of a composition does not show in the state, which is one list.
 */
import type { Monoid as FpMonoid } from 'fp-ts/lib/Monoid.js';
import { chain, partsOf, type GradientTransformation, type StateKind } from '../optimizers/transformation.js';

/** Some state: a tree of arrays that only its transformation looks into. */
export interface SomeState extends StateKind {
  readonly state: object;
}

/** A transformation, the type of its state forgotten. */
export type AnyState = GradientTransformation<SomeState>;

/**
 * Forget the type of a transformation's state, which a list of several transformations cannot keep.
 *
 * @example
 * ```ts
 * import { optimizers } from 'cotangent';
 * import { transformation } from 'cotangent/fp';
 * const parts = [transformation.erase(optimizers.trace(0.9)), transformation.erase(optimizers.scale(-0.1))];
 * parts.length; // => 2
 * ```
 */
export const erase = <F extends StateKind>(given: GradientTransformation<F>): AnyState =>
  // Sound for states that the transformation's own init and update made, which is where states come from.
  given as unknown as AnyState;

/**
 * Transformations under composition; `empty` is the identity. Its laws hold for what can be seen of a transformation:
 * the updates it makes and the states it passes on.
 *
 * @example
 * ```ts
 * import { concatAll } from 'fp-ts/lib/Monoid.js';
 * import { numpy as np, optimizers } from 'cotangent';
 * import { transformation } from 'cotangent/fp';
 * const { erase, Monoid } = transformation;
 * const opt = concatAll(Monoid)([erase(optimizers.trace(0.9)), erase(optimizers.scale(-0.1))]);
 * const w = np.array([1, 2]);
 * opt.update(np.array([10, 20]), opt.init(w))[0].js(); // => [-1, -2]
 * ```
 */
export const Monoid: FpMonoid<AnyState> = {
  empty: erase(chain()),
  concat: (first, second) => {
    const [before, after] = [partsOf(first), partsOf(second)];
    if (before.length === 0) return second;
    return after.length === 0 ? first : erase(chain(...before, ...after));
  },
};
