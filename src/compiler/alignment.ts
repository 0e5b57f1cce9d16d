/**
 * Whether an equation can be computed inside a group: by reading its operands there, with a placeholder for each value
 * of the group that is read at its own index. One `Alignment` serves a group while it grows.
 */
import { nth } from '../core/axes.js';
import type { Index } from '../core/lowering.js';
import { Var } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { KernelBuilder, Misaligned } from './builder.js';
import type { LoweredEqn } from './inline.js';
import { fullVariables, indexFor, innerOf, placeOf, rowsOf, sameIndex, type Space } from './space.js';

/** Work of a value of the full space beyond which it is not computed a second time at another index. */
const CHEAP = 6;

interface Known {
  readonly index: Index;
  readonly placeholder: s.Expr;
  /** What it costs to compute the value at another index; undefined where that cannot be. */
  readonly again: number | undefined;
}

export class Alignment {
  readonly #builder: KernelBuilder;
  readonly #space: Space;
  readonly #inner: Index;
  readonly #members = new Map<Var, Known>();
  /** Whether values are being read once for each row only. */
  #inRow = false;

  constructor(space: Space, producer: ReadonlyMap<Var, LoweredEqn>, isStored: (v: Var) => boolean) {
    this.#space = { shape: space.shape, axes: space.axes };
    this.#builder = new KernelBuilder(
      producer,
      (v) => !this.#members.has(v) && isStored(v),
      rowsOf(space),
      (v, index) => this.#member(v, index),
    );
    this.#inner = this.#builder.open(innerOf(space)).variables;
  }

  /** Whether `eqn` can be computed in the group. */
  accepts(eqn: LoweredEqn): boolean {
    const { lowering } = eqn;
    try {
      if (lowering.kind === 'reduce') {
        this.#inRow = false;
        for (const a of eqn.inputs) if (a instanceof Var) this.#builder.at(a, this.#fullIndex(a));
        return true;
      }
      const out = nth(eqn.outputs, 0);
      const place = placeOf(out.aval.shape, this.#space);
      if (lowering.kind !== 'map' || place === undefined) return false;
      this.#inRow = place === 'row';
      lowering.at(
        eqn.inputs.map((a) => this.#builder.operand(a)),
        place === 'row' ? this.#rowIndex(out) : this.#fullIndex(out),
      );
      return true;
    } catch (error) {
      if (error instanceof Misaligned) return false;
      throw error;
    }
  }

  /** `eqn`, which reads `reads`, is in the group now; `work` is what it costs to compute an element. */
  add(eqn: LoweredEqn, reads: ReadonlySet<Var>, work: number): void {
    let again = work;
    for (const v of reads) again += this.#members.get(v)?.again ?? 0;
    for (const v of eqn.outputs) {
      const isFull = eqn.lowering.kind === 'map' && placeOf(v.aval.shape, this.#space) === 'full';
      this.#members.set(v, {
        index: isFull ? this.#fullIndex(v) : this.#rowIndex(v),
        placeholder: s.accRef(v.aval.dtype, this.#members.size),
        again: isFull ? again : undefined,
      });
    }
  }

  #member(v: Var, index: Index): s.Expr | undefined {
    const known = this.#members.get(v);
    if (known === undefined) return undefined;
    if (sameIndex(index, known.index)) return known.placeholder;
    if (known.again === undefined || (!this.#inRow && known.again > CHEAP)) throw new Misaligned();
    return undefined;
  }

  #rowIndex(v: Var): Index {
    return indexFor(v.aval.shape, this.#builder.outer, rowsOf(this.#space));
  }

  #fullIndex(v: Var): Index {
    return indexFor(v.aval.shape, fullVariables(this.#space, this.#builder.outer, this.#inner), this.#space.shape);
  }
}
