/**
 * Logistic regression is a network of one neuron: a = σ(wᵀx + b). Its gradient, three ways, which must agree:
 *
 *   1. the derivation, example by example, in a loop of plain JavaScript numbers;
 *   2. the same with matrices, all examples at once;
 *   3. `grad` of the cost.
 *
 * Then gradient descent trains it.
 *
 *     npm run example logistic-regression
 */
import assert from 'node:assert/strict';
import { grad, jit, nn, numpy as np, random } from 'cotangent';
import type { NDArray } from 'cotangent';

// Data: m points in the plane, a cloud around (1, 1) labelled 1 and one around (-1, -1) labelled 0. Examples are the
// columns of X (n × m). In float64, so that what agrees does so to many digits.
const m = 200;
const float64 = { dtype: 'float64' } as const;
const Y = np.arange(m).mod(2).astype('float64').reshape(1, m);
const X = random.normal(random.key(0), [2, m], float64).mul(0.9).add(Y.mul(2).sub(1));

interface Neuron {
  /** Weights, n × 1. */
  w: NDArray;
  b: NDArray;
}

// The cost J: the mean of L(a, y) = -[y log a + (1 - y) log(1 - a)].
function cost({ w, b }: Neuron): NDArray {
  const A = nn.sigmoid(w.T.matmul(X).add(b));
  const L = Y.mul(np.log(A))
    .add(np.subtract(1, Y).mul(np.log(np.subtract(1, A))))
    .neg();
  return L.mean();
}

interface Gradient {
  dw: number[];
  db: number;
}

// 1. dL/da = (a - y) / (a (1 - a)) and da/dz = a (1 - a), so dL/dz = a - y; and z = w₁x₁ + w₂x₂ + b, so
//    dL/dw = (a - y) x and dL/db = a - y. Sum over the examples, divide by m.
function byLoop({ w, b }: Neuron): Gradient {
  const [x1s, x2s] = [X.slice(0).dataSync(), X.slice(1).dataSync()];
  const ys = Y.dataSync();
  const [w1 = 0, w2 = 0] = w.dataSync();
  const bias = Number(b.item());
  let [dw1, dw2, db] = [0, 0, 0];
  for (let i = 0; i < m; i++) {
    const [x1 = 0, x2 = 0, y = 0] = [x1s[i], x2s[i], ys[i]];
    const z = w1 * x1 + w2 * x2 + bias;
    const a = 1 / (1 + Math.exp(-z));
    const dz = a - y;
    dw1 += x1 * dz;
    dw2 += x2 * dz;
    db += dz;
  }
  return { dw: [dw1 / m, dw2 / m], db: db / m };
}

// 2. Z = wᵀX + [b … b], A = σ(Z), dZ = A - Y, dw = X dZᵀ / m, db = sum(dZ) / m.
function vectorised({ w, b }: Neuron): Gradient {
  const dZ = nn.sigmoid(w.T.matmul(X).add(b)).sub(Y);
  const dw = X.matmul(dZ.T).div(m);
  return { dw: [...dw.dataSync()], db: Number(dZ.sum().div(m).item()) };
}

// 3. The derivation is the library's.
function byGrad(neuron: Neuron): Gradient {
  const { w, b } = grad(cost)(neuron);
  return { dw: [...w.dataSync()], db: Number(b.item()) };
}

const neuron: Neuron = { w: np.array([[0.3], [-0.2]], float64), b: np.array(0.1, float64) };
console.log('The gradient at w = (0.3, -0.2), b = 0.1:\n');
const gradients = { loop: byLoop(neuron), vectorised: vectorised(neuron), grad: byGrad(neuron) };
for (const [form, { dw, db }] of Object.entries(gradients)) {
  console.log(`  ${form.padEnd(10)}  dw = (${dw.map((v) => v.toFixed(15)).join(', ')})  db = ${db.toFixed(15)}`);
  for (const [i, got] of [...dw, db].entries()) {
    const want = [...gradients.loop.dw, gradients.loop.db][i] ?? Number.NaN;
    assert.ok(Math.abs(got - want) < 1e-13, `${form}: component ${i} is ${got}, the loop says ${want}`);
  }
}

// Training: w := w - α dw, b := b - α db.
const alpha = 0.5;
const step = jit((now: Neuron): Neuron => {
  const { w: dw, b: db } = grad(cost)(now);
  return { w: now.w.sub(dw.mul(alpha)), b: now.b.sub(db.mul(alpha)) };
});
let trained = neuron;
console.log('\nGradient descent:\n');
for (let n = 0; n <= 200; n++) {
  if (n % 50 === 0) console.log(`  step ${String(n).padStart(3)}  J = ${Number(cost(trained).item()).toFixed(6)}`);
  trained = step(trained);
}

const said = nn.sigmoid(trained.w.T.matmul(X).add(trained.b)).greater(0.5);
const accuracy = Number(said.equal(Y.greater(0.5)).astype('float64').mean().item());
console.log(`\n  ${(100 * accuracy).toFixed(1)} % of the points are on the right side of the line.`);
assert.ok(Number(cost(trained).item()) < Number(cost(neuron).item()) / 2, 'training halves the cost');
assert.ok(accuracy >= 0.9, `accuracy is ${accuracy}`);
