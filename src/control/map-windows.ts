/**
 * reduceWindow in both of its forms: JAX's, with an initial value and a function of two arrays, and jax-js's, with a
 * function of one window.
 */
import { nth, range } from '../core/axes.js';
import { ShapedArray, sizeOf } from '../core/aval.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { take1 } from '../core/tuple.js';
import { vmap } from '../transforms/vmap.js';
import { lift1 } from '../lax/lift.js';
import { reduceWindow as reduceWindowBy, type WindowOp } from '../lax/reduce-window.js';
import { reshape } from '../lax/reshape.js';
import { concatenate, slice } from '../lax/slicing.js';
import { windowCount, type Padding } from '../lax/windows.js';

/** What a function of a window that is one plain reduction of it is called. */
const KNOWN: Readonly<Record<string, readonly [number, WindowOp]>> = {
  reduce_max: [-Infinity, 'max'],
  reduce_min: [Infinity, 'min'],
  reduce_sum: [0, 'add'],
};

function knownReduction(computation: (window: NDArray) => NDArray, window: ShapedArray): string | undefined {
  const { jaxpr } = traceToJaxpr((...args) => [computation(take1(args)[0])], [window], 'reduce_window');
  const [eqn] = jaxpr.eqns;
  const whole =
    jaxpr.eqns.length === 1 &&
    eqn?.inputs[0] === jaxpr.invars[0] &&
    eqn?.outputs[0] === jaxpr.outvars[0] &&
    eqn?.outputs[0]?.aval.ndim === 0;
  return whole ? eqn.primitive.name : undefined;
}

/** `computation` of each window over the last axes of `x`. */
function mapWindows(
  x: NDArray,
  computation: (window: NDArray) => NDArray,
  windowDimensions: readonly number[],
  windowStrides: readonly number[],
): NDArray {
  const lead = range(x.ndim - windowDimensions.length).map(() => 1);
  const sizes = [...lead, ...windowDimensions];
  const strides = [...lead, ...windowStrides];
  const known = KNOWN[knownReduction(computation, new ShapedArray(windowDimensions, x.dtype)) ?? ''];
  if (known !== undefined) return reduceWindowBy(x, ...known, sizes, strides);
  const shape = sizes.map((size, d) =>
    windowCount(nth(x.aval.shape, d), {
      size,
      stride: nth(strides, d),
      low: 0,
      high: 0,
      baseDilation: 1,
      windowDilation: 1,
    }),
  );
  // The same element of all windows is a slice; beside each other they are the windows.
  const elements = range(sizeOf(sizes)).map((flat) => {
    let rest = flat;
    const from = [...sizes]
      .reverse()
      .map((n) => {
        const k = rest % n;
        rest = Math.floor(rest / n);
        return k;
      })
      .reverse();
    const to = from.map((k, d) => (shape[d] === 0 ? k : k + (nth(shape, d) - 1) * nth(strides, d) + 1));
    return reshape(slice(x, from, to, strides), [sizeOf(shape), 1]);
  });
  const windows = reshape(concatenate(elements, 1), [sizeOf(shape), ...windowDimensions]);
  const results = vmap(computation)(windows);
  return reshape(results, [...shape, ...results.aval.shape.slice(1)]);
}

/**
 * Each window of `x` reduced to one element: out[o] = init ∘ x[o·stride - low] ∘ … over the window, where padding and
 * the holes of `baseDilation` count as `init`. See XLA's ReduceWindow.
 *
 * @param x - an array; every list has one entry for each of its axes.
 * @param init - a scalar: 0 for `add`, -Infinity for `max`, Infinity for `min`.
 * @param op - `lax.add`, `lax.max`, `lax.min` (or their names), or any function of two arrays that works elementwise,
 *   which is called once for each element of a window.
 * @param windowDimensions - lengths of the window.
 * @param windowStrides - distances between windows; default 1.
 * @param padding - `VALID` (the default), `SAME`, `SAME_LOWER`, or `[low, high]` pairs, negative to crop.
 * @param baseDilation - distances between the elements of `x`; default 1.
 * @param windowDilation - distances between the elements of a window; default 1.
 * @throws ShapeError for windows, strides, dilations or padding that do not fit `x`.
 *
 * The derivative of `max` and `min` goes to the first element that attains it, as in XLA. The form
 * `reduceWindow(x, computation, windowDimensions, windowStrides)` is jax-js's: a function of one window, over the last
 * axes of `x`; a plain `np.max`, `np.min` or `np.sum` is as fast as the above.
 *
 * @example
 * ```ts
 * import { grad, lax, numpy as np } from 'cotangent';
 * const x = np.array([[1, 5, 2, 2], [3, 4, 2, 1]]);
 * const pool = (a: np.Array) => lax.reduceWindow(a, -Infinity, lax.max, [2, 2], [2, 2]);
 * pool(x).js(); // => [[5, 2]]
 * grad((a: np.Array) => pool(a).sum())(x).js(); // => [[0, 1, 1, 0], [0, 0, 0, 0]]
 * lax.reduceWindow(x, np.mean, [2, 2], [2, 2]).js(); // => [[3.25, 1.75]]
 * ```
 */
export function reduceWindow(
  x: ArrayLike,
  init: ArrayLike,
  op: WindowOp,
  windowDimensions: readonly number[],
  windowStrides?: readonly number[],
  padding?: Padding,
  baseDilation?: readonly number[],
  windowDilation?: readonly number[],
): NDArray;
export function reduceWindow(
  x: ArrayLike,
  computation: (window: NDArray) => NDArray,
  windowDimensions: readonly number[],
  windowStrides?: readonly number[],
): NDArray;
export function reduceWindow(
  x: ArrayLike,
  second: ArrayLike | ((window: NDArray) => NDArray),
  third: WindowOp | readonly number[],
  fourth?: readonly number[],
  ...rest: [strides?: readonly number[], padding?: Padding, base?: readonly number[], window?: readonly number[]]
): NDArray {
  if (typeof second !== 'function') return reduceWindowBy(x, second, third as WindowOp, fourth ?? [], ...rest);
  const windowDimensions = third as readonly number[];
  return mapWindows(lift1('reduce_window', x), second, windowDimensions, fourth ?? windowDimensions.map(() => 1));
}
