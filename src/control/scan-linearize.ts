/**
 * Linearization of scan: a scan of values that keeps residuals of each step, and a scan of tangents that reads them.
 *
 * A residual is stacked over the steps only if it must be. One that is computed from constants is the same in every step
 * and is computed once, outside of the loop; one that is a slice of xs, or a result of the scan, is there already.
 */
import { nth } from '../core/axes.js';
import { pruneResults } from '../core/dce.js';
import { evalClosed } from '../core/jaxpr-trace.js';
import type { NDArray } from '../core/ndarray.js';
import { ClosedJaxpr, Jaxpr, Lit, Zero, type Atom, type LinearizeRule, type Var } from '../core/primitive.js';
import { hoistConstants, tangentsWhere } from '../transforms/call.js';
import { linearizeJaxpr } from '../transforms/linearize.js';
import { memoize } from '../transforms/memo.js';
import { count, fixpoint, instantiated, record, split3, withResults, type Body } from './lists.js';
import type { BindScan, ScanParams } from './scan-rules.js';

interface SplitScan {
  /** `(constants, carry, x) -> (carry, [ys, residuals])`. */
  readonly primal: Body;
  /** From the constants and the initial carry to the residuals that are the same in every step. */
  readonly invariant: ClosedJaxpr;
  /** Where each other residual is: a slice of xs, or among ys and residuals of the primal scan. */
  readonly stacked: readonly { readonly from: 'xs' | 'ys'; readonly index: number }[];
  /** `([invariant residuals, tangents of constants], tangents of carry, [stacked residuals, tangents of xs])`. */
  readonly tangent: Body;
  readonly carry: readonly boolean[];
  readonly ys: readonly boolean[];
}

/** Atoms that have one value in all steps: what depends on constants, and on carry that is handed on as it is, alone. */
function invariants(jaxpr: Jaxpr, numConsts: number, numCarry: number): (a: Atom) => boolean {
  const [consts, carry] = split3<Var>(jaxpr.invars, numConsts, numCarry);
  const found = new Set<Atom>([...consts, ...carry.filter((v, i) => jaxpr.outvars[i] === v)]);
  const isInvariant = (a: Atom): boolean => a instanceof Lit || found.has(a);
  for (const eqn of jaxpr.eqns) if (eqn.inputs.every(isInvariant)) eqn.outputs.forEach((v) => found.add(v));
  return isInvariant;
}

/** Number of `item` in `list`, to which it is added if need be. */
function numberIn<T>(list: T[], item: T): number {
  const at = list.indexOf(item);
  return at < 0 ? list.push(item) - 1 : at;
}

const splitScan = memoize(
  (closed: ClosedJaxpr, ownConsts: number, numCarry: number, nonzero: readonly boolean[]): SplitScan => {
    const [c, k, x] = split3(nonzero, ownConsts, numCarry);
    const carry = fixpoint(k, (marks) => linearizeJaxpr(closed, [...c, ...marks, ...x], marks).nonzero);
    const split = linearizeJaxpr(closed, [...c, ...carry, ...x], carry);
    const { closed: values, consts } = hoistConstants(split.primal);
    const numConsts = ownConsts + consts.length;
    const { jaxpr } = values;
    const [, , xs] = split3<Atom>(jaxpr.invars, numConsts, numCarry);
    const [carryOut, ys] = split3<Atom>(jaxpr.outvars, numCarry, split.nonzero.length - numCarry);
    const residuals = jaxpr.outvars.slice(split.nonzero.length);

    const isInvariant = invariants(jaxpr, numConsts, numCarry);
    const outside: Atom[] = [];
    const outputs = [...ys];
    const stacked: { from: 'xs' | 'ys'; index: number }[] = [];
    const stackedAtoms: Atom[] = [];
    // For each residual its number among the invariant ones, or among the stacked ones.
    const places = residuals.map((atom) => {
      if (isInvariant(atom)) return { invariant: true, at: numberIn(outside, atom) };
      const at = numberIn(stackedAtoms, atom);
      if (at === stacked.length) {
        const slice = xs.indexOf(atom);
        stacked.push(slice >= 0 ? { from: 'xs', index: slice } : { from: 'ys', index: numberIn(outputs, atom) });
      }
      return { invariant: false, at };
    });

    const active = split.tangent.inAvals.slice(residuals.length);
    const [dconsts, dcarry, dxs] = split3(active, count(c), count(carry));
    const tangent = record(
      (...args) => {
        const [first, dk, last] = split3(args, outside.length + dconsts.length, dcarry.length);
        const dc = first.slice(outside.length);
        const dx = last.slice(stacked.length);
        const given = places.map(({ invariant, at }) => nth(invariant ? first : last, at));
        return evalClosed(split.tangent, [...given, ...dc, ...dk, ...dx]);
      },
      [...outside.map((a) => a.aval), ...dconsts, ...dcarry, ...stackedAtoms.map((a) => a.aval), ...dxs],
      'grad',
    );
    const computed = new Jaxpr([], jaxpr.invars.slice(0, numConsts + numCarry), jaxpr.eqns, outside);
    return {
      primal: { closed: withResults(values, [...carryOut, ...outputs]), consts },
      invariant: new ClosedJaxpr(
        pruneResults(
          computed,
          outside.map(() => true),
        ),
        [],
      ),
      stacked,
      tangent,
      carry,
      ys: split.nonzero.slice(numCarry),
    };
  },
);

export const scanLinearize =
  (bindScan: BindScan): LinearizeRule<ScanParams> =>
  (primals, nonzero, params) => {
    const { jaxpr, numConsts, numCarry } = params;
    const split = splitScan(jaxpr, numConsts, numCarry, nonzero);
    const [consts, init, xs] = split3(primals, numConsts, numCarry);
    const out = bindScan(split.primal, { consts, carry: init, xs }, params);
    const [carry, outputs] = [out.slice(0, numCarry), out.slice(numCarry)];
    const results: NDArray[] = [...carry, ...outputs.slice(0, split.ys.length)];
    const invariant = evalClosed(split.invariant, [...split.primal.consts, ...consts, ...init]);
    const stacked = split.stacked.map(({ from, index }) => nth(from === 'xs' ? xs : outputs, index));
    const moving = [...split.carry, ...split.ys];
    return {
      results,
      tangents: (tangents) => {
        if (!moving.some((m) => m)) return results.map((y) => new Zero(y.aval));
        const [c, , x] = split3(nonzero, numConsts, numCarry);
        const [dconsts, dinit, dxs] = split3(tangents, numConsts, numCarry);
        const dout = bindScan(
          split.tangent,
          {
            consts: [...invariant, ...instantiated(dconsts, c)],
            carry: instantiated(dinit, split.carry),
            xs: [...stacked, ...instantiated(dxs, x)],
          },
          params,
        );
        return tangentsWhere(moving, results, dout);
      },
    };
  };
