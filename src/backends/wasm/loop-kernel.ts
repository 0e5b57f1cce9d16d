/**
 * Loop kernels: parallel outer loops around stages, printed as one WebAssembly function
 * `(address of each slot…, lo, hi)` that runs iterations [lo, hi) of the outermost loop.
 *
 * Within one iteration every load happens before every store (a slot may share its memory with another that is
 * read at the same index), except that a combining store reads its element when it is its turn.
 */
import { partialIdentity, type CombineOp } from '../../core/combine.js';
import { byteWidth } from '../../core/dtype.js';
import type { DType } from '../../core/dtype.js';
import { operandsOf } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { Accumulator, Loop, LoopKernel, Stage, Store } from '../../compiler/loop-ir.js';
import { bodyRoots, stageRoots } from '../../compiler/stages.js';
import type { FunctionBuilder, ModuleBuilder } from './assembler.js';
import type { AccumulatorValue } from './scopes.js';
import type { Extrema } from './float-extrema.js';
import { closeExtrema, extremumOf, openExtrema, updateExtrema } from './float-extrema.js';
import { ExprEmitter } from './expr-emitter.js';
import type { Exprs } from './exprs.js';
import { hoistInvariants } from './hoist.js';
import { interleaveCopies } from './interleave.js';
import { findLazySelects } from '../../compiler/lazy.js';
import type { PreparedKernel } from './prepare.js';
import { nextOf } from './prepare.js';
import { valueType } from './scalar-ops.js';
import { combineScalars, prepareStores } from './store.js';
import type { Lanes } from './vector-ops.js';
import { reduceLanes, vectorBinary, vectorConst } from './vector-ops.js';
import type { LanePlan, VectorPlan } from './vectorise.js';
import { WideSums } from './wide-sums.js';

/** Loop bounds: constants, or the locals that hold them. */
type Bound = { readonly value: number } | { readonly local: number };

export class LoopKernelEmitter {
  private readonly kernel: LoopKernel;
  private readonly exprs: Exprs;
  private readonly e: ExprEmitter;
  /** Where the partial maxima and minima of an accumulator are, if not in vectors of its own type. */
  private readonly extrema = new Map<number, Extrema>();

  constructor(
    private readonly f: FunctionBuilder,
    prepared: PreparedKernel,
    private readonly plan: VectorPlan,
  ) {
    this.kernel = prepared.kernel;
    this.exprs = prepared.exprs;
    const slots = this.kernel.buffers;
    const roots = this.kernel.stages.flatMap((s) => [...stageRoots(s), ...s.accumulators.map((acc) => this.next(acc))]);
    this.e = new ExprEmitter(
      f,
      this.exprs,
      slots.map((_, i) => i),
      slots.map((slot) => slot.dtype),
      sharedNodes(roots),
      findLazySelects(roots),
    );
  }

  private next(acc: Accumulator): Expr {
    return this.exprs.canon(nextOf(acc));
  }

  emit(given: readonly Loop[] = []): void {
    given.forEach(({ id }, i) => {
      this.e.openLoop({ id, variable: this.kernel.buffers.length + 2 + i, scaled: new Map() });
    });
    if (this.kernel.loops.length === 0) {
      this.stages();
      return;
    }
    if (this.kernel.loops.some((l) => l.extent === 0) && !this.plan.dynamic) return;
    this.outer(0);
  }

  private outer(depth: number): void {
    const loop = this.kernel.loops[depth];
    if (loop === undefined) {
      this.stages();
      return;
    }
    const { stages, loops } = this.kernel;
    const last = depth === loops.length - 1;
    const lo = this.kernel.buffers.length;
    this.loop({
      loop,
      start: depth === 0 ? { local: lo } : { value: 0 },
      end: depth === 0 ? { local: lo + 1 } : { value: loop.extent },
      roots: stages.flatMap(stageRoots),
      accesses: stages.flatMap((s) => s.stores),
      innermost: last && stages.every((s) => s.loops.length === 0),
      lanes: last ? this.plan.outer : undefined,
      body: () => this.outer(depth + 1),
    });
  }

  private stages(): void {
    this.e.pushScope();
    this.kernel.stages.forEach((stage, i) => this.stage(stage, this.plan.stages[i]));
    for (const stage of this.kernel.stages) for (const acc of stage.accumulators) this.e.finished.delete(acc.id);
    this.e.popScope();
  }

