/**
 * Scalar operations on numbers, with the very bits that compiled code has: float32 results are those of float64 rounded
 * once more, which for these operations is the correctly rounded result (Figueroa, "When is double rounding innocuous?",
 * SIGNUM 1995). Mathematical functions are left to the code that computes them at run time.
 */
import { isFloat as isFloatDType } from '../../core/dtype.js';
import { roundToHalf } from '../../core/half.js';
import type { BinaryExpr, CastExpr, Expr, ScalarType, UnaryExpr } from '../../core/scalar.js';

const isFloat = (type: ScalarType): boolean => type !== 'int64' && isFloatDType(type);

/** A number as a value of `type`, wrapped or rounded; undefined for int64. */
export function valueOf(type: ScalarType, x: number): number | undefined {
  switch (type) {
    case 'float16':
      return roundToHalf(x);
    case 'float32':
      return Math.fround(x);
    case 'float64':
      return x;
    case 'int32':
      return x | 0;
    case 'uint32':
      return x >>> 0;
    case 'bool':
      return x !== 0 ? 1 : 0;
    case 'int64':
      return undefined;
  }
}

function unary(e: UnaryExpr, x: number): number | undefined {
  switch (e.op) {
    case 'neg':
      return -x;
    case 'abs':
      return Math.abs(x);
    case 'sqrt':
      return isFloat(e.type) ? Math.sqrt(x) : undefined;
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'trunc':
      return Math.trunc(x);
    case 'not':
      return e.type === 'bool' ? 1 - x : ~x;
    default:
      return undefined;
  }
}

const extremum = (pick: (x: number, y: number) => number, x: number, y: number): number =>
  Number.isNaN(x) || Number.isNaN(y) ? NaN : pick(x, y);

function binary(e: BinaryExpr, x: number, y: number): number | undefined {
  const { type } = e.x;
  switch (e.op) {
    case 'add':
      return type === 'bool' ? undefined : x + y;
    case 'sub':
      return type === 'bool' ? undefined : x - y;
    case 'mul':
      return isFloat(type) ? x * y : type === 'bool' ? undefined : Math.imul(x, y);
    case 'div':
      return isFloat(type) ? x / y : undefined;
    case 'min':
      return extremum(Math.min, x, y);
    case 'max':
      return extremum(Math.max, x, y);
    case 'and':
      return isFloat(type) ? undefined : x & y;
    case 'or':
      return isFloat(type) ? undefined : x | y;
    case 'xor':
      return isFloat(type) ? undefined : x ^ y;
    case 'eq':
      return x === y ? 1 : 0;
    case 'ne':
      return x !== y ? 1 : 0;
    case 'lt':
      return x < y ? 1 : 0;
    case 'le':
      return x <= y ? 1 : 0;
    case 'gt':
      return x > y ? 1 : 0;
    case 'ge':
      return x >= y ? 1 : 0;
    default:
      return undefined;
  }
}

function cast(e: CastExpr, x: number): number | undefined {
  if (e.op === 'bitcast') return undefined;
  const from = e.x.type;
  if (isFloat(from) && (e.type === 'int32' || e.type === 'uint32')) {
    // Truncates and saturates; NaN is 0.
    const [lo, hi] = e.type === 'int32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
    return Number.isNaN(x) ? 0 : Math.min(hi, Math.max(lo, Math.trunc(x)));
  }
  return x;
}

/** The value of a node whose operands are numbers, or undefined where it is not known here. */
export function evaluateNode(e: Expr, operands: readonly number[]): number | undefined {
  const [x, y, z] = operands;
  let value: number | undefined;
  switch (e.op) {
    case 'const':
      value = typeof e.value === 'number' ? e.value : undefined;
      break;
    case 'var':
    case 'load':
    case 'acc':
      return undefined;
    case 'select':
      value = x === 0 ? z : y;
      break;
    case 'convert':
    case 'bitcast':
      value = x === undefined ? undefined : cast(e, x);
      break;
    default:
      if (x === undefined) return undefined;
      value = 'y' in e ? (y === undefined ? undefined : binary(e, x, y)) : unary(e, x);
  }
  return value === undefined ? undefined : valueOf(e.type, value);
}
