/** L-BFGS: steps along the gradient times an approximation of the inverse Hessian, made of the last few steps. */
import { checkCount } from '../core/counts.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { scan } from '../control/scan.js';
import * as lax from '../lax/index.js';
import { jvp } from '../transforms/grad.js';
import { ravelPytree } from '../transforms/ravel-pytree.js';
import { inFloat32 } from './halves.js';
import { checkPositive, next, times, zeroCount } from './hyper.js';
import { checkWolfe, strongWolfe, type WolfeOptions } from './line-search.js';
import type { LearningRate } from './scaling.js';
import type { GradientTransformation, StateKind, UpdateExtra } from './transformation.js';
import { needParams } from './trees.js';

/** What L-BFGS remembers; parameters count as one vector of n elements. */
export type LbfgsMemory = {
  readonly count: NDArray;
  /** The gradient at the last update, and the step taken from there, [n]. */
  readonly gradient: NDArray;
  readonly step: NDArray;
  /** The last steps and the differences of the gradients along them, [memorySize, n], the newest last. */
  readonly steps: NDArray;
  readonly differences: NDArray;
  /** 1/(y·s) of each pair, 0 of those that are not there yet. */
  readonly weights: NDArray;
  /** y·s/(y·y) of the newest pair: the first guess of the inverse Hessian. */
  readonly scale: NDArray;
};
/** State of {@link lbfgs}. */
export interface LbfgsState extends StateKind {
  readonly state: LbfgsMemory;
}

/** Options of {@link lbfgs}. */
export interface LbfgsOptions extends WolfeOptions {
  /** How many steps are remembered, 10. */
  memorySize?: number;
  /** `strongWolfe` (the default), which evaluates the loss along the direction, or `none`: the learning rate alone. */
  lineSearch?: 'strongWolfe' | 'none';
}

/** Pairs whose product is below it say nothing about curvature. */
const SMALLEST_CURVATURE = 1e-10;

const dot = (a: NDArray, b: NDArray): NDArray => lax.reduceSum(lax.mul(a, b), [0]);

/** A matrix without its first row and with another last one. */
const pushed = (rows: NDArray, row: NDArray): NDArray =>
  lax.concatenate([lax.sliceInDim(rows, 1, rows.shape[0] ?? 1, 0), lax.expandDims(row, [0])], 0);

/** Minus the gradient times the approximation: the two loops of Nocedal and Wright, algorithm 7.4. */
function direction(gradient: NDArray, { steps, differences, weights, scale }: LbfgsMemory): NDArray {
  const [q, alphas] = scan(
    (v: NDArray, [s, y, rho]: readonly [NDArray, NDArray, NDArray]): [NDArray, NDArray] => {
      const alpha = lax.mul(rho, dot(s, v));
      return [lax.sub(v, lax.mul(y, alpha)), alpha];
    },
    lax.neg(gradient),
    [steps, differences, weights] as const,
    { reverse: true },
  );
  const [d] = scan(
    (v: NDArray, [s, y, rho, alpha]: readonly [NDArray, NDArray, NDArray, NDArray]): [NDArray, null] => [
      lax.add(v, lax.mul(s, lax.sub(alpha, lax.mul(rho, dot(y, v))))),
      null,
    ],
    lax.mul(q, scale),
    [steps, differences, weights, alphas] as const,
  );
  return d;
}

/**
 * L-BFGS (Liu and Nocedal, 1989; Nocedal and Wright, "Numerical optimization", 2006, algorithm 7.5), with a line search of strong
 * Wolfe conditions: for deterministic losses of parameters that are not too many. The line search needs the loss: `update(gradients, state, params,
 * { value, valueFn })`, as `minimize` of `cotangent/train` calls it. The first step is that along the gradient of length learningRate ·
 * min(1, 1/‖g‖₁), the others begin at learningRate. These are the steps of PyTorch's `LBFGS` with `max_iter=1`.
 *
 * @throws ArgumentError for a rate that is not positive, a `memorySize` or `maxSteps` that is no whole number from 1, and unless 0 < c1 < c2 < 1;
 *   from `update`, for a line search without `valueFn` or parameters, and ShapeError for gradients of other parameters.
 *
 * @example
 * ```ts
 * import { jit, numpy as np, optimizers, valueAndGrad } from 'cotangent';
 * // Rosenbrock's valley, whose minimum is at (1, 1).
 * const loss = (v: np.Array) => {
 *   const [x, y] = [v.slice(0), v.slice(1)];
 *   return np.square(np.subtract(1, x)).add(y.sub(x.mul(x)).square().mul(100));
 * };
 * const opt = optimizers.lbfgs();
 * let v = np.array([-1.2, 1], { dtype: 'float64' });
 * let state = opt.init(v);
 * const step = jit((p: np.Array, s: typeof state) => {
 *   const [value, g] = valueAndGrad(loss)(p);
 *   const [updates, next] = opt.update(g, s, p, { value, valueFn: loss });
 *   return [optimizers.applyUpdates(p, updates), next] as const;
 * });
 * for (let i = 0; i < 40; i++) [v, state] = step(v, state);
 * np.allclose(v, 1, { atol: 1e-8 }).item(); // => true
 * ```
 */
