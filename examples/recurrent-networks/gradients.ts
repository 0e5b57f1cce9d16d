/**
 * Gradients that vanish and explode: how much the last output of a recurrent network depends on the input of k steps before, and
 * what that does to learning.
 */
import { grad, nn, numpy as np, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { toSvg } from '../lib/plot.js';
import { learn } from './learn.js';

const [UNITS, FEATURES, BATCH] = [32, 4, 16];

/** A recurrent layer of any kind, float64 or float32. */
type Make = (dtype: 'float64' | 'float32') => stax.Layer<object>;

/** An RNN whose kernel of the state is `radius` times an orthogonal matrix: all its eigenvalues are that far from 0. */
const rnn =
  (radius: number): Make =>
  (dtype) =>
    stax.erase(stax.RNN(UNITS, { Wh: stax.orthogonal(radius), dtype }));
const lstm =
  (forgetBias: number): Make =>
  (dtype) =>
    stax.erase(stax.LSTM(UNITS, { forgetBias, dtype }));

/** Networks as they begin. */
export const NETWORKS = {
  'RNN, radius 0.5': rnn(0.5),
  'RNN, radius 1': rnn(1),
  'RNN, radius 2': rnn(2),
  'RNN, radius 3': rnn(3),
  GRU: (dtype) => stax.erase(stax.GRU(UNITS, { dtype })),
  'LSTM, forget bias 1': lstm(1),
  'LSTM, forget bias 3': lstm(3),
} satisfies Record<string, Make>;
export type Network = keyof typeof NETWORKS;

/**
 * Norms of the gradient of an output by the input of k steps before it, k = 0, …, steps: the largest of its numbers in a batch of
 * random sequences. One backward pass gives all of them.
 */
export function gradientNorms(network: Network, steps: number, dtype: 'float64' | 'float32' = 'float64'): number[] {
  const [init, apply] = NETWORKS[network](dtype);
  const { params } = init(random.key(0), [-1, -1, FEATURES]);
  const xs = random.normal(random.key(1), [BATCH, steps + 1, FEATURES], { dtype });
  const along = random.normal(random.key(2), [UNITS], { dtype });
  const byInput = grad((x: NDArray) => apply(params, x).mul(along).sum())(xs);
  return [...np.flip(byInput.abs().max([0, 2])).dataSync()].map(Number);
}

/** The share of sequences of which a network, after it has learned, knows the first bit at the end; the bits after it mean nothing. */
export function remembersFirst(network: Network, length: number): number {
  const [init, apply] = stax.serial(NETWORKS[network]('float32'), stax.Dense(1));
  const draw = (key: NDArray, count: number) => {
    const x = random.bernoulli(key, 0.5, [count, length, 1]).astype('float32').mul(2).sub(1);
    return { x, first: x.slice([], 0) };
  };
  const { params } = init(random.key(0), [-1, -1, 1]);
  const loss = (net: typeof params, key: NDArray): NDArray => {
    const { x, first } = draw(key, 32);
    return nn.softplus(first.mul(apply(net, x)).neg()).mean();
  };
  const net = learn(params, loss, { steps: 300, rate: 5e-3 });
  const { x, first } = draw(random.key(1000), 500);
  return Number(apply(net, x).mul(first).greater(0).astype('float64').mean().item());
}

/** The norms on a logarithmic scale. */
export function gradientsSvg(norms: ReadonlyMap<Network, readonly number[]>): Promise<string> {
  const values = [...norms].flatMap(([network, each]) => each.map((norm, k) => ({ network, k, norm })));
  const last = [...norms].map(([network, each]) => ({ network, k: each.length - 1, norm: each.at(-1) ?? 0 }));
  return toSvg({
    title: 'How much an output of a recurrent network depends on the input of k steps before',
    width: 520,
    height: 380,
    encoding: {
      x: { field: 'k', type: 'quantitative', title: 'k (steps)', axis: { grid: false } },
      y: {
        field: 'norm',
        type: 'quantitative',
        title: 'norm of the gradient',
        scale: { type: 'log' },
        axis: { format: '.0e', tickCount: 10 },
      },
      color: {
        field: 'network',
        type: 'nominal',
        sort: null,
        legend: null,
        scale: { range: ['#9ecae1', '#4292c6', '#2171b5', '#08306b', '#31a354', '#fd8d3c', '#d94801'] },
      },
    },
    layer: [
      { data: { values }, mark: 'line' },
      {
        data: { values: last },
        mark: { type: 'text', align: 'left', dx: 6 },
        encoding: { text: { field: 'network', type: 'nominal' } },
      },
    ],
  });
}
