/**
 * How a matrix product is printed: with one variable for each group of its axes, the side along which its results are
 * neighbours as its columns, a tile, and which of its accesses are of four neighbouring elements as one vector.
 */
import { loopVar, type Expr, type LoopVar } from '../../core/scalar.js';
import { affine } from '../../compiler/access.js';
import type { ContractAxis, ContractKernel, Loop, Store } from '../../compiler/loop-ir.js';
import { mapStore, storeRoots } from '../../compiler/stages.js';
import type { GpuCapabilities } from './capabilities.js';
import { lhsOf, resultStores, rhsOf } from './contract-expr.js';
import { contractTile, type ProductSizes } from './contract-tile.js';
import type { Tile } from './tile.js';
import { LANES, Lanes } from './lanes.js';
import { atPosition } from './rewrite.js';
import { sizeOf, walk } from './stage-kind.js';
import type { SlotMemory } from './vectors.js';

/** Along what four neighbouring elements of an operand are read as a vector: its rows or columns, the terms, or nothing. */
export type Reading = 'outer' | 'terms' | 'single';

export interface ContractPlan {
  readonly kernel: ContractKernel;
  readonly tile: Tile;
  /** Positions, flat in row-major order, in the axes of the batch, the rows and the columns. */
  readonly batch: LoopVar;
  readonly m: LoopVar;
  readonly n: LoopVar;
  /** Loops over the terms: one if they come in blocks, those of the axes otherwise. */
  readonly terms: readonly Loop[];
  readonly lhs: Expr;
  readonly rhs: Expr;
  readonly lhsReading: Reading;
  readonly rhsReading: Reading;
  readonly stores: readonly Store[];
  readonly storesVectors: boolean;
  /** Bindings that hold vectors. */
  readonly bindings: ReadonlySet<number>;
  /** Variables that the kernel does not have yet. */
  readonly fresh: (extent: number) => LoopVar;
}

/** The product with rows for columns. */
function turned(kernel: ContractKernel): ContractKernel {
  const turn = (axes: readonly ContractAxis[]): ContractAxis[] =>
    axes.map((axis) => ({ ...axis, lhsStride: axis.rhsStride, rhsStride: axis.lhsStride }));
  const { lhs, rhs, batch, m, n, k } = kernel;
  return { ...kernel, batch: turn(batch), m: turn(n), n: turn(m), k: turn(k), lhs: rhs, rhs: lhs };
}

/** The product whose results in neighbouring columns are neighbours in memory, where it can be. */
function oriented(kernel: ContractKernel): ContractKernel {
  const along = (axes: readonly ContractAxis[]): boolean => {
    const last = axes.findLast(({ extent }) => extent > 1);
    return last !== undefined && resultStores(kernel).some(({ index }) => affine(index)?.strides.get(last.id) === 1);
  };
  return !along(kernel.n) && along(kernel.m) ? turned(kernel) : kernel;
}

const sizesOf = ({ batch, m, n, k }: ContractKernel): ProductSizes => ({
  batch: sizeOf(batch),
  m: sizeOf(m),
  n: sizeOf(n),
  k: sizeOf(k),
});

/** The sizes of a product as it is printed. */
export const productSizes = (kernel: ContractKernel): ProductSizes => sizesOf(oriented(kernel));

/** The lanes of a variable whose values fill vectors. */
export const lanesOf = (variable: LoopVar, fresh: (extent: number) => LoopVar): Lanes | undefined =>
  variable.extent > 0 && variable.extent % LANES === 0
    ? new Lanes(variable.id, fresh(variable.extent / LANES), () => true)
    : undefined;

/** Accesses that are to be of vectors. */
interface Wish {
  readonly what: 'lhs' | 'rhs' | 'stores';
  readonly reading: Reading;
  readonly vectors: ReadonlySet<number>;
  readonly singles: ReadonlySet<number>;
}

/** The slots that expressions and stores read and write as vectors, and others; undefined if some do not fit the lanes. */
function slotsIn(
  expressions: readonly Expr[],
  stores: readonly Store[],
  lanes: Lanes | undefined,
  slots: readonly SlotMemory[],
): { vectors: Set<number>; singles: Set<number> } | undefined {
  const [vectors, singles] = [new Set<number>(), new Set<number>()];
  let fits = true;
  const access = (slot: number, index: Expr, isStore: boolean): void => {
    const { binding = -1, isAligned = false } = slots[slot] ?? {};
    const { kind, aligned } = lanes?.of(index) ?? { kind: 'uniform', aligned: false };
    if (kind === 'run' && aligned && isAligned) vectors.add(binding);
    else if (kind === 'uniform' && !(isStore && lanes !== undefined)) singles.add(binding);
    else fits = false;
  };
  for (const { buffer, index, mask } of stores) {
    access(buffer, index, true);
    if (mask !== undefined && lanes !== undefined) fits &&= lanes.of(mask).kind === 'uniform';
  }
  walk([...expressions, ...stores.flatMap(storeRoots)], (e) => {
    if (e.op === 'load') access(e.buffer, e.index, false);
  });
  return fits ? { vectors, singles } : undefined;
}

