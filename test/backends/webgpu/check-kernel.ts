/** What tests of kernels share: a kernel on the device, with subgroups and without, as on another, and its launches by the oracle, give what the oracle gives. */
import { binary, int, loopVar, type Expr } from '../../../src/core/scalar.js';
import { hostArray, type DType, type TypedArray } from '../../../src/core/dtype.js';
import type { Kernel, Loop } from '../../../src/compiler/loop-ir.js';
import { lowerProgram } from '../../../src/backends/webgpu/lower-program.js';
import { programOf, sameBits } from '../wasm/harness.js';
import { interpretProgram } from '../wasm/interpreter.js';
import { otherKind, runOnGpu, withoutSubgroups } from './run-program.js';

/** Few small integers, so that sums and products are exact in any order. */
export const small = (dtype: DType, length: number, seed: number): TypedArray => {
  const data = hostArray(dtype, length);
  for (let i = 0; i < length; i++) {
    const n = Math.imul(i + 1 + seed * 977, 2654435761) >>> 16;
    data[i] = dtype === 'bool' ? n & 1 : dtype === 'uint32' ? n % 9 : (n % 9) - 4;
  }
  return data;
};

export async function check(
  kernel: Kernel,
  inputs: readonly TypedArray[],
  initial: readonly TypedArray[] = [],
): Promise<void> {
  const program = programOf(kernel);
  const expected = interpretProgram(program, inputs, initial);
  const compare = (what: string, got: readonly TypedArray[]): void => {
    expected.forEach((want, i) => {
      const other = got[i] ?? new Uint8Array();
      if (sameBits(want, other)) return;
      const at = want.findIndex((v, n) => !Object.is(v, other[n]));
      throw new Error(`${what}: output ${i}[${at}] is ${String(other[at])}, should be ${String(want[at])}`);
    });
  };
  // The oracle is slow.
  if ((inputs[0]?.length ?? 0) < 3000)
    compare('launches, by the oracle', interpretProgram(lowerProgram(program), inputs, initial));
  compare('on the device', await runOnGpu(program, inputs, initial));
  if (kernel.kind !== 'sort') compare('as on the other kind', await runOnGpu(program, inputs, initial, otherKind));
  if (kernel.kind === 'loop') compare('without subgroups', await runOnGpu(program, inputs, initial, withoutSubgroups));
}

export const sizeOf = (loops: readonly Loop[]): number => loops.reduce((n, l) => n * l.extent, 1);
export const variables = (loops: readonly Loop[]): Expr[] => loops.map((l) => loopVar(l.id, l.extent));

/** Row-major position of the loops in this order. */
export const position = (loops: readonly Loop[]): Expr =>
  variables(loops).reduce<Expr>(
    (sum, v, i) => binary('add', binary('mul', sum, int(loops[i]?.extent ?? 1)), v),
    int(0),
  );

/** Sizes of points and stages on both sides of every choice between invocations, workgroups and several launches. */
export const SIZES: readonly (readonly [points: number, stage: number])[] = [
  [1, 5],
  [1, 100],
  [1, 9000],
  [3, 8200],
  [70, 40],
  [66, 130],
  [130, 140],
  [1100, 3],
  [1030, 40],
];
