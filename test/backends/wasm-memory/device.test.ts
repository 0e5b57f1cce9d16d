/** The device: copies in and out, calls, donation, errors that leave it usable. */
import { describe, expect, test, vi } from 'vitest';
import type { Storage } from '../../../src/core/device.js';
import { DTYPES, hostArray, type DType, type TypedArray } from '../../../src/core/dtype.js';
import { binary, int, load, loopVar } from '../../../src/core/scalar.js';
import type { Program } from '../../../src/compiler/loop-ir.js';
import { cpu, memoryStats } from '../../../src/backends/wasm/device.js';
import { Heap } from '../../../src/backends/wasm/heap.js';
import type { CpuStorage } from '../../../src/backends/wasm/storage.js';
import { addProgram, incrementProgram, programOf, testDevice, type ProgramSpec } from './programs.js';

const MB = 2 ** 20;
const FLOATS = MB / 4;
const filled = (length: number, value: number): Float32Array => new Float32Array(length).fill(value);
const only = (results: readonly Storage[]): Storage => {
  const [first] = results;
  if (first === undefined || results.length !== 1) throw new Error(`expected one result, got ${results.length}`);
  return first;
};
/** All elements are the same: that value. */
const uniform = (data: TypedArray): number => {
  const first = data[0] ?? NaN;
  if (!data.every((x) => x === first)) throw new Error('elements differ');
  return first;
};

describe('copies', () => {
  test.each(DTYPES)('%s: in and out, tiny and large, on the host and in the heap', async (dtype: DType) => {
    const device = testDevice();
    expect(device.supports(dtype)).toBe(true);
    for (const length of [0, 1, 3, 8, 16, 17, 33, 1000, 20_001]) {
      const data = hostArray(dtype, length).map((_, i) => (dtype === 'bool' ? i & 1 : (i * 7919) % 1013));
      const original = data.slice();
      const storage = device.fromHost(dtype, data);
      data.fill(1);
      expect(storage).toMatchObject({ dtype, length, gone: undefined });
      const out = device.toHost(storage);
      expect(out).toEqual(original);
      expect(out.constructor).toBe(original.constructor);
      out.fill(1);
      expect(await device.toHostAsync(storage)).toEqual(original);
      if (storage.cell.bytes > 64) {
        device.store.pin(storage);
        const fromHeap = device.toHost(storage);
        expect(fromHeap).toEqual(original);
        expect(fromHeap.buffer).not.toBe(device.store.heap.memory.buffer);
        fromHeap.fill(1);
        expect(device.toHost(storage)).toEqual(original);
        device.store.unpin(storage.cell);
      }
    }
  });

  test('NaN payloads, infinities, -0 and extreme integers survive bit for bit', () => {
    const device = testDevice();
    const floats = new Float32Array(Uint32Array.of(0x7fc12345, 0xff800000, 0x80000000, 1).buffer);
    const back = device.toHost(device.fromHost('float32', floats));
    expect([...new Uint32Array(back.buffer)]).toEqual([0x7fc12345, 0xff800000, 0x80000000, 1]);
    const ints = Int32Array.of(-(2 ** 31), -1, 2 ** 31 - 1);
    expect(device.toHost(device.fromHost('int32', ints))).toEqual(ints);
    const uints = Uint32Array.of(2 ** 32 - 1, 2 ** 31);
    expect(device.toHost(device.fromHost('uint32', uints))).toEqual(uints);
  });

  test('any nonzero byte of a bool array is true', () => {
    const device = testDevice();
    expect(device.toHost(device.fromHost('bool', Uint8Array.of(0, 1, 2, 255)))).toEqual(Uint8Array.of(0, 1, 1, 1));
    const long = new Uint8Array(100).fill(7);
    expect(device.toHost(device.fromHost('bool', long))).toEqual(new Uint8Array(100).fill(1));
  });

  test('data of another type than the dtype is an error that names both', () => {
    const device = testDevice();
    expect(() => device.fromHost('float32', Float64Array.of(1))).toThrow(/float32.*Float32Array.*Float64Array/);
    expect(() => device.fromHost('bool', Float32Array.of(1))).toThrow(/bool.*Uint8Array.*Float32Array/);
    expect(() => device.fromHost('int32', Uint8Array.of(1))).toThrow(/int32.*Int32Array.*Uint8Array/);
  });

  test('an array of another device is an error', async () => {
    const [here, there] = [testDevice(), testDevice()];
    const storage = there.fromHost('float32', Float32Array.of(1));
    expect(() => here.toHost(storage)).toThrow(/not on this cpu device/);
    await expect(here.toHostAsync(storage)).rejects.toThrow(/not on this cpu device/);
    expect(() => here.compile(addProgram()).run([storage, storage], undefined, 1)).toThrow(/input 0 of program test/);
  });
});

