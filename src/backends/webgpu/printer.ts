/**
 * Prints scalar expressions as WGSL statements: every node that is not a literal becomes a `let`, and nodes that are the
 * same object become one. Scopes follow the blocks of the text.
 */
import type { CombineOp } from '../../core/combine.js';
import type { DType } from '../../core/dtype.js';
import { isNonNegative } from '../../core/index-expr.js';
import type { BinaryExpr, CastExpr, Expr, Load, UnaryExpr } from '../../core/scalar.js';
import { LANES, type Lanes } from './lanes.js';
import {
  helperName,
  helperText,
  literal,
  splat,
  storedType,
  typeText,
  wgslType,
  type Helper,
  type Width,
  type WgslType,
} from './wgsl.js';

/** How the elements of a slot are reached. */
export interface SlotAccess {
  readonly dtype: DType;
  /** The variable of its binding. */
  readonly variable: string;
  /** The element type that the binding declares. */
  readonly declared: 'f32' | 'i32' | 'u32' | 'atomic<u32>';
  /** Added to the index, if the slot does not begin where its binding does. */
  readonly base?: string;
  /** Whether the binding declares vectors of four elements. */
  readonly isVector?: boolean;
}

const COMPONENTS = ['x', 'y', 'z', 'w'] as const;

/** The lanes of a vector, by the text of a name. */
export const components = (name: string): string[] => COMPONENTS.map((c) => `${name}.${c}`);

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
  readonly helpers = new Set<string>();
  /** Text of each accumulator in reach. */
  readonly accumulators = new Map<number, string>();
  /** Text of each loop variable in reach, an i32. */
  readonly variables = new Map<number, string>();
  /** Four iterations at once, if that is what is printed. */
  #lanes: Lanes | undefined;
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

  /** What is printed in `body` is for four values of a loop variable at once. */
  inLanes(lanes: Lanes | undefined, body: () => void): void {
    const outer = this.#lanes;
    this.#lanes = lanes;
    this.scope(body);
    this.#lanes = outer;
  }

  /** Of the value of an expression. */
  widthOf(e: Expr): Width {
    return this.#lanes === undefined || this.#lanes.of(e).kind === 'uniform' ? 1 : 4;
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

  /** A name or a literal for the value of an expression: a vector, where lanes differ. */
  value(e: Expr): string {
    const width = this.widthOf(e);
    if (width === 1 && this.#lanes !== undefined) e = this.#lanes.first(e);
    if (e.op === 'const') return literal(e.type, e.value);
    if (e.op === 'var' && width === 1) return this.#known(this.variables, e.id, 'loop variable');
    if (e.op === 'acc') return this.#known(this.accumulators, e.id, 'accumulator');
    for (const scope of this.#scopes) {
      const known = scope.get(e);
      if (known !== undefined) return known;
    }
    const text = e.op === 'var' ? this.#run(e) : this.#operation(e, width);
    const name = this.declare(text, typeText(wgslType(e.type), width));
    this.#scopes.at(-1)?.set(e, name);
    return name;
  }

  /** The value of an expression as a vector if `width` says so. */
  wide(e: Expr, width: Width): string {
    const value = this.value(e);
    return width === this.widthOf(e) ? value : splat(wgslType(e.type), width, value);
  }

  /** The values of the variable that differs from lane to lane. */
  #run(e: Expr): string {
    return `${splat('i32', 4, this.value(this.#lanes?.first(e) ?? e))} + vec4<i32>(0, 1, 2, 3)`;
  }

  #known(names: ReadonlyMap<number, string>, id: number, what: string): string {
    const name = names.get(id);
    if (name === undefined) throw new Error(`internal error: ${what} ${id} is not in reach`);
    return name;
  }

  #operation(e: Exclude<Expr, { op: 'const' | 'var' | 'acc' }>, width: Width): string {
    switch (e.op) {
      case 'load':
        return this.#load(e, width);
      case 'select':
        return `select(${this.wide(e.y, width)}, ${this.wide(e.x, width)}, ${this.wide(e.cond, width)})`;
      case 'convert':
      case 'bitcast':
        return this.#cast(e, width);
      default:
        return 'y' in e ? this.#binary(e, width) : this.#unary(e, width);
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

  #call(helper: Helper, width: Width, ...operands: string[]): string {
    const name = helperName(helper, width);
    this.helpers.add(name);
    return `${name}(${operands.join(', ')})`;
  }

  #unary(e: UnaryExpr, width: Width): string {
    const x = this.#operand(e.x);
    const [f32, u32] = [typeText('f32', width), typeText('u32', width)];
    switch (e.op) {
      case 'neg':
        return e.type === 'uint32' ? `${u32}(0u) - ${x}` : `-${x}`;
      case 'not':
        return e.type === 'bool' ? `!${x}` : `~${x}`;
      case 'rint':
        return `round(${x})`;
      case 'popcount':
        return `countOneBits(${x})`;
      case 'clz':
        return `countLeadingZeros(${x})`;
      case 'abs':
        return e.type === 'float32' ? `bitcast<${f32}>(bitcast<${u32}>(${x}) & ${u32}(0x7fffffffu))` : `abs(${x})`;
      case 'sqrt':
      case 'floor':
      case 'ceil':
      case 'trunc':
        return `${e.op}(${x})`;
      default:
        throw new Error(`internal error: webgpu: ${e.op} was not expanded`);
    }
  }

  #binary(e: BinaryExpr, width: Width): string {
    const quotient = this.#byConstant(e, width);
    if (quotient !== undefined) return quotient;
    const constants = e.x.op === 'const' && e.y.op === 'const';
    const operandWidth = this.widthOf(e.x) === 4 ? 4 : this.widthOf(e.y);
    const x = constants ? this.#operand(e.x) : this.#rounded(e.x, e, operandWidth);
    const y = this.#rounded(e.y, e, operandWidth);
    return this.combine(e.op, e.x.type, x, y, operandWidth);
  }

  /** Quotients and remainders by a constant that is neither 0 nor -1, where WGSL's semantics are ours. */
  #byConstant({ op, x, y, type }: BinaryExpr, width: Width): string | undefined {
    if ((op !== 'div' && op !== 'rem') || y.op !== 'const' || x.op === 'const') return undefined;
    const c = Number(y.value);
    if (type !== 'uint32' && (type !== 'int32' || c === -1)) return undefined;
    if (c === 0) return undefined;
    const value = this.value(x);
    const isPower = c > 0 && Number.isInteger(Math.log2(c));
    if (isPower && (type === 'uint32' || isNonNegative(x)))
      return op === 'div'
        ? `${value} >> ${splat('u32', width, `${Math.log2(c)}u`)}`
        : `${value} & ${splat(wgslType(type), width, literal(type, c - 1))}`;
    return `${value} ${op === 'div' ? '/' : '%'} ${splat(wgslType(type), width, literal(type, c))}`;
  }

  /**
   * The operand of an operation with a constant, kept from being merged with it if it is such an operation itself: drivers
   * make x of (x + c) - c, whose rounding is the point of it (and of log1p, and of scaling by powers of two).
   */
  #rounded(x: Expr, e: BinaryExpr, width: Width): string {
    const value = this.wide(x, width);
    if (e.type !== 'float32' || !isWithConstant(e) || !isWithConstant(x)) return value;
    const [f32, u32] = [typeText('f32', width), typeText('u32', width)];
    return `bitcast<${f32}>(bitcast<${u32}>(${value}) | ${splat('u32', width, 'runtime_zero')})`;
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

  #cast(e: CastExpr, width: Width): string {
    const x = this.#operand(e.x);
    const [from, to] = [e.x.type, e.type];
    const type = wgslType(to);
    const constant = (value: number): string => splat(type, width, literal(to, value));
    if (e.op === 'bitcast') return `bitcast<${typeText(type, width)}>(${x})`;
    if (to === 'bool') return this.combine('ne', from, x, splat(wgslType(from), width, literal(from, 0)), width);
    if (from === 'bool') return `select(${constant(0)}, ${constant(1)}, ${x})`;
    if (from === 'float32') return this.#call(to === 'int32' ? 'f32_to_i32' : 'f32_to_u32', width, x);
    return to === 'float32' ? `${typeText('f32', width)}(${x})` : `bitcast<${typeText(type, width)}>(${x})`;
  }

  #slot(slot: number): SlotAccess {
    const access = this.slots[slot];
    if (access === undefined) throw new Error(`internal error: no slot ${slot}`);
    return access;
  }

  #element({ variable, base }: SlotAccess, index: string): string {
    return `${variable}[${base === undefined ? index : `${index} + ${base}`}]`;
  }

  /** The element of an index, or with lanes the vector of four. */
  place(slot: number, index: Expr): string {
    const access = this.#slot(slot);
    const lanes = this.#lanes;
    if (lanes === undefined || lanes.of(index).kind === 'uniform') return this.#element(access, this.value(index));
    const { base, isVector } = access;
    if (isVector !== true) throw new Error(`internal error: slot ${slot} is not read as vectors`);
    const quad = this.value(lanes.quadOf(index));
    return this.#element({ ...access, ...(base !== undefined && { base: `${base} / ${LANES}` }) }, quad);
  }

  #load({ buffer, index }: Load, width: Width): string {
    return this.#loaded(this.#slot(buffer), this.place(buffer, index), width);
  }

  /** The element of a slot. */
  load(slot: number, index: string): string {
    const access = this.#slot(slot);
    return this.#loaded(access, this.#element(access, index), 1);
  }

  /** The type in which a binding is read and written. */
  #declared({ declared }: SlotAccess): WgslType {
    return declared === 'atomic<u32>' ? 'u32' : declared;
  }

  #loaded(access: SlotAccess, place: string, width: Width): string {
    const declared = this.#declared(access);
    const raw = access.declared === 'atomic<u32>' ? `atomicLoad(&${place})` : place;
    if (access.dtype === 'bool') return `${raw} != ${splat('u32', width, '0u')}`;
    const type = storedType(access.dtype);
    return declared === type ? raw : `bitcast<${typeText(type, width)}>(${raw})`;
  }

  #stored(access: SlotAccess, value: string, width: Width): string {
    const text =
      access.dtype === 'bool' ? `select(${splat('u32', width, '0u')}, ${splat('u32', width, '1u')}, ${value})` : value;
    const declared = this.#declared(access);
    return declared === storedType(access.dtype) ? text : `bitcast<${typeText(declared, width)}>(${text})`;
  }

  /** Print a store of a value. */
  store(slot: number, index: string, value: string): void {
    this.storeAt(slot, this.#element(this.#slot(slot), index), value, 1);
  }

  /** Print a store of a value of a width. */
  storeAt(slot: number, place: string, value: string, width: Width): void {
    const access = this.#slot(slot);
    const text = this.#stored(access, value, width);
    this.line(access.declared === 'atomic<u32>' ? `atomicStore(&${place}, ${text});` : `${place} = ${text};`);
  }

  /** Print `element = combine(element, value)`, as one atomic step if the slot is atomic. */
  combineAt(slot: number, place: string, op: CombineOp, value: string, width: Width): void {
    const access = this.#slot(slot);
    if (access.declared !== 'atomic<u32>') {
      const before = this.declare(this.#loaded(access, place, width));
      this.storeAt(slot, place, this.declare(this.combine(op, access.dtype, before, value, width)), width);
      return;
    }
    const native = nativeAtomic(op, access.dtype);
    if (native !== undefined) {
      this.line(`${native}(&${place}, ${this.#stored(access, value, 1)});`);
      return;
    }
    // Compare and exchange until nobody came between: WGSL has no atomics of floats, and none that multiply.
    const old = this.name('old');
    this.line(`var ${old} = atomicLoad(&${place});`);
    this.block('loop', () => {
      const type = storedType(access.dtype);
      const before = access.dtype === 'bool' ? `(${old} != 0u)` : type === 'u32' ? old : `bitcast<${type}>(${old})`;
      const next = this.declare(this.#stored(access, this.declare(this.combine(op, access.dtype, before, value)), 1));
      const result = this.declare(`atomicCompareExchangeWeak(&${place}, ${old}, ${next})`);
      this.line(`if (${result}.exchanged) { break; }`);
      this.line(`${old} = ${result}.old_value;`);
    });
  }
}
