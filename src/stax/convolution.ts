/** Convolutions: GeneralConv for any layout, Conv1d, Conv2d, Conv3d and ConvTranspose for features in the last axis. */
import { checkCount } from '../core/counts.js';
import { nth, range } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { spawn } from '../random/key.js';
import { checkArray, checkRank, promoteFloats } from './checks.js';
import type { DenseParams, KernelParams } from './dense.js';
import { glorotNormal, zeros, type Initializer } from './initializers.js';
import { layer, type AnyLayer, type Layer } from './layer.js';
import { perAxis, windowedLengths, type PerAxis } from './windows.js';

/** Options of convolutions. */
export interface ConvOptions {
  /** Distance between windows; 1 by default. */
  strides?: PerAxis;
  /** `VALID` (the default), `SAME`, `SAME_LOWER`, or `[low, high]` for each spatial axis. */
  padding?: lax.Padding;
  /** Distance between the elements of the window; 1 by default. */
  dilation?: PerAxis;
  /** Features in so many groups, each convolved by itself; as many as there are features make it depthwise. 1 by default. */
  groups?: number;
  /** Initial kernel; `glorotNormal` of the kernel's axes by default. */
  W?: Initializer;
  /** Initial biases, `zeros` by default. */
  b?: Initializer;
  /** Without it there is no `b`, as before a normalisation that has its own; true by default. */
  useBias?: boolean;
  /** Of the parameters; float32 by default. */
  dtype?: DType;
}

/** Layouts of input, kernel and output in letters: N batch, C features, O and I features of the kernel, others spatial. */
export type ConvLayout = readonly [input: string, kernel: string, output: string];

const LAYOUTS: Readonly<Record<number, ConvLayout>> = {
  1: ['NHC', 'HIO', 'NHC'],
  2: ['NHWC', 'HWIO', 'NHWC'],
  3: ['NHWDC', 'HWDIO', 'NHWDC'],
};
const AXES = ['', 'length', 'height, width', 'height, width, depth'];

/** The layout with features last, of so many spatial axes; throws for none and for more than three. */
function layoutOf(name: string, rank: number): ConvLayout {
  const layout = LAYOUTS[rank];
  if (layout !== undefined) return layout;
  throw new ArgumentError(`${name}: has 1, 2 or 3 spatial axes, got a window of ${rank}.${userLine()}`);
}

/** A convolution's parts that its two directions share: parameters, their shapes, and the bias. */
interface ConvSpec {
  readonly name: string;
  readonly layout: ConvLayout;
  readonly outputs: number;
  readonly size: readonly number[];
  readonly options: ConvOptions;
  readonly lengths: (spatial: Shape) => Shape;
  readonly convolve: (x: NDArray, W: NDArray) => NDArray;
}

function convLayer({
  name,
  layout,
  outputs,
  size,
  options,
  lengths,
  convolve,
}: ConvSpec): Layer<KernelParams | DenseParams> {
  const { groups = 1, useBias = true, b = zeros, dtype } = options;
  const [lhs, rhs, out] = layout;
  const rank = lhs.length;
  checkCount(name, 'the number of output features', outputs);
  const { W = glorotNormal({ inAxis: rhs.indexOf('I'), outAxis: rhs.indexOf('O') }) } = options;
  // Spatial letters of the input, in the order in which windows, strides and lengths are given.
  const spatial = Array.from(lhs).filter((c) => c !== 'N' && c !== 'C');
  const axesOf = rank === size.length + 2 ? `[batch, ${AXES[size.length] ?? spatial.join(', ')}, features]` : layout[0];
  return layer<KernelParams | DenseParams>(
    (key, inputShape) => {
      checkRank(name, inputShape, rank, lhs.endsWith('C') ? axesOf : `the layout ${lhs}`);
      const features = nth(inputShape, lhs.indexOf('C'));
      if (features < 1 || features % groups !== 0 || outputs % groups !== 0) {
        throw new ShapeError(
          `${name}: ${features} features of input ${showShape(inputShape)} and ${outputs} outputs must be known and divide ` +
            `into ${groups} group${groups === 1 ? '' : 's'}.${userLine()}`,
        );
      }
      const kernel = Array.from(rhs).map((c) =>
        c === 'O' ? outputs : c === 'I' ? features / groups : nth(size, spatial.indexOf(c)),
      );
      const after = lengths(spatial.map((c) => nth(inputShape, lhs.indexOf(c))));
      const [keyW, keyB] = spawn(key);
      const params = { W: W(keyW, kernel, dtype) };
      return {
        outputShape: Array.from(out).map((c) =>
          c === 'N' ? nth(inputShape, lhs.indexOf('N')) : c === 'C' ? outputs : nth(after, spatial.indexOf(c)),
        ),
        params: useBias ? { ...params, b: b(keyB, [outputs], dtype) } : params,
      };
    },
    (params, input) => {
      checkRank(name, checkArray(name, input).shape, rank, lhs.endsWith('C') ? axesOf : `the layout ${lhs}`);
      const [x, W_, bias] = promoteFloats(name, input, params.W, ...('b' in params ? [params.b] : []));
      const features = nth(x.aval.shape, lhs.indexOf('C'));
      const taken = nth(W_.aval.shape, rhs.indexOf('I')) * groups;
      if (features !== taken) {
        throw new ShapeError(
          `${name}: x of shape ${showShape(x.shape)} has ${features} features (layout ${lhs}), but W of shape ` +
            `${showShape(W_.shape)} takes ${taken}.${userLine()}`,
        );
      }
      const y = convolve(x, W_);
      return bias === undefined ? y : lax.add(y, lax.broadcastInDim(bias, y.aval.shape, [out.indexOf('C')]));
    },
    name,
  );
}

