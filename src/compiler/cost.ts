/**
 * What a program does, counted from its loop IR: kernels launched, bytes that kernels read and write, floating-point
 * operations. A buffer counts once per kernel, however often its elements are used there: what is read again comes from a
 * cache. Tests hold these numbers, so that a loss of fusion fails a test and not a timing.
 */
import { byteWidth, isFloat } from '../core/dtype.js';
import { nth } from '../core/axes.js';
import { operandsOf, type Expr } from '../core/scalar.js';
import type { ContractKernel, Kernel, Loop, LoopKernel, Program, Stage, Step, Store } from './loop-ir.js';

export interface KernelCost {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Floating-point operations; a function such as exp counts as one. */
  readonly flops: number;
}

export interface Cost extends KernelCost {
  /** Kernel launches; those inside a loop count once per iteration, of branches the dearest counts. */
  readonly kernels: number;
  readonly bytesMoved: number;
  /** Scratch memory for values that die inside the program. */
  readonly arenaBytes: number;
}

/** Counts the elements of each slot that are read and written, and operations. */
class Counter {
  readonly read: number[];
  readonly written: number[];
  flops = 0;
  readonly #stored = new Set<number>();

  constructor(private readonly kernel: Kernel) {
    this.read = kernel.buffers.map(() => 0);
    this.written = kernel.buffers.map(() => 0);
  }

  /** Everything evaluated at each of the points of the given loops. */
  expressions(roots: readonly Expr[], loops: readonly Loop[]): void {
    const points = loops.reduce((n, l) => n * l.extent, 1);
    const seen = new Set<Expr>();
    const visit = (e: Expr): void => {
      if (seen.has(e)) return;
      seen.add(e);
      if (e.op === 'load') {
        // What the kernel itself has just written comes from the cache.
        if (!this.#stored.has(e.buffer)) this.#count(this.read, e.buffer, extentOf(e.index, loops));
      } else if (isOperation(e)) this.flops += points;
      operandsOf(e).forEach(visit);
    };
    roots.forEach(visit);
  }

  stores(stores: readonly Store[], loops: readonly Loop[]): void {
    for (const t of stores) {
      const elements = extentOf(t.index, loops);
      if (t.combine !== undefined) this.#count(this.read, t.buffer, elements);
      this.#count(this.written, t.buffer, elements);
      this.#stored.add(t.buffer);
    }
  }

  whole(slot: number, into: 'read' | 'written'): void {
    this[into][slot] = nth(this.kernel.buffers, slot).length;
  }

  #count(into: number[], slot: number, elements: number): void {
    into[slot] = Math.min(nth(this.kernel.buffers, slot).length, (into[slot] ?? 0) + elements);
  }

  get cost(): KernelCost {
    const bytes = (elements: readonly number[]): number =>
      this.kernel.buffers.reduce((sum, slot, i) => sum + nth(elements, i) * byteWidth(slot.dtype), 0);
    return { bytesRead: bytes(this.read), bytesWritten: bytes(this.written), flops: this.flops };
  }
}

const isOperation = (e: Expr): boolean =>
  e.op !== 'const' &&
  e.op !== 'var' &&
  e.op !== 'acc' &&
  e.op !== 'load' &&
  e.op !== 'select' &&
  e.op !== 'convert' &&
  e.op !== 'bitcast' &&
  'x' in e &&
  e.x.type !== 'int64' &&
  isFloat(e.x.type);

/** How many elements an index can name: the points of the loops whose variables it depends on. */
function extentOf(index: Expr, loops: readonly Loop[]): number {
  const ids = new Set<number>();
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === 'var') ids.add(e.id);
    operandsOf(e).forEach(visit);
  };
  visit(index);
  return loops.reduce((n, l) => (ids.has(l.id) ? n * l.extent : n), 1);
}

