/** Circular and hyperbolic functions and their inverses. */
import { add, div, mul, neg, rsqrt, scalarLike, square, sub } from './arithmetic.js';
import { binary, unary } from './nary.js';
import * as s from '../core/scalar.js';

/** Sine of radians. */
export const sin = unary('sin', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, cos(x)),
  lower: (x) => s.unary('sin', x),
  cost: 'expensive',
  domain: [-10, 10],
});

/** Cosine of radians. */
export const cos = unary('cos', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, neg(sin(x))),
  lower: (x) => s.unary('cos', x),
  cost: 'expensive',
  domain: [-10, 10],
});

/** Tangent of radians. */
export const tan = unary('tan', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, add(scalarLike(1, y), square(y))),
  lower: (x) => s.unary('tan', x),
  cost: 'expensive',
  domain: [-1.2, 1.2],
});

/** Arcsine, in [-π/2, π/2]. */
export const asin = unary('asin', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, rsqrt(sub(scalarLike(1, x), square(x)))),
  lower: (x) => s.unary('asin', x),
  cost: 'expensive',
  domain: [-0.9, 0.9],
});

/** Arccosine, in [0, π]. */
export const acos = unary('acos', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, neg(rsqrt(sub(scalarLike(1, x), square(x))))),
  lower: (x) => s.unary('acos', x),
  cost: 'expensive',
  domain: [-0.9, 0.9],
});

/** Arctangent, in [-π/2, π/2]. */
export const atan = unary('atan', {
  dtypes: 'float',
  jvp: (dx, x) => div(dx, add(scalarLike(1, x), square(x))),
  lower: (x) => s.unary('atan', x),
  cost: 'expensive',
});

/** Angle of the point (y, x), in [-π, π]. */
export const atan2 = binary('atan2', {
  dtypes: 'float',
  jvp: [
    (dy, y, x) => mul(dy, div(x, add(square(x), square(y)))),
    (dx, y, x) => mul(dx, div(neg(y), add(square(x), square(y)))),
  ],
  lower: (y, x) => s.binary('atan2', y, x),
  cost: 'expensive',
  domains: [
    [0.3, 2],
    [-2, 2],
  ],
});

/** Hyperbolic sine. */
export const sinh = unary('sinh', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, cosh(x)),
  lower: (x) => s.unary('sinh', x),
  cost: 'expensive',
});

/** Hyperbolic cosine. */
export const cosh = unary('cosh', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, sinh(x)),
  lower: (x) => s.unary('cosh', x),
  cost: 'expensive',
});

/** Hyperbolic tangent. */
export const tanh = unary('tanh', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, sub(scalarLike(1, y), square(y))),
  lower: (x) => s.unary('tanh', x),
  cost: 'expensive',
});

/** Inverse hyperbolic sine. */
export const asinh = unary('asinh', {
  dtypes: 'float',
  jvp: (dx, x) => mul(dx, rsqrt(add(square(x), scalarLike(1, x)))),
  lower: (x) => s.unary('asinh', x),
  cost: 'expensive',
});

/** Inverse hyperbolic cosine, of x ≥ 1. */
export const acosh = unary('acosh', {
  dtypes: 'float',
  // √(x-1)·√(x+1) keeps its accuracy near 1, where x² - 1 cancels.
  jvp: (dx, x) => mul(dx, mul(rsqrt(sub(x, scalarLike(1, x))), rsqrt(add(x, scalarLike(1, x))))),
  lower: (x) => s.unary('acosh', x),
  cost: 'expensive',
  domain: [1.3, 4],
});

/** Inverse hyperbolic tangent, of x in (-1, 1). */
export const atanh = unary('atanh', {
  dtypes: 'float',
  jvp: (dx, x) => div(dx, sub(scalarLike(1, x), square(x))),
  lower: (x) => s.unary('atanh', x),
  cost: 'expensive',
  domain: [-0.8, 0.8],
});
