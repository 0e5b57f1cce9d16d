/** What is worth splitting over threads, by rough counts of scalar operations. */
import type { Step } from '../../../compiler/loop-ir.js';
import type { EmittedKernel, KernelStep } from '../kernel-step.js';
import { at } from '../util.js';

/** Operations from which a step is split: some 20 µs, several barriers' worth. */
const SPLIT_FROM = 100_000;
/** Operations in split steps from which a program runs on several threads: to wake a worker takes up to 50 µs. */
const PARALLEL_FROM = 1_000_000;
/** What a loop that runs as long as a condition holds is taken to run. */
const UNKNOWN_TRIPS = 16;

/** Whether a step is split over threads; one whose extent is known only at run time always is. */
export const isSplit = ({ extent, tile, grain = tile, operations }: KernelStep): boolean =>
  extent === 'dynamic' || (extent > grain && extent * operations >= SPLIT_FROM);

/**
 * The run-time extent from which a program is worth several threads: 0 where it is for any, Infinity where it never is.
 */
export function parallelExtent(steps: readonly Step[], kernels: readonly EmittedKernel[]): number {
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
  const total = work(steps);
  if (perIteration > 0) return Math.ceil(PARALLEL_FROM / perIteration);
  return total >= PARALLEL_FROM ? 0 : Infinity;
}

/** A kernel with every step cut into some seven tiles that are worth splitting, however small: for tests. */
export const splitAnything = (kernel: EmittedKernel): EmittedKernel => ({
  ...kernel,
  steps: kernel.steps.map((step) => {
    const tile = step.extent === 'dynamic' ? 7 : Math.max(1, Math.ceil(step.extent / 7));
    return { ...step, tile, grain: tile, operations: Infinity };
  }),
});
