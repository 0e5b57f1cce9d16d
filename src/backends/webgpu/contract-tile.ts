/** The tiles of matrix products: how much of the product is the work of a workgroup, by what it is estimated to cost. */
import type { GpuCapabilities } from './capabilities.js';
import { LANES } from './lanes.js';
import type { Tile } from './tile.js';

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

/** Of `batch` products of m x k and k x n matrices. */
export interface ProductSizes {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Products whose sizes are the same powers of two, roughly, have the same tile. */
export const classOf = ({ batch, m, n, k }: ProductSizes): string =>
  [batch, m, n, k].map((size) => Math.round(Math.log2(Math.max(1, size)))).join(',');

/** The tiles that a product may have, the cheapest by estimate first. */
export function tilesByCost(sizes: ProductSizes, capabilities: Pick<GpuCapabilities, 'isCpu'>): Tile[] {
  const { batch, m, n, k } = sizes;
  const costs = contractTiles(k, capabilities).map((tile) => {
    const tiles = batch * Math.ceil(m / tile.height) * Math.ceil(n / tile.width);
    const cost = Math.max(1, tiles / AT_ONCE[tile.memory]) * tileCost(tile) * ((tile.gridRows * tile.gridColumns) / 64);
    return { tile, cost };
  });
  return costs.sort((a, b) => a.cost - b.cost).map(({ tile }) => tile);
}

/** The tile for a product: that which was measured to be the fastest, or the cheapest by estimate. */
export function contractTile(sizes: ProductSizes, capabilities: Pick<GpuCapabilities, 'isCpu' | 'tiles'>): Tile {
  const tile = capabilities.tiles?.get(classOf(sizes)) ?? tilesByCost(sizes, capabilities)[0];
  if (tile === undefined) throw new Error('internal error: no tile');
  return tile;
}
