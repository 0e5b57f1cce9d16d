/**
 * The scalar IR: typed expressions over loads, loop variables and accumulators. A primitive's `lower` rule
 * builds one, the compiler fuses and simplifies them, and every backend prints them. An expression is a
 * DAG: nodes that are the same object are computed once.
 *
 * `int64` exists only in here (the bits of a float64); no array has it.
 */
import type { DType } from './dtype.js';

export type ScalarType = DType | 'int64';

/** Operations that every backend prints natively. */
export type BasicUnary =
  | 'neg' // float, int (wraps)
  | 'abs' // float, int (|INT_MIN| = INT_MIN)
  | 'sqrt' // float, correctly rounded
  | 'floor'
  | 'ceil'
  | 'trunc'
  | 'rint' // float; rint rounds half to even
  | 'not' // bool: logical; ints: bitwise
  | 'popcount'
  | 'clz'; // int32, uint32

/** Operations that a backend may print itself or have expanded into basic ones by compiler/math. */
export type MathUnary =
  | 'exp'
  | 'exp2'
  | 'expm1'
  | 'log'
  | 'log1p'
  | 'log2'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'tanh'
  | 'asinh'
  | 'acosh'
  | 'atanh'
  | 'logistic'
  | 'erf'
  | 'erfc'
  | 'erfInv'
  | 'erfInvGiles' // float32: as XLA computes erfInv, for random numbers that agree with JAX's; float64: erfInv
  | 'lgamma'
  | 'digamma'
  | 'cbrt'
  | 'rsqrt'
  | 'round'; // round: half away from zero

export type BasicBinary =
  | 'add'
  | 'sub'
  | 'mul' // float; ints wrap
  | 'div' // float: IEEE; ints: truncating, x/0 = -1 (all ones), INT_MIN/-1 = INT_MIN, as XLA
  | 'rem' // ints only: sign of the dividend, x%0 = x, as XLA
  | 'min'
  | 'max' // float: NaN if either is NaN, min(-0, 0) = -0; ints; bool (and / or)
  | 'and'
  | 'or'
  | 'xor' // bool: logical; ints: bitwise
  | 'shl'
  | 'shrLogical'
  | 'shrArithmetic' // int32, uint32, int64; a shift count outside [0, bits) is the caller's to mask
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge'; // any type -> bool; float comparisons with NaN are false (ne is true)

export type MathBinary =
  | 'pow'
  | 'atan2'
  | 'fmod' // fmod: exact C fmod, sign of the dividend
  | 'nextafter';

export type UnaryOp = BasicUnary | MathUnary;
export type BinaryOp = BasicBinary | MathBinary;

export interface Const {
  readonly op: 'const';
  readonly type: ScalarType;
  /** A number; for `int64` a bigint; for `bool` 0 or 1. */
  readonly value: number | bigint;
}
/** A loop variable of the kernel, an int32 in [0, extent). */
export interface LoopVar {
  readonly op: 'var';
  readonly type: 'int32';
  readonly id: number;
  readonly extent: number;
}
/** Element `index` (in elements, int32) of the kernel's buffer slot `buffer`. The index is always in bounds. */
export interface Load {
  readonly op: 'load';
  readonly type: DType;
  readonly buffer: number;
  readonly index: Expr;
}
/** The value of an accumulator of an earlier stage, or inside its own stage its value so far. */
export interface AccRef {
  readonly op: 'acc';
  readonly type: DType;
  readonly id: number;
}
export interface UnaryExpr {
  readonly op: UnaryOp;
  readonly type: ScalarType;
  readonly x: Expr;
}
export interface BinaryExpr {
  readonly op: BinaryOp;
  readonly type: ScalarType;
  readonly x: Expr;
  readonly y: Expr;
}
/**
 * `cond ? x : y`. A backend may evaluate both sides, except that a `load` that is reached only through one
 * side of a select must not trap or read out of bounds when the other side is chosen: its index is clamped
 * by whoever builds it.
 */
export interface SelectExpr {
  readonly op: 'select';
  readonly type: ScalarType;
  readonly cond: Expr;
  readonly x: Expr;
  readonly y: Expr;
}
/**
 * `convert`: to bool is `x != 0`; float to int truncates and saturates, NaN is 0 (XLA); ints wrap.
 * `bitcast`: between float32, int32 and uint32, or between float64 and int64.
 */
export interface CastExpr {
  readonly op: 'convert' | 'bitcast';
  readonly type: ScalarType;
  readonly x: Expr;
}
export type Expr = Const | LoopVar | Load | AccRef | UnaryExpr | BinaryExpr | SelectExpr | CastExpr;

const COMPARISONS: ReadonlySet<string> = new Set(['eq', 'ne', 'lt', 'le', 'gt', 'ge']);

export const constant = (type: ScalarType, value: number | bigint): Const => ({ op: 'const', type, value });
export const int = (value: number): Const => constant('int32', value);
export const bool = (value: boolean): Const => constant('bool', value ? 1 : 0);
export const loopVar = (id: number, extent: number): LoopVar => ({ op: 'var', type: 'int32', id, extent });
export const load = (type: DType, buffer: number, index: Expr): Load => ({ op: 'load', type, buffer, index });
export const accRef = (type: DType, id: number): AccRef => ({ op: 'acc', type, id });

export const unary = (op: UnaryOp, x: Expr): UnaryExpr => ({ op, type: x.type, x });

export function binary(op: BinaryOp, x: Expr, y: Expr): BinaryExpr {
  if (x.type !== y.type) throw new Error(`scalar ${op}: operand types differ, ${x.type} and ${y.type}`);
  return { op, type: COMPARISONS.has(op) ? 'bool' : x.type, x, y };
}

export function select(cond: Expr, x: Expr, y: Expr): Expr {
  if (cond.type !== 'bool') throw new Error(`scalar select: condition is ${cond.type}, not bool`);
  if (x.type !== y.type) throw new Error(`scalar select: branch types differ, ${x.type} and ${y.type}`);
  if (cond.op === 'const') return Number(cond.value) !== 0 ? x : y;
  return { op: 'select', type: x.type, cond, x, y };
}

export const convert = (type: ScalarType, x: Expr): Expr => (x.type === type ? x : { op: 'convert', type, x });
export const bitcast = (type: ScalarType, x: Expr): Expr => (x.type === type ? x : { op: 'bitcast', type, x });

/** The direct operands of a node, in evaluation order. */
export function operandsOf(e: Expr): readonly Expr[] {
  switch (e.op) {
    case 'const':
    case 'var':
    case 'acc':
      return [];
    case 'load':
      return [e.index];
    case 'select':
      return [e.cond, e.x, e.y];
    default:
      return 'y' in e ? [e.x, e.y] : [e.x];
  }
}

/** The node with its operands replaced; the same object where none changes. */
export function mapOperands(e: Expr, f: (operand: Expr) => Expr): Expr {
  const before = operandsOf(e);
  const after = before.map(f);
  if (after.every((operand, i) => operand === before[i])) return e;
  switch (e.op) {
    case 'const':
    case 'var':
    case 'acc':
      return e;
    case 'load':
      return { ...e, index: f(e.index) };
    case 'select':
      return { ...e, cond: f(e.cond), x: f(e.x), y: f(e.y) };
    case 'convert':
    case 'bitcast':
      return { ...e, x: f(e.x) };
    default:
      return 'y' in e ? { ...e, x: f(e.x), y: f(e.y) } : { ...e, x: f(e.x) };
  }
}
