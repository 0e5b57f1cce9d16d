/** The mountain: a winding ravine that falls slowly to its deepest point, height 0 at (0, 0), and a hollow on its slope. */
import { nn, numpy as np } from 'cotangent';
import type { NDArray } from 'cotangent';

/** What the picture shows. */
export const [WEST, EAST, SOUTH, NORTH] = [-5.5, 3.5, -3, 3];

/** The height at θ = (x, y); also of many points [..., 2]. */
export function height(theta: NDArray): NDArray {
  const [x, y] = [theta.slice('...', 0), theta.slice('...', 1)];
  const ravine = np
    .square(x)
    .mul(0.06)
    .add(np.square(y.sub(np.sin(x))).mul(0.5));
  const distance = np.square(x.sub(2.4)).add(np.square(y.add(2.1)));
  const hollow = nn
    .relu(np.subtract(1, distance.div(2.4)))
    .pow(3)
    .mul(3.2);
  return ravine.sub(hollow);
}
