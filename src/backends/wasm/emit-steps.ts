/**
 * The control flow of a program: loops and branches around kernel launches. How a launch runs is the caller's business,
 * so that other schedules of the same program (every thread runs it, and meets the others between launches) share this.
 */
import type { BranchStep, LoopStep, Step } from '../../compiler/loop-ir.js';
import type { Addresses, LoopLocals } from './addresses.js';
import type { FunctionBuilder } from './assembler.js';
import type { Schedule } from './launch.js';

export class StepEmitter {
  constructor(
    private readonly f: FunctionBuilder,
    private readonly addresses: Addresses,
    private readonly schedule: Schedule,
  ) {}

  steps(steps: readonly Step[]): void {
    for (const step of steps) {
      switch (step.kind) {
        case 'kernel':
          this.schedule.launch(step);
          break;
        case 'loop':
          this.schedule.group(step, () => {
            this.#loop(step);
          });
          break;
        case 'branch':
          this.schedule.group(step, () => {
            this.#branch(step);
          });
          break;
      }
    }
  }

  #loop(step: LoopStep): void {
    const { f, addresses } = this;
    const { trips } = step;
    const carries = step.carries.map((carry) => {
      const locals = { start: f.local('i32'), end: f.local('i32'), both: f.local('i32') };
      addresses.push(f, carry.initial);
      f.set(locals.start);
      addresses.push(f, carry.first);
      f.tee(locals.end);
      addresses.push(f, carry.second);
      f.op('i32.add').set(locals.both);
      return locals;
    });
    const locals: LoopLocals = { position: f.local('i32'), carries };
    addresses.enter(step.id, locals);
    const { position } = locals;
    const reverse = 'count' in trips && trips.reverse;
    f.i32(reverse ? trips.count - 1 : 0).set(position);

    const exit = f.block();
    const again = f.loop();
    if ('count' in trips) {
      // A reversed position that has passed 0 is larger than any count.
      f.get(position).i32(trips.count).op('i32.ge_u').brIf(exit);
    } else {
      this.steps(trips.condition);
      this.schedule.synchronize();
      addresses.push(f, trips.holds);
      f.memory('i32.load8_u').op('i32.eqz').brIf(exit);
      this.schedule.decided(trips.holds);
    }
    this.steps(step.steps);
    this.schedule.synchronize();
    for (const { start, end, both } of carries) {
      f.get(end).set(start);
      f.get(both).get(end).op('i32.sub').set(end);
    }
    f.get(position)
      .i32(reverse ? -1 : 1)
      .op('i32.add')
      .set(position)
      .br(again);
    f.end().end();
    if ('condition' in trips) this.schedule.decided(trips.holds);

    step.carries.forEach(({ result, copy, start }) => {
      if (copy === undefined) return;
      addresses.push(f, start);
      addresses.push(f, result);
      f.op('i32.ne').if();
      this.schedule.launch({ kind: 'kernel', kernel: copy, args: [start, result] });
      this.schedule.synchronize();
      f.end();
    });
    for (const { start, end, both } of carries) [start, end, both].forEach((local) => f.release('i32', local));
    f.release('i32', position);
  }

  #branch({ index, branches }: BranchStep): void {
    const { f, addresses } = this;
    const exit = f.block();
    const labels = branches.map(() => f.block()).reverse();
    const [first, last] = [labels[0], labels.at(-1)];
    if (first === undefined || last === undefined) throw new Error('internal: a branch of no cases');
    const chosen = f.local('i32');
    addresses.push(f, index);
    f.memory('i32.load').tee(chosen);
    // Negative is the first case; as an unsigned number it would be the last.
    f.i32(0).get(chosen).i32(0).op('i32.gt_s').op('select').brTable(labels, last);
    f.release('i32', chosen);
    for (const steps of branches) {
      f.end();
      this.schedule.decided(index);
      this.steps(steps);
      this.schedule.synchronize();
      f.br(exit);
    }
    f.end();
  }
}
