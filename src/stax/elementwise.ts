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

/**
 * max(x, 0), as `nn.relu`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Relu[1]([], np.array([-1, 2])).js(); // => [0, 2]
 * ```
 */
export const Relu = elementwise(nn.relu, 'Relu');
/**
 * min(max(x, 0), 6), as `nn.relu6`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Relu6[1]([], np.array([-1, 8])).js(); // => [0, 6]
 * ```
 */
export const Relu6 = elementwise(nn.relu6, 'Relu6');
/**
 * x where it is positive, else 0.01 x, as `nn.leakyRelu`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.LeakyRelu[1]([], np.array([-1, 2])).js(); // => [-0.01, 2]
 * ```
 */
export const LeakyRelu = elementwise((x) => nn.leakyRelu(x), 'LeakyRelu');
/**
 * x where it is positive, else eˣ - 1, as `nn.elu` (Clevert, Unterthiner, Hochreiter, arXiv 1511.07289).
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Elu[1]([], np.array([-1, 2])).js(); // => [-0.632121, 2]
 * ```
 */
export const Elu = elementwise((x) => nn.elu(x), 'Elu');
/**
 * 1.0507 x where it is positive, else 1.7581 (eˣ - 1), as `nn.selu` (Klambauer et al., arXiv 1706.02515).
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Selu[1]([], np.array([-1, 2])).js(); // => [-1.111331, 2.101402]
 * ```
 */
export const Selu = elementwise(nn.selu, 'Selu');
/**
 * x Φ(x), as `nn.gelu`, by its formula with tanh (Hendrycks and Gimpel, arXiv 1606.08415).
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Gelu[1]([], np.array([-1, 2])).js(); // => [-0.158808, 1.954598]
 * ```
 */
export const Gelu = elementwise((x) => nn.gelu(x), 'Gelu');
/**
 * x sigmoid(x), as `nn.silu`; also known as swish.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Silu[1]([], np.array([-1, 2])).js(); // => [-0.268941, 1.761594]
 * ```
 */
export const Silu = elementwise(nn.silu, 'Silu');
/**
 * tanh x.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Tanh[1]([], np.array([-1, 2])).js(); // => [-0.761594, 0.964028]
 * ```
 */
export const Tanh = elementwise(nn.tanh, 'Tanh');
/**
 * 1/(1 + e⁻ˣ), as `nn.sigmoid`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Sigmoid[1]([], np.array([-1, 2])).js(); // => [0.268941, 0.880797]
 * ```
 */
export const Sigmoid = elementwise(nn.sigmoid, 'Sigmoid');
/**
 * log sigmoid(x), as `nn.logSigmoid`: exact where the sigmoid is tiny.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.LogSigmoid[1]([], np.array([-1, 2])).js(); // => [-1.313262, -0.126928]
 * ```
 */
export const LogSigmoid = elementwise(nn.logSigmoid, 'LogSigmoid');
/**
 * min(max(x + 3, 0), 6)/6, as `nn.hardSigmoid`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.HardSigmoid[1]([], np.array([-1, 2])).js(); // => [0.333333, 0.833333]
 * ```
 */
export const HardSigmoid = elementwise(nn.hardSigmoid, 'HardSigmoid');
/**
 * x clipped to [-1, 1], as `nn.hardTanh`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.HardTanh[1]([], np.array([-0.5, 2])).js(); // => [-0.5, 1]
 * ```
 */
export const HardTanh = elementwise(nn.hardTanh, 'HardTanh');
/**
 * x tanh(log(1 + eˣ)), as `nn.mish` (Misra, arXiv 1908.08681).
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Mish[1]([], np.array([-1, 2])).js(); // => [-0.303401, 1.943959]
 * ```
 */
export const Mish = elementwise(nn.mish, 'Mish');
/**
 * x/(1 + |x|), as `nn.softSign`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.SoftSign[1]([], np.array([-1, 2])).js(); // => [-0.5, 0.666667]
 * ```
 */
export const SoftSign = elementwise(nn.softSign, 'SoftSign');
/**
 * arctan x.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Arctan[1]([], np.array([-1, 2])).js(); // => [-0.785398, 1.107149]
 * ```
 */
export const Arctan = elementwise(nn.arctan, 'Arctan');
/**
 * log(1 + eˣ), as `nn.softplus`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Softplus[1]([], np.array([-1, 2])).js(); // => [0.313262, 2.126928]
 * ```
 */
export const Softplus = elementwise(nn.softplus, 'Softplus');
/**
 * eˣ.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Exp[1]([], np.array([-1, 2])).js(); // => [0.367879, 7.389056]
 * ```
 */
export const Exp = elementwise((x) => lax.exp(inexact('Exp', x)), 'Exp');
/**
 * eˣ/Σ eˣ over the last axis, as `nn.softmax`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Softmax[1]([], np.array([-1, 2])).js(); // => [0.047426, 0.952574]
 * ```
 */
export const Softmax = elementwise((x) => nn.softmax(x), 'Softmax');
/**
 * x - log Σ eˣ over the last axis, as `nn.logSoftmax`.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.LogSoftmax[1]([], np.array([-1, 2])).js(); // => [-3.048587, -0.048587]
 * ```
 */
export const LogSoftmax = elementwise((x) => nn.logSoftmax(x), 'LogSoftmax');
/**
 * The input itself.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.Identity[1]([], np.array([-1, 2])).js(); // => [-1, 2]
 * ```
 */
export const Identity = elementwise((x) => x, 'Identity');
