/** The pieces of `npm start`: its command line, the data it finds and refuses, its training and its gradient check. */
import * as E from 'fp-ts/lib/Either.js';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { customJvp, numpy as np, random } from 'cotangent';
import type { NDArray } from 'cotangent';
import { batches, drawDigits, encodeIdx, imageArrays } from 'cotangent/data';
import { run, trainWith } from 'cotangent/train';
import { checkProducts } from '../../examples/digits/gradient-check.js';
import { accuracy, trainer } from '../../examples/digits/model.js';
import { parseOptions } from '../../examples/digits/options.js';
import { readDirectory } from '../../examples/lib/idx-files.js';

describe('the command line', () => {
  test('has defaults, and takes what it says', () => {
    expect(parseOptions([])).toEqual(
      E.right({ data: undefined, epochs: 10, seed: 0, out: 'out', require: 0, help: false }),
    );
    const args = ['--data', 'somewhere', '--epochs', '3', '--seed=7', '--out', 'there'];
    expect(parseOptions(args)).toMatchObject({ right: { data: 'somewhere', epochs: 3, seed: 7, out: 'there' } });
  });

  test.each([
    [['--epochs', '0'], /--epochs takes a whole number from 1, got '0'/],
    [['--seed', '1.5'], /--seed takes a whole number from 0, got '1.5'/],
    [['--epoch', '3'], /Unknown option '--epoch'/],
    [['stray'], /Unexpected argument 'stray'/],
  ])('refuses %j', (args, message) => {
    const result = parseOptions(args);
    expect(E.isLeft(result) ? result.left : 'accepted').toMatch(message);
  });
});

describe('the data directory', () => {
  const made: string[] = [];
  afterAll(() => {
    for (const folder of made) rmSync(folder, { recursive: true });
  });
  function directory(files: Readonly<Record<string, Uint8Array>>): string {
    const folder = mkdtempSync(join(tmpdir(), 'cotangent-digits-'));
    made.push(folder);
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    return folder;
  }
  const images = (count: number): Uint8Array =>
    encodeIdx({ dtype: 'uint8', shape: [count, 2, 2], data: new Uint8Array(4 * count) });
  const labels = (count: number): Uint8Array =>
    encodeIdx({ dtype: 'uint8', shape: [count], data: Uint8Array.from({ length: count }, (_, i) => i % 10) });
  const counts = async (files: Readonly<Record<string, Uint8Array>>): Promise<unknown> => {
    const result = await readDirectory(directory(files))();
    return E.isLeft(result) ? result.left : [result.right.train.count, result.right.test.count];
  };

  test('train and t10k, plain and gzipped, under the names that are about', async () => {
    expect(
      await counts({
        'train-images-idx3-ubyte': images(30),
        'train-labels.idx1-ubyte.gz': gzipSync(labels(30)),
        'mnist-t10k-images-idx3-ubyte.gz': gzipSync(images(8)),
        't10k-labels.idx1-ubyte': labels(8),
      }),
    ).toEqual([30, 8]);
  });

  test('one part alone is split, its last tenth for the test', async () => {
    const files = { 't10k-images-idx3-ubyte': images(50), 't10k-labels-idx1-ubyte': labels(50) };
    const result = await readDirectory(directory(files))();
    if (E.isLeft(result)) throw new Error(result.left);
    expect([result.right.train.count, result.right.test.count]).toEqual([45, 5]);
    expect([...result.right.test.labels]).toEqual([5, 6, 7, 8, 9]);
  });

  test.each([
    ['nothing there', {}, /has no IDX files.*t10k-images-idx3-ubyte/],
    ['labels missing', { 't10k-images-idx3-ubyte': images(9) }, /no t10k-labels-idx1-ubyte.*beside it/],
    ['images missing', { 'train-labels-idx1-ubyte': labels(9) }, /no train-images-idx3-ubyte/],
    [
      'another number of labels',
      { 't10k-images-idx3-ubyte': images(20), 't10k-labels-idx1-ubyte': labels(19) },
      /t10k-images-idx3-ubyte: 20 images, but 19 labels in .*t10k-labels-idx1-ubyte/,
    ],
    [
      'a truncated file',
      { 't10k-images-idx3-ubyte': images(20).subarray(0, 50), 't10k-labels-idx1-ubyte': labels(20) },
      /t10k-images-idx3-ubyte: truncated/,
    ],
    [
      'a truncated gzip file',
      { 't10k-images-idx3-ubyte': images(20), 't10k-labels-idx1-ubyte.gz': gzipSync(labels(20)).subarray(0, 20) },
      /t10k-labels-idx1-ubyte\.gz: cannot be decompressed/,
    ],
    [
      'files swapped',
      { 't10k-images-idx3-ubyte': labels(20), 't10k-labels-idx1-ubyte': images(20) },
      /t10k-images-idx3-ubyte: holds something else/,
    ],
    ['too few', { 't10k-images-idx3-ubyte': images(5), 't10k-labels-idx1-ubyte': labels(5) }, /too few/],
  ])('%s is an error that says so', async (_what, files, message) => {
    expect(await counts(files)).toMatch(message);
  });

  test('a directory that is not there, or none', async () => {
    const folder = directory({ file: new Uint8Array(1) });
    for (const path of [join(folder, 'nowhere'), join(folder, 'file')]) {
      const result = await readDirectory(path)();
      expect(E.isLeft(result) ? result.left : 'accepted').toMatch(/cannot be read as a directory/);
    }
  });
});

test('a short training learns most of the digits', async () => {
  const data = imageArrays(drawDigits({ count: 2000, seed: 3 }));
  const tests = imageArrays(drawDigits({ count: 300, seed: 4 }));
  const some = batches(data, { size: 50, key: random.key(0), epochs: 4 });
  const { start, step } = trainer({ size: [28, 28], steps: some.length });
  const { state } = await run(trainWith(step, start(random.key(1)))(some));
  expect(Number(accuracy(state.params, tests).item())).toBeGreaterThan(0.8);
});

describe('the gradient check', () => {
  const theta = np.array([0.5, -1, 2], { dtype: 'float64' });
  const parts = [
    { name: 'all', start: 0, stop: 3 },
    { name: 'last', start: 2, stop: 3 },
  ];
  const errors = (g: (t: NDArray) => NDArray): number[] =>
    checkProducts(g, theta, parts, random.key(0)).map(({ error }) => error);

  test('passes right derivatives, of a scalar and of an array', () => {
    for (const g of [(t: NDArray) => np.sin(t).sum(), (t: NDArray) => np.outer(t, np.exp(t))]) {
      for (const error of errors(g)) expect(error).toBeLessThan(1e-8);
    }
  });

  test('catches a derivative that is off by a thousandth', () => {
    const square = customJvp((t: NDArray) => np.square(t));
    square.defjvp(([t], [dt]) => [np.square(t), dt.mul(t).mul(2.002)]);
    // Ten times what `npm start` accepts.
    for (const error of errors((t) => square(t).sum())) expect(error).toBeGreaterThan(1e-5);
  });
});
