/** What is worth splitting over threads, by rough counts of scalar operations: 3 to 5 million a millisecond. */
import type { Step } from '../../../compiler/loop-ir.js';
import type { EmittedKernel, KernelStep } from '../kernel-step.js';
import { at } from '../util.js';

/** Operations from which a step is split: some 25 µs, many barriers' worth. */
const SPLIT_FROM = 100_000;
/** What a loop that runs as long as a condition holds is taken to run. */
const UNKNOWN_TRIPS = 16;

/** Whether a step is split over threads; one whose extent is known only at run time always is. */
export const isSplit = ({ extent, tile, grain = tile, operations }: KernelStep): boolean =>
  extent === 'dynamic' || (extent > grain && extent * operations >= SPLIT_FROM);

/** Operations that several threads can share: so many, and so many for each iteration of a run-time extent. */
export interface SharedWork {
  readonly fixed: number;
  readonly perIteration: number;
}

export const workOf = ({ fixed, perIteration }: SharedWork, extent: number): number => fixed + perIteration * extent;

/** What several threads can share of a program. */
export function sharedWork(steps: readonly Step[], kernels: readonly EmittedKernel[]): SharedWork {
  let perIteration = 0;
  const work = (list: readonly Step[]): number =>
    list.reduce((sum, step) => {
      switch (step.kind) {
        case 'kernel':
          return sum + launchWork(at(kernels, step.kernel, 'kernel'));
        case 'loop':
          return 'count' in step.trips
            ? sum + step.trips.count * work(step.steps)
            : sum + UNKNOWN_TRIPS * (work(step.trips.condition) + work(step.steps));
        case 'branch':
          return sum + Math.max(0, ...step.branches.map(work));
      }
    }, 0);
  const launchWork = (kernel: EmittedKernel): number => {
    let total = 0;
    for (const step of kernel.steps) {
      if (step.extent === 'dynamic') perIteration += step.operations;
      else if (isSplit(step)) total += step.extent * step.operations;
    }
    return total;
  };
  return { fixed: work(steps), perIteration };
}

/** A kernel with every step cut into some seven tiles that are worth splitting, however small: for tests. */
export const splitAnything = (kernel: EmittedKernel): EmittedKernel => ({
  ...kernel,
  steps: kernel.steps.map((step) => {
    const tile = step.extent === 'dynamic' ? 7 : Math.max(1, Math.ceil(step.extent / 7));
    return { ...step, tile, grain: tile, operations: 1e9 };
  }),
});
