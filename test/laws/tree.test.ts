/** Pytrees are traversable: flatten and unflatten are inverse, map is a functor, transpose an involution. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tree } from 'cotangent';

type Nested = number | null | readonly Nested[] | { readonly [key: string]: Nested };
const { nested } = fc.letrec<{ nested: Nested }>((tie) => ({
  nested: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.integer(),
    fc.constant(null),
    fc.array(tie('nested'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'w', '10', '2', 'é'), tie('nested'), { maxKeys: 4 }),
  ),
}));
/** Without null leaves' ambiguity: containers only, as arguments of map are. */
const container = nested.filter((t) => typeof t !== 'number').map((t): object | null => t as object | null);

describe('flatten and unflatten', () => {
  test('unflatten(flatten(t)) = t', () =>
    fc.assert(
      fc.property(container, (t) => {
        const [leaves, def] = tree.flatten<number>(t);
        expect(tree.unflatten(def, leaves)).toEqual(t);
      }),
    ));
  test('flatten(unflatten(leaves)) = leaves, with an equal structure', () =>
    fc.assert(
      fc.property(container, fc.infiniteStream(fc.integer()), (t, stream) => {
        const def = tree.structure(t);
        const leaves = [...stream.take(def.numLeaves)];
        const [again, same] = tree.flatten<number>(tree.unflatten(def, leaves) as object);
        expect(again).toEqual(leaves);
        expect(same.equals(def)).toBe(true);
      }),
    ));
  test('structures are equal exactly if their texts are, and do not depend on the order of keys', () =>
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (d) => {
        const backwards = Object.fromEntries(Object.entries(d).reverse());
        expect(tree.structure(backwards).equals(tree.structure(d))).toBe(true);
        expect(tree.leaves(backwards)).toEqual(tree.leaves(d));
      }),
    ));
  test('a wrong number of leaves is an error', () =>
    fc.assert(
      fc.property(container, (t) => {
        const [leaves, def] = tree.flatten<number>(t);
        expect(() => tree.unflatten(def, [...leaves, 0])).toThrow(/leaves/);
      }),
    ));
  test('paths lead to their leaves', () =>
    fc.assert(
      fc.property(container, (t) => {
        for (const [path, leaf] of tree.leavesWithPath<number>(t)) {
          expect(path.reduce<unknown>((at, key) => (at as Record<string | number, unknown>)[key], t)).toBe(leaf);
        }
      }),
    ));
});

describe('map', () => {
  test('map(identity) = identity', () =>
    fc.assert(
      fc.property(container, (t) => {
        expect(tree.map((x: number) => x, t)).toEqual(t);
      }),
    ));
  test('map(g) ∘ map(f) = map(g ∘ f)', () => {
    const f = (x: number): number => x + 1;
    const g = (x: number): number => -2 * x;
    fc.assert(
      fc.property(container, (t) => {
        expect(tree.map(g, tree.map(f, t))).toEqual(tree.map((x: number) => g(f(x)), t));
      }),
    );
  });
  test('map of two trees pairs leaves; mapWithPath agrees', () =>
    fc.assert(
      fc.property(container, (t) => {
        const doubled = tree.map((x: number) => 2 * x, t);
        expect(tree.map((x: number, y: number) => y - x, t, doubled)).toEqual(t);
        expect(tree.mapWithPath((_path, x: number) => x + 1, t)).toEqual(tree.map((x: number) => x + 1, t));
      }),
    ));
  test('reduce folds the leaves', () =>
    fc.assert(
      fc.property(container, (t) => {
        expect(tree.reduce((a: number, x: number) => a + x, t, 0)).toBe(
          tree.leaves<number>(t).reduce((a, x) => a + x, 0),
        );
      }),
    ));
});

describe('transpose', () => {
  test('is an involution', () =>
    fc.assert(
      fc.property(container, container, fc.infiniteStream(fc.integer()), (a, b, stream) => {
        const [outer, inner] = [tree.structure(a), tree.structure(b)];
        // A leafless structure keeps nothing of the other one.
        fc.pre(outer.numLeaves > 0 && inner.numLeaves > 0);
        const value = tree.unflatten(
          outer,
          Array.from({ length: outer.numLeaves }, () => tree.unflatten(inner, [...stream.take(inner.numLeaves)])),
        );
        const turned = tree.transpose(outer, inner, value);
        expect(tree.structure(turned).toString()).toBe(
          tree
            .structure(
              tree.unflatten(
                inner,
                Array.from({ length: inner.numLeaves }, () =>
                  tree.unflatten(outer, new Array<number>(outer.numLeaves).fill(0)),
                ),
              ),
            )
            .toString(),
        );
        expect(tree.transpose(inner, outer, turned)).toEqual(value);
      }),
    ));
});
