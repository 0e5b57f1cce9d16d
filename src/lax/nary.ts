/**
 * The family of elementwise primitives: shape, dtype and batching rules come from here, so that one is defined by
 * its derivative and its scalar expression. Operands have one shape, or are scalars, and one dtype.
 */
import { nth } from '../core/axes.js';
import { sameShape, ShapedArray, showShape } from '../core/aval.js';
import { DTYPES, isFloat, isInteger, shortName, type DType } from '../core/dtype.js';
import { DTypeError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import {
  definePrimitive,
  LinearOperand,
  notLinear,
  NoRule,
  Zero,
  type ArgSpec,
  type JvpRule,
  type MaybeZero,
  type Params,
  type Primitive,
  type TransposeRule,
} from '../core/primitive.js';
import type { Expr } from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { addTangents, broadcastInDim, broadcastTo, reduceSum } from './broadcast.js';
import { lift, lift1 } from './lift.js';
import { moveaxis } from './reshape.js';

/** Which dtypes an operation takes. */
export type DTypeClass = 'float' | 'numeric' | 'signed' | 'integer' | 'bits' | 'any';

const CLASSES: Record<DTypeClass, { accepts: (dtype: DType) => boolean; say: string }> = {
  float: { accepts: isFloat, say: 'floats' },
  numeric: { accepts: (d) => d !== 'bool', say: 'numbers' },
  signed: { accepts: (d) => isFloat(d) || d === 'int32', say: 'floats or int32' },
  integer: { accepts: isInteger, say: 'int32 or uint32' },
  bits: { accepts: (d) => !isFloat(d), say: 'int32, uint32 or bool' },
  any: { accepts: () => true, say: 'any dtype' },
};

/** Example dtypes for the laws, besides the default float32. */
const SAMPLES: Record<DTypeClass, readonly DType[]> = {
  float: ['float16', 'float32', 'float64'],
  numeric: ['float16', 'float32', 'float64', 'int32', 'uint32'],
  signed: ['float16', 'float32', 'float64', 'int32'],
  integer: ['int32', 'uint32'],
  bits: ['int32', 'uint32', 'bool'],
  any: DTYPES,
};

/** The contribution of one operand's tangent. */
export type TangentRule<P> = (d: NDArray, operands: readonly NDArray[], out: NDArray, params: P) => NDArray;

export interface NaryDefinition<P extends Params> {
  readonly dtypes: DTypeClass;
  /** Result dtype when it is not the operands'. */
  readonly result?: 'bool';
  /** One rule per operand, or why there is none. */
  readonly jvp: readonly TangentRule<P>[] | NoRule;
  readonly transpose?: TransposeRule<P>;
  readonly lower: (operands: readonly Expr[], params: P) => Expr;
  readonly cost?: 'cheap' | 'expensive';
  /** Where each operand's examples are drawn; one range serves all. */
  readonly domains?: readonly (readonly [number, number])[];
  /** Parameters of the examples. */
  readonly exampleParams?: readonly P[];
}

/** Result shape of an elementwise operation; scalars go with any shape. */
export function elementwiseShape(name: string, operands: readonly ShapedArray[]): readonly number[] {
  let shape: readonly number[] | undefined;
  for (const x of operands) {
    if (x.ndim === 0) continue;
    shape ??= x.shape;
    if (sameShape(x.shape, shape)) continue;
    throw new ShapeError(
      `${name}: operands have shapes ${operands.map((x) => showShape(x.shape)).join(' and ')}, which must be equal (or scalar). ` +
        `The functions of np broadcast.${userLine()}`,
    );
  }
  return shape ?? [];
}

function elementwiseType(
  name: string,
  { dtypes, result }: Pick<NaryDefinition<Params>, 'dtypes' | 'result'>,
  operands: readonly ShapedArray[],
): ShapedArray {
  const shape = elementwiseShape(name, operands);
  const { dtype } = nth(operands, 0);
  let weak = result === undefined;
  for (const x of operands) {
    weak &&= x.weakType;
    if (x.dtype === dtype) continue;
    throw new DTypeError(
      `${name}: operands have dtypes ${operands.map((x) => x.dtype).join(' and ')}, which must be equal. ` +
        `Convert one with x.astype(...); the functions of np promote.${userLine()}`,
    );
  }
  const { accepts, say } = CLASSES[dtypes];
  if (!accepts(dtype))
    throw new DTypeError(`${name}: takes ${say}, got ${shortName(dtype)}${showShape(shape)}.${userLine()}`);
  return new ShapedArray(shape, result ?? dtype, weak);
}

/** Sum a cotangent down to the type of an operand that was repeated. */
export const unbroadcast = (ct: NDArray, to: ShapedArray): NDArray => (to.ndim === ct.ndim ? ct : reduceSum(ct));

/** Tangents of an elementwise result: the sum of the operands' contributions, each at the result's shape. */
export function sumTangents(
  out: NDArray,
  tangents: readonly MaybeZero[],
  contribution: (d: NDArray, i: number) => NDArray,
): MaybeZero {
  let sum: MaybeZero = new Zero(out.aval.strengthen());
  tangents.forEach((d, i) => {
    if (!(d instanceof Zero)) sum = addTangents(sum, broadcastTo(contribution(d, i), out.aval.shape));
  });
  return sum;
}

/** Bring batched operands of an elementwise operation to one batch axis; unbatched scalars stay as they are. */
export function alignBatch(
  size: number,
  operands: readonly NDArray[],
  dims: readonly (number | null)[],
): { operands: NDArray[]; dim: number } {
  const rank = (x: NDArray, i: number): number => x.ndim - (dims[i] === null ? 0 : 1);
  const ndim = Math.max(...operands.map(rank));
  const lead = operands.findIndex((x, i) => dims[i] !== null && rank(x, i) === ndim);
  const dim = lead < 0 ? 0 : (dims[lead] ?? 0);
  const unbatchedShape = nth(
    operands
      .filter((x, i) => rank(x, i) === ndim)
      .map((x) => x.aval.shape.filter((_, d) => d !== dims[operands.indexOf(x)])),
    0,
  );
  const shape = [...unbatchedShape.slice(0, dim), size, ...unbatchedShape.slice(dim)];
  const others = shape.map((_, d) => d).filter((d) => d !== dim);
  return {
    dim,
    operands: operands.map((x, i) => {
      const from = dims[i] ?? null;
      if (from === null) return x.ndim === 0 ? x : broadcastInDim(x, shape, others);
      return rank(x, i) === ndim ? moveaxis(x, from, dim) : broadcastInDim(x, shape, [dim]);
    }),
  };
}

/** Define an elementwise primitive of any number of operands. */
export function naryPrimitive<P extends Params>(
  name: string,
  arity: number,
  definition: NaryDefinition<P>,
): Primitive<P> {
  const { jvp, lower, domains = [[-2, 2]] } = definition;
  const bindJvp =
    (rules: readonly TangentRule<P>[]): JvpRule<P> =>
    (primals, tangents, params) => {
      const out = bind1(primitive, primals, params);
      return {
        primals: [out],
        tangents: [sumTangents(out, tangents, (d, i) => nth(rules, i)(d, primals, out, params))],
      };
    };
  const arg = (i: number, dtype: DType, scalar = false): ArgSpec => ({
    shape: scalar ? [] : [2, 3],
    dtype,
    domain: domains[i] ?? nth(domains, 0),
  });
  const args = (dtype: DType, scalarAt = -1): ArgSpec[] =>
    Array.from({ length: arity }, (_, i) => arg(i, dtype, i === scalarAt));
  const primitive: Primitive<P> = definePrimitive<P>({
    name,
    abstract: (operands) => [elementwiseType(name, definition, operands)],
    jvp: jvp instanceof NoRule ? jvp : bindJvp(jvp),
    transpose: definition.transpose ?? notLinear(),
    batch: (size, operands, dims, params) => {
      const aligned = alignBatch(size, operands, dims);
      return { results: [bind1(primitive, aligned.operands, params)], dims: [aligned.dim] };
    },
    lower: (_avals, params) => ({
      kind: 'map',
      cost: definition.cost ?? 'cheap',
      elementwise: true,
      at: (operands, index) => [
        lower(
          operands.map((o) => o.at(o.aval.ndim === 0 ? [] : index)),
          params,
        ),
      ],
    }),
    examples: () =>
      (definition.exampleParams ?? [{} as P]).flatMap((params) => [
        ...SAMPLES[definition.dtypes].map((dtype) => ({ args: args(dtype), params })),
        ...(arity > 1
          ? Array.from({ length: arity }, (_, i) => ({ args: args(nth(SAMPLES[definition.dtypes], 0), i), params }))
          : []),
      ]),
  });
  return primitive;
}

/** A unary operation: its function, with the primitive attached. */
export type UnaryFunction = ((x: ArrayLike) => NDArray) & { readonly primitive: Primitive<Record<string, never>> };
/** A binary operation: its function, with the primitive attached. */
export type BinaryFunction = ((x: ArrayLike, y: ArrayLike) => NDArray) & {
  readonly primitive: Primitive<Record<string, never>>;
};

type None = Record<string, never>;
interface UnaryDefinition extends Omit<NaryDefinition<None>, 'jvp' | 'lower' | 'domains'> {
  readonly jvp: ((dx: NDArray, x: NDArray, y: NDArray) => NDArray) | NoRule;
  readonly lower: (x: Expr) => Expr;
  readonly domain?: readonly [number, number];
}

/** Define a unary elementwise primitive; `jvp(dx, x, y)` where `y` is the result. */
export function unary(name: string, definition: UnaryDefinition): UnaryFunction {
  const { jvp, lower, domain = [-2, 2] } = definition;
  const primitive = naryPrimitive<None>(name, 1, {
    ...definition,
    jvp: jvp instanceof NoRule ? jvp : [(d, operands, out) => jvp(d, take1(operands)[0], out)],
    lower: (operands) => lower(take1(operands)[0]),
    domains: [domain],
  });
  return Object.assign((x: ArrayLike) => bind1(primitive, [lift1(name, x)], {}), { primitive });
}

type BinaryTangent = (d: NDArray, x: NDArray, y: NDArray, out: NDArray) => NDArray;
interface BinaryDefinition extends Omit<NaryDefinition<None>, 'jvp' | 'lower'> {
  readonly jvp: readonly [BinaryTangent, BinaryTangent] | NoRule;
  readonly lower: (x: Expr, y: Expr) => Expr;
}

/** Define a binary elementwise primitive; the two tangent rules get `(d, x, y, result)`. */
export function binary(name: string, definition: BinaryDefinition): BinaryFunction {
  const { jvp, lower } = definition;
  const primitive = naryPrimitive<None>(name, 2, {
    ...definition,
    jvp:
      jvp instanceof NoRule
        ? jvp
        : jvp.map(
            (rule) => (d: NDArray, operands: readonly NDArray[], out: NDArray) => rule(d, ...take2(operands), out),
          ),
    lower: (operands) => lower(...take2(operands)),
  });
  return Object.assign((x: ArrayLike, y: ArrayLike) => bind1(primitive, lift(name, x, y), {}), { primitive });
}

/** Transpose of an operation that is linear in all its operands together: one cotangent function per operand. */
export const linearIn =
  (...rules: readonly ((ct: NDArray) => NDArray)[]): TransposeRule<None> =>
  (cotangents, operands) => {
    const [ct] = take1(cotangents);
    return operands.map((x, i) =>
      ct instanceof Zero || !(x instanceof LinearOperand) ? null : unbroadcast(nth(rules, i)(ct), x.aval),
    );
  };
