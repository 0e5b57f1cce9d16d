/** Layers made of layers: one after the other, side by side, or around a shortcut. */
import { nth } from '../core/axes.js';
import { sameShape, showShape, type Shape } from '../core/aval.js';
import { ArgumentError, ShapeError, TreeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { add } from '../numpy/arithmetic.js';
import { spawn } from '../random/key.js';
import { isConstrained } from './constraints.js';
import { Identity } from './elementwise.js';
import {
  describeLayer,
  nameOf,
  untyped,
  type AnyLayer,
  type Context,
  type InputOf,
  type Layer,
  type OutputOf,
  type ParamsOf,
  type ParamsOfAll,
  type StateOf,
  type StateOfAll,
} from './layer.js';
import { isRegularized } from './regularizers.js';
import { someTrained } from './walk.js';

/** What the first of several layers takes; an array if there are none. */
export type FirstInput<L extends readonly AnyLayer[]> = L extends readonly [infer F extends AnyLayer, ...AnyLayer[]]
  ? InputOf<F>
  : NDArray;
/** What the last of several layers gives; an array if there are none. */
export type LastOutput<L extends readonly AnyLayer[]> = L extends readonly [...AnyLayer[], infer Z extends AnyLayer]
  ? OutputOf<Z>
  : NDArray;

type StatefulContext = Context & { readonly state?: unknown };

/** One key per layer. */
const keysFor = (key: NDArray, count: number): readonly NDArray[] => (count === 0 ? [] : spawn<number>(key, count));

/** A list with one entry per layer; throws when it is anything else. */
function listFor(op: string, what: string, value: unknown, layers: readonly AnyLayer[]): readonly unknown[] {
  if (Array.isArray(value) && value.length === layers.length) return value;
  throw new TreeError(
    `${op}: expected a list of ${what} for its ${layers.length} layers, got ${Array.isArray(value) ? `${value.length}` : typeof value}. ` +
      `Use what this network's init returned.${userLine()}`,
  );
}

/** The states of layers, `null` if there are none. */
const joinStates = (states: readonly unknown[]): readonly unknown[] | null =>
  states.every((s) => s === null || s === undefined) ? null : states.map((s) => s ?? null);

interface Step {
  readonly layer: AnyLayer;
  readonly params: unknown;
  readonly context: Context & { readonly state: unknown };
}

/** Layers with their parameters, keys and states. */
function stepsOf(
  op: string,
  layers: readonly AnyLayer[],
  params: unknown,
  context: StatefulContext | undefined,
): Step[] {
  const all = listFor(op, 'parameters', params, layers);
  const state = context?.state ?? null;
  const states = state === null ? layers.map(() => null) : listFor(op, 'states', state, layers);
  const keys = context?.key === undefined ? undefined : keysFor(context.key, layers.length);
  return layers.map((layer, i) => ({
    layer,
    params: all[i],
    context: { key: keys?.[i], mode: context?.mode, mask: context?.mask, state: states[i] ?? null },
  }));
}

/** Output and next state; a layer has state exactly if it was given one. */
function runStep({ layer, params, context }: Step, x: unknown): readonly [output: unknown, state: unknown] {
  const result = untyped(layer).apply(params, x, context);
  if (context.state === null) return [result, null];
  if (Array.isArray(result) && result.length === 2) return [result[0], result[1]];
  throw new TreeError(`stax: ${nameOf(layer)} has state, so its apply must return [output, next state].${userLine()}`);
}

/** A layer of untyped functions as the layer its maker's signature promises. */
const typed = <L extends AnyLayer>(init: unknown, apply: unknown): L => [init, apply] as unknown as L;

/** The type of {@link serial}'s result. */
export type Serial<L extends readonly AnyLayer[]> = Layer<ParamsOfAll<L>, FirstInput<L>, LastOutput<L>, StateOfAll<L>>;

/**
 * Layers one after the other. The parameters are a list with those of each layer; so is the state, if any layer has
 * one (`null` otherwise, and then `apply` returns the output alone). Each layer gets a key of its own.
 *
 * @throws (from `apply`) TreeError for parameters or states of another network.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, predict] = stax.serial(stax.Dense(8), stax.Relu, stax.Dense(3), stax.LogSoftmax);
 * const { params, outputShape } = init(random.key(0), [-1, 4]);
 * outputShape; // => [-1, 3]
 * params[0].W.shape; // => [4, 8]
 * predict(params, np.ones([2, 4])).shape; // => [2, 3]
 * ```
 */
export function serial<const L extends readonly AnyLayer[]>(...layers: L): Serial<L> {
  const init = (key: NDArray, inputShape: unknown): unknown => {
    const keys = keysFor(key, layers.length);
    let outputShape = inputShape;
    const made = layers.map((layer, i) => {
      const result = untyped(layer).init(nth(keys, i), outputShape);
      outputShape = result.outputShape;
      return result;
    });
    return { outputShape, params: made.map((m) => m.params), state: joinStates(made.map((m) => m.state)) };
  };
  const apply = (params: unknown, x: unknown, context?: StatefulContext): unknown => {
    let output = x;
    const states = stepsOf('serial', layers, params, context).map((step) => {
      const [y, next] = runStep(step, output);
      output = y;
      return next;
    });
    const state = joinStates(states);
    return state === null ? output : [output, state];
  };
  const name = `serial(${layers.map(nameOf).join(', ')})`;
  return describeLayer(typed<Serial<L>>(init, apply), {
    name,
    parts: layers,
    listed: layers,
    inside: (inputShape, outputOf) => {
      let shape = inputShape;
      return layers.map((each) => {
        const takes = shape;
        shape = outputOf(each, takes);
        return [each, takes] as const;
      });
    },
  });
}

/** The type of {@link parallel}'s result. */
export type Parallel<L extends readonly AnyLayer[]> = Layer<
  ParamsOfAll<L>,
  readonly InputOf<L[number]>[],
  readonly OutputOf<L[number]>[],
  StateOfAll<L>
>;

/**
 * Layers side by side: the i-th takes the i-th of a list of inputs, such as FanOut gives, and gives the i-th output.
 *
 * @throws ShapeError for one array, or a list of another length; TreeError for parameters or states of another network.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const block = stax.parallel(stax.Dense(4), stax.Identity);
 * const [init, apply] = stax.serial(stax.FanOut(2), block, stax.FanInSum);
 * const { params } = init(random.key(0), [-1, 4]);
 * apply(params, np.ones([2, 4])).shape; // => [2, 4]
 * ```
 */
export function parallel<const L extends readonly AnyLayer[]>(...layers: L): Parallel<L> {
  const name = `parallel(${layers.map(nameOf).join(', ')})`;
  const check = (list: unknown): readonly unknown[] => {
    if (Array.isArray(list) && list.length === layers.length) return list;
    const got = Array.isArray(list) ? `a list of ${list.length}` : 'one array';
    throw new ShapeError(
      `${name}: needs a list of ${layers.length} inputs, one for each of its layers, got ${got}. ` +
        `Put stax.FanOut(${layers.length}) before it to give each the same.${userLine()}`,
    );
  };
  const shapesFor = (inputShape: unknown): readonly unknown[] => check(isShape(inputShape) ? null : inputShape);
  const init = (key: NDArray, inputShape: unknown): unknown => {
    const shapes = shapesFor(inputShape);
    const keys = keysFor(key, layers.length);
    const made = layers.map((layer, i) => untyped(layer).init(nth(keys, i), shapes[i]));
    return {
      outputShape: made.map((m) => m.outputShape),
      params: made.map((m) => m.params),
      state: joinStates(made.map((m) => m.state)),
    };
  };
  const apply = (params: unknown, xs: unknown, context?: StatefulContext): unknown => {
    const inputs = check(xs);
    const results = stepsOf('parallel', layers, params, context).map((step, i) => runStep(step, inputs[i]));
    const outputs = results.map(([y]) => y);
    const state = joinStates(results.map(([, next]) => next));
    return state === null ? outputs : [outputs, state];
  };
  return describeLayer(typed<Parallel<L>>(init, apply), {
    name,
    listed: layers,
    inside: (inputShape) => {
      const shapes = shapesFor(inputShape);
      return layers.map((each, i) => [each, shapes[i]] as const);
    },
  });
}

/** A shape and not a list of shapes. */
const isShape = (x: unknown): x is Shape => Array.isArray(x) && (x.length === 0 || typeof x[0] === 'number');

/** The type of {@link residual}'s result. */
export type Residual<L extends AnyLayer, M extends AnyLayer> = Layer<
  ParamsOfAll<readonly [L, M]>,
  InputOf<L>,
  NDArray,
  StateOfAll<readonly [L, M]>
>;

/**
 * layer(x) + shortcut(x), the shortcut being the identity if there is none given (He et al., arXiv 1512.03385). Parameters
 * and states are the list of both. Throws ShapeError when the two outputs differ in shape.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const block = stax.residual(stax.serial(stax.Dense(8), stax.Relu, stax.Dense(4)));
 * const [init, apply] = stax.serial(stax.Dense(4), block, block);
 * const { params } = init(random.key(0), [-1, 3]);
 * apply(params, np.ones([2, 3])).shape; // => [2, 4]
 * ```
 */
export function residual<const L extends AnyLayer>(layer: L): Residual<L, typeof Identity>;
export function residual<const L extends AnyLayer, const M extends AnyLayer>(layer: L, shortcut: M): Residual<L, M>;
export function residual(layer: AnyLayer, shortcut: AnyLayer = Identity): AnyLayer {
  const layers = [layer, shortcut];
  const name = `residual(${(shortcut === Identity ? [layer] : layers).map(nameOf).join(', ')})`;
  const misfit = (a: Shape, b: Shape): never => {
    throw new ShapeError(
      `${name}: the layer gives shape ${showShape(a)} and the shortcut ${showShape(b)}, which cannot be added. Give a shortcut ` +
        `that makes the same shape, such as a Dense layer or a convolution of window 1.${userLine()}`,
    );
  };
  const init = (key: NDArray, inputShape: unknown): unknown => {
    const keys = keysFor(key, 2);
    const made = layers.map((each, i) => untyped(each).init(nth(keys, i), inputShape));
    const [a, b] = made.map((m) => m.outputShape) as [Shape, Shape];
    if (!sameShape(a, b)) misfit(a, b);
    return { outputShape: a, params: made.map((m) => m.params), state: joinStates(made.map((m) => m.state)) };
  };
  const apply = (params: unknown, x: unknown, context?: StatefulContext): unknown => {
    const results = stepsOf('residual', layers, params, context).map((step) => runStep(step, x));
    const [a, b] = results.map(([y]) => y) as [NDArray, NDArray];
    if (!sameShape(a.aval.shape, b.aval.shape)) misfit(a.shape, b.shape);
    const state = joinStates(results.map(([, next]) => next));
    return state === null ? add(a, b) : [add(a, b), state];
  };
  return describeLayer(typed(init, apply), {
    name,
    listed: layers,
    inside: (shape) => (shortcut === Identity ? [layer] : layers).map((each) => [each, shape] as const),
  });
}

/**
 * A layer that is made when the shape of its input is known. `make` must be a pure function: it is asked when parameters are
 * made, with -1 for unknown lengths, and at each application, with the shape of the input. Penalties and constraints go around it.
 *
 * @throws ArgumentError from `init` if what was made has penalties or constraints.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * // As many outputs as there are inputs.
 * const Square = stax.shapeDependent((shape) => stax.Dense(shape.at(-1) ?? 1));
 * const [init, apply] = stax.serial(stax.Dense(3), Square, stax.Tanh);
 * const { params } = init(random.key(0), [-1, 5]);
 * params[1].W.shape; // => [3, 3]
 * apply(params, np.ones([2, 5])).shape; // => [2, 3]
 * ```
 */
export function shapeDependent<L extends AnyLayer>(
  make: (inputShape: Shape) => L,
  name = 'shapeDependent',
): Layer<ParamsOf<L>, NDArray, OutputOf<L>, StateOf<L>> {
  const init = (key: NDArray, inputShape: Shape): unknown => {
    const made = make(inputShape);
    // regularization and constraints see parameters alone, by which nobody can tell what was made.
    const isHidden = (layer: AnyLayer): boolean => isRegularized(layer) || isConstrained(layer);
    if (someTrained(made, isHidden)) {
      throw new ArgumentError(
        `${name}: the penalties and constraints of ${nameOf(made)}, which is made for each input, would not be found. Put them around it: ` +
          `stax.regularize(stax.shapeDependent(…), …), and so with stax.constrain.${userLine()}`,
      );
    }
    return untyped(made).init(key, inputShape);
  };
  const apply = (params: unknown, x: NDArray, context?: StatefulContext): unknown =>
    untyped(make(x.shape)).apply(params, x, { ...context, state: context?.state ?? null });
  return describeLayer(typed<Layer<ParamsOf<L>, NDArray, OutputOf<L>, StateOf<L>>>(init, apply), {
    name,
    inside: (shape) => [[make(shape as Shape), shape]],
  });
}
