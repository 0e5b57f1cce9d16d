/** Paths down the mountain, each one compiled loop. */
import { grad, jit, lax, numpy as np, optimizers, random, tree } from 'cotangent';
import type { NDArray } from 'cotangent';
import type { Line, Memory } from './cheat-sheet.js';
import { height } from './landscape.js';

export const STEPS = 200;
const f64 = { dtype: 'float64' } as const;

/**
 * What a sample says is the height on a slope of its own. The slopes of all samples add up to 0, so that their mean is the height.
 */
export const SAMPLES = 64;
const drawn = random.normal(random.key(3), [SAMPLES, 2], f64);
export const slopes = drawn.sub(drawn.mean(0));

/** J(θ; samples), the mean over some of the samples. */
export const cost = (theta: NDArray, samples: NDArray): NDArray => height(theta).add(samples.mean(0).mul(theta).sum());

export interface Descent<F extends optimizers.StateKind> {
  readonly optimizer: optimizers.GradientTransformation<F>;
  /** How many samples a step looks at; all of them by default. */
  readonly samples?: number;
}

/** The points [STEPS + 1, 2] that an optimizer comes by from a start. */
export function path<F extends optimizers.StateKind>(
  { optimizer, samples = SAMPLES }: Descent<F>,
  start: NDArray,
): NDArray {
  // The loop carries the arrays of the state, the optimizer sees its tree.
  const [memory, structure] = tree.flatten<NDArray>(optimizer.init(start) as object);
  const step = ([theta, arrays]: readonly [NDArray, readonly NDArray[]], key: NDArray) => {
    const some = samples === SAMPLES ? slopes : np.take(slopes, random.randint(key, [samples], 0, SAMPLES), 0);
    const state = tree.unflatten(structure, arrays) as optimizers.StateFor<F, NDArray>;
    const [updates, next] = optimizer.update(grad(cost)(theta, some), state, theta);
    return [[optimizers.applyUpdates(theta, updates), tree.leaves<NDArray>(next as object)], theta] as const;
  };
  const keys = random.split(random.key(0), STEPS + 1);
  return jit((from: NDArray) => lax.scan(step, [from, memory] as const, keys)[1])(start);
}

/** The points that a line of the cheat sheet comes by. */
export function pathOf(line: Line, start: NDArray, steps = STEPS): NDArray {
  const gradient = (theta: NDArray): NDArray => grad(cost)(theta, slopes);
  const step = (memory: Memory, t: NDArray) => [line(memory, gradient, t), memory[0]] as const;
  const zero = np.zeros([2], f64);
  return jit((from: NDArray) => lax.scan(step, [from, zero, zero], np.arange(1, steps + 2, 1, f64))[1])(start);
}
