/** Layers: shapes, values, types, keys and state through serial and parallel, initializers, training, errors. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import { grad, jit, nn, numpy as np, optimizers, random, stax, tree, vmap, type NDArray } from 'cotangent';

const key = random.key(0);

describe('Dense and serial', () => {
  const net = stax.serial(stax.Dense(8), stax.Relu, stax.Dense(3), stax.LogSoftmax);
  const [init, predict] = net;

  test('is the formula', () => {
    const { params, outputShape } = init(key, [-1, 4]);
    expect(outputShape).toEqual([-1, 3]);
    expect(tree.leaves<NDArray>(params).map((x) => x.shape)).toEqual([[4, 8], [8], [8, 3], [3]]);
    expect(params[0].b.js()).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    const x = random.normal(random.key(1), [5, 4]);
    const hidden = nn.relu(np.add(np.matmul(x, params[0].W), params[0].b));
    const expected = nn.logSoftmax(np.add(np.matmul(hidden, params[2].W), params[2].b));
    expect(np.allclose(predict(params, x), expected, { atol: 1e-6 }).item()).toBe(true);
    expect(np.allclose(jit(predict)(params, x), expected, { atol: 1e-6 }).item()).toBe(true);
    const rows = vmap(predict, [null, 0])(params, x);
    expect(np.allclose(rows, expected, { atol: 1e-6 }).item()).toBe(true);
  });
  test('types follow', () => {
    const { params } = init(key, [-1, 4]);
    expectTypeOf(params[0]).toEqualTypeOf<stax.DenseParams>();
    expectTypeOf(params[1]).toEqualTypeOf<readonly []>();
    expectTypeOf(predict(params, np.ones([1, 4]))).toEqualTypeOf<NDArray>();
    const loss = (p: typeof params, x: NDArray): NDArray => predict(p, x).mean();
    expectTypeOf(grad(loss)(params, np.ones([1, 4]))[0].W).toEqualTypeOf<NDArray>();
    expectTypeOf<stax.StateOf<typeof net>>().toEqualTypeOf<null>();
    expectTypeOf<stax.InputOf<typeof net>>().toEqualTypeOf<NDArray>();
    const fan = stax.serial(stax.FanOut(2), stax.parallel(stax.Identity, stax.Identity), stax.FanInSum);
    expectTypeOf(fan[1]([[], [[], []], []], np.ones([1]))).toEqualTypeOf<NDArray>();
  });
  test('the key decides the parameters, each layer has its own', () => {
    const [a] = stax.serial(stax.Dense(4), stax.Dense(4));
    const once = a(key, [-1, 4]).params;
    expect(once[0].W.js()).toEqual(a(key, [-1, 4]).params[0].W.js());
    expect(once[0].W.js()).not.toEqual(once[1].W.js());
    expect(once[0].W.js()).not.toEqual(a(random.key(1), [-1, 4]).params[0].W.js());
  });
  test('options, more axes, other dtypes', () => {
    const [start, apply] = stax.Dense(2, { W: stax.constant(2), b: stax.ones, dtype: 'float64' });
    const { params, outputShape } = start(key, [-1, 7, 3]);
    expect([outputShape, params.W.dtype, params.b.dtype]).toEqual([[-1, 7, 2], 'float64', 'float64']);
    const y = apply(params, np.ones([4, 7, 3]));
    expect([y.shape, y.dtype, y.slice(0, 0).js()]).toEqual([[4, 7, 2], 'float64', [7, 7]]);
    expect(apply(params, np.ones([3], { dtype: 'int32' })).js()).toEqual([7, 7]);
  });
  test('nests, and of nothing is the identity', () => {
    const [start, apply] = stax.serial(stax.serial(stax.Dense(2), stax.Tanh), stax.serial());
    const { params, outputShape } = start(key, [-1, 5]);
    expect(outputShape).toEqual([-1, 2]);
    expect(params[0][0].W.shape).toEqual([5, 2]);
    expect(apply(params, np.zeros([1, 5])).js()).toEqual([[0, 0]]);
  });
});

describe('layers without parameters', () => {
  const x = np.array([[-2, -0.5, 0, 1.5]]);
  test.each([
    ['Relu', stax.Relu, nn.relu(x)],
    ['LeakyRelu', stax.LeakyRelu, nn.leakyRelu(x)],
    ['Elu', stax.Elu, nn.elu(x)],
    ['Selu', stax.Selu, nn.selu(x)],
    ['Gelu', stax.Gelu, nn.gelu(x)],
    ['Silu', stax.Silu, nn.silu(x)],
    ['Tanh', stax.Tanh, np.tanh(x)],
    ['Sigmoid', stax.Sigmoid, nn.sigmoid(x)],
    ['Softplus', stax.Softplus, nn.softplus(x)],
    ['Exp', stax.Exp, np.exp(x)],
    ['Softmax', stax.Softmax, nn.softmax(x, -1)],
    ['LogSoftmax', stax.LogSoftmax, nn.logSoftmax(x, -1)],
    ['Identity', stax.Identity, x],
  ] as const)('%s', (_name, [init, apply], expected) => {
    const { params, outputShape } = init(key, [-1, 4]);
    expect([params, outputShape]).toEqual([[], [-1, 4]]);
    expect(apply(params, x).js()).toEqual(expected.js());
  });
  test('Flatten', () => {
    const [init, apply] = stax.Flatten;
    expect(init(key, [-1, 3, 4]).outputShape).toEqual([-1, 12]);
    const images = np.arange(24).reshape(2, 3, 4);
    expect(apply([], images).js()).toEqual(images.reshape(2, 12).js());
    expect(apply([], np.ones([5])).shape).toEqual([5, 1]);
  });
  test('FanOut, parallel, FanInSum, FanInConcat', () => {
    const [init, apply] = stax.serial(
      stax.FanOut(2),
      stax.parallel(stax.Dense(3, { W: stax.ones }), stax.Identity),
      stax.FanInConcat(-1),
    );
    const { params, outputShape } = init(key, [-1, 2]);
    expect(outputShape).toEqual([-1, 5]);
    expect(apply(params, np.array([[1, 2]])).js()).toEqual([[3, 3, 3, 1, 2]]);
    const [start, sum] = stax.serial(stax.FanOut(3), stax.parallel(stax.Identity, stax.Exp, stax.Relu), stax.FanInSum);
    expect(start(key, [-1, 2]).outputShape).toEqual([-1, 2]);
    expect(sum([[], [[], [], []], []], np.array([0, 1])).js()).toEqual([1, 1 + Math.fround(Math.E) + 1]);
  });
});

describe('Dropout', () => {
  const [init, apply] = stax.Dropout(0.3);
  const ones = np.ones([20_000]);

  test('drops at its rate, keeps the mean, and is the identity in evaluation', () => {
    expect(init(key, [-1, 5]).outputShape).toEqual([-1, 5]);
    const y = apply([], ones, { mode: 'train', key });
    const dropped = y.equal(0).astype('float32').mean().item();
    // Four standard deviations of a frequency: 4 √(0.3 · 0.7 / 20000) = 0.013.
    expect(Math.abs(Number(dropped) - 0.3)).toBeLessThan(0.013);
    expect(Math.abs(Number(y.mean().item()) - 1)).toBeLessThan(0.02);
    expect(y.max().item()).toBeCloseTo(1 / 0.7, 6);
    expect(apply([], ones, { mode: 'eval', key }).js()).toEqual(ones.js());
    expect(apply([], ones).js()).toEqual(ones.js());
    expect(stax.Dropout(0)[1]([], ones, { mode: 'train' }).js()).toEqual(ones.js());
  });
  test('each layer of a network drops other elements, and another key yet others', () => {
    const [, run] = stax.serial(stax.Dropout(0.5), stax.Dropout(0.5));
    const train = (k: NDArray): NDArray => run([[], []], ones, { mode: 'train', key: k });
    const kept = Number(train(key).greater(0).astype('float32').mean().item());
    expect(Math.abs(kept - 0.25)).toBeLessThan(0.013);
    expect(train(key).js()).toEqual(train(key).js());
    expect(train(key).js()).not.toEqual(train(random.key(1)).js());
    const traced = jit((k: NDArray, x: NDArray) => run([[], []], x, { mode: 'train', key: k }))(key, ones);
    expect(traced.js()).toEqual(train(key).js());
  });
});

/** A layer with state: the running mean of its inputs, subtracted. */
const Centre: stax.Layer<readonly [], NDArray, NDArray, { readonly mean: NDArray }> = [
  (_key, inputShape) => ({ outputShape: inputShape, params: [], state: { mean: np.zeros([inputShape.at(-1) ?? 1]) } }),
  (_params, x, { mode, state }) => {
    const mean = mode === 'train' ? np.add(state.mean.mul(0.5), x.mean(0).mul(0.5)) : state.mean;
    return [x.sub(mean), { mean }];
  },
];

