/** Layers of stax on a device: value and gradients of each as on the CPU, compiled as one program. */
import { describe, expect, test } from 'vitest';
import {
  devicePut,
  devices,
  jit,
  numpy as np,
  random,
  stax,
  tree,
  valueAndGrad,
  type Device,
  type NDArray,
} from 'cotangent';
import { gpu } from './run-program.js';

const [cpu = gpu] = devices();
const key = random.key(0);
const all = { returnSequences: true };

const LAYERS: Record<string, readonly [stax.AnyLayer, readonly number[]]> = {
  Dense: [stax.Dense(12), [5, 9]],
  Conv1d: [stax.Conv1d(6, 3, { padding: 'SAME' }), [2, 11, 4]],
  Conv2d: [stax.Conv2d(6, 3, { strides: 2 }), [3, 9, 8, 3]],
  'Conv2d, groups': [stax.Conv2d(8, 3, { groups: 4, dilation: 2 }), [2, 9, 9, 8]],
  Conv3d: [stax.Conv3d(4, 2), [2, 4, 4, 4, 3]],
  ConvTranspose: [stax.ConvTranspose(4, 4, { strides: 2, padding: 'SAME' }), [2, 5, 4, 6]],
  MaxPool: [stax.MaxPool(3, { strides: 2 }), [2, 9, 9, 4]],
  AvgPool: [stax.AvgPool(2), [2, 8, 8, 4]],
  LayerNorm: [stax.LayerNorm(), [5, 12]],
  GroupNorm: [stax.GroupNorm(2), [2, 5, 5, 8]],
  LocalResponseNorm: [stax.LocalResponseNorm(), [2, 4, 4, 9]],
  RNN: [stax.RNN(5), [3, 7, 4]],
  GRU: [stax.GRU(5, all), [3, 7, 4]],
  LSTM: [stax.LSTM(5), [3, 7, 4]],
  Bidirectional: [stax.Bidirectional(stax.LSTM(4, all)), [2, 6, 4]],
  MultiHeadAttention: [stax.MultiHeadAttention(2), [2, 6, 8]],
  'MultiHeadAttention, causal': [stax.MultiHeadAttention(4, { causal: true }), [4, 20, 32]],
  TransformerBlock: [stax.TransformerBlock(2), [2, 6, 8]],
  residual: [stax.residual(stax.serial(stax.Dense(12), stax.Gelu, stax.Dense(8))), [4, 8]],
};

/**
 * Sums of some hundred products, and the device's exponentials, relative to the largest element of all: some gradients, such as that by the bias
 * of attention's keys, are 0 but for rounding.
 */
const TOLERANCE = 2e-5;

const on = <T extends object>(device: Device, value: T): T =>
  tree.map((x: NDArray) => devicePut(x, device), value) as T;

const read = (value: object): Promise<number[][]> =>
  Promise.all(tree.leaves<NDArray>(value).map(async (x) => Array.from(await x.data())));

describe('value and gradients as on the CPU', () => {
  test.each(Object.entries(LAYERS))('%s', async (_name, [layer, shape]) => {
    const [init, apply] = layer as stax.Layer<Record<string, NDArray>>;
    const { params } = init(key, [-1, ...shape.slice(1)]);
    const x = random.normal(random.key(1), shape);
    const f = jit((p: Record<string, NDArray>, v: NDArray) =>
      valueAndGrad((q: Record<string, NDArray>, w: NDArray) => np.tanh(apply(q, w)).square().sum(), {
        argnums: [0, 1],
      })(p, v),
    );
    const [expected, actual] = [f(on(cpu, params), devicePut(x, cpu)), f(on(gpu, params), devicePut(x, gpu))];
    const [want, got] = [await read(expected), await read(actual)];
    const size = Math.max(...want.flat().map(Math.abs));
    want.forEach((list, i) => {
      const worst = Math.max(...list.map((v, j) => Math.abs(v - (got[i]?.[j] ?? NaN))));
      expect(worst / size, `leaf ${i}`).toBeLessThan(TOLERANCE);
    });
  });
});
