/**
 * Memory plan: every stored value gets a place. Values that die inside the program share one arena by lifetime (first
 * fit, offsets fixed at compile time); results may take the place of donated inputs.
 */
import { byteWidth } from '../core/dtype.js';
import { nth } from '../core/axes.js';
import type { Var } from '../core/primitive.js';
import type { BoundKernel } from './kernels.js';
import { exprKey } from './key.js';
import type { Kernel, Placement, ProgramBuffer, Stage } from './loop-ir.js';
import { operandsOf, type Expr } from '../core/scalar.js';

/** Byte alignment of buffers. */
const ALIGN = 64;
const align = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;
const bytesOf = (v: Var): number => align(v.aval.size * byteWidth(v.aval.dtype));

export interface MemoryPlan {
  readonly buffers: readonly ProgramBuffer[];
  readonly bufferOf: ReadonlyMap<Var, number>;
  readonly arenaBytes: number;
}

/** Place the values that kernel calls touch. */
export function planMemory(
  calls: readonly BoundKernel<Kernel>[],
  inputs: readonly Var[],
  outputs: readonly Var[],
): MemoryPlan {
  const buffers: ProgramBuffer[] = [];
  const bufferOf = new Map<Var, number>();
  const place = (v: Var, where: Placement): void => {
    bufferOf.set(v, buffers.length);
    buffers.push({ dtype: v.aval.dtype, length: v.aval.size, place: where });
  };
  inputs.forEach((v, index) => {
    place(v, { kind: 'input', index });
  });
  outputs.forEach((v, index) => {
    place(v, { kind: 'output', index });
  });

  const lastUse = new Map<Var, number>();
  calls.forEach((call, i) => {
    call.slots.forEach((v) => lastUse.set(v, i));
  });

  const free: { offset: number; size: number }[] = [{ offset: 0, size: Number.MAX_SAFE_INTEGER }];
  let arenaBytes = 0;
  const allocate = (size: number): number => {
    const block = free.find((b) => b.size >= size);
    if (block === undefined) throw new Error('unreachable: the last block is unbounded');
    const { offset } = block;
    block.offset += size;
    block.size -= size;
    if (block.size === 0) free.splice(free.indexOf(block), 1);
    arenaBytes = Math.max(arenaBytes, offset + size);
    return offset;
  };
  const release = (offset: number, size: number): void => {
    const at = free.findIndex((b) => b.offset > offset);
    free.splice(at < 0 ? free.length : at, 0, { offset, size });
    for (let i = free.length - 2; i >= 0; i--) {
      const [a, b] = [nth(free, i), nth(free, i + 1)];
      if (a.offset + a.size !== b.offset) continue;
      a.size += b.size;
      free.splice(i + 1, 1);
    }
  };

  const live = new Map<Var, { offset: number; size: number }>();
  calls.forEach((call, i) => {
    for (const v of call.slots) {
      if (bufferOf.has(v)) continue;
      const size = bytesOf(v);
      if (size === 0) {
        place(v, { kind: 'arena', offset: 0 });
        continue;
      }
      const offset = allocate(size);
      live.set(v, { offset, size });
      place(v, { kind: 'arena', offset });
    }
    for (const [v, block] of live) {
      if (lastUse.get(v) !== i) continue;
      release(block.offset, block.size);
      live.delete(v);
    }
  });
  return { buffers, bufferOf, arenaBytes };
}

/**
 * For each result the input whose bytes it may overwrite, or -1: same size, and no kernel reads the input after or
 * elsewhere than at the very element that is being written.
 */
export function planDonations(
  calls: readonly BoundKernel<Kernel>[],
  inputs: readonly Var[],
  outputs: readonly Var[],
  donatable: readonly boolean[],
): number[] {
  const taken = new Set<number>();
  return outputs.map((out) => {
    const found = inputs.findIndex(
      (v, i) =>
        donatable[i] === true &&
        !taken.has(i) &&
        v.aval.dtype === out.aval.dtype &&
        v.aval.size === out.aval.size &&
        canOverwrite(calls, v, out),
    );
    if (found >= 0) taken.add(found);
    return found;
  });
}

function canOverwrite(calls: readonly BoundKernel<Kernel>[], input: Var, out: Var): boolean {
  const writes = calls.findIndex((call) => call.slots.includes(out));
  if (writes < 0) return false;
  return calls.every((call, i) => {
    if (!call.slots.includes(input) || i < writes) return true;
    return i === writes && readsOnlyWhatItWrites(call, input, out);
  });
}

/**
 * Whether a kernel reads of `input` only elements that it has not written yet: up to the first stage that writes `out`
 * only the very element of `out` that is written, and nothing afterwards.
 */
function readsOnlyWhatItWrites({ kernel, slots }: BoundKernel<Kernel>, input: Var, out: Var): boolean {
  if (kernel.kind !== 'loop') return false;
  const [from, to] = [slots.indexOf(input), slots.indexOf(out)];
  // Inner loops of different stages walk over the same elements: their variables are told by position.
  const keys = kernel.stages.map((stage) => {
    const names = new Map(stage.loops.map((l, i) => [l.id, -1 - i]));
    return (index: Expr): string => exprKey(renameLoops(index, names));
  });
  const written = new Set(
    kernel.stages.flatMap((stage, i) => stage.stores.filter((t) => t.buffer === to).map((t) => nth(keys, i)(t.index))),
  );
  if (written.size !== 1) return false;
  const first = kernel.stages.findIndex((stage) => stage.stores.some((t) => t.buffer === to));
  return kernel.stages.every((stage, i) => {
    const inner = stage.loops.map((l) => l.extent).join();
    // A value of the row would be written while other elements of the row are still to be read.
    if (
      i < first &&
      inner !==
        nth(kernel.stages, first)
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

const stageExpressions = (stage: Stage): Expr[] => [
  ...stage.accumulators.flatMap((a) => [a.init, 'next' in a.update ? a.update.next : a.update.value]),
  ...stage.stores.flatMap((t) => [t.index, t.value, ...(t.mask === undefined ? [] : [t.mask])]),
];

function reads(stage: Stage, buffer: number): boolean {
  const seen = new Set<Expr>();
  const visit = (e: Expr): boolean => {
    if (seen.has(e)) return false;
    seen.add(e);
    return (e.op === 'load' && e.buffer === buffer) || operandsOf(e).some(visit);
  };
  return stageExpressions(stage).some(visit);
}

/** An index expression with other loop variables. */
function renameLoops(e: Expr, names: ReadonlyMap<number, number>): Expr {
  switch (e.op) {
    case 'const':
    case 'acc':
      return e;
    case 'var':
      return { ...e, id: names.get(e.id) ?? e.id };
    case 'load':
      return { ...e, index: renameLoops(e.index, names) };
    case 'select':
      return { ...e, cond: renameLoops(e.cond, names), x: renameLoops(e.x, names), y: renameLoops(e.y, names) };
    default:
      return 'y' in e
        ? { ...e, x: renameLoops(e.x, names), y: renameLoops(e.y, names) }
        : { ...e, x: renameLoops(e.x, names) };
  }
}
