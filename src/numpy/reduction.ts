/** What all reductions share: the axes, in either form of the arguments, kept dimensions, and masks. */
import { canonicalAxes, dropAxes, nth } from '../core/axes.js';
import { showShape, sizeOf } from '../core/aval.js';
import type { DType } from '../core/dtype.js';
import { ShapeError } from '../core/errors.js';
import type { ArrayLike, AxisArg, NDArray, ReduceOptions } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import * as lax from '../lax/index.js';
import { dtypeOf } from './creation.js';
import { truth } from './logic.js';
import { single } from './promote.js';

/** Options of every reduction; they may also stand in the place of the axis: `np.sum(x, { axis: -1 })`. */
export interface AxisOptions extends ReduceOptions {
  /** Axis or axes to reduce; all if absent or null. */
  axis?: AxisArg;
  /** Leave reduced axes with length 1, so that the result broadcasts against the operand. */
  keepdims?: boolean;
}

/** {@link AxisOptions} of reductions that can leave elements out. */
export interface WhereOptions extends AxisOptions {
  /** Elements to include; broadcasts to the operand. */
  where?: ArrayLike;
}

/** {@link WhereOptions} of reductions that start from a value. */
export interface InitialOptions extends WhereOptions {
  /** A value to start from, as one more element of every result. */
  initial?: ArrayLike;
}

/** {@link InitialOptions} of sums and products. */
export interface AccumulateOptions extends InitialOptions {
  /** Convert to this dtype before reducing. */
  dtype?: DType;
}

/** The axis, or the options in its place. */
export type AxisOr<O> = AxisArg | O;

const isOptions = <O extends AxisOptions>(axis: AxisOr<O> | undefined): axis is O =>
  typeof axis === 'object' && axis !== null && !Array.isArray(axis);

/** The options of a call in either form, with the axis among them. */
export function settle<O extends AxisOptions>(
  axis: AxisOr<O> | undefined,
  options: O | undefined,
): O | (O & AxisOptions) {
  if (isOptions(axis)) return axis;
  const given = options ?? ({} as O);
  return axis === undefined ? given : { ...given, axis };
}

/** The axes that a reduction of `x` removes. */
export const axesOf = (op: string, x: NDArray, { axis }: AxisOptions): number[] => canonicalAxes(axis, x.ndim, op);

/** Elements reduced into one. */
export const countOf = (x: NDArray, axes: readonly number[]): number =>
  axes.reduce((n, d) => n * nth(x.aval.shape, d), 1);

/** The result of a reduction over `axes`, with those axes put back at length 1 if they are to be kept. */
export const kept = (result: NDArray, axes: readonly number[], { keepdims = false }: AxisOptions): NDArray =>
  keepdims ? lax.expandDims(result, axes) : result;

/** A mask at the shape of `x`. */
export const maskOf = (op: string, x: NDArray, mask: ArrayLike): NDArray =>
  lax.broadcastTo(truth(single(op, mask)), x.aval.shape);

/** `x` with elements that the mask leaves out replaced by a value that does not change the result. */
export const masked = (op: string, x: NDArray, mask: ArrayLike | undefined, neutral: number): NDArray =>
  mask === undefined ? x : lax.select(maskOf(op, x, mask), x, lax.scalarLike(neutral, x));

/** `x` in the dtype asked for. */
export const inDType = (op: string, x: NDArray, dtype: DType | undefined): NDArray =>
  dtype === undefined ? x : lax.convertElementType(x, dtypeOf(op, dtype));

/** A value to start from in the dtype of the result. */
export const initialOf = (op: string, initial: ArrayLike, x: NDArray): NDArray =>
  typeof initial === 'object'
    ? lax.convertElementType(single(op, initial), x.dtype)
    : lax.scalarLike(Number(initial), x);

/** Throw when nothing is reduced into something: an extremum of nothing does not exist. */
export function refuseEmpty(op: string, x: NDArray, axes: readonly number[]): void {
  if (countOf(x, axes) > 0 || sizeOf(dropAxes(x.aval.shape, axes)) === 0) return;
  throw new ShapeError(
    `${op}: there is no extremum of no elements (shape ${showShape(x.shape)}, axes ${showShape(axes)}). ` +
      `Give { initial } for the result to start from.${userLine()}`,
  );
}
