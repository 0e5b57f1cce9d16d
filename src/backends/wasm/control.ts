/** Structured pieces of hand-written kernels. */
import type { FunctionBuilder } from './assembler.js';

/** An i32: a constant or a local. */
export type Operand = { readonly value: number } | { readonly local: number };

export function push(f: FunctionBuilder, operand: Operand): FunctionBuilder {
  return 'local' in operand ? f.get(operand.local) : f.i32(operand.value);
}

/** `for (; counter < to; counter += step) body`, comparing unsigned. The counter is set by the caller. */
export function countedLoop(f: FunctionBuilder, counter: number, to: Operand, step: number, body: () => void): void {
  const exit = f.block();
  const top = f.loop();
  f.get(counter);
  push(f, to).op('i32.ge_u').brIf(exit);
  body();
  f.get(counter).i32(step).op('i32.add').set(counter).br(top);
  f.end().end();
}

/** Push `min(a, b)` of two unsigned i32 that the callbacks push. */
export function pushMin(f: FunctionBuilder, a: () => void, b: () => void): void {
  a();
  b();
  a();
  b();
  f.op('i32.lt_u').op('select');
}

/** Push `local * factor`. */
export function pushScaled(f: FunctionBuilder, local: number, factor: number): FunctionBuilder {
  f.get(local);
  return factor === 1 ? f : f.i32(factor).op('i32.mul');
}
