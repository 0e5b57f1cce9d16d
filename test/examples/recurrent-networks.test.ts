/** Pieces of the example of recurrent networks: back-propagation through time by hand, and gradients that vanish. */
import { describe, expect, test } from 'vitest';
import { grad, nn, numpy as np, random } from 'cotangent';
import type { NDArray } from 'cotangent';
import { backPropagationThroughTime, folded, unfolded } from '../../examples/recurrent-networks/bptt.js';
import type { Sequence, Weights } from '../../examples/recurrent-networks/bptt.js';
import { gradientNorms } from '../../examples/recurrent-networks/gradients.js';

const f64 = { dtype: 'float64' } as const;
const draw = (n: number, shape: readonly number[]): NDArray => random.normal(random.key(n), shape, f64);

function drawn(steps: number, [features, units, classes]: readonly [number, number, number]): [Weights, Sequence] {
  const weights = {
    U: draw(1, [units, features]),
    W: draw(2, [units, units]),
    V: draw(3, [classes, units]),
    b: draw(4, [units]),
    c: draw(5, [classes]),
  };
  const classOf = random.randint(random.key(7), [steps], 0, classes);
  return [weights, { xs: draw(6, [steps, features]), ys: nn.oneHot(classOf, classes, f64) }];
}

describe('back-propagation through time by hand', () => {
  test.each([
    [1, [2, 3, 4]],
    [2, [1, 1, 2]],
    [9, [3, 5, 2]],
  ] as const)('of %i steps of sizes %j is grad of the loop and of the unfolded graph', (steps, sizes) => {
    const [weights, sequence] = drawn(steps, sizes);
    expect(folded(weights, sequence).item()).toBeCloseTo(Number(unfolded(weights, sequence).item()), 12);
    const byHand = backPropagationThroughTime(weights, sequence);
    for (const gradient of [grad(folded)(weights, sequence), grad(unfolded)(weights, sequence)]) {
      for (const name of ['U', 'W', 'V', 'b', 'c'] as const) {
        // Both are sums of the same products in float64, in other orders.
        const same = np.allclose(byHand[name], gradient[name], { rtol: 1e-12, atol: 1e-12 });
        expect(same.item(), name).toBe(true);
      }
    }
  });
});

test('gradients of an RNN of radius 0.5 shrink at least as 0.5 ** k, those of radius 3 do not', () => {
  const norms = gradientNorms('RNN, radius 0.5', 40);
  expect(norms).toHaveLength(41);
  // |∂h(t)/∂h(t-1)| ≤ 0.5, as tanh' ≤ 1. The direction, 32 normal numbers, is shorter than 10, and the norm of Wi, 128 numbers
  // below √(6 / 36), is less than 5.
  for (const [k, norm] of norms.entries()) expect(norm).toBeLessThan(50 * 0.5 ** k);
  expect(gradientNorms('RNN, radius 3', 40)[40]).toBeGreaterThan(1);
});
