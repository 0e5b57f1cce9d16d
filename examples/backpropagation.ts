/**
 * Back-propagation written by hand, for a net of any depth l, against `grad`. The algorithms are 6.3 (forward) and 6.4
 * (backward) of I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning" (2016):
 *
 *     h⁽⁰⁾ = x;  a⁽ᵏ⁾ = b⁽ᵏ⁾ + W⁽ᵏ⁾ h⁽ᵏ⁻¹⁾;  h⁽ᵏ⁾ = f(a⁽ᵏ⁾);  ŷ = h⁽ˡ⁾;  J = L(ŷ, y) + λ Ω(θ)
 *
 * with f = tanh, L(ŷ, y) = ½ ‖ŷ - y‖² and Ω(θ) = ½ ‖θ‖², the sum over all weights and biases.
 *
 *     npm run example backpropagation
 */
import assert from 'node:assert/strict';
import { grad, numpy as np, random, tree } from 'cotangent';
import type { NDArray } from 'cotangent';

interface Layer {
  W: NDArray;
  b: NDArray;
}
type Net = readonly Layer[];

const lambda = 0.01;
const f = (a: NDArray): NDArray => np.tanh(a);
const df = (a: NDArray): NDArray => np.subtract(1, np.square(np.tanh(a)));
const L = (yHat: NDArray, y: NDArray): NDArray => np.square(yHat.sub(y)).sum().div(2);
const dL = (yHat: NDArray, y: NDArray): NDArray => yHat.sub(y);
const omega = (net: Net): NDArray =>
  net
    .map(({ W, b }) => np.square(W).sum().add(np.square(b).sum()))
    .reduce((sum, term) => sum.add(term))
    .div(2);

/** Algorithm 6.3: the cost, and what the backward pass needs of each layer: its input h⁽ᵏ⁻¹⁾ and its a⁽ᵏ⁾. */
function forward(
  net: Net,
  x: NDArray,
  y: NDArray,
): { J: NDArray; yHat: NDArray; passed: { input: NDArray; a: NDArray }[] } {
  let h = x;
  const passed = net.map(({ W, b }) => {
    const input = h;
    const a = b.add(W.matmul(input));
    h = f(a);
    return { input, a };
  });
  return { J: L(h, y).add(omega(net).mul(lambda)), yHat: h, passed };
}

/** Algorithm 6.4: the gradient of J in every W⁽ᵏ⁾ and b⁽ᵏ⁾, from the output layer back to the first. */
function backward(net: Net, x: NDArray, y: NDArray): Layer[] {
  const { yHat, passed } = forward(net, x, y);
  let g = dL(yHat, y);
  const gradients: Layer[] = [];
  for (const [k, { W, b }] of [...net.entries()].reverse()) {
    const { input, a } = passed[k] ?? assert.fail(`layer ${k} was not passed`);
    // Into the pre-nonlinearity activation: g ← g ⊙ f'(a⁽ᵏ⁾).
    g = g.mul(df(a));
    // ∇b = g + λ ∇Ω and ∇W = g h⁽ᵏ⁻¹⁾ᵀ + λ ∇Ω; the gradient of ½ ‖θ‖² is θ.
    gradients.unshift({ W: np.outer(g, input).add(W.mul(lambda)), b: g.add(b.mul(lambda)) });
    // To the layer below: g ← W⁽ᵏ⁾ᵀ g.
    g = W.T.matmul(g);
  }
  return gradients;
}

/** A random net with layers of the given widths, in float64 so that agreement shows to many digits. */
function randomNet(widths: readonly number[], key: NDArray): Net {
  return widths.slice(1).map((n, k) => {
    const m = widths[k] ?? 1;
    return {
      W: random.normal(random.foldIn(key, 2 * k), [n, m], { dtype: 'float64' }).div(Math.sqrt(m)),
      b: random.normal(random.foldIn(key, 2 * k + 1), [n], { dtype: 'float64' }).mul(0.1),
    };
  });
}

console.log(' l  widths             J           largest difference from grad');
for (let l = 1; l <= 6; l++) {
  const widths = [5, 8, 7, 6, 9, 4].slice(0, l).concat(3);
  const net = randomNet(widths, random.key(l));
  const x = random.normal(random.key(100), [5], { dtype: 'float64' });
  const y = random.normal(random.key(200), [3], { dtype: 'float64' });

  const byHand = backward(net, x, y);
  const byGrad = grad((theta: Net) => forward(theta, x, y).J)(net);
  const differences = tree.map((a: NDArray, b: NDArray) => Number(np.abs(a.sub(b)).max().item()), byHand, byGrad);
  const largest = Math.max(...tree.leaves<number>(differences));

  const J = Number(forward(net, x, y).J.item());
  console.log(`${String(l).padStart(2)}  ${widths.join('-').padEnd(15)}  ${J.toFixed(8)}  ${largest.toExponential(1)}`);
  assert.ok(largest < 1e-13, `with ${l} layers the gradients differ by ${largest}`);
}
console.log('\nAlgorithm 6.4 and grad agree in every weight and bias.');
