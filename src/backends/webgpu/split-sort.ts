/**
 * Stable sorts as loop kernels. In blocks of a row every element counts those that come before it, by all keys and then by
 * position, and goes there; then pairs of sorted blocks are merged, each element finding its place in the other block by
 * bisection, until a row is one block. NaN sorts last, -0 equals 0.
 */
import { addIndex, modIndex, mulIndex } from '../../core/index-expr.js';
import {
  accRef,
  binary,
  bitcast,
  bool,
  convert,
  int,
  load,
  loopVar,
  select,
  unary,
  type Expr,
} from '../../core/scalar.js';
import type { Accumulator, SortKernel, Stage } from '../../compiler/loop-ir.js';
import { PieceMaker, type Pieces } from './pieces.js';
import { loopOf } from './rewrite.js';

/** Elements of a block that is ranked; each compares itself with all of them. */
const BLOCK = 64;

/** A number that is ordered as a key is: of a float made of its bits, for devices may take subnormal numbers for 0. */
function ordered(key: Expr): Expr {
  if (key.type !== 'float32') return key;
  const bits = bitcast('int32', key);
  const magnitude = binary('and', bits, int(0x7fffffff));
  const signed = select(binary('lt', bits, int(0)), binary('sub', int(0), magnitude), bits);
  return select(binary('gt', magnitude, int(0x7f800000)), int(0x7fffffff), signed);
}

/** Whether keys `x` come before keys `y`; `tie` where all are equal. */
const before = (x: readonly Expr[], y: readonly Expr[], tie: Expr): Expr =>
  x.reduceRight<Expr>((rest, a, i) => {
    const b = y[i] ?? a;
    return binary('or', binary('lt', a, b), binary('and', binary('eq', a, b), rest));
  }, tie);

export function splitSort(kernel: SortKernel): Pieces {
  const { outer, length, inner, numKeys } = kernel;
  const maker = new PieceMaker(kernel);
  const count = kernel.buffers.length / 2;
  const operands = kernel.buffers.slice(0, count);
  const [row, own, column] = [loopVar(0, outer), loopVar(1, length), loopVar(2, inner)];
  const loops = [row, own, column].map(loopOf);
  const start = mulIndex(row, length * inner);
  const place = (position: Expr): Expr => addIndex(addIndex(start, mulIndex(position, inner)), column);
  const runs = [BLOCK];
  while ((runs.at(-1) ?? 0) < length) runs.push(2 * (runs.at(-1) ?? 0));
  const passes = runs.length;
  const results = operands.map((_, i) => count + i);
  const spare = passes > 1 ? operands.map(({ dtype, length: n }) => maker.scratch(dtype, n).slot) : [];
  /** The slots after a pass: results and spare in turns, results last. */
  const after = (pass: number): readonly number[] => ((passes - 1 - pass) % 2 === 0 ? results : spare);
  const element = (slots: readonly number[], operand: number, position: Expr): Expr =>
    load(operands[operand]?.dtype ?? 'int32', slots[operand] ?? operand, place(position));
  const keys = (slots: readonly number[], position: Expr): Expr[] =>
    Array.from({ length: numKeys }, (_, key) => ordered(element(slots, key, position)));
  const move = (from: readonly number[], to: readonly number[], target: Expr): Stage => ({
    loops: [],
    accumulators: [],
    ordered: false,
    stores: operands.map((_, i) => ({ buffer: to[i] ?? -1, index: place(target), value: element(from, i, own) })),
  });

  const inputs = operands.map((_, i) => i);
  const other = loopVar(3, Math.min(BLOCK, length));
  const block = binary('mul', binary('div', own, int(BLOCK)), int(BLOCK));
  const position = length <= BLOCK ? other : addIndex(block, other);
  const inside = length % BLOCK === 0 || length <= BLOCK ? undefined : binary('lt', position, int(length));
  const held = inside === undefined ? position : binary('min', position, int(length - 1));
  const comes = before(keys(inputs, held), keys(inputs, own), binary('lt', position, own));
  const rank: Accumulator = {
    id: 0,
    dtype: 'int32',
    init: length <= BLOCK ? int(0) : block,
    update: { combine: 'add', value: convert('int32', inside === undefined ? comes : binary('and', inside, comes)) },
  };
  maker.loop(loops, [
    { loops: [loopOf(other)], accumulators: [rank], stores: [], ordered: false },
    move(inputs, after(0), accRef('int32', 0)),
  ]);

  for (let pass = 1; pass < passes; pass++) {
    const run = runs[pass - 1] ?? BLOCK;
    const from = after(pass - 1);
    const number = binary('div', own, int(run));
    const isRight = binary('ne', modIndex(number, 2), int(0));
    const begin = binary('mul', number, int(run));
    const sibling = select(
      isRight,
      binary('sub', begin, int(run)),
      binary('min', binary('add', begin, int(run)), int(length)),
    );
    const end = binary('min', binary('add', sibling, int(run)), int(length));
    const [low, high] = [accRef('int32', 0), accRef('int32', 1)];
    const middle = binary('shrLogical', binary('add', low, high), int(1));
    const held = binary('min', middle, int(length - 1));
    const [x, y] = [keys(from, held), keys(from, own)];
    // Of equal keys those of the left block come first.
    const comes = select(isRight, unary('not', before(y, x, bool(false))), before(x, y, bool(false)));
    const open = binary('lt', low, high);
    const step = (next: Expr, cond: Expr, old: Expr): Accumulator['update'] => ({
      next: select(binary('and', open, cond), next, old),
    });
    const search: Stage = {
      loops: [loopOf(loopVar(3, 1 + Math.floor(Math.log2(run))))],
      accumulators: [
        { id: 0, dtype: 'int32', init: sibling, update: step(binary('add', middle, int(1)), comes, low) },
        { id: 1, dtype: 'int32', init: end, update: step(middle, unary('not', comes), high) },
      ],
      stores: [],
      ordered: true,
    };
    const first = select(isRight, sibling, begin);
    const found = binary('sub', low, sibling);
    const target = binary('add', binary('add', first, binary('sub', own, begin)), found);
    maker.loop(loops, [search, move(from, after(pass), target)]);
  }
  return maker.pieces;
}
