/** The allocator: no overlaps, alignment, coalescing, growth and exhaustion, against a model. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK_ALIGN, Heap, HeapExhaustedError } from '../../../src/backends/wasm/heap.js';
import { SpanAllocator } from '../../../src/backends/wasm/spans.js';

interface Block {
  readonly address: number;
  readonly bytes: number;
  readonly mark: number;
}

/** Sizes of every kind: within a line, slab blocks, both sides of the slab limit, large. */
const size = fc.oneof(
  fc.integer({ min: 1, max: 1024 }),
  fc.integer({ min: 1025, max: 16384 }),
  fc.integer({ min: 16000, max: 17000 }),
  fc.integer({ min: 16385, max: 600_000 }),
);

class Model {
  readonly blocks: Block[] = [];
  #mark = 1;
  constructor(readonly heap: Heap) {}

  alloc(bytes: number): void {
    const address = this.heap.tryAlloc(bytes);
    if (address === 0) return;
    expect(address % BLOCK_ALIGN).toBe(0);
    expect(address + Heap.blockBytes(bytes)).toBeLessThanOrEqual(this.heap.memory.buffer.byteLength);
    for (const other of this.blocks) {
      const apart =
        address + Heap.blockBytes(bytes) <= other.address || other.address + Heap.blockBytes(other.bytes) <= address;
      if (!apart) throw new Error(`block ${address}+${bytes} overlaps ${other.address}+${other.bytes}`);
    }
    const mark = this.#mark++;
    this.heap.u8.fill(mark & 0xff, address, address + bytes);
    this.blocks.push({ address, bytes, mark });
  }

  free(index: number): void {
    const [block] = this.blocks.splice(index, 1);
    if (block === undefined) return;
    const view = this.heap.u8.subarray(block.address, block.address + block.bytes);
    expect(view[0]).toBe(block.mark & 0xff);
    expect(view[block.bytes - 1]).toBe(block.mark & 0xff);
    this.heap.free(block.address, block.bytes);
  }

  checkInUse(): void {
    expect(this.heap.inUse).toBe(this.blocks.reduce((sum, { bytes }) => sum + Heap.blockBytes(bytes), 0));
  }
}

/** After everything is freed the heap is one free span, less the granule that keeps address 0 from being used. */
const expectWhole = (heap: Heap): void => {
  heap.trim();
  expect(heap.inUse).toBe(0);
  expect(heap.freeSpans()).toEqual([[4096, heap.bytes - 4096]]);
};

type Step = { readonly alloc: number } | { readonly free: number } | 'trim';
const step = fc.oneof(
  { weight: 5, arbitrary: size.map((alloc): Step => ({ alloc })) },
  { weight: 4, arbitrary: fc.nat().map((free): Step => ({ free })) },
  { weight: 1, arbitrary: fc.constant<Step>('trim') },
);

const play = (heap: Heap, steps: readonly Step[]): void => {
  const model = new Model(heap);
  for (const each of steps) {
    if (each === 'trim') heap.trim();
    else if ('alloc' in each) model.alloc(each.alloc);
    else if (model.blocks.length > 0) model.free(each.free % model.blocks.length);
    model.checkInUse();
  }
  while (model.blocks.length > 0) model.free(model.blocks.length >> 1);
  expectWhole(heap);
};

