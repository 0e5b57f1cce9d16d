/** The usual training step: the gradient of a loss, an optimizer's update, and what else a state carries, compiled. */
import { ArgumentError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import {
  applyUpdates,
  type AnyTree,
  type GradientTransformation,
  type StateFor,
  type StateKind,
} from '../optimizers/transformation.js';
import { userLine } from '../core/source.js';
import { leaves } from '../core/tree.js';
import { foldIn, key as makeKey } from '../random/key.js';
import { valueAndGrad } from '../transforms/grad.js';
import { jit } from '../transforms/jit.js';
import { copyArrays } from './copy.js';

/** What a loss gets besides parameters and batch: what the `apply` of a network of `stax` takes as its context. */
export interface LossContext<S = null> {
  /** Another one in each step. */
  readonly key: NDArray;
  readonly mode: 'train';
  /** Of layers that have one, such as BatchNorm. */
  readonly state: S;
}

/** A loss with the next state of layers that have one, and whatever else is to be reported: scalars. */
export interface LossWith<S> {
  readonly loss: NDArray;
  readonly state?: S;
  readonly metrics?: Readonly<Record<string, NDArray>>;
}

/** A scalar to be minimized, or that and more. */
export type Loss<P, B, S = null> = (params: P, batch: B, context: LossContext<S>) => NDArray | LossWith<S>;

/** What a step of {@link minimize} threads: all that training needs to go on, so that a checkpoint of it resumes exactly. */
export interface TrainState<P, O, S = null> {
  readonly params: P;
  readonly optimizer: O;
  /** Of layers that have one; null if none has. */
  readonly state: S;
  readonly key: NDArray;
}

/** What {@link minimize} takes to begin with; the state, as `init` gave it, where the loss takes one. */
export type Beginning<P, S = null> = {
  readonly params: P;
  /** Of the randomness of training, such as dropout's; `random.key(0)` by default. */
  readonly key?: NDArray;
} & (null extends S ? { readonly state?: S } : { readonly state: S });

/** Options of {@link minimize}. */
export interface MinimizeOptions<P> {
  /** What the parameters go through after each update, such as `stax.constraints(net)`. */
  project?: (params: P) => P;
}

/** The two functions of {@link minimize}. */
export interface Minimizer<P, B, O, S> {
  readonly start: (beginning: Beginning<P, S>) => TrainState<P, O, S>;
  readonly step: (state: TrainState<P, O, S>, batch: B) => readonly [state: TrainState<P, O, S>, metrics: StepMetrics];
}

/** The loss of a step, before its update, and what the loss function reports besides. */
export interface StepMetrics {
  readonly [name: string]: NDArray;
  readonly loss: NDArray;
}

/**
 * A training step that minimizes a loss by an optimizer, and the state that it begins with: for {@link trainWith}. The step is compiled;
 * its metrics are the `loss` and what the loss function reports. The next state takes the place of the old one in memory, which is
 * therefore valid until the next step (keep `tree.map(np.copy, state.params)`); `start` copies the parameters, so that the caller's stay.
 *
 * @throws ArgumentError if the loss is no scalar, or takes a state and returns none.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers, random, stax } from 'cotangent';
 * import type { NDArray } from 'cotangent';
 * import { minimize, run, trainWith } from 'cotangent/train';
 *
 * const [init, apply] = stax.Dense(1);
 * const { params } = init(random.key(0), [-1, 2]);
 * const loss = (p: typeof params, { x, y }: { x: NDArray; y: NDArray }) => apply(p, x).sub(y).square().mean();
 * const { start, step } = minimize(loss, optimizers.sgd(0.3));
 *
 * const x = np.array([[0, 1], [1, 0], [1, 1]]);
 * const batch = { x, y: x.sum(1, { keepdims: true }) };
 * const { state } = await run(trainWith(step, start({ params }))(Array.from({ length: 500 }, () => batch)));
 * np.allclose(state.params.W, 1, { atol: 0.01 }).item(); // => true
 * ```
 */
export function minimize<P extends AnyTree, B, F extends StateKind, S = null>(
  loss: Loss<P, B, S>,
  optimizer: GradientTransformation<F>,
  { project = (params) => params }: MinimizeOptions<P> = {},
): Minimizer<P, B, StateFor<F, P>, S> {
  type State = TrainState<P, StateFor<F, P>, S>;
  const measured = (params: P, batch: B, context: LossContext<S>): readonly [NDArray, Measured<S>] => {
    const result = loss(params, batch, context);
    const { loss: value, state = context.state, metrics = {} } = result instanceof NDArray ? { loss: result } : result;
    if (result instanceof NDArray && leaves<unknown>(context.state).length > 0) {
      throw new ArgumentError(
        'minimize: there is state, but the loss returned none of the next, so that it would stay as it is: return { loss, state } with the ' +
          `state that apply returned, or with that of the context to leave it as it is.${userLine()}`,
      );
    }
    if (value.ndim === 0) return [value, { state, metrics }];
    throw new ArgumentError(
      `minimize: the loss must be a scalar, got shape [${value.shape.join(', ')}]; take its mean.${userLine()}`,
    );
  };
  const step = ({ params, optimizer: before, state, key }: State, batch: B): readonly [State, object] => {
    const context: LossContext<S> = { key: foldIn(key, 0), mode: 'train', state };
    const [[value, aux], gradient] = differentiate((p: P) => measured(p, batch, context))(params);
    // What line searches need; others do not look at it.
    const valueFn = (p: P): NDArray => measured(p, batch, context)[0];
    const [updates, after] = optimizer.update<P>(gradient, before, params, { value, valueFn });
    const moved = project(applyUpdates<P>(params, updates));
    return [
      { params: moved, optimizer: after, state: aux.state, key: foldIn(key, 1) },
      { ...aux.metrics, loss: value },
    ];
  };
  return {
    start: (beginning) => {
      const { params, state = null, key = makeKey(0) } = beginning as Beginning<P, S | null>;
      // Without one, S is null.
      return copyArrays({ params, optimizer: optimizer.init(params), state: state as S, key });
    },
    // jit keeps the types of trees of arrays, which those of a generic tree cannot say.
    step: jit(step as never, { donate: [0] }) as unknown as Minimizer<P, B, StateFor<F, P>, S>['step'],
  };
}

/** What a loss gives besides its value. */
interface Measured<S> {
  readonly state: S;
  readonly metrics: Readonly<Record<string, NDArray>>;
}

/** valueAndGrad by a tree of arrays of any type: the gradient has that type. */
const differentiate = <P, R>(
  f: (params: P) => readonly [NDArray, R],
): ((params: P) => readonly [value: readonly [NDArray, R], gradient: P]) =>
  valueAndGrad(f as never, { hasAux: true } as never) as never;