describe('state', () => {
  const net = stax.serial(stax.Dense(2, { W: stax.ones }), Centre, stax.Relu, stax.serial(Centre));
  test('goes through serial, to the layers that have it', () => {
    const [init, apply] = net;
    const { params, state, outputShape } = init(key, [-1, 3]);
    expect(outputShape).toEqual([-1, 2]);
    expect(tree.leaves<NDArray>(state).map((x) => x.js())).toEqual([
      [0, 0],
      [0, 0],
    ]);
    const [y, next] = apply(params, np.ones([4, 3]), { state, mode: 'train' });
    expectTypeOf(next).toEqualTypeOf(state);
    expect(next[1].mean.js()).toEqual([1.5, 1.5]);
    expect(next[3][0].mean.js()).toEqual([0.75, 0.75]);
    expect(y.slice(0).js()).toEqual([0.75, 0.75]);
    const [z, same] = apply(params, np.ones([4, 3]), { state: next });
    expect(same[1].mean.js()).toEqual([1.5, 1.5]);
    expect(z.slice(0).js()).toEqual([0.75, 0.75]);
  });
  test('goes through parallel', () => {
    const [init, apply] = stax.serial(stax.FanOut(2), stax.parallel(stax.Identity, Centre), stax.FanInSum);
    const { params, state } = init(key, [-1, 3]);
    const [y, next] = apply(params, np.ones([2, 3]), { state, mode: 'train' });
    expect(y.slice(0).js()).toEqual([1.5, 1.5, 1.5]);
    expect(next[1][1].mean.js()).toEqual([0.5, 0.5, 0.5]);
  });
});

