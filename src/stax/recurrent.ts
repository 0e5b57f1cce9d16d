/** Recurrent layers, a cell in a loop over the steps of a sequence: RNN, GRU, LSTM, and both directions of time. */
import { showShape, type Shape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { flatten, leaves, unflatten } from '../core/tree.js';
import { scan } from '../control/scan.js';
import * as lax from '../lax/index.js';
import { inexact } from '../numpy/promote.js';
import { moveaxis } from '../numpy/shape.js';
import { gruCell, lstmCell, rnnCell } from './cells.js';
import type { Cell, CellOptions, GruParams, LstmCellOptions, RnnCellOptions, RnnParams } from './cells.js';
import { checkArray, checkRank, knownFeatures } from './checks.js';
import { parallel, serial } from './combinators.js';
import { FanInConcat, FanInSum, FanOut } from './fan.js';
import { describeLayer, infoOf, nameOf, type AnyLayer, type Layer, type OutputOf, type ParamsOf } from './layer.js';
import { checkMask } from './masks.js';

/** Options of recurrent layers. */
export interface RecurrentOptions {
  /** The output of every step, [..., time, size], and not that of the last alone, [..., size]; false by default. */
  returnSequences?: boolean;
  /** From the last step to the first; the outputs are in the order of the inputs all the same. */
  reverse?: boolean;
}

const LAYOUT = '[..., time, features]';

/**
 * Runs a cell over sequences [..., time, features], as one `lax.scan`. With a mask in the context, a step that is not there
 * leaves the state as it is.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.Recurrent(stax.gruCell(5), { returnSequences: true });
 * const { params } = init(random.key(0), [-1, 7, 3]);
 * apply(params, np.ones([2, 7, 3])).shape; // => [2, 7, 5]
 * ```
 */
export function Recurrent<P extends object, S extends object>(
  cell: Cell<P, S>,
  options: RecurrentOptions = {},
): Layer<P> {
  const { returnSequences = false, reverse = false } = options;
  const { name } = cell;
  const outputShape = (shape: Shape): Shape => {
    const before = checkRank(name, shape, 2, LAYOUT, true).slice(0, -1);
    return [...(returnSequences ? before : before.slice(0, -1)), cell.size];
  };
  const made: Layer<P> = [
    (key, inputShape) => ({
      outputShape: outputShape(inputShape),
      params: cell.init(key, knownFeatures(name, inputShape)),
    }),
    (params, input, context) => {
      const x = inexact(name, checkArray(name, input));
      outputShape(x.shape);
      if (x.shape.at(-2) === 0)
        throw new ShapeError(`${name}: x of shape ${showShape(x.shape)} has no steps.${userLine()}`);
      const time = x.ndim - 2;
      // Time first, as scan wants it.
      const inputs = moveaxis(cell.input(params, x), time, 0);
      // The loop carries the arrays of the state; the cell sees its tree.
      const [start, def] = flatten<NDArray>(cell.start(x.shape.slice(0, -2), inputs.dtype));
      const stateOf = (arrays: readonly NDArray[]): S => unflatten(def, arrays) as S;
      const step = (before: readonly NDArray[], at: NDArray, there?: NDArray) => {
        const after = leaves<NDArray>(cell.step(params, stateOf(before), at));
        const next = there === undefined ? after : after.map((a, i) => choose(there, a, before[i] ?? a));
        return [next, returnSequences ? cell.output(stateOf(next)) : null] as const;
      };
      const mask = context?.mask === undefined ? undefined : moveaxis(checkMask(name, context.mask, x), time, 0);
      const [last, outputs] =
        mask === undefined
          ? scan((carry: readonly NDArray[], at: NDArray) => step(carry, at), start, inputs, { reverse })
          : scan(
              (carry: readonly NDArray[], [at, there]: readonly [NDArray, NDArray]) => step(carry, at, there),
              start,
              [inputs, mask] as const,
              { reverse },
            );
      return outputs === null ? cell.output(stateOf(last)) : moveaxis(outputs, 0, time);
    },
  ];
  return describeLayer(made, { name });
}

/** `next` where a step is there, else `before`. */
const choose = (there: NDArray, next: NDArray, before: NDArray): NDArray => {
  const axes = there.aval.shape.map((_, d) => d);
  return lax.select(lax.broadcastInDim(there, next.aval.shape, axes), next, before);
};

/** Both directions of a cell, so that Bidirectional finds the other. */
function both<P extends object, S extends object>(cell: Cell<P, S>, options: RecurrentOptions): Layer<P> {
  const made = Recurrent(cell, options);
  const backwards = Recurrent(cell, { ...options, reverse: options.reverse !== true });
  return describeLayer(made, { name: cell.name, backwards });
}

/**
 * A simple recurrent layer of `size` units over [..., time, features]: h ← tanh(x Wi + h Wh + b). See {@link rnnCell} for its
 * formula, {@link Recurrent} for masks; stack several with `returnSequences` in all but the last.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.serial(stax.RNN(8, { returnSequences: true }), stax.RNN(4));
 * const { params } = init(random.key(0), [-1, 10, 2]);
 * apply(params, np.ones([3, 10, 2])).shape; // => [3, 4]
 * ```
 */
export const RNN = (size: number, options: RecurrentOptions & RnnCellOptions = {}): Layer<RnnParams> =>
  both(rnnCell(size, options), options);

/**
 * A layer of `size` gated recurrent units; see {@link gruCell} and {@link RNN}.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.GRU(4)[0](random.key(0), [-1, 10, 2]).outputShape; // => [-1, 4]
 * ```
 */
export const GRU = (size: number, options: RecurrentOptions & CellOptions = {}): Layer<GruParams> =>
  both(gruCell(size, options), options);

/**
 * A layer of `size` long short-term memories; see {@link lstmCell} and {@link RNN}.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.serial(stax.Embedding(100, 8), stax.LSTM(16), stax.Dense(1));
 * const { params } = init(random.key(0), [-1, 20]);
 * const tokens = np.array([[3, 14, 15, 0, 0]], { dtype: 'int32' });
 * apply(params, tokens, { mask: tokens.notEqual(0) }).shape; // => [1, 1]
 * ```
 */
export const LSTM = (size: number, options: RecurrentOptions & LstmCellOptions = {}): Layer<RnnParams> =>
  both(lstmCell(size, options), options);

/** The type of {@link Bidirectional}'s result: parameters of both directions are in the second of the list. */
export type BothDirections<L extends AnyLayer> = Layer<
  readonly [forwards: ParamsOf<L>, backwards: ParamsOf<L>],
  NDArray,
  OutputOf<L>
>;

/**
 * A recurrent layer in both directions of time, with parameters for each, the outputs joined in the last axis (`concat`, the
 * default) or added (`sum`) (Schuster and Paliwal, 1997). Throws ArgumentError for a layer other than RNN, GRU and LSTM.
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.Bidirectional(stax.LSTM(8, { returnSequences: true }));
 * const { params } = init(random.key(0), [-1, 5, 3]);
 * apply(params, np.ones([2, 5, 3])).shape; // => [2, 5, 16]
 * ```
 */
export function Bidirectional<L extends AnyLayer>(
  layer: L,
  { merge = 'concat' }: { merge?: 'concat' | 'sum' } = {},
): BothDirections<L> {
  const { backwards } = infoOf(layer);
  const name = `Bidirectional(${nameOf(layer)})`;
  if (backwards === undefined) {
    throw new ArgumentError(
      `${name}: takes a recurrent layer, stax.RNN, GRU or LSTM; for a cell of your own, join two stax.Recurrent, one with ` +
        `reverse: true, by stax.parallel.${userLine()}`,
    );
  }
  const join: AnyLayer = merge === 'sum' ? FanInSum : FanInConcat();
  const [init, apply] = serial(FanOut(2), parallel(layer, backwards), join) as unknown as Layer<
    readonly [readonly [], BothParams<L>, readonly []]
  >;
  const made: Layer<BothParams<L>> = [
    (key, shape) => {
      const { outputShape, params } = init(key, shape);
      return { outputShape, params: params[1] };
    },
    (params, x, context) => apply([[], params, []], x, context),
  ];
  return describeLayer(made as unknown as BothDirections<L>, {
    name,
    listed: [layer, backwards],
    inside: (shape) => [layer, backwards].map((each) => [each, shape] as const),
  });
}

type BothParams<L extends AnyLayer> = readonly [forwards: ParamsOf<L>, backwards: ParamsOf<L>];
