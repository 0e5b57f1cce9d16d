/**
 * Several values at a time: the v128 instructions of each scalar IR operation. With 4 lanes, 4-byte types fill
 * the vector and a bool is an i32 lane of all ones or zeros; with 16 lanes there are only bools, which are bytes. With 2 lanes, 8-byte types fill the vector, a bool
 * is an i64 lane, and a 4-byte type sits in the two low lanes of four (what is above them is arbitrary).
 * Operations that SIMD does not have run lane by lane. Operands are on the stack.
 */
import type { BasicBinary, BasicUnary, ScalarType } from '../../core/scalar.js';
import type { FunctionBuilder } from './assembler.js';
import type { DivisionHint } from './scalar-ops.js';
import { scalarBinary, scalarConvert, scalarUnary } from './scalar-ops.js';

export type Lanes = 2 | 4 | 16;

type Numeric = Exclude<ScalarType, 'bool'>;
type NumericShape = 'f32x4' | 'f64x2' | 'i32x4' | 'i64x2';
type Shape = NumericShape | 'i8x16';

/** The lane shape of bools. */
export const boolShape = (lanes: Lanes): 'i32x4' | 'i64x2' | 'i8x16' =>
  lanes === 4 ? 'i32x4' : lanes === 2 ? 'i64x2' : 'i8x16';

/** The lane shape in which `type` is computed. */
export function shapeOf(type: Numeric, lanes: Lanes): NumericShape;
export function shapeOf(type: ScalarType, lanes: Lanes): Shape;
export function shapeOf(type: ScalarType, lanes: Lanes): Shape {
  switch (type) {
    case 'float32':
      return 'f32x4';
    case 'float16':
    case 'int32':
    case 'uint32':
      return 'i32x4';
    case 'bool':
      return boolShape(lanes);
    case 'float64':
      return 'f64x2';
    case 'int64':
      return 'i64x2';
  }
}

/** A vector whose lanes are `lane(i)`. */
export function vectorConst(
  f: FunctionBuilder,
  type: ScalarType,
  lanes: Lanes,
  lane: (i: number) => number | bigint,
): void {
  const bytes = new DataView(new ArrayBuffer(16));
  const shape = shapeOf(type, lanes);
  const step = shape === 'i8x16' ? 1 : shape === 'f32x4' || shape === 'i32x4' ? 4 : 8;
  for (let i = 0; i * step < 16; i++) {
    const value = lane(i);
    if (type === 'bool') {
      const ones = Number(value) !== 0 ? -1 : 0;
      if (step === 1) bytes.setInt8(i, ones);
      else bytes.setInt32(i * step, ones, true);
      if (step === 8) bytes.setInt32(i * 8 + 4, ones, true);
    } else if (shape === 'f32x4') bytes.setFloat32(i * 4, Number(value), true);
    else if (shape === 'f64x2') bytes.setFloat64(i * 8, Number(value), true);
    else if (shape === 'i32x4') bytes.setInt32(i * 4, Number(value), true);
    else bytes.setBigInt64(i * 8, BigInt.asIntN(64, BigInt(value)), true);
  }
  f.v128(new Uint8Array(bytes.buffer));
}

/** Turn the scalar on the stack into a vector of it. */
export function splat(f: FunctionBuilder, type: ScalarType, lanes: Lanes): void {
  if (type === 'bool') {
    // 0 or 1 to 0 or all ones
    f.i32(-1).op('i32.mul');
    if (lanes === 2) f.op('i64.extend_i32_s');
    f.op(`${boolShape(lanes)}.splat`);
    return;
  }
  f.op(`${shapeOf(type, lanes)}.splat`);
}

/** Replace the vector on the stack by the scalar in one lane. */
export function extractLane(f: FunctionBuilder, type: ScalarType, lanes: Lanes, lane: number): void {
  const shape = shapeOf(type, lanes);
  f.lane(shape === 'i8x16' ? 'i8x16.extract_lane_u' : `${shape}.extract_lane`, lane);
  if (type === 'bool') {
    if (lanes === 2) f.op('i32.wrap_i64');
    f.i32(1).op('i32.and');
  }
}

/** Replace one lane of the vector below by the scalar on the stack. */
function replaceLane(f: FunctionBuilder, type: Numeric, lanes: Lanes, lane: number): void {
  f.lane(`${shapeOf(type, lanes)}.replace_lane`, lane);
}

