/**
 * Long reductions in two kernels: partial results of chunks, kept in scratch memory, then the combination of the
 * partial results (and whatever followed in the kernel). This bounds the rounding error of long sums, makes
 * a sum over everything a loop that can be cut into tiles, and lets a sum over columns read memory in order: some rows
 * at a time are combined and added to a partial row that stays in the cache.
 */
import { partialIdentity } from '../../core/combine.js';
import { accRef, binary, convert, int, load, loopVar, mapOperands, operandsOf } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { Accumulator, BufferSlot, CombineOp, Loop, LoopKernel, Stage, Store } from '../../compiler/loop-ir.js';
import { bodyRoots, mapStage } from '../../compiler/stages.js';
import type { Exprs } from './exprs.js';
import type { PreparedKernel } from './prepare.js';
import { at, product } from './util.js';
import type { VectorPlan } from './vectorise.js';

/** Terms of a reduction along rows from which it is split, and terms per chunk. */
const LONG = 32768;
const CHUNK = 8192;
/** Rows of a reduction over columns from which it is split. */
const MANY_ROWS = 64;
/** Columns from which a partial row is kept in the cache. */
const WIDE = 256;
/** Elements of a chunk whose rows are added by themselves: they stay in the first-level cache. And its rows at least. */
const SHORT_ROWS = 4096;
const MIN_ROWS = 16;
/**
 * Rows that are combined before they are added to the partial row: as many streams as the processor follows. (4096² on
 * one thread: 5.0 ms with one row at a time, 4.2 with four, 3.3 with eight, 3.9 with sixteen; only reading takes 2.9.)
 */
const TOGETHER = 8;
/** Operations on an element up to which so many are; more would only make code. */
const CHEAP = 6;
/** Additions to a partial row, at most: they round one after the other. */
const ADDITIONS = 16;
/** Chunks of rows wanted, for threads. */
const CHUNKS = 8;
/** Columns of a partial row at most: they stay in the first-level cache. */
const MAX_COLUMNS = 4096;
const MIN_COLUMNS = 1024;

export interface SplitReduction {
  /** Its last slots are the partial results. */
  readonly partial: LoopKernel;
  /** Reads the partial results from its last slots. */
  readonly final: LoopKernel;
  readonly partialSlots: readonly BufferSlot[];
}

/** How the outermost reduction loop is cut. */
interface Cut {
  /** Rows of a chunk. */
  readonly size: number;
  /** How many of them are combined at a time and added to a row of partial results; 0 where each point has its sum. */
  readonly together: number;
}

/** Undefined where splitting does not pay. */
function cutOf({ kernel, exprs }: PreparedKernel, plan: VectorPlan, stage: Stage, rows: Loop): Cut | undefined {
  const columns = kernel.loops.at(-1);
  if (plan.outer !== undefined && columns !== undefined) {
    // Over columns: worth it where a walk down one group of columns leaves the cache.
    if (!walksRows(exprs, stage, rows, columns)) return undefined;
    // What it stores on the way it stores where it is, and a short row fits into registers: each row by itself.
    if (stage.stores.length > 0 || stage.loops.length > 1 || columns.extent < WIDE) {
      const row = columns.extent * product(stage.loops.slice(1).map((l) => l.extent));
      const size = Math.max(MIN_ROWS, Math.floor(SHORT_ROWS / row));
      return rows.extent >= 4 * size ? { size, together: 0 } : undefined;
    }
    if (rows.extent < MANY_ROWS) return undefined;
    const together = nodes(bodyRoots(stage)) <= CHEAP * stage.accumulators.length ? TOGETHER : 2;
    const additions = Math.min(ADDITIONS, Math.max(2, Math.floor(rows.extent / (CHUNKS * together))));
    return { size: together * additions, together };
  }
  const terms = product(stage.loops.map((l) => l.extent));
  if (terms < LONG) return undefined;
  const size = Math.max(1, Math.floor((CHUNK * rows.extent) / terms));
  return rows.extent >= 2 * size ? { size, together: 0 } : undefined;
}

