/**
 * Memory plan: every stored value gets a place. Values that live inside the program share one arena by lifetime; a value
 * takes the memory of one that dies where it is made, if that is safe; results may take the place of donated inputs.
 */
import { nth } from '../core/axes.js';
import { byteWidth, type DType } from '../core/dtype.js';
import type { Var } from '../core/primitive.js';
import { planArena, type Lifetime } from './arena.js';
import type { Placement, ProgramBuffer } from './loop-ir.js';
import {
  canOverwrite,
  overwrites,
  readsInside,
  readsOnlyWhatItWrites,
  touched,
  type SharedCarries,
} from './overwrite.js';
import type { CarriedValue, KernelStep, RepeatStep, ScheduledBody, ScheduledStep, SlicedValue } from './schedule.js';

/** How a device lays arrays out in memory. */
export interface MemoryLayout {
  /** Bytes that offsets in the arena are multiples of. */
  readonly alignment: number;
  readonly elementBytes: (dtype: DType) => number;
}

/** Host memory: a cache line, and no padding. */
const HOST_LAYOUT: MemoryLayout = { alignment: 64, elementBytes: byteWidth };

export interface MemoryPlan {
  readonly buffers: readonly ProgramBuffer[];
  readonly bufferOf: ReadonlyMap<Var, number>;
  readonly arenaBytes: number;
  /** What lives in the arena and when: no plan can do with less than the most that lives at once. */
  readonly lifetimes: readonly Lifetime[];
  readonly loopIds: ReadonlyMap<RepeatStep, number>;
  /** Carries whose new value is written over the old one. */
  readonly inPlace: ReadonlySet<CarriedValue>;
  /** Carries whose result may be where the initial value is. */
  readonly shared: ReadonlySet<CarriedValue>;
  /** For each result the input whose bytes it may overwrite, or -1. */
  readonly donations: readonly number[];
}

/** Memory of one or several values, one after the other. */
interface Block {
  from: number;
  to: number;
  readonly bytes: number;
  readonly vars: Var[];
  /** The loops around, by identity: a value of another iteration is another value. */
  readonly scope: RepeatStep | undefined;
  /** Which result of the program it is. */
  output: number | undefined;
}

/** Two blocks that become one if the first dies at `time`, where the second begins. */
interface Takeover {
  readonly donor: Var;
  readonly taker: Var;
  readonly dies: number;
  readonly begins: number;
  readonly safe: () => boolean;
  /** The donor must live until then otherwise. */
  readonly otherwise: number;
}

export function planMemory(
  { steps }: ScheduledBody,
  inputs: readonly Var[],
  outputs: readonly Var[],
  donatable: readonly boolean[],
  layout = HOST_LAYOUT,
): MemoryPlan {
  const planner = new Planner(inputs, outputs, layout);
  planner.walk(steps, undefined);
  planner.takeOver();
  return planner.finish(steps, donatable);
}

class Planner {
  readonly #blocks = new Map<Var, Block>();
  readonly #inputs: ReadonlySet<Var>;
  /** Values that are places in others. */
  readonly #slices = new Map<Var, SlicedValue & { readonly loop: RepeatStep }>();
  readonly #carried = new Map<
    Var,
    { readonly loop: RepeatStep; readonly index: number; readonly at: 'start' | 'end' }
  >();
  readonly #aliases = new Map<Var, Var>();
  readonly #parents = new Map<RepeatStep, RepeatStep | undefined>();
  /** Values of the outside that a loop reads. */
  readonly #readInside = new Map<RepeatStep, Set<Var>>();
  readonly #takeovers: Takeover[] = [];
  readonly #inPlace = new Set<CarriedValue>();
  readonly #shared: SharedCarries = new Set();
  readonly #loopIds = new Map<RepeatStep, number>();
  #time = 0;

  constructor(
    private readonly inputs: readonly Var[],
    private readonly outputs: readonly Var[],
    private readonly layout: MemoryLayout,
  ) {
    this.#inputs = new Set(inputs);
  }

