/** Products with logarithms that are 0 where the factor is 0, and the entropies made of them. */
import type { ArrayLike, NDArray } from '../../core/ndarray.js';
import * as s from '../../core/scalar.js';
import * as lax from '../../lax/index.js';
import { binary } from '../../lax/nary.js';
import { inexact, promoteInexact2 } from '../../numpy/promote.js';

const zeroWhereZero = (x: s.Expr, product: s.Expr): s.Expr => {
  const zero = s.constant(x.type, 0);
  return s.select(s.binary('eq', x, zero), zero, product);
};

// 0·log 0 = 0, also in the derivative: by x it is log y as everywhere, by y it is x/y.
const xlogyOf = binary('xlogy', {
  dtypes: 'float',
  jvp: [(dx, _x, y) => lax.mul(dx, lax.log(y)), (dy, x, y) => lax.mul(dy, lax.div(x, y))],
  lower: (x, y) => zeroWhereZero(x, s.binary('mul', x, s.unary('log', y))),
  cost: 'expensive',
  domains: [
    [0.2, 2],
    [0.3, 4],
  ],
});

const xlog1pyOf = binary('xlog1py', {
  dtypes: 'float',
  jvp: [(dx, _x, y) => lax.mul(dx, lax.log1p(y)), (dy, x, y) => lax.mul(dy, lax.div(x, lax.add(y, 1)))],
  lower: (x, y) => zeroWhereZero(x, s.binary('mul', x, s.unary('log1p', y))),
  cost: 'expensive',
  domains: [
    [0.2, 2],
    [-0.6, 3],
  ],
});

/**
 * x log y, and 0 where x is 0, whatever y. The arguments broadcast.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.xlogy(0, 0).item(); // => 0
 * ```
 */
export const xlogy = (x: ArrayLike, y: ArrayLike): NDArray => xlogyOf(...promoteInexact2('xlogy', x, y));

/**
 * x log(1 + y), and 0 where x is 0. The arguments broadcast.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.xlog1py(2, 1).item(); // => 1.386294
 * ```
 */
export const xlog1py = (x: ArrayLike, y: ArrayLike): NDArray => xlog1pyOf(...promoteInexact2('xlog1py', x, y));

/**
 * The entropy function -x log x: 0 at 0, -∞ below.
 *
 * @example
 * ```ts
 * import { scipy, numpy as np } from 'cotangent';
 * scipy.special.entr(np.array([0, 0.5, 1])).js(); // => [0, 0.346574, 0]
 * ```
 */
export function entr(x: ArrayLike): NDArray {
  const array = inexact('entr', x);
  const isNegative = lax.lt(array, 0);
  return lax.select(isNegative, lax.scalarLike(-Infinity, array), xlogyOf(lax.neg(array), array));
}

/**
 * The terms p log(p/q) of the relative entropy: 0 where p = 0 and q ≥ 0, ∞ where p or q is otherwise not positive. Their
 * sum is the Kullback-Leibler divergence in nats. The arguments broadcast.
 *
 * @example
 * ```ts
 * import { scipy, numpy as np } from 'cotangent';
 * const [p, q] = [np.array([0.5, 0.5]), np.array([0.25, 0.75])];
 * scipy.special.relEntr(p, q).sum().item(); // => 0.143841
 * ```
 */
export function relEntr(p: ArrayLike, q: ArrayLike): NDArray {
  const [x, y] = promoteInexact2('relEntr', p, q);
  const bothPositive = lax.bitwiseAnd(lax.gt(x, 0), lax.gt(y, 0));
  const isNothing = lax.bitwiseAnd(lax.eq(x, 0), lax.ge(y, 0));
  const one = lax.scalarLike(1, x);
  const safeX = lax.select(bothPositive, x, one);
  const safeY = lax.select(bothPositive, y, one);
  const value = lax.mul(safeX, lax.log(lax.div(safeX, safeY)));
  // NaN in, NaN out.
  const isNaN = lax.bitwiseOr(lax.ne(x, x), lax.ne(y, y));
  const outside = lax.select(isNaN, lax.scalarLike(NaN, x), lax.scalarLike(Infinity, x));
  return lax.select(bothPositive, value, lax.select(isNothing, lax.scalarLike(0, x), outside));
}

/**
 * p log(p/q) - p + q, which is not negative; see {@link relEntr}.
 *
 * @example
 * ```ts
 * import { scipy } from 'cotangent';
 * scipy.special.klDiv(0.5, 0.25).item(); // => 0.096574
 * ```
 */
export function klDiv(p: ArrayLike, q: ArrayLike): NDArray {
  const [x, y] = promoteInexact2('klDiv', p, q);
  return lax.add(lax.sub(relEntr(x, y), x), y);
}
