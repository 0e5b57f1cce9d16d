/** Contractions whose operands are computed and whose product goes through an epilogue, against the oracle. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostArray } from '../../../src/core/dtype.js';
import type { ComputeType, DType, TypedArray } from '../../../src/core/dtype.js';
import {
  accRef,
  binary,
  constant,
  convert,
  int,
  load,
  loopVar,
  mapOperands,
  select,
  unary,
} from '../../../src/core/scalar.js';
import type { Expr } from '../../../src/core/scalar.js';
import type {
  BufferSlot,
  ContractAxis,
  ContractKernel,
  ContractOperand,
  Program,
  StagesBeside,
  Store,
} from '../../../src/compiler/loop-ir.js';
import { besideApart } from '../../../src/compiler/beside-apart.js';
import { emitProgram } from '../../../src/backends/wasm/emit-program.js';
import { pick } from './generate.js';
import type { Draw } from './generate.js';
import { programOf, runProgram, VECTOR_MODES } from './harness.js';
import { interpretProgram } from './interpreter.js';

/** Small integers, so that floating sums are exact in any order. */
function fill(dtype: DType, length: number, seed: number): TypedArray {
  const data = hostArray(dtype, length);
  for (let i = 0; i < length; i++) {
    const n = (Math.imul(i + 1, 2654435761) ^ Math.imul(seed + 1, 40503)) >>> 8;
    data[i] = dtype === 'bool' ? +(n % 3 === 0) : dtype === 'uint32' ? n : (n % 13) - 6;
  }
  return data;
}

function check(kernel: ContractKernel, vectors: (typeof VECTOR_MODES)[number] = 'auto'): void {
  const program = programOf(kernel);
  const of = (access: (slot: BufferSlot) => boolean, seed: number): TypedArray[] =>
    kernel.buffers.filter(access).map((slot, i) => fill(slot.dtype, slot.length, seed + i));
  const inputs = of((slot) => slot.access === 'read', 1);
  const initial = of((slot) => slot.access !== 'read', 50);
  const expected = interpretProgram(program, inputs, initial);
  compare(runProgram(program, inputs, initial, undefined, { vectors }), expected, program, vectors);
  if (kernel.beside === undefined) return;
  const apart = besideApart(program);
  expect(apart.kernels.length).toBe(1 + kernel.beside.length);
  compare(interpretProgram(apart, inputs, initial), expected, apart, vectors);
}

function compare(
  actual: readonly TypedArray[],
  expected: readonly TypedArray[],
  program: Program,
  vectors: (typeof VECTOR_MODES)[number],
): void {
  expected.forEach((want, output) => {
    const got = actual[output];
    const where = want.findIndex((v, i) => !Object.is(v + 0, (got?.[i] ?? NaN) + 0));
    if (where >= 0) {
      throw new Error(
        `output ${output}, element ${where} is ${String(got?.[where])}, should be ${String(want[where])} (vectors ${vectors}):\n` +
          `${emitProgram(program, { vectors }).text()}\n${JSON.stringify(program.kernels)}`,
      );
    }
  });
}

let nextId = 0;
const axis = (extent: number, strides: Partial<ContractAxis> = {}): ContractAxis => ({
  id: nextId++,
  extent,
  lhsStride: 0,
  rhsStride: 0,
  outStride: 0,
  ...strides,
});
const v = ({ id, extent }: ContractAxis): Expr => loopVar(id, extent);
const add = (x: Expr, y: Expr): Expr => binary('add', x, y);
const mul = (x: Expr, y: Expr): Expr => binary('mul', x, y);

/** Row-major strides of axes laid out in this order. */
function layOut(axes: readonly ContractAxis[], key: 'lhsStride' | 'rhsStride' | 'outStride'): number {
  let size = 1;
  for (const a of [...axes].reverse()) {
    Object.assign(a, { [key]: size });
    size *= a.extent;
  }
  return size;
}
const at = (axes: readonly ContractAxis[], key: 'lhsStride' | 'rhsStride' | 'outStride', offset = 0): Expr =>
  axes.reduce<Expr>((sum, a) => add(sum, mul(v(a), int(a[key]))), int(offset));

interface Conv {
  batch: number;
  size: readonly [number, number];
  window: readonly [number, number];
  inputs: number;
  outputs: number;
  stride: number;
  pad: number;
}

