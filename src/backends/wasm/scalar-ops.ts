/**
 * One value at a time: the WebAssembly instructions of each scalar IR operation. Operands are on the stack;
 * the semantics are those stated in core/scalar.ts (integer division does not trap, float to int saturates).
 * In registers bool is an i32 that is 0 or 1, uint32 shares i32, and a float16 is its bits in one.
 */
import type { DType } from '../../core/dtype.js';
import type { BasicBinary, BasicUnary, ScalarType } from '../../core/scalar.js';
import type { FunctionBuilder, ValueType } from './assembler.js';
import type { PlainOp } from './opcodes.js';

const VALUE_TYPE: Record<ScalarType, ValueType> = {
  float16: 'i32',
  float32: 'f32',
  float64: 'f64',
  int32: 'i32',
  uint32: 'i32',
  bool: 'i32',
  int64: 'i64',
};

/** The WebAssembly type that holds one value of `type`. */
export const valueType = (type: ScalarType): ValueType => VALUE_TYPE[type];

const unsupported = (op: string, type: ScalarType): Error =>
  new Error(`the WebAssembly backend has no scalar operation '${op}' for ${type}`);

export function scalarConst(f: FunctionBuilder, type: ScalarType, value: number | bigint): void {
  switch (type) {
    case 'float32':
      f.f32(Number(value));
      return;
    case 'float64':
      f.f64(Number(value));
      return;
    case 'int64':
      f.i64(BigInt(value));
      return;
    case 'bool':
      f.i32(Number(value) !== 0 ? 1 : 0);
      return;
    case 'float16':
      throw unsupported('const', type);
    case 'int32':
    case 'uint32':
      f.i32(Number(value));
      return;
  }
}

export function scalarLoad(f: FunctionBuilder, dtype: DType, offset: number): void {
  switch (dtype) {
    case 'float32':
      f.memory('f32.load', offset);
      return;
    case 'float64':
      f.memory('f64.load', offset);
      return;
    case 'int32':
    case 'uint32':
      f.memory('i32.load', offset);
      return;
    case 'float16':
      f.memory('i32.load16_u', offset);
      return;
    case 'bool':
      f.memory('i32.load8_u', offset);
      return;
  }
}

export function scalarStore(f: FunctionBuilder, dtype: DType, offset: number): void {
  switch (dtype) {
    case 'float32':
      f.memory('f32.store', offset);
      return;
    case 'float64':
      f.memory('f64.store', offset);
      return;
    case 'int32':
    case 'uint32':
      f.memory('i32.store', offset);
      return;
    case 'float16':
      f.memory('i32.store16', offset);
      return;
    case 'bool':
      f.memory('i32.store8', offset);
      return;
  }
}

const FLOAT_UNARY = {
  neg: 'neg',
  abs: 'abs',
  sqrt: 'sqrt',
  floor: 'floor',
  ceil: 'ceil',
  trunc: 'trunc',
  rint: 'nearest',
} as const;

export function scalarUnary(f: FunctionBuilder, op: BasicUnary, type: ScalarType): void {
  if (type === 'float32' || type === 'float64') {
    if (op === 'not' || op === 'popcount' || op === 'clz') throw unsupported(op, type);
    const name = FLOAT_UNARY[op];
    f.op(type === 'float32' ? `f32.${name}` : `f64.${name}`);
    return;
  }
  const w = type === 'int64' ? 'i64' : 'i32';
  switch (op) {
    case 'not':
      if (type === 'bool') f.op('i32.eqz');
      else if (type === 'int64') f.i64(-1n).op('i64.xor');
      else f.i32(-1).op('i32.xor');
      return;
    case 'neg':
      // 0 - x needs the zero below x; multiplying by -1 does not, and engines emit a negation for it.
      if (type === 'int64') f.i64(-1n).op('i64.mul');
      else f.i32(-1).op('i32.mul');
      return;
    case 'abs': {
      if (type === 'uint32' || type === 'bool') return;
      // (x ^ (x >> 31)) - (x >> 31)
      const x = f.local(w);
      const sign = f.local(w);
      f.tee(x).get(x);
      if (w === 'i32') f.i32(31).op('i32.shr_s');
      else f.i64(63n).op('i64.shr_s');
      f.tee(sign).op(`${w}.xor`).get(sign).op(`${w}.sub`);
      f.release(w, x);
      f.release(w, sign);
      return;
    }
    case 'popcount':
      f.op(`${w}.popcnt`);
      return;
    case 'clz':
      f.op(`${w}.clz`);
      return;
    default:
      throw unsupported(op, type);
  }
}

