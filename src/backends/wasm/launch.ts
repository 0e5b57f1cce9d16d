/** One function of a kernel, called tile by tile, over everything or over a thread's share. */
import type { BranchStep, KernelCall, LoopStep } from '../../compiler/loop-ir.js';
import type { Addresses } from './addresses.js';
import type { FunctionBuilder } from './assembler.js';
import type { EmittedKernel, KernelStep } from './kernel-step.js';
import { at } from './util.js';

/** How the control flow of a program has its kernels run. */
export interface Schedule {
  /** Emit a launch of a kernel. */
  launch(call: KernelCall): void;
  /** Whatever was launched has been done from here on, as every thread sees it. */
  synchronize(): void;
  /** Every thread has read a buffer to decide what to do next. */
  decided(buffer: number): void;
  /** Emit a loop or a branch, by `emit`; a chance to have one thread run it all. */
  group(step: LoopStep | BranchStep, emit: () => void): void;
}

/** What the steps of a launch are printed with. */
export interface LaunchContext {
  readonly f: FunctionBuilder;
  readonly addresses: Addresses;
  readonly kernels: readonly EmittedKernel[];
  /** The local that holds the length of a program that serves any. */
  readonly extent: number;
  /** Where the threads' own scratch memory begins in the scratch memory. */
  readonly privateScratch: number;
}

/** One thread runs everything. */
export class SingleThread implements Schedule {
  constructor(private readonly context: LaunchContext) {}

  launch(call: KernelCall): void {
    for (const step of at(this.context.kernels, call.kernel, 'kernel').steps) emitTiles(this.context, step, call);
  }

  synchronize(): void {
    // There is nobody to wait for.
  }

  decided(): void {
    // What comes next comes after it.
  }

  group(_step: LoopStep | BranchStep, emit: () => void): void {
    emit();
  }
}

/** Push the run-time extent of a step. */
export function pushExtent({ f, extent }: LaunchContext, step: KernelStep): FunctionBuilder {
  return step.extent === 'dynamic' ? f.get(extent) : f.i32(step.extent);
}

/**
 * Call the function of a step tile by tile: over locals [lo, end), of which `lo` is consumed, or over everything.
 * `pushPrivate` pushes how far the running thread's scratch memory is from the first thread's.
 */
export function emitTiles(
  context: LaunchContext,
  step: KernelStep,
  call: KernelCall,
  range?: { readonly lo: number; readonly end: number },
  pushPrivate?: () => void,
): void {
  const { f, addresses } = context;
  const pushArgs = (): void => {
    for (const arg of step.args) {
      if ('slot' in arg) addresses.push(f, at(call.args, arg.slot, 'argument'));
      else if ('scratch' in arg) addresses.pushScratch(f, arg.scratch);
      else {
        addresses.pushScratch(f, context.privateScratch + arg.private);
        if (pushPrivate === undefined) continue;
        pushPrivate();
        f.op('i32.add');
      }
    }
  };
  const { extent, tile } = step;
  if (extent === 0) return;
  if (range === undefined && extent !== 'dynamic' && extent <= tile) {
    pushArgs();
    f.i32(0).i32(extent).call(step.target);
    return;
  }
  const pushEnd = (): void => {
    if (range !== undefined) f.get(range.end);
    else pushExtent(context, step);
  };
  const lo = range?.lo ?? f.local('i32');
  const hi = f.local('i32');
  if (range === undefined) f.i32(0).set(lo);
  const exit = f.block();
  const again = f.loop();
  f.get(lo);
  pushEnd();
  f.op('i32.ge_u').brIf(exit);
  // hi = lo + min(tile, end - lo)
  f.get(lo).i32(tile);
  pushEnd();
  f.get(lo).op('i32.sub').i32(tile);
  pushEnd();
  f.get(lo).op('i32.sub').op('i32.lt_u').op('select').op('i32.add').set(hi);
  pushArgs();
  f.get(lo).get(hi).call(step.target);
  f.get(hi).set(lo).br(again);
  f.end().end();
  if (range === undefined) f.release('i32', lo);
  f.release('i32', hi);
}
