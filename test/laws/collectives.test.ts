/** Collectives mean something inside of a vmap with a named axis; there they obey the laws of programs. */
import { describe, expect, test } from 'vitest';
import { grad, jit, lax, makeJaxpr, numpy as np, ShapedArray, vmap, type NDArray } from 'cotangent';
import { PROGRAM_LAWS, type ProgramCase } from 'cotangent/testing';

const N = 3;
const values = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.sin(1.3 * i + 0.4));

function mapped(name: string, body: (x: NDArray) => NDArray, plain: (xs: NDArray) => NDArray): [string, ProgramCase] {
  const aval = new ShapedArray([N, 2], 'float64');
  const run = (...[xs]: NDArray[]): NDArray[] => [vmap(body, 0, { axisName: 'i' })(xs ?? 0)];
  return [
    name,
    { inputs: [aval], args: [{ aval, data: values(N * 2) }], run, plain: (...[xs]) => [plain(xs ?? np.zeros([]))] },
  ];
}

/** A reduction over the examples, given back to each. */
const shared = (reduced: NDArray): NDArray => lax.broadcastInDim(reduced, [N, 2], [1]);
const cases: readonly [string, ProgramCase][] = [
  mapped(
    'psum',
    (x) => lax.mul(x, lax.psum(lax.sin(x), 'i')),
    (xs) => lax.mul(xs, shared(lax.reduceSum(lax.sin(xs), [0]))),
  ),
  mapped(
    'pmean',
    (x) => lax.sub(lax.exp(x), lax.pmean(x, 'i')),
    (xs) => lax.sub(lax.exp(xs), shared(lax.div(lax.reduceSum(xs, [0]), N))),
  ),
  mapped(
    'pmax',
    (x) => lax.mul(x, lax.pmax(lax.cos(x), 'i')),
    (xs) => lax.mul(xs, shared(lax.reduceMax(lax.cos(xs), [0]))),
  ),
  mapped(
    'pmin',
    (x) => lax.mul(x, lax.pmin(lax.cos(x), 'i')),
    (xs) => lax.mul(xs, shared(lax.reduceMin(lax.cos(xs), [0]))),
  ),
  mapped(
    'all_gather',
    (x) => lax.mul(x, lax.reduceSum(lax.square(lax.allGather(x, 'i', N)), [0])),
    (xs) => lax.mul(xs, shared(lax.reduceSum(lax.square(xs), [0]))),
  ),
  mapped(
    'axis_index',
    (x) => lax.mul(x, lax.convertElementType(lax.axisIndex('i'), 'float64')),
    (xs) => lax.mul(xs, lax.broadcastedIota('float64', [N, 2], 0)),
  ),
  mapped(
    'psum under jit',
    (x) => jit((y: NDArray) => lax.mul(y, lax.psum(y, 'i')))(x),
    (xs) => lax.mul(xs, shared(lax.reduceSum(xs, [0]))),
  ),
];

describe.each(cases)('%s', (_name, c) => {
  test.each(PROGRAM_LAWS.map((law) => [law.name, law] as const))('%s', (_law, law) => {
    for (const seed of [0, 1]) law.check(c, seed);
  });
});

describe('named axes', () => {
  const xs = np.array([1, 2, 4]);
  test('an operand that does not vary along the axis counts once per example', () => {
    expect(vmap((x: NDArray) => lax.add(x, lax.psum(1, 'i')), 0, { axisName: 'i' })(xs).js()).toEqual([4, 5, 7]);
  });
  test('collectives inside of jit see the axis, also where no operand varies', () => {
    const index = jit(() => lax.axisIndex('i'));
    expect(
      vmap((x: NDArray) => lax.add(x, lax.convertElementType(index(), 'float32')), 0, { axisName: 'i' })(xs).js(),
    ).toEqual([1, 3, 6]);
    const count = jit((y: NDArray) => lax.psum(y, 'i'));
    expect(vmap((x: NDArray) => lax.add(x, count(np.array(1))), 0, { axisName: 'i' })(xs).js()).toEqual([4, 5, 7]);
  });
  test('of two nested axes the named one is meant', () => {
    const m = np.array([
      [1, 2],
      [3, 4],
    ]);
    const over = (name: string): NDArray =>
      vmap((row: NDArray) => vmap((x: NDArray) => lax.psum(x, name), 0, { axisName: 'j' })(row), 0, { axisName: 'i' })(
        m,
      );
    expect(over('i').js()).toEqual([
      [4, 6],
      [4, 6],
    ]);
    expect(over('j').js()).toEqual([
      [3, 3],
      [7, 7],
    ]);
  });
  test('the gradient inside of the vmap sums over the axis', () => {
    const g = vmap((x: NDArray) => grad((y: NDArray) => lax.mul(lax.psum(y, 'i'), x))(x), 0, { axisName: 'i' });
    // Each example is differentiated by its own copy; the transpose of psum adds up all cotangents.
    expect(g(xs).js()).toEqual([7, 7, 7]);
  });
  test('pmax has no derivative of its own inside of the vmap, and says so', () => {
    expect(() => vmap((x: NDArray) => grad((y: NDArray) => lax.pmax(y, 'i'))(x), 0, { axisName: 'i' })(xs)).toThrow(
      /pmax has no derivative/,
    );
  });
  test('outside of a vmap with that name they are errors', () => {
    expect(() => lax.psum(xs, 'k')).toThrow(/no axis named 'k'/);
    expect(() => vmap((x: NDArray) => lax.psum(x, 'k'), 0, { axisName: 'i' })(xs)).toThrow(/no axis named 'k'/);
    expect(String(makeJaxpr((x: NDArray) => lax.psum(x, 'k'))(xs))).toContain('psum');
  });
});
