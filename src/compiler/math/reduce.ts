/**
 * Reduction of huge arguments modulo pi without branches or tables in memory, after M. Payne and R. Hanek, "Radian
 * reduction for trigonometric functions", SIGNUM Newsletter 18 (1983).
 *
 * x = M 2^(w - c): M an integer of the word size, w the start of the window of exponents that x lies in. The bits of
 * 2^(w - c) / pi modulo 2, three words of them, are picked by selects over the windows; their product with M, modulo 2
 * and kept to two words, is x / pi modulo 2 in fixed point. Closest to a multiple of pi / 2 a float32 leaves about 30
 * leading zeros after the binary point and a float64 about 62, so at least 32 significant bits (64 for float64) remain.
 */
import { bitcast, constant, convert, select } from '../../core/scalar.js';
import type { Expr, ScalarType } from '../../core/scalar.js';
import {
  abs,
  add,
  and,
  byFormat,
  fastTwoSum,
  formatOf,
  fromBits,
  ge,
  lt,
  mul,
  ne,
  not,
  or,
  pick,
  shl,
  shrA,
  shrL,
  split,
  sub,
  toBits,
} from './builder.js';
import type { Pair } from './builder.js';

// The first 1280 bits of 1 / pi after the binary point (mpmath).
const INV_PI = BigInt(
  '0x517cc1b727220a94fe13abe8fa9a6ee06db14acc9e21c820ff28b1d5ef5de2b0db92371d2126e9700324977504e8c90e7f0e' +
    'f58e5894d39f74411afa975da24274ce38135a2fbf209cc8eb1cc1a99cfa4e422fc5defc941d8ffc4bffef02cc07f79788c5' +
    'ad05368fb69b3f6793e584dba7a31fb34f2ff516ba93dd63f5f2f8bd9e839cfbc529497535fdafd88fc6ae842b0198237e3d' +
    'b5d5f867de104d7a1b0e',
);
const INV_PI_BITS = 1280n;

/** `count` words of floor(2^exponent / pi), modulo 2^(count bits), highest first. */
function invPiWords(exponent: number, count: number, bits: 32 | 64, type: ScalarType): Expr[] {
  const all = INV_PI >> (INV_PI_BITS - BigInt(exponent));
  return Array.from({ length: count }, (_, i) => {
    const word = BigInt.asUintN(bits, all >> BigInt(bits * (count - 1 - i)));
    return constant(type, bits === 32 ? Number(word) : BigInt.asIntN(64, word));
  });
}

type Words = readonly [Expr, Expr, Expr];
/** The three leading ones of a list of words. */
function three(words: readonly Expr[]): Words {
  const [a, b, c] = words;
  if (a === undefined || b === undefined || c === undefined) throw new Error('payne-hanek: three words expected');
  return [a, b, c];
}

/** Picks the words of the last window whose lower end, a power of two, is at most ax. */
function pickWindow(ax: Expr, windows: readonly { readonly from: number; readonly words: readonly Expr[] }[]): Expr[] {
  const [first, ...rest] = windows;
  if (first === undefined) throw new Error('payne-hanek: no windows');
  return rest.reduce<Expr[]>(
    (chosen, { from, words }) => {
      const reached = ge(ax, from);
      return chosen.map((word, i) => select(reached, words[i] ?? word, word));
    },
    [...first.words],
  );
}

/** M and the three words for float32: windows of 8 exponents, so that M = |x| 2^k fits 32 bits. */
function scale32(ax: Expr): { m: Expr; words: Words } {
  const windows = [];
  for (let start = 136; start < 255; start += 8) {
    windows.push({ from: 2 ** (start - 127), words: invPiWords(start - 151 + 95, 3, 32, 'uint32') });
  }
  // 2^(151 - start), from the exponent bits with the lower three cleared
  const power = fromBits(sub(278 * 2 ** 23, and(toBits(ax), 0x7c000000)));
  return { m: convert('uint32', mul(ax, power)), words: three(pickWindow(ax, windows)) };
}

/** M and the three words for float64: windows of 64 exponents, refined to 8 by shifting four words. */
function scale64(ax: Expr): { m: Expr; words: Words } {
  const bits = toBits(ax);
  const windows = [];
  for (let start = 1024; start < 2047; start += 64) {
    windows.push({ from: 2 ** (start - 1023), words: invPiWords(start - 1075 + 255, 4, 64, 'int64') });
  }
  const exponentBit = (i: number): Expr => ne(and(bits, 2n ** BigInt(52 + i)), 0n);
  const words = [5, 4, 3].reduce<Expr[]>(
    (from, i) => {
      const set = exponentBit(i);
      const by = 2 ** i;
      return from.map((word, k) => {
        const next = from[k + 1];
        const moved = shl(word, by);
        return select(set, next === undefined ? moved : or(moved, shrL(next, 64 - by)), word);
      });
    },
    pickWindow(ax, windows),
  );
  const significand = or(and(bits, 2n ** 52n - 1n), 2n ** 52n);
  const m = [0, 1, 2].reduce<Expr>((v, i) => pick(exponentBit(i), shl(v, 2 ** i), v), significand);
  return { m, words: three(words) };
}

