/**
 * Prints scalar expressions as WGSL statements: every node that is not a literal becomes a `let`, and nodes that are the
 * same object become one. Scopes follow the blocks of the text.
 */
import type { CombineOp } from '../../core/combine.js';
import type { DType } from '../../core/dtype.js';
import { isNonNegative } from '../../core/index-expr.js';
import type { BinaryExpr, CastExpr, Expr, UnaryExpr } from '../../core/scalar.js';
import { helperText, literal, storedType, wgslType, type Helper } from './wgsl.js';

/** How the elements of a slot are reached. */
export interface SlotAccess {
  readonly dtype: DType;
  /** The variable of its binding. */
  readonly variable: string;
  /** The element type that the binding declares. */
  readonly declared: 'f32' | 'i32' | 'u32' | 'atomic<u32>';
  /** Added to the index, if the slot does not begin where its binding does. */
  readonly base?: string;
}

const isWithConstant = (e: Expr): boolean =>
  (e.op === 'add' || e.op === 'sub' || e.op === 'mul' || e.op === 'div') && (e.x.op === 'const' || e.y.op === 'const');

/** The atomic function that combines words as `op` does values, if there is one: signs do not count in them. */
function nativeAtomic(op: CombineOp, dtype: DType): string | undefined {
  if (dtype === 'bool') {
    const names = { add: 'Or', max: 'Or', or: 'Or', mul: 'And', min: 'And', and: 'And', xor: 'Xor' } as const;
    return `atomic${names[op]}`;
  }
  if (dtype !== 'int32' && dtype !== 'uint32') return undefined;
  switch (op) {
    case 'add':
      return 'atomicAdd';
    case 'and':
      return 'atomicAnd';
    case 'or':
      return 'atomicOr';
    case 'xor':
      return 'atomicXor';
    case 'min':
    case 'max':
      if (dtype === 'int32') return undefined;
      return op === 'min' ? 'atomicMin' : 'atomicMax';
    case 'mul':
      return undefined;
  }
}

export class Printer {
  readonly #lines: string[] = [];
  readonly #scopes: Map<Expr, string>[] = [new Map<Expr, string>()];
  readonly helpers = new Set<Helper>();
  /** Text of each accumulator in reach. */
  readonly accumulators = new Map<number, string>();
  /** Text of each loop variable in reach, an i32. */
  readonly variables = new Map<number, string>();
  #indent = 1;
  #names = 0;

  constructor(readonly slots: readonly SlotAccess[]) {}

  get text(): string {
    return this.#lines.join('\n');
  }

  /** The helper functions that the text calls. */
  get prelude(): string {
    return helperText(this.helpers);
  }

  line(text: string): void {
    this.#lines.push('  '.repeat(this.#indent) + text);
  }

  /** A block after `head`, with a scope of its own. */
  block(head: string, body: () => void): void {
    this.line(`${head} {`);
    this.#indent += 1;
    this.scope(body);
    this.#indent -= 1;
    this.line('}');
  }

  /** What is computed in `body` is forgotten after it. */
  scope(body: () => void): void {
    this.#scopes.push(new Map());
    body();
    this.#scopes.pop();
  }

  /** A scope that sees nothing that was computed before, because accumulators have changed since. */
  scopeAfresh(body: () => void): void {
    const outer = this.#scopes.splice(0, Infinity, new Map<Expr, string>());
    body();
    this.#scopes.splice(0, Infinity, ...outer);
  }

  name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  /** Declare a value and return its name. */
  declare(value: string, type?: string): string {
    const name = this.name('v');
    this.line(`let ${name}${type === undefined ? '' : `: ${type}`} = ${value};`);
    return name;
  }

  /** A name or a literal for the value of an expression. */
  value(e: Expr): string {
    if (e.op === 'const') return literal(e.type, e.value);
    if (e.op === 'var') return this.#known(this.variables, e.id, 'loop variable');
    if (e.op === 'acc') return this.#known(this.accumulators, e.id, 'accumulator');
    for (const scope of this.#scopes) {
      const known = scope.get(e);
      if (known !== undefined) return known;
    }
    const name = this.declare(this.#operation(e), wgslType(e.type));
    this.#scopes.at(-1)?.set(e, name);
    return name;
  }

  #known(names: ReadonlyMap<number, string>, id: number, what: string): string {
    const name = names.get(id);
    if (name === undefined) throw new Error(`internal error: ${what} ${id} is not in reach`);
    return name;
  }

