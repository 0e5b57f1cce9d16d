/**
 * Long reductions in two kernels: partial results of chunks, kept in scratch memory, then the combination of the
 * partial results (and whatever followed in the kernel). This bounds the rounding error of long sums, makes
 * a sum over everything a loop that can be cut into tiles, and lets a sum over columns walk through memory a few
 * rows at a time instead of down one group of columns after another.
 */
import { byteWidth } from '../../core/dtype.js';
import { accRef, binary, convert, int, load, loopVar, mapOperands, operandsOf } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { Accumulator, BufferSlot, Loop, LoopKernel, Stage } from '../../compiler/loop-ir.js';
import { mapStage } from '../../compiler/stages.js';
import type { Exprs } from './exprs.js';
import type { PreparedKernel } from './prepare.js';
import { bodyRoots } from './prepare.js';
import { at, combineIdentity, product } from './util.js';
import type { VectorPlan } from './vectorise.js';

/** Terms of a reduction along rows from which it is split, and terms per chunk. */
const LONG = 32768;
const CHUNK = 8192;
/** Bytes of rows that a chunk of a reduction over columns covers: they stay in the first-level cache. */
const COLUMN_CHUNK_BYTES = 16384;
/** Rows per chunk at least: the partial results are this much smaller than the input. */
const MIN_ROWS = 16;

export interface SplitReduction {
  /** Its last slots are the partial results. */
  readonly partial: LoopKernel;
  /** Reads the partial results from its last slots. */
  readonly final: LoopKernel;
  readonly partialSlots: readonly BufferSlot[];
}

/** Rows of the outermost reduction loop per chunk, or undefined where splitting does not pay. */
function rowsPerChunk(
  { kernel, exprs }: PreparedKernel,
  plan: VectorPlan,
  stage: Stage,
  rows: Loop,
): number | undefined {
  const terms = product(stage.loops.map((l) => l.extent));
  const perRow = terms / rows.extent;
  const columns = kernel.loops.at(-1);
  if (plan.outer !== undefined && columns !== undefined) {
    // Over columns: worth it where a walk down one group of columns leaves the cache.
    const width = Math.max(...stage.accumulators.map((acc) => byteWidth(acc.dtype)));
    const rowBytes = columns.extent * perRow * width;
    const chunk = Math.max(MIN_ROWS, Math.floor(COLUMN_CHUNK_BYTES / rowBytes));
    return rows.extent >= 4 * chunk && walksRows(exprs, stage, rows, columns) ? chunk : undefined;
  }
  if (terms < LONG) return undefined;
  const chunk = Math.max(1, Math.floor(CHUNK / perRow));
  return rows.extent >= 2 * chunk ? chunk : undefined;
}

/** Whether the loads of a stage step further along the reduction than along the columns. */
function walksRows(exprs: Exprs, stage: Stage, rows: Loop, columns: Loop): boolean {
  let found = false;
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === 'load') {
      let rowStride = 0;
      let columnStride = 0;
      for (const [term, k] of exprs.affine(e.index).terms) {
        if (term.op === 'var' && term.id === rows.id) rowStride = Math.abs(k);
        if (term.op === 'var' && term.id === columns.id) columnStride = Math.abs(k);
      }
      found ||= columnStride > 0 && rowStride > columnStride;
      return;
    }
    operandsOf(e).forEach(visit);
  };
  bodyRoots(stage).forEach(visit);
  return found;
}

/** Elements of the slots that a stage loads from. */
function elementsRead(kernel: LoopKernel, stage: Stage): number {
  const slots = new Set<number>();
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op === 'load') slots.add(e.buffer);
    operandsOf(e).forEach(visit);
  };
  bodyRoots(stage).forEach(visit);
  return [...slots].reduce((sum, slot) => sum + (kernel.buffers[slot]?.length ?? 0), 0);
}

