/**
 * The activation functions of the course, and their derivatives by `vmap(grad(f))`, drawn to `out/activation-zoo.svg` and held against the
 * formulas.
 *
 *     npm run example activation-zoo
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { grad, jacobian, jit, nn, numpy as np, vmap } from 'cotangent';
import type { NDArray } from 'cotangent';
import { toSvg } from './lib/plot.js';

const float64 = { dtype: 'float64' } as const;
// No point is a kink: 0 and 1 are not among them.
const u = np.linspace(-4, 4, 400, float64);

/** A function, and its derivative by hand. */
type Entry = readonly [f: (x: NDArray) => NDArray, derivative: (x: number) => number];
const sigma = (x: number): number => 1 / (1 + Math.exp(-x));
const ZOO: Record<string, Entry> = {
  step: [(x) => nn.step(x), () => 0],
  ramp: [(x) => nn.ramp(x), (x) => (x > 0 && x < 1 ? 1 : 0)],
  ReLU: [(x) => nn.relu(x), (x) => (x > 0 ? 1 : 0)],
  'leaky ReLU': [(x) => nn.leakyRelu(x, 0.1), (x) => (x > 0 ? 1 : 0.1)],
  arctan: [(x) => nn.arctan(x), (x) => 1 / (1 + x * x)],
  logistic: [(x) => nn.sigmoid(x), (x) => sigma(x) * (1 - sigma(x))],
  // Of (u, 0, 1): how probable the first of three classes is.
  softmax: [
    (x) => nn.softmax(np.stack([x, x.mul(0), x.mul(0).add(1)])).slice(0),
    (x) => {
      const p = Math.exp(x) / (Math.exp(x) + 1 + Math.E);
      return p * (1 - p);
    },
  ],
};

const points = u.js() as number[];
const values = Object.entries(ZOO).flatMap(([name, [f, derivative]]) => {
  const y = jit(vmap(f))(u).js() as number[];
  const slope = jit(vmap(grad(f)))(u).js() as number[];
  const worst = Math.max(...points.map((x, i) => Math.abs((slope[i] ?? NaN) - derivative(x))));
  console.log(`${name.padEnd(11)} largest difference of grad from the formula: ${worst.toExponential(1)}`);
  // A few roundings of float64.
  assert.ok(worst < 1e-14, `${name}: ${worst}`);
  return points.flatMap((x, i) => [
    { name, curve: 'f', x, y: y[i] },
    { name, curve: 'derivative', x, y: slope[i] },
  ]);
});

// At a kink the derivative is one of the two sides': 0 for ReLU, as everywhere in this field.
const at0 = (f: (x: NDArray) => NDArray): number => Number(grad(f)(np.array(0, float64)).item());
console.log(
  `at 0: step ${at0((x) => nn.step(x))}, ReLU ${at0((x) => nn.relu(x))}, leaky ReLU ${at0((x) => nn.leakyRelu(x, 0.1))}`,
);
assert.deepEqual([at0((x) => nn.step(x)), at0((x) => nn.relu(x))], [0, 0]);

// The Jacobian of softmax is diag(p) - p pᵀ.
const logits = np.array([0.5, -1, 2], float64);
const p = nn.softmax(logits);
const J = jacobian((z: NDArray) => nn.softmax(z))(logits);
assert.ok(
  Number(
    J.sub(np.diag(p).sub(np.outer(p, p)))
      .abs()
      .max()
      .item(),
  ) < 1e-15,
);
console.log('the Jacobian of softmax is diag(p) - p pᵀ');

await mkdir('out', { recursive: true });
const svg = await toSvg({
  data: { values },
  columns: 4,
  facet: { field: 'name', sort: Object.keys(ZOO), title: null, header: { labelFontSize: 14, labelFontWeight: 'bold' } },
  spec: {
    width: 170,
    height: 130,
    mark: { type: 'line', clip: true },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: null },
      y: { field: 'y', type: 'quantitative', title: null, scale: { domain: [-1.6, 2.6] } },
      color: {
        field: 'curve',
        title: null,
        scale: { domain: ['f', 'derivative'], range: ['#1b6ca8', '#d95f02'] },
        legend: { orient: 'bottom', labelFontSize: 13 },
      },
    },
  },
});
await writeFile('out/activation-zoo.svg', svg);
console.log('Written to out/activation-zoo.svg');