  #bytesOf(v: Var): number {
    return v.aval.size * this.layout.elementBytes(v.aval.dtype);
  }

  #aligned(v: Var): number {
    const { alignment } = this.layout;
    return Math.ceil(this.#bytesOf(v) / alignment) * alignment;
  }

  /** Lifetimes of everything that steps in a loop, or outside of all, touch. */
  walk(steps: readonly ScheduledStep[], scope: RepeatStep | undefined): void {
    for (const step of steps) {
      const time = this.#time++;
      switch (step.kind) {
        case 'kernel':
          step.slots.forEach((v) => this.#touch(v, time, scope));
          this.#offerKernel(step, time);
          break;
        case 'loop':
          this.#walkLoop(step, time, scope);
          break;
        case 'branch':
          [step.index, ...step.results].forEach((v) => this.#touch(v, time, scope));
          for (const branch of step.branches) {
            branch.results.forEach((v, i) => this.#aliases.set(v, nth(step.results, i)));
            this.walk(branch.steps, scope);
          }
      }
    }
  }

  #walkLoop(loop: RepeatStep, time: number, scope: RepeatStep | undefined): void {
    this.#loopIds.set(loop, this.#loopIds.size);
    this.#parents.set(loop, scope);
    const inside = new Set<Var>();
    this.#readInside.set(loop, inside);
    for (const part of [...loop.reads, ...loop.writes]) this.#slices.set(part.slice, { ...part, loop });
    loop.carries.forEach((carry, index) => {
      this.#carried.set(carry.start, { loop, index, at: 'start' });
      this.#carried.set(carry.end, { loop, index, at: 'end' });
      if (canOverwrite(loop.body.steps, carry.start, carry.end, this.#shared)) this.#inPlace.add(carry);
    });
    const own = loop.carries.flatMap((c) => (this.#inPlace.has(c) ? [c.result] : [c.result, c.spare]));
    const wholes = [...loop.reads, ...loop.writes].map(({ whole }) => whole);
    [...loop.carries.map((c) => c.initial), ...own, ...wholes].forEach((v) => this.#touch(v, time, scope));
    if ('cond' in loop.trips) this.walk(loop.trips.cond.steps, loop);
    this.walk(loop.body.steps, loop);
    const end = this.#time++;
    if ('cond' in loop.trips) this.#touch(loop.trips.holds, end, loop);
    [...own, ...wholes, ...inside].forEach((v) => this.#touch(v, end, scope));
    this.#offerLoop(loop, time, end);
  }

  /** The value whose memory a value is in; none for one that a loop carries. */
  #root(v: Var): Var | undefined {
    const alias = this.#aliases.get(v);
    if (alias !== undefined) return this.#root(alias);
    const slice = this.#slices.get(v);
    if (slice !== undefined) return this.#root(slice.whole);
    return this.#carried.has(v) ? undefined : v;
  }

  #touch(v: Var, time: number, scope: RepeatStep | undefined): void {
    const root = this.#root(v);
    if (root === undefined || this.#inputs.has(root)) return;
    let block = this.#blocks.get(root);
    if (block === undefined) {
      const output = this.outputs.indexOf(root);
      block = { from: time, to: time, bytes: this.#aligned(root), vars: [root], scope, output: undefined };
      if (output >= 0) block.output = output;
      this.#blocks.set(root, block);
    }
    block.to = Math.max(block.to, time);
    // It must outlive all iterations of a loop that it comes from outside of.
    for (let loop = scope; loop !== block.scope && loop !== undefined; loop = this.#parents.get(loop))
      this.#readInside.get(loop)?.add(root);
  }

  #offerKernel(step: KernelStep, time: number): void {
    const { kernel, slots } = step;
    if (kernel.kind !== 'loop') return;
    slots.forEach((taker, to) => {
      if (kernel.buffers[to]?.access !== 'write') return;
      slots.forEach((donor, from) => {
        if (kernel.buffers[from]?.access !== 'read' || this.#bytesOf(donor) !== this.#bytesOf(taker)) return;
        const safe = (): boolean => readsOnlyWhatItWrites(step, donor, taker);
        this.#takeovers.push({ donor, taker, dies: time, begins: time, safe, otherwise: time });
      });
    });
  }

  #offerLoop(loop: RepeatStep, time: number, end: number): void {
    const operands = [...loop.carries.map((c) => c.initial), ...loop.reads.map((r) => r.whole)];
    const once = (v: Var): boolean => operands.filter((x) => x === v).length === 1 && !readsInside(loop, v);
    for (const carry of loop.carries) {
      const { initial: donor, result, spare } = carry;
      const taker = !this.#inPlace.has(carry) && this.startsWithResult(loop, carry) ? spare : result;
      this.#takeovers.push({ donor, taker, dies: time, begins: time, safe: () => once(donor), otherwise: end });
    }
    for (const read of loop.reads) {
      for (const write of loop.writes) {
        if (
          this.#bytesOf(read.whole) !== this.#bytesOf(write.whole) ||
          this.#bytesOf(read.slice) !== this.#bytesOf(write.slice)
        )
          continue;
        const safe = (): boolean =>
          once(read.whole) && canOverwrite(loop.body.steps, read.slice, write.slice, this.#shared);
        this.#takeovers.push({ donor: read.whole, taker: write.whole, dies: end, begins: time, safe, otherwise: end });
      }
    }
  }

  /** Whether the turns of a carry in two buffers begin with that of the result, so that they end there. */
  startsWithResult({ trips }: RepeatStep, carry: CarriedValue): boolean {
    return !this.#shared.has(carry) && 'count' in trips && trips.count % 2 === 1;
  }

  /** Join blocks where one dies and the other begins. */
  takeOver(): void {
    for (const { donor, taker, dies, begins, safe, otherwise } of this.#takeovers) {
      const [from, to] = [this.#blocks.get(donor), this.#blocks.get(taker)];
      if (from === undefined) continue;
      if (
        to !== undefined &&
        from !== to &&
        from.scope === to.scope &&
        from.bytes === to.bytes &&
        from.to === dies &&
        to.from === begins &&
        from.output === undefined &&
        safe()
      ) {
        to.from = from.from;
        to.vars.push(...from.vars);
        from.vars.forEach((v) => this.#blocks.set(v, to));
      } else from.to = Math.max(from.to, otherwise);
    }
  }

  finish(steps: readonly ScheduledStep[], donatable: readonly boolean[]): MemoryPlan {
    const donations = this.#donations(steps, donatable);
    const blocks = [...new Set(this.#blocks.values())].filter((b) => b.output === undefined);
    const plan = planArena(blocks);
    const offsets = new Map(blocks.map((block, i) => [block, nth(plan.offsets, i)]));
    const buffers: ProgramBuffer[] = [];
    const bufferOf = new Map<Var, number>();
    const place = (v: Var, where: Placement): number => {
      bufferOf.set(v, buffers.length);
      return buffers.push({ dtype: v.aval.dtype, length: v.aval.size, place: where }) - 1;
    };
    this.inputs.forEach((v, index) => place(v, { kind: 'input', index }));
    this.outputs.forEach((v, index) => place(v, { kind: 'output', index }));
    for (const [v, block] of this.#blocks) {
      if (bufferOf.has(v)) continue;
      place(
        v,
        block.output === undefined
          ? { kind: 'arena', offset: offsets.get(block) ?? 0 }
          : { kind: 'output', index: block.output },
      );
    }
    const id = (loop: RepeatStep): number => this.#loopIds.get(loop) ?? -1;
    const find = (v: Var): number => {
      const known = bufferOf.get(v);
      if (known !== undefined) return known;
      const alias = this.#aliases.get(v);
      if (alias !== undefined) {
        bufferOf.set(v, find(alias));
        return find(alias);
      }
      const slice = this.#slices.get(v);
      if (slice !== undefined)
        return place(v, { kind: 'slice', of: find(slice.whole), loop: id(slice.loop), bytes: this.#bytesOf(v) });
      const carried = this.#carried.get(v);
      if (carried === undefined) throw new Error('internal: a value without memory');
      return place(v, { kind: 'carry', loop: id(carried.loop), index: carried.index, at: carried.at });
    };
    for (const v of [...this.#aliases.keys(), ...this.#slices.keys(), ...this.#carried.keys()]) find(v);
    return {
      buffers,
      bufferOf,
      arenaBytes: plan.bytes,
      lifetimes: blocks,
      loopIds: this.#loopIds,
      inPlace: this.#inPlace,
      shared: this.#shared,
      donations,
    };
  }

  /** A result may be written over an input of its type that no step reads after its memory is first written. */
  #donations(steps: readonly ScheduledStep[], donatable: readonly boolean[]): number[] {
    const taken = new Set<number>();
    const last = new Map<Var, number>();
    const first = new Map<Var, number>();
    steps.forEach((step, i) => {
      for (const v of touched(step)) {
        last.set(v, i);
        if (!first.has(v)) first.set(v, i);
      }
    });
    return this.outputs.map((out) => {
      const vars = this.#blocks.get(out)?.vars ?? [];
      const begins = Math.min(...vars.map((v) => first.get(v) ?? Infinity));
      const step = steps[begins];
      if (step === undefined) return -1;
      const written = vars.filter((v) => first.get(v) === begins);
      const found = this.inputs.findIndex((v, i) => {
        if (donatable[i] !== true || taken.has(i)) return false;
        if (v.aval.dtype !== out.aval.dtype || v.aval.size !== out.aval.size) return false;
        const reads = last.get(v) ?? -1;
        return reads < begins || (reads === begins && written.every((w) => overwrites(step, v, w, this.#shared)));
      });
      if (found >= 0) taken.add(found);
      return found;
    });
  }
}
