/**
 * Double-precision references for the float32 functions: Math.* where V8's are good to an ulp or two of a double, else
 * series and continued fractions (Abramowitz and Stegun 6.1.40, 6.3.18, 7.1.6, 7.1.14), good to 2^-40 or better here.
 */

/** erf x for |x| < 3 by its series (7.1.6). */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return ((2 * Math.exp(-x * x)) / Math.sqrt(Math.PI)) * sum;
}
/** erfc x for x >= 2 by its continued fraction (7.1.14), from the far end. */
function erfcFraction(x: number): number {
  let tail = 0;
  for (let k = 120; k >= 1; k--) tail = k / 2 / (x + tail);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + tail);
}
export const erf = (x: number): number =>
  Number.isNaN(x) || x === 0 ? x : Math.abs(x) < 2.5 ? erfSeries(x) : Math.sign(x) * (1 - erfcFraction(Math.abs(x)));
export const erfc = (x: number): number => (x >= 2 ? (x > 20 ? 0 : erfcFraction(x)) : x < -6 ? 2 : 1 - erf(x));

export function erfInv(x: number): number {
  const a = Math.abs(x);
  if (a > 1 || Number.isNaN(x)) return NaN;
  if (a === 1) return x * Infinity;
  if (x === 0) return x;
  const w = -Math.log((1 - a) * (1 + a));
  let y = w < 5 ? a * 0.886 * (1 + 0.26 * a * a) : Math.sqrt(w - 0.5 * Math.log(w) - 0.57);
  for (let i = 0; i < 60; i++) {
    const excess = a < 0.5 ? erf(y) - a : 1 - a - erfc(y);
    const step = excess / ((2 / Math.sqrt(Math.PI)) * Math.exp(-y * y));
    const halley = step / (1 + y * step);
    y -= halley;
    if (Math.abs(halley) < 1e-16 * y) break;
  }
  return Math.sign(x) * y;
}

export const logistic = (x: number): number => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));

/** log gamma of a positive number, moved up to where Stirling's series converges. */
function lgammaPositive(x: number): number {
  if (x === 1 || x === 2) return 0;
  if (x > 1e17) return x * (Math.log(x) - 1);
  let y = x;
  let product = 1;
  for (; y < 15; y++) product *= y;
  const v = 1 / (y * y);
  const series = (1 / 12 - v * (1 / 360 - v * (1 / 1260 - v * (1 / 1680 - v * (1 / 1188 - v * (691 / 360360)))))) / y;
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - Math.log(product);
}
/** sin(pi a) with the integer part taken out first. */
const sinPi = (a: number): number => {
  const d = a - Math.round(a);
  return Math.abs(d) > 0.25 ? Math.sign(d) * Math.cos(Math.PI * (0.5 - Math.abs(d))) : Math.sin(Math.PI * d);
};
export function lgamma(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) === Infinity || (x <= 0 && Number.isInteger(x))) return Infinity;
  if (x > 0) return lgammaPositive(x);
  // sin(pi x) / pi is x itself where the product would be subnormal
  const sine = x > -1e-9 ? -x : Math.abs(sinPi(x)) / Math.PI;
  return -Math.log(sine) - lgammaPositive(1 - x);
}
export function digamma(x: number): number {
  if (x === Infinity) return x;
  if (Number.isNaN(x) || x === -Infinity || (x <= 0 && Number.isInteger(x))) return NaN;
  const d = x - Math.round(x);
  let sum = x < 0 ? -Math.PI / Math.tan(Math.PI * d) : 0;
  let y = x < 0 ? 1 - x : x;
  for (; y < 20; y++) sum -= 1 / y;
  const v = 1 / (y * y);
  const series = v * (1 / 12 - v * (1 / 120 - v * (1 / 252 - v * (1 / 240 - v * (1 / 132)))));
  return sum + (Math.log(y) - 0.5 / y - series);
}

export function round(x: number): number {
  const t = Math.trunc(x);
  return Math.abs(x - t) >= 0.5 ? t + Math.sign(x) : t;
}
