/** Rewriting expressions, and those of stages and stores. */
import { mapOperands, type Expr } from '../core/scalar.js';
import type { Stage, Store } from './loop-ir.js';

/** Apply `visit` to every expression of a store. */
export function mapStore(store: Store, visit: (e: Expr) => Expr): Store {
  const mapped = { ...store, index: visit(store.index), value: visit(store.value) };
  return store.mask === undefined ? mapped : { ...mapped, mask: visit(store.mask) };
}

/** Apply `visit` to every expression of a stage. */
export function mapStage(stage: Stage, visit: (e: Expr) => Expr): Stage {
  return {
    ...stage,
    accumulators: stage.accumulators.map((acc) => ({
      ...acc,
      init: visit(acc.init),
      update:
        'next' in acc.update
          ? {
              next: visit(acc.update.next),
              ...(acc.update.merge !== undefined && { merge: visit(acc.update.merge) }),
            }
          : { combine: acc.update.combine, value: visit(acc.update.value) },
    })),
    stores: stage.stores.map((store) => mapStore(store, visit)),
  };
}

/** Expressions whose loads are from other slots; nodes shared before are shared after. */
export function renaming(rename: (slot: number) => number): (e: Expr) => Expr {
  const known = new Map<Expr, Expr>();
  const visit = (e: Expr): Expr => {
    let result = known.get(e);
    if (result === undefined) {
      const mapped = mapOperands(e, visit);
      known.set(e, (result = mapped.op === 'load' ? { ...mapped, buffer: rename(mapped.buffer) } : mapped));
    }
    return result;
  };
  return visit;
}
