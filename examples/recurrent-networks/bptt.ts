/**
 * Back-propagation through time by hand, for the recurrent network of "Deep Learning" (Goodfellow, Bengio, Courville, 2016,
 * section 10.2.2): U of the inputs, W of the state, V of the outputs, the same in every step.
 */
import { lax, nn, numpy as np } from 'cotangent';
import type { NDArray } from 'cotangent';

export interface Weights {
  readonly U: NDArray;
  readonly W: NDArray;
  readonly V: NDArray;
  readonly b: NDArray;
  readonly c: NDArray;
}

/** Inputs [steps, features], and the class of each step, one-hot [steps, classes]. */
export interface Sequence {
  readonly xs: NDArray;
  readonly ys: NDArray;
}

/** (10.8), (10.9): h(t) = tanh(b + W h(t-1) + U x(t)). */
const state = ({ U, W, b }: Weights, h: NDArray, x: NDArray): NDArray => np.tanh(b.add(W.matmul(h)).add(U.matmul(x)));

/** (10.10): o(t) = c + V h(t). */
const output = ({ V, c }: Weights, h: NDArray): NDArray => c.add(V.matmul(h));

/** (10.14): -log of what the softmax of o(t) gives the class. */
const stepLoss = (o: NDArray, y: NDArray): NDArray => nn.logSoftmax(o).mul(y).sum().neg();

const initial = ({ b }: Weights): NDArray => np.zeros(b.shape, b.dtype);

/** The graph folded: a loop. */
export function folded(weights: Weights, { xs, ys }: Sequence): NDArray {
  const step = (h: NDArray, [x, y]: readonly [NDArray, NDArray]) => {
    const next = state(weights, h, x);
    return [next, stepLoss(output(weights, next), y)] as const;
  };
  return lax.scan(step, initial(weights), [xs, ys] as const)[1].sum();
}

/** The graph unfolded: a copy of the cell for each step. */
export function unfolded(weights: Weights, { xs, ys }: Sequence): NDArray {
  let [h, loss] = [initial(weights), np.zeros([], weights.b.dtype)];
  for (const [t, x] of [...xs].entries()) {
    h = state(weights, h, x);
    loss = loss.add(stepLoss(output(weights, h), ys.slice(t)));
  }
  return loss;
}

/** The gradient of the loss by recursion backward in time. */
export function backPropagationThroughTime(weights: Weights, { xs, ys }: Sequence): Weights {
  const { U, W, V, b, c } = weights;
  const steps = xs.length;
  // Forward: h[t] is the state before step t.
  const h = [initial(weights)];
  for (const [t, x] of [...xs].entries()) h.push(state(weights, h[t] ?? b, x));

  let dh = np.zeros(b.shape, b.dtype);
  let gradient: Weights = { U: zeros(U), W: zeros(W), V: zeros(V), b: zeros(b), c: zeros(c) };
  for (let t = steps - 1; t >= 0; t--) {
    const [before = b, now = b] = h.slice(t, t + 2);
    // (10.18): ∇o(t) = ŷ(t) - y(t).
    const dO = nn.softmax(output(weights, now)).sub(ys.slice(t));
    // (10.19) at the last step, (10.21) at the others; dh is what comes from the step after.
    const dHere = V.transpose().matmul(dO).add(dh);
    // diag(1 - h(t)²) ∇h(t), the gradient before the tanh.
    const dA = np.subtract(1, now.square()).mul(dHere);
    dh = W.transpose().matmul(dA);
    // (10.22) to (10.28): the weights are the same in every step, so their gradients add up.
    gradient = {
      c: gradient.c.add(dO),
      b: gradient.b.add(dA),
      V: gradient.V.add(np.outer(dO, now)),
      W: gradient.W.add(np.outer(dA, before)),
      U: gradient.U.add(np.outer(dA, xs.slice(t))),
    };
  }
  return gradient;
}

const zeros = (x: NDArray): NDArray => np.zeros(x.shape, x.dtype);