/** Element of an image at a window's position, zero outside of it. */
function windowElement(
  dtype: ComputeType,
  { size: [h, w], stride, pad, inputs }: Conv,
  [b, y, x, dy, dx, c]: readonly [Expr, Expr, Expr, Expr, Expr, Expr],
  channelsLast: boolean,
): Expr {
  const bounded = (o: Expr, d: Expr, length: number): { index: Expr; inside: Expr } => {
    const e = add(mul(o, int(stride)), d);
    const shifted = binary('sub', e, int(pad));
    return {
      index: binary('max', binary('min', shifted, int(length - 1)), int(0)),
      inside: binary('and', binary('ge', e, int(pad)), binary('lt', e, int(length + pad))),
    };
  };
  const [row, column] = [bounded(y, dy, h), bounded(x, dx, w)];
  const index = channelsLast
    ? add(mul(add(mul(add(mul(b, int(h)), row.index), int(w)), column.index), int(inputs)), c)
    : add(mul(add(mul(add(mul(b, int(inputs)), c), int(h)), row.index), int(w)), column.index);
  return select(binary('and', row.inside, column.inside), load(dtype, 0, index), constant(dtype, 0));
}

const outLength = (n: number, k: number, { stride, pad }: Conv): number => Math.floor((n + 2 * pad - k) / stride) + 1;

/** A convolution as an implicit matrix product: forward, or the gradient of its weights. */
function convolution(
  dtype: ComputeType,
  conv: Conv,
  direction: 'forward' | 'weights' | 'swapped',
  channelsLast = true,
): ContractKernel {
  nextId = 0;
  const [b, y, x] = [
    axis(conv.batch),
    axis(outLength(conv.size[0], conv.window[0], conv)),
    axis(outLength(conv.size[1], conv.window[1], conv)),
  ];
  const [dy, dx, c, o] = [axis(conv.window[0]), axis(conv.window[1]), axis(conv.inputs), axis(conv.outputs)];
  const value = windowElement(dtype, conv, [v(b), v(y), v(x), v(dy), v(dx), v(c)], channelsLast);
  const pixels = [b, y, x];
  const taps = channelsLast ? [dy, dx, c] : [c, dy, dx];
  const images = { dtype, length: conv.batch * conv.size[0] * conv.size[1] * conv.inputs, access: 'read' } as const;
  const [m, k] = direction === 'forward' ? [pixels, taps] : [taps, pixels];
  const other = layOut([...k, o], 'rhsStride');
  const result = layOut([...m, o], 'outStride');
  const kernel: ContractKernel = {
    kind: 'contract',
    name: 'conv',
    dtype,
    buffers: [images, { dtype, length: other, access: 'read' }, { dtype, length: result, access: 'write' }],
    batch: [],
    m,
    n: [o],
    k,
    lhs: { value },
    rhs: { buffer: 1, offset: 0 },
    out: { buffer: 2, offset: 0 },
  };
  if (direction !== 'swapped') return kernel;
  const turn = (axes: readonly ContractAxis[]): ContractAxis[] =>
    axes.map((a) => ({ ...a, lhsStride: a.rhsStride, rhsStride: a.lhsStride }));
  return { ...kernel, m: turn([o]), n: turn(m), k: turn(k), lhs: kernel.rhs, rhs: kernel.lhs };
}

const SMALL: Conv = { batch: 3, size: [9, 7], window: [3, 3], inputs: 5, outputs: 6, stride: 1, pad: 1 };

test.each(['forward', 'weights', 'swapped'] as const)('convolutions as implicit matrix products: %s', (direction) => {
  for (const dtype of ['float32', 'float64', 'int32', 'uint32'] as const) {
    check(convolution(dtype, SMALL, direction));
    check(convolution(dtype, { ...SMALL, stride: 2, window: [2, 3] }, direction));
  }
  for (const vectors of VECTOR_MODES) check(convolution('float32', { ...SMALL, inputs: 8 }, direction), vectors);
  check(convolution('float32', SMALL, direction, false));
  check(convolution('float32', { ...SMALL, inputs: 1, pad: 0 }, direction));
  // Images wide enough that their edges are computed apart.
  for (const vectors of VECTOR_MODES)
    check(convolution('float32', { ...SMALL, batch: 1, size: [5, 29], inputs: 2, pad: 2 }, direction, false), vectors);
  check(convolution('float32', { ...SMALL, batch: 1, size: [5, 12], inputs: 2 }, direction, false));
  // k in several blocks, that end at axes.
  check(convolution('float32', { ...SMALL, batch: 1, inputs: 160, outputs: 3 }, direction));
  check(
    convolution('float32', { ...SMALL, batch: 1, size: [5, 5], window: [2, 2], inputs: 701, outputs: 9 }, direction),
  );
});

