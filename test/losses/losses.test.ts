/** Losses and metrics against PyTorch, SciPy and definitions (scripts/fixtures/losses.py); extreme values, laws, bad input. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  grad,
  hessian,
  jit,
  losses,
  metrics,
  nn,
  numpy as np,
  random,
  valueAndGrad,
  vmap,
  type NDArray,
} from 'cotangent';

type Nested = number | number[] | number[][] | number[][][];
interface Fixtures {
  cases: Record<string, { x: Nested; value: number; gradient: Nested }>;
  labels: number[];
  classWeights: number[];
  soft: Nested;
  target: number[];
  signs: number[];
  b: Nested;
  c: Nested;
  ctc: Record<'labels' | 'inputLengths' | 'labelLengths', Nested>;
  information: Record<'p' | 'q', Nested> & Record<'entropy' | 'klDivergence' | 'bits', number[]>;
  metrics: Record<'labels' | 'predicted' | 'precision' | 'recall' | 'f1' | 'scores' | 'truth', number[]> &
    Record<'weightedF1' | 'accuracy' | 'rocAuc' | 'averagePrecision', number> & { matrix: Nested };
}
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/losses.json', import.meta.url), 'utf8')) as Fixtures;

const f64 = (x: Nested): NDArray => np.array(x, { dtype: 'float64' });
const ints = (x: Nested): NDArray => np.array(x, { dtype: 'int32' });
const flat = (x: NDArray): number[] => Array.from(x.dataSync(), Number);
const num = (x: NDArray): number => Number(x.item());
// Sums of a few products in float64, in another order than PyTorch's.
function expectClose(actual: number[], expected: number[], tolerance = 1e-12): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((want, i) => {
    expect(Math.abs((actual[i] ?? NaN) - want)).toBeLessThan(tolerance * (1 + Math.abs(want)));
  });
}

const labels = ints(fixtures.labels);
const classWeights = f64(fixtures.classWeights);
const [soft, target, signs, b, c] = [fixtures.soft, fixtures.target, fixtures.signs, fixtures.b, fixtures.c].map(f64) as [NDArray, NDArray, NDArray, NDArray, NDArray]; // prettier-ignore
const functions: Record<string, (x: NDArray) => NDArray> = {
  crossEntropyWithLogits: (x) => losses.crossEntropyWithLogits(x, labels),
  'crossEntropyWithLogits-weights': (x) => losses.crossEntropyWithLogits(x, labels, { classWeights }),
  'crossEntropyWithLogits-smoothing': (x) => losses.crossEntropyWithLogits(x, labels, { labelSmoothing: 0.2 }),
  'crossEntropyWithLogits-both': (x) => losses.crossEntropyWithLogits(x, labels, { labelSmoothing: 0.2, classWeights }),
  'crossEntropyWithLogits-sum': (x) => losses.crossEntropyWithLogits(x, labels, { reduction: 'sum' }),
  softmaxCrossEntropy: (x) => losses.softmaxCrossEntropy(x, soft),
  'softmaxCrossEntropy-smoothing': (x) => losses.softmaxCrossEntropy(x, soft, { labelSmoothing: 0.1 }),
  categoricalCrossEntropy: (x) => losses.categoricalCrossEntropy(x, soft),
  nll: (x) => losses.nll(x, labels),
  'nll-weights': (x) => losses.nll(x, labels, { classWeights }),
  binaryCrossEntropy: (x) => losses.binaryCrossEntropy(x, target),
  sigmoidBinaryCrossEntropy: (x) => losses.sigmoidBinaryCrossEntropy(x, target),
  'sigmoidBinaryCrossEntropy-positive': (x) => losses.sigmoidBinaryCrossEntropy(x, target, { positiveWeight: 2.5 }),
  meanSquaredError: (x) => losses.meanSquaredError(x, target),
  meanAbsoluteError: (x) => losses.meanAbsoluteError(x, target),
  huber: (x) => losses.huber(x, target, { delta: 0.7 }),
  logCosh: (x) => losses.logCosh(x, target),
  hinge: (x) => losses.hinge(x, signs),
  squaredHinge: (x) => losses.squaredHinge(x, signs),
  multiclassHinge: (x) => losses.multiclassHinge(x, labels),
  cosineDistance: (x) => losses.cosineDistance(x, b),
  triplet: (x) => losses.triplet(x, b, c, { margin: 0.8 }),
  ctc: (x) =>
    losses.ctc(x, ints(fixtures.ctc.labels), {
      inputLengths: ints(fixtures.ctc.inputLengths),
      labelLengths: ints(fixtures.ctc.labelLengths),
      reduction: 'sum',
    }),
};

describe('values and gradients are PyTorch’s', () => {
  test('there is a fixture for each', () => {
    expect(Object.keys(functions).sort()).toEqual(Object.keys(fixtures.cases).sort());
  });
  test.each(Object.entries(functions))('%s', (name, f) => {
    const fixture = fixtures.cases[name];
    if (fixture === undefined) throw new Error('no fixture');
    for (const run of [valueAndGrad(f), jit(valueAndGrad(f))]) {
      const [value, gradient] = run(f64(fixture.x));
      expectClose([num(value)], [fixture.value]);
      expectClose(flat(gradient), flat(f64(fixture.gradient)));
    }
  });
  test('under vmap, one example at a time', () => {
    const x = f64(fixtures.cases['crossEntropyWithLogits']?.x ?? []);
    const each = vmap((z: NDArray, y: NDArray) => losses.crossEntropyWithLogits(z, y))(x, labels);
    expectClose(flat(each), flat(losses.crossEntropyWithLogits(x, labels, { reduction: 'none' })));
  });
  test('weights of examples', () => {
    const [p, t, weights] = [f64([1, 2, 3]), f64([0, 0, 0]), f64([1, 0, 3])];
    expect(num(losses.meanSquaredError(p, t, { weights }))).toBe((1 + 27) / 4);
    expect(num(losses.meanSquaredError(p, t, { weights, reduction: 'sum' }))).toBe(28);
    expect(flat(losses.meanSquaredError(p, t, { weights, reduction: 'none' }))).toEqual([1, 0, 27]);
  });
});

describe('logits of ±1e4, and probabilities of 0 and 1', () => {
  const huge = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4]]); // prettier-ignore
  const classes = ints([1, 0]);
  test.each<[string, (z: NDArray) => NDArray, number]>([
    ['crossEntropyWithLogits', (z) => losses.crossEntropyWithLogits(z, classes), (20_000 + 20_000 + Math.LN2) / 2],
    [
      'with smoothing',
      (z) => losses.crossEntropyWithLogits(z, classes, { labelSmoothing: 0.3 }),
      (0.7 * (40_000 + Math.LN2) + 0.3 * (30_000 / 3 + 20_000 / 3 + Math.LN2)) / 2,
    ],
    ['softmaxCrossEntropy', (z) => losses.softmaxCrossEntropy(z, nn.oneHot(classes, 3)), (40_000 + Math.LN2) / 2],
    [
      'sigmoidBinaryCrossEntropy',
      (z) => losses.sigmoidBinaryCrossEntropy(z, np.zeros([2, 3])),
      (30_000 + Math.LN2) / 6,
    ],
    // One label once, at one of three places, beside blanks; and one label three times.
    ['ctc', (z) => losses.ctc(np.stack([z, z, z], 1), ints([[1], [2]])), (20_000 - Math.log(3) + 3 * Math.LN2) / 2],
    ['logCosh', (z) => losses.logCosh(z, np.zeros([2, 3])), (5 * 1e4 - 5 * Math.LN2) / 6],
  ])('%s', (_name, f, expected) => {
    const [value, gradient] = valueAndGrad(f)(huge);
    // float32 has 7 digits.
    expect(Math.abs(num(value) / expected - 1)).toBeLessThan(1e-6);
    expect(flat(gradient).every(Number.isFinite)).toBe(true);
  });
  test.each<[string, (z: NDArray) => NDArray, number[], number, number[]]>([
    ['softmaxCrossEntropy', (z) => losses.softmaxCrossEntropy(z, f64([0, 1, 0])), [-Infinity, 0, 0], Math.LN2, [0, -0.5, 0.5]],
    ['softmaxCrossEntropy of the target', (z) => losses.softmaxCrossEntropy(z, f64([1, 0, 0])), [-Infinity, 0, 0], Infinity, [-1, 0.5, 0.5]],
    ['sigmoidBinaryCrossEntropy', (z) => losses.sigmoidBinaryCrossEntropy(z, f64([1, 0]), { positiveWeight: 2 }), [Infinity, -Infinity], 0, [0, 0]],
    ['entropy', (p) => losses.entropy(p), [0, 1], 0, [0, -1]],
    ['crossEntropy', (q) => losses.crossEntropy(f64([0, 1]), q), [0, 1], 0, [0, -1]],
  ])('what is impossible and has no part in the target costs nothing: %s', (_name, f, at, value, gradient) => {
    for (const run of [valueAndGrad(f), jit(valueAndGrad(f))]) {
      const [v, g] = run(f64(at));
      expect(num(v)).toBeCloseTo(value, 12);
      expectClose(flat(g), gradient);
    }
  }); // prettier-ignore
  test('logCosh of small differences keeps its digits', () => {
    for (const d of [1e-3, -1e-3, 1e-2]) {
      const [value, gradient] = valueAndGrad((x: NDArray) => losses.logCosh(x, np.zeros([1])))(np.array([d]));
      expect(Math.abs(num(value) / Math.log(Math.cosh(d)) - 1)).toBeLessThan(1e-6);
      expect(Math.abs(Number(flat(gradient)[0]) / Math.tanh(d) - 1)).toBeLessThan(1e-6);
    }
    expect(hessian((x: NDArray) => losses.logCosh(x, f64(0)))(f64(0)).item()).toBe(1);
  });
  test('labels of ctc beyond their lengths may be anything', () => {
    const z = random.normal(random.key(0), [2, 4, 3], { dtype: 'float64' });
    const of = (padding: number) => (x: NDArray) =>
      losses.ctc(x, ints([[1, padding], [padding, padding]]), { labelLengths: ints([1, 0]) }); // prettier-ignore
    const [value, gradient] = valueAndGrad(of(1))(z);
    for (const padding of [-1, 3, 99]) {
      const [v, g] = valueAndGrad(of(padding))(z);
      expect(num(v)).toBe(num(value));
      expect(flat(g)).toEqual(flat(gradient));
    }
  });
  test('a network that is entirely wrong still has a gradient', () => {
    const p = np.array([0, 1, 0.5]);
    const g = flat(grad((v: NDArray) => losses.binaryCrossEntropy(v, np.array([1, 0, 1])))(p));
    expect(g.every((v) => Number.isFinite(v) && v !== 0)).toBe(true);
    const h = flat(grad((v: NDArray) => losses.categoricalCrossEntropy(v, np.array([[1, 0]])))(np.array([[0, 1]])));
    expect(h[0]).toBeLessThan(-1e6);
  });
});

describe('halves', () => {
  const half = { dtype: 'float16' } as const;
  const h = (x: Nested): NDArray => np.array(x, half);
  test.each<[string, () => NDArray, number]>([
    // Squares and sums that no half holds.
    ['meanSquaredError', () => losses.meanSquaredError(np.full([1000], 300, half), np.zeros([1000], half)), 90_000],
    [
      'with weights',
      () => losses.meanAbsoluteError(h([200, 400]), h([0, 0]), { weights: np.full([2], 6e4, half) }),
      300,
    ],
    ['a sum', () => losses.meanAbsoluteError(np.full([1000], 100, half), 0, { reduction: 'sum' }), 100_000],
    ['crossEntropyWithLogits', () => losses.crossEntropyWithLogits(h([[6e4, -6e4]]), ints([1])), 120_000],
    ['ctc', () => losses.ctc(np.zeros([1, 2, 2], half), ints([[1]])), -Math.log(0.75)],
    ['ctc of labels that do not fit', () => losses.ctc(np.zeros([1, 1, 3], half), ints([[1, 2]])), 1e30],
    ['cosineSimilarity with zero', () => losses.cosineSimilarity(np.zeros([2], half), np.ones([2], half)), 0],
    ['cosineSimilarity', () => losses.cosineSimilarity(h([300, 400]), h([400, 300])), 0.96],
    ['triplet', () => losses.triplet(h([[0, 0]]), h([[300, 400]]), h([[0, 0]])), 501],
    ['binaryCrossEntropy', () => losses.binaryCrossEntropy(h([1]), h([0])), -Math.log(1e-7)],
    ['logLikelihood', () => losses.logLikelihood(np.full([100_000], 0.5, half)), -100_000 * Math.LN2],
  ])('%s is float32', (_name, f, expected) => {
    const loss = f();
    expect(loss.dtype).toBe('float32');
    // float32 has 7 digits.
    expectClose([num(loss)], [expected], 1e-6);
  });
  test('gradients are halves', () => {
    const g = grad((p: NDArray) => losses.meanSquaredError(p, np.zeros([2], half)))(h([300, -4]));
    expect(g.dtype).toBe('float16');
    expect(g.js()).toEqual([300, -4]);
  });
});

describe('labels', () => {
  const z = random.normal(random.key(1), [3, 2]);
  const [bools, numbers] = [np.array([true, false, true]), ints([1, 0, 1])];
  test.each<[string, (y: NDArray) => NDArray]>([
    ['crossEntropyWithLogits', (y) => losses.crossEntropyWithLogits(z, y)],
    ['with weights of classes', (y) => losses.crossEntropyWithLogits(z, y, { classWeights: np.array([1, 2]) })],
    ['nll', (y) => losses.nll(z, y)],
    ['multiclassHinge', (y) => losses.multiclassHinge(z, y)],
    ['accuracy', (y) => metrics.accuracy(z, y)],
    ['topKAccuracy', (y) => metrics.topKAccuracy(z, y, 1)],
    ['confusionMatrix', (y) => metrics.confusionMatrix(z, y, 2)],
  ])('of two classes may be bools: %s', (_name, f) => {
    expect(flat(f(bools))).toEqual(flat(f(numbers)));
    expect(flat(f(bools)).every(Number.isFinite)).toBe(true);
    expect(flat(jit(f)(bools))).toEqual(flat(jit(f)(numbers)));
  });
  test('of one example may be a number', () => {
    const row = z.slice(0);
    expect(num(losses.crossEntropyWithLogits(row, 1))).toBe(
      num(losses.crossEntropyWithLogits(row, np.array(1, { dtype: 'int32' }))),
    );
    expect(num(metrics.accuracy(1, 1))).toBe(1);
    expect(num(metrics.accuracy(row, 0))).toBe(num(row.slice(0)) > num(row.slice(1)) ? 1 : 0);
  });
  test('weights that are numbers are not rounded', () => {
    const [p, t] = [f64([1]), f64([0])];
    expect(num(losses.meanSquaredError(p, t, { weights: 0.1, reduction: 'sum' }))).toBe(0.1);
    const loss = losses.sigmoidBinaryCrossEntropy(f64([0]), f64([1]), { positiveWeight: 0.1 });
    expect(num(loss)).toBe(0.1 * Math.LN2);
  });
  test('weights broadcast beside weights of classes', () => {
    const [scores, y] = [np.log(f64([[[0.5, 0.5]], [[0.25, 0.75]]])), ints([[0], [1]])];
    const [classWeights, weights] = [f64([1, 3]), f64([[2]])];
    const values = [2 * Math.LN2, 2 * 3 * Math.log(4 / 3)];
    for (const loss of [losses.nll, losses.crossEntropyWithLogits]) {
      expectClose(flat(loss(scores, y, { classWeights, weights, reduction: 'none' })), values);
      expectClose([num(loss(scores, y, { classWeights, weights }))], [((values[0] ?? 0) + (values[1] ?? 0)) / 8]);
    }
  });
  test('weights of classes may be of another dtype, with smoothing', () => {
    const of = (classWeights: NDArray): number =>
      num(losses.crossEntropyWithLogits(z, numbers, { classWeights, labelSmoothing: 0.1 }));
    expect(of(f64([1, 2]))).toBe(of(np.array([1, 2])));
  });
});

describe('information', () => {
  const { information } = fixtures;
  const [p, q] = [f64(information.p), f64(information.q)];
  test('is SciPy’s, in nats and bits', () => {
    expectClose(flat(losses.entropy(p)), information.entropy);
    expectClose(flat(losses.klDivergence(p, q)), information.klDivergence);
    expectClose(flat(losses.klDivergence(p, q, { unit: 'bits' })), information.bits);
  });
  const distribution = fc
    .array(fc.integer({ min: 0, max: 50 }), { minLength: 4, maxLength: 4 })
    .filter((list) => list.some((v) => v > 0))
    .map((list) => f64(list).div(list.reduce((a, b) => a + b)));
  test('KL ≥ 0, 0 only of equals, H(P, Q) = H(P) + KL(P ‖ Q)', () => {
    fc.assert(
      fc.property(distribution, distribution, (a, b) => {
        const kl = num(losses.klDivergence(a, b));
        expect(kl).toBeGreaterThan(-1e-15);
        expect(num(losses.klDivergence(a, a))).toBe(0);
        if (num(a.sub(b).abs().max()) > 1e-3) expect(kl).toBeGreaterThan(1e-7);
        if (kl < Infinity) expect(num(losses.crossEntropy(a, b))).toBeCloseTo(num(losses.entropy(a)) + kl, 12);
      }),
      { numRuns: 200 },
    );
  });
  test('is infinite where Q excludes what P has, and nothing where P has nothing', () => {
    expect(num(losses.klDivergence(f64([0.5, 0.5]), f64([1, 0])))).toBe(Infinity);
    expect(num(losses.klDivergence(f64([1, 0]), f64([0.5, 0.5])))).toBeCloseTo(Math.LN2, 15);
  });
});

describe('metrics', () => {
  const m = fixtures.metrics;
  const [y, predicted] = [ints(m.labels), ints(m.predicted)];
  test('of classes', () => {
    const matrix = jit((a: NDArray, t: NDArray) => metrics.confusionMatrix(a, t, 4))(predicted, y);
    expect(matrix.js()).toEqual(m.matrix);
    const mean = (list: number[]): number => list.reduce((s, v) => s + v) / list.length;
    // float32 quotients.
    for (const name of ['precision', 'recall', 'f1'] as const) {
      expectClose(flat(metrics[name](matrix, { average: 'none' })), m[name], 1e-6);
      expectClose([num(metrics[name](matrix))], [mean(m[name])], 1e-6);
      expectClose([num(metrics[name](matrix, { average: 'micro' }))], [m.accuracy], 1e-6);
    }
    expectClose([num(metrics.f1(matrix, { average: 'weighted' }))], [m.weightedF1], 1e-6);
    expect(num(metrics.recall(matrix, { average: 'none', zeroDivision: 1 }).slice(2))).toBe(1);
    expectClose([num(metrics.accuracy(predicted, y))], [m.accuracy], 1e-6);
    expectClose([num(metrics.accuracy(nn.oneHot(predicted, 4), y))], [m.accuracy], 1e-6);
    expect(num(metrics.topKAccuracy(nn.oneHot(predicted, 4), y, 4))).toBe(1);
    expectClose([num(metrics.topKAccuracy(nn.oneHot(predicted, 4), y, 1))], [m.accuracy], 1e-6);
  });
  test('of scores, with ties', () => {
    const [scores, truth] = [f64(m.scores), ints(m.truth)];
    expectClose([num(jit(metrics.rocAuc)(scores, truth))], [m.rocAuc], 1e-6);
    expectClose([num(jit(metrics.averagePrecision)(scores, truth))], [m.averagePrecision], 1e-6);
    expect(num(metrics.rocAuc(scores, np.zeros([60])))).toBeNaN();
  });
  test('few negative examples among many keep the digits of the area', () => {
    const scores = np.array(Array.from({ length: 200_010 }, (_, i) => (i < 200_000 ? (i % 1000) / 1000 : 0.5)));
    const truth = np.array(Array.from({ length: 200_010 }, (_, i) => i < 200_000));
    // Of each thousand, 499 are above and one is equal.
    expect(Math.abs(num(metrics.rocAuc(scores, truth)) - 0.4995)).toBeLessThan(3e-7);
  });
});

describe('bad input', () => {
  const z = random.normal(random.key(0), [3, 4]);
  test.each<[string, () => unknown, RegExp]>([
    [
      'label',
      () => losses.crossEntropyWithLogits(z, ints([0, 4, 1])),
      /label 4 at index 1 is no class: there are 4, from 0 to 3/,
    ],
    ['negative label', () => losses.nll(z, ints([0, -1, 1])), /label -1 at index 1/],
    [
      'float labels',
      () => losses.crossEntropyWithLogits(z, np.ones([3])),
      /labels are integers.*f32\[3\].*softmaxCrossEntropy/,
    ],
    [
      'label shape',
      () => losses.crossEntropyWithLogits(z, ints([[0], [1], [2]])),
      /need labels of shape \[3\], got \[3, 1\]/,
    ],
    [
      'shapes',
      () => losses.binaryCrossEntropy(np.ones([3, 1]), np.ones([3])),
      /predictions of shape \[3, 1\] and targets of shape \[3\]/,
    ],
    ['empty batch', () => losses.meanSquaredError(np.ones([0]), np.ones([0])), /the batch is empty \(\[0\]\)/],
    ['empty labels', () => losses.crossEntropyWithLogits(np.ones([0, 3]), ints([])), /the batch is empty/],
    [
      'smoothing',
      () => losses.softmaxCrossEntropy(z, z, { labelSmoothing: 2 }),
      /labelSmoothing must be in \[0, 1\], got 2/,
    ],
    ['delta', () => losses.huber(z, z, { delta: 0 }), /delta must be positive, got 0/],
    [
      'accuracy',
      () => metrics.accuracy(np.ones([3]), ints([0, 1, 0])),
      /need scores of shape \[3, -1\].*greater\(0.5\)/,
    ],
    [
      'names of distributions',
      () => losses.crossEntropy(np.ones([2]), np.ones([3])),
      /^crossEntropy: p of shape \[2\] and q of shape \[3\] must have one shape\.(\n|$)/,
    ],
    ['klDivergence', () => losses.klDivergence(np.ones([2]), np.ones([3])), /^klDivergence: p of shape \[2\] and q/],
    [
      'names of vectors',
      () => losses.cosineSimilarity(np.ones([2]), np.ones([3])),
      /^cosineSimilarity: x of shape \[2\] and y of shape \[3\] must have one shape\.(\n|$)/,
    ],
    ['cosineDistance', () => losses.cosineDistance(z, np.ones([3])), /^cosineDistance: predictions of shape \[3, 4\]/],
    [
      'names of a triplet',
      () => losses.triplet(z, z, np.ones([3, 3])),
      /^triplet: the anchor of shape \[3, 4\] and the negative of shape \[3, 3\] must have one shape\.(\n|$)/,
    ],
    ['ctc labels', () => losses.ctc(np.ones([1, 2, 3]), np.ones([1, 1])), /^ctc: labels are integers.*f32\[1,1\]/],
    ['metric labels', () => metrics.accuracy(z, np.ones([3])), /^accuracy: labels are integers.*f32\[3\]/],
    [
      'a label beyond the matrix',
      () => metrics.confusionMatrix(ints([0, 1, 1]), ints([0, 2, 1]), 2),
      /^confusionMatrix: label 2 at index 1 is no class: there are 2, from 0 to 1/,
    ],
    [
      'a prediction beyond the matrix',
      () => metrics.confusionMatrix(ints([0, 1, -1]), ints([0, 1, 1]), 2),
      /^confusionMatrix: prediction -1 at index 2 is no class/,
    ],
    [
      'ranking',
      () => metrics.rocAuc(np.ones([2]), np.ones([3])),
      /^rocAuc: scores of shape \[2\] and labels of shape \[3\]/,
    ],
    ['no ranking', () => metrics.rocAuc(np.ones([0]), np.ones([0])), /^rocAuc: there are no examples, shape \[0\]/],
    ['no examples', () => metrics.accuracy(np.ones([0, 2]), ints([])), /there are no examples/],
    ['matrix', () => metrics.recall(np.ones([2, 3])), /takes a confusion matrix \[classes, classes\], got \[2, 3\]/],
    ['ctc', () => losses.ctc(z, ints([[1]])), /takes logits \[batch, time, classes\]/],
  ])('%s', (_name, wrong, message) => {
    expect(wrong).toThrow(message);
    expect(num(losses.meanSquaredError(1, 3))).toBe(4);
  });
  test('a class out of range in a compiled function is not counted', () => {
    const matrix = jit((p: NDArray, y: NDArray) => metrics.confusionMatrix(p, y, 2))(ints([0, 1, 5]), ints([0, 7, 1]));
    expect(matrix.js()).toEqual([[1, 0], [0, 0]]); // prettier-ignore
  });
  test('a label out of range in a compiled function makes the loss NaN, not a wrong number', () => {
    expect(num(jit((x: NDArray, y: NDArray) => losses.crossEntropyWithLogits(x, y))(z, ints([0, 9, 1])))).toBeNaN();
  });
});