export function splitReduction(prepared: PreparedKernel, plan: VectorPlan): SplitReduction | undefined {
  const { kernel, exprs, dynamic } = prepared;
  const [stage, ...later] = kernel.stages;
  const rows = stage?.loops[0];
  if (dynamic || stage === undefined || rows === undefined || stage.ordered || stage.accumulators.length === 0)
    return undefined;
  if (!stage.accumulators.every((acc) => 'combine' in acc.update)) return undefined;
  for (const root of bodyRoots(stage)) {
    const needs = exprs.needs(root);
    if (needs.unstable || needs.accumulators.size > 0) return undefined;
  }
  const size = rowsPerChunk(prepared, plan, stage, rows);
  if (size === undefined) return undefined;
  const chunks = Math.floor(rows.extent / size);
  const rest = rows.extent - chunks * size;
  const points = product(kernel.loops.map((l) => l.extent));
  // Where many points read the same elements (a matrix product) the partial results would outgrow the input.
  if (chunks * points * 8 > elementsRead(kernel, stage)) return undefined;

  const used = new Set<number>(kernel.loops.map((l) => l.id));
  for (const s of kernel.stages) for (const l of s.loops) used.add(l.id);
  const chunk: Loop = { id: Math.max(...used) + 1, extent: chunks };
  const chunkVar = loopVar(chunk.id, chunks);
  let point: Expr = int(0);
  for (const loop of kernel.loops)
    point = binary('add', binary('mul', point, int(loop.extent)), loopVar(loop.id, loop.extent));
  const place = binary('add', binary('mul', chunkVar, int(points)), point);

  const partialSlots = stage.accumulators.map((acc): BufferSlot => ({
    dtype: acc.dtype,
    length: chunks * points,
    access: 'write',
  }));
  const firstSlot = kernel.buffers.length;
  const inChunk = mapStage(stage, (e) =>
    exprs.substitute(
      e,
      new Map([[rows.id, binary('add', binary('mul', chunkVar, int(size)), loopVar(rows.id, size))]]),
    ),
  );
  const partial: LoopKernel = {
    ...kernel,
    name: `${kernel.name}.partial`,
    buffers: [...kernel.buffers, ...partialSlots],
    loops: [chunk, ...kernel.loops],
    stages: [
      {
        ...inChunk,
        loops: [{ id: rows.id, extent: size }, ...stage.loops.slice(1)],
        accumulators: inChunk.accumulators.map((acc) => ({ ...acc, init: identity(acc) })),
      },
      {
        loops: [],
        accumulators: [],
        stores: stage.accumulators.map((acc, i) => ({
          buffer: firstSlot + i,
          index: place,
          value: accRef(acc.dtype, acc.id),
        })),
        ordered: false,
      },
    ],
  };

  const ids = kernel.stages.flatMap((s) => s.accumulators.map((acc) => acc.id));
  const fresh = Math.max(...ids) + 1;
  // The chunks are combined under fresh ids, sums of float32 in float64; the rest of the rows goes on from there.
  const combined = stage.accumulators.map((acc, i) => {
    if (!('combine' in acc.update)) throw new Error('internal: not a combining accumulator');
    const { combine } = acc.update;
    const dtype = combine === 'add' && acc.dtype === 'float32' ? 'float64' : acc.dtype;
    const value = convert(dtype, load(acc.dtype, firstSlot + i, place));
    const chunks: Accumulator = {
      id: fresh + i,
      dtype,
      init: convert(dtype, acc.init),
      update: { combine, value },
    };
    return { of: acc, chunks, total: convert(acc.dtype, accRef(dtype, fresh + i)) };
  });
  const combineChunks: Stage = {
    loops: [chunk],
    accumulators: combined.map(({ chunks }) => chunks),
    stores: [],
    ordered: false,
  };
  const stages = [combineChunks];
  if (rest > 0) {
    const tail = mapStage(stage, (e) =>
      exprs.substitute(e, new Map([[rows.id, binary('add', loopVar(rows.id, rest), int(chunks * size))]])),
    );
    stages.push({
      ...tail,
      loops: [{ id: rows.id, extent: rest }, ...stage.loops.slice(1)],
      accumulators: tail.accumulators.map((acc, i) => ({ ...acc, init: at(combined, i, 'accumulator').total })),
    });
    stages.push(...later);
  } else {
    const totals = new Map(combined.map(({ of, total }) => [of.id, total]));
    stages.push(...later.map((s) => mapStage(s, (e) => replaceAccumulators(e, totals))));
  }
  const final: LoopKernel = {
    ...kernel,
    buffers: [...kernel.buffers, ...partialSlots.map((slot): BufferSlot => ({ ...slot, access: 'read' }))],
    stages,
  };
  return { partial, final, partialSlots };
}

/** The expression with other expressions in place of accumulators, by id. */
function replaceAccumulators(root: Expr, by: ReadonlyMap<number, Expr>): Expr {
  const memo = new Map<Expr, Expr>();
  const visit = (e: Expr): Expr => {
    const known = memo.get(e);
    if (known !== undefined) return known;
    const result = e.op === 'acc' ? (by.get(e.id) ?? e) : mapOperands(e, visit);
    memo.set(e, result);
    return result;
  };
  return visit(root);
}

/** The constant that a chunk starts from. */
function identity(acc: Accumulator): Expr {
  if (!('combine' in acc.update)) throw new Error('internal: not a combining accumulator');
  return { op: 'const', type: acc.dtype, value: combineIdentity(acc.update.combine, acc.dtype) };
}
