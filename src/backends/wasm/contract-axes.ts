/**
 * The axis groups of a contraction: their sizes, how operands step through them, and contractions without axes of
 * extent 1.
 */
import { int } from '../../core/scalar.js';
import type { Expr } from '../../core/scalar.js';
import type { ContractAxis, ContractKernel, ContractOperand } from '../../compiler/loop-ir.js';
import { mapStage, mapStore } from '../../compiler/stages.js';
import { Exprs } from './exprs.js';
import { product } from './util.js';

/** Elements of a group. */
export const groupSize = (axes: readonly ContractAxis[]): number => product(axes.map((a) => a.extent));

/**
 * How the element offset of an operand follows from the linear index of a group: a constant stride, or, where the
 * group has several axes, a sum over the axes.
 */
export type Steps =
  | { readonly kind: 'stride'; readonly stride: number }
  | { readonly kind: 'axes'; readonly axes: readonly { readonly extent: number; readonly stride: number }[] };

export type StrideKey = 'lhsStride' | 'rhsStride' | 'outStride';

export function stepsOf(axes: readonly ContractAxis[], operand: StrideKey): Steps {
  const own: { extent: number; stride: number }[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const outer = own.at(-1);
    const stride = axis[operand];
    if (outer?.stride === stride * axis.extent) own[own.length - 1] = { extent: outer.extent * axis.extent, stride };
    else own.push({ extent: axis.extent, stride });
  }
  const [only] = own;
  if (only === undefined) return { kind: 'stride', stride: 0 };
  return own.length === 1 ? { kind: 'stride', stride: only.stride } : { kind: 'axes', axes: own };
}

/** The contraction without its axes of extent 1. */
export function dropUnitAxes(kernel: ContractKernel): ContractKernel {
  const { batch, m, n, k } = kernel;
  const gone = new Map<number, Expr>();
  for (const axis of [...batch, ...m, ...n, ...k]) if (axis.extent === 1) gone.set(axis.id, int(0));
  if (gone.size === 0) return kernel;
  const exprs = new Exprs();
  const visit = (e: Expr): Expr => exprs.substitute(exprs.canon(e), gone);
  const operand = (o: ContractOperand): ContractOperand => ('value' in o ? { value: visit(o.value) } : o);
  const kept = (axes: readonly ContractAxis[]): ContractAxis[] => axes.filter((a) => a.extent !== 1);
  return {
    ...kernel,
    batch: kept(batch),
    m: kept(m),
    n: kept(n),
    k: kept(k),
    lhs: operand(kernel.lhs),
    rhs: operand(kernel.rhs),
    ...(kernel.epilogue !== undefined && { epilogue: kernel.epilogue.map((t) => mapStore(t, visit)) }),
    ...(kernel.beside !== undefined && {
      beside: kernel.beside.map(({ of, stages }) => ({ of, stages: stages.map((t) => mapStage(t, visit)) })),
    }),
  };
}
