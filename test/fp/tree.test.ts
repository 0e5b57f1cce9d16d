/** The laws of Functor, Foldable and Traversable for pytrees, on random trees. */
import fc from 'fast-check';
import { getMonoid as arrays } from 'fp-ts/lib/Array.js';
import * as I from 'fp-ts/lib/Identity.js';
import * as O from 'fp-ts/lib/Option.js';
import * as S from 'fp-ts/lib/State.js';
import { MonoidSum } from 'fp-ts/lib/number.js';
import { describe, expect, test } from 'vitest';
import { tree } from 'cotangent/fp';

type Numbers = number | null | Numbers[] | { [key: string]: Numbers };

const { trees } = fc.letrec<{ trees: Numbers }>((tie) => ({
  trees: fc.oneof(
    { maxDepth: 4 },
    fc.integer({ min: -50, max: 50 }),
    fc.constant(null),
    fc.array(tie('trees'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'w'), tie('trees'), { maxKeys: 3 }),
  ),
}));
const functions = fc.func(fc.integer());
const { map } = tree.Functor;

describe('Functor', () => {
  test('identity', () => {
    fc.assert(
      fc.property(trees, (t) => {
        expect(map(t, (x) => x)).toEqual(t);
      }),
    );
  });
  test('composition', () => {
    fc.assert(
      fc.property(trees, functions, functions, (t, f, g) => {
        expect(
          map(
            map(t, (x) => f(x)),
            (x) => g(x),
          ),
        ).toEqual(map(t, (x) => g(f(x))));
      }),
    );
  });
});

describe('Foldable', () => {
  test('foldMap, reduce and reduceRight see the same leaves in order', () => {
    fc.assert(
      fc.property(trees, (t) => {
        const inOrder = tree.Foldable.reduce<number, number[]>(t, [], (acc, x) => [...acc, x]);
        expect(tree.Foldable.reduceRight<number, number[]>(t, [], (x, acc) => [x, ...acc])).toEqual(inOrder);
        expect(tree.Foldable.foldMap(MonoidSum)(t, (x: number) => x)).toBe(inOrder.reduce((a, b) => a + b, 0));
        expect(tree.Foldable.foldMap(arrays<number>())(t, (x: number) => [x])).toEqual(inOrder);
      }),
    );
  });
});

describe('traverse', () => {
  test('in the identity applicative it is map', () => {
    fc.assert(
      fc.property(trees, functions, (t, f) => {
        expect(tree.traverse(I.Applicative)(t, (x) => f(x))).toEqual(map(t, (x) => f(x)));
      }),
    );
  });
  test('is natural: Option to nullable and back loses nothing', () => {
    fc.assert(
      fc.property(trees, (t) => {
        const whole = tree.traverse(O.Applicative)(t, (x: number) => (x < 0 ? O.none : O.some(x)));
        const negative = tree.Foldable.reduce<number, boolean>(t, false, (any, x) => any || x < 0);
        expect(whole).toEqual(negative ? O.none : O.some(t));
      }),
    );
  });
  test('effects run in leaf order: a State counter numbers the leaves', () => {
    const next: S.State<number, number> = (n) => [n, n + 1];
    const number = tree.traverse(S.Applicative)({ b: ['x', 'y'], a: 'z' }, () => next);
    expect(number(0)).toEqual([{ a: 0, b: [1, 2] }, 3]);
  });
});
