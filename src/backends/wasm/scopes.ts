/**
 * What has been computed where: a stack of scopes, one per open loop body, that remember in which local the value
 * of an expression, its splat, its vector or a pointer is kept. Locals go back when their scope closes.
 */
import type { Expr } from '../../core/scalar.js';
import type { FunctionBuilder, ValueType } from './assembler.js';
import { at } from './util.js';
import type { Lanes } from './vector-ops.js';

/** An open loop: its variable and that variable times each byte stride that addresses need. */
export interface LoopState {
  readonly id: number;
  readonly variable: number;
  readonly scaled: ReadonlyMap<number, number>;
}

export interface VectorContext {
  /** Id of the vectorised loop. */
  readonly loop: number;
  readonly lanes: Lanes;
  /** Vectors per iteration. */
  readonly copies: number;
}

/** Where the value of an accumulator is: one scalar, or a vector per copy. */
export type AccumulatorValue = { readonly scalar: number } | { readonly vectors: readonly number[] };

/** A pointer computed so far: the terms of the index that it covers. */
export interface PartialPointer {
  readonly local: number;
  readonly covered: ReadonlySet<Expr>;
}

export interface Scope {
  /** Scalar values. */
  readonly values: Map<Expr, number>;
  /** Vectors whose lanes are all the scalar value. */
  readonly splats: Map<Expr, number>;
  /** Vector values, by copy. */
  readonly vectors: Map<Expr, number>[];
  readonly pointers: Map<string, PartialPointer>;
  readonly owned: [ValueType, number][];
}

export class ScopeStack {
  private readonly scopes: Scope[] = [];

  constructor(readonly f: FunctionBuilder) {
    this.pushScope();
  }

  pushScope(): void {
    this.scopes.push({ values: new Map(), splats: new Map(), vectors: [], pointers: new Map(), owned: [] });
  }

  popScope(): void {
    for (const [type, local] of this.scopes.pop()?.owned ?? []) this.f.release(type, local);
  }

  /** The innermost scope. */
  protected get scope(): Scope {
    return at(this.scopes, this.scopes.length - 1, 'scope');
  }

  /** A local that lives as long as the innermost scope. */
  ownedLocal(type: ValueType): number {
    const local = this.f.local(type);
    this.scope.owned.push([type, local]);
    return local;
  }

  /** What `pick` finds in the innermost scope that has it. */
  protected find<T>(pick: (scope: Scope) => T | undefined): T | undefined {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const found = pick(at(this.scopes, i, 'scope'));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The vectors of one copy in the innermost scope. */
  protected vectorsOf(copy: number): Map<Expr, number> {
    const { vectors } = this.scope;
    while (vectors.length <= copy) vectors.push(new Map());
    return at(vectors, copy, 'copy');
  }

  /** Forget what the innermost scope knows of expressions for which `stale` holds, and its pointers. */
  protected forgetWhere(stale: (e: Expr) => boolean): void {
    for (const map of [this.scope.values, this.scope.splats, ...this.scope.vectors]) {
      for (const e of map.keys()) if (stale(e)) map.delete(e);
    }
    this.scope.pointers.clear();
  }
}
