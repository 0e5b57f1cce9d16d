/** Elementwise arithmetic: neg, sign, add, sub, mul, div, rem, max, min, abs, powers, roots, rounding, clamp, select. */
import { nth } from '../core/axes.js';
import { ShapedArray } from '../core/aval.js';
import { isInteger } from '../core/dtype.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { definePrimitive, LinearOperand, Zero, type Primitive, type TransposeRule } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2, take3 } from '../core/tuple.js';
import { broadcastTo, full } from './broadcast.js';
import { bitwiseAnd, eq, gt, lt } from './compare.js';
import { lift, lift1, liftNumber } from './lift.js';
import { notLinearIn } from './linear-rules.js';
import { alignBatch, binary, elementwiseShape, linearIn, naryPrimitive, unary, unbroadcast } from './nary.js';

/** Negation. */
export const neg = unary('neg', {
  dtypes: 'numeric',
  jvp: (dx) => neg(dx),
  transpose: linearIn((ct) => neg(ct)),
  lower: (x) => s.unary('neg', x),
});

/** Sum of two arrays of one shape and dtype. */
export const add = binary('add', {
  dtypes: 'numeric',
  jvp: [(dx) => dx, (dy) => dy],
  transpose: linearIn(
    (ct) => ct,
    (ct) => ct,
  ),
  lower: (x, y) => s.binary('add', x, y),
});

/** Difference. */
export const sub = binary('sub', {
  dtypes: 'numeric',
  jvp: [(dx) => dx, (dy) => neg(dy)],
  transpose: linearIn(
    (ct) => ct,
    (ct) => neg(ct),
  ),
  lower: (x, y) => s.binary('sub', x, y),
});

/** Transpose of a product: linear in one operand, the other is known. */
const productTranspose: TransposeRule<Record<string, never>> = (cotangents, operands) => {
  const [ct] = take1(cotangents);
  const [x, y] = take2(operands);
  if (ct instanceof Zero) return [null, null];
  if (x instanceof LinearOperand && y instanceof LinearOperand) throw notLinearIn('mul', 'both operands depend');
  const part = (linear: typeof x, known: typeof y): NDArray | null =>
    linear instanceof LinearOperand && !(known instanceof LinearOperand)
      ? unbroadcast(mul(ct, known), linear.aval)
      : null;
  return [part(x, y), part(y, x)];
};

/** Product. */
export const mul = binary('mul', {
  dtypes: 'numeric',
  jvp: [(dx, _x, y) => mul(dx, y), (dy, x) => mul(x, dy)],
  transpose: productTranspose,
  lower: (x, y) => s.binary('mul', x, y),
});

/** Quotient: IEEE for floats; integers truncate toward zero, and x/0 is -1 (as in XLA). */
export const div = binary('div', {
  dtypes: 'numeric',
  jvp: [(dx, _x, y) => div(dx, y), (dy, _x, y, out) => mul(neg(dy), div(out, y))],
  transpose: (cotangents, operands) => {
    const [ct] = take1(cotangents);
    const [x, y] = take2(operands);
    if (y instanceof LinearOperand) throw notLinearIn('div', 'the divisor depends');
    if (ct instanceof Zero || !(x instanceof LinearOperand)) return [null, null];
    return [unbroadcast(div(ct, y), x.aval), null];
  },
  lower: (x, y) => s.binary('div', x, y),
  domains: [
    [-2, 2],
    [0.5, 3],
  ],
});

/** Remainder with the sign of the dividend (C's fmod); integers: x rem 0 = x. */
export const rem = binary('rem', {
  dtypes: 'numeric',
  jvp: [(dx) => dx, (dy, x, y) => mul(neg(dy), trunc(div(x, y)))],
  lower: (x, y) => s.binary(x.type === 'float32' || x.type === 'float64' ? 'fmod' : 'rem', x, y),
  cost: 'expensive',
  domains: [
    [-5, 5],
    [1, 3],
  ],
});

