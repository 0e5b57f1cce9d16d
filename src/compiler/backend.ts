/** What a backend offers the compiler: a device that can also turn a Program into something runnable. */
import type { Device, Storage } from '../core/device.js';
import type { Program } from './loop-ir.js';
import type { MemoryLayout } from './plan.js';

export type TextStage = 'kernels' | 'wat' | 'wgsl';

export interface Executable {
  /**
   * Run once. `donated[i]` says that input i's bytes may be reused and are gone afterwards. `extent` is the
   * run-time length of a `dynamicExtent` program: every output then has that many elements.
   */
  run(inputs: readonly Storage[], donated?: readonly boolean[], extent?: number): Storage[];
  /** For reading: the kernels as loops and expressions, or the code made of them: `wat` on a CPU, `wgsl` on a GPU. */
  asText(stage?: TextStage): string;
}

export interface Backend extends Device {
  /** How arrays lie in its memory; as in a host's if absent. */
  readonly layout?: MemoryLayout;
  /** Another array of the same elements. */
  copy(storage: Storage): Storage;
  compile(program: Program): Executable;
}
