/**
 * An oracle for the code generator: scalar expressions and kernels interpreted one element at a time in plain
 * JavaScript, straight from the comments of core/scalar.ts and compiler/loop-ir.ts.
 */
import { hostArray } from '../../../src/core/dtype.js';
import type { TypedArray } from '../../../src/core/dtype.js';
import type { Kernel, LoopKernel, LoopStep, Program, SortKernel, Step } from '../../../src/compiler/loop-ir.js';
import type { Environment } from './evaluate.js';
import { runContract } from './interpreter-contract.js';
import { forEachPoint, runStage } from './interpreter-stage.js';

export function runLoopKernel(kernel: LoopKernel, buffers: readonly TypedArray[]): void {
  const env: Environment = { buffers, variables: new Map(), accumulators: new Map() };
  const dtypes = kernel.buffers.map((b) => b.dtype);
  forEachPoint(kernel.loops, env.variables, () => {
    for (const stage of kernel.stages) runStage(stage, env, dtypes);
  });
}

export function runSort(kernel: SortKernel, buffers: readonly TypedArray[]): void {
  const count = kernel.buffers.length / 2;
  const { outer, length, inner, numKeys } = kernel;
  const compare = (x: number, y: number): number =>
    Number.isNaN(x) ? (Number.isNaN(y) ? 0 : 1) : Number.isNaN(y) ? -1 : x < y ? -1 : x > y ? 1 : 0;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const at = (n: number): number => (o * length + n) * inner + i;
      const order = Array.from({ length }, (_, n) => n).sort((a, b) => {
        for (let key = 0; key < numKeys; key++) {
          const c = compare(buffers[key]?.[at(a)] ?? NaN, buffers[key]?.[at(b)] ?? NaN);
          if (c !== 0) return c;
        }
        return 0;
      });
      for (let operand = 0; operand < count; operand++) {
        const from = buffers[operand];
        const to = buffers[count + operand];
        if (from === undefined || to === undefined) throw new Error('oracle: missing operand');
        order.forEach((n, k) => (to[at(k)] = from[at(n)] ?? NaN));
      }
    }
  }
}

export function runKernel(kernel: Kernel, buffers: readonly TypedArray[]): void {
  if (kernel.kind === 'loop') runLoopKernel(kernel, buffers);
  else if (kernel.kind === 'contract') runContract(kernel, buffers);
  else runSort(kernel, buffers);
}

/** Runs the steps of a program on arrays of its own. */
class ProgramInterpreter {
  readonly buffers: TypedArray[];
  readonly #positions = new Map<number, number>();
  readonly #carries = new Map<string, number>();

  constructor(
    readonly program: Program,
    inputs: readonly TypedArray[],
    initial: readonly TypedArray[],
  ) {
    this.buffers = program.buffers.map(({ place, dtype, length }): TypedArray => {
      const given =
        place.kind === 'input'
          ? inputs[place.index]
          : place.kind === 'constant'
            ? program.constants[place.index]?.data
            : undefined;
      const copy = hostArray(dtype, length);
      const start = place.kind === 'output' ? initial[place.index] : given;
      if (start !== undefined) copy.set(start);
      return copy;
    });
  }

  buffer(id: number): TypedArray {
    const buffer = this.program.buffers[id];
    const own = this.buffers[id];
    if (buffer === undefined || own === undefined) throw new Error('oracle: missing buffer');
    const { place, length } = buffer;
    if (place.kind === 'slice') {
      const position = this.#positions.get(place.loop) ?? NaN;
      return this.buffer(place.of).subarray(position * length, (position + 1) * length);
    }
    if (place.kind === 'carry') return this.buffer(this.#carries.get(`${place.loop}.${place.index}.${place.at}`) ?? -1);
    return own;
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === 'kernel') {
        const kernel = this.program.kernels[step.kernel];
        if (kernel === undefined) throw new Error('oracle: missing kernel');
        runKernel(
          kernel,
          step.args.map((i) => this.buffer(i)),
        );
      } else if (step.kind === 'branch') {
        const chosen = Math.min(Math.max(Number(this.buffer(step.index)[0]), 0), step.branches.length - 1);
        this.run(step.branches[chosen] ?? []);
      } else this.#loop(step);
    }
  }

  #loop({ id, trips, carries, steps }: LoopStep): void {
    const set = (index: number, at: 'start' | 'end', buffer: number): void => {
      this.#carries.set(`${id}.${index}.${at}`, buffer);
    };
    carries.forEach(({ initial }, i) => set(i, 'start', initial));
    for (let n = 0; ; n++) {
      carries.forEach(({ first, second }, i) => set(i, 'end', n % 2 === 0 ? first : second));
      if ('count' in trips) {
        if (n === trips.count) break;
        this.#positions.set(id, trips.reverse ? trips.count - 1 - n : n);
      } else {
        this.run(trips.condition);
        if (this.buffer(trips.holds)[0] === 0) break;
      }
      this.run(steps);
      carries.forEach(({ first, second }, i) => set(i, 'start', n % 2 === 0 ? first : second));
    }
    carries.forEach(({ copy, start, result }) => {
      if (copy !== undefined) this.buffer(result).set(this.buffer(start));
    });
  }
}

/** The outputs of a program, by the oracle. */
export function interpretProgram(
  program: Program,
  inputs: readonly TypedArray[],
  initial: readonly TypedArray[] = [],
): TypedArray[] {
  const interpreter = new ProgramInterpreter(program, inputs, initial);
  interpreter.run(program.steps);
  const outputs: TypedArray[] = [];
  program.buffers.forEach((buffer, i) => {
    const data = interpreter.buffers[i];
    if (buffer.place.kind === 'output' && data !== undefined) outputs[buffer.place.index] = data;
  });
  return outputs;
}
