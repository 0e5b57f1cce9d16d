/** Operands of control flow come in groups (constants, carry, slices): splitting and marking lists. */
import { nth, range } from '../core/axes.js';
import { traceToJaxpr } from '../core/jaxpr-trace.js';
import type { ShapedArray } from '../core/aval.js';
import type { NDArray } from '../core/ndarray.js';
import { ClosedJaxpr, Jaxpr, Var, type Atom, type MaybeZero } from '../core/primitive.js';
import { instantiate } from '../lax/broadcast.js';
import { hoistConstants } from '../transforms/call.js';

/** The first `a` elements, the next `b`, and the rest. */
export const split3 = <T>(list: readonly T[], a: number, b: number): [T[], T[], T[]] => [
  list.slice(0, a),
  list.slice(a, a + b),
  list.slice(a + b),
];

/** The elements that are marked. */
export const where = <T>(list: readonly T[], marks: readonly boolean[]): T[] =>
  list.filter((_, i) => marks[i] === true);

/** The elements that are not marked. */
export const whereNot = <T>(list: readonly T[], marks: readonly boolean[]): T[] =>
  list.filter((_, i) => marks[i] !== true);

export const count = (marks: readonly boolean[]): number => marks.filter((m) => m).length;

/** Take from `yes` where marked and from `no` elsewhere, each in order. */
export function merge<T>(marks: readonly boolean[], yes: readonly T[], no: readonly T[]): T[] {
  let [y, n] = [0, 0];
  return marks.map((m) => (m ? nth(yes, y++) : nth(no, n++)));
}

/** Marks with more added by `step`, until it adds none. */
export function fixpoint(
  marks: readonly boolean[],
  step: (marks: readonly boolean[]) => readonly boolean[],
): boolean[] {
  for (let current = [...marks]; ;) {
    const more = step(current);
    const next = current.map((m, i) => m || more[i] === true);
    if (next.every((m, i) => m === current[i])) return current;
    current = next;
  }
}

/** Consecutive numbers. */
export const run = (from: number, length: number): number[] => range(length).map((i) => from + i);

/** The tangents that are marked, as arrays. */
export const instantiated = (tangents: readonly MaybeZero[], marks: readonly boolean[]): NDArray[] =>
  where(tangents, marks).map(instantiate);

/** A jaxpr whose constants have become its first arguments, and their values. */
export interface Body {
  readonly closed: ClosedJaxpr;
  readonly consts: readonly NDArray[];
}

/** Record `f` for arguments of the given types, which come after the constants. */
export const record = (
  f: (...args: NDArray[]) => readonly NDArray[],
  avals: readonly ShapedArray[],
  transform: string,
): Body => hoistConstants(traceToJaxpr(f, avals, transform));

/** The jaxpr with arguments and results in another order: number k of the new one is `args[k]`, `results[k]` of the old. */
export function reorder(closed: ClosedJaxpr, args: readonly number[], results: readonly number[]): Body {
  const { constvars, invars, eqns, outvars } = closed.jaxpr;
  const pick = <T>(list: readonly T[], at: readonly number[]): T[] => at.map((i) => nth(list, i));
  return hoistConstants(
    new ClosedJaxpr(new Jaxpr(constvars, pick(invars, args), eqns, pick(outvars, results)), closed.consts),
  );
}

/** The jaxpr with other results: any of its atoms. */
export const withResults = (closed: ClosedJaxpr, outvars: readonly Atom[]): ClosedJaxpr =>
  new ClosedJaxpr(new Jaxpr(closed.jaxpr.constvars, closed.jaxpr.invars, closed.jaxpr.eqns, outvars), closed.consts);

/** Several jaxprs of the same arguments whose constants, together, have become the first arguments of each. */
export function shareConstants(closed: readonly ClosedJaxpr[]): { branches: ClosedJaxpr[]; consts: NDArray[] } {
  const consts = [...new Set(closed.flatMap((c) => c.consts))];
  if (consts.length === 0) return { branches: [...closed], consts };
  const branches = closed.map(({ jaxpr, consts: own }) => {
    const first = consts.map((x) => jaxpr.constvars[own.indexOf(x)] ?? new Var(x.aval));
    return new ClosedJaxpr(new Jaxpr([], [...first, ...jaxpr.invars], jaxpr.eqns, jaxpr.outvars), []);
  });
  return { branches, consts };
}

/** Marks that one of the lists has. */
export const union = (lists: readonly (readonly boolean[])[]): boolean[] =>
  nth(lists, 0).map((_, i) => lists.some((marks) => marks[i] === true));
