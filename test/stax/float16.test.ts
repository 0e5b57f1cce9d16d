/** Networks of halves: parameters, outputs and gradients are halves, and what adds up many of them does so in float32. */
import { describe, expect, test } from 'vitest';
import { grad, jit, nn, numpy as np, random, stax, tree, type NDArray } from 'cotangent';

const dtype = 'float16';
const key = random.key(0);
const halves = (values: readonly unknown[]): NDArray => np.array(values as readonly number[], { dtype });

describe('initializers', () => {
  test.each([
    ['normal', stax.normal(0.5)],
    ['uniform', stax.uniform(0.5)],
    ['truncatedNormal', stax.truncatedNormal(0.5)],
    ['glorotNormal', stax.glorotNormal()],
    ['glorotUniform', stax.glorotUniform()],
    ['heNormal', stax.varianceScaling({ scale: 2, distribution: 'normal' })],
    ['orthogonal', stax.orthogonal()],
  ])('%s is that of float32, rounded', (_name, make) => {
    const half = make(key, [6, 4], dtype);
    expect(half.dtype).toBe(dtype);
    expect(half.js()).toEqual(make(key, [6, 4]).astype(dtype).js());
  });
  test('refuse a negative scale', () => {
    for (const make of [stax.normal, stax.uniform, stax.truncatedNormal]) expect(() => make(-1)).toThrow(/negative/);
  });
});

describe('layers', () => {
  const image = random.normal(random.key(1), [4, 6, 6, 3]).astype(dtype);
  const sequence = random.normal(random.key(1), [4, 6, 8]).astype(dtype);
  const of = { dtype } as const;
  const cases: readonly (readonly [string, stax.AnyLayer, NDArray])[] = [
    ['Dense', stax.Dense(5, of), sequence],
    ['Conv2d', stax.Conv2d(4, 3, of), image],
    ['ConvTranspose', stax.ConvTranspose(4, [3, 3], of), image],
    ['AvgPool', stax.AvgPool(), image],
    ['GlobalAvgPool', stax.GlobalAvgPool, image],
    ['LayerNorm', stax.LayerNorm(of), sequence],
    ['GroupNorm', stax.GroupNorm(2, of), sequence],
    ['LocalResponseNorm', stax.LocalResponseNorm(), image],
    ['PositionalEncoding', stax.PositionalEncoding, sequence],
    ['MultiHeadAttention', stax.MultiHeadAttention(2, of), sequence],
    ['TransformerBlock', stax.TransformerBlock(2, of), sequence],
    ['RNN', stax.RNN(3, of), sequence],
    ['GRU', stax.GRU(3, of), sequence],
    ['LSTM', stax.LSTM(3, of), sequence],
    ['GaussianNoise', stax.GaussianNoise(0.5), sequence],
  ];
  test.each(cases)('%s: parameters, output and gradients', (_name, layer, x) => {
    const [init, apply] = stax.erase(layer) as unknown as stax.Layer<object>;
    const { params } = init(key, x.shape);
    const context = { mode: 'train', key: random.key(2) } as const;
    const y = apply(params, x, context);
    expect(tree.leaves<NDArray>([params, y]).map((leaf) => leaf.dtype)).toEqual(
      tree.leaves([params, y]).map(() => dtype),
    );
    const gradients = jit(grad((input: NDArray) => np.square(apply(params, input, context)).mean()))(x);
    expect([gradients.dtype, np.isfinite(gradients).all().item()]).toEqual([dtype, true]);
    // The same network in float32: halves have 11 bits.
    const wide = apply(
      tree.map((leaf: NDArray) => leaf.astype('float32'), params),
      x.astype('float32'),
      context,
    );
    expect(np.allclose(y, wide, { rtol: 0.02, atol: 0.02 }).item()).toBe(true);
  });
  test('statistics of numbers whose squares and sums are no halves', () => {
    const far = halves([[[200], [400], [600]]]);
    const [, norm] = stax.LayerNorm({ epsilon: 0 });
    const params = { scale: halves([1, 1]), offset: halves([0, 0]) };
    expect(norm(params, halves([[300, 900]])).js()).toEqual([[-1, 1]]);
    expect(stax.GlobalAvgPool[1]([], np.full([1, 5000, 1], 20, { dtype })).js()).toEqual([[20]]);
    expect(stax.GlobalAvgPool[1]([], far, { mask: np.array([[true, true, false]]) }).js()).toEqual([[300]]);
    const [init, apply] = stax.BatchNorm({ epsilon: 0, momentum: 0, dtype });
    const { params: p, state } = init(key, [-1, 1]);
    const [y, next] = apply(p, halves([[-500], [500]]), { mode: 'train', state });
    expect([y.dtype, y.js()]).toEqual([dtype, [[-1], [1]]]);
    expect([next.variance.dtype, next.variance.js()]).toEqual(['float32', [250_000]]);
    const [again] = apply(p, halves([[-500], [500]]), { state: next });
    expect([again.dtype, again.js()]).toEqual([dtype, [[-1], [1]]]);
    expect(
      stax
        .LocalResponseNorm({ size: 1, k: 0, alpha: 1, beta: 0.5 })[1]([], halves([[500]]))
        .js(),
    ).toEqual([[1]]);
  });
  test('means of windows, scores, norms and penalties whose sums are no halves', () => {
    const far = np.full([1, 30, 30, 1], 100, { dtype });
    for (const padding of ['VALID', 'SAME'] as const) {
      const pooled = stax.AvgPool(30, { padding })[1]([], far);
      expect([pooled.dtype, pooled.js()]).toEqual([dtype, [[[[100]]]]]);
    }
    const standard = nn.standardize(halves([300, -500]), { epsilon: 0 });
    expect([standard.dtype, standard.js()]).toEqual([dtype, [1, -1]]);
    const kernel = halves([[300], [-400]]);
    for (const project of [stax.maxNorm(1), stax.unitNorm]) {
      expect([project(kernel).dtype, project(kernel).js()]).toEqual([dtype, halves([[0.6], [-0.8]]).js()]);
    }
    expect([stax.l1(1)(kernel.mul(100)).item(), stax.l2(1)(kernel).item()]).toEqual([70_000, 250_000]);
    // The products of queries and keys are 102,400, and a tenth of that is what the softmax takes.
    const [, attend] = stax.MultiHeadAttention(1);
    const [eye, zero] = [np.eye(100).astype(dtype), np.zeros([100], { dtype })];
    const params = { Wq: eye, Wk: eye, Wv: eye, Wo: eye, bq: zero, bk: zero, bv: zero, bo: zero };
    expect(
      attend(params, np.full([1, 2, 100], 32, { dtype }))
        .slice(0, 0, 0)
        .item(),
    ).toBe(32);
  });
  test('positions that are no halves', () => {
    const rows = stax.PositionalEncoding[1]([], np.zeros([2051, 2], { dtype })).slice(-1);
    expect(Number(rows.slice(0))).toBeCloseTo(Math.sin(2050), 3);
    const odd = stax.PositionalEncoding[1]([], np.zeros([2050, 2], { dtype })).slice(-1);
    expect(Number(odd.slice(0))).toBeCloseTo(Math.sin(2049), 3);
  });
});

test('a transformer takes integers, and halves into float32 parameters', () => {
  const [init, apply] = stax.TransformerBlock(2);
  const { params } = init(key, [-1, 3, 4]);
  for (const type of ['int32', 'float16'] as const) {
    expect(apply(params, np.ones([1, 3, 4], { dtype: type })).dtype).toBe('float32');
  }
});
