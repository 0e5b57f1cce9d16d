/**
 * The regularized incomplete gamma functions, by quadrature with a fixed number of nodes.
 *
 * P(a, x) = w S with w = x^a e^-x/Γ(a) and S = ∫₀¹ u^(a-1) e^(x(1-u)) du, and Q(a, x) = w T with T the same integral from 1 to
 * ∞ (NIST DLMF 8.2.1, 8.2.2 with t = xu). Whichever is not near 1 is computed: P for x < a + 1, else Q. With u = e^(sv),
 * s = -1 or 1, both are ∫₀^∞ exp(s a v - x (e^(sv) - 1)) dv: an entire integrand whose peak is at or near 0, and whose
 * derivatives by a and x bring down factors v and e^(sv) - 1. The integral is cut where the exponent is below -38 (-18 for
 * float32), v = e^y - 1 makes room for the long tail of small a, and y is summed over by Gauss and Legendre's rule (DLMF 3.5(v)).
 */
import { range } from '../core/axes.js';
import type { NDArray } from '../core/ndarray.js';
import type * as s from '../core/scalar.js';
import { bind1 } from '../core/trace.js';
import { take2 } from '../core/tuple.js';
import { add, mul, neg, scalarLike, select, sub } from './arithmetic.js';
import { broadcastTo } from './broadcast.js';
import { gt, lt } from './compare.js';
import { exp, log } from './exponential.js';
import * as e from './expr.js';
import { binary, elementwiseShape, naryPrimitive } from './nary.js';
import { digamma, lgamma } from './special.js';

interface Node {
  /** Position in (0, 1). */
  readonly at: number;
  readonly weight: number;
}

/** Gauss and Legendre's rule of n nodes on [0, 1]: the zeros of the Legendre polynomial by Newton's method (DLMF 3.5.16, 18.9.1). */
function gaussLegendre(n: number): Node[] {
  return range(n).map((i) => {
    let z = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 1;
    for (let step = 0; step < 8; step++) {
      let [previous, value] = [1, z];
      for (let k = 2; k <= n; k++) [previous, value] = [value, ((2 * k - 1) * z * value - (k - 1) * previous) / k];
      slope = (n * (z * value - previous)) / (z * z - 1);
      z -= value / slope;
    }
    return { at: (1 + z) / 2, weight: 1 / ((1 - z * z) * slope * slope) };
  });
}

/** Number of nodes, and the exponent below which the integrand counts for nothing. */
const RULES = {
  float32: { nodes: 12, depth: 18 },
  float64: { nodes: 24, depth: 38 },
};

/** Powers of v and of e^(sv) - 1 in the integrand. */
type IntegralParams = { readonly n: number; readonly m: number };

/** Whether P is the smaller one to compute. */
const isLower = (a: s.Expr, x: s.Expr): s.Expr => e.lt(x, e.add(a, 1));

/** ∫₀^∞ vⁿ (e^(sv) - 1)ᵐ exp(s a v - x (e^(sv) - 1)) dv. */
function integral(a: s.Expr, x: s.Expr, lower: s.Expr, { n, m }: IntegralParams): s.Expr {
  const { nodes, depth } = e.byFormat(a, RULES);
  const sign = e.numbers(lower, a, -1, 1);
  // Where the exponent reaches -depth: by its first two terms if that is near, else by its bounds -av + x and -x(e^v - 1 - …).
  const slope = e.pick(e.eq(e.gt(x, a), lower), 0, e.abs(e.sub(a, x)));
  const root = e.sqrt(e.add(e.mul(slope, slope), e.mul(2 * depth, x)));
  const quadratic = e.div(2 * depth, e.add(slope, root));
  const tail = e.div(e.add(e.minimum(x, a), depth), a);
  const corrected = e.mul(quadratic, e.add(quadratic, 1));
  const below = e.pick(e.lt(quadratic, 1), e.minimum(tail, corrected), tail);
  const above = e.minimum(quadratic, e.log1p(e.div(e.add(e.mul(4, a), depth), x)));
  const length = e.log1p(e.pick(lower, below, above));
  let total: s.Expr | undefined;
  for (const { at, weight } of gaussLegendre(nodes)) {
    const v = e.expm1(e.mul(length, at));
    const grown = e.mul(sign, v);
    const growth = e.expm1(grown);
    const value = e.exp(e.sub(e.mul(grown, a), e.mul(x, growth)));
    const factors = [e.power(v, n), e.power(growth, m)].filter((f) => f !== undefined);
    const measure = e.mul(e.add(v, 1), weight);
    const term = factors.reduce<s.Expr>((product, f) => e.mul(product, f), e.mul(value, measure));
    total = total === undefined ? term : e.add(total, term);
  }
  return e.mul(total ?? length, length);
}

