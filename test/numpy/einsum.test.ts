/** einsum against NumPy, and the order of its contractions. */
import { makeJaxpr, type NDArray, numpy as np } from 'cotangent';
import { describe, expect, test } from 'vitest';
import { testGroup } from './fixtures-a.js';

testGroup('einsum');

/** Cost of a path by trying every order of pairwise contractions. */
function cheapest(inputs: readonly string[], output: string, sizes: Readonly<Record<string, number>>): number {
  if (inputs.length === 1) return 0;
  let best = Infinity;
  inputs.forEach((a, i) => {
    inputs.slice(i + 1).forEach((b, k) => {
      const rest = inputs.filter((_, p) => p !== i && p !== i + 1 + k);
      const all = [...new Set(a + b)];
      const result = all.filter((label) => output.includes(label) || rest.some((r) => r.includes(label)));
      const cost = all.reduce((n, label) => n * (sizes[label] ?? 1), all.length > result.length ? 2 : 1);
      best = Math.min(best, cost + cheapest([...rest, result.join('')], output, sizes));
    });
  });
  return best;
}

const networks: readonly (readonly [string, Readonly<Record<string, number>>])[] = [
  ['ij,jk,kl->il', { i: 10, j: 20, k: 30, l: 2 }],
  ['ij,jk,kl,lm->im', { i: 30, j: 2, k: 40, l: 3, m: 50 }],
  ['ea,fb,abcd,gc,hd->efgh', { a: 10, b: 10, c: 10, d: 10, e: 4, f: 4, g: 4, h: 4 }],
  ['abc,bd,cde,ef->adf', { a: 3, b: 5, c: 7, d: 2, e: 4, f: 6 }],
  ['a,b,c,abc->', { a: 4, b: 5, c: 6 }],
];
const operandsOf = (text: string, sizes: Readonly<Record<string, number>>): NDArray[] =>
  (text.split('->')[0] ?? '').split(',').map((term) => np.ones(Array.from(term).map((label) => sizes[label] ?? 1)));

describe('the order of contractions', () => {
  test.each(networks)('%s: optimal costs what exhaustive search finds', (text, sizes) => {
    const operands = operandsOf(text, sizes);
    const [inputs = '', output = ''] = text.split('->');
    const [path, info] = np.einsumPath(text, ...operands, { optimize: 'optimal' });
    expect(path.length).toBe(operands.length - 1);
    expect(info.optimizedCost).toBe(cheapest(inputs.split(','), output, sizes));
    const [, greedy] = np.einsumPath(text, ...operands, { optimize: 'greedy' });
    expect(greedy.optimizedCost).toBeGreaterThanOrEqual(info.optimizedCost);
    expect(greedy.optimizedCost).toBeLessThanOrEqual(info.naiveCost);
  });

  test('the path of the documentation, and its cost', () => {
    const [path, info] = np.einsumPath('ij,jk,kl->il', np.ones([10, 20]), np.ones([20, 30]), np.ones([30, 2]));
    expect(path).toEqual([
      [1, 2],
      [0, 1],
    ]);
    // 2·20·30·2 for the second product, 2·10·20·2 for the first; the loop: 10·20·30·2 times 2 products and a sum.
    expect(info).toEqual({ naiveCost: 36000, optimizedCost: 3200, largestIntermediate: 40 });
  });

  test('one and two operands', () => {
    expect(np.einsumPath('ij->i', np.ones([2, 3]))[0]).toEqual([[0]]);
    expect(np.einsumPath('ij,j', np.ones([2, 3]), np.ones(3))[0]).toEqual([[0, 1]]);
  });

  test('a contraction is one dot_general, an elementwise product none', () => {
    const text = (subscripts: string, ...xs: NDArray[]): string =>
      makeJaxpr((...args: NDArray[]) => np.einsum(subscripts, ...args))(...xs).toString();
    const count = (t: string, name: string): number => t.split(`${name}[`).length - 1;
    expect(count(text('bij,bjk->bik', np.ones([2, 3, 4]), np.ones([2, 4, 5])), 'dot_general')).toBe(1);
    expect(text('bij,bjk->bik', np.ones([2, 3, 4]), np.ones([2, 4, 5]))).not.toContain('transpose');
    expect(text('ij,ij->ij', np.ones([2, 3]), np.ones([2, 3]))).toContain('mul a b');
    expect(text('ij,jk,kl->il', np.ones([9, 8]), np.ones([8, 7]), np.ones([7, 2]))).toContain('f32[8,2] = dot_general');
  });
});
