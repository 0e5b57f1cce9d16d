/**
 * A whole program as one WebAssembly module: a function per kernel and `run(table, extent)`, which runs the program's
 * steps. `table` points at the i32 byte addresses of the inputs, outputs and constants, then of the arena and the
 * scratch memory.
 */
import type { Kernel, Program } from '../../compiler/loop-ir.js';
import { Addresses } from './addresses.js';
import { ModuleBuilder } from './assembler.js';
import { emitContractKernel } from './contract-kernel.js';
import { StepEmitter } from './emit-steps.js';
import type { EmittedKernel } from './kernel-step.js';
import { emitLaunch } from './launch.js';
import { listSteps } from './list-program.js';
import { emitLoopSteps } from './loop-steps.js';
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
  const [table, extent] = [0, 1];
  const addresses = new Addresses(program, table);
  new StepEmitter(run, addresses, (call) => {
    emitLaunch(run, at(kernels, call.kernel, 'kernel'), call, addresses, extent);
  }).steps(program.steps);
  module.export('run', run);
  return {
    bytes: module.finish(),
    scratchBytes: kernels.reduce((bytes, kernel) => Math.max(bytes, kernel.scratchBytes), 0),
    text: () => [...kernels.map((k) => k.listing()), `program ${program.name}`, ...listSteps(program)].join('\n'),
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
