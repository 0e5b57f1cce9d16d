/** The webgpu device as a user meets it: where arrays are, how they are read, donation, and errors after which the next call works. */
import { describe, expect, test } from 'vitest';
import {
  devicePut,
  devicePutAsync,
  devices,
  getDefaultDevice,
  grad,
  hessian,
  jacobian,
  jit,
  lax,
  nn,
  numpy as np,
  requestDevice,
  setDefaultDevice,
  vmap,
  type Device,
  type NDArray,
} from 'cotangent';
import { WebGpuDevice } from '../../../src/backends/webgpu/device.js';

const gpu = await requestDevice('webgpu');
const [cpu = gpu] = devices();
const onGpu = (x: NDArray): NDArray => devicePut(x, gpu);

const asGpu = (device: Device): WebGpuDevice => {
  if (!(device instanceof WebGpuDevice)) throw new Error('not a WebGPU device');
  return device;
};

const works = async (): Promise<void> => {
  expect(Array.from(await onGpu(np.arange(3)).add(1).data())).toEqual([1, 2, 3]);
};

describe('a device', () => {
  test('asked for twice is one', async () => {
    expect(await requestDevice('webgpu')).toBe(gpu);
    expect(devices().slice(0, 2)).toEqual([cpu, gpu]);
    expect(gpu.kind).toBe('webgpu');
    expect(await requestDevice('cpu')).toBe(cpu);
  });

  test('says what it is', () => {
    expect(cpu.description).toMatch(/^WebAssembly, (1 thread|\d+ threads), (relaxed )?SIMD$/);
    // A vendor, then what it calls its GPU.
    expect(gpu.description).toMatch(/^\w+ \S.*\S$/);
  });

  test('without a feature is another device, which does without', async () => {
    const plain = asGpu(await requestDevice('webgpu', { without: ['subgroups', 'shader-f16'] }));
    expect(plain).not.toBe(gpu);
    expect(plain.queue.gpu.features.has('subgroups')).toBe(false);
    expect(plain.capabilities).toMatchObject({ subgroups: undefined, f16: false });
    const { queue, capabilities } = asGpu(gpu);
    expect(capabilities.subgroups !== undefined).toBe(queue.gpu.features.has('subgroups'));
    expect(capabilities.timestamps).toBe(queue.gpu.features.has('timestamp-query'));
  });

  test('as the default takes new arrays, and numbers beside them', async () => {
    const before = getDefaultDevice();
    setDefaultDevice(gpu);
    try {
      const x = np.linspace(0, 1, 5);
      const y = jit((v: NDArray) => np.sum(np.square(v).mul(2).add(np.array(1))))(x);
      expect(Array.from(await y.data())).toEqual([8.75]);
      const g = grad((v: NDArray) => np.sum(v.mul(v)))(x);
      expect(Array.from(await g.data())).toEqual([0, 0.5, 1, 1.5, 2]);
    } finally {
      setDefaultDevice(before);
    }
  });

  test('keeps bools, integers and empty arrays', async () => {
    const x = onGpu(np.array([3, -1, 7], { dtype: 'int32' }));
    expect(await x.greater(0).data()).toEqual(Uint8Array.of(1, 0, 1));
    expect(await x.astype('uint32').data()).toEqual(Uint32Array.of(3, 2 ** 32 - 1, 7));
    expect(
      await onGpu(np.zeros([0, 4]))
        .add(1)
        .data(),
    ).toEqual(new Float32Array(0));
    expect(await np.sum(onGpu(np.zeros([0, 4])), 0).data()).toEqual(new Float32Array(4));
  });

  test('waits for what was given before', async () => {
    const x = onGpu(np.ones([1000]));
    const y = jit((v: NDArray) =>
      lax.whileLoop(
        (w: NDArray) => np.sum(w).less(1e6),
        (w: NDArray) => w.mul(2),
        v,
      ),
    )(x);
    // Given while the loop before still asks the host.
    const z = y.add(x);
    await z.blockUntilReady();
    expect(new Set(await z.data())).toEqual(new Set([1025]));
  });
});

