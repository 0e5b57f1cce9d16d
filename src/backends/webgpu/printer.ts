/**
 * Prints scalar expressions as WGSL statements: every node that is not a literal becomes a `let`, and nodes that are the
 * same object become one. Scopes follow the blocks of the text.
 */
import type { CombineOp } from '../../core/combine.js';
import type { DType } from '../../core/dtype.js';
import { isNonNegative } from '../../core/index-expr.js';
import type { BinaryExpr, Expr, Load } from '../../core/scalar.js';
import type { LazySelects } from '../../compiler/lazy.js';
import { printBranch } from './branch.js';
import { LANES, type Lanes } from './lanes.js';
import { Operations } from './operations.js';
import { ScopedText } from './scopes.js';
import { literal, splat, storedType, typeText, wgslType, type StoredType, type Width, type Helper } from './wgsl.js';

/** How the elements of a slot are reached. */
export interface SlotAccess {
  readonly dtype: DType;
  /** The variable of its binding. */
  readonly variable: string;
  /** The element type that the binding declares. */
  readonly declared: StoredType | 'atomic<i32>' | 'atomic<u32>';
  /** Added to the index, if the slot does not begin where its binding does. */
  readonly base?: string;
  /** Whether the kernel may write it, so that what was read is not what there is. */
  readonly isWritten?: boolean;
  /** Whether the binding declares vectors of four elements. */
  readonly isVector?: boolean;
}

const COMPONENTS = ['x', 'y', 'z', 'w'] as const;

/** The lanes of a vector, by the text of a name. */
export const components = (name: string): string[] => COMPONENTS.map((c) => `${name}.${c}`);

const isAtomic = ({ declared }: SlotAccess): boolean => declared.startsWith('atomic');

const isSum = (e: Expr): e is BinaryExpr => e.op === 'add' || e.op === 'sub';
const isProduct = (e: Expr): e is BinaryExpr => e.op === 'mul' || e.op === 'div';

/** Whether a driver may apply its algebra, which is that of real numbers. */
const isArithmetic = (e: Expr): e is BinaryExpr => e.type === 'float32' && (isSum(e) || isProduct(e));

const isWithConstant = (e: Expr): boolean => (isSum(e) || isProduct(e)) && (e.x.op === 'const' || e.y.op === 'const');

/** Whether `e` takes `x` and what `x` was made of, as in (a + b) - a: something cancels. */
const isUndone = (x: Expr, e: BinaryExpr): boolean => {
  const other = x === e.x ? e.y : e.x;
  return ((isSum(e) && isSum(x)) || (isProduct(e) && isProduct(x))) && (x.x === other || x.y === other);
};

/** Whether a sum is of what roundings lost, some steps back at most. */
const isResidue = (e: Expr, steps = 3): boolean =>
  isSum(e) && [e.x, e.y].some((x) => isUndone(x, e) || (steps > 0 && isResidue(x, steps - 1)));

/** Whether `e` adds to a sum with a residue in it, which is lost if it is added to the larger term first. */
const isCorrected = (x: Expr, e: BinaryExpr): boolean => isSum(e) && isSum(x) && (isResidue(x.x) || isResidue(x.y));

/** The atomic function that combines words as `op` does values, if there is one. */
function nativeAtomic(op: CombineOp, { dtype, declared }: SlotAccess): string | undefined {
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
      // Signs count only where words are declared to have them.
      if (dtype === 'int32' && declared !== 'atomic<i32>') return undefined;
      return op === 'min' ? 'atomicMin' : 'atomicMax';
    case 'mul':
      return undefined;
  }
}

export class Printer {
  readonly #text = new ScopedText((e) => this.#leaf(e), 1);
  readonly #operations = new Operations();
  /** Text of each accumulator in reach. */
  readonly accumulators = new Map<number, string>();
  /** Text of each loop variable in reach, an i32. */
  readonly variables = new Map<number, string>();
  /** Four iterations at once, if that is what is printed. */
  #lanes: Lanes | undefined;
  #names = 0;

  constructor(
    readonly slots: readonly SlotAccess[],
    readonly lazy: LazySelects,
  ) {}

  get text(): string {
    return this.#text.text;
  }

  /** The helper functions that the text calls. */
  get prelude(): string {
    return this.#operations.prelude;
  }

