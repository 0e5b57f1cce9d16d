/**
 * Modified Bessel functions of the first kind of orders 0 and 1, times e^-|x|, by Chebyshev expansions on [0, 8] and
 * [8, ∞), the division of S. Moshier, "Methods and Programs for Mathematical Functions" (1989; Cephes, i0e and i1e).
 */
import type { NDArray } from '../core/ndarray.js';
import * as s from '../core/scalar.js';
import { add, div, mul, scalarLike, select, sign, sub } from './arithmetic.js';
import { eq } from './compare.js';
import * as e from './expr.js';
import { unary } from './nary.js';

// Coefficients of Σ c_k T_k(t), computed by discrete cosine transforms of 64 values to 45 digits, from c_0 to the last that counts.
// On [0, 8], t = x/4 - 1: e^-x I₀(x), and e^-x I₁(x)/x. From 8 on, t = 16/x - 1: √x e^-x I₀(x), and √x e^-x I₁(x).
const I0_NEAR = {
  float32: [
    0.33839765, -0.30468267, 0.1716209, -0.0949011, 0.049305283, -0.023737416, 0.010546461, -0.00432431, 0.0016394756,
    -0.0005763756, 0.00018850289, -5.754195e-5, 1.6448448e-5, -4.416738e-6, 1.1173876e-6, -2.6707937e-7, 6.046995e-8,
    -1.300025e-8, 2.6598237e-9,
  ],
  float64: [
    0.33839763720473803, -0.3046826723431984, 0.17162090152220877, -0.09490109704804764, 0.04930528423967071,
    -0.02373741480589947, 0.010546460394594998, -0.004324309995050576, 0.0016394756169413357, -0.0005763755745385824,
    0.00018850288509584165, -5.754195010082104e-5, 1.6448448070728896e-5, -4.4167383584587505e-6, 1.1173875391201037e-6,
    -2.670793853940612e-7, 6.046995022541919e-8, -1.300025009986248e-8, 2.6598237246823866e-9, -5.189795601635263e-10,
    9.675809035373237e-11, -1.726826291441556e-11, 2.95505266312964e-12, -4.856446783111929e-13, 7.676185498604936e-14,
    -1.1685332877993451e-14, 1.715391285555133e-15, -2.431279846547955e-16, 3.3307945188222384e-17,
    -4.4153416464793395e-18,
  ],
};
const I0_FAR = {
  float32: [0.4022452, 0.0033691165, 6.8897585e-5, 2.8913705e-6, 2.0489186e-7, 2.266669e-8],
  float64: [
    0.4022452055070544, 0.0033691164782556943, 6.889758346916825e-5, 2.8913705208347567e-6, 2.0489185894690638e-7,
    2.266668990498178e-8, 3.3962320257083865e-9, 4.94060238822497e-10, 1.1889147107846439e-11, -3.1499165279632416e-11,
    -1.3215811840447713e-11, -1.7941785315068062e-12, 7.180124451383666e-13, 3.8527783827421426e-13,
    1.54008621752141e-14, -4.150569347287222e-14, -9.554846698828307e-15, 3.8116806693526224e-15,
    1.7725601330565263e-15, -3.425485619677219e-16, -2.8276239805165836e-16, 3.461222867697461e-17,
    4.46562142029676e-17, -4.830504485944182e-18, -7.233180487874754e-18,
  ],
};
const I1_NEAR = {
  float32: [
    0.1262936, -0.17641652, 0.10264366, -0.052945983, 0.024726449, -0.010564085, 0.004156423, -0.0015135724,
    0.000512286, -0.00016176082, 4.781565e-5, -1.3273164e-5, 3.4702514e-6, -8.56872e-7, 2.0032948e-7, -4.445059e-8,
    9.381537e-9, -1.8872497e-9,
  ],
  float64: [
    0.12629359322181682, -0.17641651835783406, 0.1026436586898471, -0.05294598120809499, 0.024726449030626516,
    -0.010564084894626197, 0.004156422944312888, -0.0015135724506312532, 0.0005122859561685758, -0.00016176081582589674,
    4.781565107550054e-5, -1.3273163656039436e-5, 3.4702513081376785e-6, -8.568720264695455e-7, 2.0032947535521353e-7,
    -4.445059128796328e-8, 9.381537386495773e-9, -1.8872497517228294e-9, 3.625590281552117e-10, -6.663489723502027e-11,
    1.1736186298890901e-11, -1.9839743977649436e-12, 3.223793365945575e-13, -5.042185504727912e-14,
    7.600684294735408e-15, -1.1055969477353862e-15, 1.5536319577362005e-16, -2.111421214358166e-17,
    2.7779141127610464e-18, -3.541581772542136e-19,
  ],
};
const I1_FAR = {
  float32: [0.38928813, -0.009761098, -0.00011058894, -3.8825647e-6, -2.512236e-7, -2.6314689e-8],
  float64: [
    0.38928811750914005, -0.009761097491361469, -0.00011058893876262371, -3.882564808877691e-6, -2.512236237870209e-7,
    -2.6314688468895196e-8, -3.835380385964237e-9, -5.589743462196584e-10, -1.8974958123505413e-11,
    3.2526035830154884e-11, 1.4125807436613782e-11, 2.0356285441470896e-12, -7.198551776245908e-13,
    -4.0835511110921974e-13, -2.1015418427726643e-14, 4.272440016711951e-14, 1.0420276984128802e-14,
    -3.8144030724370075e-15, -1.8803547755107825e-15, 3.3082023109209285e-16, 2.96262899764595e-16,
    -3.209525921993424e-17, -4.6503053684893586e-17, 4.414348323071708e-18, 7.517296310842105e-18,
  ],
};

