import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as tree from '../../src/core/tree-api.js';
import { TreeError } from '../../src/core/errors.js';
import { array } from '../helpers/arrays.js';

/** Random trees with number leaves. */
const trees = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.integer(),
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.stringMatching(/^[a-d]$/), tie('tree'), { maxKeys: 3 }),
  ),
})).tree;

describe('laws', () => {
  it('unflatten inverts flatten', () => {
    fc.assert(
      fc.property(trees, (t) => {
        const [leaves, def] = tree.flatten(t as object);
        expect(tree.unflatten(def, leaves)).toEqual(t);
      }),
    );
  });
  it('map is a functor', () => {
    const f = (x: number): number => x + 1;
    const g = (x: number): number => x * 2;
    fc.assert(
      fc.property(trees, (t) => {
        expect(tree.map((x: number) => x, t)).toEqual(t);
        expect(tree.map((x: number) => g(f(x)), t)).toEqual(tree.map(g, tree.map(f, t)));
      }),
    );
  });
  it('transpose is an involution', () => {
    const outer = tree.structure({ a: 0, b: [0] });
    const inner = tree.structure([0, { c: 0 }]);
    const t = { a: [1, { c: 2 }], b: [[3, { c: 4 }]] };
    expect(tree.transpose(inner, outer, tree.transpose(outer, inner, t))).toEqual(t);
  });
  it('structures are equal exactly when their texts are', () => {
    fc.assert(
      fc.property(trees, trees, (a, b) => {
        const [da, db] = [tree.structure(a), tree.structure(b)];
        expect(da.equals(db)).toBe(da.toString() === db.toString());
      }),
    );
  });
});

describe('trees', () => {
  it('orders object keys alphabetically and keeps null', () => {
    expect(tree.leaves({ b: 2, a: 1, c: null })).toEqual([1, 2]);
    expect(tree.structure({ b: 2, a: 1 }).equals(tree.structure({ a: 5, b: 6 }))).toBe(true);
    expect(tree.structure([null]).equals(tree.structure([]))).toBe(false);
  });
  it('takes arrays as leaves', () => {
    const x = array([1, 2]);
    expect(tree.leaves({ x, y: [x] })).toEqual([x, x]);
  });
  it('gives paths', () => {
    const paths = tree.leavesWithPath({ layers: [{ w: 1, b: 2 }], scale: 3 }).map(([p]) => tree.showPath(p));
    expect(paths).toEqual(['layers[0].b', 'layers[0].w', 'scale']);
    expect(tree.mapWithPath((path, x: number) => `${tree.showPath(path)}=${String(x)}`, { a: [1] })).toEqual({
      a: ['a[0]=1'],
    });
  });
  it('reduces from the left', () => {
    expect(tree.reduce((acc: string, x: number) => acc + String(x), { b: 2, a: [1, 3] }, '')).toBe('132');
  });
  it('names the path where structures differ', () => {
    const f = (a: number, b: number): number => a + b;
    expect(() => tree.map(f, { a: { w: 1 } }, { a: { v: 1 } } as never)).toThrow(
      /at a, expected .*missing w; unexpected v/,
    );
    expect(() => tree.map(f, { a: [1, 2] }, { a: [1] })).toThrow(TreeError);
    expect(() => tree.unflatten(tree.structure([0, 0]), [1])).toThrow(/has 2 leaves, but 1 were given/);
  });
  it('registers classes', () => {
    class Pair {
      constructor(
        readonly left: unknown,
        readonly right: unknown,
        readonly tag: string,
      ) {}
    }
    tree.registerClass(Pair, {
      flatten: (p) => ({ children: [p.left, p.right], keys: ['left', 'right'], aux: p.tag }),
      unflatten: (aux, [left, right]) => new Pair(left, right, String(aux)),
    });
    const mapped = tree.map((x: number) => x * 10, new Pair(1, [2], 'p'));
    expect(mapped).toEqual(new Pair(10, [20], 'p'));
    expect(tree.structure(new Pair(1, 2, 'p')).equals(tree.structure(new Pair(1, 2, 'q')))).toBe(false);
    expect(tree.leavesWithPath(new Pair(1, 2, '')).map(([p]) => tree.showPath(p))).toEqual(['left', 'right']);
  });
});
