/** Networks: residuals, layers by shape, state and masks through combinators, penalties, constraints, freezing, summary, errors. */
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { grad, jit, lax, nn, numpy as np, random, stax, tree, vmap, type NDArray } from 'cotangent';
import { checkGrads } from 'cotangent/testing';

const key = random.key(0);
const flat = (x: NDArray): number[] => Array.from(x.dataSync(), Number);

describe('residual and shapeDependent', () => {
  test('adds the input, or what the shortcut makes of it', () => {
    const x = random.normal(random.key(1), [2, 3]);
    const [init, apply] = stax.residual(stax.Dense(3));
    const { params, outputShape } = init(key, [-1, 3]);
    expect(outputShape).toEqual([-1, 3]);
    expect(flat(apply(params, x))).toEqual(flat(x.matmul(params[0].W).add(params[0].b).add(x)));
    const wide = stax.residual(stax.Dense(5), stax.Dense(5));
    const made = wide[0](key, [-1, 3]);
    expectTypeOf(made.params[1]).toEqualTypeOf<stax.DenseParams>();
    expect(flat(wide[1](made.params, x))).toEqual(flat(x.matmul(made.params[0].W).add(x.matmul(made.params[1].W))));
  });
  test('state goes through residual, serial and shapeDependent', () => {
    const block = stax.residual(stax.serial(stax.Dense(2), stax.BatchNorm()));
    const net = stax.serial(
      block,
      stax.shapeDependent((shape) => stax.serial(stax.Dense(shape.at(-1) ?? 1), stax.BatchNorm())),
    );
    const { params, state } = net[0](key, [-1, 2]);
    const x = random.normal(random.key(2), [8, 2]);
    const [y, next] = net[1](params, x, { state, mode: 'train' });
    expect(y.shape).toEqual([8, 2]);
    const [before, after] = [state, next].map((s) => tree.leaves<NDArray>(s).map(flat));
    expect(before?.length).toBe(4);
    after?.forEach((leaf, i) => expect(leaf).not.toEqual(before?.[i]));
    const [z, kept] = net[1](params, x, { state: next });
    expect(z.shape).toEqual([8, 2]);
    expect(tree.leaves<NDArray>(kept).map(flat)).toEqual(after);
  });
  test('outputs that cannot be added are an error in init and in apply', () => {
    const block = stax.residual(stax.Dense(5));
    expect(() => block[0](key, [-1, 3])).toThrow(
      /residual\(Dense\(5\)\): the layer gives shape \[-1, 5\] and the shortcut \[-1, 3\]/,
    );
  });
});

describe('masks', () => {
  const lengths = np.array([5, 2, 3], { dtype: 'int32' });
  const mask = np
    .arange(5)
    .reshape([1, 5])
    .less(lengths.reshape([3, 1]));
  const x = random.normal(random.key(3), [3, 5, 4]);
  const garbage = np.where(mask.reshape([3, 5, 1]), x, 1e3);
  test.each([
    ['RNN', stax.RNN(6)],
    ['GRU', stax.GRU(6)],
    ['LSTM', stax.LSTM(6)],
    ['Bidirectional', stax.Bidirectional(stax.GRU(3))],
    ['stacked', stax.serial(stax.LSTM(4, { returnSequences: true }), stax.LSTM(6))],
    ['GlobalAvgPool', stax.GlobalAvgPool],
    ['GlobalMaxPool', stax.GlobalMaxPool],
    ['attention', stax.serial(stax.TransformerBlock(2), stax.GlobalAvgPool)],
  ] as const)('%s does not see what is not there', (_name, layer: stax.AnyLayer) => {
    const [init, apply] = layer as stax.Layer<object>;
    const { params } = init(key, [-1, 5, 4]);
    const y = apply(params, x, { mask });
    expect(flat(apply(params, garbage, { mask }))).toEqual(flat(y));
    // The second sequence alone, without the steps that are not there.
    const short = apply(params, x.slice([1, 2], [0, 2]), {});
    expect(np.allclose(y.slice([1, 2]), short, { rtol: 1e-5, atol: 1e-6 }).item()).toBe(true);
    expect(flat(apply(params, x))).not.toEqual(flat(y));
  });
  test('a sequence without any step is 0, not NaN, and so is its gradient', () => {
    const nothing = np.zeros([1, 5], { dtype: 'bool' });
    const [init, apply] = stax.MultiHeadAttention(2);
    const { params } = init(key, [-1, 5, 4]);
    const loss = (v: NDArray): NDArray => apply(params, v, { mask: nothing }).sum();
    expect(flat(apply(params, x.slice([0, 1]), { mask: nothing })).every((v) => v === 0)).toBe(true);
    expect(flat(grad(loss)(x.slice([0, 1]))).every((v) => v === 0)).toBe(true);
  });
  test.each([
    ['GlobalMaxPool', stax.GlobalMaxPool],
    ['GlobalAvgPool', stax.GlobalAvgPool],
  ] as const)('%s of a sequence without any step is 0, and so is its gradient', (_name, [, apply]) => {
    const nothing = np.zeros([3, 5], { dtype: 'bool' });
    expect(flat(apply([], x, { mask: nothing })).every((v) => v === 0)).toBe(true);
    expect(flat(grad((v: NDArray) => apply([], v, { mask: nothing }).sum())(x)).every((v) => v === 0)).toBe(true);
  });
  test('errors name the layer and say what a mask is', () => {
    const [init, apply] = stax.LSTM(2);
    const { params } = init(key, [-1, 5, 4]);
    expect(() => apply(params, x, { mask: mask.astype('float32') })).toThrow(/LSTM\(2\): a mask is bool/);
    expect(() => apply(params, x, { mask: mask.slice([0, 2]) })).toThrow(/mask has shape \[2, 5\].*one of \[3, 5\]/);
  });
});

