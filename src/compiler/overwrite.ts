/**
 * Which values may be written over which: a new value may take the memory of an old one that nobody reads afterwards, or
 * at another element than the one being written.
 */
import { nth } from '../core/axes.js';
import { byteWidth } from '../core/dtype.js';
import type { Var } from '../core/primitive.js';
import { mapOperands, operandsOf, type Expr } from '../core/scalar.js';
import { exprKey } from './key.js';
import type { BoundKernel } from './builder.js';
import type { ContractKernel, Kernel, Stage, Store } from './loop-ir.js';
import type { CarriedValue, RepeatStep, ScheduledStep } from './schedule.js';

const touchedCache = new WeakMap<ScheduledStep, ReadonlySet<Var>>();

/** Every value that a step reads or writes, those inside it included. */
export function touched(step: ScheduledStep): ReadonlySet<Var> {
  let found = touchedCache.get(step);
  if (found === undefined) touchedCache.set(step, (found = new Set(touchedOf(step))));
  return found;
}

function touchedOf(step: ScheduledStep): Var[] {
  const inside = (steps: readonly ScheduledStep[]): Var[] => steps.flatMap((s) => [...touched(s)]);
  switch (step.kind) {
    case 'kernel':
      return [...step.slots];
    case 'branch':
      return [step.index, ...step.results, ...step.branches.flatMap((b) => inside(b.steps))];
    case 'loop':
      return [
        ...step.carries.flatMap(({ initial, result }) => [initial, result]),
        ...[...step.reads, ...step.writes].map(({ whole }) => whole),
        ...('cond' in step.trips ? inside(step.trips.cond.steps) : []),
        ...inside(step.body.steps),
      ];
  }
}

/** Loops that must not begin by writing a carried value to where its result is: that may be where the initial one is. */
export type SharedCarries = Set<CarriedValue>;

/** Whether, in steps that run in order, `out` may be where `input` is. Adds to `shared` what that relies on. */
export function canOverwrite(steps: readonly ScheduledStep[], input: Var, out: Var, shared: SharedCarries): boolean {
  const writes = steps.findIndex((step) => touched(step).has(out));
  const write = steps[writes];
  if (write === undefined) return false;
  if (steps.some((step, i) => i > writes && touched(step).has(input))) return false;
  return !touched(write).has(input) || overwrites(write, input, out, shared);
}

/** Whether one step that reads `input` may write `out` over it. */
export function overwrites(step: ScheduledStep, input: Var, out: Var, shared: SharedCarries): boolean {
  switch (step.kind) {
    case 'kernel':
      return readsOnlyWhatItWrites(step, input, out);
    case 'branch':
      return (
        step.index !== input &&
        step.branches.every((branch) => {
          const result = branch.results[step.results.indexOf(out)];
          return result !== undefined && canOverwrite(branch.steps, input, result, shared);
        })
      );
    case 'loop':
      return loopOverwrites(step, input, out, shared);
  }
}

/** As an initial carry over which the loop leaves its result, or an array whose slices are written over one by one. */
function loopOverwrites(loop: RepeatStep, input: Var, out: Var, shared: SharedCarries): boolean {
  if (readsInside(loop, input)) return false;
  const carries = loop.carries.filter((c) => c.initial === input);
  const reads = loop.reads.filter((r) => r.whole === input);
  const [carry, read] = [carries[0], reads[0]];
  if (carries.length + reads.length !== 1) return false;
  if (carry !== undefined) {
    if (carry.result !== out) return false;
    shared.add(carry);
    return true;
  }
  const write = loop.writes.find((w) => w.whole === out);
  return read !== undefined && write !== undefined && canOverwrite(loop.body.steps, read.slice, write.slice, shared);
}

/** Whether the steps of a loop read a value other than by its carries and slices. */
export const readsInside = (loop: RepeatStep, v: Var): boolean =>
  loop.body.steps.some((s) => touched(s).has(v)) ||
  ('cond' in loop.trips && loop.trips.cond.steps.some((s) => touched(s).has(v)));

/**
 * Whether a kernel reads of `input` only elements that it has not written yet: up to the first stage that writes `out`
 * only the very element of `out` that is written, and nothing afterwards.
 */
