/** Kernels from groups: loops over values as scalar expressions, stores of what is read outside. */
import { nth } from '../core/axes.js';
import { Var, type Atom } from '../core/primitive.js';
import { linearIndex, subIndex } from '../core/index-expr.js';
import * as s from '../core/scalar.js';
import { narrow } from './float16.js';
import { withRider } from './beside.js';
import { KernelBuilder, type BoundKernel } from './builder.js';
import { contractKernel } from './contraction.js';
import type { Fusion, Group } from './fuse.js';
import type { Body, LoweredEqn } from './inline.js';
import type { ContractKernel, LoopKernel, Store } from './loop-ir.js';
import { StagedKernel } from './staged.js';

export { KernelBuilder, type BoundKernel };

const producersOf = (program: Body): ReadonlyMap<Var, LoweredEqn> =>
  new Map(program.eqns.flatMap((eqn) => eqn.outputs.map((v) => [v, eqn] as const)));

/** Makes the kernels of a program's groups. */
export class KernelMaker {
  readonly producer: ReadonlyMap<Var, LoweredEqn>;
  readonly #readers = new Map<Var, Set<LoweredEqn>>();
  readonly #outputs: ReadonlySet<Atom>;

  constructor(readonly program: Body) {
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

  /** The kernel of a `loop` group. */
  loopKernel(group: Group, fusion: Fusion): BoundKernel<LoopKernel> {
    return new StagedKernel(group, fusion, this.producer, this.#results(group, fusion)).build(nameOf(group.members));
  }

  /** The kernel of a `contract` group and of what rides in it. */
  contractKernel(group: Group, fusion: Fusion): BoundKernel<ContractKernel> {
    const name = nameOf([...group.members, ...group.riders.flatMap((r) => r.group.members)]);
    const product = contractKernel(group, fusion, this.producer, this.#results(group, fusion), name);
    return group.riders.reduce((kernel, r) => withRider(kernel, r, this.loopKernel(r.group, fusion)), product);
  }

  /** The values of a group that are stored. */
  #results(group: Group, fusion: Fusion): Var[] {
    return group.members.flatMap((m) =>
      m.outputs.filter((v) => fusion.groupOf.get(v) === group && this.#isReadOutside(v, group, fusion)),
    );
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
      value: narrow(nth(eqn.outputs, i).aval.dtype, value),
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

/** The names of the primitives of a kernel, for listings and profiles. */
function nameOf(members: readonly LoweredEqn[]): string {
  const names = [...new Set(members.map((m) => m.primitive.name))];
  return names.length > 4 ? `${names.slice(0, 4).join('_')}_etc` : names.join('_');
}
