/**
 * A whole program as one WebAssembly module: a function per kernel and `run(table, extent)`, which runs the program's
 * steps. `table` points at the i32 byte addresses of the inputs, outputs and constants, then of the arena and the
 * scratch memory.
 */
import type { Kernel, Program } from '../../compiler/loop-ir.js';
import { Addresses } from './addresses.js';
import { ModuleBuilder } from './assembler.js';
import { emitContractKernel } from './contract-kernel.js';
import { hasFusedMultiplyAdd } from './features.js';
import type { GemmOptions } from './gemm-kernel.js';
import { StepEmitter } from './emit-steps.js';
import type { EmittedKernel } from './kernel-step.js';
import { SingleThread, type LaunchContext } from './launch.js';
import { listSteps } from './list-program.js';
import { emitLoopSteps } from './loop-steps.js';
import { emitSortKernel } from './sort-kernel.js';
import { barrierFunction } from './threads/barrier.js';
import { ThreadedSchedule } from './threads/schedule.js';
import { PARALLEL_FROM } from './threads/pool.js';
import { sharedWork, splitAnything, type SharedWork } from './threads/split.js';
import type { VectorMode } from './vectorise.js';

export interface EmitOptions {
  /** Pages of 64 KiB of a shared memory; not shared if absent. */
  readonly sharedMemoryPages?: number;
  /** Whether loops run in vector lanes: where a count of instructions says it pays, never, or wherever possible. */
  readonly vectors?: VectorMode;
  /** Whether matrix products use fused multiply-add; if absent, where the engine has it. */
  readonly fused?: boolean;
  /** Which steps several threads share, if the memory is shared: those that are worth it, or all that can be cut. */
  readonly split?: 'auto' | 'always';
}

export interface EmittedProgram {
  /**
   * The module. It imports `env.memory` and exports `run(table, extent)`, or, where several threads can run it,
   * `run(table, extent, thread, threads, control)`; all are i32.
   */
  readonly bytes: Uint8Array;
  /** Bytes of scratch memory that `run` needs, beside the arena, and those that each thread needs of its own, after them. */
  readonly scratchBytes: number;
  readonly privateBytes: number;
  /** What several threads can share; absent if `run` is for one thread. */
  readonly shared: SharedWork | undefined;
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
  const emitted = program.kernels.map((kernel) =>
    emitKernel(module, kernel, program.dynamicExtent, {
      vectors: options.vectors ?? 'auto',
      fused: options.fused ?? hasFusedMultiplyAdd(),
    }),
  );
  const kernels = options.split === 'always' ? emitted.map(splitAnything) : emitted;
  const largest = (of: (kernel: EmittedKernel) => number): number => Math.max(0, ...kernels.map(of));
  const scratchBytes = largest((kernel) => kernel.scratchBytes);
  const privateBytes = largest((kernel) => kernel.privateBytes);
  const shared = pages === undefined ? undefined : sharedWork(program.steps, kernels);
  const threaded = shared !== undefined && (shared.fixed >= PARALLEL_FROM || shared.perIteration > 0);
  const barrier = threaded ? barrierFunction(module) : undefined;
  const f = module.function('run', threaded ? ['i32', 'i32', 'i32', 'i32', 'i32'] : ['i32', 'i32']);
  const [table, extent, thread, threads, control] = [0, 1, 2, 3, 4];
  const addresses = new Addresses(program, table);
  const context: LaunchContext = { f, addresses, kernels, extent, privateScratch: scratchBytes };
  const schedule =
    barrier === undefined
      ? new SingleThread(context)
      : new ThreadedSchedule(program, context, { thread, threads, control, barrier, privateBytes });
  new StepEmitter(f, addresses, schedule).steps(program.steps);
  // The caller goes on when all threads are done.
  schedule.synchronize();
  module.export('run', f);
  return {
    bytes: module.finish(),
    scratchBytes,
    privateBytes,
    shared: threaded ? shared : undefined,
    text: () => [...kernels.map((k) => k.listing()), `program ${program.name}`, ...listSteps(program)].join('\n'),
  };
}

function emitKernel(module: ModuleBuilder, kernel: Kernel, dynamic: boolean, options: GemmOptions): EmittedKernel {
  switch (kernel.kind) {
    case 'loop':
      return emitLoopSteps(module, kernel, dynamic, options.vectors);
    case 'contract':
      return emitContractKernel(module, kernel, options);
    case 'sort':
      return emitSortKernel(module, kernel);
  }
}
