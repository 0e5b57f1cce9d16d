/** Short names for writing long scalar expressions: operands may be numbers, which take the type of the other operand. */
import * as s from '../core/scalar.js';

/** An expression, or a number that takes the type of the other operand. */
export type Operand = s.Expr | number;

const isExpr = (x: Operand): x is s.Expr => typeof x === 'object';

const op2 =
  (op: s.BinaryOp) =>
  (x: Operand, y: Operand): s.Expr => {
    if (isExpr(x)) return s.binary(op, x, isExpr(y) ? y : s.constant(x.type, y));
    if (isExpr(y)) return s.binary(op, s.constant(y.type, x), y);
    throw new Error(`scalar ${op} of two numbers has no type`);
  };

export const add = op2('add');
export const sub = op2('sub');
export const mul = op2('mul');
export const div = op2('div');
export const pow = op2('pow');
export const minimum = op2('min');
export const eq = op2('eq');
export const lt = op2('lt');
export const le = op2('le');
export const gt = op2('gt');
export const ge = op2('ge');
export const and = op2('and');
export const or = op2('or');

export const neg = (x: s.Expr): s.Expr => s.unary('neg', x);
export const abs = (x: s.Expr): s.Expr => s.unary('abs', x);
export const sqrt = (x: s.Expr): s.Expr => s.unary('sqrt', x);
export const exp = (x: s.Expr): s.Expr => s.unary('exp', x);
export const expm1 = (x: s.Expr): s.Expr => s.unary('expm1', x);
export const log = (x: s.Expr): s.Expr => s.unary('log', x);
export const log1p = (x: s.Expr): s.Expr => s.unary('log1p', x);
export const lgamma = (x: s.Expr): s.Expr => s.unary('lgamma', x);
export const floor = (x: s.Expr): s.Expr => s.unary('floor', x);

/** `cond ? x : y`, where one may be a number. */
export function pick(cond: s.Expr, x: Operand, y: Operand): s.Expr {
  if (isExpr(x)) return s.select(cond, x, isExpr(y) ? y : s.constant(x.type, y));
  if (isExpr(y)) return s.select(cond, s.constant(y.type, x), y);
  throw new Error('scalar select of two numbers has no type');
}

/** `cond ? x : y` of two numbers, with the type of `like`. */
export const numbers = (cond: s.Expr, like: s.Expr, x: number, y: number): s.Expr =>
  s.select(cond, s.constant(like.type, x), s.constant(like.type, y));

/** Choose by the first condition that holds. */
export const cases = (choices: readonly (readonly [s.Expr, Operand])[], otherwise: s.Expr): s.Expr =>
  choices.reduceRight<s.Expr>((rest, [condition, value]) => pick(condition, value, rest), otherwise);

/** One of two values, by the format of x. */
export const byFormat = <T>(x: s.Expr, { float32, float64 }: { readonly float32: T; readonly float64: T }): T =>
  x.type === 'float32' ? float32 : float64;

/** x to a small natural power, by repeated multiplication; `undefined` is the factor 1. */
export function power(x: s.Expr, n: number): s.Expr | undefined {
  if (n === 0) return undefined;
  const half = power(x, n >> 1);
  const square = half === undefined ? undefined : mul(half, half);
  if (n % 2 === 0) return square;
  return square === undefined ? x : mul(square, x);
}