export function readsOnlyWhatItWrites({ kernel, slots }: BoundKernel<Kernel>, input: Var, out: Var): boolean {
  if (kernel.kind === 'sort') return false;
  // The same element of another width is elsewhere.
  if (byteWidth(input.aval.dtype) !== byteWidth(out.aval.dtype)) return false;
  const [from, to] = [slots.indexOf(input), slots.indexOf(out)];
  if (kernel.kind === 'contract') return productOverwrites(kernel, from, to);
  return stagesOverwrite(kernel.stages, from, to);
}

/** The same of the stages of one kernel, by its slots. */
function stagesOverwrite(stages: readonly Stage[], from: number, to: number): boolean {
  // Inner loops of different stages walk over the same elements: their variables are told by position.
  const keys = stages.map((stage) => {
    const names = new Map(stage.loops.map((l, i) => [l.id, -1 - i]));
    return (index: Expr): string => exprKey(renameLoops(index, names));
  });
  const written = new Set(
    stages.flatMap((stage, i) => stage.stores.filter((t) => t.buffer === to).map((t) => nth(keys, i)(t.index))),
  );
  if (written.size !== 1) return false;
  const first = stages.findIndex((stage) => stage.stores.some((t) => t.buffer === to));
  return stages.every((stage, i) => {
    const inner = stage.loops.map((l) => l.extent).join();
    // A value of the row would be written while other elements of the row are still to be read.
    if (
      i < first &&
      inner !==
        nth(stages, first)
          .loops.map((l) => l.extent)
          .join()
    )
      return !reads(stage, from);
    const seen = new Set<Expr>();
    const safe = (e: Expr): boolean => {
      if (seen.has(e)) return true;
      seen.add(e);
      if (e.op === 'load' && e.buffer === from && (i > first || !written.has(nth(keys, i)(e.index)))) return false;
      return operandsOf(e).every(safe);
    };
    return stageExpressions(stage).every(safe);
  });
}

/** What is done beside a product is done at any time, so only the part that writes may read. */
function productOverwrites(kernel: ContractKernel, from: number, to: number): boolean {
  const { epilogue = [], beside = [] } = kernel;
  const writer = beside.find(({ stages }) => stages.some((stage) => stage.stores.some((t) => t.buffer === to)));
  if (beside.some((part) => part !== writer && part.stages.some((stage) => reads(stage, from)))) return false;
  if (operandsRead(kernel, from)) return false;
  if (writer === undefined) return epilogueOverwrites(epilogue, from, to);
  return !reads(storing(epilogue), from) && stagesOverwrite(writer.stages, from, to);
}

const storing = (stores: readonly Store[]): Stage => ({ loops: [], accumulators: [], stores, ordered: false });

function operandsRead({ lhs, rhs }: ContractKernel, buffer: number): boolean {
  return [lhs, rhs].some((operand) =>
    'buffer' in operand ? operand.buffer === buffer : readsOf([operand.value], buffer),
  );
}

/** In the epilogue of a product each element is read before it is written, and the product is summed up elsewhere. */
function epilogueOverwrites(epilogue: readonly Store[], from: number, to: number): boolean {
  const stores = epilogue.filter((t) => t.buffer === to);
  const [store] = stores;
  if (store === undefined || stores.length > 1 || store.mask !== undefined) return false;
  const written = exprKey(store.index);
  const seen = new Set<Expr>();
  const safe = (e: Expr): boolean => {
    if (seen.has(e)) return true;
    seen.add(e);
    return (e.op !== 'load' || e.buffer !== from || exprKey(e.index) === written) && operandsOf(e).every(safe);
  };
  return stageExpressions(storing(epilogue)).every(safe);
}

const stageExpressions = (stage: Stage): Expr[] => [
  ...stage.accumulators.flatMap((a) => [a.init, 'next' in a.update ? a.update.next : a.update.value]),
  ...stage.stores.flatMap((t) => [t.index, t.value, ...(t.mask === undefined ? [] : [t.mask])]),
];

const reads = (stage: Stage, buffer: number): boolean => readsOf(stageExpressions(stage), buffer);

function readsOf(roots: readonly Expr[], buffer: number): boolean {
  const seen = new Set<Expr>();
  const visit = (e: Expr): boolean => {
    if (seen.has(e)) return false;
    seen.add(e);
    return (e.op === 'load' && e.buffer === buffer) || operandsOf(e).some(visit);
  };
  return roots.some(visit);
}

/** An index expression with other loop variables. */
const renameLoops = (e: Expr, names: ReadonlyMap<number, number>): Expr =>
  e.op === 'var' ? { ...e, id: names.get(e.id) ?? e.id } : mapOperands(e, (x) => renameLoops(x, names));
