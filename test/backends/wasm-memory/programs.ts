/** Hand-assembled modules and the programs they stand for, so that memory is tested apart from code generation. */
import type { DType, TypedArray } from '../../../src/core/dtype.js';
import type { Program } from '../../../src/compiler/loop-ir.js';
import { CpuDevice, type CpuDeviceOptions } from '../../../src/backends/wasm/device.js';
import { Heap } from '../../../src/backends/wasm/heap.js';
import type { EmittedProgram } from '../../../src/backends/wasm/emit-program.js';

/** `dst[i] = sum of src[i] over srcs (+ scalar[0])` in f32, by position in the address table. */
export interface Pass {
  readonly dst: number;
  readonly srcs: readonly number[];
  readonly scalar?: number;
}

const leb = (value: number): number[] => {
  const out: number[] = [];
  for (let rest = value; ;) {
    const byte = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (byte & 0x40) === 0) || (rest === -1 && (byte & 0x40) !== 0);
    out.push(done ? byte : byte | 0x80);
    if (done) return out;
  }
};
const uleb = (value: number): number[] => (value < 128 ? [value] : [(value & 0x7f) | 0x80, ...uleb(value >>> 7)]);
const section = (id: number, body: readonly number[]): number[] => [id, ...uleb(body.length), ...body];
const name = (text: string): number[] => [text.length, ...new TextEncoder().encode(text)];

const get = (local: number): number[] => [0x20, local];
const loadEntry = (index: number): number[] => [...get(0), 0x28, 2, ...uleb(4 * index)];
const [END, ADD_I32, ADD_F32, LOAD_F32, STORE_F32] = [0x0b, 0x6a, 0x92, [0x2a, 2, 0], [0x38, 2, 0]] as const;
const [EXTENT, OFFSET] = [1, 2] as const;

function passCode({ dst, srcs, scalar }: Pass): number[] {
  const element = (index: number): number[] => [...loadEntry(index), ...get(OFFSET), ADD_I32];
  const terms = srcs.map((src) => [...element(src), ...LOAD_F32]);
  if (scalar !== undefined) terms.push([...loadEntry(scalar), ...LOAD_F32]);
  const value = terms.flatMap((term, i) => (i === 0 ? term : [...term, ADD_F32]));
  return [
    ...[0x41, 0, 0x21, OFFSET], // offset = 0
    ...[0x02, 0x40, 0x03, 0x40], // block, loop
    ...[...get(OFFSET), ...get(EXTENT), 0x41, 2, 0x74, 0x4f, 0x0d, 1], // if offset >= extent << 2: leave
    ...[...element(dst), ...value, ...STORE_F32],
    ...[...get(OFFSET), 0x41, 4, ADD_I32, 0x21, OFFSET, 0x0c, 0, END, END],
  ];
}

/** A module that runs the passes, over `count` elements or, without, over the extent; then traps if asked. */
function assemble(passes: readonly Pass[], count: number | undefined, trap: boolean): Uint8Array {
  const setExtent = count === undefined ? [] : [0x41, ...leb(count), 0x21, EXTENT];
  const code = [1, 1, 0x7f, ...setExtent, ...passes.flatMap(passCode), ...(trap ? [0x00] : []), END];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, 0x7f, 0x7f, 0]),
    ...section(2, [1, ...name('env'), ...name('memory'), 2, 0, 0]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('run'), 0, 0]),
    ...section(10, [1, ...uleb(code.length), ...code]),
  ]);
}

export interface ProgramSpec {
  /** Elements of each input, output (float32). */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly constants?: readonly TypedArray[];
  readonly arenaBytes?: number;
  readonly scratchBytes?: number;
  readonly donations?: readonly number[];
  readonly passes: readonly Pass[];
  /** Elements a pass covers; without it the program has a dynamic extent. */
  readonly count?: number;
  readonly trap?: boolean;
}

const specs = new WeakMap<Program, ProgramSpec>();

/** The program a spec stands for; devices made by {@link testDevice} know how to print it. */
export function programOf(spec: ProgramSpec): Program {
  const { inputs, outputs, constants = [], arenaBytes = 0 } = spec;
  const buffer = (kind: 'input' | 'output') => (length: number, index: number) =>
    ({ dtype: 'float32' as DType, length, place: { kind, index } }) as const;
  const program: Program = {
    name: 'test',
    buffers: [...inputs.map(buffer('input')), ...outputs.map(buffer('output'))],
    kernels: [],
    steps: [],
    constants: constants.map((data) => ({ dtype: 'float32', data })),
    inputCount: inputs.length,
    outputCount: outputs.length,
    arenaBytes,
    donations: spec.donations ?? outputs.map(() => -1),
    dynamicExtent: spec.count === undefined,
  };
  specs.set(program, spec);
  return program;
}

function emit(program: Program): EmittedProgram {
  const spec = specs.get(program);
  if (spec === undefined) throw new Error('not a program of this file');
  return {
    bytes: assemble(spec.passes, spec.count, spec.trap ?? false),
    scratchBytes: spec.scratchBytes ?? 0,
    privateBytes: 0,
    shared: undefined,
    text: () => '(module)',
  };
}

/** A device of its own, so that no test sees the memory of another; the modules above import one that is not shared. */
export const testDevice = (options: Omit<CpuDeviceOptions, 'emit'> = {}): CpuDevice =>
  new CpuDevice({ heap: new Heap(), ...options, emit });

/** `x + y` for any length. */
export const addProgram = (): Program =>
  programOf({ inputs: [1, 1], outputs: [1], passes: [{ dst: 2, srcs: [0, 1] }] });

/** `x + 1` for any length, with the 1 a constant of the program. */
export const incrementProgram = (donations = [-1]): Program =>
  programOf({
    inputs: [1],
    outputs: [1],
    constants: [Float32Array.of(1)],
    donations,
    passes: [{ dst: 1, srcs: [0], scalar: 2 }],
  });
