/** Prints a scalar expression as a C function, so that accuracy can be measured over billions of arguments. */
import { operandsOf } from '../../src/core/scalar.js';
import type { Expr, ScalarType } from '../../src/core/scalar.js';

const C_TYPE: Record<ScalarType, string> = {
  float16: 'uint16_t',
  float32: 'float',
  float64: 'double',
  int32: 'int32_t',
  uint32: 'uint32_t',
  int64: 'int64_t',
  bool: 'int',
};
const INFIX: Partial<Record<Expr['op'], string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  and: '&',
  or: '|',
  xor: '^',
  shl: '<<',
  shrLogical: '>>',
  shrArithmetic: '>>',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
};
const isFloat = (t: ScalarType): boolean => t === 'float32' || t === 'float64';
const unsignedType = (t: ScalarType): string => (t === 'int64' ? 'uint64_t' : 'uint32_t');

function literal(type: ScalarType, value: number | bigint): string {
  if (type === 'int64') return value === -(2n ** 63n) ? 'INT64_MIN' : `INT64_C(${value})`;
  if (type === 'int32') return value === -(2 ** 31) ? 'INT32_MIN' : `${value}`;
  if (type === 'uint32') return `${value}u`;
  if (type === 'bool') return value ? '1' : '0';
  const suffix = type === 'float32' ? 'f' : '';
  if (Number.isNaN(value)) return `__builtin_nan${suffix}("")`;
  if (value === Infinity || value === -Infinity) return `${value < 0 ? '-' : ''}__builtin_inf${suffix}()`;
  const digits = Object.is(value, -0) ? '-0.0' : String(value);
  return `((${C_TYPE[type]})${/[.e]/.test(digits) ? digits : `${digits}.0`})`;
}

function operation(e: Expr, operands: readonly string[]): string {
  const [a = '', b = '', c = ''] = operands;
  const from = operandsOf(e)[0]?.type ?? e.type;
  const suffix = from === 'float32' ? 'f' : '';
  switch (e.op) {
    case 'neg':
      return isFloat(from) ? `-${a}` : `(${C_TYPE[from]})-(${unsignedType(from)})${a}`;
    case 'abs':
      return `__builtin_fabs${suffix}(${a})`;
    case 'sqrt':
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'rint':
      return `__builtin_${e.op}${suffix}(${a})`;
    case 'not':
      return from === 'bool' ? `!${a}` : `~${a}`;
    case 'select':
      return `${a} ? ${b} : ${c}`;
    case 'bitcast':
      return `bitcast_${from}_${e.type}(${a})`;
    case 'convert':
      return isFloat(from) && !isFloat(e.type) ? `convert_${from}_${e.type}(${a})` : `(${C_TYPE[e.type]})${a}`;
    default: {
      const infix = INFIX[e.op];
      if (infix === undefined) throw new Error(`emit-c: no ${e.op}`);
      if (isFloat(from) || e.type === 'bool' || e.op === 'shrArithmetic') return `${a} ${infix} ${b}`;
      const u = unsignedType(from); // integers wrap, and logical shifts are those of unsigned numbers
      return `(${C_TYPE[e.type]})((${u})${a} ${infix} (${u})${b})`;
    }
  }
}

/** A static C function of x (loads of buffer 0) and y (of buffer 1). */
export function emitC(name: string, e: Expr, type: 'float32' | 'float64', binary: boolean): string {
  const lines: string[] = [];
  const names = new Map<Expr, string>();
  const visit = (node: Expr): string => {
    const known = names.get(node);
    if (known !== undefined) return known;
    if (node.op === 'const') return literal(node.type, node.value);
    if (node.op === 'load') return node.buffer === 0 ? 'x' : 'y';
    const code = operation(node, operandsOf(node).map(visit));
    const own = `t${names.size}`;
    lines.push(`  ${C_TYPE[node.type]} ${own} = ${code};`);
    names.set(node, own);
    return own;
  };
  const result = visit(e);
  const t = C_TYPE[type];
  return `static inline ${t} ${name}(${t} x${binary ? `, ${t} y` : ''}) {\n${lines.join('\n')}\n  return ${result};\n}\n`;
}