  line(text: string): void {
    this.#text.line(text);
  }

  /** A block after `head`, with a scope of its own. */
  block(head: string, body: () => void): void {
    this.#text.block(head, false, body);
  }

  /** The same of a loop: what does not change in it is computed before. */
  loop(head: string, body: () => void): void {
    this.#text.block(head, true, body);
  }

  /** What is computed in `body` is forgotten after it. */
  scope(body: () => void): void {
    this.#text.scope(body);
  }

  /** A scope that sees nothing that was computed before of accumulators and of what the kernel writes. */
  scopeAfresh(body: () => void): void {
    this.#text.afresh(body);
  }

  /** A loop variable has this name in the block that is open. */
  bind(variable: number, name: string): void {
    this.variables.set(variable, name);
    this.#text.settle(`var ${variable}`);
  }

  /** An accumulator changes no more while the block that is open is. */
  settle(accumulator: number): void {
    this.#text.settle(`acc ${accumulator}`);
  }

  /** An accumulator that changes. */
  accumulate(accumulator: number, name: string): void {
    this.accumulators.set(accumulator, name);
    this.#text.unsettle(`acc ${accumulator}`);
  }

  #leaf(e: Expr): string | undefined {
    if (e.op === 'var') return `var ${this.#lanes?.loopOf(e.id) ?? e.id}`;
    if (e.op === 'acc') return `acc ${e.id}`;
    if (e.op === 'load' && this.slots[e.buffer]?.isWritten !== false) return 'memory';
    return undefined;
  }

  /** What is printed in `body` is for four values of a loop variable at once. */
  inLanes(lanes: Lanes | undefined, body: () => void): void {
    this.scope(() => {
      this.withLanes(lanes, body);
    });
  }

  /** The same in the scope around, which prints nothing of the variable but in these lanes. */
  withLanes(lanes: Lanes | undefined, body: () => void): void {
    const outer = this.#lanes;
    this.#lanes = lanes;
    body();
    this.#lanes = outer;
  }

  /** Of the value of an expression. */
  widthOf(e: Expr): Width {
    return this.#lanes === undefined || this.#lanes.of(e).kind === 'uniform' ? 1 : 4;
  }

  name(prefix: string): string {
    const name = `${prefix}${this.#names++}`;
    // That of a type would hide it.
    return name === 'i32' ? this.name(prefix) : name;
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
    const sides = e.op === 'select' ? this.lazy.sides.get(e) : undefined;
    if (e.op === 'select' && sides !== undefined)
      return this.#text.remember(
        e,
        () => printBranch(this, e, sides, width),
        (name) => name,
      );
    return this.#text.remember(
      e,
      () => (e.op === 'var' ? this.#run(e) : this.#operation(e, width)),
      (text) => this.declare(text, typeText(wgslType(e.type), width)),
    );
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
        return this.#operations.cast(e, this.#operand(e.x), width);
      default:
        return 'y' in e ? this.#binary(e, width) : this.#operations.unary(e, this.#operand(e.x), width);
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

  #binary(e: BinaryExpr, width: Width): string {
    const quotient = this.#byConstant(e, width);
    if (quotient !== undefined) return quotient;
    const constants = e.x.op === 'const' && e.y.op === 'const';
    const operandWidth = this.widthOf(e.x) === 4 ? 4 : this.widthOf(e.y);
    const x = constants ? this.#operand(e.x) : this.#rounded(e.x, e, operandWidth);
    // What is made of NaN and infinities by themselves is not what drivers make of numbers.
    const isItself = e.x === e.y && isArithmetic(e) && (e.op === 'sub' || e.op === 'div');
    const y = isItself ? this.#opaque(e.y, operandWidth) : this.#rounded(e.y, e, operandWidth);
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
   * The operand of an operation, kept from being merged with it where drivers do so: they make x of (x + c) - c, b of (a + b) - a, and
   * a b + (c + d) of (a b + c) + d, where the order is the point of it (of log1p, of scaling by powers of two, of sums and products in two
   * words). WGSL allows it (§15.7.3); Mesa's drivers do all of it, SwiftShader the first.
   */
  #rounded(x: Expr, e: BinaryExpr, width: Width): string {
    if (!isArithmetic(e)) return this.wide(x, width);
    // Nor what a zero makes of NaN, infinities and -0.
    const isKept =
      (x.op === 'const' && x.value === 0) ||
      (isWithConstant(e) && isWithConstant(x) && !(isSum(e) && isProduct(x))) ||
      isUndone(x, e) ||
      isCorrected(x, e);
    return isKept ? this.#opaque(x, width) : this.wide(x, width);
  }

  /** A float of which a driver knows nothing. */
  #opaque(x: Expr, width: Width): string {
    const [f32, u32] = [typeText('f32', width), typeText('u32', width)];
    return `bitcast<${f32}>(bitcast<${u32}>(${this.wide(x, width)}) | ${splat('u32', width, 'runtime_zero')})`;
  }

  /** The operation on texts of type `type`. */
  combine(op: BinaryExpr['op'] | CombineOp, type: Expr['type'], x: string, y: string, width: Width = 1): string {
    return this.#operations.combine(op, type, x, y, width);
  }

  /** A call of a helper function on a scalar. */
  helper(helper: Helper, x: string): string {
    return this.#operations.helper(helper, x);
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
  #declared({ declared }: SlotAccess): StoredType {
    return declared === 'atomic<u32>' ? 'u32' : declared === 'atomic<i32>' ? 'i32' : declared;
  }

  #loaded(access: SlotAccess, place: string, width: Width): string {
    return this.#value(access, isAtomic(access) ? `atomicLoad(&${place})` : place, width);
  }

  /** The value that lies in memory as `raw`. */
  #value(access: SlotAccess, raw: string, width: Width): string {
    if (access.dtype === 'bool') return `${raw} != ${splat('u32', width, '0u')}`;
    const type = wgslType(access.dtype);
    const declared = this.#declared(access);
    if (declared === 'f16') return `${typeText(type, width)}(${raw})`;
    return declared === type ? raw : `bitcast<${typeText(type, width)}>(${raw})`;
  }

  #stored(access: SlotAccess, value: string, width: Width): string {
    const text =
      access.dtype === 'bool' ? `select(${splat('u32', width, '0u')}, ${splat('u32', width, '1u')}, ${value})` : value;
    const declared = this.#declared(access);
    // What is rounded to a half is one, so that nothing is left to a driver's rounding.
    if (declared === 'f16') return `${typeText(declared, width)}(${text})`;
    return declared === storedType(access.dtype, false) ? text : `bitcast<${typeText(declared, width)}>(${text})`;
  }

  /** Print a store of a value. */
  store(slot: number, index: string, value: string): void {
    this.storeAt(slot, this.#element(this.#slot(slot), index), value, 1);
  }

  /** Print a store of a value of a width. */
  storeAt(slot: number, place: string, value: string, width: Width): void {
    const access = this.#slot(slot);
    const text = this.#stored(access, value, width);
    this.line(isAtomic(access) ? `atomicStore(&${place}, ${text});` : `${place} = ${text};`);
  }

  /** Print `element = combine(element, value)`, as one atomic step if the slot is atomic. */
  combineAt(slot: number, place: string, op: CombineOp, value: string, width: Width): void {
    const access = this.#slot(slot);
    if (!isAtomic(access)) {
      const before = this.declare(this.#loaded(access, place, width));
      this.storeAt(slot, place, this.declare(this.combine(op, access.dtype, before, value, width)), width);
      return;
    }
    const native = nativeAtomic(op, access);
    if (native !== undefined) {
      this.line(`${native}(&${place}, ${this.#stored(access, value, 1)});`);
      return;
    }
    // Compare and exchange until nobody came between: WGSL has no atomics of floats, and none that multiply.
    const old = this.name('old');
    this.line(`var ${old} = atomicLoad(&${place});`);
    this.block('loop', () => {
      const before = this.declare(this.#value(access, old, 1));
      const next = this.declare(this.#stored(access, this.declare(this.combine(op, access.dtype, before, value)), 1));
      // As many extrema do.
      this.line(`if (${next} == ${old}) { break; }`);
      const result = this.declare(`atomicCompareExchangeWeak(&${place}, ${old}, ${next})`);
      this.line(`if (${result}.exchanged) { break; }`);
      this.line(`${old} = ${result}.old_value;`);
    });
  }
}
