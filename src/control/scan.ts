/** `scan`: a loop over slices of arrays that carries values from step to step. */
import type { ShapedArray } from '../core/aval.js';
import { nth, range } from '../core/axes.js';
import { ArgumentError, ShapeError, TreeError } from '../core/errors.js';
import type { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { structure, unflatten, type TreeDef } from '../core/tree.js';
import { concatenate, sliceInDim } from '../lax/slicing.js';
import { reshape } from '../lax/reshape.js';
import type { ToArrays } from '../transforms/arguments.js';
import { hoistConstants } from '../transforms/call.js';
import { isJitDisabled } from '../transforms/jit.js';
import {
  checkFunction,
  flattenAs,
  flattenCarry,
  showType,
  traceCarrying,
  traceFunction,
  type Like,
  type FlatTree,
} from './bodies.js';
import { bindScan } from './scan-primitive.js';

export interface ScanOptions {
  /** Number of steps; needed only when there are no xs. */
  readonly length?: number;
  /** From the last slice to the first; ys are in the order of xs all the same. */
  readonly reverse?: boolean;
  /** Steps that one turn of the loop makes: more code, less overhead. `true` for all of them, without a loop. */
  readonly unroll?: number | boolean;
}

/** A pair `[carry, y]`, which a step must return. */
export function checkPair(result: unknown, op: string): readonly unknown[] {
  if (Array.isArray(result) && result.length === 2) return result as readonly unknown[];
  const got = Array.isArray(result)
    ? `a list of ${String(result.length)}`
    : result === undefined
      ? 'nothing'
      : 'no list';
  throw new TreeError(
    `${op}: a step must return [carry, y], got ${got}. Where there is no y, return [carry, null].${userLine()}`,
  );
}

/** The common leading length of xs. */
function lengthOf(xs: FlatTree, length: number | undefined, op: string): number {
  if (length !== undefined && (!Number.isInteger(length) || length < 0)) {
    throw new ArgumentError(
      `${op}: length must be a whole number that is not negative, got ${String(length)}. It must be known when the loop is traced; ` +
        `a loop whose number of steps depends on values is a whileLoop.${userLine()}`,
    );
  }
  const scalar = xs.arrays.findIndex((x) => x.ndim === 0);
  if (scalar >= 0) {
    throw new ShapeError(
      `${op}: ${nth(xs.labels, scalar)} is ${showType(nth(xs.arrays, scalar).aval)}, which has no leading axis to loop over. ` +
        `A value that is the same in every step belongs in the closure of the function.${userLine()}`,
    );
  }
  const lengths = xs.arrays.map((x) => nth(x.aval.shape, 0));
  const n = length ?? lengths[0];
  if (n === undefined) {
    throw new ArgumentError(`${op}: there are no xs to loop over; say how many steps with { length: n }.${userLine()}`);
  }
  if (lengths.some((l) => l !== n)) {
    const list = xs.arrays.map((x, i) => `${nth(xs.labels, i)} is ${showType(x.aval)}`).join(', ');
    const wanted =
      length === undefined ? 'the same leading length' : `the leading length ${String(length)}, as the option says`;
    throw new ShapeError(`${op}: all xs must have ${wanted}, but ${list}.${userLine()}`);
  }
  return n;
}

function unrollOf(unroll: number | boolean, length: number, op: string): number {
  if (typeof unroll === 'boolean') return unroll ? Math.max(1, length) : 1;
  if (Number.isInteger(unroll) && unroll > 0) return unroll;
  throw new ArgumentError(
    `${op}: unroll must be a positive whole number or a boolean, got ${String(unroll)}.${userLine()}`,
  );
}

const sliceType = (x: NDArray): ShapedArray => x.aval.with({ shape: x.aval.shape.slice(1), weakType: false });

/** What runs under `disableJit`: a loop in JavaScript, in which values can be looked at. */
function plainScan(
  f: (carry: never, x: never) => unknown,
  init: FlatTree,
  xs: FlatTree,
  length: number,
  reverse: boolean,
  op: string,
): [unknown, unknown] {
  let carry = unflatten(init.def, init.arrays);
  const rows: NDArray[][] = [];
  let yDef: TreeDef | undefined;
  for (const step of range(length)) {
    const i = reverse ? length - 1 - step : step;
    const slices = xs.arrays.map((x) => reshape(sliceInDim(x, i, i + 1), x.aval.shape.slice(1)));
    const [next, y] = checkPair(f(carry as never, unflatten(xs.def, slices) as never), op);
    const flat = flattenAs(next, 'carry', op);
    carry = unflatten(flat.def, flat.arrays);
    const row = flattenAs(y, 'y', op);
    rows[i] = [...row.arrays];
    yDef = row.def;
  }
  if (yDef === undefined) throw new Error('unreachable');
  const ys = nth(rows, 0).map((first, k) =>
    concatenate(
      rows.map((row) => reshape(nth(row, k), [1, ...first.aval.shape])),
      0,
    ),
  );
  return [carry, unflatten(yDef, ys)];
}

/** {@link scan} without its types; `op` is what messages call it. */
export function untypedScan(
  f: (carry: never, x: never) => unknown,
  init: unknown,
  xs: unknown,
  { length: given, reverse = false, unroll = 1 }: ScanOptions,
  op = 'scan',
): [unknown, unknown] {
  checkFunction(f, op, 'the step');
  const carry = flattenCarry(init, op);
  const slices = flattenAs(xs, 'xs', op);
  const length = lengthOf(slices, given, op);
  const turns = unrollOf(unroll, length, op);
  if (isJitDisabled() && length > 0) return plainScan(f, carry, slices, length, reverse, op);

  const numCarry = carry.arrays.length;
  const def = structure([unflatten(carry.def, carry.arrays), unflatten(slices.def, slices.arrays)]);
  const { traced, init: start } = traceCarrying(
    carry,
    op,
    (avals) =>
      traceFunction(
        f,
        def,
        [...avals, ...slices.arrays.map(sliceType)],
        [...carry.labels, ...slices.labels.map((label) => `a slice of ${label}`)],
        op,
        (result) => checkPair(result, op),
      ),
    (outDef) => nth(outDef.children, 0),
  );
  const out = bindScan(
    hoistConstants(traced.closed),
    { consts: [], carry: start, xs: slices.arrays },
    { length, reverse, unroll: turns },
  );
  return [unflatten(carry.def, out.slice(0, numCarry)), unflatten(nth(traced.outDef.children, 1), out.slice(numCarry))];
}

/**
 * A loop that carries values from step to step: for each slice `x` of `xs` along the leading axis, `[carry, y] = f(carry,
 * x)`. The result is the last carry, and all `y` stacked along a new leading axis.
 *
 * `f` is traced once, so that compile time does not grow with the number of steps. Carry, xs and ys are arrays, or trees of
 * arrays; xs may be `null` when `length` is given, and `y` may be `null`. Differentiable in both modes: reverse mode keeps
 * what it needs of each step, or only the carry with `checkpoint(f)`.
 *
 * @throws TreeError, ShapeError, DTypeError when what a step returns for the carry is not of the carry's type (the message
 *   has the path of the leaf and both types), or when xs have different leading lengths; ArgumentError for a length that is
 *   no whole number.
 * @example
 * ```ts
 * import { lax, numpy as np } from 'cotangent';
 * // Running sums.
 * const [total, sums] = lax.scan((sum, x) => [sum.add(x), sum.add(x)], 0, np.array([1, 2, 3]));
 * total.item(); // => 6
 * sums.js(); // => [1,3,6]
 * ```
 */
export function scan<const C, const X, Y>(
  f: (carry: ToArrays<C>, x: ToArrays<X>) => readonly [Like<NoInfer<C>>, Y],
  init: C,
  xs: X,
  options: ScanOptions = {},
): [carry: ToArrays<C>, ys: ToArrays<Y>] {
  return untypedScan(f, init, xs, options) as [ToArrays<C>, ToArrays<Y>];
}
