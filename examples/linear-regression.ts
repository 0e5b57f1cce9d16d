/**
 * Linear regression: find the line y = W x + b through points that lie on y = 0.1 x + 0.3.
 *
 * W begins as a normal random number and b as 0; the loss is the mean squared error; Adam, as it comes, takes 5000 steps
 * against the gradient. One step is compiled into one program.
 *
 *     npm run example linear-regression
 */
import assert from 'node:assert/strict';
import { jit, numpy as np, optimizers, random, valueAndGrad } from 'cotangent';
import type { NDArray } from 'cotangent';

// Data: 100 points drawn uniformly from [0, 1), and where the line is above them.
const x = random.uniform(random.key(0), [100]);
const y = x.mul(0.1).add(0.3);

// Parameters are plain data: here an object of two arrays.
interface Line {
  W: NDArray;
  b: NDArray;
}
const start: Line = { W: random.normal(random.key(1), [1]), b: np.zeros([1]) };

// The mean squared error between the data and what the line says.
const loss = ({ W, b }: Line): NDArray => np.mean(np.square(W.mul(x).add(b).sub(y)));

// A step is a pure function: parameters and optimizer state in, the next ones out.
const adam = optimizers.adam(1e-3);
let line = start;
let state = adam.init(line);
let error = loss(line);
const step = jit((at: Line, s: typeof state) => {
  const [value, gradient] = valueAndGrad(loss)(at);
  const [updates, next] = adam.update(gradient, s, at);
  return [optimizers.applyUpdates(at, updates), next, value] as const;
});

console.log(' step        W        b       loss');
for (let n = 0; n <= 5000; n++) {
  if (n % 500 === 0) {
    const [W, b] = [Number(line.W.item()), Number(line.b.item())];
    console.log(
      `${String(n).padStart(5)}  ${W.toFixed(5).padStart(7)}  ${b.toFixed(5).padStart(7)}  ${Number(error.item()).toExponential(2)}`,
    );
  }
  [line, state, error] = step(line, state);
}

const [W, b] = [Number(line.W.item()), Number(line.b.item())];
console.log(`\nFound y = ${W.toFixed(4)} x + ${b.toFixed(4)}; the points lie on y = 0.1 x + 0.3.`);
assert.ok(Math.abs(W - 0.1) < 1e-3, `W is ${W}, not 0.1`);
assert.ok(Math.abs(b - 0.3) < 1e-3, `b is ${b}, not 0.3`);