/** 1 where `test` holds, 1/2 where it ties, else 0: how max and min split a tangent (as JAX does). */
const balanced = (x: NDArray, y: NDArray, out: NDArray, side: 0 | 1): NDArray => {
  const mine = side === 0 ? x : y;
  const other = side === 0 ? y : x;
  const whole = broadcastTo(scalarLike(1, out), out.aval.shape);
  const half = broadcastTo(scalarLike(0.5, out), out.aval.shape);
  const none = broadcastTo(scalarLike(0, out), out.aval.shape);
  const wide = (a: NDArray): NDArray => broadcastTo(a, out.aval.shape);
  return select(eq(wide(mine), out), select(eq(wide(other), out), half, whole), none);
};

/** Larger of two; NaN if either is NaN. Ties split the gradient evenly. */
export const max = binary('max', {
  dtypes: 'any',
  jvp: [(d, x, y, out) => mul(d, balanced(x, y, out, 0)), (d, x, y, out) => mul(d, balanced(x, y, out, 1))],
  lower: (x, y) => s.binary('max', x, y),
});

/** Smaller of two; NaN if either is NaN. Ties split the gradient evenly. */
export const min = binary('min', {
  dtypes: 'any',
  jvp: [(d, x, y, out) => mul(d, balanced(x, y, out, 0)), (d, x, y, out) => mul(d, balanced(x, y, out, 1))],
  lower: (x, y) => s.binary('min', x, y),
});

/** -1, 0 or 1; NaN stays NaN, zeros keep their sign. */
export const sign = unary('sign', {
  dtypes: 'numeric',
  jvp: (dx) => mul(dx, scalarLike(0, dx)),
  lower: (x) => {
    const zero = s.constant(x.type, 0);
    const one = s.constant(x.type, 1);
    if (x.type === 'uint32') return s.select(s.binary('gt', x, zero), one, zero);
    const signed = s.select(s.binary('gt', x, zero), one, s.select(s.binary('lt', x, zero), s.constant(x.type, -1), x));
    return signed;
  },
  domain: [0.5, 2],
});

/** Absolute value. */
export const abs = unary('abs', {
  dtypes: 'numeric',
  jvp: (dx, x) => mul(dx, sign(x)),
  lower: (x) => (x.type === 'uint32' ? x : s.unary('abs', x)),
  domain: [0.2, 2],
});

/** x². */
export const square = unary('square', {
  dtypes: 'numeric',
  jvp: (dx, x) => mul(dx, mul(scalarLike(2, x), x)),
  lower: (x) => s.binary('mul', x, x),
});

/** Square root. */
export const sqrt = unary('sqrt', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, div(scalarLike(0.5, y), y)),
  lower: (x) => s.unary('sqrt', x),
  domain: [0.1, 4],
});

/** 1/√x. */
export const rsqrt = unary('rsqrt', {
  dtypes: 'float',
  jvp: (dx, x, y) => mul(dx, mul(scalarLike(-0.5, x), div(y, x))),
  lower: (x) => s.unary('rsqrt', x),
  domain: [0.2, 4],
});

/** Cube root, of negative numbers too. */
export const cbrt = unary('cbrt', {
  dtypes: 'float',
  jvp: (dx, _x, y) => mul(dx, div(scalarLike(1 / 3, y), mul(y, y))),
  lower: (x) => s.unary('cbrt', x),
  cost: 'expensive',
  domain: [0.2, 4],
});

/** Tangent of a piecewise constant function. */
const rounding = (dx: NDArray): NDArray => mul(dx, scalarLike(0, dx));

/** Largest integer not above x. Its derivative is zero. */
export const floor = unary('floor', {
  dtypes: 'float',
  jvp: rounding,
  lower: (x) => s.unary('floor', x),
  domain: [0.1, 0.9],
});
/** Smallest integer not below x. Its derivative is zero. */
export const ceil = unary('ceil', {
  dtypes: 'float',
  jvp: rounding,
  lower: (x) => s.unary('ceil', x),
  domain: [0.1, 0.9],
});
/** Integer part, toward zero. Its derivative is zero. */
export const trunc = unary('trunc', {
  dtypes: 'float',
  jvp: rounding,
  lower: (x) => s.unary('trunc', x),
  domain: [0.1, 0.9],
});

type RoundParams = { readonly roundingMethod: 'AWAY_FROM_ZERO' | 'TO_NEAREST_EVEN' };
const roundP = naryPrimitive<RoundParams>('round', 1, {
  dtypes: 'float',
  jvp: [(d) => mul(d, scalarLike(0, d))],
  lower: (operands, { roundingMethod }) =>
    s.unary(roundingMethod === 'TO_NEAREST_EVEN' ? 'rint' : 'round', take1(operands)[0]),
  domains: [[0.1, 0.4]],
  exampleParams: [{ roundingMethod: 'AWAY_FROM_ZERO' }, { roundingMethod: 'TO_NEAREST_EVEN' }],
});