/**
 * A convolution (correlation: the kernel is not turned around) in any layout, by the letters of JAX's
 * `conv_general_dilated`. The kernel's spatial axes have the lengths `size`, in the order of the input's.
 *
 * @throws ShapeError, naming the layer, for an input of another rank or another number of features, for groups that do not
 *   divide them, and for a window that is larger than the image; ArgumentError for numbers that are no whole ones.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * // PyTorch's layout.
 * const [init] = stax.GeneralConv(['NCHW', 'OIHW', 'NCHW'], 8, [3, 3]);
 * const { params, outputShape } = init(random.key(0), [-1, 3, 32, 32]);
 * [outputShape, params.W.shape]; // => [[-1, 8, 30, 30], [8, 3, 3, 3]]
 * ```
 */
export function GeneralConv(
  layout: ConvLayout,
  outputs: number,
  size: readonly number[],
  options?: ConvOptions & { useBias?: true },
): Layer<DenseParams>;
export function GeneralConv(
  layout: ConvLayout,
  outputs: number,
  size: readonly number[],
  options: ConvOptions & { useBias: false },
): Layer<KernelParams>;
export function GeneralConv(
  layout: ConvLayout,
  outputs: number,
  size: readonly number[],
  options?: ConvOptions,
): Layer<KernelParams | DenseParams>;
export function GeneralConv(
  layout: ConvLayout,
  outputs: number,
  size: readonly number[],
  options: ConvOptions = {},
): AnyLayer {
  return conv('GeneralConv', layout, outputs, size, options);
}

function conv(
  op: string,
  layout: ConvLayout,
  outputs: number,
  window: PerAxis,
  options: ConvOptions,
): Layer<KernelParams | DenseParams> {
  const name = `${op}(${outputs}, ${JSON.stringify(window)})`;
  const rank = layout[0].length - 2;
  const size = perAxis(name, 'the window', window, rank);
  const { padding = 'VALID', groups = 1 } = options;
  const strides = perAxis(name, 'strides', options.strides ?? 1, rank);
  const dilation = perAxis(name, 'dilation', options.dilation ?? 1, rank);
  checkCount(name, 'groups', groups);
  return convLayer({
    name,
    layout,
    outputs,
    size,
    options,
    lengths: (spatial) => windowedLengths(name, spatial, size, strides, padding, dilation),
    convolve: (x, W) =>
      lax.convGeneralDilated(x, W, {
        windowStrides: strides,
        padding,
        rhsDilation: dilation,
        dimensionNumbers: layout,
        featureGroupCount: groups,
      }),
  });
}

/** A maker of convolutions, and the types of their parameters with and without bias. */
export interface ConvMaker {
  (outputs: number, window: PerAxis, options?: ConvOptions & { useBias?: true }): Layer<DenseParams>;
  (outputs: number, window: PerAxis, options: ConvOptions & { useBias: false }): Layer<KernelParams>;
  (outputs: number, window: PerAxis, options?: ConvOptions): Layer<KernelParams | DenseParams>;
}

