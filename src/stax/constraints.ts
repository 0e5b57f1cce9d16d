/** Constraints of parameters, by Keras's names: projections that a training step applies after the update. */
import { range } from '../core/axes.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import type { Path } from '../core/tree.js';
import { computeWide } from '../lax/convert.js';
import * as lax from '../lax/index.js';
import { describeWrapper, infoOf, nameOf, type AnyLayer, type ParamsOf } from './layer.js';
import { entryOf, mapTrained, roleOf, someTrained } from './walk.js';

/** A projection: the nearest array that satisfies the constraint. */
export type Constraint = (w: NDArray) => NDArray;

/** The norm over all axes but the last, repeated: that of the weights into each unit. */
function unitNorms(w: NDArray): NDArray {
  const axes = range(Math.max(w.ndim - 1, 0));
  const norm = lax.sqrt(lax.reduceSum(lax.square(w), axes));
  return w.ndim === 0 ? lax.abs(w) : lax.broadcastInDim(norm, w.aval.shape, [w.ndim - 1]);
}

/** Added to norms that are divided by. */
const EPSILON = 1e-7;

/**
 * The weights into each unit (all axes but the last) are scaled down to norm `max` where theirs is larger (Srivastava et al.,
 * JMLR 2014, section 5.1).
 *
 * @throws ArgumentError unless `max` is positive.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.maxNorm(1)(np.array([[3, 0.3], [4, 0.4]])).js(); // => [[0.6, 0.3], [0.8, 0.4]]
 * ```
 */
export function maxNorm(max = 2): Constraint {
  if (!(max > 0)) throw new ArgumentError(`maxNorm: the norm must be positive, got ${max}.${userLine()}`);
  return (weights) =>
    computeWide(weights, (w) => {
      const norm = unitNorms(w);
      return lax.select(lax.gt(norm, max), lax.mul(w, lax.div(max, lax.max(norm, EPSILON))), w);
    });
}

/**
 * Negative weights become 0.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.nonNeg(np.array([-1, 2])).js(); // => [0, 2]
 * ```
 */
export const nonNeg: Constraint = (w) => lax.max(w, 0);

/**
 * The weights into each unit (all axes but the last) are scaled to norm 1.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.unitNorm(np.array([[3], [4]])).js(); // => [[0.6], [0.8]]
 * ```
 */
export const unitNorm: Constraint = (weights) =>
  computeWide(weights, (w) => lax.div(w, lax.max(unitNorms(w), EPSILON)));

/** What {@link constrain} constrains. */
export interface ConstrainOptions {
  /** The parameters whose name begins with W, and embeddings. */
  kernel?: Constraint;
  /** The parameters whose name begins with b. */
  bias?: Constraint;
}

/**
 * The same layer, or whole network, with constraints. They act where {@link constraints} is called: after the update.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const net = stax.serial(stax.constrain(stax.Dense(1, { W: stax.constant(-1) }), { kernel: stax.nonNeg }), stax.Relu);
 * const { params } = net[0](random.key(0), [-1, 2]);
 * stax.constraints(net)(params)[0].W.js(); // => [[0], [0]]
 * ```
 */
export function constrain<L extends AnyLayer>(layer: L, options: ConstrainOptions): L {
  const made = [layer[0], layer[1]] as unknown as L;
  const apply = (path: Path, array: NDArray): NDArray => {
    const role = roleOf(path);
    return (role && options[role])?.(array) ?? array;
  };
  return describeWrapper(made, layer, (other) => constrain(other, options), {
    name: `constrain(${nameOf(layer)})`,
    project: (params) => mapTrained(layer, params, apply),
  });
}

/** Whether a layer itself has constraints. */
export const isConstrained = (layer: AnyLayer): boolean => infoOf(layer).project !== undefined;

/** First the constraints of the layers inside, then the layer's own. */
function projectParams(layer: AnyLayer, params: unknown): unknown {
  if (!someTrained(layer, isConstrained)) return params;
  const { listed, wrapped, project = (same: unknown) => same } = infoOf(layer);
  if (wrapped !== undefined) return project(projectParams(wrapped, params));
  return project(listed?.map((each, i) => projectParams(each, entryOf(params, i))) ?? params);
}

/**
 * All constraints of a network as one function from parameters to parameters: what a training step applies after the update.
 * The identity for a network without constrained layers.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const net = stax.constrain(stax.Dense(2, { W: stax.constant(3) }), { kernel: stax.maxNorm(1) });
 * const { params } = net[0](random.key(0), [-1, 1]);
 * const project = stax.constraints(net);
 * project(params).W.js(); // => [[1, 1]]
 * ```
 */
export const constraints =
  <L extends AnyLayer>(layer: L) =>
  (params: ParamsOf<L>): ParamsOf<L> =>
    // Projections keep the structure, and the shapes and dtypes of the arrays in it.
    projectParams(layer, params);
