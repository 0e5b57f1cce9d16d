/**
 * Small helpers for writing expansions of functions in the scalar IR: constants by the type of their operand,
 * polynomials, and the error-free transformations (Knuth, Dekker; Muller et al., "Handbook of Floating-Point
 * Arithmetic", 2nd ed., chapter 4). They rely on separately rounded operations that nobody reassociates.
 *
 * Shift counts are always constants: Wasm SIMD shifts all lanes by one count. 64-bit integers are never converted
 * from or to floats (Wasm SIMD cannot); the bits of float64 are moved by adding 1.5 * 2^52 instead.
 */
import { binary, bitcast, constant, select, unary } from '../../core/scalar.js';
import type { BinaryOp, Expr, ScalarType } from '../../core/scalar.js';

/** An operand: an expression, or a number that takes the type of the other operand. */
export type Operand = Expr | number | bigint;

/** What an expansion needs to know about a floating-point format. */
export interface Format {
  readonly type: 'float32' | 'float64';
  /** The integer type of the same width. */
  readonly bits: 'int32' | 'int64';
  /** Stored significand bits. */
  readonly stored: number;
  readonly bias: number;
  /** 1.5 * 2^stored: adding and subtracting it rounds to an integer, whose bits then sit in the low end of the sum. */
  readonly magic: number;
  /** Keeps the upper half of the significand, for exact products. */
  readonly upperHalf: number | bigint;
  readonly signBit: number | bigint;
  readonly largest: number;
  /** Smallest positive normal number. */
  readonly tiny: number;
}

const F32: Format = {
  type: 'float32',
  bits: 'int32',
  stored: 23,
  bias: 127,
  magic: 1.5 * 2 ** 23,
  upperHalf: -4096, // 0xfffff000: 12 significant bits remain
  signBit: -(2 ** 31),
  largest: (2 - 2 ** -23) * 2 ** 127,
  tiny: 2 ** -126,
};
const F64: Format = {
  type: 'float64',
  bits: 'int64',
  stored: 52,
  bias: 1023,
  magic: 1.5 * 2 ** 52,
  upperHalf: -(2n ** 27n), // 26 significant bits remain
  signBit: -(2n ** 63n),
  largest: Number.MAX_VALUE,
  tiny: 2 ** -1022,
};

/** The format of a float32 or float64 expression. */
export function formatOf(x: Expr): Format {
  if (x.type === 'float32') return F32;
  if (x.type === 'float64') return F64;
  throw new Error(`math expansion: expected a float32 or float64 operand, got ${x.type}`);
}

/** A literal of `type`; numbers are rounded to float32, and become bigints for int64. */
export function literal(type: ScalarType, value: number | bigint): Expr {
  switch (type) {
    case 'float32':
      return constant(type, Math.fround(Number(value)));
    case 'int64':
      return constant(type, BigInt.asIntN(64, BigInt(value)));
    case 'int32':
      return constant(type, Number(value) | 0);
    case 'uint32':
      return constant(type, Number(value) >>> 0);
    default:
      return constant(type, Number(value));
  }
}

const isExpr = (x: Operand): x is Expr => typeof x === 'object';

function lift(op: BinaryOp, x: Operand, y: Operand): Expr {
  if (isExpr(x)) return binary(op, x, isExpr(y) ? y : literal(x.type, y));
  if (isExpr(y)) return binary(op, literal(y.type, x), y);
  throw new Error(`math expansion: ${op} of two literals`);
}

const op2 =
  (op: BinaryOp) =>
  (x: Operand, y: Operand): Expr =>
    lift(op, x, y);

export const sub = op2('sub');
export const div = op2('div');
export const and = op2('and');
export const or = op2('or');
export const xor = op2('xor');
export const shl = op2('shl');
export const shrL = op2('shrLogical');
export const shrA = op2('shrArithmetic');
export const eq = op2('eq');
export const ne = op2('ne');
export const lt = op2('lt');
export const le = op2('le');
export const gt = op2('gt');
export const ge = op2('ge');

/** Sum of the operands, from the left. */
export const add = (x: Operand, y: Operand, ...rest: Operand[]): Expr =>
  rest.reduce<Expr>((sum, r) => lift('add', sum, r), lift('add', x, y));
/** Product of the operands, from the left. */
export const mul = (x: Operand, y: Operand, ...rest: Operand[]): Expr =>
  rest.reduce<Expr>((product, r) => lift('mul', product, r), lift('mul', x, y));

export const neg = (x: Expr): Expr => unary('neg', x);
export const abs = (x: Expr): Expr => (x.op === 'abs' ? x : unary('abs', x));
export const sqrt = (x: Expr): Expr => unary('sqrt', x);
export const trunc = (x: Expr): Expr => unary('trunc', x);
export const rint = (x: Expr): Expr => unary('rint', x);
export const not = (x: Expr): Expr => unary('not', x);

/** `cond ? x : y`, where one of the branches may be a number. */
export function pick(cond: Expr, x: Operand, y: Operand): Expr {
  if (isExpr(x)) return select(cond, x, isExpr(y) ? y : literal(x.type, y));
  if (isExpr(y)) return select(cond, literal(y.type, x), y);
  throw new Error('math expansion: select of two literals has no type');
}

