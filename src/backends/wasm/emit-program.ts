/**
 * A whole program as one WebAssembly module: a function per kernel and `run(table, extent)`, which calls them in
 * order. `table` points at the i32 byte addresses of the inputs, outputs and constants, then of the arena and
 * the scratch memory.
 */
import type { Kernel, Program, ProgramBuffer } from '../../compiler/loop-ir.js';
import type { FunctionBuilder } from './assembler.js';
import { ModuleBuilder } from './assembler.js';
import { emitContractKernel } from './contract-kernel.js';
import { emitLoopSteps } from './loop-steps.js';
import type { EmittedKernel, KernelStep } from './kernel-step.js';
import { emitSortKernel } from './sort-kernel.js';
import { at } from './util.js';
import type { VectorMode } from './vectorise.js';

export interface EmitOptions {
  /** Pages of 64 KiB of a shared memory; not shared if absent. */
  readonly sharedMemoryPages?: number;
  /** Whether loops run in vector lanes: where a count of instructions says it pays, never, or wherever possible. */
  readonly vectors?: VectorMode;
}

export interface EmittedProgram {
  /** The module. It imports `env.memory` and exports `run(table: i32, extent: i32)`. */
  readonly bytes: Uint8Array;
  /** Bytes of scratch memory that `run` needs, beside the arena. */
  readonly scratchBytes: number;
  /** A readable listing of the kernels and calls. */
  text(): string;
}

export function emitProgram(program: Program, options: EmitOptions = {}): EmittedProgram {
  const pages = options.sharedMemoryPages;
  const module = new ModuleBuilder({
    module: 'env',
    name: 'memory',
    shared: pages !== undefined,
    ...(pages === undefined ? {} : { maximumPages: pages }),
  });
  const kernels = program.kernels.map((kernel) =>
    emitKernel(module, kernel, program.dynamicExtent, options.vectors ?? 'auto'),
  );
  const run = module.function('run', ['i32', 'i32']);
  const tables = tableLayout(program);
  for (const call of program.calls) {
    for (const step of at(kernels, call.kernel, 'kernel').steps) {
      emitStep(run, step, (slot) => at(program.buffers, at(call.args, slot, 'argument'), 'buffer'), tables);
    }
  }
  module.export('run', run);
  return {
    bytes: module.finish(),
    scratchBytes: kernels.reduce((bytes, kernel) => Math.max(bytes, kernel.scratchBytes), 0),
    text: () => listProgram(program, kernels),
  };
}

function emitKernel(module: ModuleBuilder, kernel: Kernel, dynamic: boolean, vectors: VectorMode): EmittedKernel {
  switch (kernel.kind) {
    case 'loop':
      return emitLoopSteps(module, kernel, dynamic, vectors);
    case 'contract':
      return emitContractKernel(module, kernel, vectors);
    case 'sort':
      return emitSortKernel(module, kernel);
  }
}

/** Byte offsets in the table. */
interface TableLayout {
  readonly input: number;
  readonly output: number;
  readonly constant: number;
  readonly arena: number;
  readonly scratch: number;
}

function tableLayout(program: Program): TableLayout {
  const output = program.inputCount * 4;
  const constant = output + program.outputCount * 4;
  const arena = constant + program.constants.length * 4;
  return { input: 0, output, constant, arena, scratch: arena + 4 };
}

function pushAddress(f: FunctionBuilder, buffer: ProgramBuffer, tables: TableLayout): void {
  const { place } = buffer;
  f.get(0);
  if (place.kind === 'arena') {
    f.memory('i32.load', tables.arena);
    if (place.offset !== 0) f.i32(place.offset).op('i32.add');
  } else f.memory('i32.load', tables[place.kind] + place.index * 4);
}

function emitStep(
  f: FunctionBuilder,
  step: KernelStep,
  bufferOf: (slot: number) => ProgramBuffer,
  tables: TableLayout,
): void {
  const pushArgs = (): void => {
    for (const arg of step.args) {
      if ('slot' in arg) pushAddress(f, bufferOf(arg.slot), tables);
      else {
        f.get(0).memory('i32.load', tables.scratch);
        if (arg.scratch !== 0) f.i32(arg.scratch).op('i32.add');
      }
    }
  };
  const { extent, tile } = step;
  if (extent === 0) return;
  if (extent !== 'dynamic' && extent <= tile) {
    pushArgs();
    f.i32(0).i32(extent).call(step.target);
    return;
  }
  const pushExtent = (): void => {
    if (extent === 'dynamic') f.get(1);
    else f.i32(extent);
  };
  const lo = f.local('i32');
  const hi = f.local('i32');
  f.i32(0).set(lo);
  const exit = f.block();
  const again = f.loop();
  f.get(lo);
  pushExtent();
  f.op('i32.ge_u').brIf(exit);
  // hi = lo + min(tile, extent - lo)
  f.get(lo).i32(tile);
  pushExtent();
  f.get(lo).op('i32.sub').i32(tile);
  pushExtent();
  f.get(lo).op('i32.sub').op('i32.lt_u').op('select').op('i32.add').set(hi);
  pushArgs();
  f.get(lo).get(hi).call(step.target);
  f.get(hi).set(lo).br(again);
  f.end().end();
  f.release('i32', lo);
  f.release('i32', hi);
}

function listProgram(program: Program, kernels: readonly EmittedKernel[]): string {
  const place = (buffer: ProgramBuffer): string =>
    buffer.place.kind === 'arena' ? `arena+${buffer.place.offset}` : `${buffer.place.kind}${buffer.place.index}`;
  const calls = program.calls.map((call) => {
    const name = at(program.kernels, call.kernel, 'kernel').name;
    return `  ${name}(${call.args.map((i) => place(at(program.buffers, i, 'buffer'))).join(', ')})`;
  });
  return [...kernels.map((k) => k.listing()), `program ${program.name}`, ...calls].join('\n');
}
