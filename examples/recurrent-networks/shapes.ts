/**
 * The types of networks by what they read and write: one to one, one to many, many to one, many to many (a label for each
 * step, and an encoder with a decoder). Each is a tiny task, learned from data drawn in every step, and measured on data it has not seen.
 */
import { jit, lax, nn, numpy as np, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { learn } from './learn.js';

const BATCH = 64;
const TEST = 500;
const TEST_KEY = 1000;

/** What a network learned: its task, and how good it is. */
export interface Result {
  readonly type: string;
  readonly task: string;
  /** Mean squared error, or share of right answers. */
  readonly measured: 'error' | 'right';
  readonly value: number;
  /** What of it is good enough. */
  readonly bound: number;
}

const mean = (x: NDArray): number => Number(x.astype('float64').mean().item());
const meanSquare = (x: NDArray): NDArray => x.square().mean();

/** One in, one out: no recurrence. x from [-1, 1] to sin πx. */
export function oneToOne(): Result {
  const [init, apply] = stax.serial(stax.Dense(16), stax.Tanh, stax.Dense(1));
  const draw = (key: NDArray, count: number): NDArray => random.uniform(key, [count, 1], { minval: -1, maxval: 1 });
  const error = (net: Net, x: NDArray): NDArray => meanSquare(apply(net, x).sub(np.sin(x.mul(Math.PI))));
  type Net = ReturnType<typeof init>['params'];

  const start = init(random.key(0), [-1, 1]).params;
  const net = learn(start, (at, key) => error(at, draw(key, BATCH)), { steps: 2000, rate: 1e-2 });
  const value = mean(error(net, draw(random.key(TEST_KEY), TEST)));
  return { type: 'one to one', task: 'a number to its sine', measured: 'error', value, bound: 1e-2 };
}

/** One in, many out: a number, the frequency, to a sine curve. Each step reads the value that the one before it wrote. */
export function oneToMany(): Result {
  const length = 30;
  const cell = stax.gruCell(32);
  const [initBegin, begin] = stax.serial(stax.Dense(cell.size), stax.Tanh);
  const [initRead, read] = stax.Dense(1);
  const start = {
    begin: initBegin(random.key(0), [-1, 1]).params,
    cell: cell.init(random.key(1), 1),
    read: initRead(random.key(2), [-1, cell.size]).params,
  };

  /** Frequencies [count, 1] to curves [length, count, 1]. */
  const write = (net: typeof start, frequency: NDArray): NDArray => {
    const step = ([h, y]: readonly [NDArray, NDArray]) => {
      const next = cell.step(net.cell, h, cell.input(net.cell, y));
      const written = read(net.read, cell.output(next));
      return [[next, written], written] as const;
    };
    return lax.scan(step, [begin(net.begin, frequency), np.zeros(frequency.shape)] as const, null, { length })[1];
  };
  const draw = (key: NDArray, count: number): NDArray => random.uniform(key, [count, 1], { minval: 0.5, maxval: 1.5 });
  const error = (net: typeof start, frequency: NDArray): NDArray => {
    const time = np.arange(1, length + 1).mul((2 * Math.PI) / length);
    const curves = np.sin(time.reshape([length, 1, 1]).mul(frequency));
    return meanSquare(write(net, frequency).sub(curves));
  };

  const net = learn(start, (at, key) => error(at, draw(key, BATCH)), { steps: 600, rate: 1e-2 });
  const value = mean(error(net, draw(random.key(TEST_KEY), TEST)));
  return { type: 'one to many', task: 'a frequency to its sine curve', measured: 'error', value, bound: 1e-2 };
}

/**
 * Many in, one out: is a sentence positive? Its words are good (1), bad (2), not (3), which turns the next one round, and others
 * (0); without an opinion it is not positive.
 */
export function manyToOne(): Result {
  const length = 12;
  const [init, apply] = stax.serial(stax.Embedding(4, 4), stax.LSTM(24), stax.Dense(1));
  const draw = (key: NDArray, count: number, words = length) => {
    const x = random.randint(key, [count, words], 0, 4);
    const opinion = x.equal(1).astype('float32').sub(x.equal(2).astype('float32'));
    const turned = np
      .pad(x.equal(3).astype('float32'), [
        [0, 0],
        [1, 0],
      ])
      .slice([], [0, words]);
    return {
      x,
      positive: opinion
        .mul(np.subtract(1, turned.mul(2)))
        .sum(1)
        .greater(0),
    };
  };
  type Net = ReturnType<typeof init>['params'];
  const loss = (net: Net, key: NDArray): NDArray => {
    const { x, positive } = draw(key, BATCH);
    const sign = positive.astype('float32').mul(2).sub(1);
    return nn.softplus(sign.mul(apply(net, x).slice([], 0)).neg()).mean();
  };

  const net = learn(init(random.key(0), [-1, length]).params, loss, { steps: 1000, rate: 1e-2 });
  const { x, positive } = draw(random.key(TEST_KEY), TEST);
  const value = mean(apply(net, x).slice([], 0).greater(0).equal(positive));
  return { type: 'many to one', task: 'the sentiment of a sentence', measured: 'right', value, bound: 0.97 };
}

/**
 * Many in, as many out: for each bit, whether the number of ones so far is odd. The weights are the same in every step,
 * so that what was learned on 12 steps works on 100.
 */
export function manyToManyInStep(): Result[] {
  const length = 12;
  const [init, apply] = stax.serial(stax.LSTM(16, { returnSequences: true }), stax.Dense(1));
  const draw = (key: NDArray, count: number, steps: number) => {
    const x = random.bernoulli(key, 0.5, [count, steps, 1]).astype('float32');
    return { x, odd: np.cumsum(x, 1).mod(2) };
  };
  type Net = ReturnType<typeof init>['params'];
  const loss = (net: Net, key: NDArray): NDArray => {
    const { x, odd } = draw(key, BATCH, length);
    return nn.softplus(np.subtract(1, odd.mul(2)).mul(apply(net, x))).mean();
  };

  const net = learn(init(random.key(0), [-1, -1, 1]).params, loss, { steps: 1000, rate: 1e-2 });
  return [length, 100].map((steps) => {
    const { x, odd } = draw(random.key(TEST_KEY), TEST, steps);
    const value = mean(apply(net, x).greater(0).equal(odd));
    return { type: 'many to many', task: `running parity of ${steps} bits`, measured: 'right', value, bound: 0.97 };
  });
}

/**
 * Many in, then many out: an encoder reads a word, a decoder begins with its last state and writes the word backward. While it
 * learns, each step of the decoder reads the right letter before it; afterwards, the letter that it wrote.
 */
export function manyToManyTranslation(): Result {
  const [letters, length] = [8, 6];
  const [encoder, decoder] = [stax.gruCell(64), stax.gruCell(64)];
  const [initRead, read] = stax.serial(stax.Dense(letters), stax.LogSoftmax);
  const start = {
    encoder: encoder.init(random.key(0), letters),
    decoder: decoder.init(random.key(1), letters),
    read: initRead(random.key(2), [-1, decoder.size]).params,
  };
  type Net = typeof start;
  const oneHot = (x: NDArray): NDArray => nn.oneHot(x, letters);

  /** The state after reading letters [length, count]. */
  const encode = ({ encoder: params }: Net, word: NDArray): NDArray =>
    lax.scan(
      (h: NDArray, x: NDArray) => [encoder.step(params, h, encoder.input(params, x)), null] as const,
      encoder.start([word.shape[1] ?? 0]),
      oneHot(word),
    )[0];
  /** The next state, and log-probabilities of the next letter. */
  const step = (net: Net, h: NDArray, before: NDArray) => {
    const next = decoder.step(net.decoder, h, decoder.input(net.decoder, before));
    return [next, read(net.read, next)] as const;
  };
  /** Before the first letter there is none. */
  const nothing = (word: NDArray): NDArray => np.zeros([word.shape[1] ?? 0, letters]);
  const loss = (net: Net, key: NDArray): NDArray => {
    const word = random.randint(key, [length, BATCH], 0, letters);
    const right = oneHot(np.flip(word, 0));
    const before = np.concatenate([nothing(word).reshape([1, BATCH, letters]), right.slice([0, length - 1])]);
    const [, logP] = lax.scan((h: NDArray, x: NDArray) => step(net, h, x), encode(net, word), before);
    return logP.mul(right).sum(-1).mean().neg();
  };
  const translate = jit((net: Net, word: NDArray): NDArray => {
    const write = ([h, before]: readonly [NDArray, NDArray]) => {
      const [next, logP] = step(net, h, before);
      const letter = np.argmax(logP, -1);
      return [[next, oneHot(letter)], letter] as const;
    };
    return lax.scan(write, [encode(net, word), nothing(word)] as const, null, { length })[1];
  });

  const net = learn(start, loss, { steps: 1500, rate: 5e-3 });
  const word = random.randint(random.key(TEST_KEY), [length, TEST], 0, letters);
  const value = mean(translate(net, word).equal(np.flip(word, 0)).all(0));
  return { type: 'many to many', task: 'a word written backward', measured: 'right', value, bound: 0.95 };
}
