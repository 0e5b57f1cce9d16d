/**
 * Index arithmetic, simplified as it is built, and what shapes do to indices. Indices are non-negative and in range, so
 * truncating division is floor division, and intervals (see `maxOf`) decide most quotients and remainders.
 */
import { nth } from './axes.js';
import { stridesOf, type Shape } from './aval.js';
import { binary, int, type Expr } from './scalar.js';

const constantOf = (e: Expr): number | undefined => (e.op === 'const' ? Number(e.value) : undefined);

/** An upper bound of an index expression that is at least 0, or Infinity. */
export function maxOf(e: Expr): number {
  switch (e.op) {
    case 'const':
      return Number(e.value);
    case 'var':
      return e.extent - 1;
    case 'add':
      return maxOf(e.x) + maxOf(e.y);
    case 'mul':
      return maxOf(e.x) * maxOf(e.y);
    case 'sub':
      return isNonNegative(e.y) ? maxOf(e.x) : Infinity;
    case 'div': {
      const d = constantOf(e.y);
      return d === undefined ? Infinity : Math.floor(maxOf(e.x) / d);
    }
    case 'rem': {
      const d = constantOf(e.y);
      return d === undefined ? Infinity : Math.min(maxOf(e.x), d - 1);
    }
    default:
      return Infinity;
  }
}

/** Whether an index expression is surely at least 0. */
export function isNonNegative(e: Expr): boolean {
  switch (e.op) {
    case 'const':
      return Number(e.value) >= 0;
    case 'var':
      return true;
    case 'add':
    case 'mul':
    case 'div':
    case 'rem':
      return isNonNegative(e.x) && isNonNegative(e.y);
    case 'sub':
      return e.x.op === 'const' && Number(e.x.value) >= maxOf(e.y);
    default:
      return false;
  }
}

export function addIndex(x: Expr, y: Expr): Expr {
  const a = constantOf(x);
  const b = constantOf(y);
  if (a !== undefined && b !== undefined) return int(a + b);
  if (a === 0) return y;
  if (b === 0) return x;
  // The terms before the last have been tried with each other.
  const [before, last] = x.op === 'add' ? [x.x, x.y] : [undefined, x];
  const joined = joinDigits(last, y);
  if (joined !== undefined) return before === undefined ? joined : addIndex(before, joined);
  return binary('add', x, y);
}

/** `s (e / d)`; any expression is that of itself. */
function asQuotient(x: Expr): { e: Expr; d: number; s: number } {
  const s = x.op === 'mul' ? constantOf(x.y) : undefined;
  const q = x.op === 'mul' && s !== undefined ? x.x : x;
  const d = q.op === 'div' ? constantOf(q.y) : undefined;
  return q.op === 'div' && d !== undefined ? { e: q.x, d, s: s ?? 1 } : { e: q, d: 1, s: s ?? 1 };
}

/** The sum of two digits of one number: s m (e / (d m)) + s ((e / d) % m) is s (e / d). */
function joinDigits(x: Expr, y: Expr): Expr | undefined {
  const s = y.op === 'mul' ? constantOf(y.y) : undefined;
  const digit = y.op === 'mul' && s !== undefined ? y.x : y;
  const m = digit.op === 'rem' ? constantOf(digit.y) : undefined;
  if (digit.op !== 'rem' || m === undefined) return undefined;
  const low = asQuotient(digit.x);
  if (low.s !== 1) return undefined;
  const high = asQuotient(x);
  const step = s ?? 1;
  if (high.e !== low.e || high.d !== low.d * m || high.s !== step * m) return undefined;
  return mulIndex(digit.x, step);
}

export function subIndex(x: Expr, y: Expr): Expr {
  const a = constantOf(x);
  const b = constantOf(y);
  if (a !== undefined && b !== undefined) return int(a - b);
  if (b === 0) return x;
  if (b !== undefined) return addIndex(x, int(-b));
  return binary('sub', x, y);
}

