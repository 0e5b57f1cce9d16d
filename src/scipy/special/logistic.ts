/** The logistic function, its inverse and its logarithm. */
import type { ArrayLike, NDArray } from '../../core/ndarray.js';
import * as s from '../../core/scalar.js';
import * as lax from '../../lax/index.js';
import { unary } from '../../lax/nary.js';
import { inexact } from '../../numpy/promote.js';

/**
 * 1/(1 + e⁻ˣ).
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.expit(0).item(); // => 0.5
 * ```
 */
export const expit = (x: ArrayLike): NDArray => lax.logistic(inexact('expit', x));

/**
 * log(p/(1 - p)), the inverse of {@link expit}.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.logit(0.75).item(); // => 1.098612
 * ```
 */
export function logit(p: ArrayLike): NDArray {
  const array = inexact('logit', p);
  return lax.sub(lax.log(array), lax.log1p(lax.neg(array)));
}

/** max(x, 0) + log(1 + e^-|x|), which neither overflows nor cancels; its derivative is the logistic function. */
const softplusOf = unary('softplus', {
  dtypes: 'float',
  jvp: (dx, x) => lax.mul(dx, lax.logistic(x)),
  lower: (x) => {
    const decay = s.unary('exp', s.unary('neg', s.unary('abs', x)));
    return s.binary('add', s.binary('max', x, s.constant(x.type, 0)), s.unary('log1p', decay));
  },
  cost: 'expensive',
});

/**
 * log(1 + eˣ), stable for all x.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.softplus(0).item(); // => 0.693147
 * scipy.special.softplus(1000).item(); // => 1000
 * ```
 */
export const softplus = (x: ArrayLike): NDArray => softplusOf(inexact('softplus', x));

/**
 * log {@link expit}, stable for all x.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.logExpit(-1000).item(); // => -1000
 * ```
 */
export const logExpit = (x: ArrayLike): NDArray => lax.neg(softplusOf(lax.neg(inexact('logExpit', x))));
