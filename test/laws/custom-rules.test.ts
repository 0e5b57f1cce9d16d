/** Functions with their own derivative rules obey the laws of programs; those with a vjp rule, the laws of reverse mode. */
import { describe, expect, test } from 'vitest';
import {
  checkpoint,
  customJvp,
  customVjp,
  grad,
  jit,
  lax,
  numpy as np,
  ShapedArray,
  vmap,
  type NDArray,
} from 'cotangent';
import { checkGrads, PROGRAM_LAWS, type ProgramCase } from 'cotangent/testing';

/** sin x · y with a rule that is written out. */
const product = customJvp((x: NDArray, p: { y: NDArray }) => lax.mul(lax.sin(x), p.y)).defjvp(([x, p], [dx, dp]) => [
  lax.mul(lax.sin(x), p.y),
  lax.add(lax.mul(lax.mul(lax.cos(x), p.y), dx), lax.mul(lax.sin(x), dp.y)),
]);
/** The same in reverse. */
const reverse = customVjp((x: NDArray, p: { y: NDArray }) => lax.mul(lax.sin(x), p.y)).defvjp(
  (x, p) => [lax.mul(lax.sin(x), p.y), { x, y: p.y }],
  (r, ct) => [lax.mul(lax.mul(lax.cos(r.x), r.y), ct), { y: lax.mul(lax.sin(r.x), ct) }],
);
type Binary = (x: NDArray, y: NDArray) => NDArray;
const plain: Binary = (x, y) => lax.mul(lax.sin(x), y);

/** Ways to use a binary function f, each with what it is for the plain one. */
const uses: readonly (readonly [string, (f: Binary) => (x: NDArray, y: NDArray) => NDArray])[] = [
  ['alone', (f) => f],
  ['twice, with a shared operand', (f) => (x, y) => f(f(x, y), x)],
  ['under jit', (f) => (x, y) => jit(f)(x, y)],
  ['under checkpoint', (f) => (x, y) => checkpoint(f)(x, y)],
  ['under jit under checkpoint', (f) => (x, y) => checkpoint((a: NDArray, b: NDArray) => jit(f)(lax.exp(a), b))(x, y)],
  [
    'under vmap of one operand',
    (f) => (x, y) => vmap((a: NDArray) => lax.reduceSum(f(a, y)))(lax.broadcastInDim(x, [2, 3], [1])),
  ],
  [
    'under vmap of both, with jit around',
    (f) => (x, y) => jit(vmap(f))(lax.reshape(x, [3, 1]), lax.reshape(y, [3, 1])),
  ],
  ['with a constant operand', (f) => (x, y) => lax.add(f(x, np.array([1, 2, 3]).astype('float64')), y)],
];

const inputs = [new ShapedArray([3], 'float64'), new ShapedArray([3], 'float64')];
const onPair =
  (f: Binary) =>
  (...[x, y]: NDArray[]): NDArray[] =>
    x === undefined || y === undefined ? [] : [f(x, y)];
const caseOf = (use: (f: Binary) => Binary, f: Binary): ProgramCase => ({
  inputs,
  args: inputs.map((aval, i) => ({ aval, data: Float64Array.from([0.3, -0.8, 1.1], (v) => v + 0.1 * i) })),
  run: onPair(use(f)),
  plain: onPair(use(plain)),
});

describe.each(uses)('customJvp %s', (_name, use) => {
  const c = caseOf(use, (x, y) => product(x, { y }));
  test.each(PROGRAM_LAWS.map((law) => [law.name, law] as const))('%s', (_law, law) => {
    // The seed draws directions, and which transforms are composed.
    for (const seed of law.name.startsWith('compositions') ? [0, 1, 2, 3, 4] : [0, 1]) law.check(c, seed);
  });
});

describe.each(uses)('customVjp %s', (_name, use) => {
  const c = caseOf(use, (x, y) => reverse(x, { y }));
  const laws = PROGRAM_LAWS.filter((law) => /^(jit = eager|vmap = loop|grad ∘ jit)/.test(law.name));
  test.each(laws.map((law) => [law.name, law] as const))('%s', (_law, law) => {
    for (const seed of [0, 1]) law.check(c, seed);
  });
  test('vjp = finite differences', () => {
    checkGrads((x: NDArray, y: NDArray) => [...c.run(x, y)], [np.array([0.3, -0.8, 1.1]), np.array([0.4, 1, 2])], {
      order: 2,
      modes: ['rev'],
    });
  });
});

test('a rule is used, and not the derivative of the function', () => {
  const jvpRule = customJvp((x: NDArray) => lax.mul(x, 2)).defjvp(([x], [dx]) => [lax.mul(x, 2), lax.mul(dx, 5)]);
  const vjpRule = customVjp((x: NDArray) => lax.mul(x, 2)).defvjp(
    (x) => [lax.mul(x, 2), null],
    (_, ct) => [lax.mul(ct, 7)],
  );
  for (const wrap of [
    (f: (x: NDArray) => NDArray) => f,
    (f: (x: NDArray) => NDArray) => jit(f),
    (f: (x: NDArray) => NDArray) => checkpoint(f),
  ]) {
    expect(grad(wrap((x) => jvpRule(x)))(1).item()).toBe(5);
    expect(grad(wrap((x) => vjpRule(x)))(1).item()).toBe(7);
    expect(vmap(grad(wrap((x) => vjpRule(x))))(np.array([1, 2])).js()).toEqual([7, 7]);
  }
});
