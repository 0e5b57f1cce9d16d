/** mixup and cutmix: what they mix, in what proportion, and that labels lose nothing. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { jit, nn, numpy as np, random, vmap } from 'cotangent';
import { augment } from 'cotangent/data';
import { checkGrads } from 'cotangent/testing';

const { beta } = JSON.parse(readFileSync(new URL('../fixtures/augment.json', import.meta.url), 'utf8')) as {
  beta: { alpha: number; x: number[]; cdf: number[] }[];
};

const key = random.key(2);
const N = 6;
const labels = np.array([0, 1, 2, 0, 1, 2], 'int32');
const batch = { x: random.uniform(random.key(1), [N, 5, 4, 2]), y: nn.oneHot(labels, 3) };
/** Image n has the value n everywhere, and its own class, so that what was mixed can be read off. */
const numbered = (count: number, shape: readonly number[] = [4, 4, 1]): augment.LabelledBatch => ({
  x: np.broadcastTo(
    np
      .arange(count)
      .astype('float32')
      .reshape([count, ...shape.map(() => 1)]),
    [count, ...shape],
  ),
  y: np.eye(count),
});
const both = { mixup: augment.mixup(0.4), cutmix: augment.cutmix(1) };
const js = ({ x, y }: augment.LabelledBatch): unknown => [x.js(), y.js()];

describe.each(Object.entries(both))('%s', (name, mix) => {
  test('labels stay probabilities', () => {
    const { y } = mix(key, batch);
    // A sum of two numbers that sum to 1, each rounded once.
    for (const sum of y.sum(1).dataSync()) expect(Math.abs(sum - 1)).toBeLessThan(2 ** -22);
    expect(y.min().item()).toBeGreaterThanOrEqual(0);
    expect(js(mix(key, batch))).not.toEqual(js(batch));
  });

  test('labels of examples all of one class stay what they are', () => {
    const y = nn.oneHot(np.zeros([N], 'int32'), 3);
    expect(
      np
        .abs(mix(key, { x: batch.x, y }).y.sub(y))
        .max()
        .item(),
    ).toBeLessThan(2 ** -22);
  });

  test('keeps dtypes, each its own', () => {
    const { x, y } = mix(key, { x: batch.x.astype('float64'), y: batch.y.astype('float16') });
    expect([x.dtype, y.dtype]).toEqual(['float64', 'float16']);
  });

  test('equal keys, equal bits; jitted, and under vmap over keys', () => {
    const seen = js(mix(key, batch));
    expect(js(mix(random.key(2), batch))).toEqual(seen);
    expect(js(jit(mix)(key, batch))).toEqual(seen);
    expect(js(mix(random.key(3), batch))).not.toEqual(seen);
    const keys = random.split(key, 3);
    const mapped = vmap(mix, [0, null])(keys, batch);
    const loop = random.spawn(key, 3).map((k) => mix(k, batch));
    expect(mapped.x.js()).toEqual(loop.map(({ x }) => x.js()));
    expect(mapped.y.js()).toEqual(loop.map(({ y }) => y.js()));
  });

  test('the labels say what is in the image', () => {
    const { x, y } = mix(key, numbered(64));
    // By y, the mean grey value; by mixup it is that of each pixel, up to rounding of numbers up to 64.
    const expected = y.matmul(np.arange(64).astype('float32'));
    expect(
      np
        .abs(np.mean(x, [1, 2, 3]).sub(expected))
        .max()
        .item(),
    ).toBeLessThan(1e-4);
    // At most two classes; and no label is lost or made.
    const classes = np.greater(y, 0).sum(1);
    expect(classes.max().item()).toBe(2);
    expect(Math.abs((y.sum().item() as number) - 64)).toBeLessThan(1e-4);
  });

  test('each example draws for itself', () => {
    const own = np.diagonal(mix(key, numbered(64)).y);
    expect(new Set(own.dataSync()).size).toBeGreaterThan(5);
  });

  test('differentiable in examples and labels', () => {
    const double = { x: batch.x.astype('float64'), y: batch.y.astype('float64') };
    checkGrads((b: augment.LabelledBatch) => mix(key, b), [double], { order: 1 });
  });

  test('errors', () => {
    const op = `augment.${name}`;
    const make = augment[name as keyof typeof both];
    for (const alpha of [0, -1, NaN, Infinity]) {
      expect(() => make(alpha)).toThrow(`${op}: alpha must be a finite number above 0, got ${alpha}`);
    }
    expect(() => mix(key, { x: batch.x, y: labels })).toThrow(
      `${op}: y must be floats, got int32; labels to mix are probabilities: nn.oneHot(labels, classes)`,
    );
    expect(() => mix(key, { x: np.ones([2, 3], 'int32'), y: np.ones([2, 3]) })).toThrow(`${op}: x must be floats`);
    expect(() => mix(key, { x: batch.x, y: np.ones([5, 3]) })).toThrow(
      `${op}: x has shape [6, 5, 4, 2] and y [5, 3]; their first axes, the examples, must have one length.`,
    );
  });
});