/** `cond ? x : y` of two numbers, with the type of `like`. */
export const pickLiteral = (like: Expr, cond: Expr, x: number, y: number): Expr =>
  select(cond, literal(like.type, x), literal(like.type, y));

/** max(x, low), NaN stays NaN. As a select, which is exactly Wasm's one-instruction f32x4.pmax(x, low). */
export const atLeast = (x: Expr, low: number): Expr => pick(lt(x, low), low, x);
/** min(x, high), NaN stays NaN. As a select, which is exactly Wasm's one-instruction f32x4.pmin(x, high). */
export const atMost = (x: Expr, high: number): Expr => pick(lt(high, x), high, x);

/** c0 + c1 x + c2 x^2 + ... by Horner's rule. */
export function poly(x: Expr, coefficients: readonly number[]): Expr {
  const [highest, ...lower] = coefficients.toReversed();
  if (highest === undefined) throw new Error('math expansion: a polynomial without coefficients');
  return lower.reduce<Expr>((sum, c) => add(mul(sum, x), c), literal(x.type, highest));
}

/**
 * The same by Estrin's scheme: the upper half of the coefficients times a power of x plus the lower half, and so on. A few
 * multiplications more, but only about the logarithm of the degree of them one after the other. Where the polynomial is
 * not a small correction, the roundings of the powers count: then Horner's rule is the more accurate.
 */
export function estrin(x: Expr, coefficients: readonly number[]): Expr {
  if (coefficients.length <= 2) return poly(x, coefficients);
  let half = 1;
  let power = x;
  while (2 * half < coefficients.length) {
    half *= 2;
    power = mul(power, power);
  }
  return add(mul(estrin(x, coefficients.slice(half)), power), estrin(x, coefficients.slice(0, half)));
}

/** Coefficient lists for the two formats. */
export interface Coefficients {
  readonly float32: readonly number[];
  readonly float64: readonly number[];
}
export const polyOf = (x: Expr, c: Coefficients): Expr => poly(x, c[formatOf(x).type]);
/** One of two numbers, by format. */
export const byFormat = (x: Expr, float32: number, float64: number): number =>
  x.type === 'float32' ? float32 : float64;

export const toBits = (x: Expr): Expr => bitcast(formatOf(x).bits, x);
export const fromBits = (x: Expr): Expr => bitcast(x.type === 'int64' ? 'float64' : 'float32', x);

/** The sign bit of x as an integer. */
export const signOf = (x: Expr): Expr => and(toBits(x), formatOf(x).signBit);
/** `magnitude` (not negative) with the sign of x. */
export const withSignOf = (magnitude: Expr, x: Expr): Expr => fromBits(or(toBits(magnitude), signOf(x)));
/** x with its sign flipped where the sign bit of `bits` is set. */
export const flipSign = (x: Expr, bits: Expr): Expr => fromBits(xor(toBits(x), bits));

export interface Rounded {
  /** The nearest integer (halves to even) as a float. */
  readonly value: Expr;
  /** Integer bits whose low end is `value + offset`. */
  readonly low: Expr;
}
/** Rounds x, |x| < 2^(stored - 2), to the nearest integer; `offset` (an integer) is added to the integer bits. */
export function roundToBits(x: Expr, offset = 0): Rounded {
  const magic = formatOf(x).magic + offset;
  const sum = add(x, magic);
  return { value: sub(sum, magic), low: toBits(sum) };
}
/** 2^k from integer bits whose low end is k + bias, 0 < k + bias < 2 bias + 1. */
export const pow2 = (low: Expr): Expr => fromBits(shl(low, low.type === 'int64' ? 52 : 23));

/** An unevaluated sum hi + lo. */
export interface Pair {
  readonly hi: Expr;
  readonly lo: Expr;
}
/** hi = fl(a + b) and its rounding error (Knuth's TwoSum). */
export function twoSum(a: Expr, b: Expr): Pair {
  const hi = add(a, b);
  const bb = sub(hi, a);
  return { hi, lo: add(sub(a, sub(hi, bb)), sub(b, bb)) };
}
/** The same for |a| >= |b| (Dekker's Fast2Sum). */
export function fastTwoSum(a: Expr, b: Expr): Pair {
  const hi = add(a, b);
  return { hi, lo: sub(b, sub(hi, a)) };
}
/** x as a sum of two numbers of half the precision. */
export function split(x: Expr): Pair {
  const hi = upperHalf(x);
  return { hi, lo: sub(x, hi) };
}
export const upperHalf = (x: Expr): Expr => fromBits(and(toBits(x), formatOf(x).upperHalf));
/** hi = fl(a b) and its rounding error (Dekker's product, splitting by truncation), barring under- and overflow. */
export function twoProduct(a: Expr, b: Expr, as: Pair = split(a), bs: Pair = split(b)): Pair {
  const hi = mul(a, b);
  const lo = add(add(add(sub(mul(as.hi, bs.hi), hi), mul(as.hi, bs.lo)), mul(as.lo, bs.hi)), mul(as.lo, bs.lo));
  return { hi, lo };
}
