/** Indices out of bounds, indices that are none, and values that must be known: clamped, dropped, or explained. */
import { describe, expect, test } from 'vitest';
import '../../src/backends/install.js';
import { ArgumentError, ConcretizationError, DTypeError, ShapeError } from '../../src/core/errors.js';
import type { IndexArg, NDArray } from '../../src/core/ndarray.js';
import * as np from '../../src/numpy/index.js';
import { jit } from '../../src/transforms/index.js';
import { array } from '../helpers/arrays.js';

const ints = (...values: number[]): NDArray => array(values, [values.length], 'int32');
const int = (value: number): NDArray => array([value], [], 'int32');
const x = np.array([10, 20, 30]);
const m = np.array([
  [1, 2, 3],
  [4, 5, 6],
]);

describe('out of bounds, as in JAX', () => {
  test('reading clamps', () => {
    expect(x.slice(ints(5, -9, 1)).js()).toEqual([30, 10, 20]);
    expect(x.slice(int(7)).item()).toBe(30);
    expect(x.slice(int(-7)).item()).toBe(10);
    expect(jit((a: NDArray, i: NDArray) => a.slice(i))(x, int(7)).item()).toBe(30);
  });

  test('updates are dropped', () => {
    expect(
      x
        .at(ints(5, -9, 1))
        .set(0)
        .js(),
    ).toEqual([10, 0, 30]);
    expect(x.at(int(3)).add(1).js()).toEqual([10, 20, 30]);
    expect(x.at(int(-4)).mul(2).js()).toEqual([10, 20, 30]);
    expect(m.at(0, ints(1, 3)).max(9).js()).toEqual([
      [1, 9, 3],
      [4, 5, 6],
    ]);
  });

  test('negative indices count from the end, once', () => {
    expect(x.slice(ints(-1, -3)).js()).toEqual([30, 10]);
    expect(x.at(ints(-1)).set(1).js()).toEqual([10, 20, 1]);
  });

  test('slices end at the ends', () => {
    expect(x.slice([-100, 100]).js()).toEqual([10, 20, 30]);
    expect(x.slice([100, -100, -1]).js()).toEqual([30, 20, 10]);
    expect(x.slice([2, 1]).shape).toEqual([0]);
  });
});

describe('slices in the forms of jax-js', () => {
  test('[] is the whole axis and [i] starts at i', () => {
    expect(m.slice([], [1]).js()).toEqual([
      [2, 3],
      [5, 6],
    ]);
    expect(m.slice([-1]).js()).toEqual([[4, 5, 6]]);
  });
});

describe('dtype and value rules of updates', () => {
  test('the dtype of the array stays', () => {
    const counts = ints(1, 2, 3);
    expect(counts.at(0).set(2.75).dtype).toBe('int32');
    expect(counts.at(0).set(2.75).js()).toEqual([2, 2, 3]);
    expect(
      counts
        .at(ints(0, 0))
        .add(np.array([1.5, 1]))
        .js(),
    ).toEqual([3, 2, 3]);
    expect(np.array([true, false]).at(1).set(1).js()).toEqual([true, true]);
    expect(np.array([true, false]).at(ints(0)).min(false).js()).toEqual([false, false]);
  });

  test('values broadcast, with leading axes of length 1 to spare', () => {
    expect(
      m
        .at(0)
        .set(np.array([[7, 8, 9]]))
        .js(),
    ).toEqual([
      [7, 8, 9],
      [4, 5, 6],
    ]);
    expect(
      m
        .at('...', 1)
        .set(np.array([0]))
        .js(),
    ).toEqual([
      [1, 0, 3],
      [4, 0, 6],
    ]);
    expect(() => m.at(0).set(np.array([1, 2]))).toThrow(ShapeError);
    expect(() => m.at(0).set(np.array([1, 2]))).toThrow(
      /values of shape \[2\] .* shape \[3\] of what the index selects in shape \[2, 3\]/,
    );
  });

  test('a mask of the leading axes, concrete or traced', () => {
    const rows = np.array([false, true]);
    expect(
      m
        .at(rows)
        .set(np.array([7, 8, 9]))
        .js(),
    ).toEqual([
      [1, 2, 3],
      [7, 8, 9],
    ]);
    expect(
      m
        .at(m.greater(2))
        .set(np.array([7, 8, 9, 10]))
        .js(),
    ).toEqual([
      [1, 2, 7],
      [8, 9, 10],
    ]);
    expect(jit((a: NDArray) => a.at(a.greater(2)).set(0))(m).js()).toEqual([
      [1, 2, 0],
      [0, 0, 0],
    ]);
    expect(jit((a: NDArray) => a.at(a.greater(2)).apply((v) => v.neg()))(m).js()).toEqual([
      [1, 2, -3],
      [-4, -5, -6],
    ]);
    expect(() => jit((a: NDArray) => a.at(a.greater(2)).set(np.array([7, 8, 9, 10])))(m)).toThrow(ConcretizationError);
  });

  test('the original is not written', () => {
    m.at(0, 0).set(99);
    expect(m.slice(0, 0).item()).toBe(1);
  });
});