describe('mixup', () => {
  test('takes examples of any shape', () => {
    const { x, y } = augment.mixup(1)(key, { x: np.ones([4]), y: np.ones([4]) });
    expect([x.shape, y.shape]).toEqual([[4], [4]]);
  });

  test('partners are a permutation of the batch', () => {
    const n = 50;
    const { y } = augment.mixup(1)(key, numbered(n, []));
    const others = (y.js() as number[][]).map((row, i) => row.findIndex((p, k) => p > 0 && k !== i));
    // Who is his own partner has no other one; all others are different.
    const found = others.filter((k) => k >= 0);
    expect(new Set(found).size).toBe(found.length);
    expect(found.length).toBeGreaterThan(n - 6);
  });

  test.each(beta)('λ is Beta(α, α): α = $alpha, against SciPy', ({ alpha, x, cdf }) => {
    const n = 4000;
    // λ is what an example keeps of its own label; about one example of a permutation is its own partner and keeps all.
    const lambda = [...np.diagonal(augment.mixup(alpha)(key, numbered(n, [])).y).dataSync()].sort((a, b) => a - b);
    // √n times the distance exceeds 1.95 once in a thousand keys.
    x.forEach((at, k) => {
      const below = lambda.filter((v) => v <= at).length / n;
      expect(Math.sqrt(n) * Math.abs(below - (cdf[k] ?? NaN))).toBeLessThan(1.95);
    });
    expect(lambda.every((v) => v >= 0 && v <= 1)).toBe(true);
  });
});

describe('cutmix', () => {
  test('puts one rectangle of the partner into each image', () => {
    const n = 100;
    const { x, y } = augment.cutmix(1)(key, numbered(n, [6, 7, 1]));
    const pixels = x.reshape([n, 6, 7]).js() as number[][][];
    const shares = y.js() as number[][];
    pixels.forEach((image, i) => {
      const foreign = image.flat().filter((v) => v !== i);
      expect(new Set(foreign).size).toBeLessThanOrEqual(1);
      const rows = image.filter((row) => row.some((v) => v !== i));
      expect(new Set(rows.map((row) => row.join())).size).toBeLessThanOrEqual(1);
      // The share of the label is the share of pixels, with one rounding of a number below 1.
      expect(Math.abs((shares[i]?.[i] ?? NaN) - (1 - foreign.length / 42))).toBeLessThan(1e-6);
    });
  });

  test('takes images only', () => {
    const wrong = (): augment.LabelledBatch => augment.cutmix(1)(key, { x: np.ones([4, 9]), y: np.ones([4, 2]) });
    expect(wrong).toThrow('augment.cutmix: images are [batch, height, width, channels], got shape [4, 9]');
  });
});
