/**
 * What a layer is: a pair of pure functions, in the manner of `jax.example_libraries.stax`, with the types that follow
 * parameters, inputs, outputs and state through a network.
 */
import type { Shape } from '../core/aval.js';
import type { NDArray } from '../core/ndarray.js';

/** The shape of an array, or of each in a list of arrays; -1 stands for a length that is not known, such as the batch's. */
export type ShapeOf<X> = X extends NDArray ? Shape : { readonly [K in keyof X]: ShapeOf<X[K]> };

/** Whether a network is being trained or used. */
export type Mode = 'train' | 'eval';

/** What a layer may need besides parameters and input. */
export interface Context {
  /** Randomness, for layers like Dropout. */
  readonly key?: NDArray | undefined;
  /** `eval` when absent. */
  readonly mode?: Mode | undefined;
  /**
   * Which steps of a sequence are there, bool [batch, time], for the layers that look along time: RNN, GRU, LSTM,
   * MultiHeadAttention, GlobalAvgPool. Every layer of a network gets the same.
   */
  readonly mask?: NDArray | undefined;
}

/** What `init` returns: parameters, the shape of the output, and the state of layers that have one. */
export type Initialized<P, Y, S> = [S] extends [null]
  ? { readonly outputShape: ShapeOf<Y>; readonly params: P; readonly state?: null }
  : { readonly outputShape: ShapeOf<Y>; readonly params: P; readonly state: S };

/** Parameters of random values, from a key and the shape of the input. */
export type Init<P, X = NDArray, Y = NDArray, S = null> = (
  key: NDArray,
  inputShape: ShapeOf<X>,
) => Initialized<P, Y, S>;

/** The output; of a layer with state, the output and the next state. */
export type Apply<P, X = NDArray, Y = NDArray, S = null> = [S] extends [null]
  ? (params: P, x: X, context?: Context) => Y
  : (params: P, x: X, context: Context & { readonly state: S }) => readonly [output: Y, state: S];

/**
 * A layer `[init, apply]` with parameters `P`, from `X` to `Y` (arrays, or lists of them), with state `S` (`null` for
 * none). Both functions are pure: the parameters are the caller's.
 *
 * A stateless layer is two functions and nothing else.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax, type NDArray } from 'cotangent';
 * const Scale: stax.Layer<NDArray> = [
 *   (_key, inputShape) => ({ outputShape: inputShape, params: np.ones([inputShape.at(-1) ?? 1]) }),
 *   (scale, x) => x.mul(scale),
 * ];
 * const [init, apply] = stax.serial(stax.Flatten, Scale);
 * const { params } = init(random.key(0), [-1, 2, 2]);
 * apply(params, np.ones([3, 2, 2])).shape; // => [3, 4]
 * ```
 */
export type Layer<P, X = NDArray, Y = NDArray, S = null> = readonly [init: Init<P, X, Y, S>, apply: Apply<P, X, Y, S>];

/** Any layer, its types forgotten: what `serial` and `parallel` take. */
export type AnyLayer = readonly [
  init: (
    key: NDArray,
    inputShape: never,
  ) => { readonly outputShape: unknown; readonly params: unknown; readonly state?: unknown },
  apply: (params: never, x: never, context: never) => unknown,
];

/** Parameters of a layer. */
export type ParamsOf<L extends AnyLayer> = ReturnType<L[0]>['params'];
/** State of a layer, `null` if it has none. */
export type StateOf<L extends AnyLayer> = L extends AnyLayer
  ? ReturnType<L[0]> extends { readonly state: infer S }
    ? S
    : null
  : never;
/** What a layer takes. */
export type InputOf<L extends AnyLayer> = Parameters<L[1]>[1];
/** What a layer gives, without the state. */
export type OutputOf<L extends AnyLayer> = [StateOf<L>] extends [null]
  ? ReturnType<L[1]>
  : ReturnType<L[1]> extends readonly [infer Y, unknown]
    ? Y
    : never;

/** Parameters of layers in a list. */
export type ParamsOfAll<L extends readonly AnyLayer[]> = { readonly [K in keyof L]: ParamsOf<L[K]> };
type States<L extends readonly AnyLayer[]> = { readonly [K in keyof L]: StateOf<L[K]> };
/** State of layers in a list: `null` if none has any, else a list with `null` for those without. */
export type StateOfAll<L extends readonly AnyLayer[]> = [States<L>[number]] extends [null] ? null : States<L>;

/** A layer without its types, for the loops over layers. Parameters and states come from its own `init`. */
interface Untyped {
  readonly init: (key: NDArray, inputShape: unknown) => { outputShape: unknown; params: unknown; state?: unknown };
  readonly apply: (params: unknown, x: unknown, context: Context & { readonly state: unknown }) => unknown;
}

/**
 * The two functions of a layer for callers that do not know its types. What is passed to them was made by the layer
 * itself or checked by the types of the combinator's own signature.
 */
