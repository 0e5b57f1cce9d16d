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
  | 'floor' | 'ceil' | 'trunc' | 'rint' // float; rint rounds half to even
  | 'not' // bool: logical; ints: bitwise
  | 'popcount' | 'clz'; // int32, uint32

/** Operations that a backend may print itself or have expanded into basic ones by compiler/math. */
export type MathUnary =
  | 'exp' | 'exp2' | 'expm1' | 'log' | 'log1p' | 'log2' | 'sin' | 'cos' | 'tan' | 'asin' | 'acos' | 'atan'
  | 'sinh' | 'cosh' | 'tanh' | 'asinh' | 'acosh' | 'atanh' | 'logistic' | 'erf' | 'erfc' | 'erfInv'
  | 'lgamma' | 'digamma' | 'cbrt' | 'rsqrt' | 'round'; // round: half away from zero

export type BasicBinary =
  | 'add' | 'sub' | 'mul' // float; ints wrap
  | 'div' // float: IEEE; ints: truncating, x/0 = -1 (all ones), INT_MIN/-1 = INT_MIN, as XLA
  | 'rem' // ints only: sign of the dividend, x%0 = x, as XLA
  | 'min' | 'max' // float: NaN if either is NaN, min(-0, 0) = -0; ints; bool (and / or)
  | 'and' | 'or' | 'xor' // bool: logical; ints: bitwise
  | 'shl' | 'shrLogical' | 'shrArithmetic' // int32, uint32, int64; a shift count outside [0, bits) is the caller's to mask
  | 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'; // any type -> bool; float comparisons with NaN are false (ne is true)

export type MathBinary =
  | 'pow' | 'atan2' | 'fmod' // fmod: exact C fmod, sign of the dividend
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

// Index arithmetic, simplified as it is built. Indices are non-negative and in range, so truncating division is
// floor division, and intervals (see `maxOf`) decide most quotients and remainders.

const constantOf = (e: Expr): number | undefined => (e.op === 'const' ? Number(e.value) : undefined);

/** An upper bound of an index expression that is at least 0, or Infinity. */
export function maxOf(e: Expr): number {
  switch (e.op) {
    case 'const':
      return Number(e.value);
    case 'var':
      return e.extent - 1;
    case 'add':
      return maxOf(e.x) + maxOf(e.y);
    case 'mul':
      return maxOf(e.x) * maxOf(e.y);
    case 'sub':
      return isNonNegative(e.y) ? maxOf(e.x) : Infinity;
    case 'div': {
      const d = constantOf(e.y);
      return d === undefined ? Infinity : Math.floor(maxOf(e.x) / d);
    }
    case 'rem': {
      const d = constantOf(e.y);
      return d === undefined ? Infinity : Math.min(maxOf(e.x), d - 1);
    }
    default:
      return Infinity;
  }
}

function isNonNegative(e: Expr): boolean {
  switch (e.op) {
    case 'const':
      return Number(e.value) >= 0;
    case 'var':
      return true;
    case 'add':
    case 'mul':
    case 'div':
    case 'rem':
      return isNonNegative(e.x) && isNonNegative(e.y);
    case 'sub':
      return e.x.op === 'const' && Number(e.x.value) >= maxOf(e.y);
    default:
      return false;
  }
}

export function addIndex(x: Expr, y: Expr): Expr {
  const a = constantOf(x);
  const b = constantOf(y);
  if (a !== undefined && b !== undefined) return int(a + b);
  if (a === 0) return y;
  if (b === 0) return x;
  // q*d + r with q = x/d and r = x%d is x again.
  if (x.op === 'mul' && y.op === 'rem' && x.x.op === 'div' && x.x.x === y.x && constantOf(x.y) === constantOf(x.x.y) && constantOf(x.y) === constantOf(y.y)) {
    return y.x;
  }
  return binary('add', x, y);
}

export function subIndex(x: Expr, y: Expr): Expr {
  const a = constantOf(x);
  const b = constantOf(y);
  if (a !== undefined && b !== undefined) return int(a - b);
  if (b === 0) return x;
  if (b !== undefined) return addIndex(x, int(-b));
  return binary('sub', x, y);
}

export function mulIndex(x: Expr, factor: number): Expr {
  const a = constantOf(x);
  if (a !== undefined) return int(a * factor);
  if (factor === 0) return int(0);
  if (factor === 1) return x;
  if (x.op === 'mul') {
    const inner = constantOf(x.y);
    if (inner !== undefined) return mulIndex(x.x, inner * factor);
  }
  if (x.op === 'add') return addIndex(mulIndex(x.x, factor), mulIndex(x.y, factor));
  return binary('mul', x, int(factor));
}

/** Terms of a sum. */
function terms(e: Expr): Expr[] {
  return e.op === 'add' ? [...terms(e.x), ...terms(e.y)] : [e];
}

/** Whether every value of `e` is a multiple of `d` because of a constant factor. */
function multipleOf(e: Expr, d: number): boolean {
  const c = e.op === 'mul' ? constantOf(e.y) : constantOf(e);
  return c !== undefined && c % d === 0;
}

function exactDiv(e: Expr, d: number): Expr {
  if (e.op === 'mul') return mulIndex(e.x, (constantOf(e.y) ?? 0) / d);
  return int((constantOf(e) ?? 0) / d);
}

/** Split a sum into the terms that are multiples of `d` and the rest, if the rest is in [0, inf). */
function splitMultiples(e: Expr, d: number): { multiple: Expr; rest: Expr } | undefined {
  const all = terms(e);
  const rest = all.filter((t) => !multipleOf(t, d));
  if (rest.length === all.length || !rest.every(isNonNegative)) return undefined;
  const sum = (list: readonly Expr[]): Expr => list.reduce<Expr>((acc, t) => addIndex(acc, t), int(0));
  return { multiple: sum(all.filter((t) => multipleOf(t, d)).map((t) => exactDiv(t, d))), rest: sum(rest) };
}

/** Floor quotient of a non-negative index by a positive constant. */
export function divIndex(x: Expr, d: number): Expr {
  if (d === 1) return x;
  const a = constantOf(x);
  if (a !== undefined) return int(Math.floor(a / d));
  if (isNonNegative(x) && maxOf(x) < d) return int(0);
  const split = splitMultiples(x, d);
  if (split !== undefined) return addIndex(split.multiple, divIndex(split.rest, d));
  if (x.op === 'div') {
    const inner = constantOf(x.y);
    if (inner !== undefined) return divIndex(x.x, inner * d);
  }
  return binary('div', x, int(d));
}

/** Remainder of a non-negative index by a positive constant. */
export function modIndex(x: Expr, d: number): Expr {
  if (d === 1) return int(0);
  const a = constantOf(x);
  if (a !== undefined) return int(a % d);
  if (isNonNegative(x) && maxOf(x) < d) return x;
  const split = splitMultiples(x, d);
  if (split !== undefined) return modIndex(split.rest, d);
  return binary('rem', x, int(d));
}
