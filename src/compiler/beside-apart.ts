/**
 * Programs in which what is beside a matrix product (loop-ir.ts) is kernels of its own, for backends that print one
 * thing a kernel.
 */
import { nth } from '../core/axes.js';
import type { ContractKernel, ContractOperand, Kernel, LoopKernel, Program, Stage, Store } from './loop-ir.js';
import { replaceKernels, type Part } from './replace-kernels.js';
import { mapStage, mapStore, renaming } from './stages.js';

export function besideApart(program: Program): Program {
  const isBeside = (kernel: Kernel): boolean => kernel.kind === 'contract' && kernel.beside !== undefined;
  if (!program.kernels.some(isBeside)) return program;
  const kernels: Kernel[] = [];
  const parts = program.kernels.map((kernel) =>
    partsOf(kernel).map(({ kernel: part, slots }) => ({ kernel: kernels.push(part) - 1, slots })),
  );
  const steps = replaceKernels(program.steps, parts, ({ args }, slot) => nth(args, slot));
  return { ...program, kernels, steps };
}

function partsOf(kernel: Kernel): Part[] {
  if (kernel.kind !== 'contract' || kernel.beside === undefined)
    return [{ kernel, slots: kernel.buffers.map((_, slot) => slot) }];
  const { beside, ...product } = kernel;
  const loops = beside.map(({ of, stages }, i): Part => {
    const used = new Slots(kernel);
    const own = stages.map((stage) => used.stage(stage));
    const outer = [...kernel.batch, ...kernel[of]].map(({ id, extent }) => ({ id, extent }));
    const name = `${kernel.name}_beside${i}`;
    const loop: LoopKernel = { kind: 'loop', name, buffers: used.buffers, loops: outer, stages: own };
    return { kernel: loop, slots: used.list };
  });
  const used = new Slots(kernel);
  const [lhs, rhs] = [used.operand(product.lhs), used.operand(product.rhs)];
  const out = product.out === undefined ? {} : { out: { ...product.out, buffer: used.slot(product.out.buffer) } };
  const epilogue = product.epilogue === undefined ? {} : { epilogue: product.epilogue.map((t) => used.store(t)) };
  const alone: ContractKernel = { ...product, lhs, rhs, ...out, ...epilogue, buffers: used.buffers };
  return [{ kernel: alone, slots: used.list }, ...loops];
}

/** Numbers the slots that a part uses. */
class Slots {
  readonly list: number[] = [];
  readonly expr = renaming((slot) => this.slot(slot));

  constructor(private readonly kernel: ContractKernel) {}

  get buffers(): Kernel['buffers'] {
    return this.list.map((slot) => nth(this.kernel.buffers, slot));
  }

  slot(slot: number): number {
    const known = this.list.indexOf(slot);
    return known < 0 ? this.list.push(slot) - 1 : known;
  }

  store(t: Store): Store {
    return { ...mapStore(t, this.expr), buffer: this.slot(t.buffer) };
  }

  stage(stage: Stage): Stage {
    const mapped = mapStage({ ...stage, stores: [] }, this.expr);
    return { ...mapped, stores: stage.stores.map((t) => this.store(t)) };
  }

  operand(o: ContractOperand): ContractOperand {
    return 'value' in o ? { value: this.expr(o.value) } : { ...o, buffer: this.slot(o.buffer) };
  }
}
