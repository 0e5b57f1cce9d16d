/** Control flow in random programs, each with the same computation without it. */
import { nth, range } from '../core/axes.js';
import { ShapedArray } from '../core/aval.js';
import { scalar } from '../core/concrete.js';
import type { NDArray } from '../core/ndarray.js';
import { cond, foriLoop, scan, whileLoop } from '../control/index.js';
import { add, mul, select } from '../lax/arithmetic.js';
import { zerosOf } from '../lax/broadcast.js';
import { gt, lt } from '../lax/compare.js';
import { convertElementType } from '../lax/convert.js';
import { reshape } from '../lax/reshape.js';
import { concatenate, sliceInDim } from '../lax/slicing.js';
import { tanh } from '../lax/trigonometric.js';
import type { Rng } from './prng.js';

type Body = (...xs: NDArray[]) => NDArray[];

/** What a step makes of its carry: of the carry's type whatever `f` gives, and bounded. */
const nextCarry = (carry: NDArray, sum: NDArray): NDArray => tanh(add(carry, mul(sum, 0.3)));

/**
 * A scan that carries the first operand over slices of the others, which are stacked already; `sum` makes a scalar of what
 * the body gives. Results are the last carry and what the body gave in each step.
 */
export function randomScan(
  rng: Rng,
  f: Body,
  sum: (xs: readonly NDArray[]) => NDArray,
  init: NDArray,
  stacked: readonly NDArray[],
  length: number,
  plain: boolean,
): NDArray[] {
  const reverse = rng.chance(0.4);
  const unroll = rng.int(1, 2);
  const step = (carry: NDArray, xs: readonly NDArray[]): readonly [NDArray, NDArray[]] => {
    const out = f(carry, ...xs);
    return [nextCarry(carry, sum(out)), out];
  };
  if (!plain) {
    const [last, ys] = scan((c: NDArray, xs: readonly NDArray[]) => step(c, xs), init, stacked, {
      length,
      reverse,
      unroll,
    });
    return [last, ...ys];
  }
  let carry = init;
  const rows: NDArray[][] = [];
  for (const k of range(length)) {
    const i = reverse ? length - 1 - k : k;
    const [next, out] = step(
      carry,
      stacked.map((x) => reshape(sliceInDim(x, i, i + 1), x.aval.shape.slice(1))),
    );
    carry = next;
    rows[i] = out;
  }
  const ys = nth(rows, 0).map((y, k) =>
    concatenate(
      rows.map((row) => reshape(nth(row, k), [1, ...y.aval.shape])),
      0,
    ),
  );
  return [carry, ...ys];
}

/** The scalar that one of two bodies makes of the operands, chosen by the sign of `decider`. */
export function randomCond(f: () => NDArray, g: () => NDArray, decider: NDArray, plain: boolean): NDArray {
  const pred = gt(decider, 0);
  return plain ? select(pred, f(), g()) : cond(pred, f, g);
}

/** A counting loop around a body that keeps a value, with a loop of unknown length that finds a factor. */
export function randomLoop(
  rng: Rng,
  f: Body,
  sum: (xs: readonly NDArray[]) => NDArray,
  init: NDArray,
  plain: boolean,
): NDArray {
  const [steps, limit] = [rng.int(0, 3), rng.int(1, 4)];
  const step = (i: NDArray, carry: NDArray): NDArray =>
    nextCarry(carry, mul(sum(f(carry)), add(convertElementType(i, carry.dtype), 0.5)));
  const zero = zerosOf(new ShapedArray([], 'int32'));
  const factor = plain
    ? scalar(limit, init.dtype)
    : convertElementType(
        whileLoop(
          (n) => lt(n, limit),
          (n) => add(n, 1),
          zero,
        ),
        init.dtype,
      );
  const start = mul(init, factor);
  if (!plain) return foriLoop(0, steps, step, start);
  return range(steps).reduce((carry, i) => step(scalar(i, 'int32'), carry), start);
}
