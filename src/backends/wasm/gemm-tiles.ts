/** The loops over the tiles of a block: every tile of rows against every strip of columns. */
import type { FunctionRef, ModuleBuilder } from './assembler.js';
import { countedLoop } from './control.js';
import type { Blocks } from './gemm-blocks.js';
import { blockSizes } from './gemm-blocks.js';
import type { TileFormat } from './gemm-micro.js';
import { MR, tileFunction, widthOf } from './gemm-micro.js';

/** How the blocks lie in memory, in bytes. */
export interface BlockLayout {
  readonly format: Omit<TileFormat, 'rows' | 'columns'>;
  /** From the first row of a tile to that of the next in the left block; undefined where the rows of a tile are packed. */
  readonly leftTile: number | undefined;
  /** From one column to the next in the right block; undefined where the columns of a tile are packed. */
  readonly rightColumn: number | undefined;
  /** Columns of a tile. */
  readonly nr: number;
}

/** Sizes of the last tile that blocks may have, other than a whole one. */
const tails = (blocks: Blocks, unit: number): number[] =>
  [...new Set(blockSizes(blocks).map((size) => size % unit))].filter((rest) => rest > 0);

/**
 * `(a, b, c, m, n, k, accumulate)`: the block at `c` becomes, or is increased by, the product of a block of m rows at
 * `a` and one of n columns at `b`.
 */
export function tilesFunction(
  module: ModuleBuilder,
  name: string,
  layout: BlockLayout,
  m: Blocks,
  n: Blocks,
): FunctionRef {
  const { format, leftTile, rightColumn, nr } = layout;
  const { rowBytes } = format;
  const width = widthOf(format.dtype);
  const f = module.function(
    `${name}.tiles`,
    Array.from({ length: 7 }, () => 'i32' as const),
  );
  const [a, b, c, rows, columns, k, accumulate] = [0, 1, 2, 3, 4, 5, 6] as const;
  const i = f.local('i32');
  const j = f.local('i32');
  const at = f.local('i32');
  const to = f.local('i32');
  const wholeRows = f.local('i32');
  const wholeColumns = f.local('i32');
  f.get(rows).i32(-MR).op('i32.and').set(wholeRows);
  f.get(columns).i32(-nr).op('i32.and').set(wholeColumns);

  const tile = (height: number, breadth: number): void => {
    const target = tileFunction(module, { ...format, rows: height, columns: breadth });
    f.get(at).get(b).get(to).get(k).get(accumulate).call(target);
  };
  const strip = (breadth: number): void => {
    f.get(a).set(at);
    f.get(c).get(j).i32(width).op('i32.mul').op('i32.add').set(to);
    f.i32(0).set(i);
    if (blockSizes(m).some((size) => size >= MR))
      countedLoop(f, i, { local: wholeRows }, MR, () => {
        tile(MR, breadth);
        f.get(at);
        if (leftTile === undefined)
          f.get(k)
            .i32(MR * width)
            .op('i32.mul');
        else f.i32(leftTile);
        f.op('i32.add').set(at);
        f.get(to)
          .i32(MR * rowBytes)
          .op('i32.add')
          .set(to);
      });
    for (const rest of tails(m, MR)) {
      f.get(rows).get(i).op('i32.sub').i32(rest).op('i32.eq').if();
      tile(rest, breadth);
      f.end();
    }
  };
  f.i32(0).set(j);
  if (blockSizes(n).some((size) => size >= nr))
    countedLoop(f, j, { local: wholeColumns }, nr, () => {
      strip(nr);
      f.get(b);
      if (rightColumn === undefined)
        f.get(k)
          .i32(nr * width)
          .op('i32.mul');
      else f.i32(nr * rightColumn);
      f.op('i32.add').set(b);
    });
  for (const rest of tails(n, nr)) {
    f.get(columns).get(j).op('i32.sub').i32(rest).op('i32.eq').if();
    strip(rest);
    f.end();
  }
  return f;
}
