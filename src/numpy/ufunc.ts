/** How elementwise functions of `np` are made of operations of lax: promote, broadcast, apply. */
import { ConcreteArray } from '../core/concrete.js';
import { isFloat } from '../core/dtype.js';
import { DTypeError } from '../core/errors.js';
import type { ArrayLike, NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { stopGradientArray } from '../lax/identity.js';
import { inexact, numeric, numericPair, promote2, promoteInexact2 } from './promote.js';

/** An elementwise function of one argument. */
export type Unary = (x: ArrayLike) => NDArray;
/** An elementwise function of two arguments, which broadcast. */
export type Binary = (x: ArrayLike, y: ArrayLike) => NDArray;

/** A function of real numbers: integers and booleans become float32. */
export const inexactUnary =
  (op: string, f: (x: NDArray) => NDArray): Unary =>
  (x) =>
    f(inexact(op, x));

/** A function of numbers that keeps integers; booleans become int32. */
export const numericUnary =
  (op: string, f: (x: NDArray) => NDArray): Unary =>
  (x) =>
    f(numeric(op, x));

/** A function that rounds: integers and booleans are whole already and come back as they are. */
export const wholeUnary =
  (op: string, f: (x: NDArray) => NDArray): Unary =>
  (x) => {
    const array = numeric(op, x);
    return isFloat(array.dtype) ? f(array) : array;
  };

/** A function of two real numbers. */
export const inexactBinary =
  (op: string, f: (x: NDArray, y: NDArray) => NDArray): Binary =>
  (x, y) =>
    f(...promoteInexact2(op, x, y));

/** A function of two numbers or booleans of one dtype. */
export const promotedBinary =
  (op: string, f: (x: NDArray, y: NDArray) => NDArray): Binary =>
  (x, y) =>
    f(...promote2(op, x, y));

/** A function of two numbers; booleans become int32. */
export const numericBinary =
  (op: string, f: (x: NDArray, y: NDArray) => NDArray): Binary =>
  (x, y) =>
    f(...numericPair(op, x, y));

/** Refuse booleans, saying what to use instead. */
export function refuseBool(op: string, x: NDArray, instead: string): void {
  if (x.dtype === 'bool') throw new DTypeError(`${op}: not defined for bool; use ${instead}.${userLine()}`);
}

/** `x` without its derivative; values that are no tracers have none. */
export const withoutGradient = (x: NDArray): NDArray => (x instanceof ConcreteArray ? x : stopGradientArray(x));
