/** float16 against NumPy (scripts/fixtures/float16.py): every operation is that of float32, rounded. */
import { inspect } from 'node:util';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DTypeError, grad, jit, lax, nn, numpy as np, random, vmap, type DType, type NDArray } from 'cotangent';
import { halfBits, halfFromBits } from '../../src/core/half.js';

interface Fixtures {
  readonly conversions: Readonly<Record<'float32' | 'float64', { readonly x: number[]; readonly bits: number[] }>>;
  readonly operations: {
    readonly x: number[];
    readonly y: number[];
    readonly exact: Readonly<Record<string, number[]>>;
    readonly functions: Readonly<Record<string, number[]>>;
    readonly less: boolean[];
    readonly toInt: number[];
  };
  readonly products: Readonly<Record<string, number[]>>;
}
const fixtures = JSON.parse(
  readFileSync(new URL('../fixtures/float16.json', import.meta.url), 'utf8').replaceAll('Infinity', '1e999'),
) as Fixtures;

const float16 = 'float16' as const;
const half = (bits: readonly number[], shape: readonly number[] = [bits.length]): NDArray =>
  np.array(bits.map(halfFromBits), { dtype: float16 }).reshape([...shape]);
const bitsOf = (x: NDArray): number[] => {
  expect(x.dtype).toBe(float16);
  return [...x.dataSync()].map(halfBits);
};
/** Units in the last place between halves of the same sign; 0 for equal ones. */
const ulps = (a: number, b: number): number =>
  a === b ? 0 : (a ^ b) & 0x8000 ? (a & 0x7fff) + (b & 0x7fff) : Math.abs((a & 0x7fff) - (b & 0x7fff));

describe('as NumPy', () => {
  test('conversions round once, also from float64, eager and fused', () => {
    for (const from of ['float32', 'float64'] as const) {
      const { x, bits } = fixtures.conversions[from];
      const array = np.array(x, { dtype: from });
      expect(bitsOf(array.astype(float16)), from).toEqual(bits);
      // Stored, and as a value of a kernel that is not.
      expect(bitsOf(jit((v: NDArray) => v.add(0).astype(float16))(array)), from).toEqual(bits);
      expect([...jit((v: NDArray) => v.astype(float16).astype(from))(array).dataSync()].map(halfBits)).toEqual(bits);
    }
    expect(bitsOf(np.array(fixtures.conversions.float64.x, { dtype: float16 }))).toEqual(
      fixtures.conversions.float64.bits,
    );
  });

  const { x, y, exact, functions, less, toInt } = fixtures.operations;
  const [a, b] = [half(x), half(y)];
  test.each(Object.keys(exact))('%s, in every bit', (name) => {
    const f = (np as unknown as Record<string, (...xs: NDArray[]) => NDArray>)[name];
    if (f === undefined) throw new Error(name);
    const binary = ['add', 'subtract', 'multiply', 'divide', 'maximum'].includes(name);
    const operands = binary ? [a, b] : [a];
    expect(bitsOf(f(...operands))).toEqual(exact[name]);
    expect(bitsOf(jit(f)(...operands))).toEqual(exact[name]);
  });

  test.each(Object.keys(functions))('%s, within a unit in the last place', (name) => {
    const f = (lax as unknown as Record<string, (x: NDArray) => NDArray>)[name];
    if (f === undefined) throw new Error(name);
    const got = bitsOf(f(a));
    const worst = Math.max(...got.map((g, i) => ulps(g, functions[name]?.[i] ?? NaN)));
    // A float32 function within 4 of its units is another half only at a halfway point.
    expect(worst).toBeLessThanOrEqual(1);
  });

  test('comparisons and integers', () => {
    expect(a.less(b).js()).toEqual(less);
    expect(a.astype('int32').js()).toEqual(toInt);
  });

  test('sums and products accumulate in float32', () => {
    const { products } = fixtures;
    const [m, n] = [half(products['a'] ?? [], [7, 300]), half(products['b'] ?? [], [300, 5])];
    const near = (got: NDArray, want: readonly number[] = []): void => {
      const worst = Math.max(...bitsOf(got).map((g, i) => ulps(g, want[i] ?? NaN)));
      expect(worst).toBeLessThanOrEqual(1);
    };
    near(np.matmul(m, n), products['matmul']);
    near(np.matmul(n.T, m.T).T, products['matmul']);
    near(np.sum(m, { axis: 1 }), products['sum']);
    near(np.mean(m, { axis: 0 }), products['mean']);
    expect(bitsOf(np.sort(m, 1))).toEqual(products['sorted']);
    expect(np.argmax(m, 1).js()).toEqual(products['argmax']);
    expect(bitsOf(np.sum(np.ones([3000], { dtype: float16 })))).toEqual(products['ones']);
  });
});