  private stage(stage: Stage, lanes: LanePlan | undefined): void {
    const { e, f } = this;
    for (const acc of stage.accumulators) {
      e.accumulators.set(acc.id, this.newAccumulator(acc));
    }
    e.pushScope();
    for (const acc of stage.accumulators) {
      const value = e.accumulators.get(acc.id);
      if (value === undefined) continue;
      if ('scalar' in value) {
        e.scalar(acc.init);
        f.set(value.scalar);
      } else {
        value.vectors.forEach((local, copy) => {
          e.copy = copy;
          e.vectorValue(acc.init);
          f.set(local);
        });
        e.copy = 0;
      }
    }
    if (!stage.loops.some((l) => l.extent === 0)) {
      const sums = new WideSums(e, stage);
      this.stageLoops(stage, 0, lanes, sums);
      sums.close();
    }
    e.popScope();
    for (const acc of stage.accumulators) e.finished.add(acc.id);
  }

  /** Locals for an accumulator, living as long as the current scope. */
  private newAccumulator(acc: Accumulator): AccumulatorValue {
    const { e } = this;
    if (e.vector === undefined) return { scalar: e.ownedLocal(valueType(acc.dtype)) };
    return { vectors: Array.from({ length: e.vector.copies }, () => e.ownedLocal('v128')) };
  }

  private stageLoops(stage: Stage, depth: number, lanes: LanePlan | undefined, sums: WideSums): void {
    const loop = stage.loops[depth];
    if (loop === undefined) {
      this.body(stage);
      return;
    }
    const innermost = depth === stage.loops.length - 1;
    const here = innermost ? lanes : undefined;
    let partial: Map<number, AccumulatorValue> | undefined;
    this.loop({
      loop,
      start: { value: 0 },
      end: { value: loop.extent },
      roots: bodyRoots(stage),
      accesses: stage.stores,
      innermost,
      lanes: here,
      body: () => this.stageLoops(stage, depth + 1, lanes, sums),
      beforeVectors: () => {
        partial = this.openPartials(stage);
      },
      afterVectors: (copies) => {
        sums.flush();
        if (partial !== undefined) this.closePartials(stage, partial, copies, sums);
      },
      ...(depth === sums.depth && { blocks: { every: sums.every, flush: () => sums.flush() } }),
    });
    if (depth > 0 && depth === sums.depth) sums.flush();
  }

  /** Give the accumulators of a vectorised stage loop one partial result per lane and copy. */
  private openPartials(stage: Stage): Map<number, AccumulatorValue> {
    const { e, f } = this;
    const outside = new Map<number, AccumulatorValue>();
    for (const acc of stage.accumulators) {
      const value = e.accumulators.get(acc.id);
      if (value === undefined || e.vector === undefined || !('combine' in acc.update))
        throw new Error('internal: not a combining accumulator');
      outside.set(acc.id, value);
      const { lanes, copies } = e.vector;
      const extremum = extremumOf(acc, lanes);
      if (extremum !== undefined) {
        const parts = { s: e.ownedLocal('v128'), u: e.ownedLocal('v128'), m: e.ownedLocal('v128') };
        openExtrema(f, parts, extremum);
        this.extrema.set(acc.id, parts);
        e.accumulators.set(acc.id, { vectors: [] });
        continue;
      }
      const identity = partialIdentity(acc.update.combine, acc.dtype);
      const vectors = Array.from({ length: copies }, () => e.ownedLocal('v128'));
      for (const local of vectors) {
        vectorConst(f, acc.dtype, lanes, () => identity);
        f.set(local);
      }
      e.accumulators.set(acc.id, { vectors });
    }
    return outside;
  }

  /** Combine the partial results into the scalar accumulators. */
  private closePartials(
    stage: Stage,
    outside: ReadonlyMap<number, AccumulatorValue>,
    lanes: LanePlan,
    sums: WideSums,
  ): void {
    const { e, f } = this;
    for (const acc of stage.accumulators) {
      const value = e.accumulators.get(acc.id);
      const scalar = outside.get(acc.id);
      if (value === undefined || !('vectors' in value) || scalar === undefined || !('scalar' in scalar)) continue;
      if (!('combine' in acc.update)) continue;
      const { combine } = acc.update;
      e.accumulators.set(acc.id, scalar);
      if (sums.has(acc)) continue; // flushed
      const extremum = extremumOf(acc, lanes.lanes);
      const parts = this.extrema.get(acc.id);
      if (extremum !== undefined && parts !== undefined) {
        this.extrema.delete(acc.id);
        closeExtrema(f, parts, extremum);
      } else {
        this.pushPartials(value.vectors, combine, acc.dtype, lanes.lanes);
        reduceLanes(f, combine, acc.dtype, lanes.lanes);
      }
      const partial = e.ownedLocal(valueType(acc.dtype));
      f.set(partial);
      f.get(scalar.scalar).get(partial);
      combineScalars(f, combine, acc.dtype);
      f.set(scalar.scalar);
    }
  }