/** Nearest integer; halves away from zero, or to even. Its derivative is zero. */
export function round(x: ArrayLike, roundingMethod: RoundParams['roundingMethod'] = 'AWAY_FROM_ZERO'): NDArray {
  return bind1(roundP, [lift1('round', x)], { roundingMethod });
}

type IntegerPowParams = { readonly y: number };
function integerPowExpr(x: s.Expr, y: number): s.Expr {
  if (y < 0) return s.binary('div', s.constant(x.type, 1), integerPowExpr(x, -y));
  let result: s.Expr | undefined;
  for (let base: s.Expr = x; y > 0; y >>>= 1, base = s.binary('mul', base, base)) {
    if (y & 1) result = result === undefined ? base : s.binary('mul', result, base);
  }
  return result ?? s.constant(x.type, 1);
}
const integerPowP = naryPrimitive<IntegerPowParams>('integer_pow', 1, {
  dtypes: 'numeric',
  jvp: [
    (d, operands, _out, { y }) => {
      const [x] = take1(operands);
      return y === 0 ? mul(d, scalarLike(0, d)) : mul(d, mul(scalarLike(y, x), integerPow(x, y - 1)));
    },
  ],
  lower: (operands, { y }) => integerPowExpr(take1(operands)[0], y),
  domains: [[0.5, 2]],
  exampleParams: [{ y: 2 }, { y: 3 }, { y: 0 }, { y: 7 }],
});

/** x to a fixed integer power, by repeated multiplication. */
export function integerPow(x: ArrayLike, y: number): NDArray {
  const array = lift1('integer_pow', x);
  if (!Number.isInteger(y))
    throw new DTypeError(`integer_pow: the exponent ${String(y)} is no integer; use pow.${userLine()}`);
  if (isInteger(array.dtype) && y < 0) {
    throw new DTypeError(
      `integer_pow: integers cannot be raised to the negative power ${String(y)}; convert with x.astype('float32').${userLine()}`,
    );
  }
  return y === 1 ? array : bind1(integerPowP, [array], { y });
}

/** The larger of `lo` and the smaller of `x` and `hi`. The gradient passes where `lo < x < hi`. */
const clampP = naryPrimitive<Record<string, never>>('clamp', 3, {
  dtypes: 'any',
  jvp: [
    (d, operands) => {
      const [lo, x, hi] = take3(operands);
      return maskedBy(bitwiseAnd(gt(lo, x), lt(lo, hi)), d);
    },
    (d, operands) => {
      const [lo, x, hi] = take3(operands);
      return maskedBy(bitwiseAnd(gt(x, lo), lt(x, hi)), d);
    },
    (d, operands) => {
      const [, x, hi] = take3(operands);
      return maskedBy(lt(hi, x), d);
    },
  ],
  lower: (operands) => {
    const [lo, x, hi] = take3(operands);
    return s.binary('min', s.binary('max', x, lo), hi);
  },
  domains: [
    [-0.5, -0.4],
    [-1, 1],
    [0.4, 0.5],
  ],
});
const maskedBy = (mask: NDArray, d: NDArray): NDArray => {
  const shape = mask.ndim > d.ndim ? mask.aval.shape : d.aval.shape;
  return select(broadcastTo(mask, shape), broadcastTo(d, shape), full(shape, 0, d.dtype));
};

/** `x` limited to `[lo, hi]`. */
export function clamp(lo: ArrayLike, x: ArrayLike, hi: ArrayLike): NDArray {
  const array = lift1('clamp', x);
  const bound = (b: ArrayLike): NDArray => (typeof b === 'object' ? b : liftNumber(b, array.dtype, 'clamp'));
  return bind1(clampP, [bound(lo), array, bound(hi)], {});
}