describe('halves', () => {
  const x = np.linspace(-3, 3, 24).reshape([4, 6]).astype(float16);

  test('two bytes each, float32 on the host', () => {
    expect(x.dataSync()).toBeInstanceOf(Float32Array);
    expect(
      jit((v: NDArray) => v.mul(2).add(v))
        .lower(x)
        .cost().bytesMoved,
    ).toBe(2 * 2 * 24);
    expect(inspect(np.array([0.1, 1 / 3, 65520], { dtype: float16 }))).toBe('Array([0.1, 0.3333, inf], dtype=float16)');
    expect(np.frombuffer(new Uint16Array([0x3c00, 0xc000]).buffer, { dtype: float16 }).js()).toEqual([1, -2]);
  });

  test('promotion is JAX’s', () => {
    const with_ = (other: DType): DType => x.add(np.ones([6], { dtype: other })).dtype;
    expect((['bool', 'int32', 'uint32', 'float32', 'float64'] as const).map(with_)).toEqual([
      float16,
      float16,
      float16,
      'float32',
      'float64',
    ]);
    expect([x.add(1).dtype, x.mul(0.5).dtype, np.sin(x).dtype, x.greater(0).dtype]).toEqual([
      float16,
      float16,
      float16,
      'bool',
    ]);
    const { eps, max, smallestNormal } = np.finfo(float16);
    expect([eps, max, smallestNormal]).toEqual([2 ** -10, 65504, 2 ** -14]);
    expect([np.canCast(float16, 'float32'), np.canCast('float32', float16), np.canCast('int32', float16)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('fusion changes no bit', () => {
    const layer = (v: NDArray, w: NDArray): NDArray =>
      nn.softmax(nn.gelu(np.matmul(v, w)).mul(1.7).add(v.slice(0).sum()));
    const w = random.normal(random.key(1), [6, 5]).astype(float16);
    expect(bitsOf(jit(layer)(x, w))).toEqual(bitsOf(layer(x, w)));
  });

  test('gradients, batches, loops and updates are float16', () => {
    const loss = (v: NDArray): NDArray => np.sum(np.square(np.sin(v)));
    const g = grad(loss)(x);
    expect(g.dtype).toBe(float16);
    const wide = grad(loss)(x.astype('float32'));
    expect(Number(np.max(np.abs(g.sub(wide))).item())).toBeLessThan(2 ** -9);
    expect(bitsOf(vmap((v: NDArray) => np.cumsum(v))(x))).toEqual(bitsOf(np.cumsum(x, 1)));
    const [last, all] = lax.scan(
      (c: NDArray, v: NDArray) => [c.add(v), c] as const,
      np.zeros([6], { dtype: float16 }),
      x,
    );
    expect([last.dtype, all.dtype]).toEqual([float16, float16]);
    expect(bitsOf(all.slice(0))).toEqual(bitsOf(np.zeros([6], { dtype: float16 })));
    // Duplicates are added up in float32: in halves 2048 + 1 + 1 is 2048.
    const counts = np.array([2048], { dtype: float16 }).at(np.zeros([2], { dtype: 'int32' }));
    expect(counts.add(np.ones([2], { dtype: float16 })).js()).toEqual([2050]);
  });

  test('means, variances and deviations are computed in float32', () => {
    // The sum is 100,000 and the count 5000, neither of which is a half.
    const twenty = np.full([5000], 20, { dtype: float16 });
    expect([np.mean(twenty).dtype, np.mean(twenty).item()]).toEqual([float16, 20]);
    expect(np.mean(twenty, { where: np.arange(5000).less(4001) }).item()).toBe(20);
    // The squares are 250,000.
    const far = np.array([-500, 500], { dtype: float16 });
    expect([np.var(far).dtype, np.var(far).item()]).toEqual([float16, Infinity]);
    expect([np.std(far).dtype, np.std(far).item()]).toEqual([float16, 500]);
    expect(np.var(np.array([100, 104], { dtype: float16 })).item()).toBe(4);
    expect(grad((v: NDArray) => np.mean(v))(twenty).dtype).toBe(float16);
  });

  test('what halves are not', () => {
    expect(() => lax.bitcastConvertType(x, 'int32')).toThrow(DTypeError);
    expect(() => lax.bitcastConvertType(x, 'int32')).toThrow(/float16 and int32 differ in size/);
    expect(() => np.array(new Uint16Array(2) as unknown as Float32Array)).not.toThrow();
    expect(() => random.normal(random.key(0), [2], { dtype: float16 as 'float32' })).toThrow(/astype/);
  });
});
