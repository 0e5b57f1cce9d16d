/** Cells: spilling in order of use, pins, the adaptive limit, finalizers, release. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, test } from 'vitest';
import { Heap } from '../../../src/backends/wasm/heap.js';
import { CpuStorage, TINY_BYTES, type CellStore } from '../../../src/backends/wasm/storage.js';
import type { CpuDevice } from '../../../src/backends/wasm/device.js';
import { testDevice } from './programs.js';

const MB = 2 ** 20;
const FLOATS = MB / 4;

setFlagsFromString('--expose-gc');
const isFunction = (value: unknown): value is () => void => typeof value === 'function';
const gc = ((): (() => void) => {
  const collect: unknown = runInNewContext('gc');
  if (!isFunction(collect)) throw new Error('this engine offers no way to collect garbage on request');
  return collect;
})();
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

let device: CpuDevice;
let store: CellStore;

/** One use of each, in order. */
const use = (storages: readonly CpuStorage[]): void => {
  for (const storage of storages) {
    store.pin(storage);
    store.unpin(storage.cell);
  }
};
/** A storage in the heap whose elements are all `value`. */
const make = (value: number, floats = FLOATS): CpuStorage => {
  const storage = device.fromHost('float32', new Float32Array(floats).fill(value));
  use([storage]);
  return storage;
};
const inHeap = (storage: CpuStorage): boolean => storage.cell.address !== 0;
const valueOf = (storage: CpuStorage): number => {
  const data = device.toHost(storage);
  const first = data[0] ?? NaN;
  expect(data.every((x) => x === first)).toBe(true);
  return first;
};

beforeEach(() => {
  device = testDevice({ softLimit: 4.5 * MB });
  store = device.store;
});