test('sums over many windows are summed in parts of their own', () => {
  const conv: Conv = { batch: 20, size: [20, 20], window: [3, 3], inputs: 3, outputs: 6, stride: 1, pad: 1 };
  const kernel = convolution('float32', conv, 'weights');
  expect(emitProgram(programOf(kernel)).text()).toContain('parts');
  check(kernel);
  check(convolution('float32', conv, 'swapped'));
});

/** Up to three axes of at most `most` elements each and 64 in all. */
function group(g: Draw, most: number): ContractAxis[] {
  const axes: ContractAxis[] = [];
  let size = 1;
  for (let count = g(fc.integer, { min: 0, max: 3 }); count > 0; count--) {
    const extent = g(fc.integer, { min: 1, max: Math.min(most, Math.floor(64 / size)) });
    axes.push(axis(extent));
    size *= extent;
  }
  return axes;
}

const shuffled = <T>(g: Draw, list: readonly T[]): T[] =>
  g(fc.shuffledSubarray<T>, [...list], { minLength: list.length, maxLength: list.length });

/** A random contraction: strided or computed operands, a result stored plainly, through an epilogue, or both. */
function drawContraction(g: Draw): ContractKernel {
  nextId = g(fc.integer, { min: 0, max: 3 });
  const dtype = pick(g, ['float32', 'float32', 'float64', 'int32', 'uint32', 'bool'] as const);
  const big = pick(g, [3, 6, 20, 50]);
  const batch = group(g, 2);
  const [m, n, k] = [group(g, big), group(g, big), group(g, 7)];
  const buffers: BufferSlot[] = [];
  const slot = (type: DType, length: number, access: BufferSlot['access']): number =>
    buffers.push({ dtype: type, length, access }) - 1;

  const operand = (axes: readonly ContractAxis[], key: 'lhsStride' | 'rhsStride'): ContractOperand => {
    const length = layOut(shuffled(g, axes), key);
    const offset = g(fc.integer, { min: 0, max: 3 });
    const buffer = slot(dtype, length + offset, 'read');
    if (g(fc.boolean)) return { buffer, offset };
    const index = at(axes, key, offset);
    for (const a of axes) Object.assign(a, { [key]: 0 });
    const plain = load(dtype, buffer, index);
    switch (g(fc.integer, { min: 0, max: 3 })) {
      case 0: {
        // Another array at the same place chooses.
        const mask = load('bool', slot('bool', length + offset, 'read'), index);
        return { value: select(mask, plain, constant(dtype, 0)) };
      }
      case 1: {
        // Shifted along one axis, zero where that hangs over.
        const along = axes.length === 0 ? undefined : pick(g, axes);
        if (along === undefined) return { value: plain };
        const shifted = add(v(along), int(pick(g, [-1, 1, 2])));
        const inside = binary('and', binary('ge', shifted, int(0)), binary('lt', shifted, int(along.extent)));
        const clamped = binary('max', binary('min', shifted, int(along.extent - 1)), int(0));
        return { value: select(inside, substituteIndex(plain, along, clamped), constant(dtype, 0)) };
      }
      case 2:
        return { value: binary(dtype === 'bool' ? 'and' : 'add', plain, plain) };
      default: {
        const position = axes.reduce<Expr>((sum, a) => add(sum, v(a)), int(0));
        const parity = binary('and', position, int(1));
        return { value: convert(dtype, parity) };
      }
    }
  };
  const lhs = operand([...batch, ...m, ...k], 'lhsStride');
  const rhs = operand([...batch, ...k, ...n], 'rhsStride');

  const space = [...batch, ...m, ...n];
  const length = layOut(shuffled(g, space), 'outStride');
  const index = at(space, 'outStride');
  const product = accRef(dtype, 0);
  const form = g(fc.integer, { min: 0, max: 3 });
  const stores: Store[] = [];
  if (form > 0) {
    const bias = slot(
      dtype,
      n.reduce((size, a) => size * a.extent, 1),
      'read',
    );
    let position: Expr = int(0);
    for (const a of n) position = add(mul(position, int(a.extent)), v(a));
    const biased = binary(dtype === 'bool' ? 'or' : 'add', product, load(dtype, bias, position));
    stores.push({ buffer: slot(dtype, length, 'write'), index, value: biased });
    if (form > 1) {
      const kept = slot(dtype, length, 'readwrite');
      stores.push({
        buffer: kept,
        index,
        value: binary(dtype === 'bool' ? 'xor' : 'sub', load(dtype, kept, index), product),
        ...(g(fc.boolean) ? { mask: binary('ne', biased, constant(dtype, 0)) } : {}),
      });
    }
    if (form > 2 && dtype !== 'bool') {
      const combine = { combine: pick(g, ['add', 'max'] as const) };
      stores.push({
        buffer: slot('float32', length, 'readwrite'),
        index,
        value: convert('float32', product),
        ...combine,
      });
    }
  }
  const plainly = form === 0 || g(fc.boolean);
  /** The sum over k of an operand, taken from a value for each of its rows or columns. */
  const sums = (of: 'm' | 'n'): StagesBeside => {
    const [source, own, key] = of === 'm' ? ([lhs, m, 'lhsStride'] as const) : ([rhs, n, 'rhsStride'] as const);
    const inner = k.map(({ extent }) => axis(extent));
    const renamed = new Map(k.map(({ id }, i) => [id, inner[i]]));
    const rename = (e: Expr): Expr => {
      const to = e.op === 'var' ? renamed.get(e.id) : undefined;
      return to === undefined ? mapOperands(e, rename) : v(to);
    };
    const plain =
      'value' in source ? source.value : load(dtype, source.buffer, at([...batch, ...own, ...k], key, source.offset));
    let position: Expr = int(0);
    for (const a of [...batch, ...own]) position = add(mul(position, int(a.extent)), v(a));
    const kept = slot(
      dtype,
      [...batch, ...own].reduce((size, a) => size * a.extent, 1),
      'readwrite',
    );
    const sum = accRef(dtype, 0);
    return {
      of,
      stages: [
        {
          loops: inner.map(({ id, extent }) => ({ id, extent })),
          accumulators: [
            {
              id: 0,
              dtype,
              init: constant(dtype, 0),
              update: { combine: dtype === 'bool' ? 'or' : 'add', value: rename(plain) },
            },
          ],
          stores: [],
          ordered: false,
        },
        {
          loops: [],
          accumulators: [],
          stores: [
            {
              buffer: kept,
              index: position,
              value: binary(dtype === 'bool' ? 'xor' : 'sub', load(dtype, kept, position), sum),
            },
          ],
          ordered: false,
        },
      ],
    };
  };
  const beside = pick(g, [[], [], ['m'], ['n'], ['m', 'n']] as const).map(sums);
  return {
    kind: 'contract',
    name: 'random',
    dtype,
    batch,
    m,
    n,
    k,
    lhs,
    rhs,
    ...(plainly ? { out: { buffer: slot(dtype, length, 'write'), offset: 0 } } : {}),
    ...(stores.length === 0 ? {} : { epilogue: stores }),
    ...(beside.length === 0 ? {} : { beside }),
    buffers,
  };
}

