/** The primitive cond: one of several branches, chosen by an index. */
import { ShapedArray } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { JaxprTypeError } from '../core/errors.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { definePrimitive, type Example, type Primitive } from '../core/primitive.js';
import { bind } from '../core/trace.js';
import { add, mul, sub } from '../lax/arithmetic.js';
import { cos, sin } from '../lax/trigonometric.js';
import { condBatch, condJvp, condLinearize, condTranspose, type BindCond, type CondParams } from './cond-rules.js';
import { shareConstants } from './lists.js';

function resultTypes([index, ...operands]: readonly ShapedArray[], { branches }: CondParams): ShapedArray[] {
  const types = (list: readonly ShapedArray[]): string => list.map(String).join(', ');
  const { outAvals } = nth(branches, 0);
  const given = types(operands);
  const fits =
    index?.dtype === 'int32' &&
    index.ndim === 0 &&
    branches.every((b) => types(b.inAvals) === given && types(b.outAvals) === types(outAvals));
  if (!fits) {
    throw new JaxprTypeError(
      `cond: the branches are ${branches.map((b) => `(${types(b.inAvals)}) -> (${types(b.outAvals)})`).join(', ')}, ` +
        `but the index is ${String(index)} and the operands are ${given}`,
    );
  }
  return outAvals.map((a) => a.strengthen());
}

/** Apply the primitive. A choice without results is none. */
export const bindCond: BindCond = (branches, index, operands) => {
  const shared = shareConstants(branches);
  if (nth(branches, 0).jaxpr.outvars.length === 0) return [];
  return bind(condP, [index, ...shared.consts, ...operands], { branches: shared.branches });
};

/** Examples for the laws: branches of which none is linear, and branches which all are affine. */
function examples(): Example<CondParams>[] {
  const float = new ShapedArray([3], 'float32');
  const example = (index: number, ...functions: readonly ((x: NDArray, y: NDArray) => NDArray[])[]) => ({
    args: [{ shape: [], dtype: 'int32' as const, values: [index] }, { shape: [3] }, { shape: [3] }],
    params: {
      branches: functions.map((f) => traceToJaxpr((...args) => f(nth(args, 0), nth(args, 1)), [float, float], 'cond')),
    },
  });
  return [
    example(
      0,
      (x, y) => [mul(sin(x), cos(y)), x],
      (x, y) => [add(sin(mul(x, y)), mul(x, mul(x, mul(y, y)))), mul(x, 2)],
      (x, y) => [mul(sin(sin(y)), sin(x)), mul(x, 3)],
    ),
    example(
      1,
      (x, y) => [sub(mul(x, 3), y), y],
      (x, y) => [add(x, y), x],
    ),
  ];
}

const condP: Primitive<CondParams> = definePrimitive<CondParams>({
  name: 'cond',
  abstract: resultTypes,
  jvp: condJvp((...args) => bindCond(...args)),
  linearize: condLinearize((...args) => bindCond(...args)),
  transpose: condTranspose((...args) => bindCond(...args)),
  batch: condBatch((...args) => bindCond(...args)),
  lower: (_avals, { branches }) => ({ kind: 'cond', branches }),
  examples,
});
