/** Layers that apply a function to each element, or along the last axis, and keep the shape. */
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import * as nn from '../nn/index.js';
import { inexact } from '../numpy/promote.js';
import { checkArray, checkShape } from './checks.js';
import { layer, NO_PARAMS, type Layer, type NoParams } from './layer.js';

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
/** min(max(x, 0), 6): `nn.relu6`. */
export const Relu6 = elementwise(nn.relu6, 'Relu6');
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
/** log sigmoid x: `nn.logSigmoid`. */
export const LogSigmoid = elementwise(nn.logSigmoid, 'LogSigmoid');
/** `nn.hardSigmoid`, in pieces of straight lines. */
export const HardSigmoid = elementwise(nn.hardSigmoid, 'HardSigmoid');
/** x clipped to [-1, 1]: `nn.hardTanh`. */
export const HardTanh = elementwise(nn.hardTanh, 'HardTanh');
/** x tanh(softplus x): `nn.mish`. */
export const Mish = elementwise(nn.mish, 'Mish');
/** x/(1 + |x|): `nn.softSign`. */
export const SoftSign = elementwise(nn.softSign, 'SoftSign');
/** arctan x. */
export const Arctan = elementwise(nn.arctan, 'Arctan');
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