  #operation(e: Exclude<Expr, { op: 'const' | 'var' | 'acc' }>): string {
    switch (e.op) {
      case 'load':
        return this.load(e.buffer, this.value(e.index));
      case 'select':
        return `select(${this.value(e.y)}, ${this.value(e.x)}, ${this.value(e.cond)})`;
      case 'convert':
      case 'bitcast':
        return this.#cast(e);
      default:
        return 'y' in e ? this.#binary(e) : this.#unary(e);
    }
  }

  /** Operands that are literals are declared first, for WGSL evaluates constant expressions and refuses those that overflow. */
  #operand(e: Expr): string {
    return e.op === 'const' ? this.#runtime(e.type, literal(e.type, e.value)) : this.value(e);
  }

  #runtime(type: Expr['type'], text: string): string {
    const name = this.name('c');
    this.line(`var ${name}: ${wgslType(type)} = ${text};`);
    return name;
  }

  #call(helper: Helper, ...operands: string[]): string {
    this.helpers.add(helper);
    return `${helper}(${operands.join(', ')})`;
  }

  #unary(e: UnaryExpr): string {
    const x = this.#operand(e.x);
    switch (e.op) {
      case 'neg':
        return e.type === 'uint32' ? `0u - ${x}` : `-${x}`;
      case 'not':
        return e.type === 'bool' ? `!${x}` : `~${x}`;
      case 'rint':
        return `round(${x})`;
      case 'popcount':
        return `countOneBits(${x})`;
      case 'clz':
        return `countLeadingZeros(${x})`;
      case 'abs':
        return e.type === 'float32' ? `bitcast<f32>(bitcast<u32>(${x}) & 0x7fffffffu)` : `abs(${x})`;
      case 'sqrt':
      case 'floor':
      case 'ceil':
      case 'trunc':
        return `${e.op}(${x})`;
      default:
        throw new Error(`internal error: webgpu: ${e.op} was not expanded`);
    }
  }

  #binary(e: BinaryExpr): string {
    const quotient = this.#byConstant(e);
    if (quotient !== undefined) return quotient;
    const constants = e.x.op === 'const' && e.y.op === 'const';
    const x = constants ? this.#operand(e.x) : this.#rounded(e.x, e);
    const y = this.#rounded(e.y, e);
    return this.combine(e.op, e.x.type, x, y);
  }

  /** Quotients and remainders by a constant that is neither 0 nor -1, where WGSL's semantics are ours. */
  #byConstant({ op, x, y, type }: BinaryExpr): string | undefined {
    if ((op !== 'div' && op !== 'rem') || y.op !== 'const' || x.op === 'const') return undefined;
    const c = Number(y.value);
    if (type !== 'uint32' && (type !== 'int32' || c === -1)) return undefined;
    if (c === 0) return undefined;
    const isPower = c > 0 && Number.isInteger(Math.log2(c));
    if (isPower && (type === 'uint32' || isNonNegative(x)))
      return op === 'div' ? `${this.value(x)} >> ${Math.log2(c)}u` : `${this.value(x)} & ${literal(type, c - 1)}`;
    return `${this.value(x)} ${op === 'div' ? '/' : '%'} ${literal(type, c)}`;
  }

  /**
   * The operand of an operation with a constant, kept from being merged with it if it is such an operation itself: drivers
   * make x of (x + c) - c, whose rounding is the point of it (and of log1p, and of scaling by powers of two).
   */
  #rounded(x: Expr, e: BinaryExpr): string {
    const value = this.value(x);
    return e.type === 'float32' && isWithConstant(e) && isWithConstant(x)
      ? `bitcast<f32>(bitcast<u32>(${value}) | runtime_zero)`
      : value;
  }

  /** The operation on texts of type `type`. */
  combine(op: BinaryExpr['op'] | CombineOp, type: Expr['type'], x: string, y: string): string {
    const isFloat = type === 'float32';
    const isBool = type === 'bool';
    switch (op) {
      case 'add':
        return isBool ? `(${x} | ${y})` : `${x} + ${y}`;
      case 'sub':
        return `${x} - ${y}`;
      case 'mul':
        return isBool ? `(${x} & ${y})` : `${x} * ${y}`;
      case 'div':
        return isFloat ? `${x} / ${y}` : this.#call(type === 'int32' ? 'div_i32' : 'div_u32', x, y);
      case 'rem':
        return this.#call(type === 'int32' ? 'rem_i32' : 'rem_u32', x, y);
      case 'min':
      case 'max':
        if (isBool) return `(${x} ${op === 'min' ? '&' : '|'} ${y})`;
        return isFloat ? this.#call(op === 'min' ? 'min_f32' : 'max_f32', x, y) : `${op}(${x}, ${y})`;
      case 'and':
        return `(${x} & ${y})`;
      case 'or':
        return `(${x} | ${y})`;
      case 'xor':
        return isBool ? `(${x} != ${y})` : `(${x} ^ ${y})`;
      case 'shl':
        return `${x} << (${this.#count(type, y)} & 31u)`;
      case 'shrLogical':
        return type === 'int32'
          ? `bitcast<i32>(bitcast<u32>(${x}) >> (${this.#count(type, y)} & 31u))`
          : `${x} >> (${y} & 31u)`;
      case 'shrArithmetic':
        return type === 'int32'
          ? `${x} >> (${this.#count(type, y)} & 31u)`
          : `bitcast<u32>(bitcast<i32>(${x}) >> (${y} & 31u))`;
      case 'eq':
      case 'ne':
        return this.#equality(op, type, x, y);
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

  #equality(op: 'eq' | 'ne', type: Expr['type'], x: string, y: string): string {
    if (type === 'float32' && x === y) {
      const isNaN = this.#call('is_nan', x);
      return op === 'ne' ? isNaN : `!${isNaN}`;
    }
    // Tint makes of != a comparison that is false if either is NaN.
    if (type === 'float32' && op === 'ne') return `!(${x} == ${y})`;
    return `${x} ${op === 'eq' ? '==' : '!='} ${y}`;
  }

  #count(type: Expr['type'], y: string): string {
    return type === 'int32' ? `u32(${y})` : y;
  }

  #cast(e: CastExpr): string {
    const x = this.#operand(e.x);
    const [from, to] = [e.x.type, e.type];
    if (e.op === 'bitcast') return `bitcast<${wgslType(to)}>(${x})`;
    if (to === 'bool') return this.combine('ne', from, x, literal(from, 0));
    if (from === 'bool') return `select(${literal(to, 0)}, ${literal(to, 1)}, ${x})`;
    if (from === 'float32') return this.#call(to === 'int32' ? 'f32_to_i32' : 'f32_to_u32', x);
    return to === 'float32' ? `f32(${x})` : `bitcast<${wgslType(to)}>(${x})`;
  }

  #slot(slot: number): SlotAccess {
    const access = this.slots[slot];
    if (access === undefined) throw new Error(`internal error: no slot ${slot}`);
    return access;
  }

  #place({ variable, base }: SlotAccess, index: string): string {
    return `${variable}[${base === undefined ? index : `${index} + ${base}`}]`;
  }

  /** The element of a slot. */
  load(slot: number, index: string): string {
    const access = this.#slot(slot);
    const place = this.#place(access, index);
    const raw = access.declared === 'atomic<u32>' ? `atomicLoad(&${place})` : place;
    if (access.dtype === 'bool') return `${raw} != 0u`;
    const declared = access.declared === 'atomic<u32>' ? 'u32' : access.declared;
    const type = storedType(access.dtype);
    return declared === type ? raw : `bitcast<${type}>(${raw})`;
  }

  #stored(access: SlotAccess, value: string): string {
    const text = access.dtype === 'bool' ? `select(0u, 1u, ${value})` : value;
    const declared = access.declared === 'atomic<u32>' ? 'u32' : access.declared;
    return declared === storedType(access.dtype) ? text : `bitcast<${declared}>(${text})`;
  }

  /** Print a store of a value. */
  store(slot: number, index: string, value: string): void {
    const access = this.#slot(slot);
    const place = this.#place(access, index);
    const text = this.#stored(access, value);
    this.line(access.declared === 'atomic<u32>' ? `atomicStore(&${place}, ${text});` : `${place} = ${text};`);
  }

  /** Print `element = combine(element, value)`, as one atomic step if the slot is atomic. */
  combineStore(slot: number, index: string, op: CombineOp, value: string): void {
    const access = this.#slot(slot);
    if (access.declared !== 'atomic<u32>') {
      const before = this.declare(this.load(slot, index));
      this.store(slot, index, this.declare(this.combine(op, access.dtype, before, value)));
      return;
    }
    const native = nativeAtomic(op, access.dtype);
    if (native !== undefined) {
      this.line(`${native}(&${this.#place(access, index)}, ${this.#stored(access, value)});`);
      return;
    }
    // Compare and exchange until nobody came between: WGSL has no atomics of floats, and none that multiply.
    const place = this.#place(access, index);
    const old = this.name('old');
    this.line(`var ${old} = atomicLoad(&${place});`);
    this.block('loop', () => {
      const type = storedType(access.dtype);
      const before = access.dtype === 'bool' ? `(${old} != 0u)` : type === 'u32' ? old : `bitcast<${type}>(${old})`;
      const next = this.declare(this.#stored(access, this.declare(this.combine(op, access.dtype, before, value))));
      const result = this.declare(`atomicCompareExchangeWeak(&${place}, ${old}, ${next})`);
      this.line(`if (${result}.exchanged) { break; }`);
      this.line(`${old} = ${result}.old_value;`);
    });
  }
}
