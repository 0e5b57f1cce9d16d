/** Choices between arrays: where, select, piecewise. */
import { nth } from '../core/axes.js';
import { ArgumentError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { truth } from './logic.js';
import { broadcastOperands, numeric, promoteChoices, single } from './promote.js';

/**
 * `x` where `condition` is true (not 0), else `y`, elementwise; the three broadcast together. Two JS integers give a
 * weak int32, which takes the dtype of what it is combined with.
 *
 * The gradient flows only to the side that was chosen, but the other side is computed too: where its derivative is
 * infinite or NaN, 0 times it is NaN. Give it an argument that is safe there: `where(x > 0, log(where(x > 0, x, 1)), 0)`.
 *
 * Throws ArgumentError without `x` and `y`: the number of true elements is not known to a trace (see np.nonzero).
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([-1, 4]);
 * np.where(x.greater(0), x, 0); // => [0, 4]
 * ```
 */
export function where(condition: ArrayLike, x: ArrayLike, y: ArrayLike): NDArray {
  if ((x as ArrayLike | undefined) === undefined || (y as ArrayLike | undefined) === undefined) {
    throw new ArgumentError(
      `where: needs x and y as well; for the positions of true elements use np.nonzero.${userLine()}`,
    );
  }
  const cases = promoteChoices('where', [condition], [x, y]);
  const [c, a, b] = broadcastOperands('where', [truth(single('where', condition)), ...cases]);
  return lax.select(c ?? condition, a ?? x, b ?? y);
}

/**
 * The first of the choices whose condition is true, elementwise, or `otherwise` where none is. Throws ArgumentError
 * when the lists differ in length or are empty.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.arange(5);
 * np.select([x.less(2), x.greater(3)], [x.neg(), x.mul(10)], 7); // => [0, -1, 7, 7, 40]
 * ```
 */
export function select(
  conditions: readonly ArrayLike[],
  choices: readonly ArrayLike[],
  otherwise: ArrayLike = 0,
): NDArray {
  if (conditions.length !== choices.length || conditions.length === 0) {
    throw new ArgumentError(
      `select: needs as many choices as conditions, at least one; got ${conditions.length} conditions and ` +
        `${choices.length} choices.${userLine()}`,
    );
  }
  const arrays = promoteChoices('select', conditions, [...choices, otherwise]);
  const last = nth(arrays, choices.length);
  return conditions.reduceRight<NDArray>((rest, condition, i) => where(condition, nth(arrays, i), rest), last);
}

/**
 * A function given by cases: where `conditions[i]` is true the result is `functions[i]` of `x` (or that number); where
 * several are, the last one counts; where none is, an extra last function, or 0. The result has the dtype of `x`.
 *
 * Every function is computed on all of `x`; about gradients, see {@link where}. Throws ArgumentError when the
 * numbers of conditions and functions do not fit.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * const x = np.array([-2, 0, 3]);
 * np.piecewise(x, [x.less(0), x.greater(1)], [(v) => v.neg(), 10]); // => [2, 0, 10]
 * ```
 */
export function piecewise(
  x: ArrayLike,
  conditions: readonly ArrayLike[],
  functions: readonly (((x: NDArray) => ArrayLike) | number)[],
): NDArray {
  const extra = functions.length - conditions.length;
  if (extra !== 0 && extra !== 1) {
    throw new ArgumentError(
      `piecewise: needs one function per condition and perhaps one more for the rest; got ${conditions.length} conditions ` +
        `and ${functions.length} functions.${userLine()}`,
    );
  }
  const array = numeric('piecewise', x);
  const value = (f: ((x: NDArray) => ArrayLike) | number | undefined): NDArray => {
    const result = typeof f === 'function' ? f(array) : (f ?? 0);
    return typeof result === 'object'
      ? lax.convertElementType(result, array.dtype)
      : lax.scalarLike(Number(result), array);
  };
  const rest = lax.broadcastTo(value(extra === 1 ? functions[conditions.length] : undefined), array.aval.shape);
  return conditions.reduce<NDArray>((acc, condition, i) => where(condition, value(functions[i]), acc), rest);
}