describe('Heap', () => {
  test('agrees with the model on any sequence of allocations and frees', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        play(new Heap({ initialPages: 1, maximumPages: 4096 }), steps);
      }),
      { numRuns: 150 },
    );
  });

  test('agrees with the model when it runs full', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 50, maxLength: 250 }), (steps) => {
        play(new Heap({ initialPages: 1, maximumPages: 20 }), steps);
      }),
      { numRuns: 100 },
    );
  });

  test('many small blocks of every size class, freed in random order, coalesce', () => {
    const heap = new Heap({ initialPages: 1 });
    const model: [number, number][] = [];
    let state = 1;
    const random = (below: number): number => (state = (state * 48271) % 2147483647) % below;
    for (let i = 0; i < 20_000; i++) {
      const bytes = 1 + random(i % 10 === 0 ? 16384 : 700);
      model.push([heap.alloc(bytes), bytes]);
    }
    expect(new Set(model.map(([address]) => address)).size).toBe(model.length);
    while (model.length > 0) {
      const index = random(model.length);
      const [address, bytes] = model[index] ?? [0, 0];
      model[index] = model[model.length - 1] ?? [0, 0];
      model.pop();
      heap.free(address, bytes);
    }
    expectWhole(heap);
  });

  test('takes the smallest span that fits', () => {
    const heap = new Heap({ initialPages: 64 });
    const sizes = [100, 40, 60, 50, 200].map((granules) => granules * 4096);
    const holes = sizes.map((bytes) => {
      const hole = heap.alloc(bytes);
      heap.alloc(20_000); // a wall between the holes
      return hole;
    });
    holes.forEach((hole, i) => heap.free(hole, sizes[i] ?? 0));
    expect(heap.alloc(45 * 4096)).toBe(holes[3]);
    expect(heap.alloc(60 * 4096)).toBe(holes[2]);
    expect(heap.alloc(150 * 4096)).toBe(holes[4]);
    expect(heap.alloc(40 * 4096)).toBe(holes[1]);
  });

  test('takes the smallest span that fits among those of nearly equal length', () => {
    const heap = new Heap({ initialPages: 64 });
    const sizes = [66, 64, 67, 65].map((granules) => granules * 4096);
    const holes = sizes.map((bytes) => {
      const hole = heap.alloc(bytes);
      heap.alloc(20_000);
      return hole;
    });
    holes.forEach((hole, i) => heap.free(hole, sizes[i] ?? 0));
    expect([64, 65, 66, 67].map((granules) => heap.alloc(granules * 4096))).toEqual([
      holes[1],
      holes[3],
      holes[0],
      holes[2],
    ]);
  });

  test('a block freed in a full slab is the next to be handed out', () => {
    const heap = new Heap();
    const blocks = Array.from({ length: 3000 }, () => heap.alloc(64));
    for (const index of [17, 2500, 1023, 1024]) {
      const address = blocks[index] ?? 0;
      heap.free(address, 64);
      expect(heap.alloc(64)).toBe(address);
    }
    for (const address of blocks) heap.free(address, 64);
    expectWhole(heap);
  });

  test('views are made anew when the memory grows, and keep the contents', () => {
    const heap = new Heap({ initialPages: 1 });
    const address = heap.alloc(4);
    heap.i32[address >>> 2] = 42;
    const before = heap.i32;
    heap.alloc(10 * 2 ** 20);
    expect(before.length).toBe(0);
    expect(heap.i32[address >>> 2]).toBe(42);
    expect(heap.u8.length).toBe(heap.memory.buffer.byteLength);
    expect(heap.bytes).toBeGreaterThan(10 * 2 ** 20);
  });

  test('grows geometrically', () => {
    const heap = new Heap();
    let growths = 0;
    for (let i = 0, bytes = heap.bytes; i < 2000; i++) {
      heap.alloc(65536);
      if (heap.bytes !== bytes) growths += 1;
      bytes = heap.bytes;
    }
    expect(growths).toBeLessThan(20);
  });

  test('addresses beyond 2 GiB work', () => {
    const heap = new Heap();
    const low = heap.alloc(2 ** 31);
    const high = heap.alloc(1000);
    const far = heap.alloc(2 ** 20);
    expect(high).toBeGreaterThanOrEqual(2 ** 31);
    heap.u8.fill(7, far, far + 16);
    expect(heap.i32[far >>> 2]).toBe(0x07070707);
    heap.free(low, 2 ** 31);
    heap.free(high, 1000);
    heap.free(far, 2 ** 20);
    expectWhole(heap);
  });

  test('exhaustion is an error that says what to do, and the heap stays usable', () => {
    const heap = new Heap({ initialPages: 1, maximumPages: 16 });
    const first = heap.alloc(500_000);
    expect(heap.tryAlloc(600_000)).toBe(0);
    expect(() => heap.alloc(600_000)).toThrow(HeapExhaustedError);
    expect(() => heap.alloc(600_000)).toThrow(/no room for a block of 585\.9 KiB.*at most 1\.0 MiB.*donate/s);
    const second = heap.alloc(400_000);
    heap.free(first, 500_000);
    heap.free(second, 400_000);
    heap.free(heap.alloc(900_000), 900_000);
    expectWhole(heap);
  });

  test('small blocks run out with an error as well', () => {
    const heap = new Heap({ initialPages: 1, maximumPages: 2 });
    const blocks: number[] = [];
    for (let address = heap.tryAlloc(64); address !== 0; address = heap.tryAlloc(64)) blocks.push(address);
    expect(blocks.length).toBeGreaterThanOrEqual(1024);
    expect(() => heap.alloc(64)).toThrow(HeapExhaustedError);
    for (const address of blocks) heap.free(address, 64);
    expectWhole(heap);
  });

  test('a double free is an internal error, not corruption', () => {
    const heap = new Heap();
    for (const bytes of [64, 100_000]) {
      const keep = heap.alloc(bytes);
      const address = heap.alloc(bytes);
      heap.free(address, bytes);
      expect(() => heap.free(address, bytes)).toThrow(/internal error/);
      heap.free(keep, bytes);
    }
    expectWhole(heap);
  });
});

test('SpanAllocator: every length finds the exactly fitting hole again', () => {
  const spans = new SpanAllocator();
  spans.extend(200_000);
  const starts = Array.from({ length: 500 }, (_, i) => {
    const start = spans.take(i + 1);
    spans.take(1);
    return start;
  });
  for (const start of starts) spans.release(start);
  for (let i = starts.length - 1; i >= 0; i--) expect(spans.take(i + 1)).toBe(starts[i]);
});
