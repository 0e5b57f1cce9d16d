/**
 * Loop IR to loop IR, before code generation: math functions are expanded into basic operations, expressions
 * become canonical, loops of extent 1 disappear, and adjacent loops over which every access is contiguous
 * become one (a 3-d elementwise kernel has one long loop).
 */
import { binary } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import { operandsOf } from '../../core/scalar.js';
import type { Accumulator, Loop, LoopKernel, Stage } from '../../compiler/loop-ir.js';
import { bodyRoots, mapStage, stageRoots } from '../../compiler/stages.js';
import { Exprs } from './exprs.js';
import { createExpander } from '../../compiler/math/expand.js';

/** A loop kernel whose expressions are canonical in `exprs`. */
export interface PreparedKernel {
  readonly kernel: LoopKernel;
  readonly exprs: Exprs;
  /** Whether the extent of the (only) outer loop is known only at run time. */
  readonly dynamic: boolean;
}

/** The expression an accumulator is set to, in terms of its own `acc` node. */
export const nextOf = (acc: Accumulator): Expr =>
  'next' in acc.update
    ? acc.update.next
    : binary(acc.update.combine, { op: 'acc', type: acc.dtype, id: acc.id }, acc.update.value);

/**
 * `keepOutermost`: the outermost loop stays as it is, because a caller counts in its iterations.
 */
export function prepareLoopKernel(source: LoopKernel, dynamic: boolean, keepOutermost = false): PreparedKernel {
  const written = new Set<number>();
  source.buffers.forEach((slot, i) => {
    if (slot.access !== 'read') written.add(i);
  });
  for (const stage of source.stages) for (const store of stage.stores) written.add(store.buffer);
  const exprs = new Exprs(new Set(dynamic ? source.loops.map((l) => l.id) : []), written);
  const expand = createExpander();
  let kernel: LoopKernel = {
    ...source,
    stages: source.stages.map((stage) => mapStage(stage, (e) => exprs.canon(expand(e)))),
  };
  if (!dynamic) {
    kernel = collapseOuter(exprs, dropUnitLoops(exprs, kernel, keepOutermost), keepOutermost);
    kernel = { ...kernel, stages: kernel.stages.map((stage) => collapseStage(exprs, stage)) };
  }
  return { kernel, exprs, dynamic };
}

function dropUnitLoops(exprs: Exprs, kernel: LoopKernel, keepOutermost: boolean): LoopKernel {
  const zero = exprs.canon({ op: 'const', type: 'int32', value: 0 });
  const unit = (loops: readonly Loop[]): Map<number, Expr> =>
    new Map(loops.filter((l) => l.extent === 1).map((l) => [l.id, zero]));
  const kept = kernel.loops.slice(0, keepOutermost ? 1 : 0);
  const others = kernel.loops.slice(kept.length);
  const outer = unit(others);
  return {
    ...kernel,
    loops: [...kept, ...others.filter((l) => l.extent !== 1)],
    stages: kernel.stages.map((stage) => {
      const gone = new Map([...outer, ...unit(stage.loops)]);
      if (gone.size === 0) return stage;
      const mapped = mapStage(stage, (e) => exprs.substitute(e, gone));
      return { ...mapped, loops: stage.loops.filter((l) => l.extent !== 1) };
    }),
  };
}

/**
 * Whether `outer * inner.extent + inner` is the only way the two variables occur in `roots`, so that one
 * variable can take their place.
 */
function collapsible(exprs: Exprs, roots: readonly Expr[], outer: Loop, inner: Loop): boolean {
  const seen = new Set<Expr>();
  const check = (e: Expr): boolean => {
    if (seen.has(e)) return true;
    seen.add(e);
    const { loops } = exprs.needs(e);
    if (!loops.has(outer.id) && !loops.has(inner.id)) return true;
    if (e.type !== 'int32' || e.op === 'load') return operandsOf(e).every(check);
    const { terms } = exprs.affine(e);
    let outerStride = 0;
    let innerStride = 0;
    for (const [term, k] of terms) {
      if (term.op !== 'var') {
        if (!(term === e ? operandsOf(e).every(check) : check(term))) return false;
      } else if (term.id === outer.id) outerStride = k;
      else if (term.id === inner.id) innerStride = k;
    }
    return outerStride === Math.imul(innerStride, inner.extent);
  };
  return roots.every(check);
}

/** Loops with adjacent collapsible pairs merged, and what the vanished variables become. */
export function collapseLoops(
  exprs: Exprs,
  loops: readonly Loop[],
  rootsOf: (gone: Map<number, Expr>) => Expr[],
): {
  loops: Loop[];
  gone: Map<number, Expr>;
} {
  const gone = new Map<number, Expr>();
  const merged: Loop[] = [...loops];
  for (let i = merged.length - 2; i >= 0; i--) {
    const outer = merged[i];
    const inner = merged[i + 1];
    if (outer === undefined || inner === undefined) continue;
    const extent = outer.extent * inner.extent;
    if (extent >= 2 ** 31 || extent === 0 || !collapsible(exprs, rootsOf(gone), outer, inner)) continue;
    gone.set(outer.id, exprs.canon({ op: 'const', type: 'int32', value: 0 }));
    gone.set(inner.id, exprs.loopVar(inner.id, extent));
    merged.splice(i, 2, { id: inner.id, extent });
  }
  return { loops: merged, gone };
}

function collapseOuter(exprs: Exprs, kernel: LoopKernel, keepOutermost: boolean): LoopKernel {
  const kept = kernel.loops.slice(0, keepOutermost ? 1 : 0);
  const others = kernel.loops.slice(kept.length);
  if (others.length < 2) return kernel;
  const roots = kernel.stages.flatMap(stageRoots);
  const { loops, gone } = collapseLoops(exprs, others, (now) => roots.map((e) => exprs.substitute(e, now)));
  if (gone.size === 0) return kernel;
  return {
    ...kernel,
    loops: [...kept, ...loops],
    stages: kernel.stages.map((s) => mapStage(s, (e) => exprs.substitute(e, gone))),
  };
}

function collapseStage(exprs: Exprs, stage: Stage): Stage {
  if (stage.loops.length < 2) return stage;
  const roots = bodyRoots(stage);
  const { loops, gone } = collapseLoops(exprs, stage.loops, (now) => roots.map((e) => exprs.substitute(e, now)));
  if (gone.size === 0) return stage;
  return { ...mapStage(stage, (e) => exprs.substitute(e, gone)), loops };
}
