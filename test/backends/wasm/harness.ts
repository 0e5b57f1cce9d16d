/** Runs an emitted program on plain memory, and builds programs of a single kernel. */
import { byteWidth, hostArray, hostView } from '../../../src/core/dtype.js';
import { packHalves, unpackHalves } from '../../../src/core/half.js';
import type { DType, TypedArray } from '../../../src/core/dtype.js';
import type { Kernel, Program } from '../../../src/compiler/loop-ir.js';
import type { EmitOptions } from '../../../src/backends/wasm/emit-program.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** A program of one kernel: slots that are only read are inputs, the others outputs, in slot order. */
export function programOf(kernel: Kernel, dynamicExtent = false): Program {
  let inputCount = 0;
  let outputCount = 0;
  const buffers = kernel.buffers.map((slot) => ({
    dtype: slot.dtype,
    length: slot.length,
    place:
      slot.access === 'read'
        ? ({ kind: 'input', index: inputCount++ } as const)
        : ({ kind: 'output', index: outputCount++ } as const),
  }));
  return {
    name: 'test',
    buffers,
    kernels: [kernel],
    steps: [{ kind: 'kernel', kernel: 0, args: buffers.map((_, i) => i) }],
    constants: [],
    inputCount,
    outputCount,
    arenaBytes: 0,
    donations: Array.from({ length: outputCount }, () => -1),
    dynamicExtent,
  };
}

/** Bytes around every buffer that a program must not touch, and what they hold. */
const GUARD = 64;
const GUARD_BYTE = 0xa5;

/** An instantiated program; `run` copies inputs in and outputs out. */
export class Loaded {
  readonly memory: WebAssembly.Memory;
  private readonly entry: (table: number, extent: number) => void;
  private readonly scratch: number;

  constructor(
    readonly program: Program,
    options: EmitOptions = {},
    heapBytes = 1 << 24,
  ) {
    const emitted = emitProgram(program, options);
    this.scratch = emitted.scratchBytes + emitted.privateBytes;
    const module = new WebAssembly.Module(emitted.bytes as Uint8Array<ArrayBuffer>);
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((heapBytes + this.scratch) / 65536) });
    const { run } = new WebAssembly.Instance(module, { env: { memory: this.memory } }).exports;
    if (typeof run !== 'function') throw new Error('no run export');
    this.entry = (table, extent) => {
      Reflect.apply(run, undefined, [table, extent]);
    };
  }

  run(inputs: readonly TypedArray[], initial: readonly TypedArray[] = [], extent?: number): TypedArray[] {
    const { program } = this;
    const heap = this.memory.buffer;
    const bytes = new Uint8Array(heap);
    let top = 1024;
    const guards: number[] = [];
    const alloc = (size: number): number => {
      bytes.fill(GUARD_BYTE, top, top + GUARD);
      guards.push(top);
      const at = top + GUARD;
      top = at + align(size);
      // The end of the buffer up to its alignment is guarded too.
      bytes.fill(GUARD_BYTE, at + size, top + GUARD);
      for (let i = at + size; i < top; i++) tail.push(i);
      return at;
    };
    const tail: number[] = [];
    const place = (dtype: DType, data: TypedArray): number => {
      const at = alloc(data.length * byteWidth(dtype));
      if (dtype === 'float16') packHalves(data, new Uint16Array(heap, at, data.length));
      else hostView(dtype, heap, at, data.length).set(data);
      return at;
    };
    const table: number[] = [];
    inputs.forEach((data, i) => {
      const buffer = program.buffers.find((b) => b.place.kind === 'input' && b.place.index === i);
      table.push(place(buffer?.dtype ?? 'float32', data));
    });
    const outputs: { dtype: DType; length: number; at: number }[] = [];
    for (let i = 0; i < program.outputCount; i++) {
      const buffer = program.buffers.find((b) => b.place.kind === 'output' && b.place.index === i);
      if (buffer === undefined) throw new Error(`output ${i} has no buffer`);
      const length = extent ?? buffer.length;
      const start = initial[i];
      const at = start === undefined ? alloc(length * byteWidth(buffer.dtype)) : place(buffer.dtype, start);
      outputs.push({ dtype: buffer.dtype, length, at });
      table.push(at);
    }
    for (const { dtype, data } of program.constants) table.push(place(dtype, data));
    table.push(alloc(program.arenaBytes), alloc(this.scratch));
    alloc(0);
    if (top > bytes.length) throw new Error(`test heap too small: ${top} bytes wanted`);
    new Int32Array(heap, 0, table.length).set(table);
    this.entry(0, extent ?? 0);
    for (const at of guards) {
      for (let i = at; i < at + GUARD; i++)
        if (bytes[i] !== GUARD_BYTE) throw new Error(`memory outside the buffers was written, at ${i}`);
    }
    for (const i of tail) if (bytes[i] !== GUARD_BYTE) throw new Error(`memory after a buffer was written, at ${i}`);
    return outputs.map(({ dtype, length, at }) => {
      if (dtype === 'float16') return unpackHalves(new Uint16Array(heap, at, length));
      const copy = hostArray(dtype, length);
      copy.set(hostView(dtype, heap, at, length));
      return copy;
    });
  }
}

export const runProgram = (
  program: Program,
  inputs: readonly TypedArray[],
  initial: readonly TypedArray[] = [],
  extent?: number,
  options: EmitOptions = {},
): TypedArray[] => new Loaded(program, options).run(inputs, initial, extent);

/** The ways a kernel may be printed; each must give what the oracle gives. */
export const VECTOR_MODES = ['auto', 'never', 'always', 'always-inner'] as const;

/** Whether two arrays hold the same values: NaN is NaN, and zeros have the same sign. */
export function sameBits(a: TypedArray, b: TypedArray): boolean {
  return a.length === b.length && a.every((v, i) => Object.is(v, b[i]));
}
