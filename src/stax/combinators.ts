/** Layers made of layers: one after the other, or side by side; and those that split and join their arrays. */
import { nth } from '../core/axes.js';
import { showShape, type Shape } from '../core/aval.js';
import { ArgumentError, ShapeError, TreeError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { broadcastOperands, promoteTypesOf } from '../numpy/promote.js';
import { spawn } from '../random/key.js';
import {
  describeLayer,
  nameOf,
  NO_PARAMS,
  untyped,
  type AnyLayer,
  type Context,
  type InputOf,
  type Layer,
  type NoParams,
  type OutputOf,
  type ParamsOfAll,
  type StateOfAll,
} from './layer.js';

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
    context: { key: keys?.[i], mode: context?.mode, state: states[i] ?? null },
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
  return describeLayer(typed<Serial<L>>(init, apply), { name, parts: layers });
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
  const init = (key: NDArray, inputShape: readonly unknown[]): unknown => {
    const shapes = isShape(inputShape) ? check(null) : check(inputShape);
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
  return describeLayer(typed<Parallel<L>>(init, apply), { name });
}

/** A shape and not a list of shapes. */
const isShape = (x: readonly unknown[]): x is Shape => x.length === 0 || typeof x[0] === 'number';

/**
 * `count` copies of the input, for {@link parallel}.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * const [, apply] = stax.FanOut(3);
 * apply([], np.ones([2])).length; // => 3
 * ```
 */
export function FanOut(count: number): Layer<NoParams, NDArray, readonly NDArray[]> {
  if (!Number.isInteger(count) || count < 1) {
    throw new ArgumentError(`FanOut: the number of copies must be a positive integer, got ${count}.${userLine()}`);
  }
  const copies = <T>(x: T): T[] => Array.from({ length: count }, () => x);
  return describeLayer<Layer<NoParams, NDArray, readonly NDArray[]>>(
    [(_key, shape) => ({ outputShape: copies(shape), params: NO_PARAMS }), (_params, x) => copies(x)],
    { name: `FanOut(${count})` },
  );
}

function checkInputs<T>(name: string, xs: readonly T[]): readonly T[] {
  const list: unknown = xs;
  if (Array.isArray(list) && (list[0] instanceof NDArray || Array.isArray(list[0]))) return xs;
  throw new ShapeError(`${name}: needs a list of arrays, such as stax.parallel gives, got one array.${userLine()}`);
}

/** A length known from any of several, -1 if from none; throws when two differ. */
function commonLength(name: string, lengths: readonly number[], shapes: readonly Shape[]): number {
  const known = lengths.filter((n) => n !== -1);
  if (known.some((n) => n !== known[0])) {
    throw new ShapeError(
      `${name}: inputs have shapes ${shapes.map(showShape).join(' and ')}, which do not fit.${userLine()}`,
    );
  }
  return known[0] ?? -1;
}

function checkRanks(name: string, shapes: readonly Shape[]): Shape {
  const first = nth(shapes, 0);
  if (shapes.some((s) => s.length !== first.length)) {
    throw new ShapeError(
      `${name}: inputs have shapes ${shapes.map(showShape).join(' and ')}, of different rank.${userLine()}`,
    );
  }
  return first;
}

/**
 * The sum of a list of arrays of one shape.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * const [, apply] = stax.FanInSum;
 * apply([], [np.array([1, 2]), np.array([10, 20])]).js(); // => [11, 22]
 * ```
 */
export const FanInSum: Layer<NoParams, readonly NDArray[]> = describeLayer<Layer<NoParams, readonly NDArray[]>>(
  [
    (_key, shapes) => {
      const all = checkInputs('FanInSum', shapes);
      const outputShape = checkRanks('FanInSum', all).map((_, d) =>
        commonLength(
          'FanInSum',
          all.map((s) => nth(s, d)),
          all,
        ),
      );
      return { outputShape, params: NO_PARAMS };
    },
    (_params, xs) =>
      broadcastOperands('FanInSum', promoteTypesOf('FanInSum', checkInputs('FanInSum', xs))).reduce((a, b) =>
        lax.add(a, b),
      ),
  ],
  { name: 'FanInSum' },
);

/**
 * A list of arrays joined along `axis`, by default the last.
 *
 * @example
 * ```ts
 * import { numpy as np, stax } from 'cotangent';
 * const [, apply] = stax.FanInConcat();
 * apply([], [np.ones([2, 3]), np.zeros([2, 1])]).shape; // => [2, 4]
 * ```
 */
export function FanInConcat(axis = -1): Layer<NoParams, readonly NDArray[]> {
  const name = `FanInConcat(${axis})`;
  const along = (rank: number): number => {
    const d = axis < 0 ? axis + rank : axis;
    if (d < 0 || d >= rank) throw new ShapeError(`${name}: inputs of rank ${rank} have no axis ${axis}.${userLine()}`);
    return d;
  };
  return describeLayer<Layer<NoParams, readonly NDArray[]>>(
    [
      (_key, shapes) => {
        const all = checkInputs(name, shapes);
        const first = checkRanks(name, all);
        const joined = along(first.length);
        const outputShape = first.map((_, d) => {
          const lengths = all.map((s) => nth(s, d));
          if (d !== joined) return commonLength(name, lengths, all);
          return lengths.includes(-1) ? -1 : lengths.reduce((a, b) => a + b);
        });
        return { outputShape, params: NO_PARAMS };
      },
      (_params, xs) => {
        const arrays = promoteTypesOf(name, checkInputs(name, xs));
        return lax.concatenate(arrays, along(nth(arrays, 0).ndim));
      },
    ],
    { name },
  );
}
