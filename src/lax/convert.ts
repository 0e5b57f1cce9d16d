/** Changes of element type. */
import { byteWidth, DTYPES, isFloat, type DType } from '../core/dtype.js';
import { DTypeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { definePrimitive, LinearOperand, notLinear, Zero, type Primitive } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { userLine } from '../core/source.js';
import { bind1 } from '../core/trace.js';
import { take1 } from '../core/tuple.js';
import { zeroJvp } from './compare.js';
import { lift1 } from './lift.js';

type ConvertParams = { readonly newDtype: DType; readonly weakType: boolean };

const convertP: Primitive<ConvertParams> = definePrimitive<ConvertParams>({
  name: 'convert_element_type',
  abstract: (operands, { newDtype, weakType }) => [take1(operands)[0].with({ dtype: newDtype, weakType })],
  jvp: (primals, tangents, params) => {
    const [dx] = take1(tangents);
    const out = bind1(convertP, primals, params);
    const zero = dx instanceof Zero || !isFloat(params.newDtype);
    return {
      primals: [out],
      tangents: [zero ? new Zero(out.aval.strengthen()) : convertElementType(dx, params.newDtype)],
    };
  },
  transpose: (cotangents, operands) => {
    const [ct] = take1(cotangents);
    const [x] = take1(operands);
    return [ct instanceof Zero || !(x instanceof LinearOperand) ? null : convertElementType(ct, x.aval.dtype)];
  },
  batch: (_size, operands, dims, params) => ({ results: [bind1(convertP, operands, params)], dims: [dims[0] ?? null] }),
  lower: (_avals, { newDtype }) => ({
    kind: 'map',
    cost: 'view',
    elementwise: true,
    at: (operands, index) => [s.convert(newDtype, take1(operands)[0].at(index))],
  }),
  examples: () =>
    DTYPES.flatMap((from) =>
      DTYPES.map((newDtype) => ({
        args: [
          {
            shape: [2, 3],
            dtype: from,
            domain: from === 'uint32' || newDtype === 'uint32' ? ([0, 5] as const) : ([-4, 4] as const),
          },
        ],
        params: { newDtype, weakType: false },
      })),
    ),
});

type BitcastParams = { readonly newDtype: DType };

const bitcastP: Primitive<BitcastParams> = definePrimitive<BitcastParams>({
  name: 'bitcast_convert_type',
  abstract: (operands, { newDtype }) => {
    const [x] = take1(operands);
    if (byteWidth(x.dtype) !== byteWidth(newDtype)) {
      throw new DTypeError(`bitcast_convert_type: ${x.dtype} and ${newDtype} differ in size.${userLine()}`);
    }
    return [x.with({ dtype: newDtype, weakType: false })];
  },
  jvp: zeroJvp(() => bitcastP),
  transpose: notLinear(),
  batch: (_size, operands, dims, params) => ({ results: [bind1(bitcastP, operands, params)], dims: [dims[0] ?? null] }),
  lower: (_avals, { newDtype }) => ({
    kind: 'map',
    cost: 'view',
    elementwise: true,
    at: (operands, index) => {
      const [x] = take1(operands);
      return [x.aval.dtype === newDtype ? x.at(index) : s.bitcast(newDtype, x.at(index))];
    },
  }),
  examples: () => [
    { args: [{ shape: [2, 3] }], params: { newDtype: 'int32' } },
    { args: [{ shape: [2, 3], dtype: 'uint32', domain: [0, 1000] }], params: { newDtype: 'float32' } },
  ],
});

/**
 * Convert elements to `dtype`. Floats become integers by truncation, saturating at the ends, with NaN as 0; bool is
 * `x != 0`. No equation when nothing changes.
 */
export function convertElementType(x: ArrayLike, dtype: DType, weakType = false): NDArray {
  const array = lift1('convert_element_type', x);
  return array.dtype === dtype && array.weakType === weakType
    ? array
    : bind1(convertP, [array], { newDtype: dtype, weakType });
}

/** Reinterpret the bits of each element as `dtype`, which must have the same size. */
export function bitcastConvertType(x: ArrayLike, dtype: DType): NDArray {
  const array = lift1('bitcast_convert_type', x);
  return array.dtype === dtype ? array : bind1(bitcastP, [array], { newDtype: dtype });
}

/** A half as float32, anything else as it is: sums and squares of halves overflow from 65,520 on, and counts stop at 2048. */
export const widenHalf = (x: NDArray): NDArray => (x.dtype === 'float16' ? convertElementType(x, 'float32') : x);

/** `x` of `dtype`; itself, weak as it may be, if it is. */
const inType = (x: NDArray, dtype: DType): NDArray => (x.dtype === dtype ? x : convertElementType(x, dtype));

/** `f` of what {@link widenHalf} makes of `x`, in the dtype of `x` again. */
export const computeWide = (x: NDArray, f: (x: NDArray) => NDArray): NDArray => inType(f(widenHalf(x)), x.dtype);
