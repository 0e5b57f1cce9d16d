/**
 * Steps of a program as launches. Loops of a known number of iterations are unrolled; a branch launches all its branches, of
 * which the device skips all but one (`control.ts`).
 */
import type { BranchStep, KernelCall, LoopStep, Program, Step } from '../../compiler/loop-ir.js';
import { beginShader, branchShader, Condition, type ControlWords, holdsShader } from './control.js';
import { SCRATCH, Template, type Launch } from './launch.js';
import { LANES } from './lanes.js';
import { bytesOf, VECTOR_BYTES } from './memory-layout.js';
import type { Shader } from './shader.js';
import type { Place, Templates } from './templates.js';

/** Launches that steps come to; infinite if the host must read values on the way. */
export function launchCount(steps: readonly Step[]): number {
  let count = 0;
  for (const step of steps) {
    if (step.kind === 'kernel') count += 1;
    else if (step.kind === 'branch') count += 1 + step.branches.reduce((n, branch) => n + launchCount(branch), 0);
    else if ('count' in step.trips) {
      count += step.carries.length + (step.trips.count === 0 ? 0 : step.trips.count * launchCount(step.steps));
    } else return Infinity;
  }
  return count;
}

export class Recorder {
  launches: Launch[] = [];
  readonly #positions = new Map<number, number>();
  /** `loop.index.at` to the buffer that a carry is in. */
  readonly #carries = new Map<string, number>();
  /** On which everything that is recorded now depends. */
  #condition: Condition | undefined;

  constructor(
    private readonly program: Program,
    private readonly templates: Templates,
    /** For each input, then each output: the first of them that is the same memory. */
    private readonly same: readonly number[],
    private readonly extent: number,
    readonly words: ControlWords,
  ) {}

  /** The launches so far, which are then forgotten. */
  take(): Launch[] {
    const { launches } = this;
    this.launches = [];
    return launches;
  }

