/** Garbage made in one synchronous loop, where no finalizer can run: memory stays bounded. */
import { describe, expect, test } from 'vitest';
import type { Storage } from '../../../src/core/device.js';
import { addProgram, incrementProgram, testDevice } from './programs.js';

const MB = 2 ** 20;
const FLOATS = MB / 4;

/** Resident memory over what it was at the start, in bytes; the test runner's own heap is not ours. */
function growth(): () => number {
  const start = process.memoryUsage.rss();
  let peak = start;
  return () => (peak = Math.max(peak, process.memoryUsage.rss())) - start;
}

const first = ([storage]: readonly Storage[]): Storage => {
  if (storage === undefined) throw new Error('no result');
  return storage;
};

describe('a synchronous loop', () => {
  test('of 10,000 results of 1 MiB stays below 500 MB, and below its soft limit in the heap', () => {
    const device = testDevice();
    const increment = device.compile(incrementProgram());
    const grown = growth();
    let x: Storage = device.fromHost('float32', new Float32Array(FLOATS));
    let peak = 0;
    for (let i = 0; i < 10_000; i++) {
      x = first(increment.run([x], undefined, FLOATS));
      if (i % 100 === 0) {
        peak = grown();
        expect(device.stats().cellBytes).toBeLessThanOrEqual(16 * MB);
      }
    }
    expect(device.toHost(x)[FLOATS - 1]).toBe(10_000);
    expect(peak).toBeLessThan(500e6);
    expect(device.stats().heapBytes).toBeLessThan(64 * MB);
  });

  test('of 300,000 small results does not collect bookkeeping', () => {
    const device = testDevice();
    const increment = device.compile(incrementProgram());
    const grown = growth();
    for (const extent of [8, 100]) {
      let x: Storage = device.fromHost('float32', new Float32Array(extent));
      let peak = 0;
      for (let i = 0; i < 300_000; i++) {
        x = first(increment.run([x], undefined, extent));
        if (i % 10_000 === 0) peak = grown();
      }
      expect(device.toHost(x)[0]).toBe(300_000);
      expect(peak).toBeLessThan(400e6);
      expect(device.stats().cells).toBeLessThan(10_000);
    }
  });

  test('of calls with many live arrays, more than the limit, keeps every value', () => {
    const device = testDevice({ softLimit: 8 * MB });
    const add = device.compile(addProgram());
    const one = device.fromHost('float32', new Float32Array(FLOATS).fill(1));
    const live: Storage[] = Array.from({ length: 24 }, (_, i) =>
      device.fromHost('float32', new Float32Array(FLOATS).fill(i)),
    );
    for (let i = 0; i < 480; i++) {
      const k = (i * 7) % live.length;
      live[k] = first(add.run([live[k] ?? one, one], undefined, FLOATS));
    }
    live.forEach((x, i) => {
      const data = device.toHost(x);
      expect([data[0], data[FLOATS - 1]]).toEqual([i + 20, i + 20]);
    });
    expect(device.stats().cellBytes).toBeLessThanOrEqual(8 * MB);
  });
});
