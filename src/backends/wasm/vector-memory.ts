/**
 * Vector loads and stores by the stride of the lanes: contiguous lanes are one v128 access, other constant
 * strides one access per lane from a common pointer, and lanes without a common stride are gathered by their
 * indices. Bools are bytes in memory and masks in registers, halves two bytes and the low ones of a lane of four.
 */
import { byteWidth } from '../../core/dtype.js';
import type { DType } from '../../core/dtype.js';
import type { Expr } from '../../core/scalar.js';
import type { FunctionBuilder } from './assembler.js';
import type { Exprs } from './exprs.js';
import type { Lanes } from './vector-ops.js';
import { boolShape } from './vector-ops.js';

/** Lanes at a constant stride in elements, or anywhere. */
export type Access = { readonly kind: 'strided'; readonly stride: number } | { readonly kind: 'gather' };

const GATHER: Access = { kind: 'gather' };

/** How element `index` moves in memory from one iteration of `loop` to the next. */
export function classify(exprs: Exprs, index: Expr, loop: number, varying: (e: Expr) => boolean): Access {
  let stride = 0;
  for (const [term, k] of exprs.affine(index).terms) {
    if (term.op === 'var' && term.id === loop) stride = k;
    else if (varying(term)) return GATHER;
  }
  return { kind: 'strided', stride };
}

const ZERO = new Uint8Array(16);

/** Bytes 0 or 1 in the lowest byte of each lane to masks. */
function maskFromLanes(f: FunctionBuilder, lanes: Lanes): void {
  f.v128(ZERO).op(`${boolShape(lanes)}.ne`);
}

/** Load `lanes` adjacent elements at the pointer on the stack. */
export function loadVector(f: FunctionBuilder, dtype: DType, lanes: Lanes, offset: number): void {
  if (dtype === 'bool') {
    if (lanes === 16) f.memory('v128.load', offset, 0);
    else if (lanes === 4) {
      f.memory('v128.load32_zero', offset, 0).op('i16x8.extend_low_i8x16_u').op('i32x4.extend_low_i16x8_u');
    } else {
      const pointer = f.local('i32');
      f.tee(pointer).get(pointer).v128(ZERO);
      f.memoryLane('v128.load8_lane', 0, offset).memoryLane('v128.load8_lane', 8, offset + 1);
      f.release('i32', pointer);
    }
    maskFromLanes(f, lanes);
  } else if (dtype === 'float16') {
    f.memory(lanes === 4 ? 'v128.load64_zero' : 'v128.load32_zero', offset, 1).op('i32x4.extend_low_i16x8_u');
  } else if (byteWidth(dtype) * lanes === 16) f.memory('v128.load', offset, 2);
  else f.memory('v128.load64_zero', offset, 2);
}

/** Store `lanes` adjacent elements: below the vector on the stack is the pointer. */
export function storeVector(f: FunctionBuilder, dtype: DType, lanes: Lanes, offset: number): void {
  if (dtype === 'bool') {
    if (lanes === 16) f.op('i8x16.neg').memory('v128.store', offset, 0);
    else if (lanes === 4) {
      const v = f.local('v128');
      f.op('i32x4.neg').tee(v).get(v).op('i16x8.narrow_i32x4_s').tee(v).get(v).op('i8x16.narrow_i16x8_s');
      f.memoryLane('v128.store32_lane', 0, offset);
      f.release('v128', v);
    } else {
      storeLanes(f, dtype, lanes, 1, offset);
    }
  } else if (dtype === 'float16') {
    const v = f.local('v128');
    f.tee(v).get(v).op('i16x8.narrow_i32x4_u');
    f.memoryLane(lanes === 4 ? 'v128.store64_lane' : 'v128.store32_lane', 0, offset);
    f.release('v128', v);
  } else if (byteWidth(dtype) * lanes === 16) f.memory('v128.store', offset, 2);
  else f.memoryLane('v128.store64_lane', 0, offset);
}

