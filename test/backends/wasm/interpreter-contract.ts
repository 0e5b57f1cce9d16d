/** The oracle's contraction: summed term by term, operands and epilogue evaluated element by element. */
import { accRef, int } from '../../../src/core/scalar.js';
import type { TypedArray } from '../../../src/core/dtype.js';
import type { ContractAxis, ContractKernel, ContractOperand, Store } from '../../../src/compiler/loop-ir.js';
import type { Environment, Value } from './evaluate.js';
import { evaluate, isFloat, runStores, wrap } from './evaluate.js';
import { forEachPoint, runStage } from './interpreter-stage.js';

/** The values of a group's variables at each of its points, in order. */
function pointsOf(axes: readonly ContractAxis[]): number[][] {
  return axes.reduce<number[][]>(
    (points, { extent }) => points.flatMap((p) => Array.from({ length: extent }, (_, i) => [...p, i])),
    [[]],
  );
}

/**
 * The contraction, term by term: sums in float64 (floats) or exactly (integers), then the plain store and the stores of
 * the epilogue, all of whose loads come before the first store; what is beside it in the end.
 */
export function runContract(kernel: ContractKernel, buffers: readonly TypedArray[]): void {
  const { batch, m, n, k, dtype, out, epilogue = [], beside = [] } = kernel;
  const env: Environment = { buffers, variables: new Map(), accumulators: new Map() };
  const outer = [...batch, ...m, ...n];
  const terms = pointsOf(k);
  type Key = 'lhsStride' | 'rhsStride' | 'outStride';
  const offset = (axes: readonly ContractAxis[], point: readonly number[], key: Key): number =>
    axes.reduce((sum, axis, i) => sum + axis[key] * (point[i] ?? NaN), 0);
  /** The values of an operand for each k at a point of the batch and of its own axes. */
  const reader = (operand: ContractOperand, own: readonly ContractAxis[], key: Key): (() => Value[]) => {
    const steps = terms.map((term) => offset(k, term, key));
    const axes = [...batch, ...own];
    const known = new Map<string, Value[]>();
    return () => {
      const point = axes.map((axis) => env.variables.get(axis.id) ?? NaN);
      let values = known.get(point.join());
      if (values !== undefined) return values;
      if ('value' in operand)
        values = terms.map((term) => {
          k.forEach((axis, i) => env.variables.set(axis.id, term[i] ?? NaN));
          return evaluate(operand.value, env);
        });
      else {
        const start = operand.offset + offset(axes, point, key);
        values = steps.map((step) => {
          const value = buffers[operand.buffer]?.[start + step];
          if (value === undefined) throw new Error('oracle: contraction out of bounds');
          return value;
        });
      }
      known.set(point.join(), values);
      return values;
    };
  };
  const [lhs, rhs] = [reader(kernel.lhs, m, 'lhsStride'), reader(kernel.rhs, n, 'rhsStride')];
  const dtypes = kernel.buffers.map((b) => b.dtype);
  for (const point of pointsOf(outer)) {
    outer.forEach((axis, i) => env.variables.set(axis.id, point[i] ?? NaN));
    const right = rhs();
    let sum = 0;
    lhs().forEach((left, i) => {
      const [x, y] = [Number(left), Number(right[i])];
      if (isFloat(dtype)) sum += x * y;
      else if (dtype === 'bool') sum |= x & y;
      else sum = (sum + Math.imul(x, y)) | 0;
    });
    env.accumulators.set(0, wrap(dtype, sum));
    const plain: Store[] =
      out === undefined
        ? []
        : [{ buffer: out.buffer, index: int(out.offset + offset(outer, point, 'outStride')), value: accRef(dtype, 0) }];
    runStores([...plain, ...epilogue], env, dtypes);
  }
  for (const { of, stages } of beside) {
    forEachPoint([...batch, ...kernel[of]], env.variables, () => {
      for (const stage of stages) runStage(stage, env, dtypes);
    });
  }
}
