/**
 * Weight decay in three forms that are one: the gradient of the penalised loss, the weights that shrink before the step, and
 * an optimizer that is given the loss with `stax.regularization`.
 */
import assert from 'node:assert/strict';
import { grad, jit, numpy as np, optimizers, random, ravelPytree, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { crossEntropy, numbers, twoMoons } from './topic.js';
import type { Data, Point, Topic } from './topic.js';

const [EPSILON, STEPS] = [0.3, 100];
const DTYPE = { dtype: 'float64' } as const;
/** Sums of the three forms are rounded in another order; each of 100 steps may lose a few units of 2⁻⁵³. */
const ROUNDING = 1e-13;

const decayed = (alpha: number) =>
  stax.regularize(stax.serial(stax.Dense(8, DTYPE), stax.Tanh, stax.Dense(1, DTYPE)), {
    kernel: stax.l2(alpha / 2),
    bias: stax.l2(alpha / 2),
  });

/** The weights as one vector after each step, from the same beginning. */
function iterates({ x, y }: Data, alpha: number): Record<'gradient' | 'shrink' | 'optimizer', NDArray[]> {
  const net = decayed(alpha);
  const [init, apply] = net;
  const { params } = init(random.key(1), [-1, 2]);
  const [start, unravel] = ravelPytree(params);

  const J = (w: NDArray): NDArray => crossEntropy(apply(unravel(w), x), y);
  const gradient = jit((w: NDArray) => w.sub(w.mul(alpha).add(grad(J)(w)).mul(EPSILON)));
  const shrink = jit((w: NDArray) => w.mul(1 - EPSILON * alpha).sub(grad(J)(w).mul(EPSILON)));

  const sgd = optimizers.sgd(EPSILON);
  const penalised = (w: NDArray): NDArray => J(w).add(stax.regularization(net)(unravel(w)));
  const optimizer = jit((w: NDArray) => optimizers.applyUpdates(w, sgd.update(grad(penalised)(w), sgd.init(w), w)[0]));

  const run = (step: (w: NDArray) => NDArray): NDArray[] =>
    numbers(STEPS).reduce<NDArray[]>((ws) => [...ws, step(ws.at(-1) ?? start)], []);
  return { gradient: run(gradient), shrink: run(shrink), optimizer: run(optimizer) };
}

const largestDifference = (as: readonly NDArray[], bs: readonly NDArray[]): number =>
  Number(
    np
      .stack([...as])
      .sub(np.stack([...bs]))
      .abs()
      .max(),
  );

export function weightDecay(): Topic {
  const moons = twoMoons(random.key(0), 100, 0.2);
  const data = { x: moons.x.astype('float64'), y: moons.y.astype('float64') };
  const alphas = [0, 0.01, 0.1];
  const runs = alphas.map((alpha) => [alpha, iterates(data, alpha)] as const);

  const differences = runs.map(([, { gradient, shrink, optimizer }]) =>
    Math.max(largestDifference(gradient, shrink), largestDifference(gradient, optimizer)),
  );
  const worst = Math.max(...differences);
  assert.ok(worst < ROUNDING, `the forms differ by ${worst}`);

  const norm = (w: NDArray): number => Number(np.sqrt(np.square(w).sum()));
  const points = runs.flatMap(([alpha, { shrink }]): Point[] =>
    shrink.map((w, i) => ({ x: i + 1, y: norm(w), of: `α = ${alpha}` })),
  );
  const last = runs.map(([, { shrink }]) => shrink.slice(-1).map(norm)[0] ?? NaN);
  assert.ok(last.every((value, i) => i === 0 || value < (last[i - 1] ?? 0)));
  return {
    title: 'Weight decay',
    lines: [
      `w - ε(αw + ∇J), (1 - εα)w - ε∇J and optimizers.sgd on the loss + stax.regularization:`,
      `${STEPS} steps, α = ${alphas.join(', ')}, float64: the largest difference of any weight is ${worst.toExponential(1)}.`,
      `‖w‖ at the end: ${last.map((value) => value.toFixed(3)).join(', ')}.`,
    ],
    panels: [{ title: 'Weight decay', x: 'step', y: '‖w‖', points }],
  };
}
