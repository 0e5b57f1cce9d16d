/**
 * Kernels from groups: every value of a group as a scalar expression over the loops, loads where a value is stored,
 * stores where it is read outside.
 */
import { nth } from '../core/axes.js';
import { sameShape } from '../core/aval.js';
import type { Index, Operand, Reducer } from '../core/lowering.js';
import { Var, type Atom } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { linearIndex, subIndex } from '../core/index-expr.js';
import type { Fusion, Group } from './fuse.js';
import type { FlatProgram, LoweredEqn } from './inline.js';
import type { Accumulator, BufferSlot, Loop, LoopKernel, Stage, Store } from './loop-ir.js';

/** A kernel and the values its slots are bound to. */
export interface BoundKernel<K> {
  readonly kernel: K;
  readonly slots: readonly Var[];
}

/** Thrown when a value of the group would be read at another index than the loops' own. */
class Misaligned extends Error {}

const sameIndex = (a: Index, b: Index): boolean =>
  a.length === b.length &&
  a.every((e, i) => {
    const other = b[i];
    return e === other || (e.op === 'const' && other?.op === 'const' && e.value === other.value);
  });

/** Builds the expressions and stages of one loop kernel. */
export class KernelBuilder {
  readonly #slots = new Map<Var, number>();
  readonly #access: { var: Var; access: BufferSlot['access'] }[] = [];
  readonly #memo = new Map<Var, { index: Index; value: s.Expr }[]>();
  #nextLoop = 0;
  #nextAccumulator = 0;
  readonly loops: Loop[];
  /** The loop variables of the outer space. */
  readonly outer: s.LoopVar[];
  readonly stages: Stage[] = [];

  constructor(
    private readonly producer: ReadonlyMap<Var, LoweredEqn>,
    /** Whether a value is stored by another kernel (or is an input). */
    private readonly isStored: (v: Var) => boolean,
    shape: readonly number[],
  ) {
    this.outer = shape.map((n) => this.newLoop(n));
    this.loops = this.outer.map(({ id, extent }) => ({ id, extent }));
  }