export const untyped = ([init, apply]: AnyLayer): Untyped => ({
  init: init as unknown as Untyped['init'],
  apply: apply as unknown as Untyped['apply'],
});

/** The shape that a layer makes of its input's. */
export type ShapeRule = (layer: AnyLayer, inputShape: unknown) => unknown;

/** What is known about a layer besides its functions. */
export interface LayerInfo {
  /** As the user wrote it: `Dense(10)`. */
  readonly name: string;
  /** Of `serial`: the layers it was made of. */
  readonly parts?: readonly AnyLayer[];
  /** The layers inside, with the shapes of their inputs; `outputOf` is the shape that a layer makes of one. */
  readonly inside?: (
    inputShape: unknown,
    outputOf: ShapeRule,
  ) => readonly (readonly [layer: AnyLayer, shape: unknown])[];
  /** The layers whose parameters and states are the entries of this one's lists. */
  readonly listed?: readonly AnyLayer[];
  /** The layer whose parameters are this one's. */
  readonly wrapped?: AnyLayer;
  /** The state of the layer that is wrapped, in this one's. */
  readonly innerState?: (state: unknown) => unknown;
  /** The terms that this layer itself, and none inside of it, adds to the penalty: of its parameters, and of the activity kept in the state. */
  readonly penalties?: (params: unknown, state: unknown) => readonly NDArray[];
  /** The nearest parameters that satisfy the constraints of this layer itself. */
  readonly project?: (params: unknown) => unknown;
  /** False where no gradient reaches the parameters. */
  readonly trainable?: boolean;
  /** The same layer of time running backwards. */
  readonly backwards?: AnyLayer;
}
const registry = new WeakMap<AnyLayer, LayerInfo>();

/** Remember what a layer is called and made of, for messages and for composition. */
export function describeLayer<L extends AnyLayer>(layer: L, info: LayerInfo): L {
  registry.set(layer, info);
  return layer;
}

/** What is known about a layer; of a user's own, nothing. */
export const infoOf = (layer: AnyLayer): Partial<LayerInfo> => registry.get(layer) ?? {};

/**
 * Remember that `made` is `layer` with something more: with the same parameters, and shapes. `again` makes the same of another layer, for the
 * layer that runs backwards.
 */
export function describeWrapper<L extends AnyLayer>(
  made: L,
  layer: AnyLayer,
  again: (layer: AnyLayer) => AnyLayer,
  info: LayerInfo,
): L {
  const { inside, parts, backwards } = infoOf(layer);
  return describeLayer(made, {
    ...(inside === undefined ? {} : { inside }),
    ...(parts === undefined ? {} : { parts }),
    ...(backwards === undefined ? {} : { backwards: again(backwards) }),
    wrapped: layer,
    ...info,
  });
}

/** The name of a layer, for messages. */
export const nameOf = (layer: AnyLayer): string => infoOf(layer).name ?? 'a layer';

/** The layers that `serial` made this one of; another layer is its own only part. */
export const partsOf = (layer: AnyLayer): readonly AnyLayer[] => infoOf(layer).parts ?? [layer];

/**
 * A stateless layer from its two functions, with the types of the parameters taken from the first. `name` appears in
 * messages.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const Bias = stax.layer(
 *   (_key, shape) => ({ outputShape: shape, params: np.zeros([shape.at(-1) ?? 1]) }),
 *   (bias, x) => x.add(bias),
 * );
 * const [init, apply] = Bias;
 * apply(init(random.key(0), [-1, 3]).params, np.ones([2, 3])).shape; // => [2, 3]
 * ```
 */
export const layer = <P>(
  init: (key: NDArray, inputShape: Shape) => { readonly outputShape: Shape; readonly params: P },
  apply: (params: P, x: NDArray, context?: Context) => NDArray,
  name = 'a layer',
): Layer<P> => describeLayer<Layer<P>>([init, apply], { name });

/** A layer of arrays whose types of parameters and state are forgotten. */
export type Erased<L extends AnyLayer> = Layer<object, NDArray, NDArray, [StateOf<L>] extends [null] ? null : object>;

/**
 * Forgets the types of a layer's parameters and state, which a list of layers of unknown length cannot keep: for networks
 * whose depth is a number.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * const deep = Array.from({ length: 20 }, () => stax.erase(stax.serial(stax.Dense(8), stax.Relu)));
 * const [init] = stax.serial(...deep, stax.Dense(1));
 * init(random.key(0), [-1, 4]).outputShape; // => [-1, 1]
 * ```
 */
export const erase = <L extends AnyLayer>(given: L): Erased<L> =>
  // Sound for parameters and states that the layer's own init made, which is where they come from.
  given as unknown as Erased<L>;

/** No parameters. */
export type NoParams = readonly [];
export const NO_PARAMS: NoParams = [];
