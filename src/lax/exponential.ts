/** Exponentials, logarithms, general powers and the logistic function. */
import { eq, gt } from './compare.js';
import { add, div, mul, scalarLike, select, sub } from './arithmetic.js';
import { binary, unary } from './nary.js';
import { full } from './broadcast.js';
import * as s from '../core/scalar.js';

/** eˣ. */
export const exp = unary('exp', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, y),
  lower: (x) => s.unary('exp', x),
  cost: 'expensive',
});

/** 2ˣ. */
export const exp2 = unary('exp2', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, mul(scalarLike(Math.LN2, y), y)),
  lower: (x) => s.unary('exp2', x),
  cost: 'expensive',
});

/** eˣ - 1, exact near 0. */
export const expm1 = unary('expm1', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, add(y, scalarLike(1, y))),
  lower: (x) => s.unary('expm1', x),
  cost: 'expensive',
});

/** Natural logarithm. */
export const log = unary('log', {
  dtypes: 'float',
  jvp: (dx, x) => div(dx, x),
  lower: (x) => s.unary('log', x),
  cost: 'expensive',
  domain: [0.3, 4],
});

/** ln(1 + x), exact near 0. */
export const log1p = unary('log1p', {
  dtypes: 'float',
  jvp: (dx, x) => div(dx, add(x, scalarLike(1, x))),
  lower: (x) => s.unary('log1p', x),
  cost: 'expensive',
  domain: [-0.6, 3],
});

/** Base-2 logarithm. */
export const log2 = unary('log2', {
  dtypes: 'float',
  jvp: (dx, x) => div(dx, mul(x, scalarLike(Math.LN2, x))),
  lower: (x) => s.unary('log2', x),
  cost: 'expensive',
  domain: [0.3, 4],
});

/** 1 / (1 + e⁻ˣ). */
export const logistic = unary('logistic', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, mul(y, sub(scalarLike(1, y), y))),
  lower: (x) => s.unary('logistic', x),
  cost: 'expensive',
});

/**
 * xʸ. The derivative by y is 0 at x = 0 for positive y, where xʸ ln x has that limit (as in JAX).
 */
export const pow = binary('pow', {
  dtypes: 'float',
  jvp: [
    (dx, x, y) => {
      const one = scalarLike(1, y);
      // y·x^(y-1) with y = 0 giving 0 even where x is 0 or infinite.
      const exponent = select(eq(y, scalarLike(0, y)), full(y.aval.shape, 1, y.dtype), sub(y, one));
      return mul(dx, mul(y, pow(x, exponent)));
    },
    (dy, x, y, out) => {
      const ones = full(x.aval.shape, 1, x.dtype);
      const safe = select(eq(x, scalarLike(0, x)), ones, x);
      const logs = log(safe);
      const atZero = select(
        gt(y, scalarLike(0, y)),
        full(y.aval.shape, 0, y.dtype),
        full(y.aval.shape, -Infinity, y.dtype),
      );
      const isZero = eq(x, scalarLike(0, x));
      const shape = out.aval.shape;
      const wide = (a: typeof x): typeof x => (a.ndim === shape.length ? a : full(shape, a));
      return mul(dy, select(wide(isZero), wide(atZero), mul(wide(logs), out)));
    },
  ],
  lower: (x, y) => s.binary('pow', x, y),
  cost: 'expensive',
  domains: [
    [0.3, 3],
    [-2, 2],
  ],
});
