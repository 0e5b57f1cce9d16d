/**
 * The loop IR: what the compiler hands to a backend. A program is a list of steps over numbered buffers: kernel
 * calls, and loops and branches around steps. A kernel is parallel outer loops around a list of stages, or one of the kinds whose inner
 * structure is a backend's own business (matrix product, sort). Device independent.
 */
import type { ComputeType, DType, TypedArray } from '../core/dtype.js';
import type { CombineOp } from '../core/combine.js';
import type { Expr } from '../core/scalar.js';

/** A buffer as the kernel sees it: a slot, bound to a program buffer by the call. */
export interface BufferSlot {
  readonly dtype: DType;
  /** Elements. */
  readonly length: number;
  readonly access: 'read' | 'write' | 'readwrite';
}

export type { CombineOp };

/**
 * A value carried by the innermost loops of a stage. All accumulators of a stage update at once, from the
 * values before. With `combine`, the update is `combine(acc, value)` and may be reassociated (split into
 * lanes and partial sums); without, `next` refers to accumulators of this stage by `acc` nodes and the
 * loop runs in order. If `merge` is there too, the loop may be split: it gives the value after two parts of it from
 * those after each, which started from `init` both; it names the values of the later part by {@link laterPart}. Merging
 * is associative and commutative, and `init` its identity. Where one accumulator of a stage has it, all of them do.
 */
export interface Accumulator {
  readonly id: number;
  readonly dtype: ComputeType;
  readonly init: Expr;
  readonly update:
    { readonly combine: CombineOp; readonly value: Expr } | { readonly next: Expr; readonly merge?: Expr };
}

/** In `merge`, the id of an accumulator's value after the later part. */
export const laterPart = (id: number): number => ~id;

/** `buffer[index] = value`, or `combine(buffer[index], value)`; skipped where `mask` is false. */
export interface Store {
  readonly buffer: number;
  readonly index: Expr;
  readonly value: Expr;
  readonly combine?: CombineOp;
  readonly mask?: Expr;
}

/**
 * Inner loops inside one point of the outer loops. Each iteration updates the accumulators, then runs the
 * stores, which see the updated accumulators. Stages run one after the other; later stages see the final
 * accumulators of earlier ones.
 */
export interface Stage {
  /** Loop variables of this stage, outermost first; ids differ from the outer loops'. May be empty. */
  readonly loops: readonly Loop[];
  readonly accumulators: readonly Accumulator[];
  readonly stores: readonly Store[];
  /**
   * Whether the iterations of `loops` are independent when there are no accumulators (then they may run as
   * lanes). A scatter's are not.
   */
  readonly ordered: boolean;
}

export interface Loop {
  readonly id: number;
  readonly extent: number;
}

export interface LoopKernel {
  readonly kind: 'loop';
  readonly name: string;
  readonly buffers: readonly BufferSlot[];
  /** Parallel loops, outermost first; may be empty (one point). */
  readonly loops: readonly Loop[];
  readonly stages: readonly Stage[];
}

/** A strided view of a slot: element offset and strides in elements. */
export interface StridedOperand {
  readonly buffer: number;
  readonly offset: number;
}

/** An operand that is computed while it is read: an expression over the variables of the axes it has. */
export interface ComputedOperand {
  readonly value: Expr;
}
export type ContractOperand = StridedOperand | ComputedOperand;

/**
 * Batched matrix product `product[b, m, n] = sum_k lhs[b, m, k] * rhs[b, k, n]`. Each of the axis groups is a
 * list of loops (a dot_general may have several axes in a group), with one stride per loop and strided operand.
 * Every dtype; bool is or-of-ands. The product is stored in `out`, or goes through the `epilogue`, or both.
 */
export interface ContractKernel {
  readonly kind: 'contract';
  readonly name: string;
  readonly buffers: readonly BufferSlot[];
  readonly dtype: ComputeType;
  readonly batch: readonly ContractAxis[];
  readonly m: readonly ContractAxis[];
  readonly n: readonly ContractAxis[];
  readonly k: readonly ContractAxis[];
  readonly lhs: ContractOperand;
  readonly rhs: ContractOperand;
  readonly out?: StridedOperand;
  /**
   * Stores of each element of the product, which their expressions name as the `acc` node of id 0; they may read
   * other buffers at any index over the variables of batch, m and n.
   */
  readonly epilogue?: readonly Store[];
  readonly beside?: readonly StagesBeside[];
}

/**
 * Stages that run once for each point of the batch and of the rows (`m`) or columns (`n`) of a product, in its kernel:
 * sums over k of an operand, which is in the cache there, and what is made of them. Their expressions are over the
 * variables of those axes and of the stages' own loops. What they write, nothing else in the kernel touches, and they
 * read nothing that it writes.
 */
export interface StagesBeside {
  readonly of: 'm' | 'n';
  readonly stages: readonly Stage[];
}
export interface ContractAxis {
  /** Of its loop variable. */
  readonly id: number;
  readonly extent: number;
  /** Stride in elements in each strided operand; 0 where the operand does not have the axis. */
  readonly lhsStride: number;
  readonly rhsStride: number;
  readonly outStride: number;
}

