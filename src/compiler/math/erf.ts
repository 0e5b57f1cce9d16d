/**
 * The error function, its complement and its inverse. Polynomials from scripts/minimax.py unless a source is named.
 */
import type { Expr } from '../../core/scalar.js';
import {
  abs,
  add,
  and,
  atMost,
  byFormat,
  div,
  eq,
  fastTwoSum,
  formatOf,
  gt,
  le,
  literal,
  lt,
  mul,
  neg,
  pick,
  poly,
  polyOf,
  split,
  sqrt,
  sub,
  twoProduct,
  withSignOf,
} from './builder.js';
import type { Pair } from './builder.js';
import { expScaled, expScaledPair } from './exp.js';
import { log, log1p, logOfPair } from './log.js';

// erf x = x + x p(x^2) for |x| <= 1; error 2^-29.4, 2^-56.0.
const ERF = {
  float32: [0.12837917, -0.37612626, 0.11283579, -0.026853347, 0.005187162, -0.0007997853, 7.806903e-5],
  float64: [
    0.12837916709551256, -0.37612638903183343, 0.11283791670936949, -0.02686617064195855, 0.0052239775967275375,
    -0.0008548325484418111, 0.00012055280473588945, -1.4924465088010535e-5, 1.6444142392634264e-6,
    -1.618391807945378e-7, 1.3616338449820737e-8, -7.607057340923317e-10,
  ],
};
// erf x = 1 - p(x)^-8 for 1 <= x <= 3.93, where it rounds to 1; absolute error 2^-26.4.
const ERF_TAIL32 = [
  0.99637777, 0.15971969, 0.048418093, 0.07480498, -0.03370378, 0.01799976, -0.00405232, 0.0005479069,
];
// e^(x^2) erfc(x) (1 + 2 x) = c + q p(q), q = (x - 4)/(x + 4), 0 <= x <= 10.1 (27.3); error 2^-25.4, 2^-57.2.
// c in two words, as its rounding would count.
const ERFC_C = [1.2329952, 1.2329951186255526] as const;
const ERFC_C_LOW = [-1.7411468e-8, -4.526838578850129e-17] as const;
const ERFC = {
  float32: [
    -0.13962108, 0.015377377, 0.06809372, -0.10099074, 0.09381744, -0.06663818, 0.03642406, -0.015889164, 0.0070251054,
    0.0008848155,
  ],
  float64: [
    -0.13962111684056253, 0.01537965210261966, 0.06809705425469544, -0.10103906603629993, 0.09373283499825064,
    -0.06633036581231051, 0.03716751553909768, -0.016197734056753267, 0.005031969963508119, -0.0007577732959894378,
    -0.00019925661628335172, 0.00015062171300383144, -2.4399480173836627e-5, -1.1222168807839611e-5,
    5.710292344355901e-6, 2.94174604150055e-7, -8.261079895613592e-7, 7.403192117667808e-8, 1.104395129515071e-7,
    -1.7372663947750476e-8, -1.4090444437300525e-8, 1.6323425589637987e-9, 1.1852634797143324e-9,
  ],
};

/** erfc of a not negative number, and e^(-a^2); the exponential takes the square in two words and the rounding error of 1 + 2 a. */
function erfcPositive(ax: Expr): { readonly value: Expr; readonly gauss: Expr } {
  const a = atMost(ax, byFormat(ax, 10.1, 27.3)); // erfc rounds to zero
  const parts = split(a);
  const square = mul(a, a);
  const squareLow = add(sub(mul(parts.hi, parts.hi), square), mul(add(a, parts.hi), parts.lo));
  const twice = add(a, a);
  const d = add(twice, 1);
  const dLow = sub(twice, sub(d, 1)); // exact but where it no longer matters
  const minusSquareLow = neg(add(squareLow, div(dLow, d)));
  const q = sub(div(twice, add(a, 4)), 1); // (a - 4)/(a + 4), whose error is small where the polynomial is steep
  const c = byFormat(a, ...ERFC_C);
  const rest = add(mul(q, polyOf(q, ERFC)), byFormat(a, ...ERFC_C_LOW)); // less than c in size
  if (a.type === 'float64') {
    // Two ulps leave no room for the roundings of the exponential, the polynomial, the product and the quotient.
    const { p, s } = expScaledPair(neg(square), minusSquareLow);
    const scaled = fastTwoSum(literal(a.type, c), rest);
    const product = twoProduct(p.hi, scaled.hi);
    const low = add(product.lo, add(mul(p.hi, scaled.lo), mul(p.lo, scaled.hi)));
    const quotient = div(product.hi, d);
    const back = twoProduct(quotient, d);
    const value = add(div(add(sub(sub(product.hi, back.hi), back.lo), low), d), quotient);
    return { value: mul(value, s, s), gauss: mul(p.hi, s, s) };
  }
  const { p, s } = expScaled(neg(square), minusSquareLow);
  const scaled = add(rest, c);
  return { value: mul(div(mul(p, scaled), d), s, s), gauss: mul(p, s, s) };
}

/** erfc a for 1 <= a, to about 2^-26 absolutely. */
function erfTail32(a: Expr): Expr {
  const p = poly(atMost(a, 3.93), ERF_TAIL32);
  const p2 = mul(p, p);
  const p4 = mul(p2, p2);
  return div(literal(a.type, 1), mul(p4, p4));
}

/** Error function, 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. */
export function erf(x: Expr): Expr {
  const a = abs(x);
  const far = sub(1, x.type === 'float32' ? erfTail32(a) : erfcPositive(a).value);
  return withSignOf(pick(lt(a, 1), erfNear(a), far), x);
}