  /** Steps of a finite `launchCount`. */
  record(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === 'kernel') this.#launch(step);
      else if (step.kind === 'branch') this.#branch(step);
      else {
        for (const _ of this.iterations(step)) this.record(step.steps);
        this.finish(step);
      }
    }
  }

  #branch(step: BranchStep): void {
    const around = this.#condition;
    if (around === undefined) this.words.reset();
    const condition = new Condition(this.words);
    const word = around?.word(1);
    const outer = this.take();
    this.#condition = condition;
    step.branches.forEach((steps, branch) => {
      condition.branch = branch;
      this.record(steps);
    });
    this.#condition = around;
    const inner = this.take();
    this.launches = outer;
    if (inner.length === 0) return;
    const index = this.place(step.index);
    this.#control('choose', branchShader(condition, step.branches.length, word, index.moved), index);
    for (const launch of inner) outer.push(launch);
  }

  /**
   * So many iterations of a loop from the n-th on, of which those after its end do nothing. The control words then say
   * whether it goes on, and how many did something.
   */
  recordWhile(
    step: LoopStep,
    { condition: steps, holds }: { readonly condition: readonly Step[]; readonly holds: number },
    n: number,
    iterations: number,
  ): void {
    this.words.reset();
    const condition = new Condition(this.words);
    const outer = this.take();
    this.#condition = condition;
    const pieces = Array.from({ length: iterations }, (_, i) => {
      this.turn(step, n + i);
      this.record(steps);
      const before = this.take();
      const place = this.place(holds);
      this.record(step.steps);
      this.turned(step, n + i);
      return { before, place, after: this.take() };
    });
    this.#condition = undefined;
    this.launches = outer;
    // What the words are is known when all is recorded.
    pieces.forEach(({ before, place, after }, i) => {
      if (i === 0) this.#control('begin', beginShader(condition), { ...place, first: 0, moved: false });
      this.launches.push(...before);
      this.#control('holds', holdsShader(condition, place.moved), place);
      this.launches.push(...after);
    });
  }

  /** Go through the iterations of a loop of a known number. */
  *iterations(step: LoopStep): Generator<number> {
    this.begin(step);
    if (!('count' in step.trips)) return;
    const { count, reverse } = step.trips;
    for (let n = 0; n < count; n++) {
      this.turn(step, n);
      this.#positions.set(step.id, reverse ? count - 1 - n : n);
      yield n;
      this.turned(step, n);
    }
  }

  #set(loop: number, index: number, at: 'start' | 'end', buffer: number): void {
    this.#carries.set(`${loop}.${index}.${at}`, buffer);
  }

  begin({ id, carries }: LoopStep): void {
    carries.forEach(({ initial }, i) => {
      this.#set(id, i, 'start', initial);
    });
  }

  turn({ id, carries }: LoopStep, n: number): void {
    carries.forEach(({ first, second }, i) => {
      this.#set(id, i, 'end', n % 2 === 0 ? first : second);
    });
  }

  turned({ id, carries }: LoopStep, n: number): void {
    carries.forEach(({ first, second }, i) => {
      this.#set(id, i, 'start', n % 2 === 0 ? first : second);
    });
  }

  /** Carries end where their results are. */
  finish({ carries }: LoopStep): void {
    for (const { copy, start, result } of carries) {
      if (copy === undefined) continue;
      const [from, to] = [this.place(start), this.place(result)];
      if (from.source === to.source && from.offset === to.offset && from.first === to.first) continue;
      this.#launch({ kind: 'kernel', kernel: copy, args: [start, result] });
    }
  }

  place(id: number): Place {
    const buffer = this.program.buffers[id];
    if (buffer === undefined) throw new Error(`internal error: no buffer ${id}`);
    const { place, length, dtype } = buffer;
    const { inputCount, outputCount, constants, dynamicExtent } = this.program;
    // Whole vectors of four words can be bound: arrays do not share them.
    const bytes =
      VECTOR_BYTES * Math.max(1, Math.ceil(bytesOf(dtype, length, this.templates.capabilities) / VECTOR_BYTES));
    const whole = (source: number, offset = 0): Place => ({
      source,
      offset,
      size: dynamicExtent ? undefined : bytes,
      first: 0,
      moved: false,
      aligned: true,
    });
    switch (place.kind) {
      case 'input':
        return whole(this.same[place.index] ?? -1);
      case 'output':
        return whole(this.same[inputCount + place.index] ?? -1);
      case 'constant':
        return whole(inputCount + outputCount + place.index);
      case 'arena':
        return whole(inputCount + outputCount + constants.length, place.offset);
      case 'slice': {
        const of = this.place(place.of);
        const position = this.#positions.get(place.loop) ?? 0;
        return {
          ...of,
          first: of.first + position * length,
          moved: true,
          aligned: of.aligned && length % LANES === 0,
        };
      }
      case 'carry':
        return this.place(this.#carries.get(`${place.loop}.${place.index}.${place.at}`) ?? -1);
    }
  }

  #launch({ kernel, args }: KernelCall): void {
    const places = args.map((id) => this.place(id));
    const template = this.templates.get(kernel, places);
    const { shader, moved } = template;
    const groups = shader.groups(this.extent);
    if (groups === 0) return;
    const word = this.#condition?.word(groups);
    this.launches.push({
      template,
      groups,
      parameters: shader.takesParameters
        ? [this.extent, ...moved.map(({ slot, begin }) => (places[slot]?.first ?? 0) + begin)]
        : undefined,
      indirect: word === undefined ? undefined : 4 * word,
    });
  }

  /** A kernel that writes control words, by a value. */
  #control(name: string, shader: Shader, { source, offset, size, first, moved }: Place): void {
    const { inputCount, outputCount, constants } = this.program;
    const control = {
      source: inputCount + outputCount + constants.length + SCRATCH.indexOf('control'),
      offset: 0,
      size: undefined,
    };
    const ranges = [{ source, offset, size }, control];
    const template = new Template(`${this.program.name}: ${name}`, shader, [false, true], ranges);
    this.launches.push({
      template,
      groups: 1,
      parameters: moved ? [this.extent, first] : undefined,
      indirect: undefined,
    });
  }
}