  newLoop(extent: number): s.LoopVar {
    return s.loopVar(this.#nextLoop++, extent);
  }

  slot(v: Var, access: BufferSlot['access']): number {
    let slot = this.#slots.get(v);
    if (slot === undefined) {
      slot = this.#access.length;
      this.#slots.set(v, slot);
      this.#access.push({ var: v, access });
    } else if (this.#access[slot]?.access !== access) {
      this.#access[slot] = { var: v, access: 'readwrite' };
    }
    return slot;
  }

  get bufferCount(): number {
    return this.#access.length;
  }

  /** An operand read through whatever is inlined. */
  operand(a: Atom): Operand {
    return { aval: a.aval, at: (index) => this.at(a, index) };
  }

  /** The element of a value at an index. */
  at(a: Atom, index: Index): s.Expr {
    if (!(a instanceof Var)) return s.constant(a.aval.dtype, a.value);
    const known = this.#memo.get(a)?.find((m) => sameIndex(m.index, index));
    if (known !== undefined) return known.value;
    const eqn = this.producer.get(a);
    if (eqn === undefined || this.isStored(a)) {
      const e = s.load(a.aval.dtype, this.slot(a, 'read'), linearIndex(index, a.aval.shape));
      this.remember(a, index, e);
      return e;
    }
    if (eqn.lowering.kind !== 'map') throw new Misaligned();
    const values = eqn.lowering.at(
      eqn.inputs.map((x) => this.operand(x)),
      index,
    );
    eqn.outputs.forEach((v, i) => {
      this.remember(v, index, nth(values, i));
    });
    return this.at(a, index);
  }

  /** Fix the value of `v` at an index. */
  remember(v: Var, index: Index, value: s.Expr): void {
    const list = this.#memo.get(v);
    if (list === undefined) this.#memo.set(v, [{ index, value }]);
    else list.push({ index, value });
  }

  accumulators(
    reducers: readonly Reducer[],
    elements: readonly s.Expr[],
    position: s.Expr,
  ): { list: Accumulator[]; refs: s.Expr[] } {
    const first = this.#nextAccumulator;
    const refs = reducers.map((r) => s.accRef(r.dtype, this.#nextAccumulator++));
    const list = reducers.map((r, i): Accumulator => ({
      id: first + i,
      dtype: r.dtype,
      init: r.init,
      update:
        'combine' in r.update
          ? { combine: r.update.combine, value: r.update.value(elements) }
          : { next: r.update.next(refs, elements, position) },
    }));
    return { list, refs };
  }

  /** Reductions so far, whose loops later ones may share. */
  readonly reductions: {
    readonly inner: readonly s.LoopVar[];
    readonly ids: ReadonlySet<number>;
    add(list: readonly Accumulator[]): void;
  }[] = [];

  addReduction(inner: readonly s.LoopVar[], accumulators: readonly Accumulator[]): void {
    const at = this.stages.length;
    const ids = new Set(accumulators.map((a) => a.id));
    let all = accumulators;
    const stage = (): Stage => ({
      loops: inner.map(({ id, extent }) => ({ id, extent })),
      accumulators: all,
      stores: [],
      ordered: false,
    });
    this.stages.push(stage());
    this.reductions.push({
      inner,
      ids,
      add: (list) => {
        all = [...all, ...list];
        list.forEach((a) => ids.add(a.id));
        this.stages[at] = stage();
      },
    });
  }

  finish(name: string): BoundKernel<LoopKernel> {
    const buffers = this.#access.map(({ var: v, access }) => ({ dtype: v.aval.dtype, length: v.aval.size, access }));
    return {
      kernel: { kind: 'loop', name, buffers, loops: this.loops, stages: this.stages },
      slots: this.#access.map((a) => a.var),
    };
  }
}

const producersOf = (program: FlatProgram): ReadonlyMap<Var, LoweredEqn> =>
  new Map(program.eqns.flatMap((eqn) => eqn.outputs.map((v) => [v, eqn] as const)));

/** Makes the kernels of a program's groups. */
export class KernelMaker {
  readonly producer: ReadonlyMap<Var, LoweredEqn>;
  readonly #readers = new Map<Var, Set<LoweredEqn>>();
  readonly #outputs: ReadonlySet<Atom>;

  constructor(readonly program: FlatProgram) {
    this.producer = producersOf(program);
    this.#outputs = new Set(program.outputs);
    for (const eqn of program.eqns) {
      for (const a of eqn.inputs) {
        if (!(a instanceof Var)) continue;
        const readers = this.#readers.get(a) ?? new Set();
        readers.add(eqn);
        this.#readers.set(a, readers);
      }
    }
  }

  /** Whether `eqn` can be computed in `group`: its reads of the group's values are at the loops' own index. */
  aligned = (eqn: LoweredEqn, group: Group, { groupOf }: Fusion): boolean => {
    const trial: Fusion = {
      groups: [],
      groupOf: new Map([...groupOf, ...eqn.outputs.map((v) => [v, group] as const)]),
    };
    try {
      this.#build({ ...group, members: [...group.members, eqn] }, group, trial);
      return true;
    } catch (error) {
      if (error instanceof Misaligned) return false;
      throw error;
    }
  };

  /** The kernel of a `loop` group. */
  loopKernel(group: Group, fusion: Fusion): BoundKernel<LoopKernel> {
    const builder = this.#build(group, group, fusion);
    const stores: Store[] = [];
    for (const eqn of group.members) {
      for (const v of eqn.outputs) {
        if (fusion.groupOf.get(v) === group && this.#isReadOutside(v, group, fusion)) {
          const value = builder.at(v, builder.outer);
          stores.push({ buffer: builder.slot(v, 'write'), index: linearIndex(builder.outer, v.aval.shape), value });
        }
      }
    }
    builder.stages.push({ loops: [], accumulators: [], stores, ordered: false });
    return builder.finish(nameOf(group.members));
  }

  /** Stages of all members but the stores. `identity` is the group that `fusion` knows the members by. */
  #build(group: Group, identity: Group, fusion: Fusion): KernelBuilder {
    const isMember = (v: Var): boolean => fusion.groupOf.get(v) === identity;
    const builder = new KernelBuilder(
      this.producer,
      (v) => {
        // A member is only ever read where it was remembered: at the outer index.
        if (isMember(v)) throw new Misaligned();
        return fusion.groupOf.has(v);
      },
      group.shape,
    );
    for (const eqn of group.members) {
      if (eqn.lowering.kind === 'map') {
        const values = eqn.lowering.at(
          eqn.inputs.map((a) => builder.operand(a)),
          builder.outer,
        );
        eqn.outputs.forEach((v, i) => {
          if (isMember(v)) builder.remember(v, builder.outer, nth(values, i));
        });
      } else if (eqn.lowering.kind === 'reduce') this.#reduce(builder, eqn);
    }
    return builder;
  }

  /** The loops of a reduction; one over the same axes shares them, unless it needs the result of one before it there. */
  #reduce(builder: KernelBuilder, eqn: LoweredEqn): void {
    if (eqn.lowering.kind !== 'reduce') return;
    const { axes, reducers, results } = eqn.lowering;
    const { shape } = nth(eqn.inputs, 0).aval;
    const extents = axes.map((d) => nth(shape, d));
    const build = (inner: readonly s.LoopVar[]): { list: Accumulator[]; refs: s.Expr[] } => {
      let [nextOuter, nextInner] = [0, 0];
      const index = shape.map((_, d) => (axes.includes(d) ? nth(inner, nextInner++) : nth(builder.outer, nextOuter++)));
      return builder.accumulators(
        reducers,
        eqn.inputs.map((a) => builder.at(a, index)),
        linearIndex(inner, extents),
      );
    };
    const last = builder.reductions.at(-1);
    let made =
      last !== undefined &&
      sameShape(
        last.inner.map((v) => v.extent),
        extents,
      )
        ? build(last.inner)
        : undefined;
    if (
      last !== undefined &&
      made !== undefined &&
      !made.list.some((a) => dependsOnAccumulator(valueOf(a), last.ids))
    ) {
      last.add(made.list);
    } else {
      const inner = extents.map((n) => builder.newLoop(n));
      made = build(inner);
      builder.addReduction(inner, made.list);
    }
    results(made.refs).forEach((e, i) => {
      builder.remember(nth(eqn.outputs, i), builder.outer, e);
    });
  }

  /** Whether a member must be stored: it is a result, or a kernel other than the group's reads it, perhaps through inlined values. */
  #isReadOutside(v: Var, group: Group, fusion: Fusion): boolean {
    if (this.#outputs.has(v)) return true;
    for (const reader of this.#readers.get(v) ?? []) {
      for (const w of reader.outputs) {
        const readerGroup = fusion.groupOf.get(w);
        if (readerGroup !== undefined ? readerGroup !== group : this.#isReadOutside(w, group, fusion)) return true;
      }
    }
    return false;
  }

  /** Partial results along one axis, which runs in order. */
  cumulativeKernel(eqn: LoweredEqn, fusion: Fusion): BoundKernel<LoopKernel> {
    if (eqn.lowering.kind !== 'cumulative') throw new Error('unreachable');
    const { axis, reverse, reducers, results } = eqn.lowering;
    const { shape } = nth(eqn.inputs, 0).aval;
    const n = nth(shape, axis);
    const builder = new KernelBuilder(
      this.producer,
      (v) => fusion.groupOf.has(v),
      shape.filter((_, d) => d !== axis),
    );
    const step = builder.newLoop(n);
    const position: s.Expr = reverse ? subIndex(s.int(n - 1), step) : step;
    const index = [...builder.outer.slice(0, axis), position, ...builder.outer.slice(axis)];
    const { list, refs } = builder.accumulators(
      reducers,
      eqn.inputs.map((a) => builder.at(a, index)),
      position,
    );
    const stores = results(refs).map((value, i) => ({
      buffer: builder.slot(nth(eqn.outputs, i), 'write'),
      index: linearIndex(index, shape),
      value,
    }));
    builder.stages.push({ loops: [{ id: step.id, extent: n }], accumulators: list, stores, ordered: true });
    return builder.finish(eqn.primitive.name);
  }

  /** A copy of the operand, then the updates in order. */
  scatterKernels(eqn: LoweredEqn, fusion: Fusion): BoundKernel<LoopKernel>[] {
    if (eqn.lowering.kind !== 'scatter') throw new Error('unreachable');
    const { combine, target } = eqn.lowering;
    const [operand, indices, updates] = [nth(eqn.inputs, 0), nth(eqn.inputs, 1), nth(eqn.inputs, 2)];
    const out = nth(eqn.outputs, 0);
    const isStored = (v: Var): boolean => fusion.groupOf.has(v);
    const copy = new KernelBuilder(this.producer, isStored, out.aval.shape);
    const value = copy.at(operand, copy.outer);
    copy.stages.push({
      loops: [],
      accumulators: [],
      ordered: false,
      stores: [{ buffer: copy.slot(out, 'write'), index: linearIndex(copy.outer, out.aval.shape), value }],
    });
    const builder = new KernelBuilder(this.producer, isStored, []);
    const inner = updates.aval.shape.map((n) => builder.newLoop(n));
    const { index, inBounds } = target(builder.operand(indices), inner);
    const store: Store = {
      buffer: builder.slot(out, 'readwrite'),
      index: linearIndex(index, out.aval.shape),
      value: builder.at(updates, inner),
      ...(combine === 'set' ? {} : { combine }),
      ...(inBounds.op === 'const' ? {} : { mask: inBounds }),
    };
    builder.stages.push({
      loops: inner.map(({ id, extent }) => ({ id, extent })),
      accumulators: [],
      stores: [store],
      ordered: true,
    });
    return [copy.finish('copy'), builder.finish(eqn.primitive.name)];
  }
}

const valueOf = ({ update }: Accumulator): s.Expr => ('combine' in update ? update.value : update.next);

function dependsOnAccumulator(e: s.Expr, ids: ReadonlySet<number>, seen = new Set<s.Expr>()): boolean {
  if (seen.has(e)) return false;
  seen.add(e);
  return (e.op === 'acc' && ids.has(e.id)) || s.operandsOf(e).some((x) => dependsOnAccumulator(x, ids, seen));
}

/** The names of the primitives of a kernel, for listings and profiles. */
function nameOf(members: readonly LoweredEqn[]): string {
  const names = [...new Set(members.map((m) => m.primitive.name))];
  return names.length > 4 ? `${names.slice(0, 4).join('_')}_etc` : names.join('_');
}
