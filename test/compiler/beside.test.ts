/** Sums of an operand of a matrix product ride in its kernel where they sum over what the product sums over. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import '../../src/backends/install.js';
import type { NDArray } from '../../src/core/ndarray.js';
import * as lax from '../../src/lax/index.js';
import * as np from '../../src/numpy/index.js';
import { jit, vmap } from '../../src/transforms/index.js';

type F = (...args: NDArray[]) => NDArray[];
const kernelsOf = (f: F, ...args: NDArray[]): number =>
  jit((...xs: NDArray[]) => f(...xs))
    .lower(...args)
    .cost().kernels;
const need = (x: NDArray | undefined): NDArray => {
  if (x === undefined) throw new Error('no argument');
  return x;
};
/** Small integers: sums are exact in any order. */
const integers = (...shape: number[]): NDArray => {
  const size = shape.reduce((a, b) => a * b, 1);
  return np
    .array(Array.from({ length: size }, (_, i) => ((i * 7) % 11) - 5))
    .reshape(shape)
    .astype('float32');
};

describe('one kernel', () => {
  const [x, z] = [integers(40, 30), integers(40, 20)];
  const t: F = (a, b) => [np.matmul(need(a).transpose(), need(b)), np.sum(need(b), 0)];
  it.each<[string, F, NDArray[]]>([
    ['columns of the right operand', t, [x, z]],
    ['columns of the left one', (a, b) => [np.matmul(need(a).transpose(), need(b)), np.sum(need(a), 0)], [x, z]],
    ['the sum first', (a, b) => [np.sum(need(b), 0), np.matmul(need(a).transpose(), need(b))], [x, z]],
    [
      'sums of both, and what is made of them',
      (a, b) => [np.matmul(need(a).transpose(), need(b)), np.sum(need(b), 0).mul(2).add(1), np.max(need(a), 0)],
      [x, z],
    ],
    ['rows', (a, b) => [np.matmul(need(a), need(b)), np.sum(need(a), 1)], [integers(30, 40), z]],
    [
      'batches',
      (a, b) => [np.einsum('bij,bik->bjk', need(a), need(b)), np.sum(need(b), 1)],
      [integers(3, 40, 30), integers(3, 40, 20)],
    ],
    [
      'under vmap, of several axes',
      (a, b) => [
        vmap((p: NDArray, q: NDArray) => np.einsum('uvi,uvj->ij', p, q))(need(a), need(b)),
        np.sum(need(b), [1, 2]),
      ],
      [integers(3, 4, 5, 8), integers(3, 4, 5, 9)],
    ],
    ['of few elements', t, [integers(4, 3), integers(4, 2)]],
    ['of one row', (a, b) => [np.matmul(need(a), need(b)), np.sum(need(b), 0)], [integers(1, 300), integers(300, 64)]],
  ])('%s', (_, f, args) => {
    expect(kernelsOf(f, ...args)).toBe(1);
    const [expected, actual] = [f(...args), jit((...xs: NDArray[]) => f(...xs))(...args)];
    expect(actual.map((a) => a.js())).toEqual(expected.map((a) => a.js()));
  });
});

describe('kernels of their own', () => {
  it('sums over other axes, of other values, of very many terms', () => {
    const [x, z] = [integers(40, 30), integers(40, 20)];
    expect(kernelsOf((a, b) => [np.matmul(need(a).transpose(), need(b)), np.sum(need(b), 1)], x, z)).toBe(2);
    expect(kernelsOf((a, b) => [np.matmul(need(a).transpose(), need(b)), np.sum(np.exp(need(b)), 0)], x, z)).toBe(2);
    expect(
      kernelsOf(
        (a, b) => [np.matmul(need(a).transpose(), need(b)), np.sum(need(b), 0)],
        integers(5000, 3),
        integers(5000, 4),
      ),
    ).toBe(2);
  });
  it('a sum that the product needs, and one that needs the product', () => {
    const [x, z] = [integers(40, 30), integers(40, 20)];
    const before: F = (a, b) => {
      const sum = np.sum(need(b), 0);
      return [np.matmul(need(a).transpose(), need(b)).mul(sum), sum];
    };
    const after: F = (a, b) => {
      const y = np.matmul(need(a).transpose(), need(b));
      return [y, np.sum(need(b), 0).add(np.sum(y, 0))];
    };
    for (const f of [before, after]) {
      const [expected, actual] = [f(x, z), jit((...xs: NDArray[]) => f(...xs))(x, z)];
      expect(actual.map((a) => a.js())).toEqual(expected.map((a) => a.js()));
    }
  });
});

it('writes over donated arguments only what nothing else reads', () => {
  // b is updated beside the product and read by its epilogue; it may not be written over before that.
  const f = (w: NDArray, b: NDArray, x: NDArray, z: NDArray): NDArray[] => [
    w.sub(np.matmul(x.transpose(), z)).add(b),
    b.sub(np.sum(z, 0)),
  ];
  const args = (): [NDArray, NDArray, NDArray, NDArray] => [
    integers(300, 200),
    integers(200),
    integers(40, 300),
    integers(40, 200),
  ];
  const expected = f(...args()).map((a) => a.js());
  const step = jit(f, { donate: [0, 1] });
  expect(step.lower(...args()).cost().kernels).toBe(1);
  expect(step(...args()).map((a) => a.js())).toEqual(expected);
});

it('gives the results of separate kernels, whatever the layout', () => {
  fc.assert(
    fc.property(
      fc.record({
        k: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 2 }),
        m: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 2 }),
        n: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 2 }),
        left: fc.boolean(),
        reverse: fc.boolean(),
      }),
      ({ k, m, n, left, reverse }) => {
        const dims = (of: readonly number[], from: number): number[] => of.map((_, i) => from + i);
        const x = integers(...k, ...m);
        const z = reverse ? integers(...n, ...k) : integers(...k, ...n);
        const [kx, kz] = [dims(k, 0), dims(k, reverse ? n.length : 0)];
        const f: F = (a, b) => [
          lax.dotGeneral(need(a), need(b), [
            [kx, kz],
            [[], []],
          ]),
          left ? np.sum(need(a), kx) : np.sum(need(b), kz),
        ];
        const [expected, actual] = [f(x, z), jit((...xs: NDArray[]) => f(...xs))(x, z)];
        expect(actual.map((a) => a.js())).toEqual(expected.map((a) => a.js()));
        if ((left ? m : n).some((d) => d > 1) && k.some((d) => d > 1)) expect(kernelsOf(f, x, z)).toBe(1);
      },
    ),
    { numRuns: 100 },
  );
});
