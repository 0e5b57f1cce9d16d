/** Tiles of products: every one gives the same bits, those measured are remembered and used, and what is remembered badly counts for nothing. */
import { describe, expect, test } from 'vitest';
import { devicePut, jit, numpy as np, random, type NDArray } from 'cotangent';
import { classOf, contractTiles, tilesByCost } from '../../../src/backends/webgpu/contract-tile.js';
import type { Tile } from '../../../src/backends/webgpu/tile.js';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';
import { tileStore, type TextStore } from '../../../src/backends/webgpu/tile-store.js';
import { GpuExecutable } from '../../../src/backends/webgpu/executable.js';
import { productSizes } from '../../../src/backends/webgpu/contract-plan.js';
import { contraction, transposed } from '../wasm/contractions.js';
import { programOf } from '../wasm/harness.js';
import { gpu, otherKind } from './run-program.js';

const withTiles = (tiles: Map<string, Tile>, device = gpu): WebGpuDevice =>
  new WebGpuDevice(device.queue.gpu, device.description, { ...device.capabilities, tiles });

/** A text in memory, and how often it was written. */
function memory(initial?: string): TextStore & { text: string | undefined; writes: number } {
  const store = {
    text: initial,
    writes: 0,
    read: () => Promise.resolve(store.text),
    write: (text: string) => {
      store.text = text;
      store.writes += 1;
      return Promise.resolve();
    },
  };
  return store;
}

const tuned = async (text: TextStore): Promise<WebGpuDevice> => {
  const store = tileStore(text, gpu.description, gpu.capabilities);
  return new WebGpuDevice(gpu.queue.gpu, gpu.description, gpu.capabilities, { tiles: await store.read(), store });
};

const drawn = (shape: number[], seed: number): NDArray => random.normal(random.key(seed), shape);

/** Results of a workgroup beyond which SwiftShader takes seconds to compile a tile for a GPU. */
const QUICK = 1024;

test('every tile gives the same bits, of any sizes and layouts', async () => {
  for (const { queue, description, capabilities } of [gpu, otherKind]) {
    const tiles = new Map<string, Tile>();
    const device = new WebGpuDevice(queue.gpu, description, { ...capabilities, tiles });
    for (const [m, k, n, lhs, rhs] of [
      [33, 17, 65, false, false],
      [128, 40, 64, true, false],
      [5, 300, 7, false, true],
    ] as const) {
      const kernel = contraction('float32', { batch: [], m: [m], n: [n], k: [k] }, transposed(lhs, rhs));
      const inputs = [await drawn([m * k], 1).data(), await drawn([k * n], 2).data()];
      const storages = inputs.map((data) => device.fromHost('float32', data));
      let expected: Uint32Array | undefined;
      for (const tile of contractTiles(k, capabilities)) {
        if (tile.memory === 'workgroup' && tile.height * tile.width > QUICK) continue;
        tiles.set(classOf(productSizes(kernel)), tile);
        const [result] = new GpuExecutable(device, programOf(kernel)).run(storages);
        if (result === undefined) throw new Error('no result');
        const bits = new Uint32Array((await device.toHostAsync(result)).buffer);
        expected ??= bits;
        expect(bits, `${m}x${k}x${n} ${JSON.stringify(tile)}`).toEqual(expected);
      }
      expect(expected).toBeDefined();
    }
  }
});

describe('measured tiles', () => {
  const [a, b] = [drawn([60, 70], 3), drawn([70, 130], 4)];
  const key = classOf({ batch: 1, m: 60, k: 70, n: 130 });
  const product = async (device: WebGpuDevice): Promise<number[]> =>
    Array.from(
      await jit((x: NDArray, y: NDArray) => np.matmul(x, y).add(1))(devicePut(a, device), devicePut(b, device)).data(),
    );

  test('are used and remembered: the next device measures nothing', async () => {
    const text = memory();
    const first = await tuned(text);
    const expected = await product(gpu);
    expect(await product(first)).toEqual(expected);
    expect(first.tuner?.measured).toBe(1);
    const tile = first.capabilities.tiles?.get(key);
    expect(contractTiles(70, gpu.capabilities)).toContainEqual(tile);
    // The same class again, of other sizes.
    await np.matmul(devicePut(drawn([66, 64], 5), first), devicePut(drawn([64, 120], 6), first)).data();
    expect([first.tuner?.measured, text.writes]).toEqual([1, 1]);

    const second = await tuned(text);
    expect(second.capabilities.tiles?.get(key)).toEqual(tile);
    expect(await product(second)).toEqual(expected);
    expect(second.tuner?.measured).toBe(0);
  });

  test('decide what is printed', () => {
    const [cheapest, ...others] = tilesByCost({ batch: 1, m: 60, n: 130, k: 70 }, gpu.capabilities);
    const other = others.at(-1);
    if (cheapest === undefined || other === undefined) throw new Error('one tile only');
    const text = (device: WebGpuDevice): string =>
      jit((x: NDArray, y: NDArray) => np.matmul(x, y))
        .lower(devicePut(a, device), devicePut(b, device))
        .asText('wgsl');
    expect(text(withTiles(new Map([[key, cheapest]])))).toBe(text(gpu));
    expect(text(withTiles(new Map([[key, other]])))).not.toBe(text(gpu));
  });

  test('calls keep their order while one is measured, donations and errors included', async () => {
    const device = await tuned(memory());
    const x = devicePut(drawn([50, 50], 7), device);
    const square = jit((v: NDArray) => np.matmul(v, v).mul(0.1));
    const later = square(square(x)).add(1);
    const twice = jit((v: NDArray) => v.mul(2), { donate: 0 });
    const [y, z] = [twice(square(x)), square(x)];
    const on = devicePut(await x.data().then((data) => np.array(data).reshape([50, 50])), gpu);
    const want = square(square(on)).add(1);
    expect(await later.data()).toEqual(await want.data());
    expect(await y.data()).toEqual(await square(on).mul(2).data());
    expect(await z.data()).toEqual(await square(on).data());
  });

  test.each([
    ['no JSON', '{"'],
    ['no record', '[1, 2]'],
    ['no tile of the device', JSON.stringify({ x: 1 })],
  ])('that were kept as %s count for nothing', async (_, text) => {
    const store = memory(text);
    const device = await tuned(store);
    expect(device.capabilities.tiles?.size).toBe(0);
    await product(device);
    expect(device.tuner?.measured).toBe(1);
    expect((await tuned(store)).capabilities.tiles?.size).toBe(1);
  });

  test('an impossible tile is not taken from the store', async () => {
    const store = memory();
    const device = await tuned(store);
    await product(device);
    store.text = store.text?.replace(/"height":\d+/, '"height":3');
    expect((await tuned(store)).capabilities.tiles?.size).toBe(0);
  });
});
