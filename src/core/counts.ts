/** Numbers that a user gives: sizes, periods, probabilities. */
import { ArgumentError } from './errors.js';
import { userLine } from './source.js';

/** Throws ArgumentError unless `x` is a number that is as `want` says. */
export function checkNumber(op: string, what: string, x: number, holds: (x: number) => boolean, want: string): void {
  if (typeof x === 'number' && holds(x)) return;
  throw new ArgumentError(`${op}: ${what} must be ${want}, got ${String(x)}.${userLine()}`);
}

/** Throws ArgumentError unless `n` is a whole number from `from` on. */
export function checkCount(op: string, what: string, n: number, from = 1): void {
  checkNumber(op, what, n, (v) => Number.isSafeInteger(v) && v >= from, `a whole number from ${from}`);
}