/** erf x for |x| <= 1. */
const erfNear = (x: Expr): Expr => add(mul(x, polyOf(mul(x, x), ERF)), x);

/** The same in two words. */
const erfPair = (x: Expr): Pair => fastTwoSum(x, mul(x, polyOf(mul(x, x), ERF)));

/** 1 - erf x, accurate in the tail. */
export function erfc(x: Expr): Expr {
  const a = abs(x);
  const y = erfcPositive(a).value;
  const far = pick(lt(x, 0), sub(2, y), y);
  const { hi, lo } = erfPair(x);
  const rest = sub(1, hi);
  const near = add(sub(sub(sub(1, rest), hi), lo), rest);
  return pick(and(lt(a, 1), lt(x, 0.5)), near, far);
}

// M. Giles, "Approximating the erfinv function", GPU Computing Gems (2012), single precision, as in XLA's ErfInv32.
const GILES_NEAR = [
  1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-6, -3.5233877e-6, 3.43273939e-7,
  2.81022636e-8,
];
const GILES_FAR = [
  2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322, 0.000100950558,
  -0.000200214257,
];

/** With w = -log(1 - x^2) rounded: what XLA computes is that of the rounded square. */
function giles(x: Expr, w: Expr): Expr {
  const near = lt(w, 5);
  const t = pick(near, sub(w, 2.5), sub(sqrt(w), 3));
  const p = selectedPoly(t, [near], [GILES_NEAR, GILES_FAR]);
  return pick(eq(abs(x), 1), mul(x, Infinity), mul(p, x));
}

/** A polynomial whose coefficients are picked by the first condition that holds, lowest power first. */
function selectedPoly(t: Expr, conditions: readonly Expr[], lists: readonly (readonly number[])[]): Expr {
  const length = lists[0]?.length ?? 0;
  const coefficient = (k: number): Expr => {
    const values = lists.map((list) => literal(t.type, list[k] ?? NaN));
    const last = values.at(-1) ?? literal(t.type, NaN);
    return conditions.reduceRight<Expr>((otherwise, c, i) => pick(c, values[i] ?? last, otherwise), last);
  };
  let sum = coefficient(length - 1);
  for (let k = length - 2; k >= 0; k--) sum = add(mul(sum, t), coefficient(k));
  return sum;
}

// M. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37 (1988), PPND16 (as doubles).
const AS241_P = [
  [
    3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
    33430.57558358813, 2509.0809287301227,
  ],
  [
    1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
    0.2417807251774506, 0.022723844989269184, 0.0007745450142783414,
  ],
  [
    6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
    0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
  ],
];
const AS241_Q = [
  [
    1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
    28729.085735721943, 5226.495278852854,
  ],
  [
    1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
    0.0005475938084995345, 1.0507500716444169e-9,
  ],
  [
    1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
    1.421511758316446e-7, 2.0442631033899397e-15,
  ],
];

/** With p = (1 + x) / 2 the normal quantile of AS 241 is sqrt(2) erfInv(x); its q is x / 2 and its tail is (1 - |x|) / 2. */
function quantile64(x: Expr): Expr {
  const ax = abs(x);
  const half = mul(ax, 0.5);
  const central = le(half, 0.425);
  const tail = sqrt(neg(log(mul(sub(1, ax), 0.5))));
  const middle = le(tail, 5);
  const r = pick(central, sub(0.180625, mul(half, half)), pick(middle, sub(tail, 1.6), sub(tail, 5)));
  const ratio = div(selectedPoly(r, [central, middle], AS241_P), selectedPoly(r, [central, middle], AS241_Q));
  return mul(pick(central, mul(ratio, half), ratio), Math.SQRT1_2);
}

/** One step of Newton's method from {@link quantile64}, with the error function in two words, or its complement above 1. */
function erfInv64(x: Expr): Expr {
  const a = abs(x);
  const y = quantile64(x);
  const near = lt(y, 1);
  const small = pick(near, y, 0.5);
  const z = mul(small, small);
  const e = erfPair(small);
  const excess = add(sub(e.hi, a), e.lo);
  const growth = poly(z, [1, 1, 1 / 2, 1 / 6, 1 / 24]); // e^z, to a few bits
  const { value, gauss } = erfcPositive(pick(near, 1, y));
  const step = mul(pick(near, mul(excess, growth), div(sub(sub(1, a), value), gauss)), Math.sqrt(Math.PI) / 2);
  const edges = pick(gt(a, 1), NaN, pick(eq(a, 1), Infinity, sub(y, step)));
  return withSignOf(edges, x);
}

/** -log(1 - x^2) with 1 - x^2 in two words, for |x| <= 1. */
function minusLogOneMinusSquare(x: Expr): Expr {
  const square = twoProduct(x, x);
  const u = fastTwoSum(literal(x.type, 1), neg(square.hi));
  return neg(logOfPair({ hi: u.hi, lo: sub(u.lo, square.lo) }));
}

/** Inverse of erf on [-1, 1]; infinite at the ends, NaN outside. */
export const erfInv = (x: Expr): Expr =>
  formatOf(x).type === 'float32' ? giles(x, minusLogOneMinusSquare(x)) : erfInv64(x);

/** The same as XLA computes it in float32. */
export const erfInvGiles = (x: Expr): Expr =>
  formatOf(x).type === 'float32' ? giles(x, neg(log1p(mul(neg(x), x)))) : erfInv64(x);
