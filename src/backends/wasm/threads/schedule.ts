/**
 * The schedule of a program that several threads run. Every thread runs the whole control flow; of a step that is worth
 * it each takes a contiguous share of the tiles, everything else is thread 0's. Shares end at tiles, and tiles do not
 * depend on the number of threads, so neither do the bits. Where a step touches what another thread may have written, or
 * may still read, since the last barrier, there is a barrier before it.
 */
import { byteWidth } from '../../../core/dtype.js';
import type { BranchStep, Carry, KernelCall, LoopStep, Program, Step } from '../../../compiler/loop-ir.js';
import type { FunctionRef } from '../assembler.js';
import type { KernelStep } from '../kernel-step.js';
import { emitTiles, pushExtent, SingleThread, type LaunchContext, type Schedule } from '../launch.js';
import { at } from '../util.js';
import { isSplit } from './split.js';

/** A piece of memory that a step touches: bytes [from, to) of what `base` names. */
interface Touched {
  readonly base: string;
  readonly from: number;
  readonly to: number;
  readonly writes: boolean;
}

const overlap = (a: Touched, b: Touched): boolean =>
  (a.writes || b.writes) && a.base === b.base && a.from < b.to && b.from < a.to;

/** Locals and functions of a `run` that several threads call. */
export interface ThreadLocals {
  readonly thread: number;
  readonly threads: number;
  readonly control: number;
  readonly barrier: FunctionRef;
  /** Bytes of scratch memory of each thread. */
  readonly privateBytes: number;
}

export class ThreadedSchedule implements Schedule {
  readonly #carries = new Map<number, readonly Carry[]>();
  readonly #alone: SingleThread;
  /** Whether what is being emitted is for thread 0 only. */
  #isAlone = false;
  /** What was touched since the last barrier, and whether by all threads. */
  #since: { readonly touched: Touched; readonly split: boolean }[] = [];

  constructor(
    private readonly program: Program,
    private readonly context: LaunchContext,
    private readonly locals: ThreadLocals,
  ) {
    this.#alone = new SingleThread(context);
    this.#findCarries(program.steps);
  }

  launch(call: KernelCall): void {
    if (this.#isAlone) {
      this.#alone.launch(call);
      return;
    }
    const { f, kernels } = this.context;
    for (const step of at(kernels, call.kernel, 'kernel').steps) {
      const split = isSplit(step);
      this.#order(this.#touches(step, call), split);
      if (split) this.#share(step, call);
      else {
        f.get(this.locals.thread).op('i32.eqz').if();
        emitTiles(this.context, step, call);
        f.end();
      }
    }
  }

