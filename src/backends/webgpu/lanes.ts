/**
 * Four neighbouring values of a loop variable at once, as the lanes of a `vec4`: which expressions are the same in all of
 * them, and which indices are those of four neighbouring elements.
 */
import { divIndex, isNonNegative, mulIndex } from '../../core/index-expr.js';
import { operandsOf, type Expr, type LoopVar } from '../../core/scalar.js';
import { replacing } from './rewrite.js';

export const LANES = 4;

/**
 * How an expression varies over the lanes: `uniform`, not at all; `run`, by one from each to the next. `aligned` if its
 * value in the first lane is a multiple of four.
 */
interface Variation {
  readonly kind: 'uniform' | 'run' | 'any';
  readonly aligned: boolean;
}

const UNIFORM: Variation = { kind: 'uniform', aligned: false };
const ANY: Variation = { kind: 'any', aligned: false };

export class Lanes {
  readonly #known = new Map<Expr, Variation>();
  /** An expression as the first lane has it. */
  readonly first: (e: Expr) => Expr;

  constructor(
    /** The variable of the loop that is done four iterations at a time, and that of the loop which does them. */
    private readonly variable: number,
    readonly quad: LoopVar,
    /** Whether an accumulator has a value for each lane. */
    readonly isWide: (accumulator: number) => boolean,
  ) {
    const first = mulIndex(quad, LANES);
    this.first = replacing((e) => (e.op === 'var' && e.id === variable ? first : undefined));
  }

  of(e: Expr): Variation {
    let variation = this.#known.get(e);
    if (variation === undefined) this.#known.set(e, (variation = this.#variation(e)));
    return variation;
  }

  /** The loop on which a variable depends. */
  loopOf(variable: number): number {
    return variable === this.variable ? this.quad.id : variable;
  }

  /** Which four elements an index names, if they begin at a multiple of four. */
  quadOf(index: Expr): Expr {
    return divIndex(this.first(index), LANES);
  }

  #variation(e: Expr): Variation {
    switch (e.op) {
      case 'const':
        return { kind: 'uniform', aligned: Number(e.value) % LANES === 0 };
      case 'var':
        return e.id === this.variable ? { kind: 'run', aligned: true } : UNIFORM;
      case 'acc':
        return this.isWide(e.id) ? ANY : UNIFORM;
      default:
    }
    if (operandsOf(e).every((x) => this.of(x).kind === 'uniform'))
      return { kind: 'uniform', aligned: this.#isAligned(e) };
    if (e.type !== 'int32' || !('y' in e)) return ANY;
    const [x, y] = [this.of(e.x), this.of(e.y)];
    const isMultiple = y.kind === 'uniform' && e.y.op === 'const' && y.aligned && Number(e.y.value) > 0;
    switch (e.op) {
      case 'add':
        if (x.kind === 'any' || y.kind === 'any' || x.kind === y.kind) return ANY;
        return { kind: 'run', aligned: x.aligned && y.aligned };
      case 'sub':
        return x.kind === 'run' && y.kind === 'uniform' ? { kind: 'run', aligned: x.aligned && y.aligned } : ANY;
      case 'div':
        return x.kind === 'run' && x.aligned && isMultiple && isNonNegative(e.x) ? UNIFORM : ANY;
      case 'rem':
        return x.kind === 'run' && x.aligned && isMultiple && isNonNegative(e.x) ? x : ANY;
      default:
        return ANY;
    }
  }

  #isAligned(e: Expr): boolean {
    if (e.type !== 'int32' || !('y' in e)) return false;
    const [x, y] = [this.of(e.x).aligned, this.of(e.y).aligned];
    switch (e.op) {
      case 'add':
      case 'sub':
      case 'rem':
        return x && y;
      case 'mul':
        return x || y;
      case 'select':
        return x && y;
      default:
        return false;
    }
  }
}
