/**
 * Facts about scalar expressions that the code generator needs: structural hash-consing (so that identity is
 * equality), simplification of int32 index arithmetic, value ranges, affine forms of indices, and what an
 * expression depends on. One `Exprs` serves one kernel.
 */
import { binary, bool, int, loopVar, operandsOf } from '../../core/scalar.js';
import type { BinaryExpr, Expr } from '../../core/scalar.js';

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** `constant + sum(coefficient * term)` modulo 2^32; terms are loop variables or opaque int32 expressions. */
export interface Affine {
  readonly constant: number;
  readonly terms: ReadonlyMap<Expr, number>;
}

/** What must be known before an expression can be computed. */
export interface Dependencies {
  /** Ids of loops whose variable occurs. */
  readonly loops: ReadonlySet<number>;
  /** Ids of accumulators that occur. */
  readonly accumulators: ReadonlySet<number>;
  /** Whether it loads from a buffer that the kernel also writes, so that the moment of the load matters. */
  readonly unstable: boolean;
}

const FULL: Range = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const NONE: ReadonlySet<number> = new Set();

const clampRange = (min: number, max: number): Range => (min < FULL.min || max > FULL.max ? FULL : { min, max });

function union(a: ReadonlySet<number>, b: ReadonlySet<number>): ReadonlySet<number> {
  if (a.size === 0 || a === b) return b;
  if (b.size === 0) return a;
  return new Set([...a, ...b]);
}

/** `x op y` of bools of which one is a constant. */
function simplifyBool(op: BinaryExpr['op'], x: Expr, y: Expr): Expr | undefined {
  if (op !== 'and' && op !== 'or') return undefined;
  const [known, other] = x.op === 'const' ? [x, y] : [y, x];
  if (known.op !== 'const') return undefined;
  return (Number(known.value) !== 0) === (op === 'and') ? other : known;
}

const foldInt32: Partial<Record<BinaryExpr['op'], (x: number, y: number) => number>> = {
  add: (x, y) => (x + y) | 0,
  sub: (x, y) => (x - y) | 0,
  mul: Math.imul,
  min: Math.min,
  max: Math.max,
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  div: (x, y) => (y === 0 ? -1 : (x / y) | 0),
  rem: (x, y) => (y === 0 ? x : (x % y) | 0),
};

export class Exprs {
  private readonly canonical = new Map<Expr, Expr>();
  private readonly byKey = new Map<string, Expr>();
  private readonly ids = new Map<Expr, number>();
  private readonly ranges = new Map<Expr, Range>();
  private readonly affines = new Map<Expr, Affine>();
  private readonly dependencies = new Map<Expr, Dependencies>();

  /**
   * `unboundedLoops`: ids of loops whose extent is known only at run time.
   * `unstableBuffers`: slots that the kernel writes.
   */
  constructor(
    private readonly unboundedLoops: ReadonlySet<number> = NONE,
    private readonly unstableBuffers: ReadonlySet<number> = NONE,
  ) {}

  /** The canonical node equal to `e`. */
  canon(e: Expr): Expr {
    const known = this.canonical.get(e);
    if (known !== undefined) return known;
    const result = this.build(e, (operand) => this.canon(operand));
    this.canonical.set(e, result);
    return result;
  }

  /** Replace loop variables, by id, and simplify again. */
  substitute(e: Expr, loops: ReadonlyMap<number, Expr>): Expr {
    const memo = new Map<Expr, Expr>();
    const visit = (node: Expr): Expr => {
      const known = memo.get(node);
      if (known !== undefined) return known;
      const replacement = node.op === 'var' ? loops.get(node.id) : undefined;
      const result = replacement === undefined ? this.build(node, visit) : this.canon(replacement);
      memo.set(node, result);
      return result;
    };
    return visit(e);
  }

  /** A small number that names a canonical node. */
  id(e: Expr): number {
    const known = this.ids.get(e);
    if (known !== undefined) return known;
    this.ids.set(e, this.ids.size);
    return this.ids.size - 1;
  }

  private build(e: Expr, visit: (operand: Expr) => Expr): Expr {
    switch (e.op) {
      case 'const':
        return this.intern(`${e.type} ${Object.is(e.value, -0) ? '-0' : String(e.value)}`, e);
      case 'var':
        return this.intern(`var ${e.id} ${e.extent}`, e);
      case 'acc':
        return this.intern(`acc ${e.id} ${e.type}`, e);
      case 'load': {
        const index = visit(e.index);
        return this.intern(`load ${e.buffer} ${e.type} ${this.id(index)}`, index === e.index ? e : { ...e, index });
      }
      case 'select': {
        const cond = visit(e.cond);
        if (cond.op === 'const') return visit(Number(cond.value) !== 0 ? e.x : e.y);
        const x = visit(e.x);
        const y = visit(e.y);
        if (x === y) return x;
        const key = `select ${this.id(cond)} ${this.id(x)} ${this.id(y)}`;
        return this.intern(key, cond === e.cond && x === e.x && y === e.y ? e : { ...e, cond, x, y });
      }
      default: {
        const x = visit(e.x);
        if (!('y' in e)) {
          return this.intern(`${e.op} ${e.type} ${this.id(x)}`, x === e.x ? e : { ...e, x });
        }
        const y = visit(e.y);
        const simpler =
          x.type === 'int32'
            ? this.simplify(e.op, x, y)
            : e.type === 'bool' && x.type === 'bool'
              ? simplifyBool(e.op, x, y)
              : undefined;
        if (simpler !== undefined) return simpler;
        return this.intern(
          `${e.op} ${e.type} ${this.id(x)} ${this.id(y)}`,
          x === e.x && y === e.y ? e : { ...e, x, y },
        );
      }
    }
  }