describe('what is no index says what to do', () => {
  const cases: readonly (readonly [string, () => unknown, new (...args: never[]) => Error, RegExp])[] = [
    [
      'a static integer out of bounds',
      () => x.slice(3),
      ShapeError,
      /index 3 is out of bounds for axis 0, which has length 3 \(use -3 … 2\)/,
    ],
    ['below', () => m.slice(0, -4), ShapeError, /index -4 .* axis 1/],
    ['update', () => x.at(3).set(1), ShapeError, /x\.at: index 3/],
    ['too many', () => x.slice(0, 0), ShapeError, /2 indices are too many for an array of shape \[3\]/],
    ['two ellipses', () => m.slice('...', '...'), ArgumentError, /only one/],
    ['a fraction', () => x.slice(1.5), ArgumentError, /1\.5 of axis 0 is no integer/],
    [
      'a list of indices',
      () => x.slice([0, 1, 2, 1]),
      ArgumentError,
      /use np\.array\(\[0, 1, 2, 1\], \{ dtype: 'int32' \}\)/,
    ],
    ['step 0', () => x.slice([0, 1, 0]), ArgumentError, /step is not 0/],
    ['a fraction in a slice', () => x.slice([0.5, 1]), ArgumentError, /items are integers/],
    ['floats', () => x.slice(np.array([0, 1])), DTypeError, /got f32\[2\].*int32/s],
    [
      'a mask of another shape',
      () => m.slice(np.array([true, false, true])),
      ShapeError,
      /mask of shape \[3\] does not fit/,
    ],
    ['a string', () => x.slice('all' as unknown as IndexArg), ArgumentError, /an index is an integer, a slice/],
    [
      'arrays that do not broadcast',
      () => m.slice(ints(0, 1), ints(0, 1, 2)),
      ShapeError,
      /\[2\] and \[3\] do not broadcast/,
    ],
    ['an empty axis', () => np.zeros([0]).slice(ints(0)), ShapeError, /empty/],
    ['take with floats', () => np.take(x, np.array([1])), DTypeError, /take: indices must be integers, got f32\[1\]/],
    ['take of nothing', () => np.take(np.zeros([0]), ints(0)), ShapeError, /empty/],
    ['choose out of bounds', () => np.choose(ints(2), [x, x]), ShapeError, /index 2 is out of bounds for length 2/],
    ['ravelMultiIndex out of bounds', () => np.ravelMultiIndex([ints(2)], [2]), ShapeError, /index 2/],
    ['reshape', () => np.reshape(x, [2, -1]), ShapeError, /2 does not divide 3/],
    ['reshape twice', () => np.reshape(x, [-1, -1]), ShapeError, /at most one is -1/],
    ['broadcastTo', () => np.broadcastTo(x, [2]), ShapeError, /\[3\] does not broadcast to \[2\]/],
    ['concatenate', () => np.concatenate([m, x]), ShapeError, /\[2, 3\], \[3\] must agree/],
    ['concatenate of numbers', () => np.concatenate([1, 2]), ShapeError, /np\.stack/],
    ['stack', () => np.stack([m, x]), ShapeError, /must be equal/],
    ['stack of nothing', () => np.stack([]), ArgumentError, /at least one array/],
    ['block', () => np.block([[m], m]), ArgumentError, /equally deep/],
    ['split', () => np.split(x, 2), ShapeError, /does not divide into 2.*arraySplit/],
    ['dsplit', () => np.dsplit(m, 1), ShapeError, /at least 3 axes/],
    ['repeat', () => np.repeat(x, [1, 2]), ShapeError, /2 repetitions for an axis of length 3/],
    ['repeat less than never', () => np.repeat(x, -1), ArgumentError, /at least 0/],
    ['pad mode', () => np.pad(x, 1, 'mirror' as 'edge'), ArgumentError, /no mode 'mirror'/],
    ['pad of nothing', () => np.pad(np.zeros([0]), 1, 'edge'), ShapeError, /nothing to repeat/],
    [
      'pad widths',
      () =>
        np.pad(x, [
          [1, 2],
          [3, 4],
        ]),
      ArgumentError,
      /one such pair per axis/,
    ],
    ['insert', () => np.insert(x, 4, 1), ShapeError, /position 4 .* \(use -3 … 3\)/],
    ['delete', () => np.delete(x, 3), ShapeError, /position 3/],
    ['lexsort', () => np.lexsort([x, m]), ShapeError, /must be equal/],
    ['partition', () => np.partition(x, 3), Error, /no position 3/],
    ['searchsorted', () => np.searchsorted(m, 1), ShapeError, /must be a vector/],
    ['quantile', () => np.quantile(x, 1.5), ArgumentError, /between 0 and 1/],
    ['percentile', () => np.percentile(x, 101), ArgumentError, /between 0 and 100/],
    [
      'quantile method',
      () => np.quantile(x, 0.5, null, { method: 'best' as 'linear' }),
      ArgumentError,
      /no method 'best'/,
    ],
    ['median of nothing', () => np.median(np.zeros([0])), ShapeError, /no elements/],
    ['histogram', () => np.histogram(x, 0), ArgumentError, /at least 1/],
    ['histogram range', () => np.histogram(x, 2, { range: [2, 1] }), ArgumentError, /empty/],
    ['bincount', () => np.bincount(ints(-1)), ArgumentError, /-1 is negative/],
    ['cov', () => np.cov(m, np.ones([2])), ShapeError, /as many observations/],
    ['convolve', () => np.convolve(x, m), ShapeError, /two vectors/],
    ['interp', () => np.interp(x, x, m), ShapeError, /one length/],
    ['diff', () => np.diff(1), ShapeError, /no neighbours/],
    ['gradient', () => np.gradient(np.array([1])), ShapeError, /at least 2 elements/],
    ['polyadd', () => np.polyadd(m, x), ShapeError, /must be a vector/],
    ['nonzero of a number', () => np.nonzero(1), ShapeError, /atleast1d/],
    ['fillDiagonal', () => np.fillDiagonal(x, 1), ShapeError, /needs a matrix/],
    ['hanning', () => np.hanning(2.5), ArgumentError, /integer/],
  ];
  test.each(cases.map(([name, f, kind, message]) => ({ name, f, kind, message })))('$name', ({ f, kind, message }) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
    expect(x.slice(1).item()).toBe(20); // the next call works
  });

  const traced: readonly (readonly [string, (a: NDArray) => NDArray | NDArray[], RegExp])[] = [
    ['a mask', (a) => a.slice(a.greater(1)), /boolean mask.*np\.where/s],
    ['nonzero', (a) => np.nonzero(a), /\{ size: n \}/],
    ['unique', (a) => np.unique(a), /\{ size: n \}/],
    ['compress', (a) => np.compress(a.greater(1), a), /\{ size: n \}/],
    ['setdiff1d', (a) => np.setdiff1d(a, 1), /\{ size: n \}/],
    ['repeat', (a) => np.repeat(a, a.astype('int32')), /totalRepeatLength/],
    ['bincount', (a) => np.bincount(a.astype('int32')), /\{ length: n \}/],
    ['trimZeros', (a) => np.trimZeros(a), /outside of jit/],
    ['choose', (a) => np.choose(a.astype('int32'), [a, a]), /'clip' or 'wrap'/],
    ['delete', (a) => np.delete(a, a.astype('int32')), /not traced/],
  ];
  test.each(traced.map(([name, f, message]) => ({ name, f, message })))('traced: $name', ({ f, message }) => {
    expect(() => jit(f)(x)).toThrow(ConcretizationError);
    expect(() => jit(f)(x)).toThrow(message);
  });

  test('shapes may depend on constants inside a traced function', () => {
    const f = (a: NDArray): NDArray => a.mul(np.unique(ints(3, 1, 3)).size).add(np.nonzero(ints(0, 4))[0]?.size ?? 0);
    expect(jit(f)(x).js()).toEqual([21, 41, 61]);
    expect(jit((a: NDArray) => a.slice(np.array([true, false, true])))(x).js()).toEqual([10, 30]);
  });
});
