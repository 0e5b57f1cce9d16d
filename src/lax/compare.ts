/** Comparisons, logic and bit operations: piecewise constant, so their tangents are zero. */
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { definePrimitive, notLinear, Zero, type JvpRule, type Params, type Primitive } from '../core/primitive.js';
import { ShapedArray } from '../core/aval.js';
import { DTypeError } from '../core/errors.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { lift, lift1 } from './lift.js';
import { alignBatch, elementwiseShape, type BinaryFunction, type DTypeClass, type UnaryFunction } from './nary.js';
import type { DType } from '../core/dtype.js';
import { isFloat, isInteger } from '../core/dtype.js';

type None = Record<string, never>;

/** jvp of a function whose result does not change with small changes of its operands. */
export const zeroJvp =
  <P extends Params>(primitive: () => Primitive<P>): JvpRule<P> =>
  (primals, _tangents, params) => {
    const out = bind1(primitive(), primals, params);
    return { primals: [out], tangents: [new Zero(out.aval.strengthen())] };
  };

const TAKES: Partial<Record<DTypeClass, (d: DType) => boolean>> = {
  any: () => true,
  float: isFloat,
  integer: isInteger,
  bits: (d) => !isFloat(d),
};

function discrete(
  name: string,
  arity: number,
  dtypes: 'any' | 'float' | 'integer' | 'bits',
  result: 'bool' | 'same',
  lower: (xs: readonly s.Expr[]) => s.Expr,
): Primitive<None> {
  const samples: readonly DType[] = (['float32', 'float64', 'int32', 'uint32', 'bool'] as const).filter((d) =>
    TAKES[dtypes]?.(d),
  );
  const primitive: Primitive<None> = definePrimitive<None>({
    name,
    abstract: (operands) => {
      const shape = elementwiseShape(name, operands);
      const dtype = operands[0]?.dtype ?? 'float32';
      if (operands.some((x) => x.dtype !== dtype)) {
        throw new DTypeError(
          `${name}: operands have dtypes ${operands.map((x) => x.dtype).join(' and ')}, which must be equal. Convert one with x.astype(...); the functions of np promote.${userLine()}`,
        );
      }
      if (TAKES[dtypes]?.(dtype) !== true)
        throw new DTypeError(`${name}: takes ${samples.join(', ')}, got ${dtype}.${userLine()}`);
      return [
        new ShapedArray(
          shape,
          result === 'bool' ? 'bool' : dtype,
          result === 'same' && operands.every((x) => x.weakType),
        ),
      ];
    },
    jvp: zeroJvp(() => primitive),
    transpose: notLinear(),
    batch: (size, operands, dims) => {
      const aligned = alignBatch(size, operands, dims);
      return { results: [bind1(primitive, aligned.operands, {})], dims: [aligned.dim] };
    },
    lower: () => ({
      kind: 'map',
      cost: 'cheap',
      elementwise: true,
      at: (operands, index) => [lower(operands.map((o) => o.at(o.aval.ndim === 0 ? [] : index)))],
    }),
    examples: () =>
      samples.map((dtype) => ({
        args: Array.from({ length: arity }, (_, i) => ({
          shape: [2, 3],
          dtype,
          domain: name.startsWith('shift') && i === 1 ? ([0, 40] as const) : ([-2, 2] as const),
        })),
        params: {},
      })),
  });
  return primitive;
}

function discreteBinary(
  name: string,
  dtypes: 'any' | 'float' | 'integer' | 'bits',
  result: 'bool' | 'same',
  lower: (x: s.Expr, y: s.Expr) => s.Expr,
): BinaryFunction {
  const primitive = discrete(name, 2, dtypes, result, (xs) => lower(...take2(xs)));
  return Object.assign((x: ArrayLike, y: ArrayLike): NDArray => bind1(primitive, lift(name, x, y), {}), { primitive });
}

function discreteUnary(
  name: string,
  dtypes: 'any' | 'float' | 'integer' | 'bits',
  result: 'bool' | 'same',
  lower: (x: s.Expr) => s.Expr,
): UnaryFunction {
  const primitive = discrete(name, 1, dtypes, result, (xs) => lower(take1(xs)[0]));
  return Object.assign((x: ArrayLike): NDArray => bind1(primitive, [lift1(name, x)], {}), { primitive });
}

/** x = y, elementwise; NaN equals nothing. */
export const eq = discreteBinary('eq', 'any', 'bool', (x, y) => s.binary('eq', x, y));
/** x ≠ y. */
export const ne = discreteBinary('ne', 'any', 'bool', (x, y) => s.binary('ne', x, y));
/** x < y. */
export const lt = discreteBinary('lt', 'any', 'bool', (x, y) => s.binary('lt', x, y));
/** x ≤ y. */
export const le = discreteBinary('le', 'any', 'bool', (x, y) => s.binary('le', x, y));
/** x > y. */
export const gt = discreteBinary('gt', 'any', 'bool', (x, y) => s.binary('gt', x, y));
/** x ≥ y. */
export const ge = discreteBinary('ge', 'any', 'bool', (x, y) => s.binary('ge', x, y));

/** Logical or bitwise and. */
export const bitwiseAnd = discreteBinary('and', 'bits', 'same', (x, y) => s.binary('and', x, y));
/** Logical or bitwise or. */
export const bitwiseOr = discreteBinary('or', 'bits', 'same', (x, y) => s.binary('or', x, y));
/** Logical or bitwise exclusive or. */
export const bitwiseXor = discreteBinary('xor', 'bits', 'same', (x, y) => s.binary('xor', x, y));
/** Logical or bitwise not. */
export const bitwiseNot = discreteUnary('not', 'bits', 'same', (x) => s.unary('not', x));

const BITS = 32;
const inRange = (y: s.Expr): s.Expr => s.binary('lt', s.bitcast('uint32', y), s.constant('uint32', BITS));

/** Shift left; counts outside [0, 32) give 0. */
export const shiftLeft = discreteBinary('shift_left', 'integer', 'same', (x, y) =>
  s.select(inRange(y), s.binary('shl', x, s.binary('and', y, s.constant(y.type, BITS - 1))), s.constant(x.type, 0)),
);
/** Shift right filling with zeros; counts outside [0, 32) give 0. */
export const shiftRightLogical = discreteBinary('shift_right_logical', 'integer', 'same', (x, y) =>
  s.select(
    inRange(y),
    s.binary('shrLogical', x, s.binary('and', y, s.constant(y.type, BITS - 1))),
    s.constant(x.type, 0),
  ),
);
/** Shift right filling with the sign bit; counts outside [0, 32) fill completely. */
export const shiftRightArithmetic = discreteBinary('shift_right_arithmetic', 'integer', 'same', (x, y) =>
  s.binary('shrArithmetic', x, s.select(inRange(y), y, s.constant(y.type, BITS - 1))),
);
/** Number of one bits. */
export const populationCount = discreteUnary('population_count', 'integer', 'same', (x) => s.unary('popcount', x));
/** Number of leading zero bits. */
export const clz = discreteUnary('clz', 'integer', 'same', (x) => s.unary('clz', x));
/** Neither infinite nor NaN. */
export const isFinite = discreteUnary('is_finite', 'float', 'bool', (x) =>
  s.binary('lt', s.unary('abs', x), s.constant(x.type, Infinity)),
);
/** The next representable number after x toward y. */
export const nextafter = discreteBinary('nextafter', 'float', 'same', (x, y) => s.binary('nextafter', x, y));
