/** Dense: the fully connected layer, an affine map of the last axis. */
import { checkCount } from '../core/counts.js';
import { showShape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { spawn } from '../random/key.js';
import { checkArray, knownFeatures, promoteFloats } from './checks.js';
import { glorotNormal, zeros, type Initializer } from './initializers.js';
import { layer, type AnyLayer, type Layer } from './layer.js';

/** Parameters of a layer with a kernel alone. */
export type KernelParams = {
  readonly W: NDArray;
};

/** Parameters of {@link Dense}: `W` of shape [inputs, outputs], `b` of shape [outputs]. */
export type DenseParams = KernelParams & {
  readonly b: NDArray;
};

/** Options of {@link Dense}. */
export interface DenseOptions {
  /** Initial weights, `glorotNormal()` by default. */
  W?: Initializer;
  /** Initial biases, `zeros` by default. */
  b?: Initializer;
  /** Without it there is no `b`; true by default. */
  useBias?: boolean;
  /** Of the parameters; float32 by default. */
  dtype?: DType;
}

/** x W (+ b) over the last axis of x. */
export function affine(name: string, input: NDArray, W: NDArray, b?: NDArray): NDArray {
  const x = checkArray(name, input);
  if (x.ndim === 0 || x.aval.shape.at(-1) !== W.aval.shape[0]) {
    throw new ShapeError(
      `${name}: x of shape ${showShape(x.shape)} has ${x.aval.shape.at(-1) ?? 'no'} features, but W of shape ` +
        `${showShape(W.shape)} takes ${W.aval.shape[0] ?? 'none'}. Put stax.Flatten before a Dense layer for images.${userLine()}`,
    );
  }
  const [a, weights, bias] = promoteFloats(name, x, W, ...(b === undefined ? [] : [b]));
  const product = lax.dotGeneral(a, weights, [
    [[a.ndim - 1], [0]],
    [[], []],
  ]);
  return bias === undefined ? product : lax.add(product, lax.broadcastTo(bias, product.aval.shape));
}

/**
 * x W + b over the last axis of x: a fully connected layer with `outputs` outputs.
 *
 * `init` takes the shape of the input, whose last axis must be known. Throws ShapeError, naming the layer, for an input
 * without axes or with another number of features than `W` has rows.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.Dense(2, { W: stax.ones });
 * const { params } = init(random.key(0), [-1, 3]);
 * apply(params, np.array([[1, 2, 3]])).js(); // => [[6, 6]]
 * ```
 */
export function Dense(outputs: number, options?: DenseOptions & { useBias?: true }): Layer<DenseParams>;
export function Dense(outputs: number, options: DenseOptions & { useBias: false }): Layer<KernelParams>;
export function Dense(outputs: number, options?: DenseOptions): Layer<KernelParams | DenseParams>;
export function Dense(
  outputs: number,
  { W = glorotNormal(), b = zeros, useBias = true, dtype }: DenseOptions = {},
): AnyLayer {
  const name = `Dense(${outputs})`;
  checkCount('Dense', 'the number of outputs', outputs);
  return layer<KernelParams | DenseParams>(
    (key, inputShape) => {
      const features = knownFeatures(name, inputShape);
      const [keyW, keyB] = spawn(key);
      const kernel = { W: W(keyW, [features, outputs], dtype) };
      return {
        outputShape: [...inputShape.slice(0, -1), outputs],
        params: useBias ? { ...kernel, b: b(keyB, [outputs], dtype) } : kernel,
      };
    },
    (params, x) => affine(name, x, params.W, 'b' in params ? params.b : undefined),
    name,
  );
}
