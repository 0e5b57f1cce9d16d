/**
 * The oracle's scalars and stores: expressions evaluated in plain JavaScript, straight from the comments of
 * core/scalar.ts and compiler/loop-ir.ts.
 */
import { roundToHalf } from '../../../src/core/half.js';
import type { DType, TypedArray } from '../../../src/core/dtype.js';
import type { CombineOp } from '../../../src/core/combine.js';
import type { Expr, ScalarType } from '../../../src/core/scalar.js';
import type { Store } from '../../../src/compiler/loop-ir.js';

export type Value = number | bigint;

export interface Environment {
  readonly buffers: readonly TypedArray[];
  readonly variables: Map<number, number>;
  readonly accumulators: Map<number, Value>;
}

/** `value` as an element of `type`: rounded or wrapped. */
export function wrap(type: ScalarType, value: Value): Value {
  switch (type) {
    case 'float16':
      return roundToHalf(Number(value));
    case 'float32':
      return Math.fround(Number(value));
    case 'float64':
      return Number(value);
    case 'int32':
      return typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : value | 0;
    case 'uint32':
      return typeof value === 'bigint' ? Number(BigInt.asUintN(32, value)) : value >>> 0;
    case 'bool':
      return Number(value) !== 0 ? 1 : 0;
    case 'int64':
      return BigInt.asIntN(64, BigInt(value));
  }
}

export const isFloat = (type: ScalarType): boolean => type === 'float32' || type === 'float64';
const bits = new DataView(new ArrayBuffer(8));

function roundHalfEven(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const floor = Math.floor(x);
  const rest = x - floor;
  const result = rest < 0.5 ? floor : rest > 0.5 ? floor + 1 : floor % 2 === 0 ? floor : floor + 1;
  return result === 0 && (x < 0 || Object.is(x, -0)) ? -0 : result;
}

function saturate(x: number, min: number, max: number): number {
  // An integer has no negative zero.
  return Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), min), max) + 0;
}

function convert(from: ScalarType, to: ScalarType, x: Value): Value {
  if (to === 'bool') return Number(x) !== 0 ? 1 : 0; // NaN is not zero: Number.isNaN(x) gives 1 here
  if (isFloat(from)) {
    const v = Number(x);
    if (to === 'int32') return saturate(v, -(2 ** 31), 2 ** 31 - 1);
    if (to === 'uint32') return saturate(v, 0, 2 ** 32 - 1);
    if (to === 'int64') {
      if (Number.isNaN(v)) return 0n;
      if (v >= 2 ** 63) return 2n ** 63n - 1n;
      if (v <= -(2 ** 63)) return -(2n ** 63n);
      return BigInt(Math.trunc(v));
    }
  }
  if (from === 'int64' && to === 'float32') return int64ToFloat32(BigInt(x));
  return wrap(to, x);
}

/** Round an integer to float32 once (through float64 it would be rounded twice). */
function int64ToFloat32(x: bigint): number {
  const negative = x < 0n;
  const m = negative ? -x : x;
  const length = m.toString(2).length;
  if (length <= 24) return Number(x);
  const shift = BigInt(length - 24);
  let q = m >> shift;
  const rest = m & ((1n << shift) - 1n);
  const half = 1n << (shift - 1n);
  if (rest > half || (rest === half && (q & 1n) === 1n)) q += 1n;
  const result = Number(q << shift);
  return negative ? -result : result;
}

function bitcast(from: ScalarType, to: ScalarType, x: Value): Value {
  if (from === 'float32') bits.setFloat32(0, Number(x));
  else if (from === 'float64') bits.setFloat64(0, Number(x));
  else if (from === 'int64') bits.setBigInt64(0, BigInt(x));
  else bits.setUint32(0, Number(x) >>> 0);
  if (to === 'float32') return bits.getFloat32(0);
  if (to === 'float64') return bits.getFloat64(0);
  if (to === 'int64') return bits.getBigInt64(0);
  return to === 'int32' ? bits.getInt32(0) : bits.getUint32(0);
}

function unaryValue(op: string, type: ScalarType, x: Value): Value {
  const v = Number(x);
  switch (op) {
    case 'neg':
      return wrap(type, -x);
    case 'abs':
      return x < 0 ? wrap(type, -x) : isFloat(type) ? Math.abs(v) : x;
    case 'sqrt':
      return wrap(type, Math.sqrt(v));
    case 'floor':
      return Math.floor(v);
    case 'ceil':
      return Math.ceil(v);
    case 'trunc':
      return Math.trunc(v);
    case 'rint':
      return roundHalfEven(v);
    case 'not':
      return type === 'bool' ? 1 - v : wrap(type, ~x);
    case 'popcount':
      return (v >>> 0).toString(2).replaceAll('0', '').length;
    case 'clz':
      return Math.clz32(v);
    default:
      throw new Error(`oracle: ${op}`);
  }
}