/** The high word of the product of two unsigned words, from four products of their halves. */
function mulHigh(a: Expr, b: Expr, half: 16 | 32): Expr {
  const mask = half === 16 ? 0xffff : 0xffffffffn;
  const aLow = and(a, mask);
  const aHigh = shrL(a, half);
  const bLow = and(b, mask);
  const bHigh = shrL(b, half);
  const t = add(mul(aHigh, bLow), shrL(mul(aLow, bLow), half));
  const w = add(and(t, mask), mul(aLow, bHigh));
  return add(mul(aHigh, bHigh), shrL(t, half), shrL(w, half));
}

/** The carry (0 or 1) out of the unsigned sum of two words. */
const carry = (a: Expr, b: Expr, sum: Expr, top: number): Expr => shrL(or(and(a, b), and(or(a, b), not(sum))), top);

/** A half word (signed or not) as a float of the format; 64-bit halves by way of the bits of a float. */
function halfToFloat(x: Expr, wide: boolean): Expr {
  if (!wide) return convert('float32', x);
  const magic = 1.5 * 2 ** 52;
  return sub(fromBits(add(x, toBits(constantBits(magic)))), magic);
}
const constantBits = (value: number): Expr => constant('float64', value);

// pi = hi + lo, hi with half the bits of the format.
const PI_HI = [3.140625, 3.1415926218032837] as const;
const PI_LO = [0.0009676535897932385, 3.178650954705639e-8] as const;

export interface Reduced {
  /** The remainder, at most half a unit in size. */
  readonly r: Expr;
  /** What rounding r lost, for float64. */
  readonly lost?: Expr;
  /** An integer whose sign bit is the parity of the multiple taken out. */
  readonly parity: Expr;
}

/**
 * |x| = n pi unit + r for large |x| (garbage for small; NaN for infinite and NaN x). `unit` is 1 or 1/2; `half` adds half
 * a unit to |x| first.
 */
export function reduceLarge(x: Expr, unit: 1 | 0.5, half: boolean): Reduced {
  const f = formatOf(x);
  const wide = f.type === 'float64';
  const halfBits = wide ? 32 : 16;
  const top = wide ? 63 : 31;
  const ax = abs(x);
  const { m, words } = wide ? scale64(ax) : scale32(ax);
  const [w0, w1, w2] = words;
  const middle = mul(m, w1);
  const below = mulHigh(m, w2, halfBits);
  const productLow = add(middle, below);
  const productHigh = add(mul(m, w0), mulHigh(m, w1, halfBits), carry(middle, below, productLow, top));

  // x / (pi unit) modulo 2 as `high` 2^-top + `low` 2^-(2 top + 1)
  const doubled = unit === 0.5;
  const low = doubled ? shl(productLow, 1) : productLow;
  const scaled = doubled ? or(shl(productHigh, 1), shrL(productLow, top)) : productHigh;
  const quarter = wide ? 2n ** 62n : 2 ** 30;
  const high = half ? add(scaled, quarter) : scaled;
  const parity = and(add(high, quarter), wide ? -(2n ** 63n) : 2 ** 31);
  const signed = sub(high, parity);
  const asSigned = wide ? signed : castInt(signed);

  const mask = wide ? 0xffffffffn : 0xffff;
  const unitBits = 2 ** -top;
  const halfScale = 2 ** halfBits;
  const first = mul(halfToFloat(shrA(asSigned, halfBits), wide), unitBits * halfScale);
  const second = mul(halfToFloat(and(asSigned, mask), wide), unitBits);
  const third = mul(halfToFloat(shrL(low, halfBits), wide), unitBits / halfScale);
  const fourth = mul(halfToFloat(and(low, mask), wide), unitBits / halfScale / halfScale);
  const sum = fastTwoSum(first, second); // exact: the two overlap in no bit
  const v = fastTwoSum(sum.hi, add(sum.lo, add(third, fourth)));
  const r = timesPi(v, unit);
  return {
    r: pick(lt(ax, Infinity), r.hi, NaN),
    ...(wide && { lost: r.lo }),
    parity: wide ? parity : castInt(parity),
  };
}

const castInt = (x: Expr): Expr => bitcast('int32', x);

/** v pi unit. */
function timesPi(v: Pair, unit: number): Pair {
  const { hi, lo } = split(v.hi);
  const rest = add(mul(add(lo, v.lo), Math.PI * unit), mul(hi, byFormat(v.hi, ...PI_LO) * unit));
  return fastTwoSum(mul(hi, byFormat(v.hi, ...PI_HI) * unit), rest);
}
