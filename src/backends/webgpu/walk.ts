/**
 * A call that the host goes along with: it submits a piece, and where it must know a value to go on (whether a loop
 * ended) reads it. A loop is read after 1, 2, 4 … iterations, for those beyond its end do nothing.
 */
import type { LoopStep, Step } from '../../compiler/loop-ir.js';
import type { Block } from './buffers.js';
import { blockOf } from './bind-groups.js';
import { STATE_BYTES } from './control.js';
import { prepare } from './launch.js';
import type { GpuQueue } from './queue.js';
import { launchCount, type Recorder } from './recorder.js';

/** Launches that are recorded before they are submitted. */
export const PIECE = 512;
/** Iterations of a loop between two answers, at most. */
const ITERATIONS = 64;

interface WhileTrips {
  readonly condition: readonly Step[];
  readonly holds: number;
}

export class Walk {
  /** The piece before the last submitted one is done when this is. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly queue: GpuQueue,
    private readonly recorder: Recorder,
    private readonly memory: () => readonly Block[],
    private readonly name: string,
  ) {}

  async run(steps: readonly Step[]): Promise<void> {
    await this.#walk(steps);
    await this.#submit();
  }

  async #submit(): Promise<void> {
    const launches = this.recorder.take();
    if (launches.length === 0) return;
    await prepare(launches, this.queue.pipelines);
    this.queue.submit(launches, this.memory(), this.queue.upload(launches), this.name);
  }

  async #walk(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (launchCount([step]) <= PIECE) this.recorder.record([step]);
      else if (step.kind === 'branch') {
        const chosen = await this.#read(step.index);
        await this.#walk(step.branches[Math.min(Math.max(chosen, 0), step.branches.length - 1)] ?? []);
      } else if (step.kind === 'loop') {
        if ('condition' in step.trips) await this.#while(step, step.trips);
        else for (const _ of this.recorder.iterations(step)) await this.#walk(step.steps);
        this.recorder.finish(step);
      }
      if (this.recorder.launches.length >= PIECE) {
        await this.#submit();
        // Not more than two pieces ahead of the device, and the page has its turn.
        await this.#before;
        this.#before = this.queue.gpu.queue.onSubmittedWorkDone();
      }
    }
  }

  async #while(step: LoopStep, trips: WhileTrips): Promise<void> {
    const { recorder } = this;
    recorder.begin(step);
    const each = launchCount(trips.condition) + launchCount(step.steps) + 1;
    if (each > PIECE) {
      for (let n = 0; ; n++) {
        recorder.turn(step, n);
        await this.#walk(trips.condition);
        if ((await this.#read(trips.holds)) === 0) return;
        await this.#walk(step.steps);
        recorder.turned(step, n);
      }
    }
    let done = 0;
    for (let ahead = 1; ; ahead = Math.min(2 * ahead, ITERATIONS, Math.max(1, Math.floor(PIECE / each)))) {
      recorder.recordWhile(step, trips, done, ahead);
      await this.#submit();
      const control = this.memory().at(-1);
      if (control === undefined) throw new Error('internal error: no control words');
      const [goesOn, iterations = 0] = new Uint32Array(await this.queue.read(control, 0, STATE_BYTES));
      done += iterations;
      // Where the carries are depends on how many iterations there were.
      recorder.begin(step);
      if (done > 0) recorder.turned(step, done - 1);
      if (goesOn === 0) return;
    }
  }

  async #read(buffer: number): Promise<number> {
    const { source, offset, first } = this.recorder.place(buffer);
    await this.#submit();
    const bytes = await this.queue.read(blockOf(this.memory(), source), offset + 4 * first, 4);
    return new Int32Array(bytes)[0] ?? 0;
  }
}