/**
 * Stable sort along the middle axis of (outer, length, inner) of several same-shape operands, by the first
 * `numKeys` of them lexicographically, ascending; NaN sorts last and -0 equals 0. Slots: the inputs, then the outputs.
 */
export interface SortKernel {
  readonly kind: 'sort';
  readonly name: string;
  readonly buffers: readonly BufferSlot[];
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly numKeys: number;
}

export type Kernel = LoopKernel | ContractKernel | SortKernel;

/** Where a program buffer lives. Offsets are bytes, 64-byte aligned. */
export type Placement =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'output'; readonly index: number }
  | { readonly kind: 'constant'; readonly index: number }
  | { readonly kind: 'arena'; readonly offset: number }
  /** One of the equal pieces of another buffer, `bytes` each: the one at the position of a loop around. */
  | { readonly kind: 'slice'; readonly of: number; readonly loop: number; readonly bytes: number }
  /** A value that a loop around carries, as the iteration finds it or as it leaves it. */
  | { readonly kind: 'carry'; readonly loop: number; readonly index: number; readonly at: 'start' | 'end' };

export interface ProgramBuffer {
  readonly dtype: DType;
  readonly length: number;
  readonly place: Placement;
}

/** One kernel launch: `args[i]` is the program buffer bound to the kernel's slot i. */
export interface KernelCall {
  readonly kind: 'kernel';
  readonly kernel: number;
  readonly args: readonly number[];
}

/**
 * A value carried from iteration to iteration, never copied: the first iteration finds it in `initial`; iterations leave
 * it in `first`, then in `second`, and so on in turns (one buffer if the new value may be written over the old).
 */
export interface Carry {
  readonly initial: number;
  readonly first: number;
  readonly second: number;
  /** Where it is after the loop. */
  readonly result: number;
  /** The kernel that copies it there, if it may have been left elsewhere. */
  readonly copy?: number;
  /** The buffer of place `carry` that is the value an iteration finds. */
  readonly start: number;
}

/** Its steps again: a number of times known at compile time, or as long as the condition holds. */
export interface LoopStep {
  readonly kind: 'loop';
  /** Places refer to loops by it. */
  readonly id: number;
  readonly trips:
    | { readonly count: number; readonly reverse: boolean }
    /** Steps that run before each iteration; `holds` is a bool buffer of one element. */
    | { readonly condition: readonly Step[]; readonly holds: number };
  readonly carries: readonly Carry[];
  readonly steps: readonly Step[];
}

/** One of several lists of steps, by an int32 buffer of one element clamped to their number. */
export interface BranchStep {
  readonly kind: 'branch';
  readonly index: number;
  readonly branches: readonly (readonly Step[])[];
}

export type Step = KernelCall | LoopStep | BranchStep;

/** Every kernel launch among the steps, in the order they are written. */
export function kernelCalls(steps: readonly Step[]): KernelCall[] {
  return steps.flatMap((step) => {
    switch (step.kind) {
      case 'kernel':
        return [step];
      case 'loop':
        return kernelCalls('condition' in step.trips ? [...step.trips.condition, ...step.steps] : step.steps);
      case 'branch':
        return step.branches.flatMap(kernelCalls);
    }
  });
}

/** A whole compiled function: device independent, ready to be printed by a backend. */
export interface Program {
  readonly name: string;
  readonly buffers: readonly ProgramBuffer[];
  /** Distinct kernels; structurally equal ones are shared. */
  readonly kernels: readonly Kernel[];
  readonly steps: readonly Step[];
  readonly constants: readonly { readonly dtype: DType; readonly data: TypedArray }[];
  readonly inputCount: number;
  readonly outputCount: number;
  /** Bytes of scratch, shared by all `arena` buffers. */
  readonly arenaBytes: number;
  /** Output i may be written over donated input `donations[i]`, or -1. */
  readonly donations: readonly number[];
  /**
   * True for a program of eager elementwise kernels that runs for any length: each kernel has exactly one
   * outer loop, whose extent is given at run time, and buffer lengths are nominal.
   */
  readonly dynamicExtent: boolean;
}

/** The buffer of each input; one that no kernel reads has none. */
export const inputBuffers = ({ buffers, inputCount }: Program): (ProgramBuffer | undefined)[] =>
  Array.from({ length: inputCount }, (_, index) =>
    buffers.find(({ place }) => place.kind === 'input' && place.index === index),
  );

/** The buffer of each output. */
export const outputBuffers = ({ buffers, outputCount, name }: Program): ProgramBuffer[] =>
  Array.from({ length: outputCount }, (_, index) => {
    const buffer = buffers.find(({ place }) => place.kind === 'output' && place.index === index);
    if (buffer === undefined) throw new Error(`internal error: program ${name} has no buffer for output ${index}`);
    return buffer;
  });
