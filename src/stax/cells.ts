/**
 * Recurrent cells: what one step of a recurrent network computes, as pure functions. `stax.Recurrent` runs one over a sequence;
 * a loop of one's own (a decoder that reads what it wrote) calls `step` itself.
 */
import { checkCount } from '../core/counts.js';
import type { Shape } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import type { NDArray } from '../core/ndarray.js';
import { range } from '../core/axes.js';
import * as lax from '../lax/index.js';
import { spawn } from '../random/key.js';

import { affine } from './dense.js';
import { glorotUniform, orthogonal, zeros, type Initializer } from './initializers.js';

/** A cell with parameters `P` and state `S`, a tree of arrays. */
export interface Cell<P, S> {
  readonly name: string;
  /** Number of features of the output. */
  readonly size: number;
  readonly init: (key: NDArray, features: number) => P;
  /** The state before the first step of as many sequences. */
  readonly start: (batch: Shape, dtype?: DType) => S;
  /**
   * The part of a step that does not depend on the state, for inputs [..., features]. It is computed for all steps of a
   * sequence together, as one large product.
   */
  readonly input: (params: P, x: NDArray) => NDArray;
  /** The next state, from `input`'s result for this step. */
  readonly step: (params: P, state: S, input: NDArray) => S;
  /** What the network sees of a state, [..., size]. */
  readonly output: (state: S) => NDArray;
}

/** Options of cells. */
export interface CellOptions {
  /** Initial kernel of the inputs, `glorotUniform()` by default. */
  Wi?: Initializer;
  /** Initial kernel of the state, `orthogonal()` by default. */
  Wh?: Initializer;
  /** Of the parameters; float32 by default. */
  dtype?: DType;
}

/** Parameters of {@link rnnCell} and {@link lstmCell}: kernels of inputs and of the state, and a bias. */
export type RnnParams = {
  readonly Wi: NDArray;
  readonly Wh: NDArray;
  readonly b: NDArray;
};

/** Parameters of {@link gruCell}: the bias of the state is inside the reset gate. */
export type GruParams = {
  readonly Wi: NDArray;
  readonly Wh: NDArray;
  readonly bi: NDArray;
  readonly bh: NDArray;
};

/** State of {@link lstmCell}: output and memory. */
export type LstmState = {
  readonly h: NDArray;
  readonly c: NDArray;
};

/** Kernels of `gates` gates, each drawn by itself. */
function kernels(
  key: NDArray,
  features: number,
  size: number,
  gates: number,
  { Wi = glorotUniform(), Wh = orthogonal(), dtype }: CellOptions,
): { Wi: NDArray; Wh: NDArray } {
  const draw = (init: Initializer, k: NDArray, rows: number): NDArray =>
    gates === 1
      ? init(k, [rows, size], dtype)
      : lax.concatenate(
          spawn<number>(k, gates).map((each) => init(each, [rows, size], dtype)),
          1,
        );
  const [keyI, keyH] = spawn(key);
  return { Wi: draw(Wi, keyI, features), Wh: draw(Wh, keyH, size) };
}

/** The gates, which lie one after the other in the last axis. */
const split = (z: NDArray, gates: number): NDArray[] => {
  const size = (z.aval.shape.at(-1) ?? 0) / gates;
  return range(gates).map((i) => lax.sliceInDim(z, i * size, (i + 1) * size, z.ndim - 1));
};

const zeroState = (batch: Shape, size: number, dtype: DType = 'float32'): NDArray =>
  lax.full([...batch, size], 0, dtype);

/** Options of {@link rnnCell}. */
export interface RnnCellOptions extends CellOptions {
  /** tanh by default. */
  activation?: (x: NDArray) => NDArray;
}

/**
 * The simple recurrent cell (Elman, 1990): h ← tanh(x Wi + h Wh + b).
 *
 * @example
 * ```ts
 * import { numpy as np, random, stax } from 'cotangent';
 * const cell = stax.rnnCell(4);
 * const params = cell.init(random.key(0), 3);
 * const h = cell.step(params, cell.start([2]), cell.input(params, np.ones([2, 3])));
 * h.shape; // => [2, 4]
 * ```
 */
