/** What does not fit: errors that say how much was wanted and what to do, after which the next call works. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HeapExhaustedError, jit, numpy as np, type NDArray } from 'cotangent';
import { memoryStats } from '../../../src/backends/wasm/device.js';
import { addProgram, testDevice } from './programs.js';

const worksAgain = (): void => {
  expect(np.sum(np.arange(1000).add(1)).item()).toBe(500_500);
};

describe('past 4 GiB', () => {
  test('an eager result', () => {
    const before = memoryStats().heapInUse;
    const run = (): NDArray => np.zeros([40_000, 40_000]);
    expect(run).toThrow(HeapExhaustedError);
    expect(run).toThrow(
      /out of memory on cpu: an array of 6\.0 GiB is more than the 4\.0 GiB that the WebAssembly memory can ever hold.*smaller batches/,
    );
    expect(memoryStats().heapInUse).toBeLessThan(before + 2 ** 20);
    worksAgain();
  });

  test('the arena of a jitted function', () => {
    const f = jit((x: NDArray) => np.sum(np.sort(np.multiply(x.reshape([-1, 1]), x.reshape([1, -1])))));
    const big = np.ones([40_000]);
    for (let i = 0; i < 2; i++) {
      expect(() => f(big)).toThrow(
        /out of memory on cpu: the intermediate values of a program of \d+\.\d GiB is more than the 4\.0 GiB/,
      );
      worksAgain();
    }
    expect(f(np.ones([10])).item()).toBe(100);
    expect(big.slice(39_999).item()).toBe(1);
  });

  test('more than addresses can count', () => {
    expect(() => np.zeros([1e6, 1e6, 1e3])).toThrow(/GiB|TiB/);
    worksAgain();
  });
});

describe('a host without room', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  test('for an array, or for moving one out of the heap: a typed error, and nothing is lost', () => {
    const device = testDevice({ softLimit: 1 << 20 });
    const add = device.compile(addProgram());
    const data = new Float32Array(200_000).fill(1);
    const x = device.fromHost('float32', data);
    let [sum] = add.run([x, x], undefined, data.length);
    const real = Int32Array;
    class Refusing extends real {
      constructor(...args: [never]) {
        super(...args);
        if (this.length > 1000 && !((args[0] as unknown) instanceof ArrayBuffer))
          throw new RangeError('Array buffer allocation failed');
      }
    }
    vi.stubGlobal('Int32Array', Refusing);
    const refused =
      /out of memory on the host: the JavaScript engine has no room for a buffer of 781\.3 KiB \(Array buffer/;
    expect(() => device.fromHost('float32', data)).toThrow(HeapExhaustedError);
    expect(() => device.fromHost('float32', data)).toThrow(refused);
    expect(() => {
      for (let i = 0; i < 4 && sum !== undefined; i++) [sum] = add.run([x, sum], undefined, data.length);
    }).toThrow(refused);
    vi.unstubAllGlobals();
    if (sum === undefined) throw new Error('no result');
    const [next] = add.run([x, sum], undefined, data.length);
    if (next === undefined) throw new Error('no result');
    expect(device.toHost(next)[0]).toBe(1 + Number(device.toHost(sum)[0]));
    expect(device.toHost(next).every((v, i, all) => v === all[0])).toBe(true);
  });
});
