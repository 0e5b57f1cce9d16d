/** Programs whose kernels become others, one or several, each of which takes some of the arguments of the one it comes from. */
import { nth } from '../core/axes.js';
import type { Kernel, KernelCall, LoopStep, Step } from './loop-ir.js';

/** A launch: a kernel by number, and which slots of the kernel it comes from (or of what was added to those) its own are. */
export interface Launch {
  readonly kernel: number;
  readonly slots: readonly number[];
}

/** A kernel as parts of it, with the slots of the whole that each uses. */
export interface Part {
  readonly kernel: Kernel;
  readonly slots: readonly number[];
}

/** Steps that launch `launches[k]` where they launched kernel k; `argument` is the buffer of a slot. */
export function replaceKernels(
  steps: readonly Step[],
  launches: readonly (readonly Launch[])[],
  argument: (call: KernelCall, slot: number) => number,
): Step[] {
  const single = (kernel: number): number => {
    const [launch, ...more] = nth(launches, kernel);
    if (launch === undefined || more.length > 0) throw new Error('internal error: a copy is several launches');
    return launch.kernel;
  };
  const visit = (list: readonly Step[]): Step[] =>
    list.flatMap((step): Step[] => {
      switch (step.kind) {
        case 'kernel':
          return nth(launches, step.kernel).map(({ kernel, slots }) => ({
            kind: 'kernel',
            kernel,
            args: slots.map((slot) => argument(step, slot)),
          }));
        case 'branch':
          return [{ ...step, branches: step.branches.map(visit) }];
        case 'loop':
          return [visitLoop(step)];
      }
    });
  const visitLoop = (loop: LoopStep): LoopStep => {
    const { trips, carries } = loop;
    return {
      ...loop,
      trips: 'count' in trips ? trips : { ...trips, condition: visit(trips.condition) },
      carries: carries.map((c) => (c.copy === undefined ? c : { ...c, copy: single(c.copy) })),
      steps: visit(loop.steps),
    };
  };
  return visit(steps);
}
