/** What each topic gives to be shown, and what several of them use: data, a loss, an endless batch. */
import { nn, numpy as np, random } from 'cotangent';
import type { NDArray } from 'cotangent';

/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
  /** Which curve it is of. */
  readonly of: string;
}

/** A panel of the picture. */
export interface Panel {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly points: readonly Point[];
  readonly log?: readonly ('x' | 'y')[];
  /** What of y is shown, where it is not all. */
  readonly range?: readonly [number, number];
}

/** What a topic found out. Whether it is right, the topic has asserted. */
export interface Topic {
  readonly title: string;
  readonly lines: readonly string[];
  readonly panels: readonly Panel[];
}

/** Examples and their answers. */
export interface Data {
  readonly x: NDArray;
  readonly y: NDArray;
}

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The same batch, all of the data, `steps` times. */
export const repeated = (data: Data, steps: number): Data[] => numbers(steps).map(() => data);

/** Two half circles, one inside the other's arm: x of shape [count, 2], y (0 or 1) of shape [count, 1]. */
export function twoMoons(key: NDArray, count: number, noise: number): Data {
  const [forAngle, forClass, forNoise] = random.spawn(key, 3);
  const angle = random.uniform(forAngle, [count, 1]).mul(Math.PI);
  const y = random.bernoulli(forClass, 0.5, [count, 1]).astype('float32');
  const side = y.mul(-2).add(1);
  const x = np.concatenate([np.cos(angle).mul(side).add(y), np.sin(angle).mul(side).add(y.mul(0.5))], 1);
  return { x: x.add(random.normal(forNoise, [count, 2]).mul(noise)), y };
}

/** Mean cross-entropy of answers 0 or 1 under logits z: log(1 + e^z) - y z. */
export const crossEntropy = (z: NDArray, y: NDArray): NDArray => nn.softplus(z).sub(y.mul(z)).mean();

/** Mean squared error. */
export const squaredError = (output: NDArray, y: NDArray): NDArray => np.square(output.sub(y)).mean();

/** The share of answers 0 or 1 that logits have on the wrong side. */
export const errorRate = (z: NDArray, y: NDArray): number =>
  1 - Number(np.equal(np.greater(z, 0).astype('float32'), y).astype('float32').mean());
