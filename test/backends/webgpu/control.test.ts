/** Branches are chosen, and loops ended, on the device: what they give is what the CPU gives, and the host reads little. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { devicePut, jit, lax, numpy as np, requestDevice, vmap, type NDArray } from 'cotangent';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';

const gpu = await requestDevice('webgpu');
if (!(gpu instanceof WebGpuDevice)) throw new Error('not a WebGPU device');
const { queue } = gpu;
const onGpu = (x: NDArray): NDArray => devicePut(x, gpu);
const int = (i: number): NDArray => np.array(i, { dtype: 'int32' });

/** The same on both devices, and how often the host read in between. */
async function agrees(f: (...xs: NDArray[]) => NDArray, ...xs: NDArray[]): Promise<number> {
  const jitted = jit(f);
  const reads = queue.reader.submissions;
  const y = jitted(...xs.map(onGpu));
  await queue.stream.idle();
  const inside = queue.reader.submissions - reads;
  expect(Array.from(await y.data())).toEqual(Array.from(await jitted(...xs).data()));
  return inside;
}

describe('branches', () => {
  const three = (i: NDArray, x: NDArray): NDArray =>
    lax.switch(
      i,
      [(v: NDArray) => v.add(1), (v: NDArray) => np.cumsum(v), (v: NDArray) => np.flip(v, 0).mul(np.sum(v))],
      x,
    );

  test('any index, also one outside, without a read', async () => {
    for (const i of [-5, 0, 1, 2, 9]) expect(await agrees(three, int(i), np.arange(300).astype('float32'))).toBe(0);
  });

  test('one in another', async () => {
    const nested = (i: NDArray, j: NDArray, x: NDArray): NDArray =>
      lax.cond(
        i.greater(0),
        (v: NDArray) => three(j, v).mul(2),
        (v: NDArray) => three(j.add(1), v.sub(3)),
        x,
      );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1 }), fc.integer({ min: -1, max: 3 }), async (i, j) => {
        expect(await agrees(nested, int(i), int(j), np.arange(7).astype('float32'))).toBe(0);
      }),
      { numRuns: 12 },
    );
  });

  test('in every step of a scan, chosen by what it carries, with a scan inside', async () => {
    const f = (xs: NDArray): NDArray => {
      const [carry, ys] = lax.scan(
        (c: NDArray, x: NDArray) => {
          const next = lax.cond(
            np.sum(c).less(20),
            (v: NDArray) => lax.foriLoop(0, 3, (_: NDArray, w: NDArray) => np.roll(w, 1).add(x), v),
            (v: NDArray) => v.mul(0.5),
            c,
          );
          return [next, np.sum(next)] as const;
        },
        np.zeros([4]),
        xs,
      );
      return np.concatenate([carry, ys]);
    };
    expect(await agrees(f, np.arange(11).astype('float32'))).toBe(0);
  });
});

describe('while', () => {
  const count = (limit: NDArray, x: NDArray): NDArray =>
    lax.whileLoop(
      ([i]: readonly [NDArray, NDArray]) => i.less(limit),
      ([i, v]: readonly [NDArray, NDArray]) => [i.add(1), np.roll(v, 1).add(i.astype('float32'))] as const,
      [int(0), x] as const,
    )[1];

  test.each([0, 1, 2, 3, 4, 7, 8, 100, 201])('%i iterations, of which the host reads the logarithm', async (n) => {
    const inside = await agrees(count, int(n), np.arange(6).astype('float32'));
    expect(inside).toBeLessThanOrEqual(Math.ceil(Math.log2(n + 2)) + Math.ceil(n / 64));
  });

  test('with a branch inside', async () => {
    const collatz = (x: NDArray): NDArray =>
      lax.whileLoop(
        ([v]: readonly [NDArray, NDArray]) => v.notEqual(1),
        ([v, n]: readonly [NDArray, NDArray]) =>
          [
            lax.cond(
              v.mod(2).equal(0),
              (w: NDArray) => w.floorDivide(2),
              (w: NDArray) => w.mul(3).add(1),
              v,
            ),
            n.add(1),
          ] as const,
        [x, int(0)] as const,
      )[1];
    for (const x of [1, 6, 27]) await agrees(collatz, int(x));
  });

  test('in another, in a branch and in a scan', async () => {
    const inner = (v: NDArray): NDArray =>
      lax.whileLoop(
        (w: NDArray) => np.sum(w).less(50),
        (w: NDArray) => w.mul(1.5).add(1),
        v,
      );
    const outer = (v: NDArray): NDArray =>
      lax.whileLoop(
        (w: NDArray) => np.sum(w).less(500),
        (w: NDArray) => inner(w).mul(2),
        v,
      );
    await agrees(outer, np.ones([3]));
    await agrees((v) => lax.cond(np.sum(v).less(4), outer, inner, v), np.ones([3]));
    await agrees(
      (xs) => lax.scan((c: NDArray, x: NDArray) => [inner(c.add(x)).mul(0.25), c] as const, np.zeros([2]), xs)[1],
      np.arange(5).astype('float32'),
    );
    await agrees((xs) => vmap(inner)(xs), np.arange(12).astype('float32').reshape([4, 3]));
  });
});

test('a long scan is submitted in pieces, and what is given meanwhile comes after it', async () => {
  const f = jit((x: NDArray) => lax.foriLoop(0, 3000, (_: NDArray, v: NDArray) => np.roll(v, 1).add(1), x));
  const { submissions } = queue;
  const y = f(onGpu(np.arange(4)));
  const z = y.mul(2);
  expect(Array.from(await z.data())).toEqual([6000, 6002, 6004, 6006]);
  expect(queue.submissions - submissions).toBeGreaterThan(5);
  expect(queue.submissions - submissions).toBeLessThan(20);
});