/** Σ c_k T_k(t) by Clenshaw's recurrence (NIST DLMF 3.11(ii)). */
function chebyshev(t: s.Expr, coefficients: readonly number[]): s.Expr {
  const twice = e.add(t, t);
  let [b1, b2]: readonly [s.Expr, s.Expr] = [s.constant(t.type, 0), s.constant(t.type, 0)];
  for (const c of coefficients.slice(1).reverse()) {
    [b1, b2] = [e.add(e.sub(e.mul(twice, b1), b2), c), b1];
  }
  return e.add(e.sub(e.mul(t, b1), b2), coefficients[0] ?? 0);
}

type Expansion = Readonly<Record<'float32' | 'float64', readonly number[]>>;

/** The two expansions at |x|; `odd` for I₁, whose near one has a factor x taken out. */
function scaledBessel(x: s.Expr, near: Expansion, far: Expansion, odd: boolean): s.Expr {
  const a = e.abs(x);
  const isNear = e.le(a, 8);
  // Each side gets an argument inside of its interval, so that neither makes Infinity - Infinity.
  const inner = chebyshev(e.sub(e.mul(e.minimum(a, 8), 0.25), 1), e.byFormat(x, near));
  const outer = e.div(chebyshev(e.sub(e.div(16, e.pick(isNear, 8, a)), 1), e.byFormat(x, far)), e.sqrt(a));
  if (!odd) return e.pick(isNear, inner, outer);
  return e.pick(isNear, e.mul(inner, x), e.pick(e.lt(x, 0), e.neg(outer), outer));
}

/**
 * The exponentially scaled modified Bessel function e^-|x| I₀(x), I₀(x) = Σ (x²/4)ᵏ/(k!)² (NIST DLMF 10.25.2).
 *
 * Takes and returns float32 or float64 of any shape; a DTypeError for others. Relative error at most 3e-7 in float32 and
 * 5e-16 in float64, for all x. Its derivative is e^-|x| I₁(x) - sign(x) e^-|x| I₀(x) (DLMF 10.29.3).
 *
 * @example
 * ```ts
 * import { lax } from 'cotangent';
 * lax.besselI0e(2).item(); // => 0.308508
 * ```
 */
export const besselI0e = unary('bessel_i0e', {
  dtypes: 'float',
  jvp: (dx, x, y) => mul(dx, sub(besselI1e(x), mul(sign(x), y))),
  lower: (x) => scaledBessel(x, I0_NEAR, I0_FAR, false),
  cost: 'expensive',
  domain: [-10, 10],
});

/**
 * The exponentially scaled modified Bessel function e^-|x| I₁(x), I₁(x) = x/2 Σ (x²/4)ᵏ/(k! (k+1)!) (NIST DLMF 10.25.2).
 *
 * Takes and returns float32 or float64 of any shape; a DTypeError for others. Relative error at most 1.2e-6 in float32 and
 * 2e-15 in float64, for all x. Its derivative is e^-|x| I₀(x) - e^-|x| I₁(x) (sign(x) + 1/x), and 1/2 at 0 (DLMF 10.29.3).
 *
 * @example
 * ```ts
 * import { lax } from 'cotangent';
 * lax.besselI1e(2).item(); // => 0.215269
 * ```
 */
export const besselI1e = unary('bessel_i1e', {
  dtypes: 'float',
  jvp: (dx, x, y) => {
    const atZero = eq(x, scalarLike(0, x));
    // The derivative elsewhere is computed at 1 instead of 0, so that second derivatives there are no NaN.
    const safe = select(atZero, scalarLike(1, x), x);
    const elsewhere = sub(besselI0e(x), mul(y, reciprocalAndSign(safe)));
    return mul(dx, select(atZero, scalarLike(0.5, x), elsewhere));
  },
  lower: (x) => scaledBessel(x, I1_NEAR, I1_FAR, true),
  cost: 'expensive',
  domain: [-10, 10],
});

/** sign(x) + 1/x. */
const reciprocalAndSign = (x: NDArray): NDArray => add(sign(x), div(scalarLike(1, x), x));
