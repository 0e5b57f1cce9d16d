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

  constructor(
    space: Space,
    private readonly producer: ReadonlyMap<Var, LoweredEqn>,
    private readonly isStored: (v: Var) => boolean,
  ) {
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

  /**
   * Let the space be that of `map`, which reads the result of a matrix product. Returns for each axis of the product the
   * axis of the space it is read along (-1 where its extent is 1), or undefined if it is read in any other way.
   */
  adopt(product: Var, map: LoweredEqn): readonly number[] | undefined {
    const out = nth(map.outputs, 0);
    if (map.lowering.kind !== 'map') return undefined;
    const found: Index[] = [];
    const probe = new KernelBuilder(this.producer, this.isStored, [], (v, index) => {
      if (v !== product) return undefined;
      found.push(index);
      return s.accRef(v.aval.dtype, 0);
    });
    const variables: Index = out.aval.shape.map((n) => (n === 1 ? s.int(0) : probe.newLoop(n)));
    map.lowering.at(
      map.inputs.map((x) => probe.operand(x)),
      variables,
    );
    const [index] = found;
    if (index === undefined || !found.every((other) => sameIndex(other, index))) return undefined;
    const isUnit = (d: number): boolean => product.aval.shape[d] === 1;
    if (index.some((e, d) => isUnit(d) && e.op !== 'const')) return undefined;
    const permutation = index.map((e, d) => (isUnit(d) ? -1 : variables.indexOf(e)));
    const used = permutation.filter((d) => d >= 0);
    const isWhole =
      new Set(used).size === used.length &&
      used.length === index.filter((_, d) => !isUnit(d)).length &&
      used.length === out.aval.shape.filter((n) => n !== 1).length &&
      // The first rows or columns alone are read at the same variables, but the product is computed, and stored, for all.
      permutation.every((d, axis) => d < 0 || out.aval.shape[d] === product.aval.shape[axis]);
    if (!isWhole) return undefined;
    this.#members.set(product, {
      index: permutation.map((d) => (d < 0 ? s.int(0) : nth(this.#builder.outer, d))),
      placeholder: s.accRef(product.aval.dtype, 0),
      again: undefined,
    });
    return permutation;
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