  private intern(key: string, e: Expr): Expr {
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    this.byKey.set(key, e);
    this.canonical.set(e, e);
    this.id(e);
    return e;
  }

  /** A simpler int32 expression equal to `x op y` (canonical operands), if one is found. */
  private simplify(op: BinaryExpr['op'], x: Expr, y: Expr): Expr | undefined {
    if (x.op === 'const' && y.op === 'const') {
      const value = foldInt32[op]?.(Number(x.value) | 0, Number(y.value) | 0);
      return value === undefined ? undefined : this.canon(int(value));
    }
    const cx = x.op === 'const' ? Number(x.value) | 0 : undefined;
    const cy = y.op === 'const' ? Number(y.value) | 0 : undefined;
    switch (op) {
      case 'add':
        return cy === 0 ? x : cx === 0 ? y : undefined;
      case 'sub':
        return cy === 0 ? x : x === y ? this.canon(int(0)) : undefined;
      case 'mul':
        return cx === 0 || cy === 0 ? this.canon(int(0)) : cy === 1 ? x : cx === 1 ? y : undefined;
      case 'div':
      case 'rem':
        return cy === undefined || cy <= 0 ? undefined : this.divide(op, x, cy);
      default:
        return this.simplifyByRange(op, x, y);
    }
  }

  /** Minima, maxima and comparisons that the ranges of the operands decide. */
  private simplifyByRange(op: BinaryExpr['op'], x: Expr, y: Expr): Expr | undefined {
    const [a, b] = [this.range(x), this.range(y)];
    const [below, above] = [a.max <= b.min, a.min >= b.max];
    const decided = (isTrue: boolean, isFalse: boolean): Expr | undefined =>
      isTrue || isFalse ? this.canon(bool(isTrue)) : undefined;
    switch (op) {
      case 'min':
        return below ? x : above ? y : undefined;
      case 'max':
        return above ? x : below ? y : undefined;
      case 'lt':
        return decided(a.max < b.min, above);
      case 'le':
        return decided(below, a.min > b.max);
      case 'gt':
        return decided(a.min > b.max, below);
      case 'ge':
        return decided(above, a.max < b.min);
      default:
        return undefined;
    }
  }

  /** `x / c` or `x % c` where x = c * q + r with 0 <= r < c and q >= 0 can be read off the affine form of x. */
  private divide(op: 'div' | 'rem', x: Expr, c: number): Expr | undefined {
    if (c === 1) return op === 'div' ? x : this.canon(int(0));
    if (this.range(x).min < 0) return undefined;
    const { constant, terms } = this.affine(x);
    const quotient = new Map<Expr, number>();
    const rest = new Map<Expr, number>();
    for (const [term, k] of terms) {
      if (k % c === 0) quotient.set(term, k / c);
      else rest.set(term, k);
    }
    const restConstant = ((constant % c) + c) % c;
    const remainder = { constant: restConstant, terms: rest };
    const r = this.affineRange(remainder);
    if (r.min < 0 || r.max >= c) return undefined;
    const q = { constant: (constant - restConstant) / c, terms: quotient };
    if (this.affineRange(q).min < 0) return undefined;
    return this.fromAffine(op === 'div' ? q : remainder);
  }

  /** The expression of an affine form. */
  fromAffine(form: Affine): Expr {
    let sum: Expr | undefined;
    for (const [term, k] of form.terms) {
      const scaled = k === 1 ? term : binary('mul', term, int(k));
      sum = sum === undefined ? scaled : binary('add', sum, scaled);
    }
    if (sum === undefined) return this.canon(int(form.constant));
    return this.canon(form.constant === 0 ? sum : binary('add', sum, int(form.constant)));
  }

  private affineRange(form: Affine): Range {
    let min = form.constant;
    let max = form.constant;
    for (const [term, k] of form.terms) {
      const r = this.range(term);
      min += k > 0 ? k * r.min : k * r.max;
      max += k > 0 ? k * r.max : k * r.min;
    }
    return clampRange(min, max);
  }

  /** Bounds of an int32 expression. */
  range(e: Expr): Range {
    const known = this.ranges.get(e);
    if (known !== undefined) return known;
    const result = this.computeRange(e);
    this.ranges.set(e, result);
    return result;
  }