describe('initializers', () => {
  const shape = [400, 300];
  const variance = (init: stax.Initializer): number => Number(init(key, shape).var().item());
  test.each([
    ['glorotUniform', stax.glorotUniform(), 2 / 700],
    ['glorotNormal', stax.glorotNormal(), 2 / 700],
    ['heUniform', stax.heUniform(), 2 / 400],
    ['heNormal', stax.heNormal(), 2 / 400],
    ['lecunUniform', stax.lecunUniform(), 1 / 400],
    ['lecunNormal', stax.lecunNormal(), 1 / 400],
    ['normal', stax.normal(0.2), 0.04],
    ['uniform', stax.uniform(0.6), 0.03],
    ['truncatedNormal', stax.truncatedNormal(0.5), 0.25 * 0.7737],
    ['varianceScaling fanOut', stax.varianceScaling({ mode: 'fanOut', distribution: 'normal' }), 1 / 300],
    ['varianceScaling fanGeoAvg', stax.varianceScaling({ mode: 'fanGeoAvg', scale: 3 }), 3 / Math.sqrt(400 * 300)],
    ['of transposed kernels', stax.heNormal({ inAxis: -1, outAxis: -2 }), 2 / 300],
  ] as const)('%s has its variance', (_name, init, expected) => {
    // The standard error of a variance of 120,000 samples is below 0.5 %.
    expect(Math.abs(variance(init) / expected - 1)).toBeLessThan(0.02);
  });
  test('convolution kernels count their receptive field', () => {
    const kernel = stax.heNormal()(key, [3, 3, 16, 64]);
    expect(Math.abs(Number(kernel.var().item()) / (2 / 144) - 1)).toBeLessThan(0.06);
  });
  test('dtype', () => {
    for (const init of [stax.zeros, stax.ones, stax.constant(3), stax.heNormal(), stax.uniform(), stax.normal()]) {
      expect(init(key, [2, 2], 'float64').dtype).toBe('float64');
    }
  });
});

