/** Derivatives of indexing, shape, sorting and statistics functions against finite differences, in float64. */
import { describe, expect, test } from 'vitest';
import '../../src/backends/install.js';
import type { NDArray } from '../../src/core/ndarray.js';
import * as np from '../../src/numpy/index.js';
import { checkGrads } from '../../src/testing/index.js';
import { grad, hessian, jit, vmap } from '../../src/transforms/index.js';
import { array } from '../helpers/arrays.js';

const ints = (...values: number[]): NDArray => array(values, [values.length], 'int32');

/** Distinct values, far enough apart that a finite difference does not change their order. */
function sample(shape: readonly number[], seed: number): NDArray {
  const n = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: n }, (_, i) => ((((i + 1) * 7919 * seed) % 1009) / 1009) * 4 - 2 + i * 1e-3);
  return array(values, shape, 'float64');
}

type F = (...xs: NDArray[]) => NDArray | NDArray[];
const rows: readonly (readonly [string, F, readonly (readonly number[])[]])[] = [
  ['reshape', (x) => np.reshape(x, [3, -1]), [[2, 3]]],
  ['transpose', (x) => np.transpose(x, [1, 2, 0]), [[2, 3, 2]]],
  ['moveaxis', (x) => np.moveaxis(x, 0, -1), [[2, 3]]],
  ['squeeze, expandDims', (x) => np.expandDims(np.squeeze(x), [0, 2]), [[1, 2, 3]]],
  ['broadcastTo', (x) => np.broadcastTo(x, [2, 3, 2]), [[3, 1]]],
  ['broadcastArrays', (x, y) => np.broadcastArrays(x, y), [[3, 1], [2]]],
  ['flip', (x) => np.flip(x, 1), [[2, 3]]],
  ['rot90', (x) => np.rot90(x, 3), [[2, 3]]],
  ['roll', (x) => np.roll(x, [1, 2], [0, 1]), [[2, 3]]],
  ['roll by an array', (x) => np.roll(x, ints(4).slice(0), 1), [[2, 3]]],
  ['tile', (x) => np.tile(x, [2, 2]), [[2, 3]]],
  ['repeat', (x) => np.repeat(x, 2, 1), [[2, 3]]],
  ['repeat by counts', (x) => np.repeat(x, [1, 0, 2], 1), [[2, 3]]],
  ['repeat by traced counts', (x) => np.repeat(x, ints(1, 0, 2), 1, { totalRepeatLength: 3 }), [[2, 3]]],
  ['resize', (x) => np.resize(x, [4, 2]), [[3]]],
  ['pad', (x) => np.pad(x, 2), [[2, 3]]],
  ...(['edge', 'reflect', 'symmetric', 'wrap', 'linear_ramp', 'maximum', 'mean', 'minimum'] as const).map(
    (mode) =>
      [
        `pad ${mode}`,
        (x: NDArray) =>
          np.pad(
            x,
            [
              [1, 2],
              [3, 1],
            ],
            mode,
          ),
        [[2, 3]],
      ] as const,
  ),
  ['pad odd', (x) => np.pad(x, 3, 'reflect', { reflectType: 'odd' }), [[3]]],
  ['pad value', (x, v) => np.pad(x, [1, 2], 'constant', { constantValues: v }), [[3], []]],
  [
    'insert',
    (x, v) => np.insert(x, [0, 2], v, 1),
    [
      [2, 3],
      [2, 2],
    ],
  ],
  ['delete', (x) => np.delete(x, 1, 0), [[3, 2]]],
  ['append', (x, v) => np.append(x, v), [[2, 2], [3]]],
  [
    'concatenate',
    (x, y) => np.concatenate([x, y], 1),
    [
      [2, 2],
      [2, 1],
    ],
  ],
  [
    'stack',
    (x, y) => np.stack([x, y], -1),
    [
      [2, 2],
      [2, 2],
    ],
  ],
  [
    'block',
    (x, y) =>
      np.block([
        [x, y],
        [y, x],
      ]),
    [
      [2, 2],
      [2, 2],
    ],
  ],
  ['split', (x) => np.split(x, [1, 3]), [[4, 2]]],
  ['unstack', (x) => np.unstack(x, 1), [[2, 3]]],
  ['take', (x) => np.take(x, ints(2, 0, 2, -1), 1), [[2, 3]]],
  ['take clip', (x) => np.take(x, ints(9, 0, -4), 0, { mode: 'clip' }), [[3, 2]]],
  ['takeAlongAxis', (x) => np.takeAlongAxis(x, np.argsort(x, 1), 1), [[2, 3]]],
  [
    'putAlongAxis',
    (x, v) => np.putAlongAxis(x, np.array([[1], [0]], { dtype: 'int32' }), v, 1),
    [
      [2, 3],
      [2, 1],
    ],
  ],
  ['choose', (x, y) => np.choose(ints(0, 1, 1), [x, y]), [[3], [3]]],
  ['compress', (x) => np.compress(np.array([true, false, true]), x, 1), [[2, 3]]],
  ['put', (x, v) => np.put(x, ints(3, 0), v), [[2, 2], [2]]],
  ['place', (x, v) => np.place(x, np.array([true, false, true, true]), v), [[4], [2]]],
  ['fillDiagonal', (x, v) => np.fillDiagonal(x, v), [[3, 3], []]],
  ['sort', (x) => np.sort(x, 0), [[4, 2]]],
  ['sort descending', (x) => np.sort(x, -1, { descending: true }), [[2, 4]]],
  ['partition', (x) => np.partition(x, 1), [[5]]],
  ['unique with size', (x) => np.unique(x, { size: 4 }), [[4]]],
  ['median', (x) => np.median(x, 1), [[2, 4]]],
  ...(['linear', 'lower', 'higher', 'midpoint', 'nearest'] as const).map(
    (method) => [`quantile ${method}`, (x: NDArray) => np.quantile(x, 0.3, 0, { method }), [[5, 2]]] as const,
  ),
  ['quantile by its position', (x, q) => np.quantile(x, np.add(np.multiply(q, 0.01), 0.4)), [[7], []]],
  ['nanquantile', (x) => np.nanquantile(np.append(x, NaN), 0.3), [[5]]],
  ['histogram weights', (w) => np.histogram(array([1, 2, 2, 5]), 3, { weights: w, density: true })[0], [[4]]],
  ['bincount weights', (w) => np.bincount(ints(1, 0, 1), { weights: w, length: 3 }), [[3]]],
  [
    'cov',
    (x, y) => np.cov(x, y),
    [
      [2, 4],
      [1, 4],
    ],
  ],
  ['corrcoef', (x) => np.corrcoef(x), [[2, 5]]],
  ['convolve full', (x, y) => np.convolve(x, y), [[4], [3]]],
  ['convolve same', (x, y) => np.convolve(x, y, 'same'), [[2], [5]]],
  ['correlate valid', (x, y) => np.correlate(x, y), [[3], [5]]],
  [
    'interp',
    (f) => np.interp(array([-3, 0.2, 0.7, 9], [4], 'float64'), array([-1, 0, 0.5, 2], [4], 'float64'), f),
    [[4]],
  ],
  [
    'interp at',
    (x) => np.interp(x, array([-9, -0.05, 0.55, 9], [4], 'float64'), array([1, 3, -2, 5], [4], 'float64')),
    [[4]],
  ],
  [
    'diff',
    (x, p) => np.diff(x, 2, -1, { prepend: p }),
    [
      [2, 4],
      [2, 1],
    ],
  ],
  ['ediff1d', (x) => np.ediff1d(x, { toEnd: 1 }), [[2, 3]]],
  ['gradient', (x) => np.gradient(x, array([0, 1, 1.5, 3], [4], 'float64'), { edgeOrder: 2 }), [[4]]],
  ['trapezoid', (y, x) => np.trapezoid(y, x), [[2, 3], [3]]],
  ['polyval', (p, x) => np.polyval(p, x), [[3], [2, 2]]],
  ['polymul', (x, y) => np.polymul(x, y), [[3], [2]]],
  ['polydiv', (x) => np.polydiv(x, array([2, 1], [2], 'float64')), [[4]]],
  ['polyint of polyder', (p) => np.polyint(np.polyder(p), 2), [[4]]],
  ['poly', (r) => np.poly(r), [[3]]],
];