const COMPARE = { eq: 'eq', ne: 'ne', lt: 'lt', le: 'le', gt: 'gt', ge: 'ge' } as const;
type Comparison = keyof typeof COMPARE;
const isComparison = (op: string): op is Comparison => op in COMPARE;

/** What is known of the operands of an integer division, to leave out guards. */
export interface DivisionHint {
  /** The dividend is not negative. */
  readonly nonNegative: boolean;
  /** The divisor, where it is a constant. */
  readonly divisor: number | undefined;
}

const NO_HINT: DivisionHint = { nonNegative: false, divisor: undefined };

export function scalarBinary(
  f: FunctionBuilder,
  op: BasicBinary,
  type: ScalarType,
  hint: DivisionHint = NO_HINT,
): void {
  if (type === 'float32' || type === 'float64') {
    const w = type === 'float32' ? 'f32' : 'f64';
    if (
      op === 'add' ||
      op === 'sub' ||
      op === 'mul' ||
      op === 'div' ||
      op === 'min' ||
      op === 'max' ||
      isComparison(op)
    ) {
      f.op(`${w}.${op}`);
      return;
    }
    throw unsupported(op, type);
  }
  const w = type === 'int64' ? 'i64' : 'i32';
  const unsigned = type === 'uint32' || type === 'bool';
  if (isComparison(op)) {
    f.op(op === 'eq' || op === 'ne' ? `${w}.${op}` : `${w}.${op}_${unsigned ? 'u' : 's'}`);
    return;
  }
  if (type === 'bool') {
    f.op(boolOp(op));
    return;
  }
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
    case 'and':
    case 'or':
    case 'xor':
    case 'shl':
      f.op(`${w}.${op}`);
      return;
    case 'shrLogical':
      f.op(`${w}.shr_u`);
      return;
    case 'shrArithmetic':
      f.op(`${w}.shr_s`);
      return;
    case 'min':
    case 'max': {
      const x = f.local(w);
      const y = f.local(w);
      f.set(y)
        .tee(x)
        .get(y)
        .get(x)
        .get(y)
        .op(`${w}.${op === 'min' ? 'lt' : 'gt'}_${unsigned ? 'u' : 's'}`)
        .op('select');
      f.release(w, x);
      f.release(w, y);
      return;
    }
    case 'div':
    case 'rem':
      integerDivision(f, op, w, unsigned, hint);
      return;
  }
}

/** Boolean algebra on 0 and 1: sum is or, product is and, difference is xor. */
function boolOp(op: BasicBinary): PlainOp {
  switch (op) {
    case 'and':
    case 'min':
    case 'mul':
      return 'i32.and';
    case 'or':
    case 'max':
    case 'add':
      return 'i32.or';
    case 'xor':
    case 'sub':
      return 'i32.xor';
    default:
      throw unsupported(op, 'bool');
  }
}