test('BatchNorm: (H - μ)/σ, μ = Σ H / m, σ = √(δ + Σ (H - μ)² / m)', () => {
  const [rows, delta] = [[[1, -2], [4, 0.5], [2.5, 3]], 1e-3]; // prettier-ignore
  const [init, apply] = stax.BatchNorm({ epsilon: delta, dtype: 'float64' });
  const { params, state } = init(key, [-1, 2]);
  const [y] = apply(params, np.array(rows, { dtype: 'float64' }), { state, mode: 'train' });
  for (const j of [0, 1]) {
    const H = rows.map((row) => row[j] ?? NaN);
    const mean = H.reduce((a, b) => a + b) / 3;
    const sigma = Math.sqrt(delta + H.reduce((sum, h) => sum + (h - mean) ** 2, 0) / 3);
    H.forEach((h, i) => {
      expect(Number(y.slice(i, j).item())).toBeCloseTo((h - mean) / sigma, 13);
    });
  }
});

test('the kernels of a layer are the features of the next: 224 × 224 × 3 to 32 to 64, the same size', () => {
  const same = { padding: 'SAME' } as const;
  const first = stax.Conv2d(32, 3, same)[0](key, [-1, 224, 224, 3]);
  const second = stax.Conv2d(64, 3, same)[0](key, first.outputShape);
  expect([first.outputShape, first.params.W.shape]).toEqual([[-1, 224, 224, 32], [3, 3, 3, 32]]); // prettier-ignore
  expect([second.outputShape, second.params.W.shape]).toEqual([[-1, 224, 224, 64], [3, 3, 32, 64]]); // prettier-ignore
  // A dilation of 2 makes a window of 3 one of 5.
  expect(stax.Conv2d(1, 3, { dilation: 2 })[0](key, [-1, 5, 5, 1]).outputShape).toEqual([-1, 1, 1, 1]);
});