// The overloads say which parameters there are: `useBias` decides it.
const maker = (op: string, rank: number): ConvMaker =>
  ((outputs: number, window: PerAxis, options: ConvOptions = {}) =>
    conv(op, layoutOf(op, rank), outputs, window, options)) as ConvMaker;

/**
 * Convolution of sequences [batch, length, features], with `outputs` features and a window of so many steps; see
 * {@link Conv2d}.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.Conv1d(8, 3, { padding: 'SAME' })[0](random.key(0), [-1, 20, 4]).outputShape; // => [-1, 20, 8]
 * ```
 */
export const Conv1d: ConvMaker = maker('Conv1d', 1);

/**
 * Convolution of images [batch, height, width, features]: `outputs` features, each of a window of `W`, of shape [window
 * height, window width, features / groups, outputs]; plus `b`. The window is a number or [height, width].
 *
 * The length of an axis becomes ⌈n / stride⌉ for `SAME`, ⌈(n - (window - 1) dilation) / stride⌉ for `VALID`. Throws ShapeError
 * as {@link GeneralConv}.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.serial(stax.Conv2d(32, 3), stax.Relu, stax.MaxPool(2));
 * const { params, outputShape } = init(random.key(0), [-1, 28, 28, 1]);
 * outputShape; // => [-1, 13, 13, 32]
 * apply(params, np.ones([5, 28, 28, 1])).shape; // => [5, 13, 13, 32]
 * ```
 */
export const Conv2d: ConvMaker = maker('Conv2d', 2);

/**
 * Convolution of volumes [batch, height, width, depth, features]; see {@link Conv2d}.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.Conv3d(2, 3)[0](random.key(0), [-1, 8, 8, 8, 1]).outputShape; // => [-1, 6, 6, 6, 2]
 * ```
 */
export const Conv3d: ConvMaker = maker('Conv3d', 3);

/**
 * The transpose of a convolution, which makes images larger: [batch, height, width, features] by a window `[h, w]`, sequences
 * by `[n]`, volumes by `[h, w, d]`; a number is a square window of images. `VALID` (the default) gives
 * (n - 1) stride + window or more, `SAME` n · stride. It is the transposed convolution of JAX and Keras, whose kernel is not
 * turned around; PyTorch's is that of `W` turned around in its spatial axes. Groups and dilation are not supported.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * const [init] = stax.ConvTranspose(16, 4, { strides: 2, padding: 'SAME' });
 * init(random.key(0), [-1, 7, 7, 32]).outputShape; // => [-1, 14, 14, 16]
 * ```
 */
export const ConvTranspose: ConvMaker = ((outputs: number, window: PerAxis, options: ConvOptions = {}) => {
  const name = `ConvTranspose(${outputs}, ${JSON.stringify(window)})`;
  const rank = typeof window === 'number' ? 2 : window.length;
  const layout = layoutOf(name, rank);
  const size = perAxis(name, 'the window', window, rank);
  const strides = perAxis(name, 'strides', options.strides ?? 1, rank);
  const { padding = 'VALID', groups = 1, dilation = 1 } = options;
  if (groups !== 1 || perAxis(name, 'dilation', dilation, rank).some((d) => d !== 1)) {
    throw new ArgumentError(`${name}: groups and dilation are not supported; use lax.convGeneralDilated.${userLine()}`);
  }
  return convLayer({
    name,
    layout,
    outputs,
    size,
    options,
    lengths: (spatial) =>
      spatial.map((n, i) => {
        const [k, stride] = [nth(size, i), nth(strides, i)];
        if (n === -1) return -1;
        if (padding === 'VALID') return (n - 1) * stride + Math.max(k, stride);
        if (typeof padding === 'string') return n * stride;
        const [low, high] = nth(padding, i);
        return (n - 1) * stride + 1 + low + high - k + 1;
      }),
    convolve: (x, W) => lax.convTranspose(x, W, strides, padding),
  });
}) as ConvMaker;

/** Axes of the spatial extent of images in the last-features layout of so many axes. */
export const spatialAxes = (rank: number): readonly number[] => range(rank).slice(1, -1);
