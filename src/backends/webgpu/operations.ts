/** Operations as WGSL, on texts of their operands: what means in WGSL what it means here, and calls of helpers for the rest. */
import type { CombineOp } from '../../core/combine.js';
import type { BinaryExpr, CastExpr, Expr, UnaryExpr } from '../../core/scalar.js';
import { helperName, helperText, literal, splat, typeText, wgslType, type Helper, type Width } from './wgsl.js';

export class Operations {
  readonly #helpers = new Set<string>();

  /** The helper functions that were called. */
  get prelude(): string {
    return helperText(this.#helpers);
  }

  #call(helper: Helper, width: Width, ...operands: string[]): string {
    const name = helperName(helper, width);
    this.#helpers.add(name);
    return `${name}(${operands.join(', ')})`;
  }

  /** A call of a helper on a scalar. */
  helper(helper: Helper, x: string): string {
    return this.#call(helper, 1, x);
  }

  /** An operation on a text. */
  unary({ op, type }: UnaryExpr, x: string, width: Width): string {
    const [f32, u32] = [typeText('f32', width), typeText('u32', width)];
    switch (op) {
      case 'neg':
        return type === 'uint32' ? `${u32}(0u) - ${x}` : `-${x}`;
      case 'not':
        return type === 'bool' ? `!${x}` : `~${x}`;
      case 'rint':
        return `round(${x})`;
      case 'popcount':
        return `countOneBits(${x})`;
      case 'clz':
        return `countLeadingZeros(${x})`;
      case 'abs':
        return type === 'float32' ? `bitcast<${f32}>(bitcast<${u32}>(${x}) & ${u32}(0x7fffffffu))` : `abs(${x})`;
      case 'sqrt':
      case 'floor':
      case 'ceil':
      case 'trunc':
        return `${op}(${x})`;
      default:
        throw new Error(`internal error: webgpu: ${op} was not expanded`);
    }
  }

  /** The operation on texts of type `type`. */
  combine(op: BinaryExpr['op'] | CombineOp, type: Expr['type'], x: string, y: string, width: Width = 1): string {
    const isFloat = type === 'float32';
    const isBool = type === 'bool';
    const [i32, u32] = [typeText('i32', width), typeText('u32', width)];
    // A shift is by an u32, modulo the bits of a word.
    const count = (): string => `(${type === 'int32' ? `bitcast<${u32}>(${y})` : y} & ${splat('u32', width, '31u')})`;
    switch (op) {
      case 'add':
        return isBool ? `(${x} | ${y})` : `${x} + ${y}`;
      case 'sub':
        return `${x} - ${y}`;
      case 'mul':
        return isBool ? `(${x} & ${y})` : `${x} * ${y}`;
      case 'div':
        return isFloat ? `${x} / ${y}` : this.#call(type === 'int32' ? 'div_i32' : 'div_u32', width, x, y);
      case 'rem':
        return this.#call(type === 'int32' ? 'rem_i32' : 'rem_u32', width, x, y);
      case 'min':
      case 'max':
        if (isBool) return `(${x} ${op === 'min' ? '&' : '|'} ${y})`;
        return isFloat ? this.#call(op === 'min' ? 'min_f32' : 'max_f32', width, x, y) : `${op}(${x}, ${y})`;
      case 'and':
        return `(${x} & ${y})`;
      case 'or':
        return `(${x} | ${y})`;
      case 'xor':
        return isBool ? `(${x} != ${y})` : `(${x} ^ ${y})`;
      case 'shl':
        return `${x} << ${count()}`;
      case 'shrLogical':
        return type === 'int32' ? `bitcast<${i32}>(bitcast<${u32}>(${x}) >> ${count()})` : `${x} >> ${count()}`;
      case 'shrArithmetic':
        return type === 'int32' ? `${x} >> ${count()}` : `bitcast<${u32}>(bitcast<${i32}>(${x}) >> ${count()})`;
      case 'eq':
      case 'ne':
        return this.#equality(op, type, x, y, width);
      case 'lt':
        return isBool ? `(!${x} & ${y})` : `${x} < ${y}`;
      case 'le':
        return isBool ? `(!${x} | ${y})` : `${x} <= ${y}`;
      case 'gt':
        return isBool ? `(${x} & !${y})` : `${x} > ${y}`;
      case 'ge':
        return isBool ? `(${x} | !${y})` : `${x} >= ${y}`;
      default:
        throw new Error(`internal error: webgpu: ${op} was not expanded`);
    }
  }

  #equality(op: 'eq' | 'ne', type: Expr['type'], x: string, y: string, width: Width): string {
    if (type === 'float32' && x === y) {
      const isNaN = this.#call('is_nan', width, x);
      return op === 'ne' ? isNaN : `!${isNaN}`;
    }
    // Tint makes of != a comparison that is false if either is NaN.
    if (type === 'float32' && op === 'ne') return `!(${x} == ${y})`;
    return `${x} ${op === 'eq' ? '==' : '!='} ${y}`;
  }

  /** A conversion of a text. */
  cast(e: CastExpr, x: string, width: Width): string {
    const [from, to] = [e.x.type, e.type];
    if (to === 'float16') {
      const single = from === 'float32' ? x : this.#number(from, 'float32', x, width);
      return this.#call('round_f16', width, single);
    }
    // A half is a float32 already.
    if (from === 'float16') return x;
    if (e.op === 'bitcast') return `bitcast<${typeText(wgslType(to), width)}>(${x})`;
    return this.#number(from, to, x, width);
  }

  /** A conversion between types of values. */
  #number(from: Expr['type'], to: Expr['type'], x: string, width: Width): string {
    const type = wgslType(to);
    const constant = (value: number): string => splat(type, width, literal(to, value));
    if (to === 'bool') return this.combine('ne', from, x, splat(wgslType(from), width, literal(from, 0)), width);
    if (from === 'bool') return `select(${constant(0)}, ${constant(1)}, ${x})`;
    if (from === 'float32') return this.#call(to === 'int32' ? 'f32_to_i32' : 'f32_to_u32', width, x);
    return to === 'float32' ? `${typeText('f32', width)}(${x})` : `bitcast<${typeText(type, width)}>(${x})`;
  }
}