const HALF_LOG_2PI = Math.log(2 * Math.PI) / 2;
/** ln Γ(a) = (a - 1/2) ln a - a + ln(2π)/2 + Σ c_k a^-(2k+1) (DLMF 5.11.1). */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360];

/** ln(x^a e^-x/Γ(a)), from 10 on by Stirling's series, as the large terms would cancel. */
function logWeight(a: s.Expr, x: s.Expr): s.Expr {
  const inverse = e.div(1, a);
  const square = e.mul(inverse, inverse);
  const series = STIRLING.reduceRight<s.Expr>((sum, c) => e.add(e.mul(sum, square), c), e.mul(square, 0));
  const excess = e.sub(x, a);
  const ratio = e.pick(e.lt(x, e.mul(a, 0.5)), e.log(e.div(x, a)), e.log1p(e.div(excess, a)));
  const around = e.sub(e.mul(a, ratio), excess);
  const large = e.add(around, e.sub(e.mul(e.log(a), 0.5), e.add(e.mul(series, inverse), HALF_LOG_2PI)));
  const small = e.sub(e.sub(e.mul(a, e.log(x)), x), e.lgamma(a));
  return e.pick(e.lt(a, 10), small, large);
}

/** P or Q. */
function incompleteGamma(a: s.Expr, x: s.Expr, complement: boolean): s.Expr {
  const lower = isLower(a, x);
  // For a < 1 the tail of S is long: S(a) = (1 + x S(a + 1))/a (DLMF 8.8.1).
  const shifted = e.and(lower, e.lt(a, 1));
  const sum = integral(e.pick(shifted, e.add(a, 1), a), x, lower, { n: 0, m: 0 });
  const value = e.mul(e.exp(logWeight(a, x)), e.pick(shifted, e.div(e.add(e.mul(sum, x), 1), a), sum));
  const one = e.minimum(value, 1);
  const other = e.sub(1, one);
  const [atZero, atInfinity] = complement ? [1, 0] : [0, 1];
  const isNumber = e.and(e.eq(a, a), e.eq(x, x));
  const [aInfinite, xInfinite] = [e.eq(a, Infinity), e.eq(x, Infinity)];
  return e.cases(
    [
      [e.or(e.le(a, 0), e.lt(x, 0)), NaN],
      [e.and(aInfinite, xInfinite), NaN],
      [e.and(isNumber, e.or(e.eq(x, 0), aInfinite)), atZero],
      [e.and(isNumber, xInfinite), atInfinity],
    ],
    complement ? e.pick(lower, other, one) : e.pick(lower, one, other),
  );
}

const integralP = naryPrimitive<IntegralParams>('igamma_integral', 2, {
  dtypes: 'float',
  jvp: [
    (d, operands, _out, { n, m }) => {
      const [a, x] = take2(operands);
      return mul(d, mul(signOf(a, x), integralOf(a, x, { n: n + 1, m })));
    },
    (d, operands, _out, { n, m }) => mul(neg(d), integralOf(...take2(operands), { n, m: m + 1 })),
  ],
  lower: (operands, params) => {
    const [a, x] = take2(operands);
    return e.pick(e.and(e.gt(a, 0), e.gt(x, 0)), integral(a, x, isLower(a, x), params), NaN);
  },
  cost: 'expensive',
  domains: [
    [0.5, 4],
    [0.5, 6],
  ],
  exampleParams: [{ n: 1, m: 0 }],
});
const integralOf = (a: NDArray, x: NDArray, params: IntegralParams): NDArray => bind1(integralP, [a, x], params);