test('a network learns exclusive or', () => {
  const x = np.array([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  const y = nn.oneHot(np.array([0, 1, 1, 0]), 2);
  const [init, predict] = stax.serial(stax.Dense(16), stax.Tanh, stax.Dense(2), stax.LogSoftmax);
  let { params } = init(key, [-1, 2]);
  const opt = optimizers.adam(0.05);
  let state = opt.init(params);
  const loss = (p: typeof params): NDArray => predict(p, x).mul(y).sum(-1).mean().neg();
  const step = jit(
    (p: typeof params, s: typeof state) => {
      const [updates, next] = opt.update(grad(loss)(p), s, p);
      return [optimizers.applyUpdates(p, updates), next] as const;
    },
    { donate: [0, 1] },
  );
  for (let i = 0; i < 200; i++) [params, state] = step(params, state);
  expect(predict(params, x).argmax(1).js()).toEqual([0, 1, 1, 0]);
  expect(loss(params).item()).toBeLessThan(0.02);
});

describe('errors name the layer', () => {
  const [, dense] = stax.Dense(2);
  const { params } = stax.Dense(2)[0](key, [-1, 3]);
  const pair = [np.ones([2]), np.ones([2])];
  test.each([
    [
      'features',
      () => dense(params, np.ones([4, 5])),
      /Dense\(2\): x of shape \[4, 5\] has 5 features, but W of shape \[3, 2\] takes 3/,
    ],
    ['unknown features', () => stax.Dense(2)[0](key, [3, -1]), /Dense\(2\): the number of features.*got \[3, -1\]/],
    ['outputs', () => stax.Dense(0), /Dense: the number of outputs must be a whole number from 1, got 0/],
    ['a dropout of 1', () => stax.Dropout(1), /Dropout: the rate is the probability of dropping, in \[0, 1\), got 1/],
    [
      'training without a key',
      () => stax.Dropout(0.5)[1]([], np.ones([2]), { mode: 'train' }),
      /Dropout\(0.5\): training needs randomness/,
    ],
    [
      'a list of numbers',
      () => dense(params, [[1, 2, 3]] as never),
      /Dense\(2\).*got a list; make an array of it by np\.array/,
    ],
    [
      'a normalisation without its state',
      () => stax.serial(stax.BatchNorm())[1]([stax.BatchNorm()[0](key, [-1, 2]).params], np.ones([2, 2]), {} as never),
      /BatchNorm: has a state.*apply\(params, x, \{ mode, state \}\)/,
    ],
    [
      'a normalisation of nothing',
      () => {
        const [init, apply] = stax.BatchNorm();
        const { params: p, state } = init(key, [-1, 2]);
        return apply(p, np.ones([0, 2]), { mode: 'train', state });
      },
      /BatchNorm: x of shape \[0, 2\] has no examples/,
    ],
    [
      'heads',
      () => stax.MultiHeadAttention(2, { size: 1.5 }),
      /the size of a head must be a whole number from 1, got 1\.5/,
    ],
    ['a list for one array', () => stax.Relu[1]([], pair as unknown as NDArray), /Relu: takes one array, got a list/],
    [
      'shapes for one shape',
      () => stax.Relu[0](key, [[1], [2]] as unknown as number[]),
      /Relu: takes one array, got shapes/,
    ],
    [
      'one array for a list',
      () => stax.FanInSum[1]([], np.ones([2]) as unknown as NDArray[]),
      /FanInSum: needs a list of arrays/,
    ],
    [
      'inputs of parallel',
      () => stax.parallel(stax.Relu, stax.Relu)[1]([[], []], [np.ones([2])]),
      /parallel\(Relu, Relu\): needs a list of 2 inputs.*got a list of 1/,
    ],
    [
      'shape of parallel',
      () => stax.parallel(stax.Relu, stax.Relu)[0](key, [-1, 2] as never),
      /Put stax.FanOut\(2\) before it/,
    ],
    [
      'different shapes',
      () =>
        stax.FanInSum[0](key, [
          [-1, 2],
          [-1, 3],
        ]),
      /FanInSum: inputs have shapes \[-1, 2\] and \[-1, 3\]/,
    ],
    ['different ranks', () => stax.FanInConcat()[0](key, [[-1, 2], [-1]]), /FanInConcat\(-1\).*of different rank/],
    [
      'a missing axis',
      () =>
        stax.FanInConcat(3)[0](key, [
          [-1, 2],
          [-1, 2],
        ]),
      /FanInConcat\(3\): inputs of rank 2 have no axis 3/,
    ],
    ['a scalar', () => stax.Flatten[0](key, []), /Flatten: needs a batch axis/],
    ['copies', () => stax.FanOut(0), /FanOut: the number of copies/],
    [
      'parameters of another network',
      () => stax.serial(stax.Relu)[1]([[], []] as never, np.ones([2])),
      /serial: expected a list of parameters for its 1 layers, got 2/,
    ],
    ['fans of a vector', () => stax.heNormal()(key, [3]), /stax.varianceScaling: a shape \[3\] has no axes -2 and -1/],
    ['scale', () => stax.varianceScaling({ scale: 0 }), /the scale must be positive, got 0/],
    [
      'a stateful layer that returns no state',
      () => {
        const bad: stax.Layer<readonly [], NDArray, NDArray, NDArray> = [
          Centre[0] as never,
          ((_p: unknown, x: NDArray) => x) as never,
        ];
        return stax.serial(bad)[1]([[]], np.ones([2]), { state: [np.ones([1])] });
      },
      /has state, so its apply must return \[output, next state\]/,
    ],
  ] as const)('%s', (_name, f, message) => {
    expect(f).toThrow(message);
  });
});
