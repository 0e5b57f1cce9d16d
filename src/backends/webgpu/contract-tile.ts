/** The tiles of matrix products: how much of the product is the work of a workgroup, by what it is estimated to cost. */
import type { GpuCapabilities } from './capabilities.js';
import { LANES } from './lanes.js';

export interface Tile {
  /**
   * Where operands are read from: blocks of them that a workgroup brings into its memory, or where they are. The memory of
   * a workgroup is near its invocations on a GPU; a CPU has caches instead, and waiting for one another costs it more.
   */
  readonly memory: 'workgroup' | 'storage';
  /** Rows and columns of the grid of invocations. */
  readonly gridRows: number;
  readonly gridColumns: number;
  /** Rows and columns of results: multiples of the grid's, columns by vectors, and rows, too, if they come in blocks. */
  readonly height: number;
  readonly width: number;
  /** Terms that are in workgroup memory at once. */
  readonly depth: number;
}

/** The invocations of a tile's workgroup. */
export const invocationsOf = ({ gridRows, gridColumns }: Tile): number => gridRows * gridColumns;

/** Workgroups that a device runs at once, roughly: more tiles than that take turns. */
const AT_ONCE = { workgroup: 64, storage: 8 };

const GRIDS = {
  workgroup: [
    [8, 8],
    [16, 4],
    [32, 2],
    [4, 16],
  ],
  storage: [
    [4, 16],
    [16, 4],
    [64, 1],
  ],
} as const;
const ROWS = { workgroup: [4, 8], storage: [1, 2, 4, 8] } as const;
const VECTORS = [1, 2] as const;

/** Cost of a tile for a term: products, reads of operands, and what an invocation brings into workgroup memory. */
function tileCost({ memory, gridRows, gridColumns, height, width }: Tile): number {
  const [rows, columns] = [height / gridRows, width / gridColumns];
  const brought = memory === 'workgroup' ? (8 * (height + width)) / (gridRows * gridColumns) : 2 * (rows + columns);
  return rows * columns + 2 * (rows + columns) + brought;
}

/** The tiles that a product may have on a device. */
export function contractTiles(k: number, { isCpu }: Pick<GpuCapabilities, 'isCpu'>): Tile[] {
  const memory = isCpu ? 'storage' : 'workgroup';
  return GRIDS[memory].flatMap(([gridRows, gridColumns]) =>
    ROWS[memory].flatMap((rows) =>
      VECTORS.map((vectors): Tile => {
        const [height, width] = [gridRows * rows, gridColumns * vectors * LANES];
        // Fewer waits for one another where little memory is used anyway.
        return { memory, gridRows, gridColumns, height, width, depth: height * width <= 1024 && k > 16 ? 32 : 16 };
      }),
    ),
  );
}

/** The cheapest tile for a product of `batch` matrices. */
export function contractTile(
  batch: number,
  m: number,
  n: number,
  k: number,
  capabilities: Pick<GpuCapabilities, 'isCpu'>,
): Tile {
  let best: Tile | undefined;
  let least = Infinity;
  for (const tile of contractTiles(k, capabilities)) {
    const tiles = batch * Math.ceil(m / tile.height) * Math.ceil(n / tile.width);
    const cost = Math.max(1, tiles / AT_ONCE[tile.memory]) * tileCost(tile) * ((tile.gridRows * tile.gridColumns) / 64);
    if (cost >= least) continue;
    least = cost;
    best = tile;
  }
  if (best === undefined) throw new Error('internal error: no tile');
  return best;
}
