/** `map`: a function applied to slices one after another, or to batches of them. */
import { nth } from '../core/axes.js';
import { ArgumentError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { flatten, unflatten, type TreeDef } from '../core/tree.js';
import { reshape } from '../lax/reshape.js';
import { concatenate, sliceInDim } from '../lax/slicing.js';
import type { ToArrays } from '../transforms/arguments.js';
import { vmap } from '../transforms/vmap.js';
import { flattenAs } from './bodies.js';
import { untypedScan } from './scan.js';

const arraysOf = (tree: unknown): [NDArray[], TreeDef] => flatten<NDArray>(tree as object);

export interface MapOptions {
  /** Slices that are computed together, by `vmap`: more memory, fewer and larger operations. */
  readonly batchSize?: number;
}

/**
 * `f` of each slice of `xs` along the leading axis, one after another; results are stacked. It computes what `vmap(f)` does
 * in the memory of one slice; with `batchSize`, of that many.
 *
 * @throws ShapeError when xs have different leading lengths, ArgumentError for a batch size that is no positive integer.
 * @example
 * ```ts
 * import { lax, numpy as np } from 'cotangent';
 * lax.map((row) => row.sum(), np.array([[1, 2], [3, 4], [5, 6]]), { batchSize: 2 }).js(); // => [3,7,11]
 * ```
 */
export function map<const X, Y>(f: (x: ToArrays<X>) => Y, xs: X, { batchSize }: MapOptions = {}): ToArrays<Y> {
  const op = 'map';
  const step = f as (x: unknown) => unknown;
  const over = (g: (x: unknown) => unknown, part: unknown): unknown =>
    untypedScan((_, x) => [null, g(x)], null, part, {}, op)[1];
  if (batchSize === undefined) return over(step, xs) as ToArrays<Y>;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ArgumentError(`${op}: batchSize must be a positive whole number, got ${String(batchSize)}.${userLine()}`);
  }
  const { arrays, def } = flattenAs(xs, 'xs', op);
  const length = arrays[0]?.aval.shape[0] ?? 0;
  const batches = Math.floor(length / batchSize);
  // No xs and unequal lengths are what scan has errors for.
  if (length === 0 || arrays.some((x) => x.aval.shape[0] !== length)) return over(step, xs) as ToArrays<Y>;
  const together = vmap((x: unknown): unknown => step(x)) as (x: unknown) => unknown;
  if (batches === 0) return together(xs) as ToArrays<Y>;
  const whole = batches * batchSize;
  const chunks = arrays.map((x) => reshape(sliceInDim(x, 0, whole), [batches, batchSize, ...x.aval.shape.slice(1)]));
  const [main, outDef] = arraysOf(over(together, unflatten(def, chunks)));
  const first = main.map((y) => reshape(y, [whole, ...y.aval.shape.slice(2)]));
  if (whole === length) return unflatten(outDef, first) as ToArrays<Y>;
  const rest = unflatten(
    def,
    arrays.map((x) => sliceInDim(x, whole, length)),
  );
  const [last] = arraysOf(together(rest));
  return unflatten(
    outDef,
    first.map((y, i) => concatenate([y, nth(last, i)], 0)),
  ) as ToArrays<Y>;
}
