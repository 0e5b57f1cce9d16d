/** Augmentations of images under composition, as fp-ts sees them: a Monoid. `concat` is `augment.compose`, flat. */
import type { Monoid as FpMonoid } from 'fp-ts/lib/Monoid.js';
import { compose, type Augmentation } from '../data/augment/augmentation.js';

/**
 * Augmentations under composition; `empty` is the identity. Its laws hold bit for bit, keys included: each part's key
 * depends on its position among all of them and not on the grouping.
 *
 * @example
 * ```ts
 * import { concatAll } from 'fp-ts/lib/Monoid.js';
 * import { numpy as np, random } from 'cotangent';
 * import { augment } from 'cotangent/data';
 * import { augmentation } from 'cotangent/fp';
 * const f = concatAll(augmentation.Monoid)([augment.flipLeftRight(), augment.rotation(0.1), augment.brightness(0.2)]);
 * f(random.key(0), np.ones([4, 8, 8, 1])).shape; // => [4, 8, 8, 1]
 * ```
 */
export const Monoid: FpMonoid<Augmentation> = {
  empty: compose(),
  concat: (first, second) => compose(first, second),
};
