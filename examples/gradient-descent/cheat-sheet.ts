/**
 * The lines of the cheat sheet of optimizers, as it has them: from (θ, v or a running mean) and ∇J to the next. What they remember
 * begins as zeros.
 */
import { numpy as np } from 'cotangent';
import type { NDArray } from 'cotangent';

export type Gradient = (theta: NDArray) => NDArray;
/** θ and what is remembered of earlier steps. */
export type Memory = readonly [theta: NDArray, m: NDArray, n: NDArray];
/** The step that is the `t`th, from 1. */
export type Line = (memory: Memory, grad: Gradient, t: NDArray) => Memory;

/** E ← β E + (1 - β) x. */
const running = (mean: NDArray, x: NDArray, beta: number): NDArray => mean.mul(beta).add(x.mul(1 - beta));

/** θ = θ - α ∇J(θ). */
export const gradientDescent =
  (alpha: number): Line =>
  ([theta, v, n], grad) => [theta.sub(grad(theta).mul(alpha)), v, n];

/** v = γ v + η ∇J(θ), θ = θ - α v. */
export const momentum =
  (alpha: number, gamma: number, eta = 1): Line =>
  ([theta, v, n], grad) => {
    const next = v.mul(gamma).add(grad(theta).mul(eta));
    return [theta.sub(next.mul(alpha)), next, n];
  };

/** v = γ v + η ∇J(θ - γ v), θ = θ - v: the sheet's α is 1, so that the gradient is where the momentum leads. */
export const acceleration =
  (gamma: number, eta: number): Line =>
  ([theta, v, n], grad) => {
    const next = v.mul(gamma).add(grad(theta.sub(v.mul(gamma))).mul(eta));
    return [theta.sub(next), next, n];
  };

/** θ = θ - η / (√G + ε) ∇J(θ), G the sum of all ∇J². */
export const adagrad =
  (eta: number, epsilon: number): Line =>
  ([theta, v, G], grad) => {
    const g = grad(theta);
    const next = G.add(g.square());
    return [theta.sub(g.mul(eta).div(next.sqrt().add(epsilon))), v, next];
  };

/** θ = θ - η / (√E[G] + ε) ∇J(θ), E a running mean. The sheet calls it Adadelta; it is RMSprop. */
export const runningAdagrad =
  (eta: number, beta: number, epsilon: number): Line =>
  ([theta, v, G], grad) => {
    const g = grad(theta);
    const next = running(G, g.square(), beta);
    return [theta.sub(g.mul(eta).div(next.sqrt().add(epsilon))), v, next];
  };

/** θ = θ - η / (√E[G] + ε) E[g], the weights of both means divided by their sum, 1 - βᵗ. */
export const adam =
  (eta: number, beta1: number, beta2: number, epsilon: number): Line =>
  ([theta, m, G], grad, t) => {
    const g = grad(theta);
    const [mean, square] = [running(m, g, beta1), running(G, g.square(), beta2)];
    const weights = (beta: number): NDArray => np.expm1(t.mul(Math.log(beta))).neg();
    const step = mean.div(weights(beta1)).div(square.div(weights(beta2)).sqrt().add(epsilon));
    return [theta.sub(step.mul(eta)), mean, square];
  };
