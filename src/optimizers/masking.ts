/** Transformations of parts of a tree: `masked` acts on some leaves, `partition` treats groups of leaves differently. */
import { ArgumentError } from '../core/errors.js';
import { userLine } from '../core/source.js';
import type { Tree } from '../core/tree.js';
import { full } from '../lax/index.js';
import { keptBy, part, perLeaf, withPart, type Mask, type Masked } from './masks.js';
import {
  typed,
  untyped,
  type AnyTransformation,
  type EmptyState,
  type GradientTransformation,
  type KindOf,
  type StateFor,
  type StateKind,
  type Untyped,
  type UpdateExtra,
} from './transformation.js';
import { mapTrees } from './trees.js';

/** Runs a transformation on the leaves that are kept; the others of `updates` stay. */
function updatePart(
  op: string,
  inner: Untyped,
  kept: readonly boolean[],
  [updates, state, params, extra]: Parameters<Untyped['update']>,
): readonly [unknown, unknown] {
  const partOf = (tree: unknown): unknown => (tree === undefined ? undefined : part(tree, kept));
  const { valueFn, gradient } = extra ?? {};
  const known: UpdateExtra<unknown> | undefined = extra && {
    ...extra,
    ...(gradient === undefined ? {} : { gradient: part(gradient, kept) }),
    // The other parameters stay where they are.
    ...(valueFn === undefined ? {} : { valueFn: (some) => valueFn(withPart(op, params, kept, some)) }),
  };
  const [changed, next] = inner.update(part(updates, kept), state, partOf(params), known);
  return [withPart(op, updates, kept, changed), next];
}

/** State of {@link masked}: that of the transformation, for the leaves it acts on; `null` is in place of the others. */
export interface MaskedState<F extends StateKind> extends StateKind {
  readonly state: StateFor<F, Masked<this['params']>>;
}

/**
 * A transformation that acts on some leaves and leaves the updates of the others as they are. It has no state for the
 * others, and takes norms (`clipByGlobalNorm`, `scaleByTrustRatio`) of its own leaves only.
 *
 * @throws ArgumentError for a mask with other leaves than booleans; TreeError for one of another structure.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.masked(optimizers.scale(10), { w: true, b: false });
 * const g = { w: np.array([1, 2]), b: np.array(3) };
 * opt.update(g, opt.init(g))[0]; // => { b: 3, w: [10, 20] }
 * ```
 */
export function masked<F extends StateKind>(
  inner: GradientTransformation<F>,
  mask: Mask,
): GradientTransformation<MaskedState<F>> {
  const op = 'masked';
  const plain = untyped(inner);
  return typed({
    init: (params) => plain.init(part(params, keptBy(op, mask, params))),
    update: (updates, ...rest) => updatePart(op, plain, keptBy(op, mask, updates), [updates, ...rest]),
  });
}

/**
 * Makes all updates 0: what it is chained with moves no parameter.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * optimizers.setToZero().update(np.array([1, -2]), [])[0].js(); // => [0, 0]
 * ```
 */
export const setToZero = (): GradientTransformation<EmptyState> => ({
  init: () => [],
  update: (updates, state) => [mapTrees('setToZero', (g) => full(g.aval.shape, 0, g.dtype), updates), state],
});

/**
 * Keeps the parameters that a mask has where they are: the last of a chain, {@link masked} {@link setToZero}. To spare their
 * state, too, mask the optimizer or use {@link partition}.
 *
 * @throws ArgumentError for a mask with other leaves than booleans; TreeError for one of another structure.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.chain(optimizers.sgd(1), optimizers.freeze([true, false]));
 * const g = [np.array(1), np.array(2)] as const;
 * opt.update(g, opt.init(g))[0]; // => [0, -2]
 * ```
 */
export const freeze = (mask: Mask): GradientTransformation<MaskedState<EmptyState>> => masked(setToZero(), mask);

/**
 * Which transformation a leaf belongs to: a tree of names in the structure of the parameters, of which one name may stand for
 * a whole subtree, or a function that makes such a tree of the parameters.
 */
export type Labels<K extends string> = Tree<K> | ((params: object) => unknown);

/** State of {@link partition}: for each name the state of its transformation, `null` in place of leaves of other names. */
export interface PartitionState<T extends Readonly<Record<string, AnyTransformation>>> extends StateKind {
  readonly state: PartitionStates<T, this['params']>;
}
type PartitionStates<T extends Readonly<Record<string, AnyTransformation>>, P> = {
  readonly [K in keyof T]: StateFor<KindOf<T[K]>, Masked<P>>;
};

/**
 * Different transformations for different parameters, chosen by name; optax knows it also as `multi_transform`.
 *
 * @throws ArgumentError for a label that is no name of a transformation; TreeError for labels of another structure.
 *
 * @example
 * ```ts
 * import { numpy as np, optimizers } from 'cotangent';
 * const opt = optimizers.partition(
 *   { fast: optimizers.sgd(1), still: optimizers.setToZero() },
 *   { encoder: 'still', decoder: 'fast' },
 * );
 * const g = { encoder: [np.array(1), np.array(2)], decoder: { w: np.array([3, 4]) } };
 * opt.update(g, opt.init(g))[0]; // => { decoder: { w: [-3, -4] }, encoder: [0, 0] }
 * ```
 */
export function partition<const T extends Readonly<Record<string, AnyTransformation>>>(
  transformations: T,
  labels: Labels<keyof T & string>,
): GradientTransformation<PartitionState<T>> {
  const op = 'partition';
  const parts = Object.entries(transformations).map(([name, t]) => [name, untyped(t)] as const);
  const labelsOf = (tree: unknown): string[] =>
    perLeaf<string>(op, labels, tree, (value, path): asserts value is string => {
      if (typeof value === 'string' && parts.some(([name]) => name === value)) return;
      throw new ArgumentError(
        `${op}: the label at ${path} is ${typeof value === 'string' ? `'${value}'` : `a ${typeof value}`}, ` +
          `but the transformations are ${parts.map(([name]) => `'${name}'`).join(', ')}.${userLine()}`,
      );
    });
  return typed({
    init: (params) => {
      const names = labelsOf(params);
      return Object.fromEntries(
        parts.map(([name, t]) => [
          name,
          t.init(
            part(
              params,
              names.map((n) => n === name),
            ),
          ),
        ]),
      );
    },
    update: (updates, state, params, extra) => {
      const names = labelsOf(updates);
      const states = state as Readonly<Record<string, unknown>>;
      let current = updates;
      const next = parts.map(([name, t]) => {
        const kept = names.map((n) => n === name);
        const [changed, s] = updatePart(op, t, kept, [current, states[name], params, extra]);
        current = changed;
        return [name, s] as const;
      });
      return [current, Object.fromEntries(next)];
    },
  });
}
