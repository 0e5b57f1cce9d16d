/** What a stage lets a device do with its iterations, and how its accumulators start and come together. */
import { partialIdentity } from '../../core/combine.js';
import { constant, operandsOf, type Expr } from '../../core/scalar.js';
import type { Accumulator, Loop, Stage } from '../../compiler/loop-ir.js';
import { bodyRoots, storeRoots } from '../../compiler/stages.js';

export const sizeOf = (loops: readonly { readonly extent: number }[]): number =>
  loops.reduce((n, l) => n * l.extent, 1);

/** Calls `visit` for each node of a DAG once. */
export function walk(roots: readonly Expr[], visit: (e: Expr) => void): void {
  const seen = new Set<Expr>();
  const go = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    visit(e);
    operandsOf(e).forEach(go);
  };
  roots.forEach(go);
}

/** Ids of the accumulators that expressions read. */
export function accumulatorsIn(roots: readonly Expr[]): Set<number> {
  const found = new Set<number>();
  walk(roots, (e) => {
    if (e.op === 'acc') found.add(e.id);
  });
  return found;
}

/**
 * `shared`: iterations may run in any order, in parts whose accumulators are brought together. `scan`: the same, but its stores
 * see the accumulators on the way. `serial`: in order.
 */
export type StageKind = 'shared' | 'scan' | 'serial';

export function kindOf(stage: Stage): StageKind {
  const { accumulators, stores } = stage;
  if (accumulators.length === 0) return 'shared';
  const reads = (roots: readonly Expr[]): boolean => {
    const read = accumulatorsIn(roots);
    return accumulators.some((a) => read.has(a.id));
  };
  const values = accumulators.flatMap(({ update }) => ('combine' in update ? [update.value] : []));
  if (accumulators.some(({ update }) => 'next' in update && update.merge === undefined) || reads(values))
    return 'serial';
  if (!reads(stores.flatMap(storeRoots))) return 'shared';
  return values.length === 0 ? 'scan' : 'serial';
}

/** What an accumulator of a part other than the first starts from: the identity of bringing parts together. */
export const startOf = ({ update, dtype, init }: Accumulator): Expr =>
  'combine' in update ? constant(dtype, partialIdentity(update.combine, dtype)) : init;

/** Whether what an expression reads lies one element further with each value of a variable. */
export function readsNeighbours(e: Expr, variable: number): boolean {
  let found = false;
  walk([e], (x) => {
    if (x.op === 'load') found ||= strideOf(x.index, variable) === 1;
  });
  return found;
}

/** By how much an index grows with a variable; undefined where that depends on others. */
function strideOf(e: Expr, variable: number): number | undefined {
  switch (e.op) {
    case 'var':
      return e.id === variable ? 1 : 0;
    case 'add':
    case 'sub': {
      const [x, y] = [strideOf(e.x, variable), strideOf(e.y, variable)];
      return x === undefined || y === undefined ? undefined : e.op === 'add' ? x + y : x - y;
    }
    case 'mul': {
      const x = strideOf(e.x, variable);
      if (e.y.op === 'const' && x !== undefined) return x * Number(e.y.value);
      break;
    }
    case 'min':
      // An index that is held inside an array at its ragged end.
      if (e.y.op === 'const') return strideOf(e.x, variable);
      break;
    default:
  }
  return operandsOf(e).every((x) => strideOf(x, variable) === 0) ? 0 : undefined;
}

/** Whether neighbouring iterations read neighbouring elements, more than neighbouring points do. */
export function readsAlong(stage: Stage): boolean {
  const last: Loop | undefined = stage.loops.at(-1);
  if (last === undefined) return false;
  let [along, across] = [0, 0];
  walk(bodyRoots(stage), (e) => {
    if (e.op !== 'load') return;
    const stride = strideOf(e.index, last.id) ?? 0;
    if (stride === 1) along += 1;
    else if (stride !== 0) across += 1;
  });
  return along >= across;
}