export function planContract(
  original: ContractKernel,
  slots: readonly SlotMemory[],
  capabilities: GpuCapabilities,
): ContractPlan {
  const kernel = oriented(original);
  const sizes = sizesOf(kernel);
  const { batch: batches, m: rows, n: columns, k: count } = sizes;
  const tile = contractTile(sizes, capabilities);
  const axes = [...kernel.batch, ...kernel.m, ...kernel.n, ...kernel.k];
  let next = 1 + Math.max(-1, ...axes.map(({ id }) => id));
  const fresh = (extent: number): LoopVar => loopVar(next++, extent);
  const [batch, m, n, k] = [fresh(batches), fresh(rows), fresh(columns), fresh(count)];
  // Nothing is read of what has no elements.
  const flat =
    (group: readonly ContractAxis[], position: LoopVar) =>
    (e: Expr): Expr =>
      position.extent === 0 ? e : atPosition(group, position)(e);
  const rewrites = [
    flat(kernel.batch, batch),
    flat(kernel.m, m),
    flat(kernel.n, n),
    ...(tile.memory === 'workgroup' ? [flat(kernel.k, k)] : []),
  ];
  const rewrite = (e: Expr): Expr => rewrites.reduce((x, f) => f(x), e);
  const [lhs, rhs] = [rewrite(lhsOf(kernel)), rewrite(rhsOf(kernel))];
  const stores = resultStores(kernel).map((t) => mapStore(t, rewrite));

  const wishes = (what: 'lhs' | 'rhs', e: Expr, outer: LoopVar): Wish[] => {
    const wish = (reading: Reading, variable: LoopVar): Wish[] => {
      const lanes = lanesOf(variable, fresh);
      const found = lanes === undefined ? undefined : slotsIn([e], [], lanes, slots);
      return found !== undefined && found.vectors.size > 0 ? [{ what, reading, ...found }] : [];
    };
    const inBlocks = tile.memory === 'workgroup';
    const [first] = [
      ...(inBlocks || what === 'rhs' ? wish('outer', outer) : []),
      ...(inBlocks ? wish('terms', k) : []),
    ];
    const all = slotsIn([e], [], undefined, slots);
    return [first ?? { what, reading: 'single', vectors: new Set(), singles: all?.singles ?? new Set() }];
  };
  const inVectors = lanesOf(n, fresh);
  const storing = inVectors === undefined ? undefined : slotsIn([], stores, inVectors, slots);
  let chosen: Wish[] = [
    ...wishes('lhs', lhs, m),
    ...wishes('rhs', rhs, n),
    {
      what: 'stores',
      reading: storing === undefined ? 'single' : 'outer',
      vectors: storing?.vectors ?? new Set(),
      singles: storing?.singles ?? slotsIn([], stores, undefined, slots)?.singles ?? new Set(),
    },
  ];
  // A binding is read in one way by all.
  const spoilt = ({ vectors }: Wish): boolean =>
    [...vectors].some((binding) => chosen.some(({ singles }) => singles.has(binding)));
  while (chosen.some(spoilt))
    chosen = chosen.map((wish) =>
      spoilt(wish)
        ? { ...wish, reading: 'single', vectors: new Set(), singles: new Set([...wish.vectors, ...wish.singles]) }
        : wish,
    );
  const readingOf = (what: Wish['what']): Reading => chosen.find((wish) => wish.what === what)?.reading ?? 'single';
  return {
    kernel,
    tile,
    batch,
    m,
    n,
    terms: tile.memory === 'workgroup' ? [k] : kernel.k.map(({ id, extent }) => ({ id, extent })),
    lhs,
    rhs,
    lhsReading: readingOf('lhs'),
    rhsReading: readingOf('rhs'),
    stores,
    storesVectors: readingOf('stores') === 'outer',
    bindings: new Set(chosen.flatMap(({ vectors }) => [...vectors])),
    fresh,
  };
}
