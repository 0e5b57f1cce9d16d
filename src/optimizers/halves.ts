/**
 * Float16 in optimizers: squares of gradients overflow from 256 and vanish below 2.4e-4, eps vanishes, and a decaying mean
 * soon moves by less than half a unit. So what has squares or means computes, and remembers, in float32.
 */
import { widenHalf } from '../lax/convert.js';
import { NDArray } from '../core/ndarray.js';
import { leaves } from '../core/tree.js';
import * as lax from '../lax/index.js';

import type { AnyTree, GradientTransformation, StateKind, UpdateExtra } from './transformation.js';
import { mapTrees } from './trees.js';

const hasHalves = (tree: unknown): boolean =>
  leaves<unknown>(tree).some((x) => x instanceof NDArray && x.dtype === 'float16');

/** `tree` in the dtypes of `like`. */
const narrow = <P>(op: string, tree: P, like: P): P =>
  mapTrees(op, (x, l) => lax.convertElementType(x, l.dtype), tree, like);

/**
 * A transformation for which halves are float32: gradients and parameters come to it so, its state is so, and the
 * updates are rounded to halves again.
 */
export const inFloat32 = <F extends StateKind>(
  op: string,
  inner: GradientTransformation<F>,
): GradientTransformation<F> => {
  const widen = <P>(tree: P): P => mapTrees(op, widenHalf, tree);
  return {
    init: (params) => inner.init(hasHalves(params) ? widen(params) : params),
    update: <P extends AnyTree>(...[updates, state, params, extra]: Parameters<typeof inner.update<P>>) => {
      if (!hasHalves(updates)) return inner.update<P>(updates, state, params, extra);
      const { gradient, valueFn } = extra ?? {};
      const known: UpdateExtra<P> = {
        ...extra,
        ...(gradient === undefined ? {} : { gradient: widen(gradient) }),
        ...(valueFn === undefined ? {} : { valueFn: (p) => valueFn(narrow(op, p, updates)) }),
      };
      const [changed, next] = inner.update<P>(widen(updates), state, params && widen(params), known);
      return [narrow(op, changed, updates), next];
    },
  };
};
