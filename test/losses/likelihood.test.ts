/** The formulas of divergences, likelihood and logistic regression, in plain numbers. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grad, losses, nn, numpy as np, random, valueAndGrad, type NDArray } from 'cotangent';

const f64 = (x: number | number[] | number[][]): NDArray => np.array(x, { dtype: 'float64' });
const flat = (x: NDArray): number[] => Array.from(x.dataSync(), Number);
const num = (x: NDArray): number => Number(x.item());
function expectClose(actual: number[], expected: number[]): void {
  expect(actual).toHaveLength(expected.length);
  // Sums of a few float64 in another order.
  expected.forEach((want, i) => {
    expect(Math.abs((actual[i] ?? NaN) - want)).toBeLessThan(1e-12 * (1 + Math.abs(want)));
  });
}

describe('divergence', () => {
  test('D(P ‖ Q) = E_P[log P - log Q], which is not D(Q ‖ P), and H(P, Q) = -E_P[log Q]', () => {
    const list = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 4, maxLength: 4 });
    const normalized = (counts: number[]): number[] => counts.map((n) => n / counts.reduce((a, b) => a + b));
    const expectation = (a: number[], f: (i: number) => number): number =>
      a.reduce((sum, weight, i) => sum + weight * f(i), 0);
    const log = (a: number[], i: number): number => Math.log(a[i] ?? NaN);
    fc.assert(
      fc.property(list.map(normalized), list.map(normalized), (a, b) => {
        const kl = expectation(a, (i) => log(a, i) - log(b, i));
        expect(num(losses.klDivergence(f64(a), f64(b)))).toBeCloseTo(kl, 13);
        expect(num(losses.crossEntropy(f64(a), f64(b)))).toBeCloseTo(-expectation(a, (i) => log(b, i)), 13);
      }),
      { numRuns: 50 },
    );
    const [a, b] = [f64([0.7, 0.2, 0.1]), f64([0.2, 0.2, 0.6])];
    expect(Math.abs(num(losses.klDivergence(a, b)) - num(losses.klDivergence(b, a)))).toBeGreaterThan(0.1);
  });
  test('the gradients of H(P, Q) and of D(P ‖ Q) by Q are the same', () => {
    const by = (f: (x: NDArray, y: NDArray) => NDArray): number[] =>
      flat(grad((z: NDArray) => f(f64([0.7, 0.2, 0.1]), nn.softmax(z)))(f64([0.3, -1, 2])));
    expectClose(by(losses.crossEntropy), by(losses.klDivergence));
    expect(Math.max(...by(losses.klDivergence))).toBeGreaterThan(0.1);
  });
});

describe('likelihood', () => {
  test('cross-entropy is -Σ y log ŷ, the negative logarithm of the likelihood Π ŷ^y', () => {
    const [y, predicted] = [[1, 0, 0, 0], [0.96, 0.29, 0.02, 0]]; // prettier-ignore
    const likelihood = predicted.reduce((product, p, j) => product * p ** (y[j] ?? NaN), 1);
    expect(likelihood).toBe(0.96);
    expect(num(losses.crossEntropy(f64(y), f64(predicted)))).toBeCloseTo(-Math.log(likelihood), 14);
    const rows = [[0.7, 0.2, 0.1], [0.3, 0.4, 0.3]]; // prettier-ignore
    const mean = -(Math.log(0.7) + Math.log(0.3)) / 2;
    expect(num(losses.categoricalCrossEntropy(f64(rows), f64([[1, 0, 0], [0, 0, 1]])))).toBeCloseTo(mean, 14); // prettier-ignore
    expect(num(losses.nll(np.log(f64(rows)), np.array([0, 2], { dtype: 'int32' })))).toBeCloseTo(mean, 14);
  });
  test('the mean squared error is the mean of the squares of W x + b - y', () => {
    const [x, y] = [[0.5, 1, 2], [0.3, -1, 4]]; // prettier-ignore
    const mean = x.reduce((sum, v, i) => sum + (2 * v + 0.1 - (y[i] ?? NaN)) ** 2, 0) / 3;
    expect(num(losses.meanSquaredError(f64(x).mul(2).add(0.1), f64(y)))).toBeCloseTo(mean, 14);
  });
});

describe('logistic regression, L(a, y) = -[y log a + (1 - y) log(1 - a)], a = σ(wᵀx + b)', () => {
  const [a, y] = [[0.1, 0.6, 0.9], [0, 1, 0]]; // prettier-ignore
  test('dL/da = -(y - a) / (a (1 - a)), and dL/dz = a - y', () => {
    const each = (f: (v: NDArray) => NDArray, at: number[]): number[] => flat(grad(f)(f64(at)));
    const cost = (v: NDArray): NDArray => losses.binaryCrossEntropy(v, f64(y), { reduction: 'sum' });
    const value = a.reduce((sum, p, i) => sum - Math.log(y[i] === 1 ? p : 1 - p), 0);
    expect(num(cost(f64(a)))).toBeCloseTo(value, 13);
    expectClose(
      each(cost, a),
      a.map((p, i) => -((y[i] ?? NaN) - p) / (p * (1 - p))),
    );
    const dz = a.map((p, i) => p - (y[i] ?? NaN));
    const logit = a.map((p) => Math.log(p / (1 - p)));
    expectClose(
      each((z) => cost(nn.sigmoid(z)), logit),
      dz,
    );
    const ofLogits = (z: NDArray): NDArray => losses.sigmoidBinaryCrossEntropy(z, f64(y), { reduction: 'sum' });
    expectClose(each(ofLogits, logit), dz);
  });
  test('the sums of the loop, dw = X dZᵀ / m and db = Σ dZ / m', () => {
    const m = 7;
    const X = random.normal(random.key(0), [2, m], { dtype: 'float64' });
    const Y = f64([1, 0, 0, 1, 1, 0, 1]);
    const neuron = { w: f64([0.3, -0.2]), b: f64(0.1) };
    const J = ({ w, b }: typeof neuron): NDArray => losses.binaryCrossEntropy(nn.sigmoid(np.matmul(w, X).add(b)), Y);
    const [cost, gradient] = valueAndGrad(J)(neuron);

    let [sum, dw1, dw2, db] = [0, 0, 0, 0];
    const [x1, x2, ys] = [flat(X.slice(0)), flat(X.slice(1)), flat(Y)];
    for (let i = 0; i < m; i++) {
      const [u = NaN, v = NaN, label = NaN] = [x1[i], x2[i], ys[i]];
      const out = 1 / (1 + Math.exp(-(0.3 * u - 0.2 * v + 0.1)));
      sum += -(label * Math.log(out) + (1 - label) * Math.log(1 - out));
      const dz = out - label;
      dw1 += u * dz;
      dw2 += v * dz;
      db += dz;
    }
    expectClose([num(cost)], [sum / m]);
    expectClose(flat(gradient.w), [dw1 / m, dw2 / m]);
    expectClose([num(gradient.b)], [db / m]);

    const dZ = nn.sigmoid(np.matmul(neuron.w, X).add(neuron.b)).sub(Y);
    expectClose(flat(np.matmul(X, dZ).div(m)), flat(gradient.w));
    expectClose([num(dZ.sum().div(m))], [num(gradient.b)]);
  });
});
