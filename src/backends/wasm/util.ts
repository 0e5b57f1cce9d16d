/** Small helpers of the code generator. */
import type { CombineOp } from '../../core/combine.js';
import { identityOf } from '../../core/combine.js';
import type { DType } from '../../core/dtype.js';

/** `list[index]`, or an error that names what was missing: a broken invariant of the program being compiled. */
export function at<T>(list: readonly T[], index: number, what: string): T {
  const value = list[index];
  if (value === undefined) throw new Error(`internal: no ${what} ${index} (there are ${list.length})`);
  return value;
}

export const product = (values: readonly number[]): number => values.reduce((a, b) => a * b, 1);

/** Round up to a multiple of `unit`. */
export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** What a partial result starts from: for sums -0, since -0 + -0 is -0 and 0 + -0 is not. */
export const combineIdentity = (op: CombineOp, dtype: DType): number =>
  op === 'add' && (dtype === 'float32' || dtype === 'float64') ? -0 : identityOf(op, dtype);
