/**
 * Expands transcendental functions into the basic operations of the scalar IR, so that every backend computes them with
 * the same vectorisable arithmetic. float32 code uses only 4-byte types, float64 code only 8-byte types.
 * Accuracy and costs: docs/accuracy.md.
 */
import { halfBits } from '../../core/half.js';
import { bitcast, constant, mapOperands, operandsOf } from '../../core/scalar.js';
import type { Expr, MathBinary, MathUnary } from '../../core/scalar.js';
import { erf, erfc, erfInv, erfInvGiles } from './erf.js';
import { exp, exp2, expm1, logistic } from './exp.js';
import { fmod } from './fmod.js';
import { digamma, lgamma } from './gamma.js';
import { acosh, asinh, atanh, cosh, sinh, tanh } from './hyperbolic.js';
import { acos, asin, atan, atan2 } from './inverse-trig.js';
import { bitsOfHalf, halfOfBits, roundedToHalf } from './half.js';
import { log, log1p, log2 } from './log.js';
import { cbrt, nextafter, round, rsqrt } from './misc.js';
import { pow } from './pow.js';
import { cos, sin, tan } from './trig.js';

const UNARY: Readonly<Record<MathUnary, (x: Expr) => Expr>> = {
  exp,
  exp2,
  expm1,
  logistic,
  log,
  log1p,
  log2,
  tanh,
  round,
  rsqrt,
  sin,
  cos,
  tan,
  erf,
  erfc,
  erfInv,
  erfInvGiles,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  cbrt,
  lgamma,
  digamma,
};
const BINARY: Readonly<Record<MathBinary, (x: Expr, y: Expr) => Expr>> = { pow, atan2, nextafter, fmod };

export interface ExpandOptions {
  /** Operations the backend prints itself; they are left alone. */
  readonly native?: ReadonlySet<MathUnary | MathBinary>;
  /** Whether it has halves, so that conversions from and to float16 are left alone. */
  readonly float16?: boolean;
}

/** An expander keeps its memo: expressions that share nodes share their expansions, over several calls too. */
export type Expander = (e: Expr) => Expr;

export function createExpander(options: ExpandOptions = {}): Expander {
  const native: ReadonlySet<string> = options.native ?? new Set();
  const hasHalves = options.float16 === true;
  const memo = new Map<Expr, Expr>();
  const table = new Map<string, Expr>();
  const ids = new Map<Expr, number>();

  const id = (e: Expr): number => ids.get(e) ?? -1;
  /** The representative of nodes with the same operation and the same operands. */
  function share(e: Expr): Expr {
    const key = keyOf(e, id);
    const found = table.get(key);
    if (found !== undefined) return found;
    table.set(key, e);
    ids.set(e, ids.size);
    return e;
  }
  function visit(e: Expr): Expr {
    const done = memo.get(e);
    if (done !== undefined) return done;
    const rebuilt = mapOperands(e, visit);
    const expanded = (hasHalves ? undefined : expandHalf(e, rebuilt)) ?? expandNode(rebuilt, native);
    const result = expanded === undefined ? share(rebuilt) : visit(expanded);
    memo.set(e, result);
    return result;
  }
  return visit;
}

/**
 * Rewrites every MathUnary and MathBinary node of type float32 or float64 into basic operations, bottom-up. Equal
 * subexpressions of the result are one object. Everything is branch-free: both sides of a select may be evaluated.
 */
export const expandMath = (e: Expr, options: ExpandOptions = {}): Expr => createExpander(options)(e);

/** What is made of a half, or makes one: of `e`, whose operands are expanded in `rebuilt`. */
function expandHalf(e: Expr, rebuilt: Expr): Expr | undefined {
  if (rebuilt.type === 'float16' && rebuilt.op === 'const')
    return bitcast('float16', constant('int32', halfBits(Number(rebuilt.value))));
  if (rebuilt.op !== 'convert' || e.op !== 'convert') return undefined;
  const { x } = rebuilt;
  if (rebuilt.type === 'float16') return bitcast('float16', bitsOfHalf(x));
  if (x.type !== 'float16') return undefined;
  // It was rounded on the way from another type: nobody needs its bits.
  if (e.x.op === 'convert') return roundedToHalf(e.x.x);
  return halfOfBits(x.op === 'bitcast' ? x.x : bitcast('int32', x));
}

function expandNode(e: Expr, native: ReadonlySet<string>): Expr | undefined {
  if ((e.type !== 'float32' && e.type !== 'float64') || native.has(e.op)) return undefined;
  const [x, y] = operandsOf(e);
  if (x === undefined) return undefined;
  if (isMathUnary(e.op)) return UNARY[e.op](x);
  return isMathBinary(e.op) && y !== undefined ? BINARY[e.op](x, y) : undefined;
}

const isMathUnary = (op: string): op is MathUnary => Object.hasOwn(UNARY, op);
const isMathBinary = (op: string): op is MathBinary => Object.hasOwn(BINARY, op);

function keyOf(e: Expr, id: (operand: Expr) => number): string {
  switch (e.op) {
    case 'const':
      return `const ${e.type} ${Object.is(e.value, -0) ? '-0' : String(e.value)}`;
    case 'var':
      return `var ${e.id} ${e.extent}`;
    case 'acc':
      return `acc ${e.type} ${e.id}`;
    case 'load':
      return `load ${e.type} ${e.buffer} ${id(e.index)}`;
    default:
      return `${e.op} ${e.type} ${operandsOf(e).map(id).join(' ')}`;
  }
}
