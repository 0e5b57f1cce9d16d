/**
 * The kernel of a group. Members that have one value for each row are computed between the stages; those with one for
 * each point of the full space inside a stage, whose inner loops run along the row. A reduction needs the stages of what
 * it reads to be over, so that members have levels: the reductions that lie before them. There is one stage for each
 * level: it accumulates the reductions of that level and stores the full values that are ready then. A full value that
 * a later stage needs is read back, while it is in the cache, if it is stored; an expensive one that is not is kept in the
 * place of a result that is stored later; a cheap one is computed again.
 */
import { nth } from '../core/axes.js';
import type { Index } from '../core/lowering.js';
import { Var } from '../core/primitive.js';
import type * as s from '../core/scalar.js';
import { linearIndex } from '../core/index-expr.js';
import { KernelBuilder, Misaligned, type BoundKernel } from './builder.js';
import { levelIn, type Fusion, type Group } from './fuse.js';
import type { LoweredEqn } from './inline.js';
import type { Accumulator, LoopKernel, Store } from './loop-ir.js';
import { fullVariables, indexFor, innerOf, placeOf, rowsOf, sameIndex } from './space.js';

/** Work, in cheap operations, from which a value is read back rather than computed again. */
const KEEP_FROM = 8;

export class StagedKernel {
  readonly #builder: KernelBuilder;
  readonly #results: ReadonlySet<Var>;
  /** Full values that later stages read, and the value in whose place they are. */
  readonly #kept = new Map<Var, Var>();
  /** Inner variables of the stage being built, and its level. */
  #inner: Index = [];
  #level = 0;

  constructor(
    private readonly group: Group,
    private readonly fusion: Fusion,
    private readonly producer: ReadonlyMap<Var, LoweredEqn>,
    /** Members that are stored: results of the program, or read by other kernels. */
    results: readonly Var[],
  ) {
    this.#results = new Set(results);
    this.#builder = new KernelBuilder(
      producer,
      (v) => fusion.groupOf.has(v) && !this.#isMember(v),
      rowsOf(group),
      (v, index) => (this.#isMember(v) ? this.#member(v, index) : undefined),
    );
  }

