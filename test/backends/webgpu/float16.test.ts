/**
 * float16 on a device: what the CPU gives, whether shaders have halves (`shader-f16`) or memory holds float32 numbers that are halves. A driver
 * without them is at least given the text that one with them gets.
 */
import { describe, expect, test } from 'vitest';
import { devices, devicePut, grad, jit, lax, nn, numpy as np, random, requestDevice, type NDArray } from 'cotangent';
import { halfBits, halfFromBits } from '../../../src/core/half.js';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';
import { kernelShader } from '../../../src/backends/webgpu/shader.js';
import { load, loopVar, convert, unary } from '../../../src/core/scalar.js';
import type { LoopKernel } from '../../../src/compiler/loop-ir.js';
import { gpu } from './run-program.js';

const [cpu = gpu] = devices();
const float16 = 'float16' as const;
const all = np.array(
  Array.from({ length: 65536 }, (_, i) => halfFromBits(i)),
  { dtype: float16 },
);

const bitsOf = async (x: NDArray): Promise<number[]> => [...(await x.data())].map(halfBits);
/** Eager and jitted, on the device as on the CPU. */
async function same(f: (...xs: NDArray[]) => NDArray, ...xs: NDArray[]): Promise<void> {
  const expected = await bitsOf(f(...xs.map((x) => devicePut(x, cpu))));
  const there = xs.map((x) => devicePut(x, gpu));
  const [eager, jitted] = [f(...there), jit(f)(...there)];
  expect(eager.dtype).toBe(float16);
  expect(await bitsOf(eager)).toEqual(expected);
  expect(await bitsOf(jitted)).toEqual(expected);
}

describe('with the bits of the CPU', () => {
  test('all halves, in and out, copied, negated, widened', async () => {
    await same((x) => x.neg(), all);
    await same((x) => np.flip(x), all);
    await same((x) => x.astype('float32').astype(float16), all);
    const there = devicePut(all, gpu);
    expect(await bitsOf(there)).toEqual(await bitsOf(all));
    expect([...(await there.astype('float32').data())].map(halfBits)).toEqual(await bitsOf(all));
  });

  test('roundings: halfway points, overflow, subnormal numbers', async () => {
    await same((x) => x.mul(1 / 3), all);
    await same((x) => x.add(x.mul(0.001)), all);
    await same((x) => x.mul(2 ** -13), all);
    const singles = np.array(
      Array.from({ length: 3000 }, (_, i) => {
        const [low, high] = [halfFromBits(7 * i), halfFromBits(7 * i + 1)];
        return ((low + high) / 2) * (1 + (i % 3) * 2 ** -23);
      }),
    );
    await same((x) => x.astype(float16), singles);
  });

  test('odd lengths, slices, stacks of a loop, updates, sorts', async () => {
    for (const n of [1, 2, 3, 5, 63, 64, 65, 1025]) {
      const x = all.slice([15000, 15000 + n]);
      await same((v) => v.add(1), x);
      await same((v) => np.concatenate([v, np.flip(v)]), x);
      await same((v) => np.sort(v), x);
    }
    const x = random.normal(random.key(0), [5, 7]).astype(float16);
    await same((v) => v.slice([1, 3], [2, 5]).T.mul(2), x);
    await same((v) => lax.scan((c: NDArray, r: NDArray) => [c.mul(0.5).add(r), c], v.slice(0).mul(0), v)[1], x);
    const at = np.array([0, 0, 2, 4, 0], { dtype: 'int32' });
    const one = np.array([3, 1], { dtype: 'int32' });
    await same((v, i) => v.at(i).add(v), x, at);
    await same((v, i) => v.at(i).set(0.25), x, one);
    await same((v, i) => np.maximum(v, 0).at(i).max(1), x, at);
  });

  test('beside arrays of other dtypes in one kernel', async () => {
    const x = random.normal(random.key(1), [130]);
    const f = (v: NDArray, n: NDArray): NDArray => {
      const h = v.astype(float16);
      return np.where(h.greater(v), h.mul(h), h.add(n.astype(float16)));
    };
    await same(f, x, np.arange(130));
  });

  test('more arrays than a shader may bind, of both widths', async () => {
    const few = new WebGpuDevice(gpu.queue.gpu, gpu.description, { ...gpu.capabilities, storageBuffers: 4 });
    const arrays = (halves: number, words: number): NDArray[] =>
      Array.from({ length: halves + words }, (_, i) =>
        random
          .normal(random.key(i), [9 + 2 * i])
          .slice([0, 9])
          .astype(i < halves ? float16 : 'float32'),
      );
    const sum = (...xs: NDArray[]): NDArray => xs.reduce((a, b) => a.add(b)).astype(float16);
    for (const [halves, words] of [
      [12, 0],
      [0, 12],
      [6, 6],
      [1, 5],
      [5, 1],
      [2, 3],
    ] as const) {
      const xs = arrays(halves, words);
      const got = jit(sum)(...xs.map((x) => devicePut(x, few)));
      expect(await bitsOf(got), `${halves} and ${words}`).toEqual(await bitsOf(sum(...xs)));
    }
  });
});