/** Load lanes `stride` elements apart; the pointer on the stack is that of the lowest address among them. */
export function loadStrided(f: FunctionBuilder, dtype: DType, lanes: Lanes, stride: number, offset: number): void {
  const width = byteWidth(dtype);
  const at = (lane: number): number => offset + width * (stride < 0 ? -stride * (lanes - 1 - lane) : stride * lane);
  if (stride === -1 && width * lanes === 16) {
    const v = f.local('v128');
    f.memory('v128.load', offset, 2).tee(v).get(v);
    f.shuffle(
      width === 4
        ? [12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3]
        : [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7],
    );
    f.release('v128', v);
    return;
  }
  const pointer = f.local('i32');
  f.set(pointer);
  const step = Math.abs(stride);
  if (dtype !== 'bool' && width * lanes === 16 && lanes === 4 && (step === 2 || step === 3)) {
    // Two vectors that begin with the first and end with the last of the elements have them all.
    f.get(pointer).memory('v128.load', offset, 2).get(pointer);
    f.memory('v128.load', offset + width * 3 * (step - 1), 2);
    const found = [0, step, 4 + 3 - step, 4 + 3];
    const order = stride < 0 ? found.reverse() : found;
    f.shuffle(order.flatMap((element) => [0, 1, 2, 3].map((byte) => 4 * element + byte)));
    f.release('i32', pointer);
    return;
  }
  for (let lane = 0; lane < lanes; lane++) f.get(pointer);
  lanesFromStack(f, dtype, lanes, at);
  f.release('i32', pointer);
}

/** Load one lane per pointer on the stack, the last pushed first. */
function lanesFromStack(f: FunctionBuilder, dtype: DType, lanes: Lanes, offsetOf: (lane: number) => number): void {
  if (dtype === 'bool') {
    f.v128(ZERO);
    for (let lane = 0; lane < lanes; lane++) f.memoryLane('v128.load8_lane', lane * (16 / lanes), offsetOf(lane));
    maskFromLanes(f, lanes);
    return;
  }
  if (dtype === 'float16') {
    f.v128(ZERO);
    for (let lane = 0; lane < lanes; lane++) f.memoryLane('v128.load16_lane', 2 * lane, offsetOf(lane));
    return;
  }
  const wide = byteWidth(dtype) === 8;
  f.memory(wide ? 'v128.load64_zero' : 'v128.load32_zero', offsetOf(0));
  for (let lane = 1; lane < lanes; lane++) {
    f.memoryLane(wide ? 'v128.load64_lane' : 'v128.load32_lane', lane, offsetOf(lane));
  }
}

/** Load the elements of the slot at `base` whose indices are in the vector on the stack. */
export function loadGathered(f: FunctionBuilder, dtype: DType, lanes: Lanes, base: number): void {
  const indices = f.local('v128');
  f.set(indices);
  for (let lane = lanes - 1; lane >= 0; lane--) pushLanePointer(f, dtype, base, indices, lane);
  lanesFromStack(f, dtype, lanes, () => 0);
  f.release('v128', indices);
}

/** Push the address of the element whose index is in one lane of `indices`. */
export function pushLanePointer(f: FunctionBuilder, dtype: DType, base: number, indices: number, lane: number): void {
  f.get(base).get(indices).lane('i32x4.extract_lane', lane);
  const width = byteWidth(dtype);
  if (width > 1) f.i32(Math.log2(width)).op('i32.shl');
  f.op('i32.add');
}

/** Store lane `lane` of the vector on the stack to the pointer below it. */
export function storeLane(f: FunctionBuilder, dtype: DType, lanes: Lanes, lane: number, offset: number): void {
  if (dtype === 'bool') {
    if (lanes === 4) f.op('i32x4.neg');
    else f.op('i64x2.neg');
    f.memoryLane('v128.store8_lane', lane * (16 / lanes), offset);
  } else if (dtype === 'float16') f.memoryLane('v128.store16_lane', 2 * lane, offset);
  else if (byteWidth(dtype) === 8) f.memoryLane('v128.store64_lane', lane, offset);
  else f.memoryLane('v128.store32_lane', lane, offset);
}

/** Store lanes `stride` elements apart; below the vector is the pointer of the lowest address among them. */
export function storeLanes(f: FunctionBuilder, dtype: DType, lanes: Lanes, stride: number, offset: number): void {
  const v = f.local('v128');
  const pointer = f.local('i32');
  f.set(v).set(pointer);
  const width = byteWidth(dtype);
  for (let lane = 0; lane < lanes; lane++) {
    f.get(pointer).get(v);
    storeLane(f, dtype, lanes, lane, offset + width * (stride < 0 ? -stride * (lanes - 1 - lane) : stride * lane));
  }
  f.release('v128', v);
  f.release('i32', pointer);
}
