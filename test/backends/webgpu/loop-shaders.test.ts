/** Loop kernels as shaders: which read and write vectors of four elements, what is shared, and that all lengths and offsets give what the CPU gives. */
import { describe, expect, test } from 'vitest';
import { devices, jit, lax, numpy as np, devicePut, type DType, type NDArray } from 'cotangent';
import { gpu, otherKind } from './run-program.js';

const [cpu = gpu] = devices();
/** The same device as if its driver were a GPU, and as if it were a CPU. */
const [asGpu, asCpu] = gpu.capabilities.isCpu ? [otherKind, gpu] : [gpu, otherKind];

const shadersOn = (device: typeof gpu, f: (...xs: NDArray[]) => NDArray, ...shapes: (readonly number[])[]): string =>
  jit(f)
    .lower(...shapes.map((shape) => devicePut(np.zeros(shape), device)))
    .asText('wgsl');

const shaders = (f: (...xs: NDArray[]) => NDArray, ...shapes: (readonly number[])[]): string =>
  shadersOn(asGpu, f, ...shapes);

/** The bindings that a function's shaders declare, of vectors and of single elements. */
const bindings = (f: (...xs: NDArray[]) => NDArray, ...shapes: (readonly number[])[]): string[] =>
  [...shaders(f, ...shapes).matchAll(/array<(vec4<f32>|f32)>;/g)].map(([, type = '']) => type);

const V = 'vec4<f32>';

describe('arrays are declared as vectors', () => {
  test('by elementwise kernels of any length, but not for a scalar operand', () => {
    const chain = (x: NDArray, y: NDArray, z: NDArray): NDArray => x.mul(y).add(z);
    expect(bindings(chain, [64], [64], [64])).toEqual([V, V, V, V]);
    expect(bindings(chain, [67], [67], [67])).toEqual([V, V, V, V]);
    expect(bindings(chain, [64], [], [64])).toEqual([V, 'f32', V, V]);
  });

  test('where a row is repeated, if it is whole vectors', () => {
    const bias = (x: NDArray, b: NDArray): NDArray => np.maximum(x.add(b), 0);
    expect(bindings(bias, [30, 64], [64])).toEqual([V, V, V]);
    expect(bindings(bias, [64, 30], [30])).toEqual(['f32', 'f32', 'f32']);
    expect(bindings(bias, [30, 64], [30, 1])).toEqual([V, 'f32', V]);
  });

  test('not where elements are beside those they are read with, or in another order', () => {
    expect(bindings((x) => x.slice([1, 65]).add(x.slice([0, 64])), [65])).toEqual(['f32', 'f32']);
    expect(bindings((x) => x.T.add(1), [64, 64])).toEqual(['f32', 'f32']);
    expect(bindings((x) => np.flip(x).add(x), [64])).toEqual(['f32', 'f32']);
  });

  test('by workgroups that share rows', () => {
    const softmax = (x: NDArray): NDArray => {
      const e = np.exp(x.sub(np.max(x, { axis: 1, keepdims: true })));
      return e.div(np.sum(e, { axis: 1, keepdims: true }));
    };
    expect(bindings(softmax, [256, 256])).toEqual([V, V]);
    expect(bindings(softmax, [256, 254])).toEqual(['f32', 'f32']);
    // A long sum: parts of it, each a single element, then the sum of those.
    expect(bindings((x) => np.sum(x), [2 ** 20])).toEqual([V, 'f32', 'f32', V]);
  });
});

