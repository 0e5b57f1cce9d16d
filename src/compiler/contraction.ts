/**
 * The kernel of a matrix product and of what is done with its result. Operands that are strided views of what is stored
 * are read in place, so that transposes cost nothing. Maps over the result, also over a transpose of it, are its
 * epilogue: their results are stored instead of the product, or beside it.
 */
import { computeType } from '../core/dtype.js';
import { nth } from '../core/axes.js';
import { linearIndex } from '../core/index-expr.js';
import type { Index } from '../core/lowering.js';
import type { Var } from '../core/primitive.js';
import * as s from '../core/scalar.js';
import { affine } from './access.js';
import { KernelBuilder, Misaligned, type BoundKernel } from './builder.js';
import type { Fusion, Group } from './fuse.js';
import type { LoweredEqn } from './inline.js';
import type { ContractAxis, ContractKernel, ContractOperand, Store } from './loop-ir.js';
import { indexFor, sameIndex } from './space.js';

/** The kernel of a `contract` group; `results` are its values that are stored. */
export function contractKernel(
  group: Group,
  { groupOf }: Fusion,
  producer: ReadonlyMap<Var, LoweredEqn>,
  results: readonly Var[],
  name: string,
): BoundKernel<ContractKernel> {
  const eqn = nth(group.members, 0);
  const { lowering } = eqn;
  if (lowering.kind !== 'contract') throw new Error('unreachable');
  const product = nth(eqn.outputs, 0);
  const isMember = (v: Var): boolean => groupOf.get(v) === group;
  /** Variables of the group's space, once they are known. */
  let outer: Index = [];
  const builder = new KernelBuilder(
    producer,
    (v) => groupOf.has(v) && !isMember(v),
    [],
    (v, index) => {
      // A member is only ever read where it was remembered.
      if (isMember(v) && !sameIndex(index, indexFor(v.aval.shape, outer, group.shape))) throw new Misaligned();
      return undefined;
    },
  );
  const variables = (extents: readonly number[]): s.LoopVar[] => extents.map((n) => builder.newLoop(n));
  const groups = { batch: variables(lowering.batch), m: variables(lowering.m), n: variables(lowering.n) };
  const k = variables(lowering.k);
  const [l, r] = [builder.operand(nth(eqn.inputs, 0)), builder.operand(nth(eqn.inputs, 1))];
  const lhs = stridesIn(lowering.lhs(l, groups.batch, groups.m, k));
  const rhs = stridesIn(lowering.rhs(r, groups.batch, k, groups.n));
  const place = lowering.out(groups.batch, groups.m, groups.n);
  const to = affine(linearIndex(place, product.aval.shape));
  if (to === undefined) throw new Error('the result of a matrix product is no strided view');
  const axes = (vars: readonly s.LoopVar[]): ContractAxis[] =>
    vars.map(({ id, extent }) => ({
      id,
      extent,
      lhsStride: lhs.strides.get(id) ?? 0,
      rhsStride: rhs.strides.get(id) ?? 0,
      outStride: to.strides.get(id) ?? 0,
    }));

  const { permutation } = group;
  outer = group.shape.map((_, d) => (permutation.includes(d) ? nth(place, permutation.indexOf(d)) : s.int(0)));
  // Axes of extent 1 are read at 0.
  const unitIndex = place.map((e, d) => (product.aval.shape[d] === 1 ? s.int(0) : e));
  builder.remember(product, unitIndex, s.accRef(computeType(product.aval.dtype), 0));
  const maps = group.members.slice(1);
  for (const m of maps) builder.compute(m, indexFor(nth(m.outputs, 0).aval.shape, outer, group.shape));
  const epilogue = maps.flatMap((m) =>
    m.outputs
      .filter((v) => results.includes(v))
      .map((v): Store => {
        const index = indexFor(v.aval.shape, outer, group.shape);
        return {
          buffer: builder.slot(v, 'write'),
          index: linearIndex(index, v.aval.shape),
          value: builder.at(v, index),
        };
      }),
  );
  const isOut = results.includes(product);
  // The product itself is float32.
  const isNarrow = isOut && product.aval.dtype === 'float16';
  if (isNarrow)
    epilogue.push({
      buffer: builder.slot(product, 'write'),
      index: linearIndex(place, product.aval.shape),
      value: builder.at(product, unitIndex),
    });
  const out = isOut && !isNarrow ? { buffer: builder.slot(product, 'write'), offset: to.offset } : undefined;
  const { kernel, slots } = builder.finish(name);
  return {
    slots,
    kernel: {
      kind: 'contract',
      name,
      buffers: kernel.buffers,
      dtype: computeType(product.aval.dtype),
      batch: axes(groups.batch),
      m: axes(groups.m),
      n: axes(groups.n),
      k: axes(k),
      lhs: lhs.operand,
      rhs: rhs.operand,
      ...(out !== undefined && { out }),
      ...(epilogue.length > 0 && { epilogue }),
    },
  };
}

/** An operand of a matrix product and its strides by loop variable; none where it is computed. */
function stridesIn(value: s.Expr): { operand: ContractOperand; strides: ReadonlyMap<number, number> } {
  const form = value.op === 'load' ? affine(value.index) : undefined;
  return value.op === 'load' && form !== undefined
    ? { operand: { buffer: value.buffer, offset: form.offset }, strides: form.strides }
    : { operand: { value }, strides: new Map() };
}
