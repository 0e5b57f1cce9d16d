/**
 * Checks Jacobian-gradient products. For a function g of a vector θ, a direction v and a weight c for each output, there
 * are three ways to the number cᵀJv, J being the Jacobian of g at θ, and they must agree:
 *
 *   - forward mode: ⟨c, Jv⟩, the jvp along v;
 *   - reverse mode: ⟨Jᵀc, v⟩, the Jacobian-gradient product that back-propagation is; for a loss, and c = 1, ⟨∇g, v⟩;
 *   - central differences: ⟨c, g(θ + hv) - g(θ - hv)⟩ / 2h.
 *
 * All in float64, where the errors of central differences, O(h²) from curvature and O(ε/h) from rounding, leave about
 * eight digits to compare.
 */
import { jit, jvp, numpy as np, random, vjp } from 'cotangent';
import type { NDArray } from 'cotangent';

/** A part of the parameters, as a range of the vector θ of all of them. */
export interface Part {
  readonly name: string;
  readonly start: number;
  readonly stop: number;
}

/** The number cᵀJv by three ways. */
export interface Checked {
  readonly direction: string;
  readonly forward: number;
  readonly reverse: number;
  readonly difference: number;
  /** The largest difference of two of the three, relative to the size such numbers have here. */
  readonly error: number;
}

/** Of these steps the one that agrees best counts: a ReLU with its kink between θ - hv and θ + hv spoils a step, not all. */
const STEPS = [1e-5, 1e-6, 1e-7, 1e-8];

/** Below this, rounding in g leaves differences too few digits. */
const SMALLEST_SCALE = 1e-3;

/** Checks `g` at `theta` along one random direction in each part, the other parameters staying where they are. */
export function checkProducts(
  g: (theta: NDArray) => NDArray,
  theta: NDArray,
  parts: readonly Part[],
  key: NDArray,
): Checked[] {
  const float64 = { dtype: 'float64' } as const;
  const value = jit(g);
  const derivative = jit((at: NDArray, v: NDArray): NDArray => jvp(g, [at], [v])[1]);
  const pullBack = jit((at: NDArray, c: NDArray): NDArray => vjp(g, [at])[1](c)[0]);

  const { shape } = value(theta);
  const c = shape.length === 0 ? np.array(1, float64) : random.normal(random.foldIn(key, 0), shape, float64);
  const product = pullBack(theta, c);
  const weigh = (out: NDArray): number => Number(out.mul(c).sum().item());

  return parts.map(({ name, start, stop }, n) => {
    const inside = random.normal(random.foldIn(key, n + 1), [stop - start], float64);
    const v = np.zeros([theta.size], float64).at([start, stop]).set(inside);
    const forward = weigh(derivative(theta, v));
    const reverse = Number(product.dot(v).item());
    // ⟨Jᵀc, v⟩ has mean 0 and, v being normal, the norm of Jᵀc as its standard deviation: what its size is measured by.
    const norm = Number(np.sqrt(np.square(product.slice([start, stop])).sum()).item());
    const candidates = STEPS.map((h): Checked => {
      const [ahead, behind] = [value(theta.add(v.mul(h))), value(theta.sub(v.mul(h)))];
      const difference = weigh(ahead.sub(behind)) / (2 * h);
      const ways = [forward, reverse, difference];
      const scale = Math.max(...ways.map(Math.abs), norm, SMALLEST_SCALE);
      return { direction: name, forward, reverse, difference, error: (Math.max(...ways) - Math.min(...ways)) / scale };
    });
    return candidates.reduce((best, next) => (next.error < best.error ? next : best));
  });
}
