/** Hyperparameters as part of the state: to be read, and changed, between steps of one compiled program. */
import type { DType } from '../core/dtype.js';
import { TreeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { copy } from '../numpy/shape.js';
import { next, scalarOf, zeroCount, type Hyperparameter } from './hyper.js';
import type { LearningRate } from './scaling.js';
import type { GradientTransformation, StateFor, StateKind } from './transformation.js';
import { floatOf } from './trees.js';

/** The values of hyperparameters with names `K`. */
export type Injected<K extends string> = Readonly<Record<K, NDArray>>;

/** What {@link injectHyperparams} remembers. */
export type WithHyperparams<K extends string, S> = {
  readonly count: NDArray;
  /** The hyperparameters, scalars: those of the last update, and those for the next one unless they follow a schedule. */
  readonly hyperparams: Injected<K>;
  readonly inner: S;
};
/** State of {@link injectHyperparams}. */
export interface InjectState<K extends string, F extends StateKind> extends StateKind {
  readonly state: WithHyperparams<K, StateFor<F, this['params']>>;
}

/**
 * An optimizer whose hyperparameters are in its state, as scalars of the float dtype of the parameters: a jitted step need not be
 * compiled again when one changes. Numbers and arrays stay as they are until `state.hyperparams` is replaced; schedules are evaluated before
 * each update. `make` builds the optimizer of arrays, and is called for each update that is traced.
 *
 * @throws What `make` throws; from `update`, TreeError for a state without one of the hyperparameters.
 *
 * @example
 * ```ts
 * import { jit, numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.injectHyperparams(({ rate }) => optimizers.sgd(rate), { rate: 0.5 });
 * const g = np.array([4]);
 * const update = jit((s: optimizers.StateOf<typeof opt, typeof g>) => opt.update(g, s));
 * const [first, state] = update(opt.init(g));
 * const [second] = update({ ...state, hyperparams: { rate: np.array(0.25) } });
 * [first.js(), second.js()]; // => [[-2], [-1]]
 * ```
 */
export function injectHyperparams<K extends string, F extends StateKind>(
  make: (hyperparams: Injected<K>) => GradientTransformation<F>,
  hyperparams: Readonly<Record<K, LearningRate>>,
): GradientTransformation<InjectState<K, F>> {
  const given = Object.entries<LearningRate>(hyperparams);
  // Arrays are copied, so that a step may donate its state.
  const array = (value: Hyperparameter, dtype: DType): NDArray => copy(scalarOf(value, dtype));
  const values = (of: (name: string, value: LearningRate) => NDArray): Injected<K> =>
    // The names are those of `hyperparams`.
    Object.fromEntries(given.map(([name, value]) => [name, of(name, value)])) as Injected<K>;
  return {
    init: (params) => {
      const dtype = floatOf(params);
      const count = zeroCount();
      const start = values((_name, value) => array(typeof value === 'function' ? value(count) : value, dtype));
      return { count, hyperparams: start, inner: make(start).init(params) };
    },
    update: (updates, state, params, extra) => {
      const dtype = floatOf(updates);
      const current: Readonly<Record<string, NDArray>> = state.hyperparams;
      const now = values((name, value) => {
        if (typeof value === 'function') return array(value(state.count), dtype);
        const stored = current[name];
        if (stored !== undefined) return lax.convertElementType(stored, dtype);
        throw new TreeError(
          `injectHyperparams: the state has no hyperparameter ${name}; replace some with ` +
            `{ ...state, hyperparams: { ...state.hyperparams, ${name}: value } }.${userLine()}`,
        );
      });
      const [scaled, inner] = make(now).update(updates, state.inner, params, extra);
      return [scaled, { count: next(state.count), hyperparams: now, inner }];
    },
  };
}
