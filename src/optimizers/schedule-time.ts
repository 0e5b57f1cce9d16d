/** What schedules are made of: functions of a time that is a float. */
import { isFloat } from '../core/dtype.js';
import type { NDArray } from '../core/ndarray.js';
import * as lax from '../lax/index.js';
import { check } from './hyper.js';
import type { ArraySchedule } from './scaling.js';

/** Throws ArgumentError for a number that is not finite. */
export const checkFinite = (op: string, what: string, value: number): void => {
  check(op, what, value, Number.isFinite, 'a finite number');
};

/** The count as a float. */
export const time = (count: NDArray): NDArray =>
  isFloat(count.dtype) ? count : lax.convertElementType(count, 'float32');

/** A schedule of which `f` gives the value at a time. */
export const ofTime =
  (f: (t: NDArray) => NDArray): ArraySchedule =>
  (count) =>
    f(time(count));