/** `e`, a load, at another position along an axis. */
function substituteIndex(e: Expr, along: ContractAxis, position: Expr): Expr {
  const visit = (x: Expr): Expr => {
    if (x.op === 'var') return x.id === along.id ? position : x;
    if (x.op === 'load') return { ...x, index: visit(x.index) };
    return 'y' in x && x.op !== 'select' ? { ...x, x: visit(x.x), y: visit(x.y) } : x;
  };
  return visit(e);
}

test('random contractions of computed operands, with epilogues and sums beside them, in every layout and dtype', () => {
  fc.assert(
    fc.property(fc.gen(), (g) => {
      check(drawContraction(g), pick(g, VECTOR_MODES));
    }),
    { numRuns: 200 },
  );
});

/** A product of matrices whose elements go through `epilogue`, given the slots after the operands. */
function dense(
  [m, n, k]: readonly [number, number, number],
  slots: readonly BufferSlot[],
  epilogue: (index: Expr, row: Expr, column: Expr) => readonly Store[],
): ContractKernel {
  nextId = 0;
  const [i, j, l] = [axis(m, { lhsStride: k }), axis(n, { rhsStride: 1 }), axis(k, { lhsStride: 1, rhsStride: n })];
  return {
    kind: 'contract',
    name: 'dense',
    dtype: 'float32',
    buffers: [
      { dtype: 'float32', length: m * k, access: 'read' },
      { dtype: 'float32', length: k * n, access: 'read' },
      ...slots,
    ],
    batch: [],
    m: [i],
    n: [j],
    k: [l],
    lhs: { buffer: 0, offset: 0 },
    rhs: { buffer: 1, offset: 0 },
    epilogue: epilogue(add(mul(v(i), int(n)), v(j)), v(i), v(j)),
  };
}

