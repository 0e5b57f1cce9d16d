/** Layers that arrange elements anew: Flatten, Reshape, RepeatVector. */
import { checkCount } from '../core/counts.js';
import { showShape, type Shape } from '../core/aval.js';
import { ShapeError } from '../core/errors.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { checkArray, checkRank, checkShape } from './checks.js';
import { layer, NO_PARAMS, type Layer, type NoParams } from './layer.js';

/**
 * All axes but the first, the batch, in one.
 *
 * @throws ShapeError for a scalar; from `init` for lengths after the batch that are not known.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.Flatten;
 * init(random.key(0), [-1, 28, 28]).outputShape; // => [-1, 784]
 * apply([], np.ones([2, 3, 4])).shape; // => [2, 12]
 * ```
 */
export const Flatten: Layer<NoParams> = layer<NoParams>(
  (_key, inputShape) => {
    const [batch, ...rest] = checkShape('Flatten', inputShape);
    if (batch === undefined || rest.includes(-1)) {
      throw new ShapeError(
        `Flatten: needs a batch axis and known lengths after it, got shape ${showShape(inputShape)}.${userLine()}`,
      );
    }
    return { outputShape: [batch, rest.reduce((a, b) => a * b, 1)], params: NO_PARAMS };
  },
  (_params, input) => {
    const [batch, ...rest] = checkArray('Flatten', input).shape;
    if (batch === undefined) throw new ShapeError(`Flatten: needs a batch axis, got a scalar.${userLine()}`);
    return lax.reshape(input, [batch, rest.reduce((a, b) => a * b, 1)]);
  },
  'Flatten',
);

/**
 * The axes after the batch in another shape of as many elements.
 *
 * @throws ShapeError for another number of elements.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Reshape([2, 3])[1]([], np.ones([5, 6])).shape; // => [5, 2, 3]
 * ```
 */
export function Reshape(shape: Shape): Layer<NoParams> {
  const name = `Reshape(${showShape(shape)})`;
  return layer<NoParams>(
    (_key, inputShape) => {
      const [batch, ...rest] = checkShape(name, inputShape);
      const [from, to] = [rest, shape].map((dims) => dims.reduce((a, b) => a * b, 1));
      if (batch === undefined || (from !== to && !rest.includes(-1))) {
        throw new ShapeError(`${name}: has ${to} elements, which do not fill ${showShape(inputShape)}.${userLine()}`);
      }
      return { outputShape: [batch, ...shape], params: NO_PARAMS };
    },
    (_params, x) => lax.reshape(checkArray(name, x), [x.shape[0] ?? 1, ...shape]),
    name,
  );
}

/**
 * A vector for each example, [batch, features], as a sequence of `count` times the same: [batch, count, features]. What a
 * one-to-many recurrent network reads.
 *
 * @throws ArgumentError for a count that is no whole number from 1; ShapeError for another rank.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.RepeatVector(3)[1]([], np.array([[1, 2]])).js(); // => [[[1, 2], [1, 2], [1, 2]]]
 * ```
 */
export function RepeatVector(count: number): Layer<NoParams> {
  const name = `RepeatVector(${count})`;
  checkCount('RepeatVector', 'the number of steps', count);
  const repeat = ([batch = 1, features = 1]: Shape): Shape => [batch, count, features];
  return layer<NoParams>(
    (_key, shape) => ({ outputShape: repeat(checkRank(name, shape, 2, '[batch, features]')), params: NO_PARAMS }),
    (_params, x) => {
      checkRank(name, checkArray(name, x).shape, 2, '[batch, features]');
      return lax.broadcastInDim(x, repeat(x.shape), [0, 2]);
    },
    name,
  );
}