  build(name: string): BoundKernel<LoopKernel> {
    const builder = this.#builder;
    this.#chooseKept();
    const { members } = this.group;
    const last = Math.max(0, ...members.map((m) => this.#levelOf(m)));
    for (this.#level = 0; this.#level <= last; this.#level++) {
      const now = members.filter((m) => this.#levelOf(m) === this.#level);
      for (const eqn of now) {
        if (eqn.lowering.kind !== 'map' || this.#placeOf(eqn) === 'full') continue;
        builder.compute(eqn, this.#rowIndex(nth(eqn.outputs, 0)));
      }
      const reductions = now.filter((m) => m.lowering.kind === 'reduce');
      // Reductions that run in order have a stage of their own, so that the other can run in lanes.
      this.#stage(
        reductions.filter((m) => !combines(m)),
        [],
      );
      this.#stage(reductions.filter(combines), this.#fullStores(now));
    }
    const rows = members.flatMap((m) =>
      m.outputs.filter((v) => this.#results.has(v) && this.#placeOf(m) === 'row').map((v) => this.#rowStore(v)),
    );
    if (rows.length > 0 || builder.stages.length === 0)
      builder.stages.push({ loops: [], accumulators: [], stores: rows, ordered: false });
    return builder.finish(name);
  }

  #isMember(v: Var): boolean {
    return this.fusion.groupOf.get(v) === this.group;
  }

  #placeOf(eqn: LoweredEqn): 'row' | 'full' {
    if (eqn.lowering.kind === 'reduce') return 'row';
    return placeOf(nth(eqn.outputs, 0).aval.shape, this.group) ?? 'row';
  }

  #levelOf(eqn: LoweredEqn): number {
    return levelIn(eqn, this.group, this.fusion);
  }

  #rowIndex(v: Var): Index {
    return indexFor(v.aval.shape, this.#builder.outer, rowsOf(this.group));
  }

  #fullIndex(v: Var): Index {
    const { group } = this;
    return indexFor(v.aval.shape, fullVariables(group, this.#builder.outer, this.#inner), group.shape);
  }

  /** A member at an index; what is undefined is inlined. */
  #member(v: Var, index: Index): s.Expr | undefined {
    const eqn = this.producer.get(v);
    // A row's value is only ever read where it was remembered.
    if (eqn === undefined || this.#placeOf(eqn) === 'row') {
      if (eqn?.lowering.kind === 'map' && sameIndex(index, this.#rowIndex(v))) return undefined;
      throw new Misaligned();
    }
    const host = this.#kept.get(v);
    if (host === undefined || this.#levelOf(eqn) >= this.#level || !sameIndex(index, this.#fullIndex(v)))
      return undefined;
    return this.#builder.load(host, linearIndex(this.#fullIndex(host), host.aval.shape));
  }

  /** Stores of this level's full values, in the order of the members. */
  #fullStores(now: readonly LoweredEqn[]): readonly Var[] {
    return now.flatMap((m) =>
      m.lowering.kind === 'map' && this.#placeOf(m) === 'full'
        ? m.outputs.filter((v) => this.#results.has(v) || this.#kept.has(v))
        : [],
    );
  }

  #stage(reductions: readonly LoweredEqn[], stored: readonly Var[]): void {
    if (reductions.length === 0 && stored.length === 0) return;
    const builder = this.#builder;
    const { variables, loops } = builder.open(innerOf(this.group));
    this.#inner = variables;
    const position = linearIndex(variables, innerOf(this.group));
    const accumulators: Accumulator[] = [];
    for (const eqn of reductions) {
      if (eqn.lowering.kind !== 'reduce') continue;
      const elements = eqn.inputs.map((a) => builder.at(a, a instanceof Var ? this.#fullIndex(a) : []));
      const { list, refs } = builder.accumulators(eqn.lowering.reducers, elements, position);
      accumulators.push(...list);
      eqn.lowering.results(refs).forEach((e, i) => {
        const v = nth(eqn.outputs, i);
        builder.remember(v, this.#rowIndex(v), e);
      });
    }
    const stores = stored.map((v): Store => {
      const host = this.#results.has(v) ? v : (this.#kept.get(v) ?? v);
      return {
        buffer: builder.slot(host, 'write'),
        index: linearIndex(this.#fullIndex(host), host.aval.shape),
        value: builder.at(v, this.#fullIndex(v)),
      };
    });
    builder.stages.push({ loops, accumulators, stores, ordered: false });
  }

  #rowStore(v: Var): Store {
    const index = this.#rowIndex(v);
    return {
      buffer: this.#builder.slot(v, 'write'),
      index: linearIndex(index, v.aval.shape),
      value: this.#builder.at(v, index),
    };
  }

  /** Decide which full values later stages read back, and where they are until then. */
  #chooseKept(): void {
    const { members } = this.group;
    const { reads, work } = this.fusion;
    const isFullMember = (v: Var): LoweredEqn | undefined => {
      const eqn = this.#isMember(v) ? this.producer.get(v) : undefined;
      return eqn?.lowering.kind === 'map' && this.#placeOf(eqn) === 'full' ? eqn : undefined;
    };
    // The last level at which each full value is needed by a stage, directly or to compute others again.
    const lastUse = new Map<Var, number>();
    const mark = (eqn: LoweredEqn, level: number): void => {
      for (const v of reads(eqn)) {
        const made = isFullMember(v);
        if (made === undefined || (lastUse.get(v) ?? -1) >= level) continue;
        lastUse.set(v, level);
        if (!this.#results.has(v)) mark(made, level);
      }
    };
    for (const m of members) {
      const full = m.lowering.kind === 'map' && this.#placeOf(m) === 'full';
      if (m.lowering.kind === 'reduce' || (full && m.outputs.some((v) => this.#results.has(v))))
        mark(m, this.#levelOf(m));
    }
    const hosts = members.flatMap((m) =>
      m.lowering.kind === 'map' && this.#placeOf(m) === 'full' ? m.outputs.filter((v) => this.#results.has(v)) : [],
    );
    const taken = new Set<Var>();
    const cost = new Map<Var, number>();
    for (const m of members) {
      if (m.lowering.kind !== 'map' || this.#placeOf(m) !== 'full') continue;
      const again = [...reads(m)].reduce((sum, v) => sum + (cost.get(v) ?? 0), work.get(m) ?? 1);
      for (const v of m.outputs) {
        if (!this.#isMember(v)) continue;
        const until = lastUse.get(v) ?? -1;
        const isLate = until > this.#levelOf(m);
        const host = this.#results.has(v)
          ? v
          : isLate && again >= KEEP_FROM
            ? hosts.find(
                (w) => !taken.has(w) && w.aval.dtype === v.aval.dtype && this.#levelOf(this.#producerOf(w)) >= until,
              )
            : undefined;
        if (host !== undefined && isLate) this.#kept.set(v, host);
        if (host !== undefined && host !== v) taken.add(host);
        cost.set(v, host === undefined ? again : 1);
      }
    }
  }

  #producerOf(v: Var): LoweredEqn {
    const eqn = this.producer.get(v);
    if (eqn === undefined) throw new Error('unreachable: a member has an equation');
    return eqn;
  }
}

/** Whether a reduction may run in any order. */
const combines = (eqn: LoweredEqn): boolean =>
  eqn.lowering.kind === 'reduce' && eqn.lowering.reducers.every((r) => 'combine' in r.update);
