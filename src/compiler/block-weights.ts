/**
 * Weights in loops. A matrix that every iteration multiplies by is brought into blocks of columns once, before the loop,
 * the layout that the product would otherwise pack it into in every iteration: the blocks become the batch of the
 * product, and each is read where it is.
 */
import { sizeOf } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { byteWidth } from '../core/dtype.js';
import { addIndex, mulIndex } from '../core/index-expr.js';
import type { ContractLowering, Index } from '../core/lowering.js';
import { Var, type Atom } from '../core/primitive.js';
import type * as s from '../core/scalar.js';
import { controlEqn, isControl, mapBodies, operandCount, type Body, type LoweredEqn, type Repeat } from './inline.js';
import { isView } from './views.js';

/** Bytes of a row of a block: a cache line. */
const LINE = 64;
/** A smaller matrix is read in any order from the first-level cache. */
const MIN_BYTES = 24576;
/** With more rows to multiply, packing in every iteration costs little. */
const MAX_ROWS = 512;

/** Bring the invariant right operands of products in all loops of a body into blocks, before the loops. */
export function blockWeights<B extends Body>(body: B): B {
  const eqns = body.eqns.flatMap((eqn) => {
    if (!isControl(eqn)) return [eqn];
    const operands = eqn.inputs.slice(0, operandCount(eqn.lowering));
    const inner = controlEqn(eqn, operands, eqn.outputs, mapBodies(eqn.lowering, blockWeights));
    return inner.lowering.kind === 'repeat' ? blockIn(inner, inner.lowering) : [inner];
  });
  return { ...body, eqns };
}

function blockIn(eqn: LoweredEqn, lowering: Repeat): LoweredEqn[] {
  const before: LoweredEqn[] = [];
  const { body } = lowering;
  const producer = new Map<Atom, LoweredEqn>();
  for (const e of body.eqns) e.outputs.forEach((v) => producer.set(v, e));
  const carried = new Set<Atom>(body.inputs);
  const isInvariant = (a: Atom): boolean => {
    const made = producer.get(a);
    return made === undefined ? !carried.has(a) : isView(made) && made.inputs.every(isInvariant);
  };
  /** An invariant value, outside: views of the body are repeated there. */
  const outside = (a: Atom): Atom => {
    const made = producer.get(a);
    if (made === undefined) return a;
    const copy = { ...made, inputs: made.inputs.map(outside), outputs: made.outputs.map((v) => new Var(v.aval)) };
    before.push(copy);
    return nth(
      copy.outputs,
      made.outputs.findIndex((v) => v === a),
    );
  };
  const eqns = body.eqns.map((e) => {
    const right = e.inputs[1];
    if (e.lowering.kind !== 'contract' || right === undefined || !isInvariant(right)) return e;
    const columns = columnsOf(e.lowering, right);
    if (columns === undefined) return e;
    const blocked = blockOf(e, e.lowering, outside(right), columns);
    before.push(blocked);
    return { ...e, inputs: [nth(e.inputs, 0), nth(blocked.outputs, 0)], lowering: overBlocks(e.lowering, columns) };
  });
  if (before.length === 0) return [eqn];
  const operands = eqn.inputs.slice(0, operandCount(lowering));
  return [...before, controlEqn(eqn, operands, eqn.outputs, { ...lowering, body: { ...body, eqns } })];
}

/** Columns of a block, if blocks pay. */
function columnsOf({ batch, m, n, k }: ContractLowering, { aval: { dtype } }: Atom): number | undefined {
  const width = byteWidth(dtype);
  const columns = LINE / width;
  if (batch.length > 0 || n.length !== 1 || dtype === 'bool') return undefined;
  const rows = sizeOf(m);
  const fits = nth(n, 0) % columns === 0 && rows > 1 && rows <= MAX_ROWS;
  return fits && sizeOf(k) * nth(n, 0) * width > MIN_BYTES ? columns : undefined;
}

/** The column that a column of a block is. */
const columnOf = (block: s.Expr, column: s.Expr, columns: number): Index => [
  addIndex(mulIndex(block, columns), column),
];

/** The matrix as [blocks, k…, columns]. */
function blockOf(
  { primitive, params, source }: LoweredEqn,
  contract: ContractLowering,
  from: Atom,
  columns: number,
): LoweredEqn {
  const shape = [nth(contract.n, 0) / columns, ...contract.k, columns];
  return {
    primitive: { name: 'blocks' },
    params: { ...params, of: primitive.name, shape },
    source,
    inputs: [from],
    outputs: [new Var(from.aval.with({ shape }))],
    lowering: {
      kind: 'map',
      cost: 'cheap',
      at: ([matrix], [block, ...rest]) =>
        matrix === undefined || block === undefined
          ? []
          : [contract.rhs(matrix, [], rest.slice(0, -1), columnOf(block, nth(rest, rest.length - 1), columns))],
    },
  };
}

/** The product by a matrix in blocks. */
const overBlocks = (contract: ContractLowering, columns: number): ContractLowering => ({
  ...contract,
  batch: [nth(contract.n, 0) / columns],
  n: [columns],
  lhs: (operand, _, m, k) => contract.lhs(operand, [], m, k),
  rhs: (blocks, batch, k, n) => blocks.at([...batch, ...k, ...n]),
  out: (batch, m, n) => contract.out([], m, columnOf(nth(batch, 0), nth(n, 0), columns)),
});