  /** Push the combination of the vectors of all copies, pairwise. */
  private pushPartials(vectors: readonly number[], combine: CombineOp, dtype: DType, lanes: Lanes): void {
    const [only] = vectors;
    if (vectors.length === 1 && only !== undefined) {
      this.f.get(only);
      return;
    }
    const middle = vectors.length >> 1;
    this.pushPartials(vectors.slice(0, middle), combine, dtype, lanes);
    this.pushPartials(vectors.slice(middle), combine, dtype, lanes);
    vectorBinary(this.f, combine, dtype, lanes);
  }

  private body(stage: Stage): void {
    const { e } = this;
    const copies = e.vector?.copies ?? 1;
    // Everything the copies store is computed before the first store, so that the engine, which keeps loads and stores in
    // order, can interleave their computations; unless a store may see the accumulators of its iteration.
    const writes: (() => void)[] = [];
    const together = stage.accumulators.length === 0 || stage.loops.some((l) => l.id === e.vector?.loop);
    e.pushScope();
    interleaveCopies(e, stage);
    for (let copy = 0; copy < copies; copy++) {
      e.copy = copy;
      e.pushScope();
      this.updateAccumulators(stage, copy);
      writes.push(...prepareStores(e, stage.stores, this.kernel.buffers));
      if (together) continue;
      for (const write of writes.splice(0)) write();
      e.popScope();
    }
    for (const write of writes) write();
    if (together) for (let copy = 0; copy < copies; copy++) e.popScope();
    e.popScope();
    e.copy = 0;
  }

  private updateAccumulators(stage: Stage, copy: number): void {
    const { e, f } = this;
    for (const acc of stage.accumulators) {
      const parts = this.extrema.get(acc.id);
      if (parts !== undefined && 'combine' in acc.update) {
        const x = e.ownedLocal('v128');
        e.vectorValue(acc.update.value);
        f.set(x);
        updateExtrema(f, parts, x);
        continue;
      }
      const next = this.next(acc);
      if (e.vector === undefined) e.scalar(next);
      else e.vectorValue(next);
    }
    for (const acc of [...stage.accumulators].reverse()) {
      const value = e.accumulators.get(acc.id);
      if (value === undefined || this.extrema.has(acc.id)) continue;
      if ('scalar' in value) f.set(value.scalar);
      else {
        const local = value.vectors[copy];
        if (local !== undefined) f.set(local);
      }
    }
    if (stage.accumulators.length > 0) e.forget(new Set(stage.accumulators.map((acc) => acc.id)));
  }

  // ---- loops

