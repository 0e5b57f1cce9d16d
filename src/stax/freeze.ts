/** freeze: a layer that is not trained. */
import { NDArray } from '../core/ndarray.js';
import { map } from '../core/tree.js';
import * as lax from '../lax/index.js';
import { describeWrapper, nameOf, untyped, type AnyLayer, type Context } from './layer.js';

/** Options of {@link freeze}. */
export interface FreezeOptions {
  /**
   * The mode the layer is in. By default it is `eval` also in training, as for Keras's layers that are not trainable: BatchNorm
   * uses, and keeps, its running averages, and Dropout drops nothing. `inherit` leaves it to the caller.
   */
  mode?: 'eval' | 'inherit';
}

/**
 * The same layer, or whole network, with parameters that no gradient reaches: the derivative of the output by them is 0. The
 * parameters have the same structure, so that those of a trained network fit, and training goes on with all of them where the
 * network is used without `freeze`. Penalties and constraints do not act on them. An optimizer with weight decay changes
 * parameters without a gradient too: keep it from them by `optimizers.masked`.
 *
 * @example
 * ```ts
 * import { grad, numpy as np, random, stax } from 'cotangent';
 * const [init, apply] = stax.serial(stax.freeze(stax.Dense(3, { W: stax.ones })), stax.Dense(1, { W: stax.ones }));
 * const { params } = init(random.key(0), [-1, 2]);
 * const g = grad((p: typeof params) => apply(p, np.ones([1, 2])).sum())(params);
 * [g[0].W.sum().item(), g[1].W.sum().item()]; // => [0, 6]
 * ```
 */
export function freeze<L extends AnyLayer>(layer: L, { mode = 'eval' }: FreezeOptions = {}): L {
  const { init, apply } = untyped(layer);
  const stop = (leaf: unknown): unknown => (leaf instanceof NDArray ? lax.stopGradient(leaf) : leaf);
  const made = [
    init,
    (params: unknown, x: unknown, context?: Context & { readonly state?: unknown }): unknown =>
      apply(map(stop, params), x, {
        ...context,
        mode: mode === 'eval' ? 'eval' : context?.mode,
        state: context?.state ?? null,
      }),
  ] as unknown as L;
  return describeWrapper(made, layer, (other) => freeze(other, { mode }), {
    name: `freeze(${nameOf(layer)})`,
    trainable: false,
  });
}
