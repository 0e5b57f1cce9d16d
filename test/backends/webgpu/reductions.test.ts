/** Reductions give on WebGPU what the oracle gives where it is easily lost: the signs of zeros, NaN, infinities. */
import { test } from 'vitest';
import { accRef, binary, constant, int, load } from '../../../src/core/scalar.js';
import { laterPart, type Accumulator, type LoopKernel } from '../../../src/compiler/loop-ir.js';
import { check, position, SIZES, small } from './check-kernel.js';

test('a sum of -0 from -0 is -0, in whatever parts', async () => {
  for (const [points, total] of SIZES) {
    const loops = [{ id: 0, extent: points }];
    const inner = [{ id: 10, extent: total }];
    const length = points * total;
    const value = load('float32', 0, position([...loops, ...inner]));
    const kernel: LoopKernel = {
      kind: 'loop',
      name: 'zeros',
      buffers: [
        { dtype: 'float32', length, access: 'read' },
        { dtype: 'float32', length: points, access: 'write' },
      ],
      loops,
      stages: [
        {
          loops: inner,
          accumulators: [{ id: 0, dtype: 'float32', init: constant('float32', -0), update: { combine: 'add', value } }],
          stores: [],
          ordered: false,
        },
        {
          loops: [],
          accumulators: [],
          stores: [{ buffer: 1, index: position(loops), value: accRef('float32', 0) }],
          ordered: false,
        },
      ],
    };
    await check(kernel, [new Float32Array(length).fill(-0)]);
  }
});

test('the least and the largest of values among which are NaN, infinities and zeros of both signs', async () => {
  // Not subnormal numbers, which a driver may take for zeros.
  const cases = [-0, 0, 5, Infinity, -Infinity].flatMap((others) =>
    [NaN, Infinity, -Infinity, 0, -0, 3.4e38, -3.4e38].map((value) => [value, others] as const),
  );
  for (const [points, total] of SIZES) {
    const loops = [{ id: 0, extent: points }];
    const inner = [{ id: 10, extent: total }];
    const length = points * total;
    const x = load('float32', 0, position([...loops, ...inner]));
    const accumulators = (['min', 'max'] as const).map((combine, id): Accumulator => ({
      id,
      dtype: 'float32',
      init: constant('float32', combine === 'min' ? Infinity : -Infinity),
      update: { combine, value: x },
    }));
    const output = { dtype: 'float32', length: points, access: 'write' } as const;
    const kernel: LoopKernel = {
      kind: 'loop',
      name: 'extremes',
      buffers: [{ dtype: 'float32', length, access: 'read' }, output, output],
      loops,
      stages: [
        { loops: inner, accumulators, stores: [], ordered: false },
        {
          loops: [],
          accumulators: [],
          stores: [0, 1].map((id) => ({ buffer: id + 1, index: position(loops), value: accRef('float32', id) })),
          ordered: false,
        },
      ],
    };
    // Another one of the cases in each row.
    for (let first = 0; first < cases.length; first += points) {
      const data = new Float32Array(length);
      for (let row = 0; row < points; row++) {
        const [value = 0, others = 0] = cases[(first + row) % cases.length] ?? [];
        data.fill(others, row * total, (row + 1) * total);
        const at = row * total + ((row * 7 + 3) % total);
        data[at] = value;
        // A NaN with a sign is one that is less than all where bits are compared.
        if (Number.isNaN(value) && row % 2 === 0) new Uint32Array(data.buffer)[at] = 0xffc00000;
      }
      await check(kernel, [data]);
    }
  }
});

test('running sums and maxima together, which a later stage sees whole', async () => {
  for (const [points, total] of SIZES) {
    const loops = [{ id: 0, extent: points }];
    const inner = [{ id: 10, extent: total }];
    const at = position([...loops, ...inner]);
    const length = points * total;
    const x = load('int32', 0, at);
    const accumulators = (['add', 'max'] as const).map((op, id): Accumulator => {
      const [own, later] = [accRef('int32', id), accRef('int32', laterPart(id))];
      const init = int(op === 'add' ? 0 : -0x80000000);
      return { id, dtype: 'int32', init, update: { next: binary(op, own, x), merge: binary(op, own, later) } };
    });
    const output = (n: number) => ({ dtype: 'int32', length: n, access: 'write' }) as const;
    const kernel: LoopKernel = {
      kind: 'loop',
      name: 'running',
      buffers: [
        { dtype: 'int32', length, access: 'read' },
        output(length),
        output(length),
        output(points),
        output(points),
      ],
      loops,
      stages: [
        {
          loops: inner,
          accumulators,
          stores: [0, 1].map((id) => ({ buffer: id + 1, index: at, value: accRef('int32', id) })),
          ordered: false,
        },
        {
          loops: [],
          accumulators: [],
          stores: [0, 1].map((id) => ({ buffer: id + 3, index: position(loops), value: accRef('int32', id) })),
          ordered: false,
        },
      ],
    };
    await check(kernel, [small('int32', length, 3)]);
  }
});