test('products and sums accumulate in float32', async () => {
  const [a, b] = [random.normal(random.key(2), [33, 300]), random.normal(random.key(3), [300, 17])].map((x) =>
    x.astype(float16),
  );
  if (a === undefined || b === undefined) throw new Error('unreachable');
  const layer = (x: NDArray, y: NDArray): NDArray => nn.softmax(np.matmul(x, y).mul(0.1));
  for (const f of [np.matmul, layer, (x: NDArray, y: NDArray) => np.sum(x).add(np.mean(y))]) {
    const want = [...(await f(a, b).data())];
    const got = [...(await jit(f)(devicePut(a, gpu), devicePut(b, gpu)).data())];
    // Other orders of the sum round to another half at most.
    got.forEach((g, i) => {
      expect(Math.abs(g - (want[i] ?? NaN))).toBeLessThanOrEqual(2 ** -10 * Math.max(Math.abs(g), 2 ** -14));
    });
  }
  expect((await np.sum(devicePut(np.ones([3000], { dtype: float16 }), gpu)).data())[0]).toBe(3000);
  const loss = (x: NDArray): NDArray => np.sum(np.square(np.tanh(x)));
  await same(jit(grad(loss)), a);
});

describe('shaders', () => {
  const n = 64;
  const at = loopVar(0, n);
  const kernel: LoopKernel = {
    kind: 'loop',
    name: 'halves',
    buffers: [
      { dtype: float16, length: n, access: 'read' },
      { dtype: float16, length: n, access: 'write' },
    ],
    loops: [{ id: 0, extent: n }],
    stages: [
      {
        loops: [],
        accumulators: [],
        stores: [
          { buffer: 1, index: at, value: convert(float16, unary('neg', convert('float32', load(float16, 0, at)))) },
        ],
        ordered: false,
      },
    ],
  };
  const layout = { bindings: [0, 1], moved: [false, false], aligned: [true, true], written: [false, true] };
  const text = (f16: boolean): string => kernelShader(kernel, layout, false, { ...gpu.capabilities, f16 }).code;

  test('with halves read and write them in vectors', () => {
    expect(text(true)).toMatch(/^enable f16;$/m);
    expect([...text(true).matchAll(/array<vec4<f16>>/g)]).toHaveLength(2);
    expect(text(true)).toMatch(/= vec4<f32>\(b0\[/);
    expect(text(true)).toMatch(/b1\[.*\] = vec4<f16>\(v\d+\);/);
  });

  test('without them hold float32 numbers, rounded all the same', () => {
    expect(text(false)).not.toMatch(/f16[>;]/);
    expect(text(false)).toMatch(/round_f16_x4\(/);
  });

  test('an array takes two bytes an element where the driver has halves', async () => {
    const without = await requestDevice('webgpu', { without: ['shader-f16'] });
    const bytes = (device: typeof without): number | undefined =>
      jit((x: NDArray) => np.sort(np.sort(x).add(1)))
        .lower(devicePut(np.ones([4096], { dtype: float16 }), device))
        .cost().arenaBytes;
    expect(bytes(without)).toBeGreaterThan(0);
    await same((x) => x.add(1), all);
  });
});
