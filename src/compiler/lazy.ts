/**
 * Selects whose one side is expensive and needed for nothing else, such as the range reduction of the sine of a
 * huge argument: that side is skipped where no lane chooses it.
 */
import { operandsOf } from '../core/scalar.js';
import type { Expr } from '../core/scalar.js';

/** Operations from which a side is worth a branch: several times the price of a mispredicted one. */
const EXPENSIVE = 48;

export interface LazySelects {
  /** Which sides of a select to evaluate only where they are chosen. */
  readonly sides: ReadonlyMap<Expr, { readonly x: boolean; readonly y: boolean }>;
  /** Nodes that are evaluated whatever the conditions are. */
  readonly always: ReadonlySet<Expr>;
}

const NONE: ReadonlySet<Expr> = new Set();

/** Adds what `root` is computed from, except what is in `known` and what is behind it. */
function collect(root: Expr, into: Set<Expr>, known = NONE): Set<Expr> {
  if (into.has(root) || known.has(root)) return into;
  into.add(root);
  for (const operand of operandsOf(root)) collect(operand, into, known);
  return into;
}

/** Whether `root` takes `EXPENSIVE` operations that are in neither set. Walks no further than it must. */
function isExpensive(root: Expr, always: ReadonlySet<Expr>, elsewhere: ReadonlySet<Expr>): boolean {
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.size >= EXPENSIVE || seen.has(e) || always.has(e) || elsewhere.has(e)) return;
    if (e.op === 'const' || e.op === 'var') return;
    seen.add(e);
    operandsOf(e).forEach(visit);
  };
  visit(root);
  return seen.size >= EXPENSIVE;
}

export function findLazySelects(roots: readonly Expr[]): LazySelects {
  const all = new Set<Expr>();
  for (const root of roots) collect(root, all);
  const sides = new Map<Expr, { x: boolean; y: boolean }>();
  if (all.size <= EXPENSIVE) return { sides, always: all };
  for (const e of all) if (e.op === 'select') sides.set(e, { x: true, y: true });

  let always: Set<Expr>;
  for (;;) {
    always = unconditional(roots, sides);
    let changed = false;
    for (const [e, lazy] of sides) {
      if (e.op !== 'select') continue;
      const worth = (side: Expr, other: Expr): boolean =>
        isExpensive(side, always, collect(e.cond, collect(other, new Set(), always), always));
      const next = { x: lazy.x && worth(e.x, e.y), y: lazy.y && worth(e.y, e.x) };
      if (next.x !== lazy.x || next.y !== lazy.y) {
        changed = true;
        if (next.x || next.y) sides.set(e, next);
        else sides.delete(e);
      }
    }
    if (!changed) return { sides, always };
  }
}

/** Nodes reached without going through a lazy side. */
function unconditional(roots: readonly Expr[], sides: LazySelects['sides']): Set<Expr> {
  const reached = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (reached.has(e)) return;
    reached.add(e);
    const lazy = sides.get(e);
    if (lazy === undefined || e.op !== 'select') {
      operandsOf(e).forEach(visit);
      return;
    }
    visit(e.cond);
    if (!lazy.x) visit(e.x);
    if (!lazy.y) visit(e.y);
  };
  roots.forEach(visit);
  return reached;
}
