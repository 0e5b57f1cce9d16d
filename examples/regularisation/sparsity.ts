/**
 * L1 makes weights zero, L2 makes them small. Linear regression where 5 of 20 features matter; L1 by proximal gradient steps,
 * w ← S(w - ε∇J, ελ) with the soft threshold S (ISTA), whose zeros are exact, and by the subgradient of `stax.l1`, whose
 * zeros are not.
 */
import assert from 'node:assert/strict';
import { grad, jit, lax, numpy as np, random, stax, vmap } from 'cotangent';
import type { NDArray } from 'cotangent';
import { numbers } from './topic.js';
import type { Point, Topic } from './topic.js';

const [ROWS, FEATURES, RELEVANT] = [60, 20, 5];
const [EPSILON, STEPS] = [0.2, 3000];
const DTYPE = { dtype: 'float64' } as const;
/** Below this a weight counts as near zero. */
const NEAR = 1e-3;

const softThreshold = (w: NDArray, t: NDArray): NDArray => np.sign(w).mul(np.maximum(w.abs().sub(t), 0));

export function sparsity(): Topic {
  const [forX, forNoise] = random.spawn(random.key(3));
  const X = random.normal(forX, [ROWS, FEATURES], DTYPE);
  const truth = np.array([3, -2, 1.5, -1, 0.5, ...numbers(FEATURES - RELEVANT).map(() => 0)], 'float64');
  const y = X.matmul(truth).add(random.normal(forNoise, [ROWS], DTYPE));
  const J = (w: NDArray): NDArray => np.square(X.matmul(w).sub(y)).mean().mul(0.5);

  type Step = (w: NDArray, lambda: NDArray) => NDArray;
  const descend = (w: NDArray): NDArray => w.sub(grad(J)(w).mul(EPSILON));
  const penalised =
    (penalty: stax.Regularizer): Step =>
    (w, lambda) =>
      w.sub(grad((v: NDArray) => J(v).add(penalty(v).mul(lambda)))(w).mul(EPSILON));
  const steps: Record<string, Step> = {
    'L1, proximal: zero': (w, lambda) => softThreshold(descend(w), lambda.mul(EPSILON)),
    'L1, subgradient: zero': penalised(stax.l1(1)),
    'L2: zero': penalised(stax.l2(0.5)),
  };

  // λ from far below the largest correlation of a feature with the answers, from which on L1 leaves nothing, to above it.
  const largest = Number(np.max(X.T.matmul(y).abs()).item()) / ROWS;
  const lambdas = np.array(
    numbers(27).map((i) => largest * 10 ** (-3 + i / 8)),
    'float64',
  );
  const fit = (step: Step) =>
    jit(vmap((lambda: NDArray) => lax.foriLoop(0, STEPS, (_i, w) => step(w, lambda), np.zeros([FEATURES], 'float64'))));
  const fits = Object.entries(steps).map(([name, step]) => [name, fit(step)(lambdas)] as const);

  const share = (isSo: NDArray): number[] => [...isSo.astype('float64').mean(1).dataSync()].map(Number);
  const zero = fits.map(([name, W]): [string, number[]] => [name, share(np.equal(W, 0))]);
  const near = fits
    .slice(1)
    .map(([name, W]): [string, number[]] => [name.replace('zero', 'near zero'), share(np.less(W.abs(), NEAR))]);
  const [, lasso] = fits[0] ?? assert.fail();

  // The lasso's optimality: |∂J/∂wᵢ| ≤ λ where wᵢ = 0, and ∂J/∂wᵢ = -λ sign(wᵢ) elsewhere.
  const slope = vmap(grad(J))(lasso);
  const bound = lambdas.reshape([-1, 1]);
  const violation = np.where(
    np.equal(lasso, 0),
    np.maximum(slope.abs().sub(bound), 0),
    slope.add(bound.mul(np.sign(lasso))).abs(),
  );
  const worst = Number(violation.max().item());
  assert.ok(worst < 1e-9, `not the lasso's minimum: ${worst}`);

  const [proximal = [], subgradient = [], ridge = []] = zero.map(([, shares]) => shares);
  assert.equal(proximal.at(-1), 1, 'λ above the largest correlation leaves no weight');
  assert.ok(
    [...subgradient, ...ridge].every((value) => value === 0),
    'only the proximal step makes zeros',
  );
  const at = numbers(lambdas.size).find((i) => (proximal[i] ?? 0) >= 1 - RELEVANT / FEATURES) ?? assert.fail();
  const percent = (value = NaN): string => `${(100 * value).toFixed(0)} %`;
  const [, nearOfRidge = []] = near[1] ?? [];
  const xs = [...lambdas.dataSync()].map(Number);
  const points = [...zero.slice(0, 1), ...near].flatMap(([of, shares]): Point[] =>
    shares.map((share_, i) => ({ x: xs[i] ?? NaN, y: 100 * share_, of })),
  );
  return {
    title: 'Sparsity',
    lines: [
      `${FEATURES} features, ${RELEVANT} of which matter; at λ = ${(xs[at] ?? NaN).toFixed(2)} L1 by proximal steps has ${percent(proximal[at])} zeros,`,
      `L2 ${percent(ridge[at])} (and ${percent(nearOfRidge[at])} below ${NEAR}); L1 by subgradients 0 % exact ones at any λ.`,
      `The proximal steps end at the lasso's minimum: its conditions hold to ${worst.toExponential(0)}.`,
    ],
    panels: [{ title: 'Sparsity', x: 'λ', y: 'weights (%)', points, log: ['x'] }],
  };
}
