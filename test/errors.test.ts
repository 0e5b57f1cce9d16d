/** What users see when something is wrong: the operation, the shapes, what to do, and their own line. After it the next call works. */
import { afterEach, describe, expect, it } from 'vitest';
import { array, flat } from './helpers/arrays.js';
import {
  ArgumentError,
  AxisError,
  ConcretizationError,
  CotangentError,
  DeletedArrayError,
  DTypeError,
  NotSupportedError,
  ShapeError,
  TreeError,
  UnexpectedTracerError,
} from '../src/core/errors.js';
import { ConcreteArray, getDefaultDevice, setDefaultDevice } from '../src/core/concrete.js';
import { currentTrace, evalTrace } from '../src/core/trace.js';
import type { Device } from '../src/core/device.js';
import type { NDArray } from '../src/core/ndarray.js';
import { cpu } from '../src/backends/wasm/device.js';
import * as lax from '../src/lax/index.js';
import * as np from '../src/numpy/index.js';
import { grad, jit, jvp, vjp, vmap } from '../src/transforms/index.js';

/** The error a call throws, which must name this file as the user's line. */
function errorOf(f: () => unknown): CotangentError {
  try {
    f();
  } catch (error) {
    if (error instanceof CotangentError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

// Whatever went wrong, the library is as before.
afterEach(() => {
  expect(currentTrace()).toBe(evalTrace);
  expect(flat(jit((x: NDArray) => lax.add(x, 1))(array([1])))).toEqual([2]);
  expect(grad((x: NDArray) => lax.mul(x, x))(3).item()).toBe(6);
});

describe('shapes and dtypes', () => {
  it('name the operation, both shapes and the way out', () => {
    const e = errorOf(() => np.add(array([1, 2, 3]), array([1, 2])));
    expect(e).toBeInstanceOf(ShapeError);
    expect(e.message).toMatch(/add: shapes \[3\] and \[2\] do not broadcast/);
    expect(e.message).toMatch(/expandDims or reshape/);
    expect(e.message).toMatch(/errors\.test\.ts:\d+:\d+/);
  });
  it.each([
    ['matmul', () => np.matmul(np.ones([2, 3]), np.ones([2, 3])), ShapeError, /\[2, 3\].*\[2, 3\]/s],
    ['reshape', () => array([1, 2, 3]).reshape([2, 2]), ShapeError, /3 elements|\[3\]/],
    ['concatenate', () => np.concatenate([np.ones([2, 2]), np.ones([3, 3])]), ShapeError, /\[2, 2\].*\[3, 3\]/],
    ['transpose', () => lax.transpose(np.ones([2, 2]), [0, 0]), ShapeError, /no permutation/],
    ['dtype', () => lax.add(array([1]), array([1], [1], 'int32')), DTypeError, /float32 and int32.*astype/s],
    [
      'bitwise on floats',
      () => lax.bitwiseAnd(array([1]), array([1])),
      DTypeError,
      /and: takes int32, uint32, bool, got float32/,
    ],
    ['sin of int', () => lax.sin(array([1], [1], 'int32')), DTypeError, /sin: takes floats, got i32\[1\]/],
    ['fraction beside ints', () => lax.add(array([1], [1], 'int32'), 0.5), DTypeError, /0\.5 is no integer/],
    ['axis', () => np.sum(np.ones([2, 2]), 2), AxisError, /axis 2 does not exist in an array of 2 dimensions/],
    ['axis twice', () => np.sum(np.ones([2, 2]), [0, -2]), AxisError, /twice/],
    ['index', () => np.ones([2]).slice(5), Error, /5/],
    [
      'no array',
      () => lax.sin('1' as never),
      ArgumentError,
      /sin: expected an array or a number, got a value of type string/,
    ],
    ['item of many', () => array([1, 2]).item(), ArgumentError, /shape \[2\]/],
  ] as const)('%s', (_name, f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});

describe('traced values', () => {
  it.each([
    ['a comparison', (x: NDArray) => ((x as unknown as number) > 0 ? x : lax.neg(x))],
    ['Math', (x: NDArray) => lax.mul(x, Math.sin(x as unknown as number))],
    ['a template string', (x: NDArray) => lax.add(x, `is ${x as unknown as string}`.length)],
    ['item()', (x: NDArray) => lax.add(x, Number(x.item()))],
    ['js()', (x: NDArray) => lax.add(x, Number(x.js()))],
    ['dataSync()', (x: NDArray) => lax.add(x, x.dataSync()[0] ?? 0)],
  ])('coerced by %s', (_name, f) => {
    const transforms: ((g: typeof f) => (x: NDArray) => unknown)[] = [jit, grad, vmap];
    for (const transform of transforms) {
      const e = errorOf(() => transform(f)(transform === vmap ? array([1]) : array([1], [])));
      expect(e).toBeInstanceOf(ConcretizationError);
      expect(e.message).toMatch(/np\.where|lax\.cond/);
      expect(e.message).toMatch(/staticArgnums/);
      expect(e.message).toMatch(/errors\.test\.ts/);
    }
  });
  it('say which argument they are', () => {
    const e = errorOf(() => jit((p: { w: NDArray }) => Number(p.w))({ w: array([1], []) }));
    expect(e.message).toMatch(/argument 0\.w/);
  });
  it('leak with the place they were made', () => {
    let kept: NDArray | undefined;
    grad((x: NDArray) => {
      kept = lax.mul(x, 2);
      return x;
    })(1);
    const e = errorOf(() => lax.add(kept ?? 0, 1));
    expect(e).toBeInstanceOf(UnexpectedTracerError);
    expect(e.message).toMatch(/traced by grad was used outside of it; it was made at .*errors\.test\.ts/);
    // Also inside of another trace.
    expect(() => jit((y: NDArray) => lax.add(y, kept ?? 0))(1)).toThrow(UnexpectedTracerError);
    // Looking at one says the same, not what to do while it is traced.
    expect(() => kept?.item()).toThrow(UnexpectedTracerError);
  });
  it('an error inside of a traced function leaves no trace behind', () => {
    expect(() =>
      jit(
        vmap(
          grad((x: NDArray): NDArray => {
            throw new Error(`mine ${String(x.ndim)}`);
          }),
        ),
      )(array([1, 2])),
    ).toThrow('mine 0');
  });
});

describe('transforms', () => {
  it.each([
    [
      'grad of an array',
      () => grad((x: NDArray) => x)(array([1, 2])),
      ShapeError,
      /must return one scalar, got an array of shape \[2\].*jacobian/s,
    ],
    ['grad of a tree', () => grad((x: NDArray) => [x] as never)(1), ShapeError, /got a tree/],
    [
      'grad by an integer',
      () => grad((x: NDArray) => lax.reduceSum(x) as never)(array([1], [1], 'int32')),
      DTypeError,
      /grad: argument 0 is i32\[1\]/,
    ],
    [
      'grad by a leaf',
      () =>
        grad((p: { n: NDArray }) => lax.reduceSum(lax.convertElementType(p.n, 'float32')))({
          n: array([1], [1], 'int32'),
        }),
      DTypeError,
      /argument 0\.n/,
    ],
    ['aux', () => grad((x: NDArray) => x as never, { hasAux: true })(1), TreeError, /pair \[value, aux\]/],
    ['argnums', () => grad((x: NDArray) => x, { argnums: 3 as 0 })(1), AxisError, /argnums/],
    [
      'a string argument',
      () => jit((p: { name: string }) => p)({ name: 'a' }),
      ArgumentError,
      /argument 0\.name is a string \(a\).*staticArgnums/s,
    ],
    ['a result that is no array', () => jit(() => ({ out: 'text' }))(), ArgumentError, /result at out is a string/],
    [
      'a tangent of another shape',
      () => jvp((x: NDArray) => x, [array([1, 2])], [array([1, 2, 3])]),
      ShapeError,
      /tangent of argument 0 is f32\[3\], but .* f32\[2\]/,
    ],
    [
      'a cotangent of another tree',
      () => vjp((x: NDArray) => ({ y: x }), [array([1])])[1]({ z: array([1]) } as never),
      TreeError,
      /missing y; unexpected z/,
    ],
    [
      'integer powers of a scatter',
      () =>
        grad((u: NDArray) =>
          lax.reduceSum(
            lax.scatterMul(array([1, 2]), array([0], [1, 1], 'int32'), u, {
              updateWindowDims: [],
              insertedWindowDims: [0],
              scatterDimsToOperandDims: [0],
              operandBatchingDims: [],
              scatterIndicesBatchingDims: [],
            }),
          ),
        )(array([3])),
      NotSupportedError,
      /uniqueIndices/,
    ],
  ] as const)('%s', (_name, f, kind, message) => {
    expect(f).toThrow(kind);
    expect(f).toThrow(message);
  });
});

describe('devices', () => {
  it('a dtype the device does not have', () => {
    // A device without float64, as a GPU is.
    const limited = Object.assign(Object.create(cpu) as typeof cpu, {
      supports: (dtype: string) => dtype !== 'float64',
    });
    const before = getDefaultDevice();
    setDefaultDevice(limited);
    try {
      const f = jit((x: NDArray) => lax.convertElementType(x, 'float64'), { device: limited });
      const e = errorOf(() => f(1));
      expect(e).toBeInstanceOf(DTypeError);
      expect(e.message).toMatch(/device cpu has no float64/);
      expect(() => lax.convertElementType(1, 'float64')).toThrow(DTypeError);
    } finally {
      setDefaultDevice(before);
    }
  });
  it('arrays of two devices in one operation', () => {
    const other: Device = {
      kind: 'other',
      description: 'another one',
      supports: () => true,
      fromHost: (dtype, data) => ({
        device: other,
        dtype,
        length: data.length,
        gone: undefined,
        release: () => undefined,
      }),
      toHost: () => Float32Array.of(1),
      toHostAsync: () => Promise.resolve(Float32Array.of(1)),
      ready: () => Promise.resolve(),
    };
    const there = new ConcreteArray(array([1]).aval, other.fromHost('float32', Float32Array.of(1)));
    expect(() => lax.add(array([1]), there)).toThrow(/add: operands live on different devices, cpu and other/);
  });
  it('a disposed array', () => {
    const x = array(new Array<number>(100).fill(1));
    x.dispose();
    expect(() => lax.add(x, 1)).toThrow(DeletedArrayError);
    expect(() => lax.add(x, 1)).toThrow(/f32\[100\] can no longer be used: it was disposed/);
  });
});

describe('immutability', () => {
  it('buffers handed in are copies', () => {
    const data = Float32Array.of(1, 2, 3);
    const x = np.array(data);
    data[0] = 100;
    expect(flat(x)).toEqual([1, 2, 3]);
  });
  it('buffers handed out are copies', async () => {
    for (const n of [3, 1000]) {
      const x = array(new Array<number>(n).fill(5));
      x.dataSync()[0] = 100;
      (await x.data())[1] = 100;
      expect(flat(x).every((v) => v === 5)).toBe(true);
      x.shape[0] = 77;
      expect(x.shape).toEqual([n]);
    }
  });
  it('no method changes its array', () => {
    const x = array([3, 1, 2]);
    x.sort();
    x.at(0).set(9);
    x.at([0, 2]).add(1);
    x.reshape(3, 1).at(0).mul(0);
    expect(flat(x)).toEqual([3, 1, 2]);
  });
});
