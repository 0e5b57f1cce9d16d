/** Whole numbers that a user gives: sizes, periods, patience. */
import { ArgumentError } from './errors.js';
import { userLine } from './source.js';

/** Throws ArgumentError unless `n` is a whole number from `from` on. */
export function checkCount(op: string, what: string, n: number, from = 1): void {
  if (Number.isSafeInteger(n) && n >= from) return;
  throw new ArgumentError(`${op}: ${what} must be a whole number from ${from}, got ${n}.${userLine()}`);
}
