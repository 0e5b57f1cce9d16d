/** What the program function needs to know of an emitted kernel: which functions to call, over what range, on what. */
import type { FunctionRef } from './assembler.js';

/**
 * An address passed to a kernel function: a slot of the kernel, or a place in the scratch memory, either the one that all
 * threads share or the thread's own.
 */
export type StepArgument = { readonly slot: number } | { readonly scratch: number } | { readonly private: number };

/** One function of a kernel, run over iterations [0, extent) in tiles. Steps of a kernel run one after the other. */
export interface KernelStep {
  readonly target: FunctionRef;
  readonly args: readonly StepArgument[];
  /** Iterations of the outermost loop, or `dynamic`: the extent given at run time. */
  readonly extent: number | 'dynamic';
  /**
   * Iterations per call. Engines have no on-stack replacement for WebAssembly, so one call that runs for long
   * stays in the baseline tier; calls of some tens of microseconds tier up after a few.
   */
  readonly tile: number;
  /**
   * Threads divide the extent at multiples of this; the tile if absent. Results must not depend on where a call begins,
   * to the bit: a call may begin at any multiple.
   */
  readonly grain?: number;
  /** Scalar operations of one iteration, roughly: what tells whether to split it over threads. */
  readonly operations: number;
}

export interface EmittedKernel {
  readonly steps: readonly KernelStep[];
  /** Bytes of scratch the kernel needs while it runs, shared by all threads, and of each thread's own. */
  readonly scratchBytes: number;
  readonly privateBytes: number;
  /** The kernel as it was printed, for reading. */
  listing(): string;
}

/** Iterations per call when one iteration runs about `operations` scalar operations. */
export function tileFor(operations: number): number {
  const wanted = 65536 / Math.max(1, operations);
  // A multiple of 64 keeps the vector loops of all tiles but the last without a tail.
  return wanted >= 64 ? Math.floor(wanted / 64) * 64 : Math.max(1, Math.floor(wanted));
}
