/** Threads that fail, trap, come late or are changed; the barrier under stress. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { getThreads, jit, numpy as np, setThreads, type NDArray } from 'cotangent';
import type { Program } from '../../../src/compiler/loop-ir.js';
import { ModuleBuilder, type FunctionBuilder, type FunctionRef } from '../../../src/backends/wasm/assembler.js';
import { CpuDevice, type CpuDeviceOptions } from '../../../src/backends/wasm/device.js';
import { emitProgram, type EmitOptions, type EmittedProgram } from '../../../src/backends/wasm/emit-program.js';
import { barrierFunction } from '../../../src/backends/wasm/threads/barrier.js';
import type { Spawn } from '../../../src/backends/wasm/threads/spawn.js';
import { onDevice, ThreadedDevice } from './helpers.js';

const devices: CpuDevice[] = [];
const made = <D extends CpuDevice>(device: D): D => {
  devices.push(device);
  return device;
};
afterEach(() => {
  for (const device of devices.splice(0)) device.pool.close();
  setThreads();
});

const increments = (device: CpuDevice, calls: number): number =>
  onDevice(device, () => {
    const step = jit((x: NDArray) => x.add(1));
    let x: NDArray = np.zeros([5000]);
    for (let i = 0; i < calls; i++) x = step(x);
    const data = x.dataSync();
    expect(data.every((v) => v === calls)).toBe(true);
    return calls;
  });

describe('setThreads', () => {
  test.each([0, -1, 1.5, NaN, 65, Infinity])('%s is an error that says what is right', (n) => {
    expect(() => {
      setThreads(n);
    }).toThrow(/setThreads: .* from 1 to 64, but got/);
  });

  test('getThreads tells what was set', () => {
    setThreads(3);
    expect(getThreads()).toBe(3);
    setThreads();
    expect(getThreads()).toBeGreaterThanOrEqual(1);
    expect(getThreads()).toBeLessThanOrEqual(8);
  });

  test('between calls of one loop', async () => {
    const device = made(new ThreadedDevice());
    expect(await device.pool.ready(4)).toBe(true);
    onDevice(device, () => {
      const step = jit((x: NDArray) => x.add(1));
      let x: NDArray = np.zeros([999]);
      for (let i = 0; i < 300; i++) {
        ThreadedDevice.count = 1 + (i % 5);
        x = step(x);
      }
      expect(x.dataSync().every((v) => v === 300)).toBe(true);
    });
  });
});

describe('workers that do not come', () => {
  const spawns: Record<string, Spawn> = {
    'cannot start': (_, onEnd) => {
      onEnd('no more threads');
    },
    'never answer': () => undefined,
  };

  test.each(Object.entries(spawns))('%s: one thread', (name, spawn) => {
    ThreadedDevice.count = 4;
    const device = made(new ThreadedDevice({ spawn }));
    increments(device, 3);
    expect(device.pool.failure).toBe(name === 'cannot start' ? 'thread 1: no more threads' : undefined);
    expect(device.threads).toBe(name === 'cannot start' ? 1 : 4);
    increments(device, 3);
  });

  test('an exception on the way is one thread, too', () => {
    ThreadedDevice.count = 2;
    const device = made(
      new ThreadedDevice({
        spawn: (_, onEnd) => {
          setTimeout(() => {
            onEnd('late');
          }, 0);
        },
      }),
    );
    increments(device, 2);
  });

  test('while they start, programs run on one thread in a synchronous loop', () => {
    ThreadedDevice.count = 2;
    const device = made(new ThreadedDevice());
    // Long enough that the worker comes on the way: nothing here waits for the event loop.
    const until = performance.now() + 1500;
    while (performance.now() < until) increments(device, 20);
    expect(device.pool.failure).toBeUndefined();
  });
});

/** A device whose programs are all this module: `run(table, extent, thread, threads, control)`. */
const handMade = (
  body: (f: FunctionBuilder, barrier: FunctionRef) => void,
  options: CpuDeviceOptions = {},
): CpuDevice => {
  const emit = (program: Program, { sharedMemoryPages, ...rest }: EmitOptions): EmittedProgram => {
    if (program.name !== 'by_hand') {
      return emitProgram(program, {
        ...rest,
        split: 'always',
        ...(sharedMemoryPages === undefined ? {} : { sharedMemoryPages }),
      });
    }
    const module = new ModuleBuilder({
      module: 'env',
      name: 'memory',
      shared: true,
      ...(sharedMemoryPages === undefined ? {} : { maximumPages: sharedMemoryPages }),
    });
    const barrier = barrierFunction(module);
    const f = module.function('run', ['i32', 'i32', 'i32', 'i32', 'i32']);
    body(f, barrier);
    module.export('run', f);
    return {
      bytes: module.finish(),
      scratchBytes: 4096,
      privateBytes: 64,
      shared: { fixed: 1e9, perIteration: 0 },
      text: () => '',
    };
  };
  return made(new CpuDevice({ emit, threads: () => ThreadedDevice.count, ...options }));
};
const [TABLE, THREAD, THREADS, CONTROL] = [0, 2, 3, 4] as const;
const by_hand = (x: NDArray): NDArray => x.add(1);

