/**
 * Recurrent networks: by what they read and write, how they are differentiated, and why an LSTM is not a plain RNN.
 *
 * 1. One to one, one to many, many to one, many to many: a tiny network of each type, learned from data drawn in every step.
 * 2. Back-propagation through time by hand, on the unfolded graph, against `grad` of the loop.
 * 3. Gradients over up to 200 steps that vanish and explode, in `out/recurrent-gradients.svg`; what an RNN and an LSTM remember.
 *
 *     npm run example recurrent-networks
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { grad, jit, makeJaxpr, nn, random } from 'cotangent';
import { backPropagationThroughTime, folded, unfolded } from './bptt.js';
import type { Sequence, Weights } from './bptt.js';
import { gradientNorms, gradientsSvg, NETWORKS, remembersFirst } from './gradients.js';
import type { Network } from './gradients.js';
import { manyToManyInStep, manyToManyTranslation, manyToOne, oneToMany, oneToOne } from './shapes.js';

const table = (rows: readonly (readonly string[])[], widths: readonly number[]): void => {
  for (const row of rows) console.log(`  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('')}`.trimEnd());
};

console.log('Types of networks, on data that they did not learn from:\n');
for (const learnType of [oneToOne, oneToMany, manyToOne, manyToManyInStep, manyToManyTranslation]) {
  for (const { type, task, measured, value, bound } of [learnType()].flat()) {
    const shown =
      measured === 'right' ? `${(100 * value).toFixed(1)} % right` : `mean squared error ${value.toFixed(5)}`;
    table([[type, task, shown]], [14, 34]);
    assert.ok(measured === 'right' ? value > bound : value < bound, `${type}, ${task}: ${shown}`);
  }
}

// Back-propagation through time, by hand and by grad.
const [STEPS, FEATURES, UNITS, CLASSES] = [20, 3, 8, 4];
const f64 = { dtype: 'float64' } as const;
const draw = (n: number, shape: readonly number[]) => random.normal(random.key(n), shape, f64).mul(0.5);
const weights: Weights = {
  U: draw(0, [UNITS, FEATURES]),
  W: draw(1, [UNITS, UNITS]),
  V: draw(2, [CLASSES, UNITS]),
  b: draw(3, [UNITS]),
  c: draw(4, [CLASSES]),
};
const sequenceOf = (steps: number): Sequence => ({
  xs: draw(5, [steps, FEATURES]),
  ys: nn.oneHot(random.randint(random.key(6), [steps], 0, CLASSES), CLASSES, f64),
});
const sequence = sequenceOf(STEPS);
const lines = (f: typeof folded, steps: number): number =>
  makeJaxpr(f)(weights, sequenceOf(steps)).toString().split('\n').length;
console.log('\nLines of the jaxpr:\n');
table(
  [
    ['', '20 steps', '40 steps'],
    ['folded, a loop', `${lines(folded, 20)}`, `${lines(folded, 40)}`],
    ['unfolded, a copy per step', `${lines(unfolded, 20)}`, `${lines(unfolded, 40)}`],
  ],
  [28, 12],
);
assert.equal(lines(folded, 40), lines(folded, 20));

const byHand = backPropagationThroughTime(weights, sequence);
const byGrad = jit(grad(folded))(weights, sequence);
const ofUnfolded = grad(unfolded)(weights, sequence);
console.log(`\nBack-propagation through time over ${STEPS} steps, largest differences from grad of the loop:\n`);
table([['', 'norm', 'by hand', 'grad, unfolded']], [4, 12, 12]);
for (const name of ['U', 'W', 'V', 'b', 'c'] as const) {
  const size = Number(byGrad[name].square().sum().sqrt().item());
  const differences = [byHand, ofUnfolded].map((g) => Number(g[name].sub(byGrad[name]).abs().max().item()));
  table([[name, size.toFixed(6), ...differences.map((d) => d.toExponential(1))]], [4, 12, 12]);
  assert.ok(Math.max(...differences) < 1e-12 * Math.max(1, size), `∇${name}: ${differences.join(', ')}`);
}

// Vanishing and exploding gradients.
const SHOWN = [0, 1, 10, 50, 100, 200];
const names = Object.keys(NETWORKS) as Network[];
const norms = new Map(names.map((name) => [name, gradientNorms(name, 200)] as const));
console.log('\nNorm of the gradient of an output by the input of k steps before:\n');
const widths = [22, ...SHOWN.map(() => 10)];
table([['k', ...SHOWN.map(String)]], widths);
for (const [name, each] of norms) table([[name, ...SHOWN.map((k) => (each[k] ?? NaN).toExponential(1))]], widths);
await mkdir('out', { recursive: true });
await writeFile('out/recurrent-gradients.svg', await gradientsSvg(norms));
console.log('\nWritten to out/recurrent-gradients.svg.');

const after = (name: Network, k: number): number => norms.get(name)?.[k] ?? assert.fail(`no norm of ${name} at ${k}`);
assert.ok(after('RNN, radius 0.5', 200) < 1e-50);
assert.ok(after('RNN, radius 1', 200) < 1e-10, 'tanh flattens, so that radius 1 is not enough');
assert.ok(after('RNN, radius 3', 200) > 1e10);
assert.ok(after('LSTM, forget bias 1', 200) > 1e10 * after('RNN, radius 1', 200));
assert.ok(Math.abs(Math.log10(after('LSTM, forget bias 3', 200))) < 3, 'neither vanishes nor explodes');

// Numbers are finite: in float32 what vanishes is exactly 0 after some steps.
const lost = gradientNorms('RNN, radius 0.5', 200, 'float32').indexOf(0);
console.log(`In float32, the gradient of the RNN of radius 0.5 is exactly 0 from ${lost} steps on.`);
assert.ok(lost > 20 && lost < 200);

const LENGTH = 60;
console.log(`\nWhat was the first of ${LENGTH} bits? Right after learning:\n`);
for (const name of ['RNN, radius 0.5', 'LSTM, forget bias 3'] as const) {
  const right = remembersFirst(name, LENGTH);
  table([[name, `${(100 * right).toFixed(1)} %`]], [22]);
  assert.ok(name.startsWith('RNN') ? right < 0.6 : right > 0.95, `${name}: ${right}`);
}
