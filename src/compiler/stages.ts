/** The expressions of stages and stores, and rewriting them. */
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

/** Every expression of a store. */
export const storeRoots = (store: Store): Expr[] => [
  store.index,
  store.value,
  ...(store.mask === undefined ? [] : [store.mask]),
];

/** Every expression a stage evaluates inside its loops. */
export const bodyRoots = (stage: Stage): Expr[] => [
  ...stage.accumulators.map((acc) => ('next' in acc.update ? acc.update.next : acc.update.value)),
  ...stage.stores.flatMap(storeRoots),
];

/** Every expression of a stage. */
export const stageRoots = (stage: Stage): Expr[] => [...stage.accumulators.map((acc) => acc.init), ...bodyRoots(stage)];

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
