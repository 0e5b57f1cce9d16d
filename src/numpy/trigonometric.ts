/** Circular and hyperbolic functions, their inverses, angles, and sinc. */
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { inexactBinary, inexactUnary, withoutGradient, type Binary, type Unary } from './ufunc.js';

/**
 * The sine of x radians.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.sin(np.pi / 2); // => 1
 * ```
 */
export const sin: Unary = inexactUnary('sin', lax.sin);

/**
 * The cosine of x radians.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.cos(0); // => 1
 * ```
 */
export const cos: Unary = inexactUnary('cos', lax.cos);

/**
 * The tangent of x radians.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.tan(np.pi / 4); // => 1.00000
 * ```
 */
export const tan: Unary = inexactUnary('tan', lax.tan);

/**
 * The arcsine, in [-π/2, π/2]; NaN outside [-1, 1].
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arcsin(1); // => 1.57080
 * ```
 */
export const arcsin: Unary = inexactUnary('arcsin', lax.asin);

/**
 * {@link arcsin} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.asin(1); // => 1.57080
 * ```
 */
export const asin: Unary = arcsin;

/**
 * The arccosine, in [0, π]; NaN outside [-1, 1].
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arccos(-1); // => 3.14159
 * ```
 */
export const arccos: Unary = inexactUnary('arccos', lax.acos);

/**
 * {@link arccos} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.acos(-1); // => 3.14159
 * ```
 */
export const acos: Unary = arccos;

/**
 * The arctangent, in [-π/2, π/2].
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arctan(1); // => 0.785398
 * ```
 */
export const arctan: Unary = inexactUnary('arctan', lax.atan);

/**
 * {@link arctan} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.atan(1); // => 0.785398
 * ```
 */
export const atan: Unary = arctan;

/**
 * The hyperbolic sine, (eˣ - e⁻ˣ)/2.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.sinh(1); // => 1.17520
 * ```
 */
export const sinh: Unary = inexactUnary('sinh', lax.sinh);

/**
 * The hyperbolic cosine, (eˣ + e⁻ˣ)/2.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.cosh(1); // => 1.54308
 * ```
 */
export const cosh: Unary = inexactUnary('cosh', lax.cosh);

/**
 * The hyperbolic tangent.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.tanh(1); // => 0.761594
 * ```
 */
export const tanh: Unary = inexactUnary('tanh', lax.tanh);

/**
 * The inverse hyperbolic sine.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arcsinh(1); // => 0.881374
 * ```
 */
export const arcsinh: Unary = inexactUnary('arcsinh', lax.asinh);

/**
 * {@link arcsinh} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.asinh(1); // => 0.881374
 * ```
 */
export const asinh: Unary = arcsinh;

/**
 * The inverse hyperbolic cosine, of x ≥ 1; NaN below.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arccosh(2); // => 1.31696
 * ```
 */
export const arccosh: Unary = inexactUnary('arccosh', lax.acosh);

/**
 * {@link arccosh} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.acosh(2); // => 1.31696
 * ```
 */
export const acosh: Unary = arccosh;

/**
 * The inverse hyperbolic tangent; NaN outside [-1, 1].
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arctanh(0.5); // => 0.549306
 * ```
 */
export const arctanh: Unary = inexactUnary('arctanh', lax.atanh);

/**
 * {@link arctanh} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.atanh(0.5); // => 0.549306
 * ```
 */
export const atanh: Unary = arctanh;
/**
 * The angle of the point (x₂, x₁) from the first axis, in [-π, π]: arctan(x₁/x₂) in the right quadrant.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arctan2(np.array([1, -1]), -1); // => [2.35619, -2.35619]
 * ```
 */
export const arctan2: Binary = inexactBinary('arctan2', lax.atan2);

/**
 * {@link arctan2} by its Array API name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.atan2(1, 1); // => 0.785398
 * ```
 */
export const atan2: Binary = arctan2;

const RADIANS_PER_DEGREE = Math.PI / 180;

/**
 * Degrees to radians: x π/180.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.deg2rad(180); // => 3.14159
 * ```
 */
export const deg2rad: Unary = inexactUnary('deg2rad', (x) => lax.mul(x, RADIANS_PER_DEGREE));

/**
 * Radians to degrees: x 180/π.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.rad2deg(np.pi); // => 180
 * ```
 */
export const rad2deg: Unary = inexactUnary('rad2deg', (x) => lax.mul(x, 1 / RADIANS_PER_DEGREE));

/**
 * {@link deg2rad} by its other name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.radians(90); // => 1.57080
 * ```
 */
export const radians: Unary = deg2rad;

/**
 * {@link rad2deg} by its other name.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.degrees(np.pi / 2); // => 90
 * ```
 */
export const degrees: Unary = rad2deg;

/**
 * √(x² + y²), elementwise, without overflow; ∞ if either is infinite. The derivative at (0, 0) is 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.hypot(3, 4); // => 5
 * ```
 */
export const hypot: Binary = inexactBinary('hypot', (x, y) => {
  // The scale is a constant to derivatives: s √((x/s)² + (y/s)²) has the right ones of any order for any s.
  const largest = lax.max(lax.abs(withoutGradient(x)), lax.abs(withoutGradient(y)));
  const isZero = lax.eq(largest, 0);
  const scale = lax.select(lax.bitwiseOr(isZero, lax.bitwiseNot(lax.isFinite(largest))), 1, largest);
  const sum = lax.add(lax.square(lax.div(x, scale)), lax.square(lax.div(y, scale)));
  // The root is taken of 1 where the sum is 0, so that its infinite derivative does not come up.
  const root = lax.mul(scale, lax.sqrt(lax.select(isZero, 1, sum)));
  const isInfinite = lax.bitwiseOr(lax.eq(lax.abs(x), Infinity), lax.eq(lax.abs(y), Infinity));
  return lax.select(isInfinite, Infinity, lax.select(isZero, 0, root));
});

/** (-1)ᵏ/(2k + 1)!, the Taylor coefficients of sin(t)/t in t². The first left out is below 10⁻¹⁵ for |t| < 1/2. */
const SINC_SERIES = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800];

/**
 * sin(πx)/(πx), which is 1 at 0. Near 0 it is computed by its series, so that derivatives are right there too.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.sinc(np.array([0, 0.5])); // => [1, 0.63662]
 * ```
 */
export const sinc: Unary = inexactUnary('sinc', (x) => {
  const t = lax.mul(x, Math.PI);
  const isSmall = lax.lt(lax.abs(t), 0.5);
  const u = lax.square(lax.select(isSmall, t, 0));
  const series = SINC_SERIES.reduceRight<NDArray>((sum, c) => lax.add(lax.mul(sum, u), c), lax.scalarLike(0, t));
  const large = lax.select(isSmall, 1, t);
  return lax.select(isSmall, series, lax.div(lax.sin(large), large));
});