describe('spilling', () => {
  test('the least recently used cells leave the heap, and keep their contents', () => {
    const cells = [0, 1, 2, 3].map((value) => make(value));
    expect(cells.map(inHeap)).toEqual([true, true, true, true]);
    const [a] = cells;
    if (a === undefined) throw new Error('no cell');
    store.pin(a);
    store.unpin(a.cell);
    cells.push(make(4), make(5));
    expect(cells.map(inHeap)).toEqual([true, false, false, true, true, true]);
    expect(cells.map(valueOf)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(store.stats).toMatchObject({ cells: 4, cellBytes: 4 * MB, spills: 2, spilledBytesTotal: 2 * MB });
  });

  test('host data enters the heap at its first use only', () => {
    const storage = device.fromHost('float32', new Float32Array(FLOATS).fill(9));
    expect(inHeap(storage)).toBe(false);
    expect(store.stats.cells).toBe(0);
    expect(valueOf(storage)).toBe(9);
    store.pin(storage);
    expect(inHeap(storage)).toBe(true);
    expect(storage.cell.host).toBeUndefined();
    expect(valueOf(storage)).toBe(9);
  });

  test('pinned cells stay, even above the limit', () => {
    const cells = Array.from({ length: 8 }, (_, value) =>
      device.fromHost('float32', new Float32Array(FLOATS).fill(value)),
    );
    for (const storage of cells) store.pin(storage);
    expect(cells.every(inHeap)).toBe(true);
    for (const { cell } of cells) store.unpin(cell);
    make(8);
    // Room for the new one and three others, the most recently used.
    expect(cells.map(inHeap)).toEqual([false, false, false, false, false, true, true, true]);
    expect(cells.map(valueOf)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('a pin counts: two uses need two unpins', () => {
    const storage = make(1);
    store.pin(storage);
    store.pin(storage);
    store.unpin(storage.cell);
    for (let i = 0; i < 10; i++) make(i);
    expect(inHeap(storage)).toBe(true);
    store.unpin(storage.cell);
    for (let i = 0; i < 10; i++) make(i);
    expect(inHeap(storage)).toBe(false);
  });

  test('an array larger than the limit works', () => {
    const large = make(3, 10 * FLOATS);
    expect(inHeap(large)).toBe(true);
    expect(valueOf(large)).toBe(3);
    const other = make(4);
    expect(inHeap(large)).toBe(false);
    expect([valueOf(large), valueOf(other)]).toEqual([3, 4]);
  });

  test('what was spilled and came back keeps its host copy, so that the next spill copies nothing', () => {
    const storage = make(1);
    for (let i = 0; i < 6; i++) make(i);
    store.pin(storage);
    store.unpin(storage.cell);
    expect(storage.cell.host).toBeDefined();
    const before = store.stats.spilledBytesTotal;
    store.setSoftLimit(0);
    expect(inHeap(storage)).toBe(false);
    expect(store.stats.cells).toBe(0);
    // The other three in the heap had to be copied; this one not.
    expect(store.stats.spilledBytesTotal - before).toBe(3 * MB);
    expect(valueOf(storage)).toBe(1);
  });

  test('the heap is empty, and in one piece, when all cells were spilled', () => {
    const cells = [100, 3 * FLOATS, 17, 5000, FLOATS].map((floats, value) => make(value, floats));
    store.setSoftLimit(0);
    store.heap.trim();
    expect(store.heap.inUse).toBe(0);
    expect(store.heap.freeSpans()).toHaveLength(1);
    expect(cells.map(valueOf)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('the limit in force', () => {
  test('starts low, rises when spilled cells are needed again, and stops at the soft limit', () => {
    device = testDevice({ softLimit: 64 * MB });
    store = device.store;
    expect(store.stats.limit).toBe(16 * MB);
    const cells = Array.from({ length: 40 }, (_, value) => make(value));
    for (let round = 0; round < 6; round++) use(cells);
    expect(store.stats.limit).toBeGreaterThan(40 * MB);
    const { restores } = store.stats;
    use(cells);
    expect(store.stats.restores).toBe(restores);
    const more = Array.from({ length: 80 }, (_, value) => make(value));
    for (let round = 0; round < 4; round++) use(more);
    expect(store.stats.limit).toBeLessThanOrEqual(64 * MB);
    expect(store.stats.cellBytes).toBeLessThanOrEqual(64 * MB);
    expect(more.map(valueOf)).toEqual(more.map((_, value) => value));
  });

  test('falls again while garbage is made', () => {
    device = testDevice({ softLimit: 64 * MB });
    store = device.store;
    const cells = Array.from({ length: 40 }, (_, value) => make(value));
    for (let round = 0; round < 3; round++) use(cells);
    const high = store.stats.limit;
    for (let i = 0; i < 3000; i++) {
      const { cell } = new CpuStorage(device, 'float32', FLOATS, store.allocate(MB));
      store.unpin(cell);
    }
    expect(high).toBeGreaterThan(32 * MB);
    expect(store.stats.limit).toBe(16 * MB);
  });
});

describe('garbage', () => {
  test('finalizers free the heap cells of dead arrays when the event loop turns', async () => {
    device = testDevice();
    store = device.store;
    const keep = make(42);
    (() => {
      for (let i = 0; i < 10; i++) make(i);
    })();
    expect(store.stats.cells).toBe(11);
    for (let tries = 0; tries < 50 && store.stats.cells > 1; tries++) {
      gc();
      await turn();
    }
    expect(store.stats).toMatchObject({ cells: 1, finalized: 10, spills: 0 });
    expect(valueOf(keep)).toBe(42);
  });

  test('nothing in the runtime keeps a handle or a spilled buffer alive', async () => {
    let died = 0;
    const watcher = new FinalizationRegistry(() => (died += 1));
    (() => {
      for (let i = 0; i < 20; i++) {
        const storage = make(i); // all but the last four are spilled
        watcher.register(storage, undefined);
        if (storage.cell.host !== undefined) throw new Error('expected it in the heap');
      }
      // The host buffers of the spilled: reachable from their handles only.
      const spilled = make(1);
      store.setSoftLimit(0);
      watcher.register(spilled.cell.host ?? {}, undefined);
      watcher.register(spilled.cell, undefined);
    })();
    for (let tries = 0; tries < 50 && died < 22; tries++) {
      gc();
      await turn();
    }
    expect(died).toBe(22);
    // The registry watched none of them any more.
    expect(store.stats.finalized).toBe(0);
  });

  test('a finalizer that fires after the block was reused frees nothing', async () => {
    // Released cells are unregistered, so their blocks belong to whoever got them next.
    (() => {
      const first = make(1);
      first.release('it was disposed');
    })();
    const second = make(2);
    for (let tries = 0; tries < 5; tries++) {
      gc();
      await turn();
    }
    expect(inHeap(second)).toBe(true);
    expect(valueOf(second)).toBe(2);
  });
});

describe('release', () => {
  test.each(['heap', 'host', 'tiny'])('frees an array (%s) now, and later uses name the reason', (where) => {
    const storage = where === 'tiny' ? device.fromHost('float32', new Float32Array(4)) : make(1);
    if (where === 'host') store.setSoftLimit(0);
    expect(storage.gone).toBeUndefined();
    storage.release('it was disposed');
    expect(storage.gone).toBe('it was disposed');
    expect(store.stats.cellBytes).toBe(0);
    expect(() => device.toHost(storage)).toThrow(/float32, \d+ elements.*can no longer be used: it was disposed/);
    storage.release('something else');
    expect(storage.gone).toBe('it was disposed');
  });
});

test('a full heap spills whatever it can before it gives up, and works afterwards', () => {
  device = testDevice({ heap: new Heap({ initialPages: 1, maximumPages: 160 }) }); // 10 MiB, below the floor
  store = device.store;
  const cells = Array.from({ length: 20 }, (_, value) => make(value));
  expect(store.stats.spills).toBeGreaterThanOrEqual(11);
  expect(() => make(0, 10 * FLOATS)).toThrow(/out of memory on cpu: no room for an array of 10\.0 MiB/);
  expect(store.stats.cells).toBe(0);
  expect(cells.map(valueOf)).toEqual(cells.map((_, value) => value));
  expect(inHeap(make(1, 9 * FLOATS))).toBe(true);
});

test('sizes around the tiny limit round-trip', () => {
  for (let bytes = 1; bytes <= 2 * TINY_BYTES; bytes++) {
    const data = Uint8Array.from({ length: bytes }, (_, i) => i & 1);
    const storage = device.fromHost('bool', data);
    expect(device.toHost(storage)).toEqual(data);
    if (bytes <= TINY_BYTES) continue;
    store.pin(storage);
    expect(device.toHost(storage)).toEqual(data);
    store.unpin(storage.cell);
    store.setSoftLimit(0);
    expect(inHeap(storage)).toBe(false);
    expect(device.toHost(storage)).toEqual(data);
  }
});
