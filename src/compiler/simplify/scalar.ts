/**
 * Algebra of scalar expressions: constants are folded, and operations that change no bit are left out. x + 0 stays (it is
 * 0 for -0), x - x stays (it is NaN for infinities); x - 0 and x + -0 do not.
 */
import {
  binary,
  constant,
  convert,
  mapOperands,
  operandsOf,
  select,
  unary,
  type BinaryExpr,
  type Expr,
  type ScalarType,
} from '../../core/scalar.js';
import { evaluateNode, valueOf } from './evaluate.js';

const isFloat = (type: ScalarType): boolean => type === 'float32' || type === 'float64';
const isInteger = (type: ScalarType): boolean => type === 'int32' || type === 'uint32';

/** The value of a constant, as its type has it. */
const numberOf = (e: Expr): number | undefined =>
  e.op === 'const' && typeof e.value === 'number' ? valueOf(e.type, e.value) : undefined;

/** Whether `e` is this constant, the sign of zero included. */
const is = (e: Expr, value: number): boolean => {
  const n = numberOf(e);
  return n !== undefined && Object.is(n, value);
};

/** 1 / x where that is exact and x · (1 / y) = x / y for every x: a power of two. */
function reciprocal(type: ScalarType, x: number): number | undefined {
  const inverse = 1 / x;
  const isPower = Number.isFinite(inverse) && inverse !== 0 && Number.isInteger(Math.log2(Math.abs(x)));
  // Within the normal numbers of float32 and more so of float64.
  return isPower && Math.abs(Math.log2(Math.abs(x))) < (type === 'float32' ? 126 : 1022) ? inverse : undefined;
}

/** Creates a simplifier that remembers what it has seen, so that shared nodes stay shared. */
export function createSimplifier(): (e: Expr) => Expr {
  const memo = new Map<Expr, Expr>();
  const simplify = (e: Expr): Expr => {
    const known = memo.get(e);
    if (known !== undefined) return known;
    const result = fold(mapOperands(e, simplify));
    memo.set(e, result);
    memo.set(result, result);
    return result;
  };
  return simplify;
}

function fold(e: Expr): Expr {
  const operands = operandsOf(e);
  if (operands.length > 0 && operands.every((x) => x.op === 'const')) {
    const numbers = operands.map(numberOf).filter((x) => x !== undefined);
    const value = numbers.length === operands.length ? evaluateNode(e, numbers) : undefined;
    if (value !== undefined) return constant(e.type, value);
  }
  switch (e.op) {
    case 'const':
    case 'var':
    case 'acc':
    case 'load':
      return e;
    case 'select': {
      if (e.x === e.y) return e.x;
      if (e.cond.op === 'not') return fold({ ...e, cond: e.cond.x, x: e.y, y: e.x });
      if (e.type === 'bool' && is(e.x, 1) && is(e.y, 0)) return e.cond;
      return select(e.cond, e.x, e.y);
    }
    case 'neg':
      if (e.x.op === 'mul' && isFloat(e.type)) return negateProduct(e, e.x);
      return e.x.op === 'neg' ? e.x.x : e;
    case 'not':
      return e.x.op === 'not' ? e.x.x : e;
    case 'abs':
      return isFloat(e.type) && e.x.op === 'neg' ? fold(unary('abs', e.x.x)) : e.x.op === 'abs' ? e.x : e;
    case 'convert': {
      if (e.type === e.x.type) return e.x;
      return e.x.op === 'convert' && isPassing(e.x.x.type, e.x.type, e.type) ? fold(convert(e.type, e.x.x)) : e;
    }
    case 'bitcast':
      return e.x.op === 'bitcast' ? (e.x.x.type === e.type ? e.x.x : { ...e, x: e.x.x }) : e;
    default:
      return 'y' in e ? foldBinary(e) : e;
  }
}

/** -(c x) is (-c) x. */
function negateProduct(e: Expr, { x, y }: BinaryExpr): Expr {
  const [left, right] = [numberOf(x), numberOf(y)];
  if (left !== undefined) return foldBinary(binary('mul', constant(e.type, -left), y));
  return right === undefined ? e : foldBinary(binary('mul', x, constant(e.type, -right)));
}

/**
 * Whether a conversion by way of `over` is the direct one: every value of `from` is one of `over`, and does not become
 * another there (a negative int32 wraps to uint32, but a negative float is cut off at 0).
 */
function isPassing(from: ScalarType, over: ScalarType, to: ScalarType): boolean {
  if (from === 'int64' || over === 'int64') return false;
  if (from === 'bool') return true;
  return over === 'float64' && (isFloat(from) || isFloat(to) || to === 'bool' || to === from);
}

function foldBinary(e: BinaryExpr): Expr {
  const { op, type, x, y } = e;
  switch (op) {
    case 'add':
      if (isInteger(type)) return is(y, 0) ? x : is(x, 0) ? y : e;
      if (!isFloat(type)) return e;
      if (is(y, -0)) return x;
      if (is(x, -0)) return y;
      if (y.op === 'neg') return foldBinary(binary('sub', x, y.x));
      return x.op === 'neg' ? foldBinary(binary('sub', y, x.x)) : e;
    case 'sub':
      if (is(y, 0) && type !== 'bool') return x;
      return isFloat(type) && y.op === 'neg' ? foldBinary(binary('add', x, y.x)) : e;
    case 'mul':
      if (type === 'bool') return e;
      if (is(y, 1)) return x;
      if (is(x, 1)) return y;
      if (isInteger(type)) return is(x, 0) ? x : is(y, 0) ? y : e;
      if (is(y, -1)) return fold(unary('neg', x));
      return is(x, -1) ? fold(unary('neg', y)) : e;
    case 'div': {
      if (is(y, 1)) return x;
      const divisor = numberOf(y);
      const inverse = divisor !== undefined && isFloat(type) ? reciprocal(type, divisor) : undefined;
      return inverse === undefined ? e : foldBinary(binary('mul', x, constant(type, inverse)));
    }
    case 'min':
    case 'max':
      return x === y ? x : e;
    case 'and':
    case 'or': {
      if (x === y) return x;
      if (type !== 'bool') return e;
      const [neutral, absorbing] = op === 'and' ? [1, 0] : [0, 1];
      if (is(x, neutral) || is(y, absorbing)) return y;
      return is(y, neutral) || is(x, absorbing) ? x : e;
    }
    default:
      return e;
  }
}