test.each([
  [130, 70, 19],
  [33, 41, 700],
  [200, 1100, 33],
  [5, 9, 3000],
] as const)('bias, relu and its mask in one kernel, of %d x %d x %d', (m, n, k) => {
  const zero = constant('float32', 0);
  check(
    dense(
      [m, n, k],
      [
        { dtype: 'float32', length: n, access: 'read' },
        { dtype: 'float32', length: m * n, access: 'write' },
        { dtype: 'bool', length: m * n, access: 'write' },
      ],
      (index, _row, column) => {
        const sum = add(accRef('float32', 0), load('float32', 2, column));
        return [
          { buffer: 3, index, value: binary('max', sum, zero) },
          { buffer: 4, index, value: binary('gt', sum, zero) },
        ];
      },
    ),
  );
});

test('a matrix times a vector in blocks of dot products, whose epilogue runs over the block', () => {
  const k = 30;
  nextId = 0;
  const [i, l] = [axis(1000, { lhsStride: k, outStride: 1 }), axis(k, { lhsStride: 1, rhsStride: 1 })];
  const kernel: ContractKernel = {
    kind: 'contract',
    name: 'matvec',
    dtype: 'float32',
    buffers: [
      { dtype: 'float32', length: 1000 * k, access: 'read' },
      { dtype: 'float32', length: k, access: 'read' },
      { dtype: 'float32', length: 1000, access: 'write' },
    ],
    batch: [],
    m: [i],
    n: [],
    k: [l],
    lhs: { buffer: 0, offset: 0 },
    rhs: { buffer: 1, offset: 0 },
    epilogue: [{ buffer: 2, index: v(i), value: binary('max', accRef('float32', 0), constant('float32', 0)) }],
  };
  expect(emitProgram(programOf(kernel)).text()).toContain('in dots');
  for (const vectors of VECTOR_MODES) check(kernel, vectors);
});

test.each([
  [130, 70, 19],
  [33, 41, 700],
  [200, 1100, 33],
  [3, 900, 40],
  [5, 9, 3000],
] as const)('sums of both operands beside a product of %d x %d x %d', (m, n, k) => {
  for (const vectors of VECTOR_MODES) {
    const kernel = dense([m, n, k], [{ dtype: 'float32', length: m * n, access: 'write' }], (index) => [
      { buffer: 2, index, value: accRef('float32', 0) },
    ]);
    const sum = (of: 'm' | 'n', buffer: number, to: number): StagesBeside => {
      const own = kernel[of][0] ?? axis(1);
      const inner = axis(k);
      const index = of === 'm' ? add(mul(v(own), int(k)), v(inner)) : add(mul(v(inner), int(n)), v(own));
      const value = load('float32', buffer, index);
      return {
        of,
        stages: [
          {
            loops: [{ id: inner.id, extent: k }],
            accumulators: [
              { id: 0, dtype: 'float32', init: constant('float32', 0), update: { combine: 'add', value } },
            ],
            stores: [],
            ordered: false,
          },
          {
            loops: [],
            accumulators: [],
            stores: [{ buffer: to, index: v(own), value: accRef('float32', 0) }],
            ordered: false,
          },
        ],
      };
    };
    const buffers: BufferSlot[] = [
      ...kernel.buffers,
      { dtype: 'float32', length: m, access: 'write' },
      { dtype: 'float32', length: n, access: 'write' },
    ];
    check({ ...kernel, buffers, beside: [sum('m', 0, 3), sum('n', 1, 4)] }, vectors);
  }
});

test('an update in place, and a transposed result', () => {
  const [m, n, k] = [100, 60, 400];
  const slots: BufferSlot[] = [
    { dtype: 'float32', length: m * n, access: 'readwrite' },
    { dtype: 'float32', length: m * n, access: 'write' },
  ];
  check(
    dense([m, n, k], slots, (index, row, column) => [
      {
        buffer: 2,
        index,
        value: binary('sub', load('float32', 2, index), mul(accRef('float32', 0), constant('float32', 2))),
      },
      { buffer: 3, index: add(mul(column, int(m)), row), value: unary('neg', accRef('float32', 0)) },
    ]),
  );
});
