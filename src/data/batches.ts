/** Mini-batches: the rows of a data set in random order, some at a time. */
import { showShape } from '../core/aval.js';
import { checkCount } from '../core/counts.js';
import { ArgumentError, ShapeError, TreeError } from '../core/errors.js';
import { NDArray } from '../core/ndarray.js';
import { userLine } from '../core/source.js';
import { leavesWithPath, map, showPath } from '../core/tree.js';
import type { MapTree } from '../core/tree.js';
import { take } from '../numpy/index.js';
import { foldIn, permutation } from '../random/index.js';

/** Options of {@link batches}. */
export interface BatchesOptions {
  /** Rows in a batch. */
  size: number;
  /** Shuffles by this key, anew in every epoch; without it rows keep their order. */
  key?: NDArray;
  /** How often to go through all rows; 1 by default. */
  epochs?: number;
  /** Leave out the last batch of an epoch if it is smaller than `size`; false by default. */
  dropRemainder?: boolean;
}

/** Batches one after another; iterating again begins anew, in the same order. */
export interface Batches<B> extends Iterable<B> {
  /** Number of batches in one epoch. */
  readonly perEpoch: number;
  /** Number of batches in all epochs. */
  readonly length: number;
  /**
   * The batches after the first `step`: those that a run that stopped after as many steps has before it. None of the first is
   * gathered. Throws ArgumentError unless `step` is a whole number from 0 to `length`.
   */
  readonly from: (step: number) => Batches<B>;
}

/**
 * Batches of `data`, a tree of arrays that have the same number of rows (the size of their first axis): each batch is
 * that tree with `size` rows, the last of an epoch perhaps fewer. Epoch `e` is shuffled by `foldIn(key, e)`, so what is
 * drawn depends on nothing but the key and the options. Rows are gathered when a batch is asked for.
 *
 * @throws TreeError if a leaf is no array, ShapeError if leaves differ in their number of rows or have none,
 *   ArgumentError if `size` or `epochs` is no whole number from 1, or no batch would be left.
 *
 * @example
 * ```ts
 * import { numpy as np, random } from 'cotangent';
 * import { batches } from 'cotangent/data';
 *
 * const data = { x: np.ones([10, 3]), y: np.arange(10) };
 * const shuffled = batches(data, { size: 4, key: random.key(0), epochs: 2 });
 * [...shuffled].map(({ x }) => x.shape[0]); // => [4, 4, 2, 4, 4, 2]
 * ```
 */
export function batches<T>(data: T, options: BatchesOptions): Batches<MapTree<T, NDArray, NDArray>> {
  const { size, key, epochs = 1, dropRemainder = false } = options;
  const rows = rowsOf('batches', data);
  checkCount('batches', 'size', size);
  checkCount('batches', 'epochs', epochs);
  const perEpoch = dropRemainder ? Math.floor(rows / size) : Math.ceil(rows / size);
  if (perEpoch === 0) {
    throw new ArgumentError(
      `batches: ${rows} rows make no batch of ${size} with dropRemainder; take a smaller size, or keep the remainder.${userLine()}`,
    );
  }

  type Batch = MapTree<T, NDArray, NDArray>;
  function* epoch(e: number, first: number): Generator<Batch> {
    const order = key === undefined ? undefined : permutation(foldIn(key, e), rows);
    for (let b = first; b < perEpoch; b++) {
      const range = [b * size, Math.min((b + 1) * size, rows)] as const;
      // A permutation has no index out of bounds for `clip` to change; it is the mode that checks least.
      const rowsAt = order?.slice(range);
      yield map(
        (x: NDArray): NDArray => (rowsAt === undefined ? x.slice(range) : take(x, rowsAt, 0, { mode: 'clip' })),
        data,
      );
    }
  }
  const after = (step: number): Batches<Batch> => ({
    perEpoch,
    length: perEpoch * epochs - step,
    *[Symbol.iterator]() {
      const begun = Math.floor(step / perEpoch);
      for (let e = begun; e < epochs; e++) yield* epoch(e, e === begun ? step % perEpoch : 0);
    },
    from: (more) => {
      if (Number.isInteger(more) && more >= 0 && step + more <= perEpoch * epochs) return after(step + more);
      throw new ArgumentError(
        `batches: from takes a whole number of steps from 0 to ${perEpoch * epochs - step}, the number of batches, got ${more}. A checkpoint of more steps is of a longer run: give as many epochs as that had, or more.${userLine()}`,
      );
    },
  });
  return after(0);
}

/** The number of rows that all leaves have. */
function rowsOf(op: string, data: unknown): number {
  const leaves = leavesWithPath<unknown>([data]).map(([path, leaf]) => {
    const where = showPath(path.slice(1), 'data');
    if (!(leaf instanceof NDArray)) {
      throw new TreeError(`${op}: ${where} is no array; make one with np.array.${userLine()}`);
    }
    return { where, shape: leaf.shape };
  });
  const [first] = leaves;
  if (first === undefined) throw new TreeError(`${op}: data has no arrays.${userLine()}`);
  for (const { where, shape } of leaves) {
    if (shape[0] === undefined || shape[0] === 0) {
      throw new ShapeError(`${op}: ${where} has shape ${showShape(shape)}, so there are no rows to take.${userLine()}`);
    }
    if (shape[0] !== first.shape[0]) {
      throw new ShapeError(
        `${op}: ${first.where} has shape ${showShape(first.shape)} and ${where} ${showShape(shape)}; ` +
          `their first axes, the rows, must have one length.${userLine()}`,
      );
    }
  }
  return first.shape[0] ?? 0;
}

/** Options of {@link splitRows}. */
export interface SplitOptions {
  /** Shuffles by this key first; without it the second part is the last rows, as Keras's `validation_split`. */
  key?: NDArray;
}

/**
 * The rows of `data`, a tree of arrays that have the same number of rows, in two parts: all but `fraction` of them, and `fraction` of them
 * (rounded down, at least one): to train on, and to validate or test with.
 *
 * @throws ArgumentError for a fraction outside (0, 1), or if a part would be empty; TreeError and ShapeError as {@link batches}.
 *
 * @example
 * ```ts
 * import { numpy as np } from 'cotangent';
 * import { splitRows } from 'cotangent/data';
 *
 * const [train, validation] = splitRows({ x: np.arange(10) }, 0.2);
 * [train.x.js(), validation.x.js()]; // => [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9]]
 * ```
 */
export function splitRows<T>(
  data: T,
  fraction: number,
  { key }: SplitOptions = {},
): readonly [first: MapTree<T, NDArray, NDArray>, second: MapTree<T, NDArray, NDArray>] {
  const rows = rowsOf('splitRows', data);
  const second = Math.max(1, Math.floor(rows * fraction));
  if (!(fraction > 0 && fraction < 1) || second === rows) {
    throw new ArgumentError(
      `splitRows: the fraction must be in (0, 1) and leave rows in both parts, got ${fraction} of ${rows} row${rows === 1 ? '' : 's'}.${userLine()}`,
    );
  }
  const at = rows - second;
  const order = key === undefined ? undefined : permutation(key, rows);
  const part = (start: number, stop: number): MapTree<T, NDArray, NDArray> =>
    map(
      (x: NDArray): NDArray => (order === undefined ? x.slice([start, stop]) : take(x, order.slice([start, stop]), 0)),
      data,
    );
  return [part(0, at), part(at, rows)];
}
