/**
 * Values as scalar expressions: what is stored is loaded, everything else is inlined through the lowering of the
 * equation that makes it.
 */
import { nth } from '../core/axes.js';
import { computeType } from '../core/dtype.js';
import type { Shape } from '../core/aval.js';
import type { Index, Operand, Reducer } from '../core/lowering.js';
import { Var, type Atom } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { linearIndex } from '../core/index-expr.js';
import { narrow, widen } from './float16.js';
import type { LoweredEqn } from './inline.js';
import { laterPart, type Accumulator, type BufferSlot, type Loop, type LoopKernel, type Stage } from './loop-ir.js';
import { createSimplifier } from './simplify/scalar.js';
import { sameIndex } from './space.js';

/** A kernel and the values its slots are bound to. */
export interface BoundKernel<K> {
  readonly kernel: K;
  readonly slots: readonly Var[];
}

/** Thrown when a value of a kernel would be read at another index than its loops' own. */
export class Misaligned extends Error {}

/** Builds the expressions and stages of one kernel. */
export class KernelBuilder {
  readonly #slots = new Map<Var, number>();
  readonly #access: { var: Var; access: BufferSlot['access'] }[] = [];
  readonly #memo = new Map<Var, { index: Index; value: s.Expr }[]>();
  readonly #simplify = createSimplifier();
  #nextLoop = 0;
  #nextAccumulator = 0;
  /** The outer loops. */
  readonly loops: Loop[] = [];
  /** Their variables, one for each axis of the shape; 0 on axes of extent 1. */
  readonly outer: Index;
  readonly stages: Stage[] = [];

  constructor(
    private readonly producer: ReadonlyMap<Var, LoweredEqn>,
    /** Whether a value is stored by another kernel (or is an input). */
    private readonly isStored: (v: Var) => boolean,
    shape: Shape,
    /** A value of this kernel at an index, or undefined where it is to be inlined. */
    private readonly known: (v: Var, index: Index) => s.Expr | undefined = () => undefined,
  ) {
    const { variables, loops } = this.open(shape);
    this.outer = variables;
    this.loops = loops;
  }

  newLoop(extent: number): s.LoopVar {
    return s.loopVar(this.#nextLoop++, extent);
  }

  /** Loops over a shape, and a variable for each of its axes. */
  open(shape: Shape): { variables: s.Expr[]; loops: Loop[] } {
    const loops: Loop[] = [];
    const variables = shape.map((n): s.Expr => {
      if (n === 1) return s.int(0);
      const variable = this.newLoop(n);
      loops.push({ id: variable.id, extent: n });
      return variable;
    });
    return { variables, loops };
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

  /** An element of a slot. */
  load(v: Var, position: s.Expr): s.Expr {
    return s.load(v.aval.dtype, this.slot(v, 'read'), position);
  }

  /** An operand read through whatever is inlined. */
  operand(a: Atom): Operand {
    return { aval: a.aval, at: (index) => widen(this.at(a, index)) };
  }

  /** The element of a value at an index, in its own dtype. */
  at(a: Atom, index: Index): s.Expr {
    if (!(a instanceof Var)) return s.constant(a.aval.dtype, a.value);
    const remembered = this.#memo.get(a)?.find((m) => sameIndex(m.index, index));
    if (remembered !== undefined) return remembered.value;
    const own = this.known(a, index);
    if (own !== undefined) {
      this.remember(a, index, own);
      return own;
    }
    const eqn = this.producer.get(a);
    if (eqn === undefined || this.isStored(a)) {
      const e = this.load(a, linearIndex(index, a.aval.shape));
      this.remember(a, index, e);
      return e;
    }
    this.compute(eqn, index);
    return this.at(a, index);
  }

  /** Remember the results of a map at an index. */
  compute(eqn: LoweredEqn, index: Index): void {
    if (eqn.lowering.kind !== 'map') throw new Misaligned();
    const values = eqn.lowering.at(
      eqn.inputs.map((x) => this.operand(x)),
      index,
    );
    eqn.outputs.forEach((v, i) => {
      this.remember(v, index, this.#simplify(nth(values, i)));
    });
  }

  /** Fix the value of `v` at an index. */
  remember(v: Var, index: Index, computed: s.Expr): void {
    const value = narrow(v.aval.dtype, computed);
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
    const values = elements.map(widen);
    const refs = reducers.map((r) => s.accRef(computeType(r.dtype), this.#nextAccumulator++));
    const later = reducers.map((r, i) => s.accRef(computeType(r.dtype), laterPart(first + i)));
    const list = reducers.map((r, i): Accumulator => ({
      id: first + i,
      dtype: computeType(r.dtype),
      init: r.init,
      update:
        'combine' in r.update
          ? { combine: r.update.combine, value: r.update.value(values) }
          : {
              next: r.update.next(refs, values, position),
              ...(r.update.merge !== undefined && { merge: r.update.merge(refs, later) }),
            },
    }));
    return { list, refs };
  }

  finish(name: string): BoundKernel<LoopKernel> {
    const buffers = this.#access.map(({ var: v, access }) => ({ dtype: v.aval.dtype, length: v.aval.size, access }));
    return {
      kernel: { kind: 'loop', name, buffers, loops: this.loops, stages: this.stages },
      slots: this.#access.map((a) => a.var),
    };
  }
}