describe('recurrent layers', () => {
  test('one loop: the program does not grow with the sequence', () => {
    const [init, apply] = stax.LSTM(4);
    const { params } = init(key, [-1, 5, 3]);
    const lines = (time: number): number =>
      jit(apply)
        .lower(params, np.ones([2, time, 3]))
        .asText('jaxpr')
        .split('\n').length;
    expect(lines(100)).toBe(lines(5));
  });
  test('reverse reads backwards, and gives outputs in the order of the inputs', () => {
    const x = random.normal(random.key(4), [2, 6, 3]);
    const all = { returnSequences: true };
    const { params } = stax.GRU(4, all)[0](key, [-1, 6, 3]);
    const turned = np.flip(stax.GRU(4, { ...all, reverse: true })[1](params, np.flip(x, 1)), 1);
    expect(flat(turned)).toEqual(flat(stax.GRU(4, all)[1](params, x)));
  });
  test('under vmap, without a batch axis', () => {
    const [init, apply] = stax.LSTM(4);
    const { params } = init(key, [-1, 6, 3]);
    const x = random.normal(random.key(5), [3, 6, 3]);
    expect(np.allclose(vmap(apply, [null, 0])(params, x), apply(params, x), { atol: 1e-6 }).item()).toBe(true);
  });
  test('a cell of one’s own', () => {
    const sum: stax.Cell<readonly [], NDArray> = {
      name: 'Sum',
      size: 2,
      init: () => [],
      start: (batch) => np.zeros([...batch, 2]),
      input: (_params, x) => x,
      step: (_params, state, x) => state.add(x),
      output: (state) => state,
    };
    const [, apply] = stax.Recurrent(sum, { returnSequences: true });
    expect(apply([], np.ones([1, 3, 2])).js()).toEqual([[[1, 1], [2, 2], [3, 3]]]); // prettier-ignore
  });
  test('Bidirectional refuses other layers', () => {
    expect(() => stax.Bidirectional(stax.Dense(3))).toThrow(/Bidirectional\(Dense\(3\)\): takes a recurrent layer/);
  });
});

