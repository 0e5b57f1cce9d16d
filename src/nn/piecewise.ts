/**
 * Activation functions that are linear in pieces. At a kink the derivative is that of JAX: zero at the kinks of relu and
 * relu6 (see "Numerical influence of ReLU'(0) on backpropagation", Bertoin et al. 2021). NaN stays NaN.
 */
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { inexact, numeric, promoteInexact2 } from '../numpy/promote.js';

/** `value` where `condition` holds, else `x`: a choice, whose derivative is that of what is chosen. */
const where = (condition: NDArray, value: number, x: NDArray): NDArray =>
  lax.select(condition, lax.scalarLike(value, x), x);

/**
 * The rectified linear unit max(x, 0); its derivative at 0 is 0. Integers stay integers.
 *
 * @example
 * ```ts
 * import { grad, nn, numpy as np } from 'cotangent';
 * nn.relu(np.array([-1, 0, 2])).js(); // => [0, 0, 2]
 * grad(nn.relu)(0).item(); // => 0
 * ```
 */
export function relu(x: ArrayLike): NDArray {
  const array = numeric('relu', x);
  return where(lax.le(array, 0), 0, array);
}

/**
 * min(max(x, 0), 6); its derivative at 0 and 6 is 0.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.relu6(np.array([-1, 3, 8])).js(); // => [0, 3, 6]
 * ```
 */
export function relu6(x: ArrayLike): NDArray {
  const array = inexact('relu6', x);
  return where(lax.le(array, 0), 0, where(lax.ge(array, 6), 6, array));
}

/**
 * x for x ≥ 0, `negativeSlope` · x below, with slope 0.01 by default.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.leakyRelu(np.array([-1, 2]), 0.1).js(); // => [-0.1, 2]
 * ```
 */
export function leakyRelu(x: ArrayLike, negativeSlope: ArrayLike = 0.01): NDArray {
  const [array, slope] = promoteInexact2('leakyRelu', x, negativeSlope);
  return lax.select(lax.ge(array, 0), array, lax.mul(slope, array));
}

/**
 * x limited to [-1, 1].
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.hardTanh(np.array([-3, 0.5, 3])).js(); // => [-1, 0.5, 1]
 * ```
 */
export function hardTanh(x: ArrayLike): NDArray {
  const array = inexact('hardTanh', x);
  return where(lax.gt(array, 1), 1, where(lax.lt(array, -1), -1, array));
}

/**
 * relu6(x + 3)/6.
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.hardSigmoid(0).item(); // => 0.5
 * ```
 */
export const hardSigmoid = (x: ArrayLike): NDArray => lax.mul(relu6(lax.add(inexact('hardSigmoid', x), 3)), 1 / 6);

/**
 * x hardSigmoid(x) (arXiv 1905.02244).
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.hardSilu(3).item(); // => 3
 * ```
 */
export function hardSilu(x: ArrayLike): NDArray {
  const array = inexact('hardSilu', x);
  return lax.mul(array, hardSigmoid(array));
}

/** Another name of {@link hardSilu}. */
export const hardSwish = hardSilu;

/**
 * 0 for x ≤ -1, (x + 1)²/4 up to 1, x above: an approximation of softplus with zeros (arXiv 1602.02068).
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.sparsePlus(np.array([-2, 0, 2])).js(); // => [0, 0.25, 2]
 * ```
 */
export function sparsePlus(x: ArrayLike): NDArray {
  const array = inexact('sparsePlus', x);
  const parabola = lax.mul(lax.square(lax.add(array, 1)), 0.25);
  return where(lax.le(array, -1), 0, lax.select(lax.ge(array, 1), array, parabola));
}

/**
 * The derivative of {@link sparsePlus}: (x + 1)/2 limited to [0, 1].
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.sparseSigmoid(np.array([-2, 0, 2])).js(); // => [0, 0.5, 1]
 * ```
 */
export const sparseSigmoid = (x: ArrayLike): NDArray => ramp(lax.mul(lax.add(inexact('sparseSigmoid', x), 1), 0.5));

/**
 * The threshold function of the first neurons: 0 for x < threshold, 1 otherwise. Its derivative is 0.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.step(np.array([-1, 0, 2])).js(); // => [0, 1, 1]
 * ```
 */
export function step(x: ArrayLike, threshold: ArrayLike = 0): NDArray {
  const [array, at] = promoteInexact2('step', x, threshold);
  return lax.select(lax.lt(array, at), lax.scalarLike(0, array), lax.scalarLike(1, array));
}

/**
 * The clipped linear function: x between `lower` and `upper` (0 and 1 by default), the nearer bound outside. The
 * derivative is 0 at the bounds.
 *
 * @example
 * ```ts
 * import { nn, numpy as np } from 'cotangent';
 * nn.ramp(np.array([-1, 0.25, 2])).js(); // => [0, 0.25, 1]
 * ```
 */
export function ramp(x: ArrayLike, lower = 0, upper = 1): NDArray {
  const array = inexact('ramp', x);
  return where(lax.le(array, lower), lower, where(lax.ge(array, upper), upper, array));
}

/**
 * x itself.
 *
 * @example
 * ```ts
 * import { nn } from 'cotangent';
 * nn.identity(3).item(); // => 3
 * ```
 */
export const identity = (x: ArrayLike): NDArray => numeric('identity', x);
