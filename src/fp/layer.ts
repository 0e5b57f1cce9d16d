/**
 * Layers from arrays to arrays under composition, as fp-ts sees them: a Monoid. `concat` is `stax.serial`, flat, so that
 * the grouping of a composition does not show: parameters are one list, and each layer's key depends on its position.
 */
import type { Monoid as FpMonoid } from 'fp-ts/lib/Monoid.js';
import { serial } from '../stax/combinators.js';
import { erase as eraseTypes, partsOf, type Layer } from '../stax/layer.js';

/** A stateless layer from one array to one array, the type of its parameters forgotten. */
export type AnyParams = Layer<object>;

/**
 * Forget the type of a layer's parameters, which a list of several layers cannot keep.
 *
 * @example
 * ```ts
 * import { stax } from 'cotangent';
 * import { layer } from 'cotangent/fp';
 * const layers = [layer.erase(stax.Dense(3)), layer.erase(stax.Relu)];
 * layers.length; // => 2
 * ```
 */
export const erase = <P extends object>(given: Layer<P>): AnyParams => eraseTypes(given);

/** The parts of a stateless layer have no state either; what passes between them is for them to agree on. */
const parts = (given: AnyParams): readonly AnyParams[] => partsOf(given) as unknown as readonly AnyParams[];

/**
 * Layers under composition; `empty` is the identity. Its laws hold for what can be seen of a layer: the parameters,
 * bit for bit, and the outputs.
 *
 * @example
 * ```ts
 * import { concatAll } from 'fp-ts/lib/Monoid.js';
 * import { numpy as np, random, stax } from 'cotangent';
 * import { layer } from 'cotangent/fp';
 * const blocks = [1, 2, 3].map(() => layer.Monoid.concat(layer.erase(stax.Dense(4)), layer.erase(stax.Tanh)));
 * const [init, apply] = concatAll(layer.Monoid)(blocks);
 * const { params } = init(random.key(0), [-1, 4]);
 * apply(params, np.ones([2, 4])).shape; // => [2, 4]
 * ```
 */
export const Monoid: FpMonoid<AnyParams> = {
  empty: erase(serial()),
  concat: (first, second) => {
    const [before, after] = [parts(first), parts(second)];
    if (before.length === 0) return second;
    return after.length === 0 ? first : erase(serial(...before, ...after));
  },
};
