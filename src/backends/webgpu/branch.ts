/**
 * Selects of which a side is expensive and needed for nothing else, as the range reduction of the sine of a huge argument: it is
 * computed where it is chosen, or of four elements at once where any of them chooses it.
 */
import { operandsOf, type Expr, type SelectExpr } from '../../core/scalar.js';
import { findLazySelects, type LazySelects } from '../../compiler/lazy.js';
import type { GpuCapabilities } from './capabilities.js';
import { walk } from './stage-kind.js';
import { typeText, wgslType, type Width } from './wgsl.js';

/** Which sides of selects are printed in branches. */
export function lazySelects(roots: readonly Expr[], { skipsBranches }: GpuCapabilities): LazySelects {
  if (skipsBranches) return findLazySelects(roots);
  const always = new Set<Expr>();
  walk(roots, (e) => always.add(e));
  return { sides: new Map(), always };
}

/** What the printing of a branch asks of the printer of values. */
export interface BranchPrinter {
  readonly lazy: LazySelects;
  widthOf(e: Expr): Width;
  value(e: Expr): string;
  wide(e: Expr, width: Width): string;
  name(prefix: string): string;
  line(text: string): void;
  block(head: string, body: () => void): void;
}

/** Print a select whose sides are computed only where they are chosen if `lazy` says so; the name of its value. */
export function printBranch(
  p: BranchPrinter,
  { cond, x, y, type }: SelectExpr,
  lazy: { readonly x: boolean; readonly y: boolean },
  width: Width,
): string {
  prepare(p, [x, y]);
  const test = p.value(cond);
  const isUniform = p.widthOf(cond) === 1;
  const eager = !lazy.x ? x : !lazy.y ? y : undefined;
  const start = eager === undefined ? '' : ` = ${p.wide(eager, width)}`;
  const name = p.name('v');
  p.line(`var ${name}: ${typeText(wgslType(type), width)}${start};`);
  const side = (e: Expr, head: string, isChosen: string): void => {
    p.block(`if (${head})`, () => {
      const value = p.wide(e, width);
      p.line(`${name} = ${isUniform ? value : `select(${name}, ${value}, ${isChosen})`};`);
    });
  };
  if (lazy.x) side(x, isUniform ? test : `any(${test})`, test);
  if (lazy.y) side(y, isUniform ? `!${test}` : `!all(${test})`, `!${test}`);
  return name;
}

/** Before a branch: what its sides share with what is computed anyway. */
function prepare(p: BranchPrinter, sides: readonly Expr[]): void {
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    if (p.lazy.always.has(e)) p.value(e);
    else if (e.op !== 'load') operandsOf(e).forEach(visit);
  };
  sides.forEach(visit);
}
