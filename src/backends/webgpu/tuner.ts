/**
 * Tiles of matrix products by measurement (`requestDevice('webgpu', { tune: true })`). The first program with a product of a class of sizes
 * that is not known yet waits, in its place in the order of the device, until the tiles that seem cheapest have been
 * measured on scratch memory; the fastest is remembered, also for the next process or page.
 */
import type { ContractKernel, Kernel, Program } from '../../compiler/loop-ir.js';
import { productSizes } from './contract-plan.js';
import { classOf, tilesByCost, type ProductSizes } from './contract-tile.js';
import type { Tile } from './tile.js';
import type { GpuCapabilities } from './capabilities.js';
import type { GpuStorage } from './storage.js';
import type { TileStore } from './tile-store.js';

/** Tiles that are measured of each class: the cheapest by the estimate. */
const CANDIDATES = 8;
/** A product of more operations than this, or larger operands, is measured smaller: ratios are much the same. */
const MOST_OPERATIONS = 2 ** 31;
const MOST_ELEMENTS = 2 ** 24;
/** Milliseconds that one measurement takes at least, and how many there are, of which the least counts. */
const LEAST_MS = 4;
const ROUNDS = 3;

/** What measuring takes: a device of its own on the same GPU, so that nothing waits for what waits for it. */
export interface Bench {
  newStorage(dtype: 'float32', length: number): GpuStorage;
  ready(storage: GpuStorage): Promise<void>;
  make(program: Program): { run(inputs: readonly GpuStorage[]): GpuStorage[] };
  /** Give the memory back. */
  trim(): void;
}

export class Tuner {
  /** How many classes were measured. */
  measured = 0;
  /** Made when it is needed first, and the tile that it is measuring. */
  #bench: Bench | undefined;
  readonly #table = new Map<string, Tile>();
  /** Classes that are being measured. */
  readonly #pending = new Map<string, Promise<void>>();

  constructor(
    private readonly capabilities: GpuCapabilities,
    /** The fastest tiles by class, which kernels are printed by from then on. */
    private readonly tiles: Map<string, Tile>,
    /** A device whose products have the tiles of a table. */
    private readonly bench: (tiles: ReadonlyMap<string, Tile>) => Bench,
    private readonly store: TileStore | undefined,
  ) {}

  /** Measure what is not known of the products among some kernels; undefined if there is nothing to wait for. */
  prepare(kernels: readonly Kernel[]): Promise<unknown> | undefined {
    const products = kernels.flatMap((kernel) => (kernel.kind === 'contract' ? [productSizes(kernel)] : []));
    const waits = products.flatMap((sizes) => {
      const key = classOf(sizes);
      if (this.tiles.has(key)) return [];
      let measuring = this.#pending.get(key);
      if (measuring === undefined) {
        // One after the other: they would disturb each other.
        const before = [...this.#pending.values()].at(-1) ?? Promise.resolve();
        measuring = before.then(() => this.#choose(key, sizes));
        this.#pending.set(key, measuring);
      }
      return [measuring];
    });
    return waits.length === 0 ? undefined : Promise.all(waits);
  }

  async #choose(key: string, sizes: ProductSizes): Promise<void> {
    const candidates = tilesByCost(sizes, this.capabilities).slice(0, CANDIDATES);
    const bench = (this.#bench ??= this.bench(this.#table));
    const scratch = smaller(sizes);
    let [best] = candidates;
    let least = Infinity;
    for (const tile of candidates) {
      this.#table.set(classOf(scratch), tile);
      // One that the driver refuses is not the fastest.
      const ms = await this.#measure(bench, scratch).catch(() => Infinity);
      if (ms < least) [best, least] = [tile, ms];
    }
    bench.trim();
    this.measured += 1;
    if (best !== undefined) this.tiles.set(key, best);
    this.#pending.delete(key);
    await this.store?.write(this.tiles).catch(() => undefined);
  }

  /** Milliseconds of a product. */
  async #measure(bench: Bench, sizes: ProductSizes): Promise<number> {
    const { batch, m, n, k } = sizes;
    const executable = bench.make(plainProduct(sizes));
    const inputs = [batch * m * k, batch * k * n].map((length) => bench.newStorage('float32', length));
    const time = async (calls: number): Promise<number> => {
      const begin = performance.now();
      let result: GpuStorage | undefined;
      for (let i = 0; i < calls; i++) {
        result?.release('it was measured');
        [result] = executable.run(inputs);
      }
      if (result !== undefined) await bench.ready(result);
      const ms = performance.now() - begin;
      result?.release('it was measured');
      return ms / calls;
    };
    try {
      // The first makes the pipeline.
      await time(1);
      const calls = Math.max(1, Math.ceil(LEAST_MS / Math.max(await time(1), 0.01)));
      let least = Infinity;
      for (let round = 0; round < ROUNDS; round++) least = Math.min(least, await time(calls));
      return least;
    } finally {
      for (const x of inputs) x.release('it was measured');
    }
  }
}

/** Sizes that are measured in place of some: halved until they are not too large. */
function smaller(sizes: ProductSizes): ProductSizes {
  const { batch, m, n, k } = sizes;
  const isFew = batch * m * n * k <= MOST_OPERATIONS && batch * Math.max(m * k, k * n, m * n) <= MOST_ELEMENTS;
  if (isFew) return sizes;
  const half = (size: number): number => Math.ceil(size / 2);
  const most = Math.max(batch, m, n, k);
  if (batch === most) return smaller({ ...sizes, batch: half(batch) });
  if (k === most) return smaller({ ...sizes, k: half(k) });
  return smaller(m === most ? { ...sizes, m: half(m) } : { ...sizes, n: half(n) });
}

/** A product of row-major matrices. */
function plainProduct({ batch, m, n, k }: ProductSizes): Program {
  const axis = (id: number, extent: number, lhsStride: number, rhsStride: number, outStride: number) => [
    { id, extent, lhsStride, rhsStride, outStride },
  ];
  const lengths = [batch * m * k, batch * k * n, batch * m * n];
  const kernel: ContractKernel = {
    kind: 'contract',
    name: 'tune',
    dtype: 'float32',
    buffers: lengths.map((length, i) => ({ dtype: 'float32', length, access: i === 2 ? 'write' : 'read' })),
    batch: axis(0, batch, m * k, k * n, m * n),
    m: axis(1, m, k, 0, n),
    n: axis(2, n, 0, 1, 1),
    k: axis(3, k, 1, n, 0),
    lhs: { buffer: 0, offset: 0 },
    rhs: { buffer: 1, offset: 0 },
    out: { buffer: 2, offset: 0 },
  };
  return {
    name: 'tune',
    buffers: lengths.map((length, i) => ({
      dtype: 'float32',
      length,
      place: i === 2 ? { kind: 'output', index: 0 } : { kind: 'input', index: i },
    })),
    kernels: [kernel],
    steps: [{ kind: 'kernel', kernel: 0, args: [0, 1, 2] }],
    constants: [],
    inputCount: 2,
    outputCount: 1,
    arenaBytes: 0,
    donations: [-1],
    dynamicExtent: false,
  };
}