test('what is beside a matrix product is a kernel of its own', async () => {
  const f = (a: NDArray, b: NDArray): NDArray[] => [
    np.matmul(a.transpose(), b),
    np.sum(b, 0).mul(2),
    np.max(a, { axis: 0 }),
  ];
  const integers = (...shape: number[]): NDArray =>
    np
      .remainder(np.arange((shape[0] ?? 0) * (shape[1] ?? 0)).mul(7), 11)
      .reshape(shape)
      .astype('float32');
  const [x, z] = [integers(40, 30), integers(40, 20)];
  const expected = f(x, z).map((r) => r.js());
  const results = jit(f)(onGpu(x), onGpu(z));
  for (const [i, r] of results.entries()) {
    expect(Array.from(await r.data())).toEqual((expected[i] as number[]).flat());
  }
});

describe('moving', () => {
  test('a tree from the GPU to the CPU and back', async () => {
    const tree = { w: onGpu(np.arange(3)), b: [onGpu(np.array([true, false])), 2] as const };
    const { w, b } = await devicePutAsync(tree, cpu);
    expect(w.js()).toEqual([0, 1, 2]);
    expect(b[0].js()).toEqual([true, false]);
    expect(b[1].js()).toBe(2);
    const back = await devicePutAsync(w, gpu);
    expect(Array.from(await back.add(tree.w).data())).toEqual([0, 2, 4]);
    expect(await devicePutAsync(tree.w, gpu)).toBe(tree.w);
  });

  test('without waiting is an error that says how', async () => {
    expect(() => devicePut(onGpu(np.ones([2])), cpu)).toThrow(/cannot be read synchronously.*await devicePutAsync/);
    await works();
  });

  test('reads of one turn are one submission', async () => {
    const arrays = Array.from({ length: 20 }, (_, i) => onGpu(np.full([i + 1], i)));
    const { reader } = asGpu(gpu).queue;
    const { submissions } = reader;
    const all = await Promise.all(arrays.map((x) => x.data()));
    expect(reader.submissions).toBe(submissions + 1);
    all.forEach((data, i) => {
      expect(data).toEqual(new Float32Array(i + 1).fill(i));
    });
  });
});

describe('donation', () => {
  test('writes a result over its argument, which is gone', async () => {
    const step = jit((x: NDArray) => x.mul(2), { donate: 0 });
    let x = onGpu(np.arange(1000));
    for (let i = 0; i < 5; i++) {
      const next = step(x);
      expect(() => x.add(1)).toThrow(/donated/);
      x = next;
    }
    expect((await x.data())[10]).toBe(320);
  });

  test('of an argument that is also a result copies it', async () => {
    const x = onGpu(np.arange(4));
    const [y, z] = jit((v: NDArray) => [v, v.add(1)] as const, { donate: 0 })(x);
    expect(Array.from(await y.data())).toEqual([0, 1, 2, 3]);
    expect(Array.from(await z.data())).toEqual([1, 2, 3, 4]);
  });

  test('a disposed array is an error, and its buffer serves the next', async () => {
    const x = onGpu(np.ones([64]));
    (x as NDArray & { dispose(): void }).dispose();
    expect(() => x.add(1)).toThrow(/can no longer be used: it was disposed/);
    await works();
  });
});

