/** Convolutions: the functions, with JAX's names and arguments, and jax-js's where those differ in form only. */
import { nth } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { take2 } from '../core/tuple.js';
import { convDimensionNumbers, type ConvDimensionNumbers, type ConvDimensions } from './conv-dimensions.js';
import { convolve } from './conv-general.js';
import { lift } from './lift.js';
import { rev, transpose } from './reshape.js';
import { namedPadding, type Padding } from './windows.js';

/** Options of {@link convGeneralDilated}, besides strides and padding. */
export interface ConvDilationOptions {
  /** Distance between the elements of the input, with zeros between them; default 1. */
  lhsDilation?: readonly number[] | undefined;
  /** Distance between the elements of the kernel; default 1. */
  rhsDilation?: readonly number[] | undefined;
  /** Layouts; default NCHW, OIHW, NCHW. */
  dimensionNumbers?: ConvDimensions | null | undefined;
  /** Input features in so many groups, each with its own part of the output features. */
  featureGroupCount?: number | undefined;
  /** Examples in so many groups, each with its own part of the output features. */
  batchGroupCount?: number | undefined;
}
export interface ConvOptions extends ConvDilationOptions {
  /** Distance between windows; default 1. */
  windowStrides?: readonly number[] | undefined;
  /** `VALID` (the default), `SAME`, `SAME_LOWER`, or `[low, high]` for each spatial axis, negative to crop. */
  padding?: Padding | undefined;
}

/** Throws ArgumentError for a padding that is neither pairs nor one of these names. */
function checkPadding(op: string, padding: Padding, names: readonly string[]): void {
  if (Array.isArray(padding) || names.includes(String(padding))) return;
  throw new ArgumentError(
    `${op}: there is no padding '${String(padding)}'; use '${names.join("', '")}' or a [low, high] pair for each spatial axis.${userLine()}`,
  );
}

/**
 * Convolution (correlation, as in every such library: the kernel is not turned around) with strides, padding,
 * dilation and groups: out[n, o, p] = Σ_{c,k} lhs[n, c, p·stride + k·rhsDilation - low] · rhs[o, c, k], zero outside.
 * See XLA's ConvWithGeneralPadding.
 *
 * @param lhs - input of n + 2 axes, by default [batch, features, ...spatial].
 * @param rhs - kernel of as many axes and the same dtype, by default [output features, input features / groups, ...spatial].
 * @param options - or, as in jax-js, `windowStrides, padding, options`.
 * @returns an array in the layout of the result; along a spatial axis of length n it has
 *   ⌊(padded n - dilated kernel) / stride⌋ + 1 elements.
 * @throws ShapeError for ranks, layouts, group counts, strides or padding that do not fit; DTypeError for dtypes that
 *   differ.
 *
 * @example
 * ```ts
 * import { lax, numpy as np } from 'cotangent';
 * const x = np.arange(16).reshape([1, 4, 4, 1]).astype('float32');
 * const kernel = np.ones([2, 2, 1, 1]);
 * const y = lax.convGeneralDilated(x, kernel, {
 *   windowStrides: [2, 2],
 *   dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'],
 * });
 * y.reshape([2, 2]).js(); // => [[10, 18], [42, 50]]
 * ```
 */
export function convGeneralDilated(lhs: ArrayLike, rhs: ArrayLike, options?: ConvOptions): NDArray;
export function convGeneralDilated(
  lhs: ArrayLike,
  rhs: ArrayLike,
  windowStrides: readonly number[],
  padding: Padding,
  options?: ConvDilationOptions,
): NDArray;
export function convGeneralDilated(
  lhs: ArrayLike,
  rhs: ArrayLike,
  stridesOrOptions: readonly number[] | ConvOptions = {},
  positional?: Padding,
  rest: ConvDilationOptions = {},
): NDArray {
  const op = 'conv_general_dilated';
  const options: ConvOptions = isList(stridesOrOptions)
    ? { ...rest, windowStrides: stridesOrOptions, padding: positional }
    : stridesOrOptions;
  const [x, kernel] = take2(lift(op, lhs, rhs));
  const [xShape, kernelShape] = [x.aval.shape, kernel.aval.shape];
  const dimensionNumbers = convDimensionNumbers(xShape, kernelShape, options.dimensionNumbers);
  const lengths = dimensionNumbers.lhsSpec.slice(2).map((d) => nth(xShape, d));
  const sizes = dimensionNumbers.rhsSpec.slice(2).map((d) => nth(kernelShape, d));
  const ones = lengths.map(() => 1);
  const { windowStrides = ones, lhsDilation = ones, rhsDilation = ones, padding = 'VALID' } = options;
  checkPadding(op, padding, ['SAME', 'SAME_LOWER', 'VALID']);
  if (typeof padding === 'string' && padding !== 'VALID' && lhsDilation.some((d) => d !== 1)) {
    throw new ArgumentError(
      `${op}: padding '${padding}' means nothing for an input with dilation ${showShape(lhsDilation)}; give [low, high] pairs, or use convTranspose.${userLine()}`,
    );
  }
  return convolve(x, kernel, {
    windowStrides: [...windowStrides],
    padding:
      typeof padding !== 'string'
        ? padding.map((pair) => [...pair] as const)
        : lengths.map((n, i) =>
            namedPadding(padding, n, {
              size: nth(sizes, i),
              stride: windowStrides[i] ?? 1,
              windowDilation: rhsDilation[i] ?? 1,
            }),
          ),
    lhsDilation: [...lhsDilation],
    rhsDilation: [...rhsDilation],
    dimensionNumbers,
    featureGroupCount: options.featureGroupCount ?? 1,
    batchGroupCount: options.batchGroupCount ?? 1,
    precision: null,
    preferredElementType: null,
  });
}

