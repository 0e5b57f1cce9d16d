/**
 * How the linear index of an axis group is cut into blocks. Blocks of a group whose axes are written out as loops of
 * a generated function must end where axes do; any others are cut anywhere.
 */
import type { ContractAxis } from '../../compiler/loop-ir.js';
import type { FunctionBuilder } from './assembler.js';
import { pushScaled } from './control.js';
import { product, roundUp } from './util.js';
import { groupSize } from './contract-axes.js';

/**
 * The group is `spans` times a run of elements, each run cut into `pieces` of `piece` elements, of which the last has
 * `last`. Block b is piece `b % pieces` of run `b / pieces`.
 */
export interface Blocks {
  readonly total: number;
  readonly spans: number;
  readonly pieces: number;
  readonly piece: number;
  readonly last: number;
  /** The axis that is cut (those after it are whole), and its extent in a piece and in the last one. */
  readonly axis: number;
  readonly extents: readonly [piece: number, last: number];
}

export const blockCount = (blocks: Blocks): number => blocks.spans * blocks.pieces;

/** Sizes that blocks have. */
export const blockSizes = ({ pieces, piece, last }: Blocks): number[] =>
  pieces === 1 ? [last] : last === piece ? [piece] : [piece, last];

/** Blocks of at most `most`, all about equal and multiples of `unit`. */
export function cutAnywhere(total: number, most: number, unit: number): Blocks {
  const piece = roundUp(Math.ceil(total / Math.ceil(total / Math.max(most, unit))), unit);
  const pieces = Math.ceil(total / piece);
  const last = total - (pieces - 1) * piece;
  return { total, spans: 1, pieces, piece: pieces === 1 ? last : piece, last, axis: 0, extents: [piece, last] };
}

/** Blocks of about `most` that are some of one axis times all of the axes after it. */
export function cutAtAxes(axes: readonly ContractAxis[], most: number, unit: number): Blocks {
  let after = 1;
  let axis = axes.length - 1;
  while (axis >= 0 && after * (axes[axis]?.extent ?? 1) <= most) after *= axes[axis--]?.extent ?? 1;
  const total = groupSize(axes);
  if (axis < 0)
    return {
      total,
      spans: 1,
      pieces: 1,
      piece: total,
      last: total,
      axis: 0,
      extents: [axes[0]?.extent ?? 1, axes[0]?.extent ?? 1],
    };
  const extent = axes[axis]?.extent ?? 1;
  const fits = Math.max(1, Math.floor(most / after));
  // A divisor that is not much too small, or else pieces about equal.
  let size = fits;
  while (size > 1 && (extent % size !== 0 || (size * after) % unit !== 0)) size--;
  if (size * after * 3 < most) {
    size = Math.ceil(extent / Math.ceil(extent / fits));
    if (after === 1) size = Math.min(extent, roundUp(size, unit));
  }
  const pieces = Math.ceil(extent / size);
  const rest = extent - (pieces - 1) * size;
  const spans = product(axes.slice(0, axis).map((a) => a.extent));
  return { total, spans, pieces, piece: size * after, last: rest * after, axis, extents: [size, rest] };
}

/** Push the first index of block `block`, a local. */
export function pushBlockStart(f: FunctionBuilder, blocks: Blocks, block: number): void {
  const { spans, pieces, piece, last } = blocks;
  if (spans === 1 || last === piece) {
    pushScaled(f, block, piece);
    return;
  }
  f.get(block)
    .i32(pieces)
    .op('i32.div_u')
    .i32((pieces - 1) * piece + last)
    .op('i32.mul');
  f.get(block).i32(pieces).op('i32.rem_u').i32(piece).op('i32.mul').op('i32.add');
}

/** Push whether block `block` is the last of its run. */
export function pushIsLast(f: FunctionBuilder, { spans, pieces }: Blocks, block: number): void {
  f.get(block);
  if (spans > 1) f.i32(pieces).op('i32.rem_u');
  f.i32(pieces - 1).op('i32.eq');
}

/** Push the number of elements of block `block`. */
export function pushBlockSize(f: FunctionBuilder, blocks: Blocks, block: number): void {
  const { piece, last } = blocks;
  if (piece === last || blocks.pieces === 1) {
    f.i32(last);
    return;
  }
  f.i32(last).i32(piece);
  pushIsLast(f, blocks, block);
  f.op('select');
}