export function rnnCell(size: number, options: RnnCellOptions = {}): Cell<RnnParams, NDArray> {
  const name = `RNN(${size})`;
  checkCount('RNN', 'the number of units', size);
  const { activation = lax.tanh, dtype } = options;
  return {
    name,
    size,
    init: (key, features) => ({ ...kernels(key, features, size, 1, options), b: zeros(key, [size], dtype) }),
    start: (batch, of) => zeroState(batch, size, of),
    input: ({ Wi, b }, x) => affine(name, x, Wi, b),
    step: ({ Wh }, h, input) => activation(lax.add(input, affine(name, h, Wh))),
    output: (h) => h,
  };
}

/**
 * The gated recurrent unit (Cho et al., arXiv 1406.1078, with the reset gate after the product, as PyTorch and Keras have it):
 * r = σ(x Wi_r + bi_r + h Wh_r + bh_r), z likewise, n = tanh(x Wi_n + bi_n + r (h Wh_n + bh_n)), h ← (1 - z) n + z h. The columns
 * of the kernels are r, z, n.
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * stax.gruCell(4).init(random.key(0), 3).Wi.shape; // => [3, 12]
 * ```
 */
export function gruCell(size: number, options: CellOptions = {}): Cell<GruParams, NDArray> {
  const name = `GRU(${size})`;
  checkCount('GRU', 'the number of units', size);
  return {
    name,
    size,
    init: (key, features) => ({
      ...kernels(key, features, size, 3, options),
      bi: zeros(key, [3 * size], options.dtype),
      bh: zeros(key, [3 * size], options.dtype),
    }),
    start: (batch, of) => zeroState(batch, size, of),
    input: ({ Wi, bi }, x) => affine(name, x, Wi, bi),
    step: ({ Wh, bh }, h, input) => {
      const [xr = h, xz = h, xn = h] = split(input, 3);
      const [hr = h, hz = h, hn = h] = split(affine(name, h, Wh, bh), 3);
      const r = lax.logistic(lax.add(xr, hr));
      const z = lax.logistic(lax.add(xz, hz));
      const n = lax.tanh(lax.add(xn, lax.mul(r, hn)));
      return lax.add(n, lax.mul(z, lax.sub(h, n)));
    },
    output: (h) => h,
  };
}

/** Options of {@link lstmCell}. */
export interface LstmCellOptions extends CellOptions {
  /** Initial bias of the forget gate: 1 by default, so that gradients reach the beginning (Jozefowicz et al., ICML 2015). */
  forgetBias?: number;
}

/**
 * The long short-term memory (Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000): of x Wi + h Wh + b the
 * gates i, f, g, o in this order (PyTorch's and Keras's), c ← σ(f) c + σ(i) tanh(g), h ← σ(o) tanh(c).
 *
 * @example
 * ```ts
 * import { random, stax } from 'cotangent';
 * const { Wi, Wh, b } = stax.lstmCell(2).init(random.key(0), 3);
 * [Wi.shape, Wh.shape, b.js()]; // => [[3, 8], [2, 8], [0, 0, 1, 1, 0, 0, 0, 0]]
 * ```
 */
export function lstmCell(size: number, options: LstmCellOptions = {}): Cell<RnnParams, LstmState> {
  const name = `LSTM(${size})`;
  checkCount('LSTM', 'the number of units', size);
  const { forgetBias = 1, dtype = 'float32' } = options;
  return {
    name,
    size,
    init: (key, features) => ({
      ...kernels(key, features, size, 4, options),
      b: lax.concatenate(
        [0, forgetBias, 0, 0].map((value) => lax.full([size], value, dtype)),
        0,
      ),
    }),
    start: (batch, of) => ({ h: zeroState(batch, size, of), c: zeroState(batch, size, of) }),
    input: ({ Wi, b }, x) => affine(name, x, Wi, b),
    step: ({ Wh }, { h, c }, input) => {
      const [i = h, f = h, g = h, o = h] = split(lax.add(input, affine(name, h, Wh)), 4);
      const next = lax.add(lax.mul(lax.logistic(f), c), lax.mul(lax.logistic(i), lax.tanh(g)));
      return { h: lax.mul(lax.logistic(o), lax.tanh(next)), c: next };
    },
    output: ({ h }) => h,
  };
}
