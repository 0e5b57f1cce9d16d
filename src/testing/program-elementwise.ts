/** The elementwise operations of random programs, with their arguments brought into their domains. */
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';

import {
  above,
  differences,
  elements,
  pickFloat,
  reportAll,
  scale,
  value,
  type Builder,
  type Operation,
  type Value,
} from './program-builder.js';

type Unary = readonly [f: (x: NDArray) => NDArray, bound: (b: number) => number];

/** Smooth functions, with their arguments brought into their domains. */
const SMOOTH: readonly Unary[] = [
  [lax.neg, (b) => b],
  [lax.sin, () => 1],
  [lax.cos, () => 1],
  [lax.tanh, () => 1],
  [lax.atan, () => 1.6],
  [lax.erf, () => 1],
  [lax.erfc, () => 2],
  [lax.logistic, () => 1],
  [lax.asinh, (b) => b],
  [lax.exp, Math.exp],
  [lax.exp2, (b) => 2 ** b],
  [lax.expm1, Math.exp],
  [lax.sinh, Math.sinh],
  [lax.cosh, Math.cosh],
  [lax.square, (b) => b * b],
  [(x) => lax.integerPow(x, 3), (b) => b ** 3],
  [(x) => lax.mul(x, 0.7), (b) => 0.7 * b],
  [(x) => lax.sub(0.5, x), (b) => b + 0.5],
  [(x) => lax.log(above(1.5, x)), (b) => Math.log(1.5 + b * b)],
  [(x) => lax.log2(above(1.5, x)), (b) => Math.log2(1.5 + b * b)],
  [(x) => lax.log1p(lax.square(x)), (b) => Math.log1p(b * b)],
  [(x) => lax.sqrt(above(0.5, x)), (b) => Math.sqrt(0.5 + b * b)],
  [(x) => lax.rsqrt(above(0.5, x)), () => 1.5],
  [(x) => lax.cbrt(above(0.5, x)), (b) => Math.cbrt(0.5 + b * b)],
  [(x) => lax.div(1, above(1, x)), () => 1],
  [(x) => lax.integerPow(above(1, x), -2), () => 1],
  [(x) => lax.acosh(above(1.5, x)), (b) => Math.acosh(1.5 + b * b)],
  [(x) => lax.asin(scale(lax.sin(x), 0.8)), () => 1],
  [(x) => lax.acos(scale(lax.sin(x), 0.8)), () => 2.6],
  [(x) => lax.atanh(scale(lax.tanh(x), 0.8)), () => 1.2],
  [(x) => lax.erfInv(scale(lax.tanh(x), 0.8)), () => 1],
  [(x) => lax.tan(scale(lax.sin(x), 0.9)), () => 1.3],
  [(x) => lax.lgamma(above(1, x)), (b) => Math.max(1, (1 + b * b) * Math.log(2 + b * b))],
  [(x) => lax.digamma(above(1, x)), (b) => 1 + Math.log(1 + b * b)],
  [(x) => lax.polygamma(1, above(1, x)), () => 1.7],
];

export const unarySmooth: Operation = (b) => {
  const v = pickFloat(b);
  if (v === undefined) return undefined;
  const [f, bound] = b.rng.pick(SMOOTH);
  return value(f(v.x), bound(v.bound));
};

export const unaryKinked: Operation = (b) => {
  const v = pickFloat(b);
  if (v === undefined || b.smooth) return undefined;
  const toInteger = (offset: number): number[] =>
    elements(v.x).map((e) => (3 * e - offset - Math.round(3 * e - offset)) / 3);
  switch (b.rng.int(0, 5)) {
    case 0:
      reportAll(b, elements(v.x));
      return value(lax.abs(v.x), v.bound);
    case 1:
      reportAll(b, elements(v.x));
      return value(lax.sign(v.x), 1);
    case 2:
      reportAll(b, toInteger(0));
      return value(lax.mul(lax.floor(scale(v.x, 3)), 0.25), v.bound + 1);
    case 3:
      reportAll(b, toInteger(0.5));
      return value(lax.round(scale(v.x, 3), b.rng.chance(0.5) ? 'TO_NEAREST_EVEN' : 'AWAY_FROM_ZERO'), 3 * v.bound + 1);
    case 4:
      reportAll(
        b,
        elements(v.x).flatMap((e) => [e + 0.7, e - 0.9]),
      );
      return value(lax.clamp(-0.7, v.x, 0.9), 0.9);
    default:
      reportAll(b, elements(v.x));
      return value(lax.max(v.x, 0), v.bound);
  }
};

/** A second operand for an elementwise operation: of the same shape, a scalar, or made to fit by a sum and a broadcast. */
function partner(b: Builder, v: Value): Value | undefined {
  const { shape } = v.x.aval;
  const same = pickFloat(b, (w) => w !== v && w.x.ndim === shape.length && w.x.shape.every((n, d) => n === shape[d]));
  if (same !== undefined && b.rng.chance(0.7)) return same;
  const other = pickFloat(b);
  if (other === undefined) return undefined;
  const scalar = other.x.ndim === 0 ? other.x : scale(lax.reduceSum(other.x), 1 / Math.max(1, other.x.size));
  return { x: b.rng.chance(0.5) ? scalar : lax.broadcastTo(scalar, shape), bound: other.bound };
}

export const binary: Operation = (b) => {
  const v = pickFloat(b);
  const w = v === undefined ? undefined : partner(b, v);
  if (v === undefined || w === undefined) return undefined;
  const sum = v.bound + w.bound;
  switch (b.rng.int(0, b.smooth ? 5 : 9)) {
    case 0:
      return value(lax.add(v.x, w.x), sum);
    case 1:
      return value(lax.sub(w.x, v.x), sum);
    case 2:
      return value(lax.mul(v.x, w.x), v.bound * w.bound);
    case 3:
      return value(lax.div(v.x, above(1.2, w.x)), v.bound);
    case 4:
      return value(lax.pow(above(0.5, v.x), lax.tanh(w.x)), 0.5 + v.bound ** 2 + 2);
    case 5:
      return value(lax.atan2(above(0.5, v.x), w.x), 3.2);
    case 6:
      reportAll(b, differences(v.x, w.x));
      return value(lax.max(v.x, w.x), Math.max(v.bound, w.bound));
    case 7:
      reportAll(b, differences(v.x, w.x));
      return value(lax.min(w.x, v.x), Math.max(v.bound, w.bound));
    case 8: {
      reportAll(b, differences(v.x, w.x));
      const { shape } = v.x.aval;
      const wide = lax.broadcastTo(w.x, shape);
      return value(lax.select(lax.lt(v.x, wide), lax.sin(v.x), lax.mul(wide, 0.5)), Math.max(1, w.bound));
    }
    default: {
      const divisor = above(1.2, w.x);
      reportAll(
        b,
        elements(lax.div(v.x, divisor)).map((q) => q - Math.round(q)),
      );
      return value(lax.rem(v.x, divisor), v.bound);
    }
  }
};
