/** The tiles of matrix products: how much of the product is the work of a workgroup, by what it is estimated to cost. */

/** Rows that an invocation takes together, as a vector. */
export const LANES = 4;

export interface Tile {
  /** Rows and columns of the grid of invocations. */
  readonly gridRows: number;
  readonly gridColumns: number;
  /** Rows and columns of results: multiples of `gridRows * LANES` and of `gridColumns`. */
  readonly height: number;
  readonly width: number;
  /** Terms that are in workgroup memory at once. */
  readonly depth: number;
}

const GRID = 8;
/** Workgroups that a device runs at once, roughly: more tiles than that take turns. */
const AT_ONCE = 64;
const ROWS = [32, 64] as const;
const COLUMNS = [8, 16, 32, 64] as const;

/** Cost of a tile for a term: products, reads of workgroup memory, and what an invocation brings there. */
function tileCost(height: number, width: number): number {
  const [rows, columns] = [height / GRID, width / GRID];
  return rows * columns + 2 * (rows + columns) + (8 * (height + width)) / (GRID * GRID);
}

/** The invocations of a tile's workgroup. */
export const invocationsOf = ({ gridRows, gridColumns }: Tile): number => gridRows * gridColumns;

/** The cheapest tile for a product of `batch` matrices. */
export function contractTile(batch: number, m: number, n: number, k: number): Tile {
  let best: Tile | undefined;
  let least = Infinity;
  for (const height of ROWS) {
    for (const width of COLUMNS) {
      const tiles = batch * Math.ceil(m / height) * Math.ceil(n / width);
      const cost = Math.max(1, tiles / AT_ONCE) * tileCost(height, width);
      if (cost >= least) continue;
      least = cost;
      // Fewer waits for one another where little memory is used anyway.
      best = { gridRows: GRID, gridColumns: GRID, height, width, depth: height * width <= 1024 && k > 16 ? 32 : 16 };
    }
  }
  if (best === undefined) throw new Error('internal error: no tile');
  return best;
}