describe('a thread that traps', () => {
  test.each([0, 1, 2])('thread %i of 3: the call fails, the next ones work', async (bad) => {
    let trap = true;
    const device = handMade((f, barrier) => {
      if (trap) {
        f.get(THREAD).i32(bad).op('i32.eq').if();
        f.op('unreachable').end();
      }
      f.get(THREAD).get(THREADS).get(CONTROL).call(barrier);
    });
    expect(await device.pool.ready(3)).toBe(true);
    ThreadedDevice.count = 3;
    onDevice(device, () => {
      const x = np.zeros([100]);
      const trapping = jit(by_hand);
      for (let i = 0; i < 3; i++) expect(() => trapping(x)).toThrow(/program by_hand trapped: .*unreachable/);
      increments(device, 20);
      trap = false;
      jit((y: NDArray) => by_hand(y), { name: 'by_hand' })(x);
      for (let i = 0; i < 3; i++) expect(() => trapping(x)).toThrow(/program by_hand trapped: .*unreachable/);
      increments(device, 20);
    });
    expect(device.pool.failure).toBeUndefined();
  });
});

describe('the barrier', () => {
  test.each([2, 3, 4])('%i threads see what each other wrote, 5,000 times', async (threads) => {
    const rounds = 5000;
    const device = handMade((f, barrier) => {
      const scratch = f.local('i32');
      const round = f.local('i32');
      const other = f.local('i32');
      const meet = (): void => {
        f.get(THREAD).get(THREADS).get(CONTROL).call(barrier);
      };
      // One input, one output, arena, scratch; then a cache line each.
      f.get(TABLE).memory('i32.load', 12).set(scratch);
      f.i32(1).set(round);
      const next = f.loop();
      f.get(scratch).get(THREAD).i32(64).op('i32.mul').op('i32.add').get(round).memory('i32.store');
      meet();
      f.i32(0).set(other);
      const look = f.loop();
      f.get(scratch).get(other).i32(64).op('i32.mul').op('i32.add').memory('i32.load').get(round).op('i32.ne').if();
      f.op('unreachable').end();
      f.get(other).i32(1).op('i32.add').tee(other).get(THREADS).op('i32.lt_u').brIf(look);
      f.end();
      meet();
      f.get(round).i32(1).op('i32.add').tee(round).i32(rounds).op('i32.le_u').brIf(next);
      f.end();
    });
    expect(await device.pool.ready(threads)).toBe(true);
    ThreadedDevice.count = threads;
    onDevice(device, () => {
      const f = jit(by_hand);
      const x = np.zeros([100]);
      f(x);
      f(x);
    });
    expect(device.pool.failure).toBeUndefined();
  });
});

test('programs beyond the number that workers keep', async () => {
  const device = made(new ThreadedDevice());
  expect(await device.pool.ready(2)).toBe(true);
  ThreadedDevice.count = 2;
  onDevice(device, () => {
    const x = np.ones([50]);
    const programs = Array.from({ length: 300 }, (_, i) => jit((y: NDArray) => y.mul(i)));
    for (let round = 0; round < 2; round++) {
      programs.forEach((f, i) => {
        expect(
          f(x)
            .dataSync()
            .every((v) => v === i),
        ).toBe(true);
      });
    }
  });
  expect(device.pool.failure).toBeUndefined();
});

test('a memory that is not shared: one thread', async () => {
  const { Heap } = await import('../../../src/backends/wasm/heap.js');
  const device = made(new ThreadedDevice({ heap: new Heap() }));
  ThreadedDevice.count = 4;
  expect(device.threads).toBe(1);
  increments(device, 3);
});

test('the memory grows while workers run', async () => {
  const device = made(new ThreadedDevice());
  expect(await device.pool.ready(3)).toBe(true);
  ThreadedDevice.count = 3;
  onDevice(device, () => {
    for (const length of [1000, 100_000, 1_000_000, 4_000_000]) {
      const x = jit((y: NDArray) => y.add(1))(np.zeros([length]));
      expect(x.dataSync().every((v) => v === 1)).toBe(true);
    }
  });
});

test('workers do not keep a process alive', () => {
  const script = fileURLToPath(new URL('./exit-script.ts', import.meta.url));
  const result = spawnSync(process.execPath, ['--import', 'tsx', script], { encoding: 'utf8', timeout: 50_000 });
  // Node may warn of its environment, which is nothing of ours.
  expect(result.stdout, result.stderr).toBe('2 threads: true\n');
  expect(result.status, result.stderr).toBe(0);
});