/** -1 where P is computed, 1 where Q is. */
function signOf(a: NDArray, x: NDArray): NDArray {
  const lower = lt(x, add(a, scalarLike(1, a)));
  return select(lower, scalarLike(-1, a), scalarLike(1, a));
}

/** x^(a-1) e^-x/Γ(a), the derivative of P by x. */
const density = (a: NDArray, x: NDArray): NDArray => exp(sub(sub(mul(sub(a, scalarLike(1, a)), log(x)), x), lgamma(a)));

/** The derivative of P by a: of w S, or minus that of w T; 0 at x = 0. */
function byShape(a: NDArray, given: NDArray): NDArray {
  const shape = elementwiseShape('igamma', [a.aval, given.aval]);
  const whole = broadcastTo(given, shape);
  const positive = gt(whole, scalarLike(0, whole));
  const x = select(positive, whole, scalarLike(1, whole));
  const sign = signOf(a, x);
  const weight = exp(sub(sub(mul(a, log(x)), x), lgamma(a)));
  const slope = mul(sub(log(x), digamma(a)), integralOf(a, x, { n: 0, m: 0 }));
  const derivative = mul(weight, add(slope, mul(sign, integralOf(a, x, { n: 1, m: 0 }))));
  return select(positive, neg(mul(sign, derivative)), scalarLike(0, x));
}

const DOMAINS = [
  [0.5, 4],
  [0.5, 6],
] as const;

/**
 * The regularized lower incomplete gamma function P(a, x) = 1/Γ(a) ∫₀ˣ t^(a-1) e^-t dt (NIST DLMF 8.2.4), for a > 0, x ≥ 0;
 * NaN elsewhere.
 *
 * Operands are float32 or float64, of one dtype and of one shape or scalar (ShapeError, DTypeError), and so is the result.
 * By Gauss-Legendre quadrature. Where x < a + 1, P is computed, elsewhere Q, and the other one is 1 minus that. For a and x
 * up to 100 the relative error of the computed one is under 1e-12 in float64 and 1e-5 in float32; it grows about like √a, to
 * 1e-11 and 5e-4 at a = 10⁶. The other one has the same as its absolute error.
 *
 * It has both derivatives: by x e^-x x^(a-1)/Γ(a), and by a that of the quadrature, which for a < 0.02 loses accuracy.
 *
 * @example
 * ```ts
 * import { lax } from 'cotangent';
 * lax.igamma(2, 1).item(); // => 0.264241
 * ```
 */
export const igamma = binary('igamma', {
  dtypes: 'float',
  jvp: [(d, a, x) => mul(d, byShape(a, x)), (d, a, x) => mul(d, density(a, x))],
  lower: (a, x) => incompleteGamma(a, x, false),
  cost: 'expensive',
  domains: DOMAINS,
});

/**
 * The regularized upper incomplete gamma function Q(a, x) = 1/Γ(a) ∫ₓ^∞ t^(a-1) e^-t dt = 1 - P(a, x) (NIST DLMF 8.2.4), for
 * a > 0, x ≥ 0; NaN elsewhere.
 *
 * Operands, errors, accuracy and derivatives as {@link igamma}: the error is relative where x ≥ a + 1, absolute below.
 *
 * @example
 * ```ts
 * import { lax } from 'cotangent';
 * lax.igammac(2, 1).item(); // => 0.735759
 * ```
 */
export const igammac = binary('igammac', {
  dtypes: 'float',
  jvp: [(d, a, x) => mul(neg(d), byShape(a, x)), (d, a, x) => mul(neg(d), density(a, x))],
  lower: (a, x) => incompleteGamma(a, x, true),
  cost: 'expensive',
  domains: DOMAINS,
});
