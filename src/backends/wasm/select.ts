/**
 * Selects. Both sides are computed and one is picked, except that a side marked lazy is computed under a branch:
 * in scalar code where it is chosen, in vector code where any lane chooses it.
 */
import { operandsOf } from '../../core/scalar.js';
import type { Expr, SelectExpr } from '../../core/scalar.js';
import type { LazySelects } from './lazy.js';
import type { ScopeStack } from './scopes.js';
import { valueType } from './scalar-ops.js';
import type { Lanes } from './vector-ops.js';
import { maskFor } from './vector-ops.js';

/** What a select needs of the emitter that it is part of. */
export interface SelectEmitter extends ScopeStack {
  readonly lazy: LazySelects;
  readonly shared: ReadonlySet<Expr>;
  scalar(e: Expr): void;
  vectorValue(e: Expr): void;
  varying(e: Expr): boolean;
}

export function scalarSelect(e: SelectEmitter, select: SelectExpr): void {
  const { f } = e;
  if (!e.lazy.sides.has(select)) {
    e.scalar(select.x);
    e.scalar(select.y);
    e.scalar(select.cond);
    f.op('select');
    return;
  }
  for (const side of [select.x, select.y]) prepareSide(e, side);
  e.scalar(select.cond);
  f.if(valueType(select.type));
  inScope(e, () => e.scalar(select.x));
  f.else();
  inScope(e, () => e.scalar(select.y));
  f.end();
}

/** What is computed inside a branch is forgotten after it. */
function inScope(e: SelectEmitter, body: () => void): void {
  e.pushScope();
  body();
  e.popScope();
}

/** Before a branch: compute what it shares with code that runs anyway. */
function prepareSide(e: SelectEmitter, side: Expr): void {
  const seen = new Set<Expr>();
  const visit = (node: Expr): void => {
    if (seen.has(node) || node.op === 'const' || node.op === 'var' || node.op === 'acc') return;
    seen.add(node);
    if (e.lazy.always.has(node) && e.shared.has(node)) {
      if (e.varying(node)) e.vectorValue(node);
      else e.scalar(node);
      e.f.op('drop');
    } else if (node.op !== 'load') operandsOf(node).forEach(visit);
  };
  visit(side);
}

export function vectorSelect(e: SelectEmitter, select: SelectExpr, lanes: Lanes): void {
  const { f } = e;
  const lazy = e.varying(select.cond) ? e.lazy.sides.get(select) : undefined;
  if (lazy === undefined) {
    e.vectorValue(select.x);
    e.vectorValue(select.y);
    e.vectorValue(select.cond);
    maskFor(f, select.type, lanes);
    f.op('v128.bitselect');
    return;
  }
  const mask = f.local('v128');
  const result = f.local('v128');
  for (const side of [select.x, select.y]) prepareSide(e, side);
  e.vectorValue(select.cond);
  f.set(mask);
  if (lazy.x) {
    // Where no lane chooses x, whatever is in the local will do.
    f.get(mask).op('v128.any_true').if();
    inScope(e, () => e.vectorValue(select.x));
    f.set(result).end();
  } else {
    e.vectorValue(select.x);
    f.set(result);
  }
  const merge = (): void => {
    f.get(result);
    e.vectorValue(select.y);
    f.get(mask);
    maskFor(f, select.type, lanes);
    f.op('v128.bitselect').set(result);
  };
  if (lazy.y) {
    f.get(mask)
      .op(lanes === 4 ? 'i32x4.all_true' : 'i64x2.all_true')
      .op('i32.eqz')
      .if();
    inScope(e, merge);
    f.end();
  } else merge();
  f.get(result);
  f.release('v128', mask);
  f.release('v128', result);
}
