/** A tile of a matrix product: how much of it is the work of a workgroup. */
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