export function mulIndex(x: Expr, factor: number): Expr {
  const a = constantOf(x);
  if (a !== undefined) return int(a * factor);
  if (factor === 0) return int(0);
  if (factor === 1) return x;
  if (x.op === 'mul') {
    const inner = constantOf(x.y);
    if (inner !== undefined) return mulIndex(x.x, inner * factor);
  }
  if (x.op === 'add') return addIndex(mulIndex(x.x, factor), mulIndex(x.y, factor));
  return binary('mul', x, int(factor));
}

/** Terms of a sum. */
function terms(e: Expr): Expr[] {
  return e.op === 'add' ? [...terms(e.x), ...terms(e.y)] : [e];
}

/** Whether every value of `e` is a multiple of `d` because of a constant factor. */
function multipleOf(e: Expr, d: number): boolean {
  const c = e.op === 'mul' ? constantOf(e.y) : constantOf(e);
  return c !== undefined && c % d === 0;
}

function exactDiv(e: Expr, d: number): Expr {
  if (e.op === 'mul') return mulIndex(e.x, (constantOf(e.y) ?? 0) / d);
  return int((constantOf(e) ?? 0) / d);
}

/** Split a sum into the terms that are multiples of `d` and the rest, if the rest is in [0, inf). */
function splitMultiples(e: Expr, d: number): { multiple: Expr; rest: Expr } | undefined {
  const all = terms(e);
  const rest = all.filter((t) => !multipleOf(t, d));
  if (rest.length === all.length || !rest.every(isNonNegative)) return undefined;
  const sum = (list: readonly Expr[]): Expr => list.reduce<Expr>((acc, t) => addIndex(acc, t), int(0));
  return { multiple: sum(all.filter((t) => multipleOf(t, d)).map((t) => exactDiv(t, d))), rest: sum(rest) };
}

/** Floor quotient of a non-negative index by a positive constant. */
export function divIndex(x: Expr, d: number): Expr {
  if (d === 1) return x;
  const a = constantOf(x);
  if (a !== undefined) return int(Math.floor(a / d));
  if (isNonNegative(x) && maxOf(x) < d) return int(0);
  const split = splitMultiples(x, d);
  if (split !== undefined) return addIndex(split.multiple, divIndex(split.rest, d));
  if (x.op === 'div') {
    const inner = constantOf(x.y);
    if (inner !== undefined) return divIndex(x.x, inner * d);
  }
  return binary('div', x, int(d));
}

/** Remainder of a non-negative index by a positive constant. */
export function modIndex(x: Expr, d: number): Expr {
  if (d === 1) return int(0);
  const a = constantOf(x);
  if (a !== undefined) return int(a % d);
  if (isNonNegative(x) && maxOf(x) < d) return x;
  const split = splitMultiples(x, d);
  if (split !== undefined) return modIndex(split.rest, d);
  return binary('rem', x, int(d));
}

/**
 * The index into shape `to` of the element at `index` in shape `from`. Axes are matched in groups of equal
 * product, so that division and remainder appear only where axes really merge and split.
 */
export function reshapeIndex(index: readonly Expr[], from: Shape, to: Shape): Expr[] {
  const result: Expr[] = [];
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
    if (toSize === 1) result.push(...group.map(() => int(0)));
    else result.push(...splitIndex(linearIndex(index.slice(i, i1), from.slice(i, i1)), group));
    i = Math.min(i1, from.length);
    j = j1;
  }
  return result;
}

/** Row-major position of `index` in `shape`. */
export function linearIndex(index: readonly Expr[], shape: Shape): Expr {
  const strides = stridesOf(shape);
  return index.reduce<Expr>(
    (sum, e, d) => (shape[d] === 1 ? sum : addIndex(sum, mulIndex(e, nth(strides, d)))),
    int(0),
  );
}

/** Inverse of {@link linearIndex}. */
export function splitIndex(position: Expr, shape: Shape): Expr[] {
  const strides = stridesOf(shape);
  let outer = true;
  return shape.map((n, d) => {
    if (n === 1) return int(0);
    const quotient = divIndex(position, nth(strides, d));
    const result = outer ? quotient : modIndex(quotient, n);
    outer = false;
    return result;
  });
}