const isList = (x: readonly number[] | ConvOptions): x is readonly number[] => Array.isArray(x);

/**
 * {@link convGeneralDilated} in the layout NCHW, OIHW, without dilation.
 *
 * @example
 * ```ts
 * import { lax, numpy as np } from 'cotangent';
 * lax.conv(np.ones([1, 1, 5]), np.ones([1, 1, 3]), [1], 'SAME').js(); // => [[[2, 3, 3, 3, 2]]]
 * ```
 */
export const conv = (lhs: ArrayLike, rhs: ArrayLike, windowStrides: readonly number[], padding: Padding): NDArray =>
  convGeneralDilated(lhs, rhs, { windowStrides, padding });

/**
 * {@link convGeneralDilated} in the layout NCHW, OIHW.
 *
 * @example
 * ```ts
 * import { lax, numpy as np } from 'cotangent';
 * const [x, kernel] = [np.array([[[1, 2, 3]]]), np.array([[[1, 1]]])];
 * lax.convWithGeneralPadding(x, kernel, [1], [[1, 0]], [1], [2]).js(); // => [[[2, 4]]]
 * ```
 */
export const convWithGeneralPadding = (
  lhs: ArrayLike,
  rhs: ArrayLike,
  windowStrides: readonly number[],
  padding: Padding,
  lhsDilation?: readonly number[],
  rhsDilation?: readonly number[],
): NDArray => convGeneralDilated(lhs, rhs, { windowStrides, padding, lhsDilation, rhsDilation });

export interface ConvTransposeOptions {
  /** Distance between the elements of the kernel; default 1. */
  rhsDilation?: readonly number[] | undefined;
  /** Layouts; default NHWC, HWIO, NHWC, as JAX's (convGeneralDilated's default is another). */
  dimensionNumbers?: ConvDimensions | null | undefined;
  /** Turn the kernel around and exchange its features, so that this is the gradient of a convolution with it. */
  transposeKernel?: boolean | undefined;
  /**
   * Read explicit padding as that of the convolution whose gradient this is, as PyTorch and jax-js do; else it is the
   * padding of the dilated input. Default false, as in JAX.
   */
  useConsistentPadding?: boolean | undefined;
}

const CHANNELS_LAST: Readonly<Record<number, ConvDimensions>> = {
  2: ['NC', 'IO', 'NC'],
  3: ['NHC', 'HIO', 'NHC'],
  4: ['NHWC', 'HWIO', 'NHWC'],
  5: ['NHWDC', 'HWDIO', 'NHWDC'],
};

/** Padding of the dilated input for a kernel that spans `k` elements; from JAX's lax/convolution.py. */
function transposedPadding(
  k: number,
  stride: number,
  padding: string | readonly [number, number],
  consistent: boolean,
): readonly [number, number] {
  if (padding === 'VALID') return [k - 1, stride - 1 + Math.max(k - stride, 0)];
  if (typeof padding !== 'string') return consistent ? [k - 1 - padding[0], k - 1 - padding[1]] : padding;
  const total = k + stride - 2;
  const low = stride > k - 1 ? k - 1 : Math.ceil(total / 2);
  return [low, total - low];
}

/**
 * Transposed ("fractionally strided") convolution, computed as a convolution of the input with `strides - 1` zeros between
 * its elements. `SAME` gives strides times the length, `VALID` (length - 1)·stride + kernel or more.
 *
 * @param lhs - input of n + 2 axes, by default [batch, ...spatial, features].
 * @param rhs - kernel, by default [...spatial, input features, output features].
 * @throws ShapeError, DTypeError as {@link convGeneralDilated}.
 *
 * @example
 * ```ts
 * import { lax, numpy as np } from 'cotangent';
 * const y = lax.convTranspose(np.array([[[1], [2]]]), np.ones([2, 1, 1]), [2], 'VALID');
 * y.ravel().js(); // => [1, 1, 2, 2]
 * ```
 */
export function convTranspose(
  lhs: ArrayLike,
  rhs: ArrayLike,
  strides: readonly number[],
  padding: Padding,
  options: ConvTransposeOptions = {},
): NDArray {
  const [x, kernel] = take2(lift('conv_transpose', lhs, rhs));
  const { transposeKernel = false, useConsistentPadding = false } = options;
  const numbers: ConvDimensionNumbers = convDimensionNumbers(
    x.aval.shape,
    kernel.aval.shape,
    options.dimensionNumbers ?? CHANNELS_LAST[x.ndim],
  );
  const [outAxis, inAxis, ...spatial] = numbers.rhsSpec;
  const { rhsDilation = spatial.map(() => 1) } = options;
  checkPadding('conv_transpose', padding, ['SAME', 'VALID']);
  if (strides.length !== spatial.length || (typeof padding !== 'string' && padding.length !== spatial.length)) {
    throw new ShapeError(
      `conv_transpose: strides ${showShape(strides)} and padding ${JSON.stringify(padding)} must have one entry for each of the ${String(spatial.length)} spatial axes of ${x.aval.toString()}.${userLine()}`,
    );
  }
  const pads = spatial.map((d, i) =>
    transposedPadding(
      (nth(kernel.aval.shape, d) - 1) * nth(rhsDilation, i) + 1,
      nth(strides, i),
      typeof padding === 'string' ? padding : nth(padding, i),
      useConsistentPadding,
    ),
  );
  const turned = transposeKernel
    ? transpose(
        rev(kernel, spatial),
        kernel.aval.shape.map((_, d) => (d === outAxis ? (inAxis ?? d) : d === inAxis ? (outAxis ?? d) : d)),
      )
    : kernel;
  return convGeneralDilated(x, turned, {
    padding: pads,
    lhsDilation: strides,
    rhsDilation,
    dimensionNumbers: numbers,
  });
}
