/**
 * Installs the methods of NDArray, which core only declares: each is the function of `np` of the same name. The type
 * of the table makes a missing method a compile error.
 */
import { ArgumentError } from '../core/errors.js';
import { NDArray, type NDArrayMethods } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { absolute, add, divide, floorDivide, mod, multiply, negative, sign, subtract } from './arithmetic.js';
import { equal, greater, greaterEqual, less, lessEqual, notEqual } from './comparison.js';
import { cumprod, cumsum } from './cumulative.js';
import { exp, log } from './exponential.js';
import { clip } from './extrema.js';
import { indexArray, indexUpdate } from './indexing.js';
import { dot, matmul } from './linear.js';
import { logicalAnd, logicalNot, logicalOr } from './logic.js';
import { diagonal, trace } from './matrices.js';
import { power, sqrt, square } from './powers.js';
import { all, any, argmax, argmin, max, mean, min, prod, std, sum, variance } from './reductions.js';
import { repeat } from './reorder.js';
import { round } from './rounding.js';
import { astype, ravel, reshape, squeeze, swapaxes, transpose } from './shape.js';
import { argsort, sort } from './sorting.js';
import { take } from './take.js';

/** Numbers given one by one or as one list. */
const listOf = (args: readonly number[] | readonly [readonly number[]]): readonly number[] => {
  const [first] = args;
  return typeof first === 'object' ? first : (args as readonly number[]);
};

const methods: Omit<NDArrayMethods, 'T'> & ThisType<NDArray> = {
  add(other) {
    return add(this, other);
  },
  sub(other) {
    return subtract(this, other);
  },
  mul(other) {
    return multiply(this, other);
  },
  div(other) {
    return divide(this, other);
  },
  floorDivide(other) {
    return floorDivide(this, other);
  },
  mod(other) {
    return mod(this, other);
  },
  pow(other) {
    return power(this, other);
  },
  neg() {
    return negative(this);
  },
  abs() {
    return absolute(this);
  },
  exp() {
    return exp(this);
  },
  log() {
    return log(this);
  },
  sqrt() {
    return sqrt(this);
  },
  square() {
    return square(this);
  },
  sign() {
    return sign(this);
  },
  round(decimals) {
    return round(this, decimals);
  },
  clip(lower, upper) {
    return clip(this, lower, upper);
  },
  equal(other) {
    return equal(this, other);
  },
  notEqual(other) {
    return notEqual(this, other);
  },
  less(other) {
    return less(this, other);
  },
  lessEqual(other) {
    return lessEqual(this, other);
  },
  greater(other) {
    return greater(this, other);
  },
  greaterEqual(other) {
    return greaterEqual(this, other);
  },
  logicalAnd(other) {
    return logicalAnd(this, other);
  },
  logicalOr(other) {
    return logicalOr(this, other);
  },
  logicalNot() {
    return logicalNot(this);
  },
  sum(axis, options) {
    return sum(this, axis, options);
  },
  prod(axis, options) {
    return prod(this, axis, options);
  },
  mean(axis, options) {
    return mean(this, axis, options);
  },
  var(axis, options) {
    return variance(this, axis, options);
  },
  std(axis, options) {
    return std(this, axis, options);
  },
  max(axis, options) {
    return max(this, axis, options);
  },
  min(axis, options) {
    return min(this, axis, options);
  },
  all(axis, options) {
    return all(this, axis, options);
  },
  any(axis, options) {
    return any(this, axis, options);
  },
  argmax(axis, options) {
    return argmax(this, axis, options);
  },
  argmin(axis, options) {
    return argmin(this, axis, options);
  },
  cumsum(axis) {
    return cumsum(this, axis);
  },
  cumprod(axis) {
    return cumprod(this, axis);
  },
  sort(axis) {
    return sort(this, axis);
  },
  argsort(axis) {
    return argsort(this, axis);
  },
  dot(other) {
    return dot(this, other);
  },
  matmul(other) {
    return matmul(this, other);
  },
  reshape(...shape) {
    return reshape(this, listOf(shape));
  },
  ravel() {
    return ravel(this);
  },
  flatten() {
    return ravel(this);
  },
  transpose(...axes) {
    return transpose(this, axes.length === 0 ? null : listOf(axes));
  },
  swapaxes(axis1, axis2) {
    return swapaxes(this, axis1, axis2);
  },
  squeeze(axis) {
    return squeeze(this, axis);
  },
  repeat(repeats, axis) {
    return repeat(this, repeats, axis);
  },
  take(indices, axis) {
    return take(this, indices, axis);
  },
  diagonal(offset, axis1, axis2) {
    return diagonal(this, offset, axis1, axis2);
  },
  trace(offset, axis1, axis2) {
    return trace(this, offset, axis1, axis2);
  },
  astype(dtype) {
    return astype(this, dtype);
  },
  slice(...index) {
    return indexArray(this, index);
  },
  at(...index) {
    return indexUpdate(this, index);
  },
  *[Symbol.iterator]() {
    if (this.ndim === 0) {
      throw new ArgumentError(
        `iteration: a scalar has no axis to iterate over. Arrays iterate over their first axis; read a number with x.item().${userLine()}`,
      );
    }
    for (let i = 0; i < this.length; i++) yield indexArray(this, [i]);
  },
};

Object.defineProperty(NDArray.prototype, 'T', {
  get(this: NDArray) {
    return transpose(this);
  },
  configurable: true,
});
for (const key of Reflect.ownKeys(methods)) {
  const descriptor = Object.getOwnPropertyDescriptor(methods, key);
  if (descriptor !== undefined) Object.defineProperty(NDArray.prototype, key, { ...descriptor, enumerable: false });
}