function countStages(counter: Counter, stages: readonly Stage[], outer: readonly Loop[]): void {
  for (const stage of stages) {
    const loops = [...outer, ...stage.loops];
    const updates = stage.accumulators.map((a) => ('next' in a.update ? a.update.next : a.update.value));
    counter.expressions(
      [...updates, ...stage.stores.flatMap((t) => [t.value, t.index, ...(t.mask === undefined ? [] : [t.mask])])],
      loops,
    );
    const points = loops.reduce((n, l) => n * l.extent, 1);
    counter.flops += points * stage.accumulators.filter((a) => 'combine' in a.update && isFloat(a.dtype)).length;
    counter.stores(stage.stores, loops);
  }
}

function loopCost(kernel: LoopKernel): KernelCost {
  const counter = new Counter(kernel);
  countStages(counter, kernel.stages, kernel.loops);
  return counter.cost;
}

function contractCost(kernel: ContractKernel): KernelCost {
  const counter = new Counter(kernel);
  const { batch, m, n, k, lhs, rhs, out, epilogue = [], beside = [] } = kernel;
  const size = (...groups: (readonly Loop[])[]): number => groups.flat().reduce((p, a) => p * a.extent, 1);
  if (isFloat(kernel.dtype)) counter.flops += 2 * size(batch, m, n, k);
  for (const operand of [lhs, rhs]) {
    const loops = [...batch, ...(operand === lhs ? m : n), ...k];
    if ('value' in operand) counter.expressions([operand.value], loops);
    else counter.whole(operand.buffer, 'read');
  }
  if (out !== undefined) counter.whole(out.buffer, 'written');
  const loops = [...batch, ...m, ...n];
  counter.expressions(
    epilogue.flatMap((t) => [t.value, t.index]),
    loops,
  );
  counter.stores(epilogue, loops);
  for (const { of, stages } of beside) countStages(counter, stages, [...batch, ...kernel[of]]);
  return counter.cost;
}

export function kernelCost(kernel: Kernel): KernelCost {
  switch (kernel.kind) {
    case 'loop':
      return loopCost(kernel);
    case 'contract':
      return contractCost(kernel);
    case 'sort': {
      const counter = new Counter(kernel);
      kernel.buffers.forEach((slot, i) => {
        counter.whole(i, slot.access === 'read' ? 'read' : 'written');
      });
      return counter.cost;
    }
  }
}

type Counts = KernelCost & { readonly kernels: number };
const NOTHING: Counts = { kernels: 0, bytesRead: 0, bytesWritten: 0, flops: 0 };
const plus = (a: Counts, b: Counts, times = 1): Counts => ({
  kernels: a.kernels + times * b.kernels,
  bytesRead: a.bytesRead + times * b.bytesRead,
  bytesWritten: a.bytesWritten + times * b.bytesWritten,
  flops: a.flops + times * b.flops,
});

/** What one run of a program does; of a loop without a known number of iterations, one iteration. */
export function programCost(program: Program): Cost {
  const kernels = program.kernels.map(kernelCost);
  const all = (steps: readonly Step[]): Counts => steps.map(one).reduce((a, b) => plus(a, b), NOTHING);
  const one = (step: Step): Counts => {
    switch (step.kind) {
      case 'kernel':
        return { kernels: 1, ...nth(kernels, step.kernel) };
      case 'loop':
        return 'count' in step.trips
          ? plus(NOTHING, all(step.steps), step.trips.count)
          : plus(all(step.trips.condition), all(step.steps));
      case 'branch':
        return step.branches.map(all).reduce((a, b) => (b.flops > a.flops ? b : a), NOTHING);
    }
  };
  const counts = all(program.steps);
  return { ...counts, bytesMoved: counts.bytesRead + counts.bytesWritten, arenaBytes: program.arenaBytes };
}

/** A line per kernel, in the order of their definition. */
export const costLines = (program: Program): string[] =>
  program.kernels.map((kernel) => {
    const { bytesRead, bytesWritten, flops } = kernelCost(kernel);
    return `# ${kernel.name}: reads ${String(bytesRead)} bytes, writes ${String(bytesWritten)}, ${String(flops)} flops`;
  });