describe('against finite differences, forward and reverse, order 2', () => {
  test.each(rows.map(([name, f, shapes]) => ({ name, f, shapes })))('$name', ({ f, shapes }) => {
    const args = shapes.map((shape, i) => sample(shape, i + 1));
    // Piecewise linear functions are compared on a piece.
    expect(() => checkGrads(f, args, { order: 2, atol: 1e-5, rtol: 1e-5 })).not.toThrow();
  });
});

describe('where it is easily wrong', () => {
  test('sorting sends the gradient back to where each element was', () => {
    const x = np.array([3, 1, 2]);
    expect(
      grad((a: NDArray) =>
        np
          .sort(a)
          .mul(np.array([10, 20, 30]))
          .sum(),
      )(x).js(),
    ).toEqual([30, 10, 20]);
  });

  test('the median of an even number of elements shares it', () => {
    expect(grad((a: NDArray) => np.median(a))(np.array([4, 1, 3, 2])).js()).toEqual([0, 0, 0.5, 0.5]);
  });

  test('elements read twice add up, elements beyond the end have none', () => {
    const f = (a: NDArray): NDArray => np.take(a, ints(0, 0, 5), null, { fillValue: 0 }).sum();
    expect(grad(f)(np.array([1, 2])).js()).toEqual([2, 0]);
  });

  test('set hides the old value, and the last of several sets counts', () => {
    const f = (a: NDArray, v: NDArray): NDArray => a.at(ints(1, 1)).set(v).square().sum();
    const x = np.array([1, 2, 3]);
    expect(grad(f, { argnums: 0 })(x, np.array([5, 7])).js()).toEqual([2, 0, 6]);
    expect(grad(f, { argnums: 1 })(x, np.array([5, 7])).js()).toEqual([0, 14]);
  });

  test('updates by a traced mask', () => {
    const f = (a: NDArray): NDArray => a.at(a.greater(1)).mul(10).sum();
    expect(jit(grad(f))(np.array([1, 2, 3])).js()).toEqual([1, 10, 10]);
    expect(
      vmap(grad(f))(
        np.array([
          [0, 2],
          [3, 1],
        ]),
      ).js(),
    ).toEqual([
      [1, 10],
      [10, 1],
    ]);
  });

  test('interp at its points takes the slope to the right', () => {
    const at = (x: NDArray): NDArray => np.interp(x, np.array([0, 1, 2]), np.array([0, 1, 3]));
    expect(grad(at)(np.array(1)).item()).toBe(2);
  });

  test('second derivatives go through gathers and sorts', () => {
    const f = (a: NDArray): NDArray =>
      np
        .sort(a.square())
        .mul(np.array([1, 2]))
        .sum();
    expect(hessian(f)(np.array([2, 1])).js()).toEqual([
      [4, 0],
      [0, 2],
    ]);
  });
});