describe('errors', () => {
  test('a synchronous read says what to do', async () => {
    expect(() => onGpu(np.ones([2])).dataSync()).toThrow(/cannot be read synchronously.*await x\.data\(\)/);
    expect(() => onGpu(np.ones([2])).js()).toThrow(/await x\.data\(\)/);
    await works();
  });

  test('operands on two devices', async () => {
    expect(() => onGpu(np.ones([2])).add(np.ones([2]))).toThrow(/different devices, webgpu and cpu.*devicePut/);
    expect(() => jit((x: NDArray, y: NDArray) => x.mul(y))(onGpu(np.ones([2])), np.ones([2]))).toThrow(
      /different devices/,
    );
    await works();
  });

  test('but what the library makes of numbers alone is wherever it is used, eager or not', async () => {
    const x = onGpu(
      np.array([
        [1.5, 2],
        [3, 4],
      ]),
    );
    const f = (v: NDArray): NDArray => np.sum(np.square(np.tanh(v)).mul(3));
    const own = [grad(f), hessian(f), jacobian((v: NDArray) => np.tanh(v).mul(2)), (v: NDArray) => v.at(0).set(0.25)];
    const more = [
      (v: NDArray) => v.add(np.zerosLike(v)),
      (v: NDArray) => nn.oneHot(v.astype('int32'), 5),
      vmap((v: NDArray) => lax.scan((c: NDArray, r: NDArray) => [c.add(r.mul(2)), c], np.zerosLike(v.slice(0)), v)[1]),
    ];
    for (const g of [...own, ...more]) {
      const [here, there] = [
        g(
          np.array([
            [1.5, 2],
            [3, 4],
          ]),
        ),
        g(x),
      ];
      expect(() => there.dataSync()).toThrow(/synchronously/);
      const [want, got] = [await here.data(), await there.data()];
      got.forEach((v, i) => {
        expect(v).toBeCloseTo(want[i] ?? NaN, 5);
      });
    }
    // On the device that asks, and still where it was.
    const ones = lax.full([3], 1);
    expect([
      ...(await onGpu(np.ones([3]))
        .add(ones)
        .data()),
    ]).toEqual([2, 2, 2]);
    expect(ones.add(np.ones([3])).js()).toEqual([2, 2, 2]);
    // What takes longer to make than to copy stays: it is an array as any other.
    let far = ones;
    for (let i = 0; i < 10; i++) far = far.add(1);
    expect(() => onGpu(np.ones([3])).add(far)).toThrow(/different devices/);
  });

  test('float64, which WGSL does not have', async () => {
    expect(() => onGpu(np.ones([2])).astype('float64')).toThrow(/webgpu has no float64.*cpu device/);
    await works();
  });
});

test('kernels of more arrays than a shader may bind', async () => {
  const arrays = Array.from({ length: 40 }, (_, i) => onGpu(np.full([100], i)));
  const sum = jit((...xs: NDArray[]) => xs.reduce((a, b) => a.add(b)))(...arrays);
  expect(new Set(await sum.data())).toEqual(new Set([780]));
  const all = jit((...xs: NDArray[]) => xs.map((x) => x.add(1)))(...arrays);
  for (const [i, y] of all.entries()) expect((await y.data())[99]).toBe(i + 1);
});

test('more points than one dimension of a launch', async () => {
  const n = 65535 * 64 + 1000;
  const x = onGpu(np.ones([n]));
  expect(await np.sum(x.add(1)).data()).toEqual(Float32Array.of(2 * n));
});

test('a program is printed as shaders before it runs', () => {
  const lowered = jit((x: NDArray) => lax.foriLoop(0, 3, (_: NDArray, v: NDArray) => np.sum(v).add(v), x)).lower(
    onGpu(np.ones([64])),
  );
  const shaders = lowered.asText('wgsl');
  expect(shaders).toMatch(/@compute @workgroup_size\(\d+\)\nfn main/);
  expect(lowered.asText('kernels')).toMatch(/kernel \S+\(b0: f32\[64\].*loop i\d+ < 3/s);
  expect(() => lowered.asText('wat')).toThrow(/asText\('wgsl'\)/);
  expect(() =>
    jit((x: NDArray) => x.add(1))
      .lower(np.ones([3]))
      .asText('wgsl'),
  ).toThrow(/asText\('wat'\)/);
});
