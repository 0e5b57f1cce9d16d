/** Cumulative sums, products, extrema and log-sum-exps along one axis. */
import { canonicalAxis, nth } from '../core/axes.js';
import { identityOf } from '../core/combine.js';
import { computeType, isFloat } from '../core/dtype.js';
import { DTypeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import type { CumulativeLowering } from '../core/lowering.js';
import {
  definePrimitive,
  notLinear,
  Zero,
  type JvpRule,
  type Primitive,
  type TransposeRule,
} from '../core/primitive.js';
import * as s from '../core/scalar.js';
import type { ShapedArray } from '../core/aval.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { abs, add, max, min, mul, neg, scalarLike, select, sub } from './arithmetic.js';
import { eq, gt, lt, ne } from './compare.js';
import { exp, log1p } from './exponential.js';
import { lift1 } from './lift.js';
import { linearJvp, linearTranspose } from './linear-rules.js';
import { pad } from './slicing.js';
import { full } from './broadcast.js';

type CumulativeParams = { readonly axis: number; readonly reverse: boolean };

/** An associative combination of values together with its tangent. */
type Combine = (a: NDArray, b: NDArray, da: NDArray, db: NDArray) => readonly [value: NDArray, tangent: NDArray];

/**
 * jvp by the Hillis-Steele scan: log₂ n steps, each combining every element with the one 2ᵏ before it. Its operations
 * are ordinary ones, so the rule is differentiable to any order.
 */
const scanJvp =
  (identity: number, combine: Combine, primitive: () => Primitive<CumulativeParams>): JvpRule<CumulativeParams> =>
  (primals, tangents, params) => {
    const [x] = take1(primals);
    const [dx] = take1(tangents);
    const out = bind1(primitive(), primals, params);
    if (dx instanceof Zero) return { primals: [out], tangents: [new Zero(out.aval.strengthen())] };
    const { axis, reverse } = params;
    const n = nth(x.aval.shape, axis);
    const shift = (a: NDArray, by: number, fill: number): NDArray =>
      pad(
        a,
        scalarLike(fill, a),
        a.aval.shape.map((_, d): readonly [number, number, number] =>
          d !== axis ? [0, 0, 0] : reverse ? [-by, by, 0] : [by, -by, 0],
        ),
      );
    let [value, tangent]: readonly [NDArray, NDArray] = [x, dx];
    for (let by = 1; by < n; by *= 2)
      [value, tangent] = combine(shift(value, by, identity), value, shift(tangent, by, 0), tangent);
    return { primals: [out], tangents: [tangent] };
  };

interface CumulativeDefinition {
  readonly dtypes: 'numbers' | 'float';
  readonly jvp: (primitive: () => Primitive<CumulativeParams>) => JvpRule<CumulativeParams>;
  readonly transpose?: TransposeRule<CumulativeParams>;
  readonly lower: (x: ShapedArray) => Pick<CumulativeLowering, 'reducers' | 'results'>;
}

function cumulative(
  name: string,
  definition: CumulativeDefinition,
): { (x: ArrayLike, axis?: number, reverse?: boolean): NDArray } {
  const primitive: Primitive<CumulativeParams> = definePrimitive<CumulativeParams>({
    name,
    abstract: (operands, { axis }) => {
      const [x] = take1(operands);
      canonicalAxis(axis, x.ndim, name);
      if (x.dtype === 'bool' || (definition.dtypes === 'float' && !isFloat(x.dtype))) {
        throw new DTypeError(`${name}: does not take ${x.dtype}; convert with x.astype(...).${userLine()}`);
      }
      return [x];
    },
    jvp: definition.jvp(() => primitive),
    transpose: definition.transpose ?? notLinear(),
    batch: (_size, operands, dims, { axis, reverse }) => {
      const dim = dims[0] ?? 0;
      return { results: [bind1(primitive, operands, { axis: axis >= dim ? axis + 1 : axis, reverse })], dims: [dim] };
    },
    lower: (operands, { axis, reverse }) => ({
      kind: 'cumulative',
      axis,
      reverse,
      ...definition.lower(take1(operands)[0]),
    }),
    examples: () => [
      { args: [{ shape: [5] }], params: { axis: 0, reverse: false } },
      { args: [{ shape: [2, 3] }], params: { axis: 1, reverse: true } },
      { args: [{ shape: [3, 2] }], params: { axis: 0, reverse: false } },
    ],
  });
  return (x, axis = 0, reverse = false) => {
    const array = lift1(name, x);
    return bind1(primitive, [array], { axis: canonicalAxis(axis, array.ndim, name), reverse });
  };
}

const combineWith =
  (op: 'add' | 'mul' | 'min' | 'max') =>
  (x: ShapedArray): Pick<CumulativeLowering, 'reducers' | 'results'> => ({
    reducers: [
      {
        dtype: x.dtype,
        init: s.constant(computeType(x.dtype), identityOf(op, x.dtype)),
        update: {
          next: (accumulators, elements) => s.binary(op, nth(accumulators, 0), nth(elements, 0)),
          merge: (earlier, later) => s.binary(op, nth(earlier, 0), nth(later, 0)),
        },
      },
    ],
    results: (accumulators) => accumulators,
  });

/** Sums of the elements up to and including each one (from it on, if `reverse`). */
export const cumsum = cumulative('cumsum', {
  dtypes: 'numbers',
  jvp: () => linearJvp((x, { axis, reverse }) => cumsum(x, axis, reverse)),
  transpose: linearTranspose((ct, _x, { axis, reverse }) => cumsum(ct, axis, !reverse)),
  lower: combineWith('add'),
});

/** Products of the elements up to and including each one. */
export const cumprod = cumulative('cumprod', {
  dtypes: 'numbers',
  jvp: (primitive) => scanJvp(1, (a, b, da, db) => [mul(a, b), add(mul(da, b), mul(a, db))], primitive),
  lower: combineWith('mul'),
});

const extremum =
  (pick: (a: NDArray, b: NDArray) => NDArray, wins: (a: NDArray, b: NDArray) => NDArray): Combine =>
  (a, b, da, db) => [pick(a, b), select(wins(a, b), da, select(wins(b, a), db, mul(add(da, db), scalarLike(0.5, da))))];

/** Largest of the elements up to and including each one. */
export const cummax = cumulative('cummax', {
  dtypes: 'numbers',
  jvp: (primitive) => scanJvp(-Infinity, extremum(max, gt), primitive),
  lower: combineWith('max'),
});

/** Smallest of the elements up to and including each one. */
export const cummin = cumulative('cummin', {
  dtypes: 'numbers',
  jvp: (primitive) => scanJvp(Infinity, extremum(min, lt), primitive),
  lower: combineWith('min'),
});

/** ln(eᵃ + eᵇ) without overflow; of two -∞ it is -∞. */
const logAddExp = (a: NDArray, b: NDArray): NDArray => {
  const high = max(a, b);
  const distance = sub(a, b);
  // The difference of equal infinities is NaN; the result is then their sum.
  return select(ne(distance, distance), add(a, b), add(high, log1p(exp(neg(abs(distance))))));
};

/** Weight of a summand in the derivative of a log-sum-exp: e^(a - out), and 0 where both are -∞. */
const share = (a: NDArray, out: NDArray): NDArray =>
  select(eq(a, scalarLike(-Infinity, a)), full(a.aval.shape, 0, a.dtype), exp(sub(a, out)));

/** Logarithm of the sum of exponentials of the elements up to and including each one. */
export const cumlogsumexp = cumulative('cumlogsumexp', {
  dtypes: 'float',
  jvp: (primitive) =>
    scanJvp(
      -Infinity,
      (a, b, da, db) => {
        const out = logAddExp(a, b);
        return [out, add(mul(da, share(a, out)), mul(db, share(b, out)))];
      },
      primitive,
    ),
  // Accumulators: the largest so far, and the sum of exponentials relative to it.
  lower: (x) => {
    const c = (value: number): s.Expr => s.constant(computeType(x.dtype), value);
    const isLow = (e: s.Expr): s.Expr => s.binary('eq', e, c(-Infinity));
    const scaled = (a: s.Expr, high: s.Expr): s.Expr =>
      s.select(isLow(a), c(0), s.unary('exp', s.binary('sub', a, s.select(s.binary('eq', a, high), a, high))));
    // An infinite value equal to the maximum contributes 1, not exp(∞ - ∞).
    const weight = (a: s.Expr, top: s.Expr): s.Expr =>
      s.select(s.binary('eq', a, top), s.select(isLow(a), c(0), c(1)), scaled(a, top));
    return {
      reducers: [
        {
          dtype: x.dtype,
          init: c(-Infinity),
          update: {
            next: (acc, elements) => s.binary('max', nth(acc, 0), nth(elements, 0)),
            merge: (earlier, later) => s.binary('max', nth(earlier, 0), nth(later, 0)),
          },
        },
        {
          dtype: x.dtype,
          init: c(0),
          update: {
            next: (acc, elements) => {
              const [high, sum, e] = [nth(acc, 0), nth(acc, 1), nth(elements, 0)];
              const top = s.binary('max', high, e);
              return s.binary('add', s.binary('mul', sum, weight(high, top)), weight(e, top));
            },
            merge: (earlier, later) => {
              const [[high, sum], [other, more]] = [take2(earlier), take2(later)];
              const top = s.binary('max', high, other);
              return s.binary(
                'add',
                s.binary('mul', sum, weight(high, top)),
                s.binary('mul', more, weight(other, top)),
              );
            },
          },
        },
      ],
      results: (acc) => [s.binary('add', nth(acc, 0), s.unary('log', nth(acc, 1)))],
    };
  },
});