  synchronize(): void {
    if (this.#isAlone || this.#since.length === 0) return;
    this.#since = [];
    const { thread, threads, control, barrier } = this.locals;
    this.context.f.get(thread).get(threads).get(control).call(barrier);
  }

  decided(buffer: number): void {
    if (this.#isAlone) return;
    for (const touched of this.#places(buffer, false)) this.#since.push({ touched, split: true });
  }

  group(step: LoopStep | BranchStep, emit: () => void): void {
    const launched = launches([step]).flatMap((call) =>
      at(this.context.kernels, call.kernel, 'kernel').steps.map((part) => ({ part, call })),
    );
    if (this.#isAlone || launched.some(({ part }) => isSplit(part))) {
      // Threads meet around control flow, so that what runs depends on nothing that one of them is still to write.
      this.synchronize();
      emit();
      return;
    }
    this.#order(
      [
        ...launched.flatMap(({ part, call }) => this.#touches(part, call)),
        ...decisions([step]).flatMap((buffer) => this.#places(buffer, false)),
      ],
      false,
    );
    this.context.f.get(this.locals.thread).op('i32.eqz').if();
    this.#isAlone = true;
    emit();
    this.#isAlone = false;
    this.context.f.end();
  }

  /** Put a barrier before the next step if it needs one, and note what it touches. */
  #order(touches: readonly Touched[], split: boolean): void {
    // Steps of thread 0 follow each other anyway.
    const conflict = this.#since.some(
      (earlier) => (earlier.split || split) && touches.some((touched) => overlap(earlier.touched, touched)),
    );
    if (conflict) this.synchronize();
    for (const touched of touches) this.#since.push({ touched, split });
  }

  #touches(step: KernelStep, call: KernelCall): Touched[] {
    const { buffers } = at(this.program.kernels, call.kernel, 'kernel');
    return step.args.flatMap((arg): Touched[] => {
      if ('private' in arg) return [];
      if ('scratch' in arg) return [{ base: 'scratch', from: 0, to: Infinity, writes: true }];
      return this.#places(at(call.args, arg.slot, 'argument'), at(buffers, arg.slot, 'slot').access !== 'read');
    });
  }

  /** The memory that a buffer may be. */
  #places(buffer: number, writes: boolean): Touched[] {
    const { place, dtype, length } = at(this.program.buffers, buffer, 'buffer');
    switch (place.kind) {
      case 'constant':
        return [];
      case 'arena':
        return [{ base: 'arena', from: place.offset, to: place.offset + length * byteWidth(dtype), writes }];
      case 'input':
        return [{ base: `input ${place.index}`, from: 0, to: Infinity, writes }];
      case 'output': {
        // It may take the place of a donated argument.
        const donor = this.program.donations[place.index] ?? -1;
        return [{ base: donor < 0 ? `output ${place.index}` : `input ${donor}`, from: 0, to: Infinity, writes }];
      }
      case 'slice':
        return this.#places(place.of, writes);
      case 'carry': {
        const { initial, first, second } = at(this.#carries.get(place.loop) ?? [], place.index, 'carry');
        return [initial, first, second].flatMap((one) => this.#places(one, writes));
      }
    }
  }

  #findCarries(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === 'loop') {
        this.#carries.set(step.id, step.carries);
        if ('condition' in step.trips) this.#findCarries(step.trips.condition);
        this.#findCarries(step.steps);
      } else if (step.kind === 'branch') step.branches.forEach((branch) => this.#findCarries(branch));
    }
  }

  /** This thread's share of a step: of n grains those from n thread / threads to n (thread + 1) / threads. */
  #share(step: KernelStep, call: KernelCall): void {
    const { f } = this.context;
    const { extent, grain = step.tile } = step;
    const { thread, threads, privateBytes } = this.locals;
    const lo = f.local('i32');
    const end = f.local('i32');
    const pushBoundary = (push: () => void): void => {
      if (extent === 'dynamic')
        pushExtent(this.context, step)
          .i32(grain - 1)
          .op('i32.add')
          .i32(grain)
          .op('i32.div_u');
      else f.i32(Math.ceil(extent / grain));
      push();
      f.op('i32.mul').get(threads).op('i32.div_u').i32(grain).op('i32.mul');
    };
    pushBoundary(() => f.get(thread));
    f.set(lo);
    pushBoundary(() => f.get(thread).i32(1).op('i32.add'));
    f.tee(end);
    pushExtent(this.context, step).get(end);
    pushExtent(this.context, step).op('i32.lt_u').op('select').set(end);
    emitTiles(this.context, step, call, { lo, end }, () => f.get(thread).i32(privateBytes).op('i32.mul'));
    f.release('i32', lo);
    f.release('i32', end);
  }
}

/** Every kernel launch among the steps, those that copy the results of loops included. */
function launches(steps: readonly Step[]): KernelCall[] {
  return steps.flatMap((step): KernelCall[] => {
    switch (step.kind) {
      case 'kernel':
        return [step];
      case 'branch':
        return step.branches.flatMap(launches);
      case 'loop': {
        const copies = step.carries.flatMap(({ copy, start, result }): KernelCall[] =>
          copy === undefined ? [] : [{ kind: 'kernel', kernel: copy, args: [start, result] }],
        );
        return [
          ...('condition' in step.trips ? launches(step.trips.condition) : []),
          ...launches(step.steps),
          ...copies,
        ];
      }
    }
  });
}

/** Buffers that decide what runs. */
function decisions(steps: readonly Step[]): number[] {
  return steps.flatMap((step) => {
    switch (step.kind) {
      case 'kernel':
        return [];
      case 'branch':
        return [step.index, ...step.branches.flatMap(decisions)];
      case 'loop':
        return 'condition' in step.trips
          ? [step.trips.holds, ...decisions(step.trips.condition), ...decisions(step.steps)]
          : decisions(step.steps);
    }
  });
}