export function lbfgs(learningRate: LearningRate = 1, options: LbfgsOptions = {}): GradientTransformation<LbfgsState> {
  const op = 'lbfgs';
  const { memorySize = 10, lineSearch = 'strongWolfe' } = options;
  if (typeof learningRate !== 'function') checkPositive(op, 'the learning rate', learningRate);
  checkCount(op, 'memorySize', memorySize);
  checkWolfe(op, options);
  const rateAt = typeof learningRate === 'function' ? learningRate : () => learningRate;
  return inFloat32(op, {
    init: (params) => {
      const [x] = ravelPytree(params);
      const zeros = (shape: readonly number[]): NDArray => lax.full(shape, 0, x.dtype);
      return {
        count: zeroCount(),
        gradient: zeros([x.size]),
        step: zeros([x.size]),
        steps: zeros([memorySize, x.size]),
        differences: zeros([memorySize, x.size]),
        weights: zeros([memorySize]),
        scale: lax.full([], 1, x.dtype),
      };
    },
    update: (updates, state, params, extra) => {
      const [g, unravel] = ravelPytree(updates);
      if (g.size !== state.gradient.size) {
        throw new ShapeError(
          `${op}: gradients of ${g.size} elements and a state of ${state.gradient.size} parameters; gradients, state and ` +
            `parameters must belong together.${userLine()}`,
        );
      }
      const memory = remember(g, state);
      const d = direction(g, memory);
      const size = lax.reduceSum(lax.abs(g), [0]);
      const shrink = lax.select(lax.eq(state.count, 0), lax.min(lax.div(1, size), 1), lax.scalarLike(1, size));
      const rate = times(shrink, rateAt(state.count));
      const t = lineSearch === 'none' ? rate : searchAlong(needParams(op, params), d, dot(g, d), rate, extra, options);
      const step = lax.mul(d, t);
      // The inverse of the flattening of `updates` has its structure.
      return [unravel(step) as typeof updates, { ...memory, count: next(state.count), gradient: g, step }];
    },
  });
}

/** The memory with the last step in it, if the gradient has changed enough along it. */
function remember(g: NDArray, state: LbfgsMemory): LbfgsMemory {
  const y = lax.sub(g, state.gradient);
  const product = dot(y, state.step);
  const isNew = lax.bitwiseAnd(lax.gt(state.count, 0), lax.gt(product, SMALLEST_CURVATURE));
  const safe = lax.select(isNew, product, lax.scalarLike(1, product));
  const keep = (after: NDArray, before: NDArray): NDArray => lax.select(isNew, after, before);
  const weight = lax.div(1, safe);
  return {
    ...state,
    steps: keep(pushed(state.steps, state.step), state.steps),
    differences: keep(pushed(state.differences, y), state.differences),
    weights: keep(pushed(state.weights, weight), state.weights),
    scale: keep(lax.div(product, dot(y, y)), state.scale),
  };
}

/** How far to go along `d`, from the loss as a function of that. */
function searchAlong<P>(
  params: P,
  d: NDArray,
  slope: NDArray,
  rate: NDArray,
  extra: UpdateExtra<P> | undefined,
  options: LbfgsOptions,
): NDArray {
  const { valueFn, value } = extra ?? {};
  if (valueFn === undefined) {
    throw new ArgumentError(
      `lbfgs: the line search needs the loss: update(gradients, state, params, { value, valueFn }), or { lineSearch: 'none' }.${userLine()}`,
    );
  }
  const [x, unravel] = ravelPytree(params);
  const at = (t: NDArray): NDArray => lax.convertElementType(valueFn(unravel(lax.add(x, lax.mul(d, t))) as P), x.dtype);
  const f = value === undefined ? valueFn(params) : value;
  const origin = { t: lax.full([], 0, x.dtype), f: lax.convertElementType(f, x.dtype), g: slope };
  const evaluate = (t: NDArray) => {
    const [height, g] = jvp(at, [t], [lax.full([], 1, x.dtype)]);
    return { t, f: height, g };
  };
  return strongWolfe(evaluate, origin, rate, lax.reduceMax(lax.abs(d), [0]), options);
}
