/** Training as one loop on the device: Adam on a loss that draws its own data. */
import { grad, jit, lax, optimizers, random, tree } from 'cotangent';
import type { NDArray } from 'cotangent';

export interface LearnOptions {
  readonly steps: number;
  readonly rate: number;
  readonly seed?: number;
}

/** Parameters after `steps` steps down the gradient of `loss(params, key)`, the data of each step drawn by its own key. */
export function learn<P extends object>(
  start: P,
  loss: (params: P, key: NDArray) => NDArray,
  { steps, rate, seed = 1 }: LearnOptions,
): P {
  const adam = optimizers.adam(rate);
  // The loop carries the arrays of the parameters, the loss sees their tree.
  const [leaves, structure] = tree.flatten<NDArray>(start);
  const netOf = (arrays: readonly NDArray[]): P => tree.unflatten(structure, arrays) as P;
  const run = jit((first: readonly NDArray[], keys: NDArray) => {
    const [[last]] = lax.scan(
      ([net, state], key) => {
        const gradient = grad((at: readonly NDArray[]) => loss(netOf(at), key))(net);
        const [updates, next] = adam.update(gradient, state, net);
        return [[optimizers.applyUpdates(net, updates), next], null];
      },
      [first, adam.init(first)],
      keys,
    );
    return last;
  });
  return netOf(run(leaves, random.split(random.key(seed), steps)));
}
