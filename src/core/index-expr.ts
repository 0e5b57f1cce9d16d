/** Index arithmetic between shapes: row-major positions, and what reshape does to an index. */
import { nth } from './axes.js';
import { stridesOf, type Shape } from './aval.js';
import * as s from './scalar.js';

/**
 * The index into shape `to` of the element at `index` in shape `from`. Axes are matched in groups of equal
 * product, so that division and remainder appear only where axes really merge and split.
 */
export function reshapeIndex(index: readonly s.Expr[], from: Shape, to: Shape): s.Expr[] {
  const result: s.Expr[] = [];
  let i = 0;
  let j = 0;
  while (j < to.length) {
    let j1 = j + 1;
    let i1 = i + 1;
    let fromSize = i < from.length ? nth(from, i) : 1;
    let toSize = nth(to, j);
    while (fromSize !== toSize) {
      if (fromSize < toSize && i1 < from.length) fromSize *= nth(from, i1++);
      else if (j1 < to.length) toSize *= nth(to, j1++);
      else if (i1 < from.length) fromSize *= nth(from, i1++);
      else break;
    }
    const group = to.slice(j, j1);
    if (toSize === 1) result.push(...group.map(() => s.int(0)));
    else result.push(...splitIndex(linearIndex(index.slice(i, i1), from.slice(i, i1)), group));
    i = Math.min(i1, from.length);
    j = j1;
  }
  return result;
}

/** Row-major position of `index` in `shape`. */
export function linearIndex(index: readonly s.Expr[], shape: Shape): s.Expr {
  const strides = stridesOf(shape);
  return index.reduce<s.Expr>((sum, e, d) => (shape[d] === 1 ? sum : s.addIndex(sum, s.mulIndex(e, nth(strides, d)))), s.int(0));
}

/** Inverse of {@link linearIndex}. */
export function splitIndex(position: s.Expr, shape: Shape): s.Expr[] {
  const strides = stridesOf(shape);
  let outer = true;
  return shape.map((n, d) => {
    if (n === 1) return s.int(0);
    const quotient = s.divIndex(position, nth(strides, d));
    const result = outer ? quotient : s.modIndex(quotient, n);
    outer = false;
    return result;
  });
}