describe('penalties', () => {
  const x = random.normal(random.key(6), [4, 3]);
  const net = stax.serial(
    stax.regularize(stax.Dense(5, { b: stax.ones }), { kernel: stax.l1(0.1), bias: stax.l2(0.5) }),
    stax.Relu,
    stax.residual(stax.regularize(stax.Dense(5), { kernel: stax.l1l2({ l1: 0.2, l2: 0.3 }) })),
  );
  const { params } = net[0](key, [-1, 3]);
  test('are summed over a network', () => {
    const [first, , second] = params;
    const expected =
      0.1 * Number(first.W.abs().sum().item()) +
      0.5 * 5 +
      0.2 * Number(second[0].W.abs().sum().item()) +
      0.3 * Number(second[0].W.square().sum().item());
    expect(Number(stax.regularization(net)(params).item())).toBeCloseTo(expected, 4);
    expect(stax.regularization(stax.Dense(3))({ W: x, b: x }).item()).toBe(0);
    const g = grad(stax.regularization(net))(params);
    expect(np.allclose(g[0].W, params[0].W.sign().mul(0.1)).item()).toBe(true);
  });
  test('of a whole network are those of its kernels', () => {
    const whole = stax.regularize(stax.serial(stax.Dense(5), stax.Tanh, stax.LSTM(2)), { kernel: stax.l2(1) });
    const made = whole[0](key, [-1, 4, 3]).params;
    const squares = [made[0].W, made[2].Wi, made[2].Wh].map((w) => Number(w.square().sum().item()));
    expect(Number(stax.regularization(whole)(made).item())).toBeCloseTo(
      squares.reduce((a, b) => a + b),
      3,
    );
  });
  test('of activity come by the state, divided by the number of examples', () => {
    const active = stax.serial(stax.regularize(stax.Dense(2), { activity: stax.l1(0.5) }), stax.BatchNorm());
    const { params: p, state } = active[0](key, [-1, 3]);
    const cost = (q: typeof p): NDArray => {
      const [, next] = active[1](q, x, { state, mode: 'train' });
      return stax.regularization(active)(q, next);
    };
    const y = x.matmul(p[0].W);
    expect(Number(cost(p).item())).toBeCloseTo((0.5 * Number(y.abs().sum().item())) / 4, 5);
    expect(
      np
        .allclose(
          grad(cost)(p)[0].W,
          x
            .transpose()
            .matmul(y.sign())
            .mul(0.5 / 4),
          { atol: 1e-5 },
        )
        .item(),
    ).toBe(true);
  });
  test('refuse negative weights', () => {
    expect(() => stax.l1(-1)).toThrow(/l1: the weight must not be negative, got -1/);
  });
});

