/** Ranges of numbers. Those of plain numbers are computed in float64 on the host, so that no rounding accumulates. */
import { canonicalAxis } from '../core/axes.js';
import { fromHost, settled } from '../core/concrete.js';
import { hostArray, isInteger, type DType } from '../core/dtype.js';
import { ArgumentError, ShapeError } from '../core/errors.js';
import { NDArray, type ArrayLike } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import {
  abs,
  add,
  broadcastInDim,
  broadcastTo,
  convertElementType,
  exp,
  floor,
  iota,
  log,
  lt,
  mul,
  neg,
  pow,
  scalarLike,
  select,
  sign,
} from '../lax/index.js';
import { moveaxis } from '../lax/reshape.js';
import { dtypeOf, optionsOf, type DTypeOptions, type DTypeOr } from './creation.js';
import { promoteInexact2 } from './promote.js';

/** A vector of host numbers; integers are rounded down, as in NumPy. */
function fromNumbers(values: readonly number[], dtype: DType): NDArray {
  const data = hostArray(dtype, values.length);
  values.forEach((value, i) => {
    data[i] = isInteger(dtype) ? Math.floor(value) : dtype === 'bool' ? Number(value !== 0) : value;
  });
  return fromHost(data, [values.length], dtype);
}

/**
 * `arange(stop)`, `arange(start, stop)` or `arange(start, stop, step)`: start, start + step, … before `stop`. int32 if
 * all arguments are integers, else float32, unless `dtype` is given. Throws ArgumentError when `step` is 0.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.arange(4); // => [0, 1, 2, 3]
 * np.arange(1, 0, -0.25); // => [1, 0.75, 0.5, 0.25]
 * ```
 */
export function arange(start: number, stop?: number | null, step = 1, options: DTypeOr<DTypeOptions> = {}): NDArray {
  const [from, to] = stop === undefined || stop === null ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (step === 0 || !Number.isFinite(length)) {
    throw new ArgumentError(
      `arange: there are no finitely many numbers from ${from} to ${to} by ${step}; all must be finite and the step not 0.${userLine()}`,
    );
  }
  const integers = Number.isInteger(from) && Number.isInteger(to) && Number.isInteger(step);
  const dtype = dtypeOf('arange', optionsOf(options).dtype ?? (integers ? 'int32' : 'float32'));
  if (!integers || dtype === 'bool') {
    return fromNumbers(
      Array.from({ length }, (_, i) => from + i * step),
      dtype,
    );
  }
  const counted = iota(dtype, length);
  const scaled = step === 1 ? counted : mul(counted, scalarLike(step, counted));
  return settled(from === 0 ? scaled : add(scaled, scalarLike(from, counted)));
}

/** Options of {@link linspace} and its relatives. */
export interface SpaceOptions extends DTypeOptions {
  /** Whether the last number is `stop` (the default) or one step before it. */
  endpoint?: boolean;
  /** Axis of the result along which the numbers run, when `start` or `stop` are arrays. */
  axis?: number;
}

/** The fractions i/(num - 1), or i/num without the endpoint. */
function fractions(op: string, num: number, endpoint: boolean): number[] {
  if (!Number.isInteger(num) || num < 0) {
    throw new ShapeError(`${op}: the number of samples must be an integer ≥ 0, got ${num}.${userLine()}`);
  }
  const intervals = endpoint ? num - 1 : num;
  return Array.from({ length: num }, (_, i) => (intervals === 0 ? 0 : i / intervals));
}

/** Settle the two forms of the trailing arguments, `(…, endpoint, options)` and `(…, options)`. */
const settle = (endpoint: boolean | SpaceOptions, options: SpaceOptions): SpaceOptions =>
  typeof endpoint === 'boolean' ? { ...options, endpoint } : endpoint;

/** start·(1 - t) + stop·t with t along a new first axis: exact at both ends, and linear in both for gradients. */
function interpolate(op: string, start: ArrayLike, stop: ArrayLike, t: readonly number[]): NDArray {
  const [a, b] = promoteInexact2(op, start, stop);
  const shape = [t.length, ...(a.ndim > 0 ? a.aval.shape : b.aval.shape)];
  const weighted = (x: NDArray, weight: (value: number) => number): NDArray =>
    mul(broadcastTo(x, shape), broadcastInDim(fromNumbers(t.map(weight), a.dtype), shape, [0]));
  return add(
    weighted(a, (value) => 1 - value),
    weighted(b, (value) => value),
  );
}

