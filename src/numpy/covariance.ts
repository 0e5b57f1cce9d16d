/** Covariance and correlation of variables. */
import { nth } from '../core/axes.js';
import { showShape } from '../core/aval.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { promoteTypesOf } from './promote.js';

/** Options of {@link cov}. */
export interface CovOptions {
  /** Whether each row is a variable and each column an observation (the default), or the other way round. */
  rowvar?: boolean;
  /** Divide by the number of observations N instead of N - 1. */
  bias?: boolean;
  /** Divide by N - ddof; overrides `bias`. */
  ddof?: number | null;
  /** How often each observation was made. */
  fweights?: ArrayLike | null;
  /** How important each observation is. */
  aweights?: ArrayLike | null;
}

/** Variables as rows. */
function variables(op: string, m: ArrayLike, y: ArrayLike | null | undefined, rowvar: boolean): NDArray {
  const arrays = promoteTypesOf(op, y === null || y === undefined ? [m] : [m, y], true);
  const rows = arrays.map((x) => {
    if (x.ndim > 2)
      throw new ShapeError(`${op}: takes vectors and matrices, got shape ${showShape(x.shape)}.${userLine()}`);
    if (x.ndim < 2) return lax.reshape(x, [1, x.size]);
    return rowvar ? x : lax.transpose(x, [1, 0]);
  });
  const n = nth(nth(rows, 0).aval.shape, 1);
  if (rows.some((x) => x.aval.shape[1] !== n)) {
    throw new ShapeError(
      `${op}: both arguments must have as many observations, got shapes ${arrays.map((x) => showShape(x.shape)).join(' and ')}.${userLine()}`,
    );
  }
  return lax.concatenate(rows, 0);
}

function observationWeights(x: NDArray, { fweights, aweights }: CovOptions): NDArray | undefined {
  const n = nth(x.aval.shape, 1);
  const vectors = [fweights, aweights].flatMap((w) => {
    if (w === null || w === undefined) return [];
    const array = nth(promoteTypesOf('cov', [w], true), 0);
    if (array.ndim === 1 && array.size === n) return [lax.convertElementType(array, x.dtype)];
    throw new ShapeError(
      `cov: weights of shape ${showShape(array.shape)} for ${n} observations; give a vector of one each.${userLine()}`,
    );
  });
  return vectors.length === 0 ? undefined : vectors.reduce((a, b) => lax.mul(a, b));
}

/**
 * The covariance matrix of variables: Σ wᵢ (xᵢ - x̄)(yᵢ - ȳ) / (N - ddof) over the observations, where x̄ is the weighted mean
 * and N the sum of weights (with `aweights` a, `ddof` counts as ddof Σ w a / Σ w). A number for one variable.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.cov(np.array([[0, 1, 2], [2, 1, 0]])).js(); // => [[1, -1], [-1, 1]]
 * ```
 */
export function cov(m: ArrayLike, y?: ArrayLike | null, options: CovOptions = {}): NDArray {
  const { rowvar = true, bias = false, ddof, aweights } = options;
  const x = variables('cov', m, y, rowvar);
  const lost = ddof ?? (bias ? 0 : 1);
  if (!Number.isInteger(lost)) throw new ArgumentError(`cov: ddof must be an integer, got ${lost}.${userLine()}`);
  const n = nth(x.aval.shape, 1);
  const weights = observationWeights(x, options);
  const wide = (v: NDArray, axis: number): NDArray => lax.broadcastInDim(v, x.aval.shape, [axis]);
  const weighted = weights === undefined ? x : lax.mul(x, wide(weights, 1));
  const total = weights === undefined ? lax.scalarLike(n, x) : lax.reduceSum(weights);
  const centred = lax.sub(x, wide(lax.div(lax.reduceSum(weighted, [1]), total), 0));
  const right = weights === undefined ? centred : lax.mul(centred, wide(weights, 1));
  const divisor = lax.sub(total, lostWeight(x, weights, total, lost, aweights));
  const positive = lax.max(divisor, 0);
  const matrix = lax.div(
    lax.dotGeneral(centred, right, [
      [[1], [1]],
      [[], []],
    ]),
    positive,
  );
  return lax.reshape(matrix, matrix.size === 1 ? [] : matrix.aval.shape);
}

function lostWeight(
  x: NDArray,
  weights: NDArray | undefined,
  total: NDArray,
  ddof: number,
  aweights: CovOptions['aweights'],
): NDArray {
  if (weights === undefined || aweights === null || aweights === undefined || ddof === 0)
    return lax.scalarLike(ddof, x);
  const a = lax.convertElementType(nth(promoteTypesOf('cov', [aweights], true), 0), x.dtype);
  return lax.mul(lax.div(lax.reduceSum(lax.mul(weights, a)), total), ddof);
}

/**
 * Pearson's correlation coefficients, cov(x, y) / √(var x · var y), as a matrix; 1 for one variable.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.corrcoef(np.array([1, 2, 3]), np.array([3, 2, 1])).js(); // => [[1, -1], [-1, 1]]
 * ```
 */
export function corrcoef(
  x: ArrayLike,
  y?: ArrayLike | null,
  { rowvar = true }: Pick<CovOptions, 'rowvar'> = {},
): NDArray {
  const c = cov(x, y, { rowvar });
  if (c.ndim === 0) return lax.div(c, c);
  const n = nth(c.aval.shape, 0);
  const isDiagonal = lax.eq(lax.broadcastedIota('int32', [n, n], 0), lax.broadcastedIota('int32', [n, n], 1));
  const variance = lax.reduceSum(lax.select(isDiagonal, c, lax.full([n, n], 0, c.dtype)), [1]);
  const deviation = lax.sqrt(variance);
  const wide = (axis: number): NDArray => lax.broadcastInDim(deviation, [n, n], [axis]);
  // Rounding may lead a little outside of [-1, 1].
  return lax.clamp(-1, lax.div(lax.div(c, wide(0)), wide(1)), 1);
}
