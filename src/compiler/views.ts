/** Views: values that are index arithmetic on another. A chain of them over a stored array may be a strided access. */
import { nth } from '../core/axes.js';
import type { Index } from '../core/lowering.js';
import { Var, type Atom } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { linearIndex } from '../core/index-expr.js';
import { narrow, widen } from './float16.js';
import { affine } from './access.js';
import type { LoweredEqn } from './inline.js';

export const isView = (eqn: LoweredEqn): boolean => eqn.lowering.kind === 'map' && eqn.lowering.cost === 'view';

export interface StridedView {
  /** The value that is stored. */
  readonly base: Var;
  /** In elements. */
  readonly offset: number;
  /** One stride per axis of the view, in elements. */
  readonly strides: readonly number[];
}

/**
 * The strided access that `v` is to the value below its chain of views, or undefined if it is none (a reshape that
 * splits a transposed axis, a change of type). A value that is no view is an access to itself.
 */
export function stridedView(
  v: Var,
  producer: ReadonlyMap<Var, LoweredEqn>,
  isStored: (v: Var) => boolean = () => false,
): StridedView | undefined {
  let base: Var | undefined;
  const at = (a: Atom, index: Index): s.Expr => {
    if (!(a instanceof Var)) return widen(s.constant(a.aval.dtype, a.value));
    const eqn = producer.get(a);
    if (eqn === undefined || isStored(a) || !isView(eqn) || eqn.lowering.kind !== 'map') {
      base = a;
      return widen(s.load(a.aval.dtype, 0, linearIndex(index, a.aval.shape)));
    }
    const operands = eqn.inputs.map((input) => ({ aval: input.aval, at: (i: Index) => at(input, i) }));
    return nth(eqn.lowering.at(operands, index), eqn.outputs.indexOf(a));
  };
  const index = v.aval.shape.map((n, d) => s.loopVar(d, n));
  const e = narrow(v.aval.dtype, at(v, index));
  if (e.op !== 'load' || base === undefined) return undefined;
  const form = affine(e.index);
  if (form === undefined) return undefined;
  return { base, offset: form.offset, strides: index.map((x) => form.strides.get(x.id) ?? 0) };
}
