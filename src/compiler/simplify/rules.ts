/** The rules of simplification. None changes a bit of any result. */
import { nth, range } from '../../core/axes.js';
import { sameShape } from '../../core/aval.js';
import { Lit, Var, type Atom } from '../../core/primitive.js';
import * as s from '../../core/scalar.js';
import { narrow, widen } from '../float16.js';
import type { LoweredEqn } from '../inline.js';
import { isView as isAnyView } from '../views.js';
import type { Rule } from './rewrite.js';
import { createSimplifier } from './scalar.js';

const isView = (eqn: LoweredEqn): boolean =>
  isAnyView(eqn) && eqn.lowering.kind === 'map' && eqn.lowering.barrier !== true;

/** Placeholder of the element of operand i. */
const elementOf = (a: Atom, i: number): s.Expr =>
  widen(a instanceof Var ? s.accRef(a.aval.dtype, i) : s.constant(a.aval.dtype, a.value));

/**
 * What an elementwise equation is of its operands: a scalar of constants becomes a constant, and an equation that only
 * passes an operand on (x · 1, the negation of a negation) is that operand.
 */
export const foldScalars: Rule = (eqn, producer) => {
  const { lowering } = eqn;
  if (!isElementwise(eqn) || lowering.kind !== 'map' || eqn.outputs.length !== 1) return undefined;
  const out = nth(eqn.outputs, 0).aval;
  const index = range(out.ndim).map((d) => s.loopVar(d, nth(out.shape, d)));
  /** The result as an expression of atoms: of the operands, or of what the unary equations that made them read. */
  const through = (deep: boolean): { value: s.Expr; atoms: readonly Atom[] } => {
    const atoms: Atom[] = [];
    const read = (a: Atom): s.Expr => {
      const made = deep && a instanceof Var ? producer.get(a) : undefined;
      const [inner] = made?.inputs ?? [];
      const isUnary = made?.inputs.length === 1 && made.outputs.length === 1 && isElementwise(made);
      if (isUnary && made.lowering.kind === 'map' && inner !== undefined && inner.aval.ndim === a.aval.ndim)
        return widen(
          narrow(a.aval.dtype, nth(made.lowering.at([{ aval: inner.aval, at: () => leaf(inner) }], index), 0)),
        );
      return leaf(a);
    };
    const leaf = (a: Atom): s.Expr => elementOf(a, atoms.push(a) - 1);
    const operands = eqn.inputs.map((a) => ({ aval: a.aval, at: () => read(a) }));
    return { value: createSimplifier()(narrow(out.dtype, nth(lowering.at(operands, index), 0))), atoms };
  };
  for (const deep of [false, true]) {
    const { value, atoms } = through(deep);
    if (value.op === 'const' && typeof value.value === 'number' && out.ndim === 0)
      return { results: [new Lit(value.value, out)] };
    if (value.op !== 'acc') continue;
    const same = nth(atoms, value.id);
    if (same.aval.dtype === out.dtype && sameShape(same.aval.shape, out.shape)) return { results: [same] };
  }
  return undefined;
};

const isElementwise = ({ lowering }: LoweredEqn): boolean =>
  lowering.kind === 'map' && lowering.elementwise === true && lowering.barrier !== true;

/** Views that undo each other, and those that do nothing. */
export const dropViews: Rule = (eqn, producer) => {
  if (!isView(eqn) || eqn.lowering.kind !== 'map') return undefined;
  const [out] = eqn.outputs;
  if (out === undefined || eqn.inputs.length !== 1) return undefined;
  const index = range(out.aval.ndim).map((d) =>
    out.aval.shape[d] === 1 ? s.int(0) : s.loopVar(d, nth(out.aval.shape, d)),
  );
  let found: { atom: Atom; index: readonly s.Expr[] } | undefined;
  const at = (a: Atom, i: readonly s.Expr[]): s.Expr => {
    const made = a instanceof Var ? producer.get(a) : undefined;
    if (
      made !== undefined &&
      made !== eqn &&
      isView(made) &&
      made.lowering.kind === 'map' &&
      made.inputs.length === 1
    ) {
      const input = nth(made.inputs, 0);
      // Further down there may be a value of the same shape at the same index.
      if (!fits(a, i)) return nth(made.lowering.at([{ aval: input.aval, at: (j) => at(input, j) }], i), 0);
    }
    found = { atom: a, index: i };
    return widen(s.accRef(a.aval.dtype, 0));
  };
  const fits = (a: Atom, i: readonly s.Expr[]): boolean =>
    a.aval.dtype === out.aval.dtype &&
    sameShape(a.aval.shape, out.aval.shape) &&
    i.every((e, d) => e === index[d] || (out.aval.shape[d] === 1 && e.op === 'const'));
  const input = nth(eqn.inputs, 0);
  const value = narrow(out.aval.dtype, nth(eqn.lowering.at([{ aval: input.aval, at: (i) => at(input, i) }], index), 0));
  return value.op === 'acc' && found !== undefined && fits(found.atom, found.index)
    ? { results: [found.atom] }
    : undefined;
};