/** Convert to the dtype asked for (integers are rounded down) and put the new axis where it is wanted. */
function finish(op: string, x: NDArray, { dtype, axis = 0 }: SpaceOptions): NDArray {
  const to = dtypeOf(op, dtype ?? x.dtype);
  const placed = moveaxis(x, 0, canonicalAxis(axis, x.ndim, op));
  return convertElementType(isInteger(to) ? floor(placed) : placed, to);
}

/**
 * `num` numbers evenly spaced from `start` to `stop`: start + i (stop - start)/(num - 1). `start` and `stop` may be
 * arrays that broadcast together; the numbers then run along a new axis, the first unless `axis` says otherwise.
 * `endpoint` and the options may also be given together: `linspace(0, 1, 5, { endpoint: false })`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.linspace(0, 1, 5); // => [0, 0.25, 0.5, 0.75, 1]
 * np.linspace(0, 1, 4, false); // => [0, 0.25, 0.5, 0.75]
 * ```
 */
export function linspace(
  start: ArrayLike,
  stop: ArrayLike,
  num = 50,
  endpoint: boolean | SpaceOptions = true,
  options: SpaceOptions = {},
): NDArray {
  const settings = settle(endpoint, options);
  const t = fractions('linspace', num, settings.endpoint ?? true);
  if (start instanceof NDArray || stop instanceof NDArray)
    return finish('linspace', interpolate('linspace', start, stop, t), settings);
  const [from, to] = [Number(start), Number(stop)];
  return fromNumbers(
    t.map((f) => (f === 1 ? to : from + f * (to - from))),
    dtypeOf('linspace', settings.dtype ?? 'float32'),
  );
}

/**
 * `num` numbers evenly spaced on a logarithmic scale, from `base ** start` to `base ** stop`.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.logspace(0, 2, 3); // => [1, 10, 100]
 * ```
 */
export function logspace(
  start: ArrayLike,
  stop: ArrayLike,
  num = 50,
  endpoint: boolean | SpaceOptions = true,
  base = 10,
  options: SpaceOptions = {},
): NDArray {
  const settings = settle(endpoint, options);
  const t = fractions('logspace', num, settings.endpoint ?? true);
  if (start instanceof NDArray || stop instanceof NDArray) {
    const exponents = interpolate('logspace', start, stop, t);
    return finish('logspace', pow(scalarLike(base, exponents), exponents), settings);
  }
  const [from, to] = [Number(start), Number(stop)];
  return fromNumbers(
    t.map((f) => base ** (f === 1 ? to : from + f * (to - from))),
    dtypeOf('logspace', settings.dtype ?? 'float32'),
  );
}

/**
 * `num` numbers from `start` to `stop`, each the same multiple of the one before. Throws ArgumentError when a bare
 * number is 0 or the two differ in sign; for arrays of such values the result is NaN.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * np.geomspace(1, 8, 4); // => [1, 2, 4, 8]
 * ```
 */
export function geomspace(
  start: ArrayLike,
  stop: ArrayLike,
  num = 50,
  endpoint: boolean | SpaceOptions = true,
  options: SpaceOptions = {},
): NDArray {
  const settings = settle(endpoint, options);
  const t = fractions('geomspace', num, settings.endpoint ?? true);
  if (start instanceof NDArray || stop instanceof NDArray) {
    const [a, b] = promoteInexact2('geomspace', start, stop);
    const sizes = exp(interpolate('geomspace', log(abs(a)), log(abs(b)), t));
    const negative = lt(interpolate('geomspace', sign(a), sign(b), t), scalarLike(0, sizes));
    return finish('geomspace', select(negative, neg(sizes), sizes), settings);
  }
  const [from, to] = [Number(start), Number(stop)];
  if (!(from * to > 0)) {
    throw new ArgumentError(
      `geomspace: start ${from} and stop ${to} must both be positive or both negative, since a geometric sequence never ` +
        `reaches or crosses 0.${userLine()}`,
    );
  }
  return fromNumbers(
    t.map((f) => (f === 1 ? to : from * (to / from) ** f)),
    dtypeOf('geomspace', settings.dtype ?? 'float32'),
  );
}