  private computeRange(e: Expr): Range {
    if (e.type !== 'int32') return FULL;
    switch (e.op) {
      case 'const':
        return { min: Number(e.value) | 0, max: Number(e.value) | 0 };
      case 'var':
        return { min: 0, max: this.unboundedLoops.has(e.id) ? FULL.max : Math.max(0, e.extent - 1) };
      case 'select': {
        const x = this.range(e.x);
        const y = this.range(e.y);
        return { min: Math.min(x.min, y.min), max: Math.max(x.max, y.max) };
      }
      case 'convert':
        return e.x.type === 'bool' ? { min: 0, max: 1 } : FULL;
      case 'neg': {
        const x = this.range(e.x);
        return clampRange(-x.max, -x.min);
      }
      case 'add': {
        const x = this.range(e.x);
        const y = this.range(e.y);
        return clampRange(x.min + y.min, x.max + y.max);
      }
      case 'sub': {
        const x = this.range(e.x);
        const y = this.range(e.y);
        return clampRange(x.min - y.max, x.max - y.min);
      }
      case 'mul': {
        const x = this.range(e.x);
        const y = this.range(e.y);
        const corners = [x.min * y.min, x.min * y.max, x.max * y.min, x.max * y.max];
        return clampRange(Math.min(...corners), Math.max(...corners));
      }
      case 'min': {
        const x = this.range(e.x);
        const y = this.range(e.y);
        return { min: Math.min(x.min, y.min), max: Math.min(x.max, y.max) };
      }
      case 'max': {
        const x = this.range(e.x);
        const y = this.range(e.y);
        return { min: Math.max(x.min, y.min), max: Math.max(x.max, y.max) };
      }
      case 'div': {
        if (e.y.op !== 'const' || Number(e.y.value) <= 0) return FULL;
        const x = this.range(e.x);
        const c = Number(e.y.value);
        return { min: Math.trunc(x.min / c), max: Math.trunc(x.max / c) };
      }
      case 'rem': {
        if (e.y.op !== 'const' || Number(e.y.value) <= 0) return FULL;
        const x = this.range(e.x);
        const c = Number(e.y.value);
        return { min: x.min < 0 ? Math.max(x.min, 1 - c) : 0, max: Math.max(0, Math.min(x.max, c - 1)) };
      }
      case 'and': {
        if (e.y.op !== 'const' || Number(e.y.value) < 0) return FULL;
        return { min: 0, max: Number(e.y.value) };
      }
      default:
        return FULL;
    }
  }

  /** The affine form of a canonical int32 expression. */
  affine(e: Expr): Affine {
    const known = this.affines.get(e);
    if (known !== undefined) return known;
    const result = this.computeAffine(e);
    this.affines.set(e, result);
    return result;
  }

  private computeAffine(e: Expr): Affine {
    switch (e.op) {
      case 'const':
        return { constant: Number(e.value) | 0, terms: new Map() };
      case 'neg':
        return combine({ constant: 0, terms: new Map() }, this.affine(e.x), -1);
      case 'add':
        return combine(this.affine(e.x), this.affine(e.y), 1);
      case 'sub':
        return combine(this.affine(e.x), this.affine(e.y), -1);
      case 'mul': {
        const [factor, other] = e.y.op === 'const' ? [e.y, e.x] : [e.x, e.y];
        if (factor.op !== 'const') break;
        return combine({ constant: 0, terms: new Map() }, this.affine(other), Number(factor.value) | 0);
      }
      case 'shl': {
        const shift = e.y.op === 'const' ? Number(e.y.value) : -1;
        if (shift < 0 || shift > 31) break;
        return combine({ constant: 0, terms: new Map() }, this.affine(e.x), 1 << shift);
      }
      default:
    }
    return { constant: 0, terms: new Map([[e, 1]]) };
  }

  /** What a canonical expression depends on. */
  needs(e: Expr): Dependencies {
    const known = this.dependencies.get(e);
    if (known !== undefined) return known;
    let loops = e.op === 'var' ? new Set([e.id]) : NONE;
    let accumulators = e.op === 'acc' ? new Set([e.id]) : NONE;
    let unstable = e.op === 'load' && this.unstableBuffers.has(e.buffer);
    for (const operand of operandsOf(e)) {
      const inner = this.needs(operand);
      loops = union(loops, inner.loops);
      accumulators = union(accumulators, inner.accumulators);
      unstable ||= inner.unstable;
    }
    const result = { loops, accumulators, unstable };
    this.dependencies.set(e, result);
    return result;
  }

  /** The variable of loop `id` with `extent`. */
  loopVar(id: number, extent: number): Expr {
    return this.canon(loopVar(id, extent));
  }
}

/** `a + scale * b` of affine forms, modulo 2^32. */
function combine(a: Affine, b: Affine, scale: number): Affine {
  const terms = new Map(a.terms);
  for (const [term, k] of b.terms) {
    const sum = ((terms.get(term) ?? 0) + Math.imul(k, scale)) | 0;
    if (sum === 0) terms.delete(term);
    else terms.set(term, sum);
  }
  return { constant: (a.constant + Math.imul(b.constant, scale)) | 0, terms };
}