describe('waiting', () => {
  test('waiting for an array copies nothing out; a foreign or released one is an error', async () => {
    const device = testDevice();
    const read = vi.spyOn(device.store, 'read');
    const storage = device.fromHost('float32', new Float32Array(1000));
    await device.ready(storage);
    expect(read).not.toHaveBeenCalled();
    await expect(testDevice().ready(storage)).rejects.toThrow(/waiting: .*not on this cpu device/);
    storage.release('it was disposed');
    await expect(device.ready(storage)).rejects.toThrow(/waiting: .*it was disposed/);
  });
});

describe('calls', () => {
  test('one module serves every extent, tiny and large operands mixed with spilled ones', () => {
    const device = testDevice({ softLimit: 2 * MB });
    const add = device.compile(addProgram());
    for (const extent of [0, 1, 8, 16, 17, 1000, FLOATS, 3 * FLOATS]) {
      const x = device.fromHost('float32', filled(extent, 1));
      const y = device.fromHost('float32', filled(extent, 2));
      const z = only(add.run([x, y], undefined, extent));
      for (let i = 0; i < 3; i++) only(add.run([x, y], undefined, extent));
      const total = only(add.run([z, only(add.run([z, x], undefined, extent))], undefined, extent));
      expect(total.length).toBe(extent);
      expect(uniform(device.toHost(total))).toBe(extent === 0 ? NaN : 7);
      expect(uniform(device.toHost(x))).toBe(extent === 0 ? NaN : 1);
    }
  });

  test('the same array as two inputs', () => {
    const device = testDevice();
    const add = device.compile(addProgram());
    for (const extent of [4, 400]) {
      const x = device.fromHost('float32', filled(extent, 3));
      expect(device.toHost(only(add.run([x, x], undefined, extent)))).toEqual(filled(extent, 6));
      expect(x.cell.pins).toBe(0);
    }
  });

  test('arena, scratch, constants and outputs do not overlap', () => {
    const device = testDevice();
    const n = 1000;
    const bytes = 4 * n;
    // Table: 0 1 inputs, 2 3 outputs, 4 5 6 constants, 7 arena, 8 scratch.
    const spec: ProgramSpec = {
      inputs: [n, n],
      outputs: [n, n],
      constants: [filled(n, 10), filled(3, 100), filled(n, 1000)],
      arenaBytes: bytes,
      scratchBytes: bytes,
      count: n,
      passes: [
        { dst: 7, srcs: [0, 4] },
        { dst: 8, srcs: [1, 6], scalar: 5 },
        { dst: 2, srcs: [7, 8] },
        { dst: 3, srcs: [7, 0, 1, 4, 6] },
      ],
    };
    const executable = device.compile(programOf(spec));
    for (let round = 0; round < 3; round++) {
      const x = device.fromHost('float32', filled(n, 1));
      const y = device.fromHost('float32', filled(n, 2));
      const results = executable.run([x, y]);
      expect(results.map((r) => uniform(device.toHost(r)))).toEqual([1 + 10 + 2 + 1000 + 100, 11 + 1 + 2 + 10 + 1000]);
      // Constants may be spilled between calls.
      device.store.setSoftLimit(round === 0 ? 0 : 100 * MB);
    }
  });

  test('no inputs, and tiny constants', () => {
    const device = testDevice();
    const spec: ProgramSpec = {
      inputs: [],
      outputs: [4],
      constants: [Float32Array.of(1, 2, 3, 4)],
      passes: [{ dst: 0, srcs: [1] }],
      count: 4,
    };
    expect(device.toHost(only(device.compile(programOf(spec)).run([])))).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  test('the arena is one region: it grows to the largest program, and a huge one shrinks when idle', () => {
    const device = testDevice();
    const viaArena = (arenaBytes: number) =>
      device.compile(
        programOf({
          inputs: [8],
          outputs: [8],
          arenaBytes,
          count: 8,
          passes: [
            { dst: 2, srcs: [0] },
            { dst: 1, srcs: [2] },
          ],
        }),
      );
    const x = device.fromHost('float32', filled(8, 5));
    const [small, huge] = [viaArena(10_000), viaArena(100 * MB)];
    small.run([x]);
    const { arenaBytes } = device.stats();
    small.run([x]);
    expect(device.stats().arenaBytes).toBe(arenaBytes);
    huge.run([x]);
    expect(device.stats().arenaBytes).toBeGreaterThanOrEqual(100 * MB);
    for (let i = 0; i < 400; i++) expect(uniform(device.toHost(only(small.run([x]))))).toBe(5);
    expect(device.stats().arenaBytes).toBeLessThan(MB);
    expect(uniform(device.toHost(only(huge.run([x]))))).toBe(5);
  });

  test('asText shows the kernels', () => {
    expect(testDevice().compile(addProgram()).asText()).toBe('(module)');
  });
});

describe('donation', () => {
  const large = FLOATS;

  test('a donated input is written over, and gone', () => {
    const device = testDevice();
    const increment = device.compile(incrementProgram([0]));
    const x = device.fromHost('float32', filled(large, 1));
    const y = only(increment.run([x], [true], large));
    expect(x.gone).toMatch(/donated to a jitted call/);
    expect(uniform(device.toHost(y))).toBe(2);
    expect(device.stats().cells).toBe(1);
    expect(() => device.toHost(x)).toThrow(/can no longer be used: it was donated to a jitted call/);
    // The whole chain runs in one block.
    const { heapInUse } = device.stats();
    let z = y;
    for (let i = 0; i < 10; i++) z = only(increment.run([z], [true], large));
    expect(uniform(device.toHost(z))).toBe(12);
    expect(device.stats()).toMatchObject({ heapInUse, spills: 0, cells: 1 });
  });

  test('without permission nothing is reused', () => {
    const device = testDevice();
    const increment = device.compile(incrementProgram([0]));
    const x = device.fromHost('float32', filled(large, 1));
    expect(uniform(device.toHost(only(increment.run([x], [false], large))))).toBe(2);
    expect(uniform(device.toHost(only(increment.run([x], undefined, large))))).toBe(2);
    expect(uniform(device.toHost(x))).toBe(1);
  });

  test.each([4, large])('what cannot be reused is gone all the same (%i elements)', (extent) => {
    const device = testDevice();
    const increment = device.compile(incrementProgram([-1]));
    const x = device.fromHost('float32', filled(extent, 1));
    expect(uniform(device.toHost(only(increment.run([x], [true], extent))))).toBe(2);
    expect(x.gone).toMatch(/donated/);
    expect(device.stats().cells).toBe(extent === 4 ? 0 : 1);
  });

  test('an array that is also another input of the call is not written over during it', () => {
    const device = testDevice();
    // out = x + y, then out = out + y: wrong if out were x's block while y is x.
    const spec: ProgramSpec = {
      inputs: [large, large],
      outputs: [large],
      donations: [0],
      count: large,
      passes: [
        { dst: 2, srcs: [0, 1] },
        { dst: 2, srcs: [2, 1] },
      ],
    };
    const executable = device.compile(programOf(spec));
    const x = device.fromHost('float32', filled(large, 1));
    expect(uniform(device.toHost(only(executable.run([x, x], [true, false]))))).toBe(3);
    expect(x.gone).toMatch(/donated/);
    const y = device.fromHost('float32', filled(large, 1));
    expect(uniform(device.toHost(only(executable.run([y, y], [true, true]))))).toBe(3);
    expect(y.gone).toMatch(/donated/);
    const [a, b] = [device.fromHost('float32', filled(large, 1)), device.fromHost('float32', filled(large, 2))];
    expect(uniform(device.toHost(only(executable.run([a, b], [true, false]))))).toBe(5);
    expect([a.gone === undefined, b.gone]).toEqual([false, undefined]);
    expect(uniform(device.toHost(b))).toBe(2);
  });

  test('a donated array that was spilled', () => {
    const device = testDevice({ softLimit: 0 });
    const increment = device.compile(incrementProgram([0]));
    let x: Storage = device.fromHost('float32', filled(large, 1));
    for (let i = 0; i < 3; i++) {
      x = only(increment.run([x], [true], large));
      increment.run([device.fromHost('float32', filled(large, 0))], undefined, large);
    }
    expect(uniform(device.toHost(x))).toBe(4);
  });
});

describe('errors leave the device usable', () => {
  const works = (device: ReturnType<typeof testDevice>): void => {
    const x = device.fromHost('float32', filled(1000, 1));
    expect(uniform(device.toHost(only(device.compile(incrementProgram()).run([x], undefined, 1000))))).toBe(2);
  };

  test('an input that is gone: nothing has run', () => {
    const device = testDevice();
    const add = device.compile(addProgram());
    const x = device.fromHost('float32', filled(1000, 1));
    const y = device.fromHost('float32', filled(1000, 1));
    y.release('it was donated to a jitted call');
    expect(() => add.run([x, y], [true, false], 1000)).toThrow(
      /input 1.*can no longer be used: it was donated to a jitted call/,
    );
    expect(x.gone).toBeUndefined();
    expect(x.cell.pins).toBe(0);
    expect(device.stats().cells).toBe(0);
    works(device);
  });

  test('wrong number, length or dtype of inputs, wrong extent', () => {
    const device = testDevice();
    const add = device.compile(addProgram());
    const fixed = device.compile(programOf({ inputs: [4], outputs: [4], count: 4, passes: [{ dst: 1, srcs: [0] }] }));
    const x = device.fromHost('float32', filled(5, 1));
    expect(() => add.run([x], undefined, 5)).toThrow(/takes 2 arrays, but got 1/);
    expect(() => add.run([x, x], undefined, -1)).toThrow(/extent.*got -1/);
    expect(() => fixed.run([x])).toThrow(/must be 4 elements of float32, but it is 5 elements of float32/);
    expect(() => fixed.run([device.fromHost('int32', Int32Array.of(1, 2, 3, 4))])).toThrow(/of int32/);
    works(device);
  });

  test('a trap: nothing stays pinned, and only what was being written over is lost', () => {
    const device = testDevice();
    const spec: ProgramSpec = {
      inputs: [1000, 1000],
      outputs: [1000, 1000],
      donations: [0, -1],
      count: 1000,
      passes: [
        { dst: 2, srcs: [0, 1] },
        { dst: 3, srcs: [1] },
      ],
      trap: true,
    };
    const trap = device.compile(programOf(spec));
    const inputs = [1, 2].map((value): CpuStorage => device.fromHost('float32', filled(1000, value)));
    expect(() => trap.run(inputs, [true, false])).toThrow(/program test trapped: unreachable/);
    expect(inputs.map(({ gone }) => gone)).toEqual(['it was donated to a jitted call, which failed', undefined]);
    expect(inputs.map(({ cell }) => cell.pins)).toEqual([0, 0]);
    expect(device.toHost(inputs[1] ?? inputs[0] ?? only([]))).toEqual(filled(1000, 2));
    expect(device.stats().cells).toBe(1);
    works(device);
  });

  test('a heap that cannot hold inputs or outputs: inputs survive, even donated ones', () => {
    const device = testDevice({ heap: new Heap({ initialPages: 1, maximumPages: 80 }) }); // 5 MiB
    const spec: ProgramSpec = {
      inputs: [FLOATS, FLOATS],
      outputs: [FLOATS, 3 * FLOATS],
      donations: [0, -1],
      count: 1,
      passes: [{ dst: 2, srcs: [0, 1] }],
    };
    const executable = device.compile(programOf(spec));
    const inputs = [1, 2].map((value): CpuStorage => device.fromHost('float32', filled(FLOATS, value)));
    for (let tries = 0; tries < 2; tries++) {
      expect(() => executable.run(inputs, [true, false])).toThrow(/out of memory on cpu/);
      expect(inputs.map(({ cell }) => cell.pins)).toEqual([0, 0]);
      expect(inputs.map((input) => uniform(device.toHost(input)))).toEqual([1, 2]);
      expect(device.stats().cells).toBeLessThanOrEqual(2);
    }
    const three = [0, 1, 2, 3, 4].map((value) => device.fromHost('float32', filled(FLOATS, value)));
    const wide = device.compile(
      programOf({ inputs: three.map(() => FLOATS), outputs: [1], count: 1, passes: [{ dst: 5, srcs: [0] }] }),
    );
    expect(() => wide.run(three)).toThrow(/out of memory on cpu/);
    expect(three.map(({ cell }) => cell.pins)).toEqual([0, 0, 0, 0, 0]);
    works(device);
  });

  test('an idle arena is given up before a call fails', () => {
    const device = testDevice({ heap: new Heap({ initialPages: 1, maximumPages: 80 }) });
    const hungry = device.compile(
      programOf({ inputs: [8], outputs: [8], arenaBytes: 4 * MB, count: 8, passes: [{ dst: 1, srcs: [0] }] }),
    );
    hungry.run([device.fromHost('float32', filled(8, 1))]);
    const extent = 2 * FLOATS;
    const y = only(
      device.compile(incrementProgram()).run([device.fromHost('float32', filled(extent, 1))], undefined, extent),
    );
    expect(uniform(device.toHost(y))).toBe(2);
    expect(device.stats().arenaBytes).toBe(0);
  });

  test('a module that does not validate is an internal error at compile', () => {
    const device = testDevice();
    const bad = programOf({ inputs: [1], outputs: [1], count: 1, passes: [{ dst: 1, srcs: [] }] });
    expect(() => device.compile(bad)).toThrow(/module of program test does not validate/);
    works(device);
  });
});

test('the embedded device runs what the compiler prints', () => {
  const slot = (access: 'read' | 'write') => ({ dtype: 'float32', length: 1, access }) as const;
  const at = loopVar(0, 1);
  const increment: Program = {
    name: 'increment',
    buffers: [
      { dtype: 'float32', length: 1, place: { kind: 'input', index: 0 } },
      { dtype: 'float32', length: 1, place: { kind: 'output', index: 0 } },
      { dtype: 'float32', length: 1, place: { kind: 'constant', index: 0 } },
    ],
    kernels: [
      {
        kind: 'loop',
        name: 'increment',
        buffers: [slot('read'), slot('read'), slot('write')],
        loops: [{ id: 0, extent: 1 }],
        stages: [
          {
            loops: [],
            accumulators: [],
            ordered: false,
            stores: [
              { buffer: 2, index: at, value: binary('add', load('float32', 0, at), load('float32', 1, int(0))) },
            ],
          },
        ],
      },
    ],
    steps: [{ kind: 'kernel', kernel: 0, args: [0, 2, 1] }],
    constants: [{ dtype: 'float32', data: Float32Array.of(0.5) }],
    inputCount: 1,
    outputCount: 1,
    arenaBytes: 0,
    donations: [0],
    dynamicExtent: true,
  };
  expect(cpu.kind).toBe('cpu');
  const executable = cpu.compile(increment);
  for (const extent of [0, 1, 7, 16, 17, 1001, FLOATS + 3]) {
    const data = Float32Array.from({ length: extent }, (_, i) => i);
    let x: Storage = cpu.fromHost('float32', data);
    for (const donated of [undefined, [true]]) x = only(executable.run([x], donated, extent));
    expect(cpu.toHost(x)).toEqual(data.map((value) => value + 1));
  }
  expect(memoryStats().heapBytes).toBeGreaterThan(0);
});