/** Apply a scalar operation to each lane of the vectors in `operands`, leaving a vector of `to`. */
function laneWise(
  f: FunctionBuilder,
  lanes: Lanes,
  operands: readonly { readonly type: ScalarType; readonly local: number }[],
  to: Numeric,
  apply: () => void,
): void {
  for (let lane = 0; lane < lanes; lane++) {
    if (lane === 0) vectorConst(f, to, lanes, () => 0);
    for (const { type, local } of operands) {
      f.get(local);
      extractLane(f, type, lanes, lane);
    }
    apply();
    replaceLane(f, to, lanes, lane);
  }
}

function laneWiseUnary(f: FunctionBuilder, lanes: Lanes, from: ScalarType, to: Numeric, apply: () => void): void {
  const x = f.local('v128');
  f.set(x);
  laneWise(f, lanes, [{ type: from, local: x }], to, apply);
  f.release('v128', x);
}

export function vectorUnary(f: FunctionBuilder, op: BasicUnary, type: ScalarType, lanes: Lanes): void {
  if (op === 'not') {
    f.op('v128.not');
    return;
  }
  if (type === 'bool') throw new Error(`no ${op} of bool`);
  const shape = shapeOf(type, lanes);
  if (shape === 'f32x4' || shape === 'f64x2') {
    if (op === 'popcount' || op === 'clz') throw new Error(`no ${op} of ${type}`);
    f.op(`${shape}.${op === 'rint' ? 'nearest' : op}`);
    return;
  }
  switch (op) {
    case 'neg':
      f.op(`${shape}.neg`);
      return;
    case 'abs':
      if (type !== 'uint32') f.op(`${shape}.abs`);
      return;
    case 'popcount':
      if (shape === 'i32x4') {
        f.op('i8x16.popcnt').op('i16x8.extadd_pairwise_i8x16_u').op('i32x4.extadd_pairwise_i16x8_u');
        return;
      }
      break;
    default:
  }
  laneWiseUnary(f, lanes, type, type, () => scalarUnary(f, op, type));
}

/** Widen the mask in the two low 32-bit lanes to 64-bit lanes, where bools have 64 bits. */
const widenMask = (f: FunctionBuilder, lanes: Lanes): void => {
  if (lanes === 2) f.op('i64x2.extend_low_i32x4_s');
};

/** Make the bool mask on the stack as wide as the lanes of `type`, for a bitselect. */
export function maskFor(f: FunctionBuilder, type: ScalarType, lanes: Lanes): void {
  const shape = shapeOf(type, lanes);
  if (lanes !== 2 || shape === 'f64x2' || shape === 'i64x2') return;
  lowHalves(f);
}

