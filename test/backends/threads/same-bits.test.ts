/** Results have the same bits for any number of threads. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grad, jit, lax, nn, numpy as np, random, type NDArray } from 'cotangent';
import { randomProgram } from 'cotangent/testing';
import { fromHost } from '../../../src/core/concrete.js';
import { bits, onDevice, ThreadedDevice } from './helpers.js';

const COUNTS = [1, 2, 3, 4] as const;
const device = new ThreadedDevice();

beforeAll(async () => {
  expect(await device.pool.ready(4)).toBe(true);
});
afterAll(() => {
  device.pool.close();
});

/** Run `f` on the default device, then split over each number of threads. */
function checkSame(f: (...xs: NDArray[]) => NDArray[], inputs: () => NDArray[]): void {
  const expected = bits(jit(f)(...inputs()));
  onDevice(device, () => {
    const compiled = jit(f);
    const operands = inputs();
    for (const count of COUNTS) {
      ThreadedDevice.count = count;
      expect(bits(compiled(...operands)), `${count} threads`).toEqual(expected);
    }
  });
  expect(device.pool.failure).toBeUndefined();
}

describe('random programs', () => {
  test.each(Array.from({ length: 10 }, (_, block) => block))('block %i', (block) => {
    for (let seed = block * 12; seed < block * 12 + 12; seed++) {
      const program = randomProgram(seed, { float: seed % 2 === 0 ? 'float32' : 'float64' });
      const data = program.draw(seed);
      checkSame(
        (...xs) => program.run(...xs),
        () => data.map(({ aval, data: values }) => fromHost(values, aval.shape, aval.dtype)),
      );
    }
  });
});

const normal = (seed: number, shape: readonly number[]): NDArray => random.normal(random.key(seed), shape);

describe('kernels of every kind', () => {
  const x = (): NDArray[] => [normal(1, [61, 129])];

  test('maps, broadcasts, transposes', () => {
    checkSame((a) => [np.tanh(a).add(np.exp(a)), a.transpose().mul(2), a.mul(np.arange(129))], x);
  });

  test.each(['sum', 'max', 'min', 'prod', 'mean', 'argmax', 'all', 'any'] as const)(
    '%s over each axis and all',
    (op) => {
      checkSame((a) => [np[op](a), np[op](a, { axis: 0 }), np[op](a, { axis: 1 })], x);
    },
  );

  test('long reductions, whose partial results are shared', () => {
    checkSame(
      (a) => [np.sum(a), np.sum(np.square(a)), np.max(a)],
      () => [normal(2, [300_007])],
    );
    checkSame(
      (a) => [np.sum(a, { axis: 0 })],
      () => [normal(3, [5003, 17])],
    );
  });

  test('rows: softmax and its like', () => {
    checkSame((a) => {
      const e = np.exp(a.sub(np.max(a, { axis: -1, keepdims: true })));
      return [e.div(np.sum(e, { axis: -1, keepdims: true })), np.cumsum(a, 1), np.cumsum(a, 0)];
    }, x);
  });

  test.each([
    [1, 1, 1],
    [3, 5, 7],
    [17, 17, 17],
    [127, 31, 65],
    [200, 1, 33],
    [1, 300, 65],
    [257, 129, 1],
    [400, 330, 50],
  ])('products of %i x %i x %i', (m, k, n) => {
    checkSame(
      (a, b) => [np.matmul(a, b)],
      () => [normal(4, [m, k]), normal(5, [k, n])],
    );
  });

  test('sums of what a product reads, beside it', () => {
    checkSame(
      (a, b) => [
        np.matmul(a.transpose(), b),
        np.sum(b, { axis: 0 }).mul(2),
        np.sum(a, { axis: 0 }),
        np.matmul(a, np.square(a).transpose()),
      ],
      () => [normal(14, [130, 200]), normal(15, [130, 170])],
    );
  });

  test('batched products', () => {
    checkSame(
      (a, b) => [np.matmul(a, b)],
      () => [normal(6, [5, 40, 30]), normal(7, [5, 30, 20])],
    );
  });

  test('convolutions, their gradients, pooling', () => {
    const f = (image: NDArray, kernel: NDArray): NDArray => {
      const out = lax.convGeneralDilated(image, kernel, {
        windowStrides: [1, 1],
        padding: 'SAME',
        dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'],
      });
      return nn.maxPool(nn.relu(out), [2, 2], { strides: [2, 2] });
    };
    checkSame(
      (image, kernel) => {
        const [dx, dw] = grad((a: NDArray, b: NDArray) => np.sum(np.square(f(a, b))), { argnums: [0, 1] })(
          image,
          kernel,
        );
        return [f(image, kernel), dx, dw];
      },
      () => [normal(12, [3, 12, 10, 5]), normal(13, [3, 3, 5, 9])],
    );
  });

  test('rows that never leave the cache, and loops', () => {
    checkSame((a) => {
      const [last, all] = lax.scan(
        (h, row: NDArray) => {
          const next = np.tanh(np.add(h, row));
          return [next, nn.softmax(next)];
        },
        np.zeros([129]),
        a,
      );
      return [nn.softmax(a), nn.logSoftmax(a), last, all];
    }, x);
  });

  test('sort, gather, scatter', () => {
    checkSame((a) => [np.sort(a), np.argsort(a, 0), np.sort(a, 0)], x);
    checkSame(
      (a) => [
        a.at(np.array([3, 1, 3, 60], { dtype: 'int32' })).add(1),
        np.take(a, np.array([5, 5, 0], { dtype: 'int32' }), 1),
      ],
      x,
    );
  });

  test('chains of steps that need each other', () => {
    checkSame((a) => {
      let y = a;
      for (let i = 0; i < 6; i++)
        y = np
          .matmul(np.matmul(y, y.transpose()), y)
          .mul(1e-3)
          .sub(np.mean(y, { axis: 0 }));
      return [y, np.sum(y)];
    }, x);
  });

  test('donated arguments are written in place', () => {
    const f = (a: NDArray, b: NDArray): NDArray[] => [a.mul(2).add(b), np.sum(a.mul(b), { axis: 0 })];
    const results = onDevice(device, () =>
      COUNTS.map((count) => {
        ThreadedDevice.count = count;
        return bits(jit(f, { donate: [0] })(normal(8, [100, 40]), normal(9, [100, 40])));
      }),
    );
    for (const result of results) expect(result).toEqual(results[0]);
  });
});

test('eager operations of any length', () => {
  const run = (): NDArray[] => [normal(10, [1000]), normal(11, [77])].flatMap((a) => [a.add(1), lax.exp(a), np.sum(a)]);
  const expected = bits(run());
  onDevice(device, () => {
    for (const count of COUNTS) {
      ThreadedDevice.count = count;
      expect(bits(run())).toEqual(expected);
    }
  });
});
