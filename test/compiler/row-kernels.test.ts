/** Staged row kernels: reductions along a row and the maps that need them are one kernel, with the values of eager code. */
import { describe, expect, it } from 'vitest';
import { array, flat } from '../helpers/arrays.js';
import { range } from '../../src/core/axes.js';
import { ShapedArray } from '../../src/core/aval.js';
import { traceToJaxpr } from '../../src/core/jaxpr-trace.js';
import { NDArray } from '../../src/core/ndarray.js';
import { compileJaxpr } from '../../src/compiler/compile.js';
import type { LoopKernel, Program } from '../../src/compiler/loop-ir.js';
import * as lax from '../../src/lax/index.js';
import * as nn from '../../src/nn/index.js';
import * as np from '../../src/numpy/index.js';
import { grad, jit } from '../../src/transforms/index.js';

type Unary = (x: NDArray) => NDArray | readonly NDArray[];

const compile = (f: Unary, shape: readonly number[], donate = false): Program =>
  compileJaxpr(
    traceToJaxpr((...args) => args.flatMap((x) => f(x)), [new ShapedArray(shape, 'float32')], 'test'),
    { donate: [donate] },
  ).program;
const loops = (p: Program): LoopKernel[] => p.kernels.filter((k) => k.kind === 'loop');
const sumOf =
  (f: (x: NDArray) => NDArray): Unary =>
  (x) =>
    grad((y: NDArray) => np.sum(f(y).mul(np.cos(y))))(x);

const NLL: (x: NDArray) => NDArray = (x) =>
  np
    .sum(
      nn.logSoftmax(x).mul(
        nn.oneHot(
          array(
            range(x.shape[0] ?? 0).map((i) => i % 3),
            [x.shape[0] ?? 0],
            'int32',
          ),
          x.shape[1] ?? 0,
        ),
      ),
      -1,
    )
    .neg();

const ROWS: readonly (readonly [string, Unary])[] = [
  ['softmax', (x) => nn.softmax(x)],
  ['logsumexp', (x) => nn.logsumexp(x, { axis: -1 })],
  ['log-softmax', (x) => nn.logSoftmax(x)],
  ['layer norm', (x) => nn.standardize(x)],
  ['log-softmax and NLL', NLL],
  ['gradient of softmax', sumOf((x) => nn.softmax(x))],
  ['gradient of logsumexp', (x) => grad((y: NDArray) => np.sum(nn.logsumexp(y, { axis: -1 })))(x)],
  ['gradient of log-softmax', sumOf((x) => nn.logSoftmax(x))],
  ['gradient of layer norm', sumOf((x) => nn.standardize(x))],
  ['softmax of masked scores', (x) => nn.softmax(np.where(np.greater(x, 0.1), x, -1e9))],
  ['a residual, its norm and both results', (x) => [x.mul(x).add(x), nn.standardize(x.mul(x).add(x))]],
];

describe('one kernel over rows', () => {
  it.each(ROWS)('%s', (_, f) => {
    const p = compile(f, [8, 24]);
    expect(loops(p).length).toBe(1);
    expect(p.arenaBytes).toBe(0);
    // The values of a row with a vector's tail, of one shorter than a vector, of no rows and of empty rows.
    for (const shape of [
      [8, 27],
      [5, 3],
      [1, 40],
      [0, 4],
    ]) {
      const n = shape.reduce((a, b) => a * b, 1);
      const x = array(
        range(n).map((i) => Math.sin(i * 1.7) * 2),
        shape,
      );
      const listed = (g: Unary): number[] => [g(x)].flat().flatMap((y) => (y instanceof NDArray ? flat(y) : []));
      const [eager, jitted] = [listed(f), listed(jit(f))];
      expect(jitted.length).toBe(eager.length);
      // Sums of a row may be added in another order; the values are of order 1.
      jitted.forEach((y, i) => expect(y).toBeCloseTo(eager[i] ?? NaN, 5));
    }
  });
  it('keeps an expensive value of a row in the place of a result until it is needed again', () => {
    const [kernel] = loops(compile((x) => nn.softmax(x), [8, 24]));
    expect(kernel?.buffers.map((b) => b.access)).toEqual(['read', 'readwrite']);
    expect(kernel?.stages.map((stage) => [stage.accumulators.length, stage.stores.length])).toEqual([
      [1, 0],
      [1, 1],
      [0, 1],
    ]);
  });
  it('a result may take the place of a donated operand', () => {
    const softmax = (x: NDArray): NDArray => nn.softmax(x);
    expect(compile(softmax, [8, 24], true).donations).toEqual([0]);
    const x = array(
      range(64).map((i) => Math.cos(i)),
      [4, 16],
    );
    const expected = flat(softmax(x));
    flat(jit(softmax, { donate: 0 })(x)).forEach((y, i) => expect(y).toBeCloseTo(expected[i] ?? NaN, 6));
    // Another element of the row is read after the first is written.
    expect(compile((y) => nn.softmax(y).add(lax.rev(y, [1])), [8, 24], true).donations).toEqual([-1]);
  });
});

describe('not one kernel', () => {
  it('where the second walk over a row would go to memory again', () => {
    expect(compile((x) => x.div(np.sum(x)), [1 << 20]).steps.length).toBe(2);
    expect(compile((x) => nn.softmax(x, 0), [1024, 1024]).steps.length).toBeGreaterThan(1);
    expect(compile((x) => nn.softmax(x, 0), [32, 32]).steps.length).toBe(1);
  });
});

describe('a map and the sum of its values', () => {
  it.each([
    ['along rows', [50, 7], 1],
    ['along columns', [50, 7], 0],
    ['of long columns, in chunks', [20000, 3], 0],
    ['of long rows, in chunks', [2, 70000], 1],
  ])('%s', (_, shape, axis) => {
    const f = (x: NDArray): NDArray[] => {
      const y = lax.mul(x, lax.add(x, 1));
      return [y, lax.reduceSum(y, [axis])];
    };
    expect(loops(compile(f, shape)).length).toBe(1);
    const n = shape.reduce((a, b) => a * b, 1);
    const x = array(
      range(n).map((i) => (i % 7) - 3),
      shape,
    );
    // Small integers: exact in any order.
    jit(f)(x).forEach((y, i) => expect(flat(y)).toEqual(flat(f(x)[i] ?? x)));
  });
});