/** Truncating division as XLA defines it: x / 0 = -1, x % 0 = x, INT_MIN / -1 = INT_MIN, and nothing traps. */
function integerDivision(
  f: FunctionBuilder,
  op: 'div' | 'rem',
  w: 'i32' | 'i64',
  unsigned: boolean,
  hint: DivisionHint,
): void {
  const c = hint.divisor;
  if (c !== undefined && c !== 0 && (unsigned || c !== -1)) {
    f.op(`${w}.${op}_${unsigned || (hint.nonNegative && c > 0) ? 'u' : 's'}`);
    return;
  }
  const constant = (value: number): FunctionBuilder => (w === 'i32' ? f.i32(value) : f.i64(BigInt(value)));
  const x = f.local(w);
  const y = f.local(w);
  f.set(y).set(x);
  if (op === 'rem') {
    // By 1 instead of by 0, then x itself. x % -1 is 0 without a trap.
    f.get(x).get(x);
    constant(1)
      .get(y)
      .get(y)
      .op(`${w}.eqz`)
      .op('select')
      .op(`${w}.rem_${unsigned ? 'u' : 's'}`);
    f.get(y).op(`${w}.eqz`).op('select');
  } else {
    constant(-1);
    if (unsigned) {
      f.get(x);
      constant(1).get(y).get(y).op(`${w}.eqz`).op('select').op(`${w}.div_u`);
    } else {
      constant(0).get(x).op(`${w}.sub`);
      // y in {-1, 0} is y + 1 <= 1 unsigned; divide by 1 then.
      f.get(x);
      constant(1).get(y).get(y);
      constant(1).op(`${w}.add`);
      constant(1).op(`${w}.le_u`).op('select').op(`${w}.div_s`);
      f.get(y);
      constant(-1).op(`${w}.eq`).op('select');
    }
    f.get(y).op(`${w}.eqz`).op('select');
  }
  f.release(w, x);
  f.release(w, y);
}

/** Convert the value on the stack. */
export function scalarConvert(f: FunctionBuilder, from: ScalarType, to: ScalarType): void {
  if (from === to) return;
  if (to === 'bool') {
    switch (from) {
      case 'float32':
        f.f32(0).op('f32.ne');
        return;
      case 'float64':
        f.f64(0).op('f64.ne');
        return;
      case 'int64':
        f.i64(0n).op('i64.ne');
        return;
      default:
        f.i32(0).op('i32.ne');
        return;
    }
  }
  const conversion = CONVERT[from]?.[to];
  if (conversion !== undefined) f.op(conversion);
}

// Missing entries (between int32, uint32 and from bool to them) need no instruction.
const CONVERT: Partial<Record<ScalarType, Partial<Record<ScalarType, PlainOp>>>> = {
  float32: {
    float64: 'f64.promote_f32',
    int32: 'i32.trunc_sat_f32_s',
    uint32: 'i32.trunc_sat_f32_u',
    int64: 'i64.trunc_sat_f32_s',
  },
  float64: {
    float32: 'f32.demote_f64',
    int32: 'i32.trunc_sat_f64_s',
    uint32: 'i32.trunc_sat_f64_u',
    int64: 'i64.trunc_sat_f64_s',
  },
  int32: { float32: 'f32.convert_i32_s', float64: 'f64.convert_i32_s', int64: 'i64.extend_i32_s' },
  uint32: { float32: 'f32.convert_i32_u', float64: 'f64.convert_i32_u', int64: 'i64.extend_i32_u' },
  bool: { float32: 'f32.convert_i32_u', float64: 'f64.convert_i32_u', int64: 'i64.extend_i32_u' },
  int64: {
    float32: 'f32.convert_i64_s',
    float64: 'f64.convert_i64_s',
    int32: 'i32.wrap_i64',
    uint32: 'i32.wrap_i64',
  },
};

/** Reinterpret the bits of the value on the stack. */
export function scalarBitcast(f: FunctionBuilder, from: ScalarType, to: ScalarType): void {
  const a = valueType(from);
  const b = valueType(to);
  if (a === b) return;
  if (a === 'f32' && b === 'i32') f.op('i32.reinterpret_f32');
  else if (a === 'i32' && b === 'f32') f.op('f32.reinterpret_i32');
  else if (a === 'f64' && b === 'i64') f.op('i64.reinterpret_f64');
  else if (a === 'i64' && b === 'f64') f.op('f64.reinterpret_i64');
  else throw new Error(`bitcast from ${from} to ${to}: the widths differ`);
}
