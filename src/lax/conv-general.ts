/** conv_general_dilated: convolutions of any number of spatial axes, as XLA defines them. */
import { definePrimitive, LinearOperand, Zero, type ArgSpec, type Example, type Primitive } from '../core/primitive.js';
import type { NDArray } from '../core/ndarray.js';
import { bind1 } from '../core/trace.js';
import { take1, take2 } from '../core/tuple.js';
import { convDimensionNumbers, type ConvDimensions } from './conv-dimensions.js';
import { lowerConv } from './conv-lowering.js';
import { batchConv, convTransposeLhs, convTransposeRhs } from './conv-rules.js';
import { convShape, type ConvParams } from './conv-shape.js';
import { notLinearIn } from './linear-rules.js';
import { sumTangents } from './nary.js';

const convP: Primitive<ConvParams> = definePrimitive<ConvParams>({
  name: 'conv_general_dilated',
  abstract: (operands, params) => [convShape(...take2(operands), params)],
  jvp: (primals, tangents, params) => {
    const [lhs, rhs] = take2(primals);
    const out = convolve(lhs, rhs, params);
    const tangent = sumTangents(out, tangents, (d, i) =>
      i === 0 ? convolve(d, rhs, params) : convolve(lhs, d, params),
    );
    return { primals: [out], tangents: [tangent] };
  },
  transpose: (cotangents, operands, params) => {
    const [ct] = take1(cotangents);
    const [lhs, rhs] = take2(operands);
    if (ct instanceof Zero) return [null, null];
    if (lhs instanceof LinearOperand) {
      if (rhs instanceof LinearOperand) throw notLinearIn('conv_general_dilated', 'both operands depend');
      return [convTransposeLhs(convolve, ct, lhs.aval, rhs, params), null];
    }
    return [null, rhs instanceof LinearOperand ? convTransposeRhs(convolve, ct, lhs, rhs.aval, params) : null];
  },
  batch: (size, operands, dims, params) => {
    const { result, dim } = batchConv(convolve, size, ...take2(operands), [dims[0] ?? null, dims[1] ?? null], params);
    return { results: [result], dims: [dim] };
  },
  lower: (operands, params) => lowerConv(...take2(operands), params),
  examples: () => [
    example([2, 3, 5], [4, 3, 2], {}),
    example([1, 4, 3, 2], [2, 2, 2, 3], {
      dimensions: ['NHWC', 'HWIO', 'NHWC'],
      padding: [
        [1, 1],
        [0, 1],
      ],
    }),
    example([4, 2, 3, 4], [2, 2, 2, 3], { dimensions: ['HCNW', 'HIWO', 'NWHC'], windowStrides: [1, 2] }),
    example([1, 2, 5, 4], [3, 2, 2, 2], {
      windowStrides: [2, 3],
      padding: [
        [1, 2],
        [-1, 1],
      ],
    }),
    example([2, 1, 3, 2], [2, 1, 2, 2], {
      lhsDilation: [2, 3],
      rhsDilation: [1, 2],
      padding: [
        [0, 1],
        [1, 0],
      ],
    }),
    example([1, 4, 4], [6, 2, 3], { featureGroupCount: 2, padding: [[1, 1]], windowStrides: [2] }),
    example([1, 5, 3], [2, 1, 3], { dimensions: ['NHC', 'HIO', 'NHC'], featureGroupCount: 3 }),
    example([4, 2, 5], [6, 2, 3], { batchGroupCount: 2, padding: [[2, 0]], lhsDilation: [2] }),
    example([1, 3, 2, 4, 3], [1, 3, 2, 1, 2], {
      padding: [
        [0, 0],
        [1, 0],
        [0, 1],
      ],
    }),
    example([2, 3], [2, 3], {}),
    example([2, 2, 4], [2, 2, 2], {}, 'int32'),
  ],
});

/** The primitive. */
export const convolve = (lhs: NDArray, rhs: NDArray, params: ConvParams): NDArray => bind1(convP, [lhs, rhs], params);

type ExampleOptions = Partial<Omit<ConvParams, 'dimensionNumbers'>> & { readonly dimensions?: ConvDimensions };

function example(
  lhs: readonly number[],
  rhs: readonly number[],
  { dimensions, ...rest }: ExampleOptions,
  dtype: 'float32' | 'int32' = 'float32',
): Example<ConvParams> {
  const ones = lhs.slice(2).map(() => 1);
  const arg = (shape: readonly number[]): ArgSpec => ({ shape, dtype });
  return {
    args: [arg(lhs), arg(rhs)],
    params: { ...defaults(ones), ...rest, dimensionNumbers: convDimensionNumbers(lhs, rhs, dimensions) },
  };
}

/** Parameters of a plain convolution, but for its dimension numbers. */
const defaults = (ones: readonly number[]): Omit<ConvParams, 'dimensionNumbers'> => ({
  windowStrides: ones,
  padding: ones.map(() => [0, 0] as const),
  lhsDilation: ones,
  rhsDilation: ones,
  featureGroupCount: 1,
  batchGroupCount: 1,
  precision: null,
  preferredElementType: null,
});
