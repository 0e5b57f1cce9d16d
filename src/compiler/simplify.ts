/**
 * Simplification of flat programs, before fusion: the rules of simplify/rules.ts, common subexpressions, dead code, trivial
 * loops. Every pass keeps types and bits.
 */
import { nth } from '../core/axes.js';
import { Var, type Atom } from '../core/primitive.js';
import { isControl, type Body, type LoweredEqn } from './inline.js';
import { hasBarrier, pruneControl, simplifyControl, substituteEqn } from './simplify-control.js';
import { bodyKey, paramsKey } from './key.js';
import { rewrite } from './simplify/rewrite.js';
import { dropViews, foldScalars, scatterAsMap, sinkBroadcasts } from './simplify/rules.js';

const RULES = [foldScalars, dropViews, sinkBroadcasts, scatterAsMap];

/** Each pass is complete in one run, because operands are simplified before what uses them. */
export const simplify = <B extends Body>(program: B): B =>
  eliminateDead(eliminateCommon(rewrite(eliminateDead(program), RULES)));

/** Merge equations that compute the same thing, but for barriers. */
export function eliminateCommon<B extends Body>(program: B): B {
  const numbers = new Map<Var, number>();
  const name = (a: Atom): string => {
    if (!(a instanceof Var)) return `${Object.is(a.value, -0) ? '-0' : String(a.value)}:${a.aval.dtype}`;
    let n = numbers.get(a);
    if (n === undefined) numbers.set(a, (n = numbers.size));
    return String(n);
  };

  /** `outer` reads variables of what is around. */
  const visit = <T extends Body>(body: T, outer: (a: Atom) => Atom): T => {
    const replacement = new Map<Atom, Atom>();
    const seen = new Map<string, readonly Var[]>();
    const read = (a: Atom): Atom => replacement.get(a) ?? outer(a);
    const eqns: LoweredEqn[] = [];
    /** Add an equation, unless an earlier one computes the same. */
    const add = (eqn: LoweredEqn): void => {
      const key = keyOf(eqn);
      const earlier = key === undefined ? undefined : seen.get(key);
      if (earlier !== undefined) {
        eqn.outputs.forEach((v, i) => replacement.set(v, nth(earlier, i)));
        return;
      }
      if (key !== undefined) seen.set(key, eqn.outputs);
      eqns.push(eqn);
    };
    for (const eqn of body.eqns) {
      if (!isControl(eqn)) {
        add({ ...eqn, inputs: eqn.inputs.map(read) });
        continue;
      }
      const simple = simplifyControl(eqn, read, (inner) => visit(inner, read));
      for (const part of simple.eqns) add(substituteEqn(part, read));
      simple.forwarded.forEach((a, v) => replacement.set(v, read(a)));
    }
    return { ...body, eqns, outputs: body.outputs.map(read) };
  };

  const keyOf = (eqn: LoweredEqn): string | undefined => {
    if (hasBarrier(eqn)) return undefined;
    if (isControl(eqn))
      return `${eqn.lowering.kind}${bodyKey({ inputs: [], eqns: [eqn], outputs: eqn.outputs }, name)}`;
    return `${eqn.primitive.name}[${paramsKey(eqn.params)}](${eqn.inputs.map(name).join(',')})`;
  };
  return visit(program, (a) => a);
}

/** Drop equations whose results nobody reads, and unread results of loops and branches with what they need. */
export function eliminateDead<B extends Body>(program: B): B {
  const live = new Set<Atom>(program.outputs);
  const eqns: LoweredEqn[] = [];
  for (let i = program.eqns.length - 1; i >= 0; i--) {
    const eqn = nth(program.eqns, i);
    if (!eqn.outputs.some((v) => live.has(v))) continue;
    const kept = isControl(eqn) ? pruneControl(eqn, (v) => live.has(v), eliminateDead) : eqn;
    kept.inputs.forEach((a) => live.add(a));
    eqns.push(kept);
  }
  return { ...program, eqns: eqns.reverse() };
}
