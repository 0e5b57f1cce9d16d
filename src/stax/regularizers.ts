/** Penalties of parameters and of activity, by Keras's names, attached to layers and summed over a network. */
import { ArgumentError, TreeError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { widenHalf } from '../lax/convert.js';
import * as lax from '../lax/index.js';
import { describeWrapper, infoOf, nameOf, untyped } from './layer.js';
import type { AnyLayer, Context, InputOf, Layer, OutputOf, ParamsOf, StateOf } from './layer.js';
import { childrenOf, roleOf, someTrained, trainedArrays, type Placed } from './walk.js';

/** A penalty: a scalar of an array. */
export type Regularizer = (x: NDArray) => NDArray;

const total = (x: NDArray): NDArray => lax.reduceSum(x, [...x.aval.shape.keys()]);

function checkWeight(op: string, weight: number): void {
  if (!(weight >= 0)) throw new ArgumentError(`${op}: the weight must not be negative, got ${weight}.${userLine()}`);
}

/**
 * weight · Σ|x|, which makes parameters sparse (lasso).
 *
 * @throws ArgumentError for a negative weight.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.l1(0.5)(np.array([1, -3])).item(); // => 2
 * ```
 */
export function l1(weight = 0.01): Regularizer {
  checkWeight('l1', weight);
  return (x) => lax.mul(total(lax.abs(widenHalf(x))), weight);
}

/**
 * weight · Σx² (ridge, Tikhonov), as Keras has it: the weight decay Ω = α/2 ‖w‖² is `l2(alpha / 2)`.
 *
 * @throws ArgumentError for a negative weight.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.l2(0.5)(np.array([1, -3])).item(); // => 5
 * ```
 */
export function l2(weight = 0.01): Regularizer {
  checkWeight('l2', weight);
  return (x) => lax.mul(total(lax.square(widenHalf(x))), weight);
}

/**
 * l1 · Σ|x| + l2 · Σx² (elastic net).
 *
 * @throws ArgumentError for a negative weight.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * stax.l1l2({ l1: 1, l2: 0.5 })(np.array([1, -3])).item(); // => 9
 * ```
 */
export function l1l2({ l1: first = 0.01, l2: second = 0.01 }: { l1?: number; l2?: number } = {}): Regularizer {
  const [absolute, squared] = [l1(first), l2(second)];
  return (x) => lax.add(absolute(x), squared(x));
}

/** What {@link regularize} penalises. */
export interface RegularizeOptions {
  /** The parameters whose name begins with W, and embeddings. */
  kernel?: Regularizer | undefined;
  /** The parameters whose name begins with b. */
  bias?: Regularizer | undefined;
}

/** State of a layer with an activity regularizer: the layer's own, and the penalty of its last output. */
export type ActivityState<S> = {
  readonly layer: S;
  readonly activity: NDArray;
};

/**
 * The same layer, or whole network, with penalties: of its kernels and biases, and, in training or not, of its output, whose
 * penalty is divided by the number of examples (the first axis). {@link regularization} sums them. With `activity` the layer
 * has a state, in which `apply` leaves the penalty of the output.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const net = stax.serial(stax.regularize(stax.Dense(4), { kernel: stax.l2(0.01), bias: stax.l1(0.1) }), stax.Relu);
 * const [init, apply] = net;
 * const { params } = init(random.key(0), [-1, 3]);
 * const loss = (p: typeof params, x: np.Array) => apply(p, x).mean().add(stax.regularization(net)(p));
 * loss(params, np.ones([2, 3])).shape; // => []
 * ```
 */
export function regularize<L extends AnyLayer>(layer: L, options: RegularizeOptions & { activity?: never }): L;
export function regularize<L extends AnyLayer>(
  layer: L,
  options: RegularizeOptions & { activity: Regularizer },
): Layer<ParamsOf<L>, InputOf<L>, OutputOf<L>, ActivityState<StateOf<L>>>;
export function regularize(
  layer: AnyLayer,
  { kernel, bias, activity }: RegularizeOptions & { activity?: Regularizer },
): AnyLayer {
  const name = `regularize(${nameOf(layer)})`;
  const { init, apply } = untyped(layer);
  const regularizers = { kernel, bias };
  const ofParams = (params: unknown): NDArray[] =>
    trainedArrays(layer, params).flatMap(([path, array]) => {
      const role = roleOf(path);
      const penalty = role && regularizers[role];
      return penalty === undefined ? [] : [penalty(array)];
    });
  if (activity === undefined) {
    const again = (other: AnyLayer): AnyLayer => regularize(other, regularizers);
    const same: AnyLayer = [layer[0], layer[1]];
    return describeWrapper(same, layer, again, { name, penalties: ofParams });
  }
  const stateOf = (state: unknown): ActivityState<unknown> => {
    if (typeof state === 'object' && state !== null && 'activity' in state && 'layer' in state) {
      return state as ActivityState<unknown>;
    }
    throw new TreeError(`${name}: needs the state that its init or its last apply returned.${userLine()}`);
  };
  const made = [
    (key: NDArray, inputShape: unknown): unknown => {
      const { state = null, ...rest } = init(key, inputShape);
      return { ...rest, state: { layer: state, activity: lax.full([], 0, 'float32') } };
    },
    (params: unknown, x: unknown, context?: Context & { readonly state?: unknown }): unknown => {
      const { layer: inner } = stateOf(context?.state);
      const result = apply(params, x, { ...context, state: inner });
      const [y, next] = inner === null ? [result, null] : (result as readonly [unknown, unknown]);
      if (!(y instanceof NDArray)) {
        throw new TreeError(
          `${name}: the activity of a layer with several outputs cannot be regularized.${userLine()}`,
        );
      }
      return [y, { layer: next, activity: lax.div(activity(y), y.shape[0] ?? 1) }];
    },
  ] as unknown as AnyLayer;
  const again = (other: AnyLayer): AnyLayer => regularize(other, { ...regularizers, activity });
  return describeWrapper(made, layer, again, {
    name,
    innerState: (state) => stateOf(state).layer,
    penalties: (params, state) => [...ofParams(params), stateOf(state).activity],
  });
}

const add = (terms: readonly NDArray[]): NDArray =>
  terms.length === 0 ? lax.full([], 0, 'float32') : terms.reduce((a, b) => lax.add(...sameType(a, b)));

const sameType = (a: NDArray, b: NDArray): readonly [NDArray, NDArray] =>
  a.dtype === b.dtype ? [a, b] : [lax.convertElementType(a, 'float32'), lax.convertElementType(b, 'float32')];

/** Whether a layer itself has penalties. */
export const isRegularized = (layer: AnyLayer): boolean => infoOf(layer).penalties !== undefined;

/** The penalties of a layer and of those in it that are trained. */
function penaltiesOf(placed: Placed): NDArray[] {
  const { layer, params, state } = placed;
  if (!someTrained(layer, isRegularized)) return [];
  return [...(infoOf(layer).penalties?.(params, state) ?? []), ...childrenOf(placed).flatMap(penaltiesOf)];
}

/**
 * The sum of all penalties in a network, as a function of its parameters, and of its next state where a layer has an activity
 * regularizer: what is added to the loss. A scalar; 0 for a network without regularized layers.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const net = stax.serial(stax.regularize(stax.Dense(1, { W: stax.ones }), { kernel: stax.l2(0.5) }));
 * const regularization = stax.regularization(net);
 * regularization(net[0](random.key(0), [-1, 4]).params).item(); // => 2
 * ```
 */
export const regularization =
  <L extends AnyLayer>(layer: L) =>
  (params: ParamsOf<L>, ...state: [StateOf<L>] extends [null] ? [] : [state: StateOf<L>]): NDArray =>
    add(penaltiesOf({ layer, params, state: state[0] ?? null }));