/** Operations of expressions, what leads to the elements they load not counted. */
function nodes(roots: readonly Expr[]): number {
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.op !== 'load') operandsOf(e).forEach(visit);
  };
  roots.forEach(visit);
  return seen.size;
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
  const cut = cutOf(prepared, plan, stage, rows);
  if (cut === undefined) return undefined;
  const { size } = cut;
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
  const inChunk = (e: Expr, row: Expr): Expr =>
    exprs.substitute(e, new Map([[rows.id, binary('add', binary('mul', chunkVar, int(size)), row)]]));
  const places = stage.accumulators.map((_, i) => ({ buffer: firstSlot + i, index: place }));
  const partial: LoopKernel = {
    ...kernel,
    name: `${kernel.name}.partial`,
    buffers: [...kernel.buffers, ...partialSlots],
    ...(cut.together === 0
      ? { loops: [chunk, ...kernel.loops], stages: sumEach(stage, rows, size, inChunk, places) }
      : addRows({ kernel, exprs, stage, chunk, rows, cut, inChunk, places })),
  };

  const ids = kernel.stages.flatMap((s) => s.accumulators.map((acc) => acc.id));
  const fresh = Math.max(...ids) + 1;
  // The chunks are combined under fresh ids, sums of float32 in float64; the rest of the rows goes on from there.
  const combined = stage.accumulators.map((acc, i) => {
    const combine = combineOf(acc);
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

/** Where a partial result is stored. */
type Place = Pick<Store, 'buffer' | 'index'>;

/** Stages that reduce the rows of a chunk for one point, and store the results. */
function sumEach(
  stage: Stage,
  rows: Loop,
  size: number,
  inChunk: (e: Expr, row: Expr) => Expr,
  places: readonly Place[],
): Stage[] {
  const part = mapStage(stage, (e) => inChunk(e, loopVar(rows.id, size)));
  return [
    {
      ...part,
      loops: [{ id: rows.id, extent: size }, ...stage.loops.slice(1)],
      accumulators: part.accumulators.map((acc) => ({ ...acc, init: identity(acc) })),
    },
    {
      loops: [],
      accumulators: [],
      stores: places.map((to, i) => {
        const { dtype, id } = at(stage.accumulators, i, 'accumulator');
        return { ...to, value: accRef(dtype, id) };
      }),
      ordered: false,
    },
  ];
}

/**
 * Stages that go through the rows of a chunk, or through some columns of them, `together` at a time. The first ones
 * become the row of partial results, the others are added to it.
 */
function addRows(given: {
  kernel: LoopKernel;
  exprs: Exprs;
  stage: Stage;
  chunk: Loop;
  rows: Loop;
  cut: Cut;
  inChunk: (e: Expr, row: Expr) => Expr;
  places: readonly Place[];
}): Pick<LoopKernel, 'loops' | 'stages'> {
  const { kernel, exprs, stage, chunk, rows, cut, inChunk, places } = given;
  const columns = at(kernel.loops, kernel.loops.length - 1, 'loop');
  const around = [chunk, ...kernel.loops.slice(0, -1)];
  const pieces = columnPieces(columns.extent);
  const width = columns.extent / pieces;
  const piece: Loop = { id: chunk.id + 1, extent: pieces };
  const column = binary('add', binary('mul', loopVar(piece.id, pieces), int(width)), loopVar(columns.id, width));
  const inPiece = (e: Expr): Expr => (pieces === 1 ? e : exprs.substitute(e, new Map([[columns.id, column]])));

  const { together, size } = cut;
  const groups: Loop = { id: rows.id, extent: size / together - 1 };
  const adding = (first: Expr, again: boolean): Stage => ({
    loops: again ? [groups, { id: columns.id, extent: width }] : [{ id: columns.id, extent: width }],
    accumulators: [],
    stores: stage.accumulators.map((acc, i): Store => {
      const combine = combineOf(acc);
      const value = pairwise(0, together, combine, (row) =>
        inPiece(inChunk(valueOf(acc), binary('add', first, int(row)))),
      );
      const to = at(places, i, 'place');
      return { buffer: to.buffer, index: inPiece(to.index), value, ...(again ? { combine } : {}) };
    }),
    ordered: false,
  });
  const later = binary('mul', binary('add', loopVar(groups.id, groups.extent), int(1)), int(together));
  return {
    loops: pieces === 1 ? around : [...around, piece],
    stages: [adding(int(0), false), adding(later, true)],
  };
}

/** Equal pieces of about as many columns as stay in the first-level cache, or one where there are none. */
function columnPieces(columns: number): number {
  for (let pieces = Math.ceil(columns / MAX_COLUMNS); columns / pieces >= MIN_COLUMNS; pieces++)
    if (columns % pieces === 0 && ((columns / pieces) % 16 === 0 || pieces === 1)) return pieces;
  return 1;
}

/** Combine the values from `from` up to `to`, in a balanced tree. */
function pairwise(from: number, to: number, combine: CombineOp, value: (i: number) => Expr): Expr {
  if (to - from === 1) return value(from);
  const middle = (from + to) >> 1;
  return binary(combine, pairwise(from, middle, combine, value), pairwise(middle, to, combine, value));
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
const identity = (acc: Accumulator): Expr => ({
  op: 'const',
  type: acc.dtype,
  value: partialIdentity(combineOf(acc), acc.dtype),
});

function combineOf(acc: Accumulator): CombineOp {
  if (!('combine' in acc.update)) throw new Error('internal: not a combining accumulator');
  return acc.update.combine;
}

function valueOf(acc: Accumulator): Expr {
  if (!('combine' in acc.update)) throw new Error('internal: not a combining accumulator');
  return acc.update.value;
}
