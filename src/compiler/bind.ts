/** The last step of compilation: kernels are numbered, structurally equal ones once, and values become buffers. */
import type { Var } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { kernelKey } from './key.js';
import type { Carry, Kernel, LoopKernel, ProgramBuffer, Step } from './loop-ir.js';
import type { MemoryPlan } from './plan.js';
import type { CarriedValue, RepeatStep, ScheduledBody, ScheduledStep } from './schedule.js';

export interface BoundProgram {
  readonly buffers: readonly ProgramBuffer[];
  readonly kernels: readonly Kernel[];
  readonly steps: readonly Step[];
}

export function bindSteps({ steps }: ScheduledBody, plan: MemoryPlan): BoundProgram {
  const kernels: Kernel[] = [];
  const ids = new Map<string, number>();
  const idOf = (kernel: Kernel): number => {
    const key = kernelKey(kernel);
    let id = ids.get(key);
    if (id === undefined) {
      ids.set(key, (id = kernels.length));
      kernels.push(kernel);
    }
    return id;
  };
  const buffer = (v: Var): number => plan.bufferOf.get(v) ?? -1;

  const carryOf = (loop: RepeatStep, carry: CarriedValue): Carry => {
    const { trips } = loop;
    const result = buffer(carry.result);
    const common = { initial: buffer(carry.initial), result, start: buffer(carry.start) };
    const inPlace = plan.inPlace.has(carry);
    const spare = inPlace ? result : buffer(carry.spare);
    const odd = 'count' in trips && trips.count % 2 === 1;
    const [first, second] = odd && !plan.shared.has(carry) ? [result, spare] : [spare, result];
    // A loop of no iterations leaves the initial value where it is.
    const ends = 'count' in trips && (odd ? first : second) === result;
    return { ...common, first, second, ...(ends ? {} : { copy: idOf(copyKernel(carry.result)) }) };
  };
  const bind = (list: readonly ScheduledStep[]): Step[] =>
    list.map((step): Step => {
      switch (step.kind) {
        case 'kernel':
          return { kind: 'kernel', kernel: idOf(step.kernel), args: step.slots.map(buffer) };
        case 'branch':
          return { kind: 'branch', index: buffer(step.index), branches: step.branches.map((b) => bind(b.steps)) };
        case 'loop': {
          const { trips } = step;
          return {
            kind: 'loop',
            id: plan.loopIds.get(step) ?? -1,
            trips: 'cond' in trips ? { condition: bind(trips.cond.steps), holds: buffer(trips.holds) } : trips,
            carries: step.carries.map((carry) => carryOf(step, carry)),
            steps: bind(step.body.steps),
          };
        }
      }
    });
  const bound = bind(steps);
  return { buffers: plan.buffers, kernels, steps: bound };
}

/** `out = x`, element by element. */
function copyKernel({ aval: { dtype, size } }: Var): LoopKernel {
  const i = s.loopVar(0, size);
  return {
    kind: 'loop',
    name: 'copy',
    buffers: [
      { dtype, length: size, access: 'read' },
      { dtype, length: size, access: 'write' },
    ],
    loops: [{ id: 0, extent: size }],
    stages: [
      { loops: [], accumulators: [], stores: [{ buffer: 1, index: i, value: s.load(dtype, 0, i) }], ordered: false },
    ],
  };
}