// select_n is not in the nary family: its first operand has another dtype, and it is linear in the cases.
const selectNP: Primitive<Record<string, never>> = definePrimitive<Record<string, never>>({
  name: 'select_n',
  abstract: ([which, ...cases]) => {
    const first = cases[0];
    if (which === undefined || first === undefined)
      throw new ShapeError('select_n: needs a selector and at least one case');
    if (which.dtype !== 'bool' && which.dtype !== 'int32') {
      throw new DTypeError(`select_n: the selector must be bool or int32, got ${which.dtype}.${userLine()}`);
    }
    if (which.dtype === 'bool' && cases.length > 2) {
      throw new DTypeError(
        `select_n: a bool selector chooses between 2 cases, got ${String(cases.length)}.${userLine()}`,
      );
    }
    if (cases.some((c) => c.dtype !== first.dtype)) {
      throw new DTypeError(
        `select_n: cases have dtypes ${cases.map((c) => c.dtype).join(' and ')}, which must be equal.${userLine()}`,
      );
    }
    const shape = elementwiseShape('select_n', [which, ...cases]);
    return [
      new ShapedArray(
        shape,
        first.dtype,
        cases.every((c) => c.weakType),
      ),
    ];
  },
  jvp: (primals, tangents) => {
    const [which, ...cases] = primals;
    const out = bind1(selectNP, primals, {});
    const all = tangents.slice(1);
    const nonzero = all.filter((d) => !(d instanceof Zero)).length;
    if (which === undefined || nonzero === 0) return { primals: [out], tangents: [new Zero(out.aval.strengthen())] };
    const shape = out.aval.shape;
    const ds = all.map((d, i) => (d instanceof Zero ? full(shape, 0, nth(cases, i).dtype) : broadcastTo(d, shape)));
    return { primals: [out], tangents: [bind1(selectNP, [which, ...ds], {})] };
  },
  transpose: (cotangents, operands) => {
    const [ct] = take1(cotangents);
    const which = nth(operands, 0);
    if (ct instanceof Zero || which instanceof LinearOperand) return operands.map(() => null);
    const zeros = full(ct.aval.shape, 0, ct.dtype);
    return operands.map((x, i) => {
      if (i === 0 || !(x instanceof LinearOperand)) return null;
      const cases = operands.slice(1).map((_, j) => (j === i - 1 ? ct : zeros));
      return unbroadcast(bind1(selectNP, [which, ...cases], {}), x.aval);
    });
  },
  batch: (size, operands, dims) => {
    const aligned = alignBatch(size, operands, dims);
    return { results: [bind1(selectNP, aligned.operands, {})], dims: [aligned.dim] };
  },
  lower: ([which]) => ({
    kind: 'map',
    cost: 'cheap',
    elementwise: true,
    at: (operands, index) => {
      const [w, ...cases] = operands.map((o) => o.at(o.aval.ndim === 0 ? [] : index));
      const last = nth(cases, cases.length - 1);
      if (w === undefined) throw new Error('select_n: no selector');
      if (which?.dtype === 'bool') return [cases.length === 1 ? last : s.select(w, last, nth(cases, 0))];
      return [
        cases.slice(0, -1).reduceRight<s.Expr>((rest, c, i) => s.select(s.binary('eq', w, s.int(i)), c, rest), last),
      ];
    },
  }),
  examples: () => [
    { args: [{ shape: [2, 3], dtype: 'bool' }, { shape: [2, 3] }, { shape: [2, 3] }], params: {} },
    { args: [{ shape: [], dtype: 'bool' }, { shape: [2, 3] }, { shape: [2, 3] }], params: {} },
    {
      args: [{ shape: [4], dtype: 'int32', values: [0, 2, 1, 1] }, { shape: [4] }, { shape: [4] }, { shape: [4] }],
      params: {},
    },
  ],
});

/** `cases[which]` elementwise: `which` is bool (false chooses the first case) or int32. */
export function selectN(which: ArrayLike, ...cases: readonly ArrayLike[]): NDArray {
  return bind1(selectNP, [lift1('select_n', which), ...lift('select_n', ...cases)], {});
}

/** `pred ? onTrue : onFalse`, elementwise. */
export const select = (pred: ArrayLike, onTrue: ArrayLike, onFalse: ArrayLike): NDArray => {
  const [t, f] = take2(lift('select', onTrue, onFalse));
  return selectN(pred, f, t);
};

/** A scalar of the dtype of `x`, as a literal. */
export const scalarLike = (value: number, x: NDArray): NDArray => full([], value, x.dtype);