  private loop(spec: {
    loop: Loop;
    start: Bound;
    end: Bound;
    roots: readonly Expr[];
    accesses: readonly Store[];
    innermost: boolean;
    lanes: LanePlan | undefined;
    body: () => void;
    beforeVectors?: () => void;
    afterVectors?: (lanes: LanePlan) => void;
    /** What is to be done after every so many steps. */
    blocks?: { readonly every: number; readonly flush: () => void };
  }): void {
    const { e, f } = this;
    const { loop, start, end, lanes } = spec;
    e.pushScope();
    const variable = e.ownedLocal('i32');
    pushBound(f, start);
    f.set(variable);
    const scaled = new Map<number, number>();
    if (spec.innermost) {
      for (const bytes of this.strides(loop.id, spec.roots, spec.accesses)) {
        const local = bytes === 1 ? variable : e.ownedLocal('i32');
        scaled.set(bytes, local);
        if (bytes === 1) continue;
        if ('value' in start && start.value === 0) f.i32(0);
        else f.get(variable).i32(bytes).op('i32.mul');
        f.set(local);
      }
    }
    const state = { id: loop.id, variable, scaled };
    const fixed = 'value' in start && 'value' in end ? end.value - start.value : undefined;
    let done = 0;

    const phase = (step: number): void => {
      const trips = fixed === undefined ? undefined : Math.floor((fixed - done) / step);
      if (trips === 0) return;
      hoistInvariants(e, spec.roots, spec.accesses);
      let stop: Bound = end;
      if (trips !== undefined) {
        done += trips * step;
        stop = { value: done };
      } else if (step > 1) {
        // variable + ((end - variable) & -step): the step is a power of two.
        const local = e.ownedLocal('i32');
        pushBound(f, end);
        f.get(variable).op('i32.sub').i32(-step).op('i32.and').get(variable).op('i32.add').set(local);
        stop = { local };
      }
      const guard = trips === undefined;
      if (guard) {
        f.get(variable);
        pushBound(f, stop);
        f.op('i32.lt_s').if();
      }
      const { blocks } = spec;
      const inBlocks = blocks !== undefined && (trips === undefined || trips > blocks.every);
      const last = stop;
      const blockTop = inBlocks ? f.loop() : undefined;
      if (inBlocks) {
        const local = e.ownedLocal('i32');
        f.get(variable)
          .i32(blocks.every * step)
          .op('i32.add')
          .tee(local);
        pushBound(f, last);
        f.get(local);
        pushBound(f, last);
        f.op('i32.lt_s').op('select').set(local);
        stop = { local };
      }
      const top = f.loop();
      e.openLoop(state);
      e.pushScope();
      spec.body();
      e.popScope();
      e.closeLoop(loop.id);
      for (const [bytes, local] of scaled) {
        if (local !== variable)
          f.get(local)
            .i32(bytes * step)
            .op('i32.add')
            .set(local);
      }
      f.get(variable).i32(step).op('i32.add').tee(variable);
      pushBound(f, stop);
      f.op('i32.lt_s').brIf(top);
      f.end();
      if (blocks !== undefined && blockTop !== undefined) {
        blocks.flush();
        f.get(variable);
        pushBound(f, last);
        f.op('i32.lt_s').brIf(blockTop);
        f.end();
      }
      if (guard) f.end();
    };

    if (lanes !== undefined && (fixed === undefined || fixed >= lanes.lanes)) {
      const unrolled = fixed === undefined || fixed >= lanes.lanes * lanes.copies ? lanes.copies : 1;
      e.vector = { loop: loop.id, lanes: lanes.lanes, copies: unrolled };
      spec.beforeVectors?.();
      phase(lanes.lanes * unrolled);
      if (unrolled > 1) {
        e.vector = { loop: loop.id, lanes: lanes.lanes, copies: 1 };
        phase(lanes.lanes);
      }
      spec.afterVectors?.(lanes);
      e.vector = undefined;
    }
    phase(1);
    e.popScope();
  }

  /** Byte strides with which accesses move per iteration of a loop. */
  private strides(loop: number, roots: readonly Expr[], accesses: readonly Store[]): Set<number> {
    const strides = new Set<number>();
    const seen = new Set<Expr>();
    const access = (buffer: number, index: Expr): void => {
      const slot = this.kernel.buffers[buffer];
      if (slot === undefined) return;
      for (const [term, k] of this.exprs.affine(index).terms) {
        if (term.op === 'var' && term.id === loop) strides.add(k * byteWidth(slot.dtype));
      }
    };
    const visit = (e: Expr): void => {
      if (seen.has(e)) return;
      seen.add(e);
      if (e.op === 'load') access(e.buffer, e.index);
      operandsOf(e).forEach(visit);
    };
    roots.forEach(visit);
    for (const { buffer, index } of accesses) access(buffer, index);
    return strides;
  }
}

function pushBound(f: FunctionBuilder, bound: Bound): void {
  if ('value' in bound) f.i32(bound.value);
  else f.get(bound.local);
}

/** Nodes with more than one user. */
function sharedNodes(roots: readonly Expr[]): Set<Expr> {
  const once = new Set<Expr>();
  const shared = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (once.has(e)) {
      shared.add(e);
      return;
    }
    once.add(e);
    operandsOf(e).forEach(visit);
  };
  roots.forEach(visit);
  return shared;
}

/**
 * Add the kernel's function to a module. Loop variables that are the same for a whole call (`given`) are parameters
 * after `hi`.
 */
export function emitLoopKernel(
  module: ModuleBuilder,
  prepared: PreparedKernel,
  plan: VectorPlan,
  given: readonly Loop[] = [],
): FunctionBuilder {
  const { kernel } = prepared;
  const params = [...kernel.buffers, 'lo', 'hi', ...given].map(() => 'i32' as const);
  const f = module.function(kernel.name, params);
  new LoopKernelEmitter(f, prepared, plan).emit(given);
  return f;
}