/** An elementwise equation of values that are all repeated in the same way is computed before they are. */
export const sinkBroadcasts: Rule = (eqn, producer) => {
  const { lowering } = eqn;
  if (lowering.kind !== 'map' || lowering.elementwise !== true || lowering.barrier === true) return undefined;
  let repeat: LoweredEqn | undefined;
  const small: Atom[] = [];
  for (const a of eqn.inputs) {
    const made = a instanceof Var ? producer.get(a) : undefined;
    if (a.aval.ndim === 0) small.push(a);
    else if (made === undefined || !isBroadcast(made) || !sameRepetition(made, (repeat ??= made))) return undefined;
    else small.push(nth(made.inputs, 0));
  }
  if (repeat === undefined) return undefined;
  const from = nth(repeat.inputs, 0).aval;
  if (from.ndim === 0 || from.size >= nth(eqn.outputs, 0).aval.size) return undefined;
  const results = eqn.outputs.map((v) => new Var(v.aval.with({ shape: from.shape })));
  const again = repeat;
  return {
    eqns: [
      { ...eqn, inputs: small, outputs: results },
      ...results.map((v, i): LoweredEqn => ({ ...again, inputs: [v], outputs: [nth(eqn.outputs, i)] })),
    ],
  };
};

const isBroadcast = (eqn: LoweredEqn): boolean => eqn.primitive.name === 'broadcast_in_dim';
const sameRepetition = (a: LoweredEqn, b: LoweredEqn): boolean =>
  sameShape(nth(a.inputs, 0).aval.shape, nth(b.inputs, 0).aval.shape) &&
  JSON.stringify(a.params) === JSON.stringify(b.params);

/**
 * A scatter by which each element of the operand meets at most one update, known by its own index (one update in each
 * row, as in the gradient of picking a class), is a map: each element asks whether it is the one that is met.
 */
export const scatterAsMap: Rule = (eqn) => {
  const { lowering } = eqn;
  if (lowering.kind !== 'scatter') return undefined;
  const [operand, , updates] = eqn.inputs;
  if (operand === undefined || updates === undefined) return undefined;
  const variables = updates.aval.shape.map((n, d) => (n === 1 ? s.int(0) : s.loopVar(d, n)));
  const indices = nth(eqn.inputs, 1);
  const probe = lowering.target({ aval: indices.aval, at: () => widen(s.accRef(indices.aval.dtype, 0)) }, variables);
  // For each axis of the updates the axis of the operand that is the same.
  const from = variables.map((v, d) =>
    v.op === 'var' ? probe.index.findIndex((e, i) => e === v && operand.aval.shape[i] === updates.aval.shape[d]) : -1,
  );
  if (variables.some((v, d) => v.op === 'var' && nth(from, d) < 0)) return undefined;
  const computed = range(operand.aval.ndim).filter((d) => !from.includes(d));
  const { combine } = lowering;
  return {
    eqns: [
      {
        ...eqn,
        lowering: {
          kind: 'map',
          cost: 'cheap',
          at: ([base, places, values], index) => {
            if (base === undefined || places === undefined || values === undefined) throw new Error('unreachable');
            const update = from.map((d) => (d < 0 ? s.int(0) : nth(index, d)));
            const { index: met, inBounds } = lowering.target(places, update);
            const isMet = computed.reduce<s.Expr>((all, d) => {
              const same = s.binary('eq', nth(met, d), nth(index, d));
              return all.op === 'const' ? same : s.binary('and', all, same);
            }, s.bool(true));
            const hit =
              inBounds.op === 'const' ? isMet : isMet.op === 'const' ? inBounds : s.binary('and', inBounds, isMet);
            const [before, value] = [base.at(index), values.at(update)];
            return [s.select(hit, combine === 'set' ? value : s.binary(combine, before, value), before)];
          },
        },
      },
    ],
  };
};
