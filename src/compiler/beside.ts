/**
 * What is computed beside a matrix product, in its kernel: sums of one of its operands over what the product sums over
 * too, and what is done with them. The gradient of a bias is such a sum, of what the gradient of the weights multiplies.
 */
import { nth } from '../core/axes.js';
import { Var } from '../core/primitive.js';
import { loopVar, mapOperands, type Expr, type LoopVar } from '../core/scalar.js';
import { affine, type Affine } from './access.js';
import { KernelBuilder, type BoundKernel } from './builder.js';
import type { LoweredEqn } from './inline.js';
import type { BufferSlot, ContractAxis, ContractKernel, LoopKernel } from './loop-ir.js';
import { fullVariables, indexFor, innerOf, placeOf, rowsOf, type Space } from './space.js';
import { mapStage } from './stages.js';

/** Terms from which a sum is better a kernel of its own, that threads divide. */
const MAX_TERMS = 4096;

/** Where the rows of a group are among the axes of a product. */
export interface Seat {
  readonly of: 'm' | 'n';
  /** For each axis of the rows that is longer than 1, its position in batch and m (or n). */
  readonly rows: readonly number[];
}

/** Whether a group sums an operand of `product` over all of k, and otherwise has only values of its rows. */
export function seatOf(
  group: Space & { readonly members: readonly LoweredEqn[] },
  product: LoweredEqn,
  producer: ReadonlyMap<Var, LoweredEqn>,
  isStored: (v: Var) => boolean,
): Seat | undefined {
  const { lowering } = product;
  const sums = group.members.filter((m) => m.lowering.kind === 'reduce');
  const [sum] = sums;
  const input = sum?.inputs[0];
  if (lowering.kind !== 'contract' || sum?.inputs.length !== 1 || sums.length > 1 || !(input instanceof Var)) return;
  const isRow = (m: LoweredEqn): boolean =>
    m.lowering.kind === 'map' && placeOf(nth(m.outputs, 0).aval.shape, group) === 'row';
  if (!group.members.every((m) => m === sum || isRow(m))) return;

  const builder = new KernelBuilder(producer, isStored, rowsOf(group));
  const inner = builder.open(innerOf(group)).variables;
  const variables = fullVariables(group, builder.outer, inner);
  const summed = stridesOf(builder.at(input, indexFor(input.aval.shape, variables, group.shape)));
  if (summed === undefined) return;
  const axes = (extents: readonly number[]): LoopVar[] => extents.map((n) => builder.newLoop(n));
  const [batch, k] = [axes(lowering.batch), axes(lowering.k)];
  if (k.reduce((n, v) => n * v.extent, 1) > MAX_TERMS) return;
  for (const of of ['m', 'n'] as const) {
    const own = axes(lowering[of]);
    const operand = builder.operand(nth(product.inputs, of === 'm' ? 0 : 1));
    const element = of === 'm' ? lowering.lhs(operand, batch, own, k) : lowering.rhs(operand, batch, k, own);
    const read = stridesOf(element);
    if (read?.buffer !== summed.buffer || read.offset !== summed.offset) continue;
    const rows = match(builder.outer, summed, [...batch, ...own], read);
    if (rows !== undefined && match(inner, summed, k, read) !== undefined) return { of, rows };
  }
  return;
}

interface Strided extends Affine {
  readonly buffer: number;
}

function stridesOf(e: Expr): Strided | undefined {
  const form = e.op === 'load' ? affine(e.index) : undefined;
  return e.op === 'load' && form !== undefined ? { buffer: e.buffer, ...form } : undefined;
}

/** For each variable the axis that walks through memory as it does, if that accounts for all axes. */
function match(
  variables: readonly Expr[],
  own: Strided,
  axes: readonly LoopVar[],
  read: Strided,
): number[] | undefined {
  const left = new Set(axes.keys());
  const found: number[] = [];
  for (const v of variables) {
    if (v.op !== 'var') continue;
    const stride = own.strides.get(v.id);
    const position = [...left].find((i) => {
      const axis = nth(axes, i);
      return axis.extent === v.extent && stride !== undefined && read.strides.get(axis.id) === stride;
    });
    if (position === undefined) return undefined;
    left.delete(position);
    found.push(position);
  }
  return [...left].every((i) => nth(axes, i).extent === 1) ? found : undefined;
}

/** The kernel of a product that computes what `ride` does as well. */
export function withRider(
  { kernel, slots }: BoundKernel<ContractKernel>,
  { of, rows }: Seat,
  ride: BoundKernel<LoopKernel>,
): BoundKernel<ContractKernel> {
  const buffers: BufferSlot[] = [...kernel.buffers];
  const values = [...slots];
  const slotOf = ride.slots.map((v, i) => {
    const known = values.indexOf(v);
    if (known >= 0) return known;
    buffers.push(nth(ride.kernel.buffers, i));
    return values.push(v) - 1;
  });
  const axes: readonly ContractAxis[] = [...kernel.batch, ...kernel[of]];
  const byId = new Map<number, Expr>();
  ride.kernel.loops.forEach(({ id }, i) => {
    const axis = nth(axes, nth(rows, i));
    byId.set(id, loopVar(axis.id, axis.extent));
  });
  let fresh = Math.max(-1, ...[...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k].map((a) => a.id)) + 1;
  const memo = new Map<Expr, Expr>();
  const visit = (e: Expr): Expr => {
    let found = memo.get(e);
    if (found === undefined) {
      const mapped = e.op === 'var' ? (byId.get(e.id) ?? e) : mapOperands(e, visit);
      found = mapped.op === 'load' ? { ...mapped, buffer: nth(slotOf, mapped.buffer) } : mapped;
      memo.set(e, found);
    }
    return found;
  };
  const stages = ride.kernel.stages.map((stage) => {
    const loops = stage.loops.map(({ id, extent }) => {
      const loop = { id: fresh++, extent };
      byId.set(id, loopVar(loop.id, extent));
      return loop;
    });
    const mapped = mapStage({ ...stage, loops }, visit);
    return { ...mapped, stores: mapped.stores.map((t) => ({ ...t, buffer: nth(slotOf, t.buffer) })) };
  });
  return {
    slots: values,
    kernel: { ...kernel, buffers, beside: [...(kernel.beside ?? []), { of, stages }] },
  };
}