function integerDivide(op: 'div' | 'rem', type: ScalarType, x: Value, y: Value): Value {
  const a = BigInt(x);
  const b = BigInt(y);
  if (b === 0n) return op === 'rem' ? x : wrap(type, -1n);
  return wrap(type, op === 'div' ? a / b : a % b);
}

export function binaryValue(op: string, type: ScalarType, x: Value, y: Value): Value {
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul': {
      if (isFloat(type)) {
        const a = Number(x);
        const b = Number(y);
        return wrap(type, op === 'add' ? a + b : op === 'sub' ? a - b : a * b);
      }
      const a = BigInt(x);
      const b = BigInt(y);
      return wrap(type, op === 'add' ? a + b : op === 'sub' ? a - b : a * b);
    }
    case 'div':
      return isFloat(type) ? wrap(type, Number(x) / Number(y)) : integerDivide('div', type, x, y);
    case 'rem':
      return integerDivide('rem', type, x, y);
    case 'min':
      return isFloat(type) ? Math.min(Number(x), Number(y)) : x < y ? x : y;
    case 'max':
      return isFloat(type) ? Math.max(Number(x), Number(y)) : x > y ? x : y;
    case 'and':
      return wrap(type, BigInt(x) & BigInt(y));
    case 'or':
      return wrap(type, BigInt(x) | BigInt(y));
    case 'xor':
      return wrap(type, BigInt(x) ^ BigInt(y));
    case 'shl':
      return wrap(type, BigInt(x) << BigInt(y));
    case 'shrArithmetic':
      return wrap(type, BigInt.asIntN(type === 'int64' ? 64 : 32, BigInt(x)) >> BigInt(y));
    case 'shrLogical':
      return wrap(type, BigInt.asUintN(type === 'int64' ? 64 : 32, BigInt(x)) >> BigInt(y));
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
      throw new Error(`oracle: ${op}`);
  }
}

export function evaluate(e: Expr, env: Environment, memo = new Map<Expr, Value>()): Value {
  const known = memo.get(e);
  if (known !== undefined) return known;
  const of = (x: Expr): Value => evaluate(x, env, memo);
  const compute = (): Value => {
    switch (e.op) {
      case 'const':
        return wrap(e.type, e.value);
      case 'var':
        return env.variables.get(e.id) ?? NaN;
      case 'acc':
        return env.accumulators.get(e.id) ?? NaN;
      case 'load': {
        const value = env.buffers[e.buffer]?.[Number(of(e.index))];
        if (value === undefined) throw new Error(`oracle: load out of bounds of slot ${e.buffer}`);
        return value;
      }
      case 'select':
        return Number(of(e.cond)) !== 0 ? of(e.x) : of(e.y);
      case 'convert':
        return Number.isNaN(of(e.x)) && e.type === 'bool' ? 1 : convert(e.x.type, e.type, of(e.x));
      case 'bitcast':
        return bitcast(e.x.type, e.type, of(e.x));
      default:
        return 'y' in e ? binaryValue(e.op, e.x.type, of(e.x), of(e.y)) : unaryValue(e.op, e.type, of(e.x));
    }
  };
  const value = compute();
  memo.set(e, value);
  return value;
}

export const combineValues = (op: CombineOp, type: DType, x: Value, y: Value): Value => {
  if (type !== 'bool') return binaryValue(op, type, x, y);
  const name = { add: 'or', mul: 'and', min: 'and', max: 'or', and: 'and', or: 'or', xor: 'xor' }[op];
  return binaryValue(name, type, x, y);
};

/** Stores of one point: everything is evaluated before the first element is written. */
export function runStores(stores: readonly Store[], env: Environment, dtypes: readonly DType[]): void {
  const memo = new Map<Expr, Value>();
  const writes = stores
    .filter((store) => store.mask === undefined || Number(evaluate(store.mask, env, memo)) !== 0)
    .map((store) => ({
      store,
      index: Number(evaluate(store.index, env, memo)),
      value: evaluate(store.value, env, memo),
    }));
  for (const { store, index, value } of writes) {
    const buffer = env.buffers[store.buffer];
    const before = buffer?.[index];
    if (buffer === undefined || before === undefined)
      throw new Error(`oracle: store out of bounds of slot ${store.buffer}`);
    const dtype = dtypes[store.buffer] ?? 'float32';
    buffer[index] = Number(store.combine === undefined ? value : combineValues(store.combine, dtype, before, value));
  }
}
