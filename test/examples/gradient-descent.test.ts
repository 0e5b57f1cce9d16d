/** Pieces of the example of gradient descent: samples whose mean is the height, and the cheat sheet's lines by hand. */
import { describe, expect, test } from 'vitest';
import { grad, numpy as np, optimizers, vmap } from 'cotangent';
import type { NDArray } from 'cotangent';
import * as sheet from '../../examples/gradient-descent/cheat-sheet.js';
import { height } from '../../examples/gradient-descent/landscape.js';
import { cost, path, pathOf, slopes } from '../../examples/gradient-descent/paths.js';

const f64 = { dtype: 'float64' } as const;

describe('the mountain', () => {
  test('is deepest at (0, 0), where it is level', () => {
    expect(height(np.array([0, 0], f64)).item()).toBe(0);
    expect(grad(height)(np.array([0, 0], f64)).js()).toEqual([0, 0]);
    const axis = np.linspace(-6, 6, 121, f64);
    expect(
      height(np.stack(np.meshgrid([axis, axis]), -1))
        .min()
        .item(),
    ).toBeGreaterThan(-1e-20);
  });

  test('the mean of the gradients of all samples is its gradient', () => {
    const theta = np.array([-1.3, 0.7], f64);
    const each = vmap((slope: NDArray) => grad(cost)(theta, slope.reshape([1, 2])))(slopes);
    // 64 slopes of about 1 add up to 0 within some roundings.
    expect(np.allclose(each.mean(0), grad(height)(theta), { rtol: 0, atol: 1e-14 }).item()).toBe(true);
  });
});

test('lines of the cheat sheet by hand, two steps on J(θ) = θ²', () => {
  const gradient = (theta: NDArray): NDArray => theta.mul(2);
  const twoSteps = (line: sheet.Line): number => {
    const zero = np.array(0, f64);
    let memory: sheet.Memory = [np.array(1, f64), zero, zero];
    for (const t of [1, 2]) memory = line(memory, gradient, np.array(t, f64));
    return Number(memory[0].item());
  };
  expect(twoSteps(sheet.gradientDescent(0.25))).toBeCloseTo(0.25, 15);
  // v = 2, θ = 0.8; v = 1 + 1.6, θ = 0.8 - 0.26.
  expect(twoSteps(sheet.momentum(0.1, 0.5))).toBeCloseTo(0.54, 15);
  // v = 0.2, θ = 0.8; v = 0.1 + 0.1 · 2 · (0.8 - 0.1), θ = 0.8 - 0.24.
  expect(twoSteps(sheet.acceleration(0.5, 0.1))).toBeCloseTo(0.56, 15);
  // G = 4, θ = 0.9; G = 4 + 3.24, θ = 0.9 - 0.1 · 1.8 / √7.24.
  expect(twoSteps(sheet.adagrad(0.1, 0))).toBeCloseTo(0.9 - 0.18 / Math.sqrt(7.24), 15);
  // E = 1, θ = 0.9; E = 0.75 + 0.81, θ = 0.9 - 0.05 · 1.8 / √1.56.
  expect(twoSteps(sheet.runningAdagrad(0.05, 0.75, 0))).toBeCloseTo(0.9 - 0.09 / Math.sqrt(1.56), 15);
  // The first step is 0.1, whatever the gradient; the second has the means of 2 and 1.8 with the weights β and 1.
  const mean = (0.5 * 2 + 1.8) / 1.5;
  const square = (0.75 * 4 + 3.24) / 1.75;
  expect(twoSteps(sheet.adam(0.1, 0.5, 0.75, 0))).toBeCloseTo(0.9 - (0.1 * mean) / Math.sqrt(square), 14);
});

test('an optimizer that sees all samples takes the path of the line', () => {
  const start = np.array([-2, 1.5], f64);
  const ours = path({ optimizer: optimizers.momentum(0.05, 0.8) }, start);
  const line = pathOf(sheet.momentum(0.1, 0.8, 0.5), start);
  // The same sums in another order, of steps that contract.
  expect(np.allclose(ours, line, { rtol: 1e-12, atol: 1e-12 }).item()).toBe(true);
  expect(ours.shape).toEqual([201, 2]);
  expect(ours.slice(0).js()).toEqual([-2, 1.5]);
});
