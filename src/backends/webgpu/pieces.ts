/** A kernel as several launches, with scratch arrays between them. */
import type { DType } from '../../core/dtype.js';
import { load, type Expr } from '../../core/scalar.js';
import type {
  BufferSlot,
  ContractKernel,
  ContractOperand,
  Kernel,
  LoopKernel,
  Stage,
  StridedOperand,
} from '../../compiler/loop-ir.js';
import type { Part } from '../../compiler/replace-kernels.js';
import { renaming } from '../../compiler/stages.js';
import { withUsedSlots } from './rewrite.js';

/** Some launches, each of a kernel whose slots are numbered as those of the original, then the scratch arrays. */
export interface Pieces {
  readonly scratch: readonly BufferSlot[];
  readonly launches: readonly Part[];
}

/** Collects the pieces of one kernel. */
export class PieceMaker {
  readonly #scratch: BufferSlot[] = [];
  readonly #launches: Part[] = [];

  constructor(private readonly original: Kernel) {}

  /** A scratch array; its slot. */
  scratch(dtype: DType, length: number): { readonly slot: number; readonly at: (index: Expr) => Expr } {
    const slot = this.original.buffers.length + this.#scratch.length;
    this.#scratch.push({ dtype, length, access: 'readwrite' });
    return { slot, at: (index) => load(dtype, slot, index) };
  }

  loop(loops: LoopKernel['loops'], stages: readonly Stage[]): void {
    const { name } = this.original;
    const buffers = [...this.original.buffers, ...this.#scratch];
    this.#launches.push(withUsedSlots({ kind: 'loop', name, buffers, loops, stages }));
  }

  /** A product that is stored as it is. */
  contract(kernel: Omit<ContractKernel, 'epilogue' | 'beside' | 'out'> & { readonly out: StridedOperand }): void {
    const slots: number[] = [];
    const slot = (n: number): number => (slots.includes(n) ? slots.indexOf(n) : slots.push(n) - 1);
    const visit = renaming(slot);
    const operand = (o: ContractOperand): ContractOperand =>
      'value' in o ? { value: visit(o.value) } : { ...o, buffer: slot(o.buffer) };
    const [lhs, rhs] = [operand(kernel.lhs), operand(kernel.rhs)];
    const out = { ...kernel.out, buffer: slot(kernel.out.buffer) };
    const all = [...this.original.buffers, ...this.#scratch];
    const buffers = slots.flatMap((n, i): BufferSlot[] => {
      const buffer = all[n];
      return buffer === undefined ? [] : [{ ...buffer, access: i === out.buffer ? 'write' : 'read' }];
    });
    this.#launches.push({ kernel: { ...kernel, lhs, rhs, out, buffers }, slots });
  }

  get pieces(): Pieces {
    return { scratch: this.#scratch, launches: this.#launches };
  }
}
