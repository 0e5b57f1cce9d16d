/** Equations over all iterations of a loop at once: the same computation on stacked arrays, iterations along axis 0. */
import { nth } from '../core/axes.js';
import type { ContractLowering, MapLowering, Operand, ReduceLowering } from '../core/lowering.js';
import type * as s from '../core/scalar.js';

/** One iteration's slice of an operand, or the operand if it is the same in all. */
function sliceAt(operand: Operand, stacked: boolean, iteration: s.Expr): Operand {
  if (!stacked) return operand;
  const aval = operand.aval.with({ shape: operand.aval.shape.slice(1) });
  return { aval, at: (index) => operand.at([iteration, ...index]) };
}

/** The map of each iteration, its results stacked. */
export const stackedMap = (lowering: MapLowering, stacked: readonly boolean[]): MapLowering => ({
  kind: 'map',
  cost: lowering.cost,
  at: (operands, index) => {
    const iteration = nth(index, 0);
    const slices = operands.map((x, i) => sliceAt(x, stacked[i] === true, iteration));
    return lowering.at(slices, index.slice(1));
  },
});

/** The sum over all iterations of a sum of products. */
export const summedContract = (
  lowering: ContractLowering,
  length: number,
  [left, right]: readonly [boolean, boolean],
): ContractLowering => ({
  ...lowering,
  k: [length, ...lowering.k],
  lhs: (operand, batch, m, k) => lowering.lhs(sliceAt(operand, left, nth(k, 0)), batch, m, k.slice(1)),
  rhs: (operand, batch, k, n) => lowering.rhs(sliceAt(operand, right, nth(k, 0)), batch, k.slice(1), n),
});

/** The sum over all iterations of a sum over some axes of a stacked array. */
export const summedReduce = (lowering: ReduceLowering): ReduceLowering => ({
  ...lowering,
  axes: [0, ...lowering.axes.map((d) => d + 1)],
});
