/** The oracle's stages, one point at a time. */
import type { DType } from '../../../src/core/dtype.js';
import type { Expr } from '../../../src/core/scalar.js';
import type { Stage } from '../../../src/compiler/loop-ir.js';
import type { Environment, Value } from './evaluate.js';
import { combineValues, evaluate, runStores } from './evaluate.js';

/** Run `body` for every point of `loops`. */
export function forEachPoint(
  loops: readonly { id: number; extent: number }[],
  variables: Map<number, number>,
  body: () => void,
): void {
  const [first, ...rest] = loops;
  if (first === undefined) {
    body();
    return;
  }
  for (let i = 0; i < first.extent; i++) {
    variables.set(first.id, i);
    forEachPoint(rest, variables, body);
  }
}

export function runStage(stage: Stage, env: Environment, dtypes: readonly DType[]): void {
  for (const acc of stage.accumulators) env.accumulators.set(acc.id, evaluate(acc.init, env));
  forEachPoint(stage.loops, env.variables, () => {
    const memo = new Map<Expr, Value>();
    const next = stage.accumulators.map((acc): [number, Value] => {
      if ('next' in acc.update) return [acc.id, evaluate(acc.update.next, env, memo)];
      const before = env.accumulators.get(acc.id) ?? NaN;
      return [acc.id, combineValues(acc.update.combine, acc.dtype, before, evaluate(acc.update.value, env, memo))];
    });
    for (const [id, value] of next) env.accumulators.set(id, value);
    runStores(stage.stores, env, dtypes);
  });
}
