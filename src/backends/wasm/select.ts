/**
 * Selects. Both sides are computed and one is picked, except that a side marked lazy is computed under a branch:
 * in scalar code where it is chosen, in vector code where any lane chooses it.
 */
import { operandsOf } from '../../core/scalar.js';
import type { Expr, SelectExpr } from '../../core/scalar.js';
import type { LazySelects } from '../../compiler/lazy.js';
import type { ScopeStack } from './scopes.js';
import { valueType } from './scalar-ops.js';
import type { Lanes } from './vector-ops.js';
import { boolShape, maskFor } from './vector-ops.js';

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
    if (shortSelect(e, select, lanes)) return;
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
  const all = (): void => {
    f.get(mask).op(`${boolShape(lanes)}.all_true`);
  };
  /** Into `result` where the mask is set, or where it is not. */
  const merge = (side: Expr, where: boolean): void => {
    if (where) e.vectorValue(side);
    f.get(result);
    if (!where) e.vectorValue(side);
    f.get(mask);
    maskFor(f, select.type, lanes);
    f.op('v128.bitselect').set(result);
  };
  if (lazy.x) {
    // Where every lane chooses x, whatever is in the local will do.
    if (lazy.y) {
      all();
      f.op('i32.eqz').if();
      inScope(e, () => e.vectorValue(select.y));
      f.set(result).end();
    } else {
      e.vectorValue(select.y);
      f.set(result);
    }
    f.get(mask).op('v128.any_true').if();
    inScope(e, () => merge(select.x, true));
    f.end();
  } else {
    e.vectorValue(select.x);
    f.set(result);
    all();
    f.op('i32.eqz').if();
    inScope(e, () => merge(select.y, false));
    f.end();
  }
  f.get(result);
  f.release('v128', mask);
  f.release('v128', result);
}

/** Selects that are one instruction: minima, maxima, and those of which one side is zero or NaN. */
function shortSelect(e: SelectEmitter, select: SelectExpr, lanes: Lanes): boolean {
  const { f } = e;
  const { cond, x, y } = select;
  const shape = select.type === 'float32' ? 'f32x4' : select.type === 'float64' ? 'f64x2' : undefined;
  if (shape !== undefined && (cond.op === 'lt' || cond.op === 'gt')) {
    const [low, high] = cond.op === 'lt' ? [cond.x, cond.y] : [cond.y, cond.x];
    const isMax = x === high && y === low; // low < high ? high : low
    if (isMax || (x === low && y === high)) {
      e.vectorValue(y);
      e.vectorValue(x);
      f.op(`${shape}.${isMax ? 'pmax' : 'pmin'}`);
      return true;
    }
  }
  const masked = (value: Expr, op: 'v128.and' | 'v128.andnot' | 'v128.or'): boolean => {
    e.vectorValue(value);
    e.vectorValue(cond);
    maskFor(f, select.type, lanes);
    f.op(op);
    return true;
  };
  if (isValue(y, 0)) return masked(x, 'v128.and');
  if (isValue(x, 0)) return masked(y, 'v128.andnot');
  if (isValue(x, NaN)) return masked(y, 'v128.or'); // all ones are a NaN
  return false;
}

const isValue = (e: Expr, value: number): boolean => e.op === 'const' && Object.is(Number(e.value), value);
