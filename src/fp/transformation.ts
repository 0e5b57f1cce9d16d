/**
 * Gradient transformations under composition, as fp-ts sees them: a Monoid. `concat` is `optimizers.chain`, flat, so that
 * the grouping of a composition does not show in the state, which is one list.
 */
import type { Monoid as FpMonoid } from 'fp-ts/lib/Monoid.js';
import { chain, erase, partsOf, type ErasedTransformation } from '../optimizers/transformation.js';

export { erase, type ErasedTransformation, type SomeState } from '../optimizers/transformation.js';

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
export const Monoid: FpMonoid<ErasedTransformation> = {
  empty: erase(chain()),
  concat: (first, second) => {
    const [before, after] = [partsOf(first), partsOf(second)];
    if (before.length === 0) return second;
    return after.length === 0 ? first : erase(chain(...before, ...after));
  },
};
