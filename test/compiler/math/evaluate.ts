/**
 * Runs scalar expressions in plain JavaScript: every float32 operation is rounded by Math.fround, int64 is BigInt. The
 * expression becomes the body of one loop over its samples, compiled by the engine.
 */
import { runInThisContext } from 'node:vm';
import { operandsOf } from '../../../src/core/scalar.js';
import type { Expr, ScalarType } from '../../../src/core/scalar.js';

const PRELUDE = `
const f32 = new Float32Array(1), i32 = new Int32Array(f32.buffer), u32 = new Uint32Array(f32.buffer);
const f64 = new Float64Array(1), i64 = new BigInt64Array(f64.buffer);
const fr = Math.fround, wrap = (x) => BigInt.asIntN(64, x);
const bits = { float32: f32, int32: i32, uint32: u32, float64: f64, int64: i64 };
const rint = (x) => { const r = Math.round(x); return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : Object.is(r, 0) && x < 0 ? -0 : r; };
const sat = (x, lo, hi) => x !== x ? 0 : x <= lo ? lo : x >= hi ? hi : Math.trunc(x);
`;

const isFloat = (t: ScalarType): boolean => t === 'float32' || t === 'float64';

function literal(type: ScalarType, value: number | bigint): string {
  if (type === 'int64') return `${value}n`;
  if (type === 'bool') return value ? 'true' : 'false';
  return Object.is(value, -0) ? '-0' : `(${value})`;
}

/** Wraps the result of an operation to its type. */
function rounded(type: ScalarType, code: string): string {
  switch (type) {
    case 'float32':
      return `fr(${code})`;
    case 'int32':
      return `(${code}) | 0`;
    case 'uint32':
      return `(${code}) >>> 0`;
    case 'int64':
      return `wrap(${code})`;
    default:
      return code;
  }
}

const INFIX: Record<string, string> = {
  add: '+',
  sub: '-',
  div: '/',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shrArithmetic: '>>',
  eq: '===',
  ne: '!==',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
};

function operation(e: Expr, operand: readonly string[]): string {
  const [a = '', b = '', c = ''] = operand;
  const from = operandsOf(e)[0]?.type ?? e.type;
  switch (e.op) {
    case 'mul':
      return e.type === 'int32' || e.type === 'uint32'
        ? rounded(e.type, `Math.imul(${a}, ${b})`)
        : rounded(e.type, `${a} * ${b}`);
    case 'neg':
      return rounded(e.type, `-${a}`);
    case 'abs':
      return `Math.abs(${a})`;
    case 'sqrt':
      return rounded(e.type, `Math.sqrt(${a})`);
    case 'floor':
    case 'ceil':
    case 'trunc':
      return `Math.${e.op}(${a})`;
    case 'rint':
      return `rint(${a})`;
    case 'not':
      return e.type === 'bool' ? `!${a}` : rounded(e.type, `~${a}`);
    case 'shrLogical':
      return e.type === 'int64' ? `wrap(BigInt.asUintN(64, ${a}) >> ${b})` : rounded(e.type, `${a} >>> ${b}`);
    case 'select':
      return `${a} ? ${b} : ${c}`;
    case 'bitcast':
      return `(bits.${from}[0] = ${a}, bits.${e.type}[0])`;
    case 'convert':
      if (e.type === 'float32' || e.type === 'float64') return rounded(e.type, a);
      if (isFloat(from) && e.type === 'int32') return `sat(${a}, -2147483648, 2147483647)`;
      if (isFloat(from) && e.type === 'uint32') return `sat(${a}, 0, 4294967295)`;
      break;
    case 'and':
    case 'or':
    case 'xor':
      if (e.type === 'bool') return `${a} ${e.op === 'xor' ? '!==' : e.op === 'and' ? '&&' : '||'} ${b}`;
      break;
    default:
  }
  const infix = INFIX[e.op];
  if (infix === undefined) throw new Error(`evaluate: no ${e.op} to ${e.type}`);
  const code = `${a} ${infix} ${b}`;
  return e.type === 'bool' ? code : rounded(e.type, code);
}

/** Calls of loads of buffers 0 and 1 become the samples x and y. */
export function compile(e: Expr): (xs: ArrayLike<number>, ys?: ArrayLike<number>) => Float64Array {
  const lines: string[] = [];
  const names = new Map<Expr, string>();
  const visit = (node: Expr): string => {
    const known = names.get(node);
    if (known !== undefined) return known;
    if (node.op === 'const') return literal(node.type, node.value);
    if (node.op === 'load') return node.buffer === 0 ? 'x' : 'y';
    const code = operation(node, operandsOf(node).map(visit));
    const name = `t${names.size}`;
    lines.push(`const ${name} = ${code};`);
    names.set(node, name);
    return name;
  };
  const result = visit(e);
  const source = `(() => {${PRELUDE}
    return (xs, ys, out) => { for (let i = 0; i < xs.length; i++) { const x = xs[i], y = ys[i]; ${lines.join('\n')} out[i] = ${result}; } };
  })()`;
  const loop: unknown = runInThisContext(source);
  if (typeof loop !== 'function') throw new Error('evaluate: the compiled code is no function');
  return (xs, ys = xs) => {
    const out = new Float64Array(xs.length);
    Reflect.apply(loop, undefined, [xs, ys, out]);
    return out;
  };
}
