/**
 * The stores of one iteration: plain, combining or masked, of one value or of a vector of lanes. Values, masks
 * and addresses that involve loads are all computed before the first store.
 */
import type { CombineOp } from '../../core/combine.js';
import { byteWidth, type DType } from '../../core/dtype.js';
import type { BufferSlot, Store } from '../../compiler/loop-ir.js';
import type { FunctionBuilder } from './assembler.js';
import type { ExprEmitter } from './expr-emitter.js';
import type { VectorContext } from './scopes.js';
import { scalarBinary, scalarLoad, scalarStore, valueType } from './scalar-ops.js';
import { at } from './util.js';
import { pushLanePointer, storeLane, storeLanes, storeVector, loadVector } from './vector-memory.js';
import { boolShape, extractLane, vectorBinary } from './vector-ops.js';

/** Combine the two scalars on the stack. */
export const combineScalars = (f: FunctionBuilder, op: CombineOp, dtype: DType): void => scalarBinary(f, op, dtype);

/** Compute what the stores of one iteration (and copy) need; the results perform them. */
export function prepareStores(
  e: ExprEmitter,
  stores: readonly Store[],
  slots: readonly BufferSlot[],
): readonly (() => void)[] {
  const dtypeOf = (store: Store): DType => at(slots, store.buffer, 'slot').dtype;
  const context = e.vector;
  return stores.map((store) =>
    context === undefined
      ? scalarStorage(e, store, dtypeOf(store), stores.length > 1)
      : vectorStorage(e, context, store, dtypeOf(store)),
  );
}

/** Compute what a scalar store needs now; the result performs it. */
function scalarStorage(e: ExprEmitter, store: Store, dtype: DType, several: boolean): () => void {
  const { f } = e;
  const simple = !several && store.combine === undefined && store.mask === undefined;
  if (simple) {
    const offset = e.pointer(store.buffer, store.index, 0);
    e.scalar(store.value);
    return () => scalarStore(f, dtype, offset);
  }
  const value = e.ownedLocal(valueType(dtype));
  e.scalar(store.value);
  f.set(value);
  const pointer = e.ownedLocal('i32');
  const offset = e.pointer(store.buffer, store.index, 0);
  f.set(pointer);
  let mask: number | undefined;
  if (store.mask !== undefined) {
    mask = e.ownedLocal('i32');
    e.scalar(store.mask);
    f.set(mask);
  }
  const { combine } = store;
  return () => {
    if (mask !== undefined) f.get(mask).if();
    f.get(pointer);
    if (combine === undefined) f.get(value);
    else {
      f.get(pointer);
      scalarLoad(f, dtype, offset);
      f.get(value);
      combineScalars(f, combine, dtype);
    }
    scalarStore(f, dtype, offset);
    if (mask !== undefined) f.end();
  };
}

/** Compute what a store of a vector needs now; the result performs it. */
function vectorStorage(e: ExprEmitter, context: VectorContext, store: Store, dtype: DType): () => void {
  const { f } = e;
  const { lanes } = context;
  const access = e.access(store.index);
  const value = e.ownedLocal('v128');
  e.vectorValue(store.value);
  f.set(value);
  let mask: number | undefined;
  if (store.mask !== undefined) {
    mask = e.ownedLocal('v128');
    e.vectorValue(store.mask);
    f.set(mask);
  }
  const { combine } = store;
  /** Store one lane to the pointer left by `push`, combining if asked. */
  const storeOne = (lane: number, push: () => void, offset: number): void => {
    if (combine === undefined) {
      push();
      f.get(value);
      storeLane(f, dtype, lanes, lane, offset);
      return;
    }
    push();
    push();
    scalarLoad(f, dtype, offset);
    f.get(value);
    extractLane(f, dtype, lanes, lane);
    combineScalars(f, combine, dtype);
    scalarStore(f, dtype, offset);
  };
  const eachLane = (one: (lane: number) => void): void => {
    for (let lane = 0; lane < lanes; lane++) {
      if (mask !== undefined) {
        f.get(mask);
        extractLane(f, 'bool', lanes, lane);
        f.if();
      }
      one(lane);
      if (mask !== undefined) f.end();
    }
  };
  if (access.kind === 'gather') {
    const indices = e.ownedLocal('v128');
    e.vectorValue(store.index);
    f.set(indices);
    const base = e.bufferLocal(store.buffer);
    return () => eachLane((lane) => storeOne(lane, () => pushLanePointer(f, dtype, base, indices, lane), 0));
  }
  const { stride } = access;
  const pointer = e.ownedLocal('i32');
  const lowest = stride < 0 ? stride * (lanes - 1) : 0;
  const offset = e.pointer(store.buffer, store.index, stride * e.copy * lanes + lowest);
  f.set(pointer);
  const width = byteWidth(dtype);
  const laneOffset = (lane: number): number => offset + width * (stride * lane - lowest);
  const lanesOneByOne = (): void =>
    eachLane((lane) => {
      if (mask === undefined) storeOne(lane, () => f.get(pointer), laneOffset(lane));
      // Where lanes are masked out the lowest address may lie before the start of memory: no static offset then.
      else storeOne(lane, () => f.get(pointer).i32(laneOffset(lane)).op('i32.add'), 0);
    });
  const whole = (): void => {
    f.get(pointer);
    if (combine !== undefined) {
      f.get(pointer);
      loadVector(f, dtype, lanes, offset);
      f.get(value);
      vectorBinary(f, combine, dtype, lanes);
    } else f.get(value);
    if (stride === 1) storeVector(f, dtype, lanes, offset);
    else storeLanes(f, dtype, lanes, stride, offset);
  };
  const canBeWhole = stride === 1 || (combine === undefined && stride !== 0);
  if (!canBeWhole) return lanesOneByOne;
  if (mask === undefined) return whole;
  const all = mask;
  return () => {
    f.get(all)
      .op(`${boolShape(lanes)}.all_true`)
      .if();
    whole();
    f.else();
    f.get(all).op('v128.any_true').if();
    lanesOneByOne();
    f.end().end();
  };
}