test('what does not change in a loop is computed before it, and once', () => {
  const normalize = (x: NDArray): NDArray => {
    const y = x.sub(np.mean(x, { axis: 1, keepdims: true }));
    return y.div(np.sqrt(np.mean(np.square(y), { axis: 1, keepdims: true }).add(1e-5)));
  };
  const text = shaders(normalize, [256, 256]);
  const loops = text.split(/for \(/);
  expect(loops[0]).toMatch(/= point \* 64i;/);
  expect(loops.slice(1).join()).not.toMatch(/point/);
  // Of a row, before the loop over its elements: not in a block.
  expect(text).toMatch(/^ {2}let \w+: f32 = sqrt/m);
});

test('cumulative sums of many short rows are those of an invocation each; workgroups share long ones', () => {
  const shared = (rows: number, n: number): boolean =>
    shaders((x) => lax.cumsum(x, 1), [rows, n]).includes('var<workgroup>');
  expect([shared(4096, 64), shared(4096, 65), shared(64, 4096), shared(1000, 64)]).toEqual([false, true, true, true]);
});

test('on a driver that is a CPU a row is the work of an invocation, unless there are few', () => {
  const programs: Record<string, (x: NDArray) => NDArray> = {
    sum: (x) => np.sum(x, { axis: 1 }),
    cumsum: (x) => lax.cumsum(x, 1),
    centre: (x) => x.sub(np.mean(x, { axis: 1, keepdims: true })),
  };
  for (const [name, f] of Object.entries(programs)) {
    const [many, few] = [shadersOn(asCpu, f, [64, 512]), shadersOn(asCpu, f, [16, 512])];
    expect(many, name).not.toMatch(/var<workgroup>|Barrier/);
    expect(few, name).toMatch(/var<workgroup>/);
    // A scan goes along its row one by one.
    expect(many.includes('array<vec4<f32>>'), name).toBe(name !== 'cumsum');
  }
});

test('extrema of integers are native atomics, of floats exchanges that stop where nothing changes', () => {
  const scatter = (dtype: DType): string =>
    jit((x: NDArray, i: NDArray) => np.zeros([16], { dtype }).at(i).max(x))
      .lower(devicePut(np.zeros([64], { dtype }), gpu), devicePut(np.zeros([64], { dtype: 'int32' }), gpu))
      .asText('wgsl');
  for (const dtype of ['int32', 'uint32'] as const) {
    expect(scatter(dtype)).toMatch(/atomicMax\(/);
    expect(scatter(dtype)).not.toMatch(/atomicCompareExchangeWeak/);
  }
  expect(scatter('float32')).toMatch(/if \(\w+ == \w+\) \{ break; \}\n.*atomicCompareExchangeWeak/);
});

const LENGTHS = [...Array(71).keys(), 255, 256, 257, 1023, 1024, 1025];

/** Small integers with edge cases among them. */
function values(dtype: DType, length: number, seed: number): NDArray {
  const edges = [NaN, -0, Infinity, -Infinity, 0];
  const data = Array.from({ length }, (_, i) => {
    const n = Math.imul(i + 1 + seed * 977, 2654435761) >>> 16;
    if (dtype === 'float32' && n % 7 === 0) return edges[n % 5] ?? 0;
    return dtype === 'bool' ? n & 1 : dtype === 'uint32' ? n % 19 : (n % 19) - 9;
  });
  return np.array(data, { dtype });
}

async function same(f: (...xs: NDArray[]) => readonly NDArray[], xs: readonly NDArray[], what: string): Promise<void> {
  const expected = f(...xs.map((x) => devicePut(x, cpu)));
  const got = f(...xs.map((x) => devicePut(x, gpu)));
  const both = await Promise.all([...expected, ...got].map((y) => y.data()));
  expected.forEach((_, i) => {
    expect(both[expected.length + i], what).toEqual(both[i]);
  });
}

describe('as the CPU, of any length', () => {
  test('arrays one operation at a time', async () => {
    for (const n of LENGTHS) {
      for (const dtype of ['float32', 'int32', 'uint32', 'bool'] as const)
        await same(
          (x, y) => [np.maximum(x, y), np.where(x.greater(y), x, y), x.equal(y)],
          [values(dtype, n, 1), values(dtype, n, 2)],
          `${n} ${dtype}`,
        );
    }
  });

  test('programs of several arrays and results', async () => {
    const f = jit((x: NDArray, n: NDArray, b: NDArray) => [
      np.where(b, x.mul(2), np.minimum(x, 1)),
      np.floorDivide(n, 3).add(np.arange(n.aval.size)),
      np.logicalXor(b, x.less(0)),
      n.add(b.astype('int32')).astype('float32'),
    ]);
    for (const n of LENGTHS)
      await same(f, [values('float32', n, 1), values('int32', n, 2), values('bool', n, 3)], String(n));
  });

  test('rows: their reductions, and elements beside a value of the row', async () => {
    const f = jit((x: NDArray, row: NDArray) => [
      np.sum(x, { axis: 1 }),
      np.argmax(x, 1),
      x.sub(np.max(x, { axis: 1, keepdims: true })).mul(row),
      np.sum(x, { axis: 0 }),
      np.any(x.greater(row), { axis: 1 }),
    ]);
    for (const [rows, n] of [
      [5, 3],
      [3, 4],
      [70, 64],
      [66, 130],
      [130, 132],
      [64, 255],
      [65, 256],
      [3, 1025],
      [2, 8192],
      [1, 16388],
      [1, 16385],
    ] as const)
      await same(f, [values('int32', rows * n, 1).reshape(rows, n), values('int32', n, 2)], `${rows} ${n}`);
  });

  test('slices, and stacked arrays at the steps of a loop', async () => {
    for (const n of [1, 3, 4, 5, 8, 63, 64, 130, 132]) {
      const x = values('int32', 7 * n, n).reshape(7, n);
      await same(
        jit((xs: NDArray) => {
          const zeros = np.zeros([n], { dtype: 'int32' });
          const [carry, ys] = lax.scan((c: NDArray, row: NDArray) => [c.add(row), c.mul(2).sub(row)], zeros, xs);
          return [carry, ys];
        }),
        [x],
        `scan ${n}`,
      );
      await same(
        jit((xs: NDArray) =>
          [1, 2, 4].map((k) =>
            xs
              .reshape(-1)
              .slice([k, 6 * n])
              .add(k),
          ),
        ),
        [x],
        `slices ${n}`,
      );
    }
  });
});
