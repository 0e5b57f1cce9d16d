/**
 * The accuracy that is promised: for each function the greatest error in ulps, for float32 over all floats and for
 * float64. docs/accuracy.md has what was measured; the bounds leave a little room above that.
 */
import type { MathBinary, MathUnary } from '../../../src/core/scalar.js';
import * as reference from './reference.js';

export interface UnaryCase {
  readonly op: MathUnary;
  readonly reference: (x: number) => number;
  /** Where uniform samples are drawn as well. */
  readonly dense: readonly [number, number];
  readonly ulps32: number;
  readonly ulps64: number;
}
const unary = (
  op: MathUnary,
  ref: (x: number) => number,
  dense: readonly [number, number],
  ulps32: number,
  ulps64: number,
): UnaryCase => ({ op, reference: ref, dense, ulps32, ulps64 });

export const UNARY: readonly UnaryCase[] = [
  // In float32 a coefficient fewer: a fifth faster, and within the four ulps that are promised.
  unary('exp', Math.exp, [-104, 89], 2.5, 1.3),
  unary('exp2', (x) => 2 ** x, [-150, 128], 1.6, 1.7),
  unary('expm1', Math.expm1, [-5, 5], 1.6, 1.6),
  unary('log', Math.log, [0.3, 3], 1, 1),
  unary('log1p', Math.log1p, [-1, 3], 1.6, 1.6),
  unary('log2', Math.log2, [0.3, 3], 1, 1),
  unary('sin', Math.sin, [-50, 50], 2.6, 2),
  unary('cos', Math.cos, [-50, 50], 2.6, 2),
  unary('tan', Math.tan, [-50, 50], 3.8, 1.5),
  unary('asin', Math.asin, [-1, 1], 2.6, 2),
  unary('acos', Math.acos, [-1, 1], 1.5, 1.3),
  unary('atan', Math.atan, [-4, 4], 2.3, 1.7),
  unary('sinh', Math.sinh, [-4, 4], 2.4, 1.5),
  unary('cosh', Math.cosh, [-4, 4], 1.8, 1.6),
  unary('tanh', Math.tanh, [-4, 4], 2.8, 1.5),
  unary('asinh', Math.asinh, [-4, 4], 2.2, 2),
  unary('acosh', Math.acosh, [1, 4], 2.2, 2),
  unary('atanh', Math.atanh, [-1, 1], 2.4, 2),
  unary('logistic', reference.logistic, [-20, 20], 3, 2),
  unary('erf', reference.erf, [-4, 4], 2.8, 1.5),
  unary('erfc', reference.erfc, [-4, 10], 3.4, 2),
  unary('erfInv', reference.erfInv, [-1, 1], 3.8, 2),
  // As XLA computes it in float32, with the logarithm of the rounded 1 - x^2: that is what limits it.
  unary('erfInvGiles', reference.erfInv, [-1, 1], 70, 2),
  unary('cbrt', Math.cbrt, [-8, 8], 1.2, 1.2),
  unary('rsqrt', (x) => 1 / Math.sqrt(x), [0, 8], 1.5, 1.5),
  unary('round', reference.round, [-20, 20], 0, 0),
];

/** Functions with zeros at which only the absolute error is small. For negative x it is bounded in ulps of `scale`. */
export interface GammaCase extends UnaryCase {
  /** The size of the terms that cancel, at least 1/2: 1 - x is rounded too. */
  readonly scale: (x: number) => number;
}
export const GAMMA: readonly GammaCase[] = [
  {
    ...unary('lgamma', reference.lgamma, [-6, 12], 2.8, 2),
    scale: (x) =>
      Math.max(0.5, Math.abs(reference.lgamma(1 - x)) + Math.abs(reference.lgamma(x) + reference.lgamma(1 - x))),
  },
  {
    ...unary('digamma', reference.digamma, [-6, 12], 3, 2),
    scale: (x) =>
      Math.max(0.5, Math.abs(reference.digamma(1 - x)) + Math.abs(reference.digamma(x) - reference.digamma(1 - x))),
  },
];
/** Bound of the gamma functions at negative x, in ulps of the cancelling terms. */
export const REFLECTED = 4.6;

export interface BinaryCase {
  readonly op: MathBinary;
  readonly reference: (x: number, y: number) => number;
  readonly ulps32: number;
  readonly ulps64: number;
}
export const BINARY: readonly BinaryCase[] = [
  // C99 where JavaScript differs: 1 to any power and (-1) to the infinities are 1.
  {
    op: 'pow',
    reference: (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y),
    ulps32: 2.1,
    ulps64: 2,
  },
  { op: 'atan2', reference: Math.atan2, ulps32: 2.3, ulps64: 1.7 },
  { op: 'fmod', reference: (x, y) => x % y, ulps32: 0, ulps64: 0 },
];
