/**
 * Gradient descent: a hiker in the fog, who sees nothing but how steep it is where she stands.
 *
 * 1. What the derivative says of small steps.
 * 2. Hikers from many places, some of whom end in a hollow still up the mountain: `out/hikers.svg`.
 * 3. The cheat sheet of optimizers: each line as it is written there against the optimizer of the library, then the paths of all
 *    down a winding ravine: `out/gradient-descent.svg`.
 *
 *     npm run example gradient-descent
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { grad, numpy as np, optimizers, vmap } from 'cotangent';
import type { NDArray } from 'cotangent';
import * as sheet from './cheat-sheet.js';
import { height } from './landscape.js';
import { path, pathOf, STEPS } from './paths.js';
import { hikersSvg, listOf, pathsSvg } from './pictures.js';

const f64 = { dtype: 'float64' } as const;

// 1. f(x + ε) ≈ f(x) + ε f'(x): what is missing is ε² f''(x) / 2. And f(x - ε sign f'(x)) < f(x).
const f = (x: NDArray): NDArray => np.sin(x).add(x.square().mul(0.1));
const at = np.array(1, f64);
const slope = grad(f)(at);
console.log(`f(x) = sin x + x² / 10 at x = 1; f'(x) = ${Number(slope).toFixed(6)}\n`);
console.log("  ε       f(x + ε) - f(x) - ε f'(x)   f(x - ε sign f'(x)) - f(x)");
for (const epsilon of [0.1, 0.01, 0.001]) {
  const missing = Number(f(at.add(epsilon)).sub(f(at)).sub(slope.mul(epsilon)));
  const gained = Number(f(at.sub(np.sign(slope).mul(epsilon))).sub(f(at)));
  console.log(`  ${String(epsilon).padEnd(8)}${missing.toExponential(2).padEnd(28)}${gained.toExponential(2)}`);
  // |f''| is below 1 around x.
  assert.ok(Math.abs(missing) < epsilon ** 2 && gained < 0);
}

// Where ∇f = 0 can be solved, one jump is enough: a x² + b x + c has a constant f'', and x - f'(x) / f''(x) is -b / 2a.
const parabola = (x: NDArray): NDArray => x.square().mul(3).sub(x.mul(12)).add(5);
const jump = at.add(5).sub(grad(parabola)(at.add(5)).div(grad(grad(parabola))(at.add(5))));
console.log(`\n3 x² - 12 x + 5 has its critical point at ${Number(jump)}, one jump from 6.`);
assert.equal(Number(jump), 2);

// 2. Hikers, all at once: the path is a function of the start, and vmap makes it one of many starts.
const grid = np.meshgrid([np.linspace(-5, 3, 9, f64), np.linspace(-2.5, 2.5, 6, f64)]);
const starts = np.stack(grid, -1).reshape([-1, 2]);
const hikers = vmap((start: NDArray) => pathOf(sheet.gradientDescent(0.15), start, 400))(starts);
const ends = hikers.slice([], -1);
const heights = [...height(ends).dataSync()].map(Number);
const steepest = Math.max(...vmap(grad(height))(ends).abs().max(1).dataSync());
const lucky = heights.map((h) => h < 0.1);
const stuck = heights.filter((h) => h >= 0.1);
await mkdir('out', { recursive: true });
await writeFile(
  'out/hikers.svg',
  await hikersSvg(
    'Hikers in the fog: blue got down, red did not',
    lucky.map((l, i) => ({ points: listOf(hikers.slice(i)), color: l ? '#08519c' : '#d7301f' })),
  ),
);
console.log(
  `\n${starts.length} hikers: ${lucky.filter(Boolean).length} are down, ${stuck.length} are in a hollow at height`,
);
console.log(
  `${(stuck[0] ?? NaN).toFixed(3)}. It is level where they stand: no |∂f| is above ${steepest.toExponential(1)}.`,
);
assert.ok(steepest < 0.01);
assert.ok(stuck.length > 3 && stuck.length < starts.length / 2);
assert.ok(stuck.every((h) => Math.abs(h - (stuck[0] ?? NaN)) < 1e-6));

// 3. The lines of the cheat sheet are the optimizers, but for the order of roundings. Near the deepest point RMSprop's steps do not
// shrink with the gradient: it hops about, and there what was a rounding grows. So only the steps before that are compared.
const COMPARED = 100;
const start = np.array([-4.8, 2.4], f64);
// With acceleration, the optimizer is where the sheet takes the gradient, at θ - γ v, and v is the last step.
const accelerated = pathOf(sheet.acceleration(0.9, 0.05), start);
const ahead = accelerated.add(np.diff(accelerated, 1, 0, { prepend: start.reshape([1, 2]) }).mul(0.9));
const pairs: Record<string, readonly [NDArray, NDArray]> = {
  'gradient descent': [pathOf(sheet.gradientDescent(0.3), start), path({ optimizer: optimizers.sgd(0.3) }, start)],
  momentum: [pathOf(sheet.momentum(0.1, 0.9, 0.5), start), path({ optimizer: optimizers.momentum(0.05, 0.9) }, start)],
  'momentum + acceleration': [ahead, path({ optimizer: optimizers.nesterov(0.05, 0.9) }, start)],
  Adagrad: [pathOf(sheet.adagrad(0.6, 1e-10), start), path({ optimizer: optimizers.adagrad(0.6) }, start)],
  'Adadelta of the sheet: RMSprop': [
    pathOf(sheet.runningAdagrad(0.05, 0.9, 1e-8), start),
    path({ optimizer: optimizers.rmsprop(0.05, { decay: 0.9 }) }, start),
  ],
  Adam: [pathOf(sheet.adam(0.2, 0.9, 0.999, 1e-8), start), path({ optimizer: optimizers.adam(0.2) }, start)],
};
console.log(`\nThe cheat sheet's lines against the optimizers, largest difference in ${COMPARED} steps:\n`);
for (const [name, [byHand, ours]] of Object.entries(pairs)) {
  const difference = Number(byHand.sub(ours).slice([0, COMPARED]).abs().max());
  console.log(`  ${name.padEnd(32)}${difference.toExponential(1)}`);
  assert.ok(difference < 1e-12, `${name}: ${difference}`);
}

const descents: Record<string, NDArray> = {
  'gradient descent': path({ optimizer: optimizers.sgd(0.3) }, start),
  'stochastic, 1 sample': path({ optimizer: optimizers.sgd(0.1), samples: 1 }, start),
  'mini-batch, 16 samples': path({ optimizer: optimizers.sgd(0.2), samples: 16 }, start),
  momentum: path({ optimizer: optimizers.momentum(0.05, 0.9) }, start),
  'momentum + acceleration': path({ optimizer: optimizers.nesterov(0.05, 0.9) }, start),
  Adagrad: path({ optimizer: optimizers.adagrad(0.6) }, start),
  Adadelta: path({ optimizer: optimizers.adadelta(1, { rho: 0.95, eps: 1e-3 }) }, start),
  RMSprop: path({ optimizer: optimizers.rmsprop(0.05, { decay: 0.9 }) }, start),
  Adam: path({ optimizer: optimizers.adam(0.2) }, start),
  Adamax: path({ optimizer: optimizers.adamax(0.3) }, start),
  NAdam: path({ optimizer: optimizers.nadam(0.2) }, start),
  Lion: path({ optimizer: optimizers.lion(0.045) }, start),
};
const SHOWN = [0, 20, 50, 100, STEPS];
const BOUND = 0.01;
const row = (name: string, cells: readonly string[]): void => {
  console.log(`  ${name.padEnd(26)}${cells.map((cell) => cell.padEnd(10)).join('')}`.trimEnd());
};
console.log('\nHeight after so many steps:\n');
row('', SHOWN.map(String));
for (const [name, points] of Object.entries(descents)) {
  const heightOf = [...height(points).dataSync()];
  const shown = SHOWN.map((n) => heightOf[n] ?? assert.fail(`no step ${n}`));
  row(
    name,
    shown.map((h) => h.toExponential(1)),
  );
  assert.ok((shown.at(-1) ?? NaN) < BOUND, `${name} ends at ${shown.at(-1)}`);
}
await writeFile('out/gradient-descent.svg', await pathsSvg(new Map(Object.entries(descents))));
console.log('\nWritten to out/: hikers.svg, gradient-descent.svg');