/** Move the low 32 bits of both 64-bit lanes to the two low 32-bit lanes. */
function lowHalves(f: FunctionBuilder): void {
  const v = f.local('v128');
  f.tee(v).get(v).shuffle([0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
  f.release('v128', v);
}

export function isComparison(op: string): op is 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' {
  return op === 'eq' || op === 'ne' || op === 'lt' || op === 'le' || op === 'gt' || op === 'ge';
}

export function vectorBinary(
  f: FunctionBuilder,
  op: BasicBinary,
  type: ScalarType,
  lanes: Lanes,
  hint?: DivisionHint,
): void {
  if (type === 'bool') {
    vectorBool(f, op);
    return;
  }
  const shape = shapeOf(type, lanes);
  if (shape === 'f32x4' || shape === 'f64x2') {
    if (isComparison(op)) {
      f.op(`${shape}.${op}`);
      if (shape === 'f32x4') widenMask(f, lanes);
      return;
    }
    if (op === 'add' || op === 'sub' || op === 'mul' || op === 'div' || op === 'min' || op === 'max') {
      f.op(`${shape}.${op}`);
      return;
    }
    throw new Error(`no ${op} of ${type}`);
  }
  if (isComparison(op)) {
    if (shape === 'i64x2') f.op(op === 'eq' || op === 'ne' ? `i64x2.${op}` : `i64x2.${op}_s`);
    else {
      f.op(op === 'eq' || op === 'ne' ? `i32x4.${op}` : type === 'uint32' ? `i32x4.${op}_u` : `i32x4.${op}_s`);
      widenMask(f, lanes);
    }
    return;
  }
  switch (op) {
    case 'add':
    case 'sub':
    case 'mul':
      f.op(`${shape}.${op}`);
      return;
    case 'and':
    case 'or':
    case 'xor':
      f.op(`v128.${op}`);
      return;
    case 'min':
    case 'max':
      if (shape === 'i32x4') {
        f.op(type === 'uint32' ? `i32x4.${op}_u` : `i32x4.${op}_s`);
        return;
      }
      break;
    case 'div':
    case 'rem':
      if (shape === 'i32x4') {
        divideLanes(f, op, type === 'uint32', lanes, hint);
        return;
      }
      break;
    case 'shl':
      if (shape === 'i32x4') {
        // times 2^y, made as a float
        f.i32(23).op('i32x4.shl').i32(0x3f800000).op('i32x4.splat').op('i32x4.add');
        f.op('i32x4.trunc_sat_f32x4_u').op('i32x4.mul');
        return;
      }
      break;
    default:
  }
  const x = f.local('v128');
  const y = f.local('v128');
  f.set(y).set(x);
  laneWise(
    f,
    lanes,
    [
      { type, local: x },
      { type, local: y },
    ],
    type,
    () => scalarBinary(f, op, type, hint),
  );
  f.release('v128', x);
  f.release('v128', y);
}

const HIGH_HALF = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const LOW_HALVES = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/**
 * Division of 32-bit integers by way of float64, two lanes at a time. It is exact: a quotient that is no integer differs
 * from the next one by at least 2^-32 of its size. x / 0 = -1, x % 0 = x, INT_MIN / -1 = INT_MIN, as in scalar code.
 */
function divideLanes(
  f: FunctionBuilder,
  op: 'div' | 'rem',
  unsigned: boolean,
  lanes: Lanes,
  hint?: DivisionHint,
): void {
  const x = f.local('v128');
  const y = f.local('v128');
  f.set(y).set(x);
  const half = (high: boolean): void => {
    for (const operand of [x, y]) {
      f.get(operand);
      if (high) f.get(operand).shuffle(HIGH_HALF);
      f.op(unsigned ? 'f64x2.convert_low_i32x4_u' : 'f64x2.convert_low_i32x4_s');
    }
    f.op('f64x2.div').op(unsigned ? 'i32x4.trunc_sat_f64x2_u_zero' : 'i32x4.trunc_sat_f64x2_s_zero');
  };
  half(false);
  if (lanes === 4) {
    half(true);
    f.shuffle(LOW_HALVES);
  }
  const known = hint?.divisor;
  const equals = (value: number): void => {
    f.get(y).i32(value).op('i32x4.splat').op('i32x4.eq');
  };
  if (known === undefined || known === 0) {
    equals(0);
    f.op('v128.or');
  }
  if (!unsigned && (known === undefined || known === -1)) {
    const q = f.local('v128');
    f.set(q).get(x).op('i32x4.neg').get(q);
    equals(-1);
    f.op('v128.bitselect');
    f.release('v128', q);
  }
  if (op === 'rem') {
    const q = f.local('v128');
    f.set(q).get(x).get(q).get(y).op('i32x4.mul').op('i32x4.sub');
    f.release('v128', q);
  }
  f.release('v128', x);
  f.release('v128', y);
}

/** Shift every lane of the vector below by the one i32 count on the stack. */
export function vectorShift(
  f: FunctionBuilder,
  op: 'shl' | 'shrLogical' | 'shrArithmetic',
  type: ScalarType,
  lanes: Lanes,
): void {
  const shape = shapeOf(type, lanes);
  if (shape !== 'i32x4' && shape !== 'i64x2') throw new Error(`no ${op} of ${type}`);
  f.op(op === 'shl' ? `${shape}.shl` : op === 'shrLogical' ? `${shape}.shr_u` : `${shape}.shr_s`);
}

/** Boolean algebra on masks. `a < b` is b and not a, as false < true. */
function vectorBool(f: FunctionBuilder, op: BasicBinary): void {
  const swapped = (then: 'v128.andnot'): void => {
    const y = f.local('v128');
    const x = f.local('v128');
    f.set(y).set(x).get(y).get(x).op(then);
    f.release('v128', x);
    f.release('v128', y);
  };
  switch (op) {
    case 'and':
    case 'min':
    case 'mul':
      f.op('v128.and');
      return;
    case 'or':
    case 'max':
    case 'add':
      f.op('v128.or');
      return;
    case 'xor':
    case 'ne':
    case 'sub':
      f.op('v128.xor');
      return;
    case 'eq':
      f.op('v128.xor').op('v128.not');
      return;
    case 'gt':
      f.op('v128.andnot');
      return;
    case 'le':
      f.op('v128.andnot').op('v128.not');
      return;
    case 'lt':
      swapped('v128.andnot');
      return;
    case 'ge':
      swapped('v128.andnot');
      f.op('v128.not');
      return;
    default:
      throw new Error(`no ${op} of bool`);
  }
}

export function vectorConvert(f: FunctionBuilder, from: ScalarType, to: ScalarType, lanes: Lanes): void {
  if (from === to) return;
  const source = shapeOf(from, lanes);
  if (to === 'bool') {
    vectorConst(f, from, lanes, () => 0);
    f.op(`${source}.ne`);
    if (source === 'f32x4' || source === 'i32x4') widenMask(f, lanes);
    return;
  }
  if (from === 'bool') {
    // The bits of one, where the mask is set.
    maskFor(f, to, lanes);
    vectorConst(f, to, lanes, () => 1);
    f.op('v128.and');
    return;
  }
  const target = shapeOf(to, lanes);
  if (source === target && source !== 'f32x4' && source !== 'f64x2') return;
  switch (`${from} ${to}` as const) {
    case 'float32 int32':
      f.op('i32x4.trunc_sat_f32x4_s');
      return;
    case 'float32 uint32':
      f.op('i32x4.trunc_sat_f32x4_u');
      return;
    case 'int32 float32':
      f.op('f32x4.convert_i32x4_s');
      return;
    case 'uint32 float32':
      f.op('f32x4.convert_i32x4_u');
      return;
    case 'float32 float64':
      f.op('f64x2.promote_low_f32x4');
      return;
    case 'float64 float32':
      f.op('f32x4.demote_f64x2_zero');
      return;
    case 'float64 int32':
      f.op('i32x4.trunc_sat_f64x2_s_zero');
      return;
    case 'float64 uint32':
      f.op('i32x4.trunc_sat_f64x2_u_zero');
      return;
    case 'int32 float64':
      f.op('f64x2.convert_low_i32x4_s');
      return;
    case 'uint32 float64':
      f.op('f64x2.convert_low_i32x4_u');
      return;
    case 'int32 int64':
      f.op('i64x2.extend_low_i32x4_s');
      return;
    case 'uint32 int64':
      f.op('i64x2.extend_low_i32x4_u');
      return;
    case 'int64 int32':
    case 'int64 uint32':
      lowHalves(f);
      return;
    default:
      laneWiseUnary(f, lanes, from, to, () => scalarConvert(f, from, to));
  }
}

/** Combine all lanes of the vector on the stack with `op` and leave the scalar. */
export function reduceLanes(f: FunctionBuilder, op: BasicBinary, type: ScalarType, lanes: Lanes): void {
  const v = f.local('v128');
  const fold = (bytes: readonly number[]): void => {
    f.tee(v).get(v).get(v).shuffle(bytes);
    vectorBinary(f, op, type, lanes);
  };
  const shape = shapeOf(type, lanes);
  const narrow = shape === 'f32x4' || shape === 'i32x4';
  if (lanes !== 2 || !narrow) fold([8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);
  if (lanes === 16 || narrow) fold([4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7]);
  if (lanes === 16) {
    fold(Array.from({ length: 16 }, (_, i) => 2 + (i & 1)));
    fold(Array.from({ length: 16 }, () => 1));
  }
  extractLane(f, type, lanes, 0);
  f.release('v128', v);
}

const NOT_OF_INT64: ReadonlySet<string> = new Set(['div', 'rem', 'min', 'max', 'popcount']);

/** Whether SIMD has the operation for `type`, so that it is not done lane by lane. */
export function isVectorOp(op: BasicUnary | BasicBinary, type: ScalarType): boolean {
  if (type === 'bool' || type === 'float32' || type === 'float64') return true;
  if (op === 'clz') return false;
  return type !== 'int64' || !NOT_OF_INT64.has(op);
}
