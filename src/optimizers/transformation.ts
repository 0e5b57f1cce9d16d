/**
 * Gradient transformations, in the manner of optax: pairs of pure functions that turn gradients into updates and carry
 * their memory as a tree of arrays. `chain` composes them; an optimizer is such a chain.
 */
import { nth } from '../core/axes.js';
import { TreeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { add, convertElementType } from '../lax/index.js';
import { mapTrees } from './trees.js';

/**
 * The type of a transformation's state as a function of the type of the parameters: an interface whose `state` mentions
 * `this['params']`. See {@link AdamState} for one.
 */
export interface StateKind {
  readonly params: unknown;
  readonly state: unknown;
}

/** What parameters may be: a tree of arrays. Not a number, which has no place for a gradient; `object` takes in trees declared as an interface too. */
export type AnyTree = object | null | undefined;

/** The state that a {@link StateKind} has for parameters of type `P`. */
export type StateFor<F extends StateKind, P> = (F & { readonly params: P })['state'];

/**
 * What some transformations need to know besides gradients and parameters: line searches evaluate the loss. Each takes
 * what it needs, {@link chain} and the wrappers pass all of it on.
 */
export interface UpdateExtra<P> {
  /** The loss at `params`, a scalar. */
  readonly value?: NDArray;
  /** Its gradient there. {@link chain} fills it in with the updates that it is given itself. */
  readonly gradient?: P;
  /** The loss as a function of the parameters. It is traced; it may close over the batch. */
  readonly valueFn?: (params: P) => NDArray;
}

/**
 * A gradient transformation. `P` is any tree of arrays: an array, or tuples and objects of trees.
 *
 * Both functions are pure, so that they can be jitted, with the state donated.
 */
export interface GradientTransformation<F extends StateKind> {
  /** Only for the type checker. */
  readonly kind?: F;
  /** The state before the first update. */
  readonly init: <P extends AnyTree>(params: P) => StateFor<F, P>;
  /** Updates in the structure of the gradients, and the next state; some transformations need the parameters too. */
  readonly update: <P extends AnyTree>(
    updates: P,
    state: StateFor<F, NoInfer<P>>,
    params?: NoInfer<P>,
    extra?: UpdateExtra<NoInfer<P>>,
  ) => readonly [updates: P, state: StateFor<F, P>];
}

/** Any transformation, its state's type forgotten: what {@link chain} takes. */
export interface AnyTransformation {
  readonly kind?: StateKind;
  readonly init: (params: never) => unknown;
  readonly update: (
    updates: never,
    state: never,
    params?: never,
    extra?: never,
  ) => readonly [updates: unknown, state: unknown];
}

/** The {@link StateKind} of a transformation. */
export type KindOf<T extends AnyTransformation> = T extends { readonly kind?: infer F }
  ? F extends StateKind
    ? F
    : never
  : never;

/**
 * The type of the state that the transformation `T` has for parameters of type `P`, for annotations:
 * `(s: optimizers.StateOf<typeof opt, typeof params>) => …`.
 */
export type StateOf<T extends AnyTransformation, P> = StateFor<KindOf<T>, P>;

type ChainStates<T extends readonly AnyTransformation[], P> = { readonly [K in keyof T]: StateFor<KindOf<T[K]>, P> };

/** The state of a {@link chain}: the states of its parts. */
export interface ChainState<T extends readonly AnyTransformation[]> extends StateKind {
  readonly state: ChainStates<T, this['params']>;
}

/** No state. */
export interface EmptyState extends StateKind {
  readonly state: readonly [];
}

/**
 * Parameters plus updates, leaf by leaf, in the dtype of the parameters.
 *
 * @throws TreeError when the structures differ, ShapeError when the shapes of a leaf do, both with its path.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const params = { w: np.array([1, 2]), b: np.array(0) };
 * const updates = { w: np.array([0.5, 0]), b: np.array(-1) };
 * optimizers.applyUpdates(params, updates); // => { b: -1, w: [1.5, 2] }
 * ```
 */
export const applyUpdates = <P extends AnyTree>(params: P, updates: NoInfer<P>): P =>
  mapTrees('applyUpdates', (p, u) => add(p, convertElementType(u, p.dtype)), params, updates);

/** Some state: a tree of arrays that only its transformation looks into. */
export interface SomeState extends StateKind {
  readonly state: object;
}

/** A transformation, the type of its state forgotten. */
export type ErasedTransformation = GradientTransformation<SomeState>;

/**
 * Forgets the type of a transformation's state, which a list of several cannot keep.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const params = { w: np.array([1]) };
 * const all = [optimizers.sgd(0.1), optimizers.adam(0.1)].map((each) => optimizers.erase(each));
 * all.map((each) => each.update({ w: np.array([2]) }, each.init(params))[0].w.js()); // => [[-0.2], [-0.1]]
 * ```
 */
export const erase = (given: AnyTransformation): ErasedTransformation =>
  // Sound for states that the transformation's own init and update made, which is where states come from.
  given as unknown as ErasedTransformation;

/** A transformation without its types: for loops over parts, and for wrappers that hand on a part of a tree. */
export interface Untyped {
  readonly init: (params: unknown) => unknown;
  readonly update: (
    updates: unknown,
    state: unknown,
    params: unknown,
    extra: UpdateExtra<unknown> | undefined,
  ) => readonly [unknown, unknown];
}
// Each part gets states that it made itself, and updates of the structure that the signature of the whole promises.
export const untyped = (t: AnyTransformation): Untyped => t as unknown as Untyped;

/** The other way round: what the caller builds has the state of kind `F`, and gives updates of the structure of its gradients. */
export const typed = <F extends StateKind>(t: Untyped): GradientTransformation<F> =>
  t as unknown as GradientTransformation<F>;

const chains = new WeakMap<AnyTransformation, readonly AnyTransformation[]>();

/** The transformations that `chain` made this one of; another one is its own only part. */
export const partsOf = (t: AnyTransformation): readonly AnyTransformation[] => chains.get(t) ?? [t];

/**
 * Transformations one after the other: the updates of each are the gradients of the next. The state is the list of
 * their states. `chain()` is the identity.
 *
 * @throws From `update`, TreeError for the state of another optimizer.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.chain(optimizers.trace(0.9), optimizers.scale(-0.1));
 * const params = { w: np.array([1, 2]) };
 * const [updates] = opt.update({ w: np.array([1, 1]) }, opt.init(params));
 * updates.w.js(); // => [-0.1, -0.1]
 * ```
 */
export function chain<const T extends readonly AnyTransformation[]>(
  ...parts: T
): GradientTransformation<ChainState<T>> {
  const init = (params: unknown): unknown => parts.map((t) => untyped(t).init(params));
  const update: Untyped['update'] = (updates, state, params, extra) => {
    if (!Array.isArray(state) || state.length !== parts.length) {
      throw new TreeError(
        `chain: expected a list of the states of its ${parts.length} parts; use what this optimizer's init or update returned.${userLine()}`,
      );
    }
    let current = updates;
    const known = extra === undefined || 'gradient' in extra ? extra : { ...extra, gradient: updates };
    const next = parts.map((t, i) => {
      const [out, s] = untyped(t).update(current, nth<unknown>(state, i), params, known);
      current = out;
      return s;
    });
    return [current, next];
  };
  const made = typed<ChainState<T>>({ init, update });
  chains.set(made, parts);
  return made;
}

/**
 * The transformation that changes nothing.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.identity();
 * opt.update(np.array([1, 2]), opt.init(np.array([0, 0])))[0].js(); // => [1, 2]
 * ```
 */
export const identity = (): GradientTransformation<EmptyState> => ({
  init: () => [],
  update: (updates, state) => [updates, state],
});
