/**
 * Loop kernels over a block of a matrix: functions `(slots…, lo, hi, batch, block)` that run stages for rows [lo, hi)
 * and the columns of one block, for one point of the batch. Rows are counted through all axes of their group, and the
 * axes merge into one where the expressions allow it; columns are loops, one per axis.
 */
import { binary, int, loopVar } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { BufferSlot, ContractAxis, Loop, Stage, Store } from '../../compiler/loop-ir.js';
import { createExpander } from '../../compiler/math/expand.js';
import { mapStage, stageRoots } from '../../compiler/stages.js';
import type { FunctionRef, ModuleBuilder } from './assembler.js';
import { groupSize } from './contract-axes.js';
import { Exprs } from './exprs.js';
import type { Blocks } from './gemm-blocks.js';
import { blockCount, pushIsLast } from './gemm-blocks.js';
import { emitLoopKernel } from './loop-kernel.js';
import { collapseLoops, prepareLoopKernel } from './prepare.js';
import type { VectorMode } from './vectorise.js';
import { planVectors } from './vectorise.js';

/** The matrix: a batch of rows by columns, and how the columns are cut. */
export interface BlockSpace {
  readonly batch: readonly ContractAxis[];
  readonly rows: readonly ContractAxis[];
  readonly columns: readonly ContractAxis[];
  readonly blocks: Blocks;
  /** Ids of other loops of the stages. */
  readonly taken?: readonly number[];
}

/** The variables that a block function adds to those of the axes. */
export interface BlockVariables {
  readonly row: Expr;
  readonly batch: Expr;
  readonly block: Expr;
  /** Of the axis that is cut, inside a block. */
  readonly within: number;
}

/** A part of an axis. */
export interface Span {
  readonly start: number;
  readonly extent: number;
}

export const axisVar = ({ id, extent }: ContractAxis): Expr => loopVar(id, extent);

/** Position in the group, by the variables of its axes. */
export const linearOf = (axes: readonly ContractAxis[]): Expr =>
  axes.reduce<Expr>((sum, axis) => binary('add', binary('mul', sum, int(axis.extent)), axisVar(axis)), int(0));

/** What the variables of loops are at a linear position, by id. */
export function variablesAt(loops: readonly Loop[], position: Expr): Map<number, Expr> {
  const found = new Map<number, Expr>();
  let below = 1;
  [...loops].reverse().forEach(({ id, extent }, i) => {
    const quotient = binary('div', position, int(below));
    found.set(id, i === loops.length - 1 ? quotient : binary('rem', quotient, int(extent)));
    below *= extent;
  });
  return found;
}

export function blockVariables({ batch, rows, columns, blocks, taken = [] }: BlockSpace): BlockVariables {
  const first = Math.max(-1, ...[...batch, ...rows, ...columns].map((a) => a.id), ...taken) + 1;
  return {
    row: loopVar(first, groupSize(rows)),
    batch: loopVar(first + 1, Math.max(1, groupSize(batch))),
    block: loopVar(first + 2, blockCount(blocks)),
    within: first + 3,
  };
}

const loopOf = (variable: Expr): Loop => {
  if (variable.op !== 'var') throw new Error('internal: not a loop variable');
  return { id: variable.id, extent: variable.extent };
};

/** The stage that only stores. */
export const storing = (stores: readonly Store[]): Stage => ({ loops: [], accumulators: [], stores, ordered: false });

export function blockFunction(
  module: ModuleBuilder,
  name: string,
  slots: readonly BufferSlot[],
  space: BlockSpace,
  /** The stages, over the variables of the axes; `column` is the position in the block. */
  stagesAt: (row: Expr, column: Expr) => readonly Stage[],
  vectors: VectorMode,
  /** Only this part of the last axis of the columns, which is whole in every block. */
  span?: Span,
): FunctionRef {
  const { blocks } = space;
  const whole = emitVariant(module, name, slots, space, 0, stagesAt, vectors, span);
  if (blocks.pieces === 1 || blocks.last === blocks.piece) return whole;
  const last = emitVariant(module, `${name}.last`, slots, space, 1, stagesAt, vectors, span);
  const count = slots.length + 4;
  const f = module.function(
    `${name}.block`,
    Array.from({ length: count }, () => 'i32' as const),
  );
  const all = (target: FunctionRef): void => {
    for (let i = 0; i < count; i++) f.get(i);
    f.call(target);
  };
  pushIsLast(f, blocks, count - 1);
  f.if();
  all(last);
  f.else();
  all(whole);
  f.end();
  return f;
}

function emitVariant(
  module: ModuleBuilder,
  name: string,
  slots: readonly BufferSlot[],
  space: BlockSpace,
  variant: 0 | 1,
  stagesAt: (row: Expr, column: Expr) => readonly Stage[],
  vectors: VectorMode,
  span: Span | undefined,
): FunctionRef {
  const { batch, rows, columns, blocks } = space;
  const variables = blockVariables(space);
  const cut = columns[blocks.axis];
  const extent = blocks.extents[blocks.pieces === 1 ? 1 : variant];
  const inner: Loop[] = [
    { id: variables.within, extent },
    ...columns.slice(blocks.axis + 1).map(({ id, extent: n }) => ({ id, extent: n })),
  ];
  const column = inner.reduce<Expr>(
    (sum, l) => binary('add', binary('mul', sum, int(l.extent)), loopVar(l.id, l.extent)),
    int(0),
  );

  if (span !== undefined) {
    const last = inner.pop();
    if (last === undefined) throw new Error('internal: no columns');
    inner.push({ id: last.id, extent: span.extent });
  }

  // Columns and batch: by the block, and by the point of the batch.
  const once = (variable: Expr): Expr => (variable.op === 'var' && variable.extent === 1 ? int(0) : variable);
  const known = variablesAt(batch, once(variables.batch));
  const run = binary('div', once(variables.block), int(blocks.pieces));
  for (const [id, value] of variablesAt(columns.slice(0, blocks.axis), run)) known.set(id, value);
  const piece = binary('rem', once(variables.block), int(blocks.pieces));
  if (cut !== undefined)
    known.set(cut.id, binary('add', binary('mul', piece, int(blocks.extents[0])), loopVar(variables.within, extent)));

  const [innermost] = inner.slice(-1);
  if (span !== undefined && innermost !== undefined)
    known.set(innermost.id, binary('add', loopVar(innermost.id, span.extent), int(span.start)));

  // Rows: merged where the expressions step through them as through one, then by quotients and remainders.
  const exprs = new Exprs();
  const expand = createExpander();
  const fixed = (e: Expr): Expr => exprs.substitute(exprs.canon(expand(e)), known);
  const stages = stagesAt(linearOf(rows), column).map((stage) => mapStage(stage, fixed));
  const roots = stages.flatMap(stageRoots);
  const { loops, gone } = collapseLoops(
    exprs,
    rows.map(({ id, extent: n }) => ({ id, extent: n })),
    (now) => roots.map((e) => exprs.substitute(e, now)),
  );
  const at = variablesAt(loops, variables.row);
  const source = {
    kind: 'loop' as const,
    name,
    buffers: slots,
    loops: [loopOf(variables.row), ...inner],
    stages: stages.map((stage) => mapStage(stage, (e) => exprs.substitute(exprs.substitute(e, gone), at))),
  };
  const prepared = prepareLoopKernel(source, false, true);
  return emitLoopKernel(module, prepared, planVectors(prepared, vectors), [
    loopOf(variables.batch),
    loopOf(variables.block),
  ]);
}
