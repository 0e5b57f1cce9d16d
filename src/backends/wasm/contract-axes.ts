/**
 * The axis groups of a contraction, normalised: axes of extent 1 are dropped and adjacent axes that every operand
 * steps through as one are merged, so that most contractions have one axis per group.
 */
import type { ContractAxis } from '../../compiler/loop-ir.js';
import { product } from './util.js';

export function mergeAxes(axes: readonly ContractAxis[]): ContractAxis[] {
  const merged: ContractAxis[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const outer = merged.at(-1);
    if (
      outer?.lhsStride === axis.lhsStride * axis.extent &&
      outer.rhsStride === axis.rhsStride * axis.extent &&
      outer.outStride === axis.outStride * axis.extent
    ) {
      merged[merged.length - 1] = { ...axis, extent: outer.extent * axis.extent };
    } else merged.push(axis);
  }
  return merged;
}

/** Elements of a group. */
export const groupSize = (axes: readonly ContractAxis[]): number => product(axes.map((a) => a.extent));

/**
 * How the element offset of an operand follows from the linear index of a group: a constant stride, or, where the
 * group has several axes, a sum over the axes.
 */
export type Steps =
  | { readonly kind: 'stride'; readonly stride: number }
  | { readonly kind: 'axes'; readonly axes: readonly { readonly extent: number; readonly stride: number }[] };

export function stepsOf(axes: readonly ContractAxis[], operand: 'lhsStride' | 'rhsStride' | 'outStride'): Steps {
  // Merge again for this operand alone: it may be simpler than all operands together.
  const own: { extent: number; stride: number }[] = [];
  for (const axis of axes) {
    const outer = own.at(-1);
    const stride = axis[operand];
    if (outer?.stride === stride * axis.extent) own[own.length - 1] = { extent: outer.extent * axis.extent, stride };
    else own.push({ extent: axis.extent, stride });
  }
  const [only] = own;
  if (only === undefined) return { kind: 'stride', stride: 0 };
  return own.length === 1 ? { kind: 'stride', stride: only.stride } : { kind: 'axes', axes: own };
}