describe('constraints', () => {
  const matrices = fc.array(
    fc.integer({ min: -900, max: 900 }).map((n) => n / 100),
    { minLength: 6, maxLength: 6 },
  );
  const norms = (w: NDArray): number[] => flat(np.sqrt(w.square().sum(0)));
  test.each([
    ['maxNorm', stax.maxNorm(1.5), (w: NDArray) => norms(w).every((n) => n <= 1.5 + 1e-5)],
    ['nonNeg', stax.nonNeg, (w: NDArray) => flat(w).every((v) => v >= 0)],
    ['unitNorm', stax.unitNorm, (w: NDArray) => norms(w).every((n) => Math.abs(n - 1) < 1e-5 || n === 0)],
  ] as const)('%s holds after, and projecting twice is projecting once', (_name, project, holds) => {
    fc.assert(
      fc.property(matrices, (values) => {
        const once = project(np.array(values).reshape([3, 2]));
        expect(holds(once)).toBe(true);
        expect(np.allclose(project(once), once, { atol: 1e-6 }).item()).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
  test('act on the layers that have them, anywhere in a network', () => {
    const net = stax.serial(
      stax.Dense(2, { W: stax.constant(-1) }),
      stax.residual(
        stax.constrain(stax.Dense(2, { W: stax.constant(-1), b: stax.constant(-2) }), { kernel: stax.nonNeg }),
      ),
    );
    const { params } = net[0](key, [-1, 2]);
    const after = jit(stax.constraints(net))(params);
    expect(after[0].W.js()).toEqual(params[0].W.js());
    expect(after[1][0].W.js()).toEqual([[0, 0], [0, 0]]); // prettier-ignore
    expect(after[1][0].b.js()).toEqual([-2, -2]);
  });
});

describe('freeze', () => {
  const base = stax.serial(stax.Dense(4), stax.BatchNorm(), stax.Dropout(0.5));
  const net = stax.serial(stax.freeze(base), stax.Dense(1));
  const { params, state } = net[0](key, [-1, 3]);
  const x = random.normal(random.key(7), [6, 3]);
  test('no gradient, no dropout, no new averages; the rest trains', () => {
    const loss = (p: typeof params): NDArray => net[1](p, x, { state, mode: 'train' })[0].sum();
    const g = grad(loss)(params);
    expect(tree.leaves<NDArray>(g[0]).every((leaf) => flat(leaf).every((v) => v === 0))).toBe(true);
    expect(flat(g[1].W).some((v) => v !== 0)).toBe(true);
    expect(net[1](params, x, { state, mode: 'train' })[1]).toEqual(state);
    expectTypeOf(params[0][0]).toEqualTypeOf<stax.DenseParams>();
  });
  test('its parameters are those of the layer, and penalties do not act', () => {
    const free = stax.serial(stax.regularize(stax.Dense(2), { kernel: stax.l2(1) }));
    const p = free[0](key, [-1, 3]).params;
    expect(stax.regularization(stax.freeze(free))(p).item()).toBe(0);
    expect(Number(stax.regularization(free)(p).item())).toBeGreaterThan(0);
    expect(flat(stax.freeze(free)[1](p, x))).toEqual(flat(free[1](p, x)));
  });
  test('of a recurrent layer goes both ways', () => {
    const both = stax.Bidirectional(stax.freeze(stax.GRU(2)));
    const made = both[0](key, [-1, 4, 3]);
    const g = grad((p: typeof made.params) => both[1](p, np.ones([1, 4, 3])).sum())(made.params);
    expect(
      tree
        .leaves<NDArray>(g)
        .flatMap(flat)
        .every((v) => v === 0),
    ).toBe(true);
  });
});

describe('summary', () => {
  test('is a table of layers, shapes and counts', () => {
    const net = stax.serial(
      stax.Conv2d(32, 3), stax.Relu, stax.MaxPool(),
      stax.freeze(stax.Conv2d(16, 3)), stax.BatchNorm(), stax.Flatten,
      stax.serial(stax.Dense(10), stax.Softmax),
    ); // prettier-ignore
    expect(stax.summary(net, [-1, 32, 32, 3])).toMatchInlineSnapshot(`
      "Layer                  Output shape         Params
      --------------------------------------------------
      Conv2d(32, 3)          [batch, 30, 30, 32]     896
      Relu                   [batch, 30, 30, 32]       0
      MaxPool(2)             [batch, 15, 15, 32]       0
      freeze(Conv2d(16, 3))  [batch, 13, 13, 16]   4,624
      BatchNorm              [batch, 13, 13, 16]      32
      Flatten                [batch, 2704]             0
      Dense(10)              [batch, 10]          27,050
      Softmax                [batch, 10]               0
      --------------------------------------------------
      Total params: 32,602
      Trainable params: 27,978
      Non-trainable params: 4,624
      State (running averages): 32
      "
    `);
  });
  test('counts without computing: VGG16 takes no time and no memory', () => {
    const block = (n: number, times: number): stax.Layer<object> =>
      stax.erase(
        stax.serial(
          ...Array.from({ length: times }, () => stax.serial(stax.Conv2d(n, 3, { padding: 'SAME' }), stax.Relu)),
          stax.MaxPool(),
        ),
      );
    const net = stax.serial(
      ...[[64, 2], [128, 2], [256, 3], [512, 3], [512, 3]].map(([n = 1, times = 1]) => block(n, times)),
      stax.Flatten, stax.Dense(4096), stax.Relu, stax.Dense(4096), stax.Relu, stax.Dense(1000),
    ); // prettier-ignore
    // Simonyan and Zisserman, arXiv 1409.1556, configuration D; Keras counts 138,357,544.
    expect(stax.countParams(net, [-1, 224, 224, 3])).toBe(138_357_544);
  });
});

test('networks of a number of layers, some with state', () => {
  const list = [1, 2, 3].flatMap((n) => [stax.erase(stax.Dense(n)), stax.erase(stax.BatchNorm())]);
  const [init, apply] = stax.serial(...list, stax.Dense(1));
  const { params, state } = init(key, [-1, 2]);
  const [y, next] = apply(params, np.ones([4, 2]), { mode: 'train', state });
  expectTypeOf(y).toEqualTypeOf<NDArray>();
  expect([y.shape, next.length]).toEqual([[4, 1], 7]);
});

describe('initializers', () => {
  test.each([[[6, 6]], [[8, 3]], [[3, 8]], [[3, 3, 2, 5]]])('orthogonal %j', (shape) => {
    const matrix = stax
      .orthogonal(2)(key, shape)
      .reshape([-1, shape.at(-1) ?? 1]);
    const [rows = 0, columns = 0] = matrix.shape;
    const gram = rows < columns ? matrix.matmul(matrix.transpose()) : matrix.transpose().matmul(matrix);
    expect(np.allclose(gram, np.eye(Math.min(rows, columns)).mul(4), { atol: 1e-5 }).item()).toBe(true);
    expect(() => stax.orthogonal()(key, [3])).toThrow(/needs a matrix, got shape \[3\]/);
    for (const shape of [[0, 3], [3, 0], [0, 0]]) expect(stax.orthogonal()(key, shape).shape).toEqual(shape); // prettier-ignore
  });
});

describe('gradients by differences', () => {
  const x = random.normal(random.key(8), [2, 4, 6], { dtype: 'float64' });
  const float64 = { dtype: 'float64' } as const;
  test.each([
    ['LayerNorm', stax.LayerNorm(float64)],
    ['GroupNorm', stax.GroupNorm(2, float64)],
    ['LocalResponseNorm', stax.LocalResponseNorm({ alpha: 0.3, size: 4 })],
    ['MultiHeadAttention', stax.MultiHeadAttention(2, { causal: true, ...float64 })],
    ['TransformerBlock', stax.TransformerBlock(3, float64)],
    ['LSTM', stax.LSTM(3, float64)],
    ['GRU', stax.GRU(3, { ...float64, returnSequences: true })],
    ['Conv1d', stax.Conv1d(3, 2, { padding: 'SAME', ...float64 })],
  ] as const)('%s', (_name, layer: stax.AnyLayer) => {
    const [init, apply] = layer as stax.Layer<Record<string, NDArray>>;
    const { params } = init(key, [-1, 4, 6]);
    checkGrads(
      (p: Record<string, NDArray>, v: NDArray) =>
        nn
          .softmax(apply(p, v))
          .mul(np.arange(apply(p, v).shape.at(-1) ?? 1))
          .sum(),
      [params, x],
      { order: 1 },
    );
  });
});

describe('errors say what to do', () => {
  const x = np.ones([2, 4]);
  test.each([
    [
      'rank',
      () => stax.Conv2d(3, 3)[0](key, [-1, 28, 28]),
      /Conv2d\(3, 3\): takes \[batch, height, width, features\], 4 axes, got shape \[-1, 28, 28\]/,
    ],
    [
      'window',
      () => stax.Conv2d(3, 5)[0](key, [-1, 4, 4, 1]),
      /a window of \[5, 5\] does not fit in an image of \[4, 4\].*padding: 'SAME'/,
    ],
    ['pool', () => stax.MaxPool(3)[0](key, [-1, 2, 2, 1]), /MaxPool\(3\): a window of \[3, 3\] does not fit/],
    ['groups', () => stax.Conv2d(4, 3, { groups: 2 })[0](key, [-1, 9, 9, 3]), /3 features.*divide into 2 groups/],
    ['strides', () => stax.Conv2d(4, 3, { strides: 0 }), /strides must be a positive integer or 2 of them, got 0/],
    [
      'features',
      () => stax.Conv1d(4, 1)[1](stax.Conv1d(4, 1)[0](key, [-1, 5, 3]).params, np.ones([2, 5, 2])),
      /has 2 features \(layout NHC\), but W of shape \[1, 3, 4\] takes 3/,
    ],
    ['heads', () => stax.MultiHeadAttention(3)[0](key, [-1, 5, 4]), /4 features do not divide into 3 heads/],
    [
      'tokens',
      () => stax.Embedding(9, 2)[1]({ embeddings: np.ones([9, 2]) }, x),
      /Embedding\(9, 2\): takes integers, got f32\[2,4\]/,
    ],
    [
      'positions',
      () => stax.LearnedPositions(3)[1]({ positions: np.ones([3, 4]) }, np.ones([1, 5, 4])),
      /5 steps.*longer than the 3 positions/,
    ],
    [
      'norm',
      () => stax.LayerNorm()[1]({ scale: np.ones([3]), offset: np.zeros([3]) }, x),
      /has 4 features, but the parameters are for 3/,
    ],
    ['group norm', () => stax.GroupNorm(3)[0](key, [-1, 4]), /4 features do not divide into 3 groups/],
    ['reshape', () => stax.Reshape([3])[0](key, [-1, 4]), /has 3 elements, which do not fill/],
    ['time', () => stax.LSTM(3)[0](key, [4]), /LSTM\(3\): takes \[..., time, features\], at least 2 axes/],
    ['momentum', () => stax.BatchNorm({ momentum: 1 }), /momentum must be in \[0, 1\), got 1/],
  ])('%s', (_name, wrong, message) => {
    expect(wrong).toThrow(message);
    expect(lax.add(1, 2).item()).toBe(3);
  });
});

test.each([
  ['RNN', stax.RNN(3, { dtype: 'float64' })],
  ['GRU', stax.GRU(3, { dtype: 'float64' })],
  ['LSTM', stax.LSTM(3, { dtype: 'float64' })],
] as const)('derivatives of %s of first and second order', (_name, layer) => {
  const [init, apply] = stax.erase(layer) as unknown as stax.Layer<object>;
  const { params } = init(key, [2, 3, 2]);
  const x = random.normal(random.key(1), [2, 3, 2], { dtype: 'float64' });
  checkGrads((input: NDArray) => np.sin(apply(params, input)).sum(), [x], { order: 2 });
});
