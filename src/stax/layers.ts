/** Layers of one array: Dense, elementwise functions, Flatten, Dropout. */
import { showShape, type Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import * as nn from '../nn/index.js';
import { inexact, promoteTypesOf } from '../numpy/promote.js';
import { spawn } from '../random/key.js';
import { bernoulli } from '../random/uniform.js';
import { glorotNormal, zeros, type Initializer } from './initializers.js';
import { describeLayer, layer, NO_PARAMS, type Layer, type NoParams } from './layer.js';

/** Parameters of {@link Dense}: `W` of shape [inputs, outputs], `b` of shape [outputs]. */
export interface DenseParams {
  readonly W: NDArray;
  readonly b: NDArray;
}

/** Options of {@link Dense}. */
export interface DenseOptions {
  /** Initial weights, `glorotNormal()` by default. */
  W?: Initializer;
  /** Initial biases, `zeros` by default. */
  b?: Initializer;
  /** Of the parameters; float32 by default. */
  dtype?: DType;
}

/** One shape, not several; throws naming the layer. */
function checkShape(name: string, shape: Shape): Shape {
  if (Array.isArray(shape) && shape.every((n) => typeof n === 'number')) return shape;
  throw new ShapeError(
    `${name}: takes one array, got shapes ${JSON.stringify(shape)} of several. Join them with stax.FanInSum or stax.FanInConcat().${userLine()}`,
  );
}

function checkArray(name: string, x: NDArray): NDArray {
  if (x instanceof NDArray) return x;
  throw new ShapeError(
    `${name}: takes one array, got ${Array.isArray(x) ? 'a list; join it with stax.FanInSum or stax.FanInConcat()' : typeof x}.${userLine()}`,
  );
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
export function Dense(outputs: number, options: DenseOptions = {}): Layer<DenseParams> {
  const name = `Dense(${outputs})`;
  if (!Number.isInteger(outputs) || outputs < 1) {
    throw new ArgumentError(`Dense: the number of outputs must be a positive integer, got ${outputs}.${userLine()}`);
  }
  const { W: initW = glorotNormal(), b: initB = zeros, dtype } = options;
  return layer<DenseParams>(
    (key, inputShape) => {
      const features = checkShape(name, inputShape).at(-1);
      if (features === undefined || features < 0) {
        throw new ShapeError(
          `${name}: the number of features, the last of the input's shape, must be known, got ${showShape(inputShape)}.${userLine()}`,
        );
      }
      const [keyW, keyB] = spawn(key);
      return {
        outputShape: [...inputShape.slice(0, -1), outputs],
        params: { W: initW(keyW, [features, outputs], dtype), b: initB(keyB, [outputs], dtype) },
      };
    },
    ({ W, b }, input) => {
      const x = checkArray(name, input);
      if (x.ndim === 0 || x.aval.shape.at(-1) !== W.aval.shape[0]) {
        throw new ShapeError(
          `${name}: x of shape ${showShape(x.shape)} has ${x.aval.shape.at(-1) ?? 'no'} features, but W of shape ` +
            `${showShape(W.shape)} takes ${W.aval.shape[0] ?? 'none'}. Put stax.Flatten before a Dense layer for images.${userLine()}`,
        );
      }
      const [a, weights, bias] = promoteTypes(name, x, W, b);
      const product = lax.dotGeneral(a, weights, [
        [[a.ndim - 1], [0]],
        [[], []],
      ]);
      return lax.add(product, lax.broadcastTo(bias, product.aval.shape));
    },
    name,
  );
}

/** Three arrays in their common float dtype, shapes as they are. */
function promoteTypes(op: string, x: NDArray, y: NDArray, z: NDArray): readonly [NDArray, NDArray, NDArray] {
  const [a, b, c] = promoteTypesOf(op, [x, y, z], true);
  return [a ?? x, b ?? y, c ?? z];
}

/**
 * A layer without parameters that applies `f`, which keeps the shape.
 *
 * @example
 * ```ts
 * import { nn, numpy as np, stax } from 'cotangent';
 * const Steep = stax.elementwise((x) => nn.leakyRelu(x, 0.5), 'Steep');
 * Steep[1]([], np.array([-2, 2])).js(); // => [-1, 2]
 * ```
 */
export const elementwise = (f: (x: NDArray) => NDArray, name = 'an elementwise layer'): Layer<NoParams> =>
  layer<NoParams>(
    (_key, inputShape) => ({ outputShape: checkShape(name, inputShape), params: NO_PARAMS }),
    (_params, x) => f(checkArray(name, x)),
    name,
  );

/** max(x, 0): `nn.relu`. */
export const Relu = elementwise(nn.relu, 'Relu');
/** `nn.leakyRelu` with slope 0.01. */
export const LeakyRelu = elementwise((x) => nn.leakyRelu(x), 'LeakyRelu');
/** `nn.elu`. */
export const Elu = elementwise((x) => nn.elu(x), 'Elu');
/** `nn.selu`. */
export const Selu = elementwise(nn.selu, 'Selu');
/** `nn.gelu`, by its formula with tanh. */
export const Gelu = elementwise((x) => nn.gelu(x), 'Gelu');
/** x sigmoid(x): `nn.silu`. */
export const Silu = elementwise(nn.silu, 'Silu');
/** tanh x. */
export const Tanh = elementwise(nn.tanh, 'Tanh');
/** 1/(1 + e⁻ˣ): `nn.sigmoid`. */
export const Sigmoid = elementwise(nn.sigmoid, 'Sigmoid');
/** log(1 + eˣ): `nn.softplus`. */
export const Softplus = elementwise(nn.softplus, 'Softplus');
/** eˣ. */
export const Exp = elementwise((x) => lax.exp(inexact('Exp', x)), 'Exp');
/** `nn.softmax` over the last axis. */
export const Softmax = elementwise((x) => nn.softmax(x), 'Softmax');
/** `nn.logSoftmax` over the last axis. */
export const LogSoftmax = elementwise((x) => nn.logSoftmax(x), 'LogSoftmax');
/** The input itself. */
export const Identity = elementwise((x) => x, 'Identity');

/**
 * All axes but the first, the batch, in one.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.Flatten;
 * init(random.key(0), [-1, 28, 28]).outputShape; // => [-1, 784]
 * apply([], np.ones([2, 3, 4])).shape; // => [2, 12]
 * ```
 */
export const Flatten: Layer<NoParams> = layer<NoParams>(
  (_key, inputShape) => {
    const [batch, ...rest] = checkShape('Flatten', inputShape);
    if (batch === undefined || rest.includes(-1)) {
      throw new ShapeError(
        `Flatten: needs a batch axis and known lengths after it, got shape ${showShape(inputShape)}.${userLine()}`,
      );
    }
    return { outputShape: [batch, rest.reduce((a, b) => a * b, 1)], params: NO_PARAMS };
  },
  (_params, input) => {
    const [batch, ...rest] = checkArray('Flatten', input).shape;
    if (batch === undefined) throw new ShapeError(`Flatten: needs a batch axis, got a scalar.${userLine()}`);
    return lax.reshape(input, [batch, rest.reduce((a, b) => a * b, 1)]);
  },
  'Flatten',
);

/**
 * In training, sets each element to 0 with probability `rate` and divides the others by 1 - rate, so that the mean stays
 * (Srivastava et al., JMLR 2014, "inverted"); otherwise the identity. `rate` is the probability of *dropping*.
 *
 * `apply` takes `{ mode: 'train', key }`; without a mode it evaluates. Throws ArgumentError for a rate outside [0, 1) or
 * for training without a key.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [, apply] = stax.Dropout(0.5);
 * apply([], np.ones([3])).js(); // => [1, 1, 1]
 * apply([], np.ones([1000]), { mode: 'train', key: random.key(0) }).max().item(); // => 2
 * ```
 */
export function Dropout(rate: number): Layer<NoParams> {
  const name = `Dropout(${rate})`;
  if (!(rate >= 0 && rate < 1)) {
    throw new ArgumentError(`Dropout: the rate is the probability of dropping, in [0, 1), got ${rate}.${userLine()}`);
  }
  return describeLayer<Layer<NoParams>>(
    [
      (_key, inputShape) => ({ outputShape: checkShape(name, inputShape), params: NO_PARAMS }),
      (_params, input, { mode = 'eval', key } = {}) => {
        const x = inexact(name, checkArray(name, input));
        if (mode === 'eval' || rate === 0) return x;
        if (key === undefined) {
          throw new ArgumentError(
            `${name}: training needs randomness: apply(params, x, { mode: 'train', key }), with another key for each step.${userLine()}`,
          );
        }
        const isKept = bernoulli(key, 1 - rate, x.shape);
        return lax.select(isKept, lax.mul(x, 1 / (1 - rate)), lax.scalarLike(0, x));
      },
    ],
    { name },
  );
}
