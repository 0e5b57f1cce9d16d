/**
 * The memory of whole training steps: arguments, results, arena and scratch memory together are within 1.3 times of what
 * the live ranges of the stored values demand at least.
 */
import { describe, expect, test } from 'vitest';
import { grad, jit, lax, nn, numpy as np, type NDArray } from 'cotangent';
import { ShapedArray } from '../../src/core/aval.js';
import { nth } from '../../src/core/axes.js';
import { byteWidth } from '../../src/core/dtype.js';
import { traceToJaxpr } from '../../src/core/jaxpr-trace.js';
import { compileJaxpr } from '../../src/compiler/compile.js';
import type { KernelCall, Program, Step } from '../../src/compiler/loop-ir.js';
import { emitProgram } from '../../src/backends/wasm/emit-program.js';

const f32 = (...shape: number[]): ShapedArray => new ShapedArray(shape, 'float32');

/** Launches in the order they are written, each with the loops around it. */
interface Launch {
  readonly call: KernelCall;
  readonly loops: readonly number[];
}
function launches(steps: readonly Step[], loops: readonly number[] = []): Launch[] {
  return steps.flatMap((step): Launch[] => {
    switch (step.kind) {
      case 'kernel':
        return [{ call: step, loops }];
      case 'branch':
        return step.branches.flatMap((branch) => launches(branch, loops));
      case 'loop': {
        const inner = [...loops, step.id];
        const condition = 'condition' in step.trips ? launches(step.trips.condition, inner) : [];
        return [...condition, ...launches(step.steps, inner)];
      }
    }
  });
}

/**
 * The most bytes that live at one launch: everything that was written before or is an argument and is needed then or later,
 * and what is written there. A result counts once with an operand of its size that dies there, over which it
 * might be written. Arguments are the caller's throughout, unless donated; what a loop shares with its surroundings lives as
 * long as the loop.
 */
function lowerBound(program: Program, donated: readonly boolean[]): number {
  const order = launches(program.steps);
  /** First and last launch inside each loop. */
  const spans = new Map<number, { from: number; to: number }>();
  order.forEach(({ loops }, time) => {
    for (const id of loops) spans.set(id, { from: spans.get(id)?.from ?? time, to: time });
  });
  /** The buffers whose memory it may be. */
  const bases = (buffer: number): number[] => {
    const { place } = nth(program.buffers, buffer);
    return place.kind === 'slice' ? bases(place.of) : place.kind === 'carry' ? [] : [buffer];
  };
  const accesses = new Map<number, { time: number; loops: readonly number[] }[]>();
  order.forEach(({ call, loops }, time) => {
    for (const base of call.args.flatMap(bases)) accesses.set(base, [...(accesses.get(base) ?? []), { time, loops }]);
  });
  const rangeOf = (buffer: number): { from: number; to: number } | undefined => {
    const list = accesses.get(buffer);
    if (list === undefined) return undefined;
    let home = nth(list, 0).loops;
    for (const { loops } of list) {
      const differs = home.findIndex((id, i) => loops[i] !== id);
      if (differs >= 0) home = home.slice(0, differs);
    }
    const times = list.flatMap(({ time, loops }) => {
      const loop = loops[home.length];
      const span = loop === undefined ? undefined : spans.get(loop);
      return span === undefined ? [time] : [span.from, span.to];
    });
    return { from: Math.min(...times), to: Math.max(...times) };
  };
  const last = order.length - 1;
  const lives = program.buffers.flatMap(({ place, dtype, length }, buffer) => {
    const bytes = length * byteWidth(dtype);
    const range = rangeOf(buffer);
    if (place.kind === 'input')
      return [{ bytes, from: -1, to: donated[place.index] === true ? (range?.to ?? -1) : last + 1 }];
    if (range === undefined) return [];
    if (place.kind === 'output') return [{ bytes, from: range.from, to: last + 1 }];
    return place.kind === 'arena' ? [{ bytes, ...range }] : [];
  });
  let peak = 0;
  order.forEach((_, time) => {
    let live = 0;
    const dying: number[] = [];
    for (const life of lives) {
      if (life.from >= time || life.to < time) continue;
      live += life.bytes;
      if (life.to === time) dying.push(life.bytes);
    }
    for (const life of lives) {
      if (life.from !== time) continue;
      const over = dying.indexOf(life.bytes);
      if (over < 0) live += life.bytes;
      else dying.splice(over, 1);
    }
    peak = Math.max(peak, live);
  });
  return peak;
}

/** What a call takes: arguments, results that take no donated argument's place, arena, scratch memory of one thread. */
function usedBytes(program: Program): number {
  let total = program.arenaBytes;
  for (const { place, dtype, length } of program.buffers) {
    const bytes = length * byteWidth(dtype);
    if (place.kind === 'input') total += bytes;
    if (place.kind === 'output' && (program.donations[place.index] ?? -1) < 0) total += bytes;
  }
  const { scratchBytes, privateBytes } = emitProgram(program);
  return total + scratchBytes + privateBytes;
}

/** A step of gradient descent of `loss`, with donated parameters, as a program. */
function trainingStep(
  params: readonly ShapedArray[],
  data: readonly ShapedArray[],
  loss: (params: readonly NDArray[], ...data: NDArray[]) => NDArray,
): { program: Program; donated: boolean[] } {
  const f = (...args: NDArray[]): NDArray[] => {
    const rest = args.slice(params.length);
    const p = args.slice(0, params.length);
    const gradients = grad((q: readonly NDArray[]) => loss(q, ...rest))(p);
    return p.map((w, i) => w.sub(nth(gradients, i).mul(0.1)));
  };
  const all = [...params, ...data];
  const donated = all.map((_, i) => i < params.length);
  return { program: compileJaxpr(traceToJaxpr(f, all, 'step'), { donate: donated }).program, donated };
}

function check({ program, donated }: { program: Program; donated: readonly boolean[] }): void {
  const bound = lowerBound(program, donated);
  const used = usedBytes(program);
  const numbers = `${(used / 1e6).toFixed(2)} MB used, at least ${(bound / 1e6).toFixed(2)} MB`;
  expect(used / bound, numbers).toBeGreaterThanOrEqual(0.95);
  expect(used / bound, numbers).toBeLessThanOrEqual(1.3);
}

describe('memory of a step within 1.3 of the lower bound', () => {
  const dense = (x: NDArray, w: NDArray, b: NDArray): NDArray => np.matmul(x, w).add(b);
  const crossEntropy = (logits: NDArray, y: NDArray): NDArray =>
    np.mean(np.sum(nn.logSoftmax(logits).mul(y), { axis: -1 })).neg();

  test('MLP 784-512-512-10, batch 128', () => {
    const params = [f32(784, 512), f32(512), f32(512, 512), f32(512), f32(512, 10), f32(10)];
    check(
      trainingStep(params, [f32(128, 784), f32(128, 10)], (p, x, y) => {
        const [w1, b1, w2, b2, w3, b3] = p as [NDArray, NDArray, NDArray, NDArray, NDArray, NDArray];
        const h = nn.relu(dense(nn.relu(dense(x, w1, b1)), w2, b2));
        return crossEntropy(dense(h, w3, b3), y);
      }),
    );
  });

  test('CNN: conv 3x3x32, pool, conv 3x3x16, pool, dense 10, batch 64', () => {
    const params = [f32(3, 3, 3, 32), f32(3, 3, 32, 16), f32(1024, 10), f32(10)];
    const conv = (x: NDArray, w: NDArray): NDArray =>
      lax.convGeneralDilated(x, w, {
        windowStrides: [1, 1],
        padding: 'SAME',
        dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'],
      });
    const pool = (x: NDArray): NDArray => nn.maxPool(x, [2, 2], { strides: [2, 2] });
    check(
      trainingStep(params, [f32(64, 32, 32, 3), f32(64, 10)], (p, x, y) => {
        const [k1, k2, w, b] = p as [NDArray, NDArray, NDArray, NDArray];
        const h = pool(nn.relu(conv(pool(nn.relu(conv(x, k1))), k2)));
        return crossEntropy(dense(h.reshape([64, 1024]), w, b), y);
      }),
    );
  });

  const cell = (h: NDArray, c: NDArray, x: NDArray, w: NDArray, u: NDArray, b: NDArray): [NDArray, NDArray] => {
    const z = np.matmul(x, w).add(np.matmul(h, u)).add(b);
    const [i, f, g, o] = np.split(z, 4, 1) as [NDArray, NDArray, NDArray, NDArray];
    const next = nn
      .sigmoid(f)
      .mul(c)
      .add(nn.sigmoid(i).mul(np.tanh(g)));
    return [nn.sigmoid(o).mul(np.tanh(next)), next];
  };

  test('LSTM 64 -> 128, batch 32: a step over 8 times, unrolled', () => {
    const params = [f32(64, 512), f32(128, 512), f32(512)];
    check(
      trainingStep(params, [f32(8, 32, 64)], (p, xs) => {
        const [w, u, b] = p as [NDArray, NDArray, NDArray];
        let [h, c]: [NDArray, NDArray] = [np.zeros([32, 128]), np.zeros([32, 128])];
        for (let t = 0; t < 8; t++) [h, c] = cell(h, c, xs.slice(t), w, u, b);
        return np.mean(np.square(h));
      }),
    );
  });

  test('LSTM 64 -> 128, batch 32: a step over 64 times, a loop', () => {
    const params = [f32(64, 512), f32(128, 512), f32(512)];
    check(
      trainingStep(params, [f32(64, 32, 64)], (p, xs) => {
        const [w, u, b] = p as [NDArray, NDArray, NDArray];
        const zero = np.zeros([32, 128]);
        const [, hs] = lax.scan(
          ([h, c], x: NDArray) => {
            const [next, state] = cell(h, c, x, w, u, b);
            return [[next, state], next];
          },
          [zero, zero],
          xs,
        );
        return np.mean(np.square(hs));
      }),
    );
  });
});

test('no value is written over one whose elements have another width', () => {
  // 4,096 bools and 1,024 float32 numbers are as many bytes, but element i is elsewhere.
  const n = 1024;
  const f = (at: NDArray): NDArray => {
    const mask = np
      .zeros([4 * n], { dtype: 'bool' })
      .at(at)
      .set(true);
    return np.sort(mask.slice([0, n]).astype('float32'));
  };
  const at = np.arange(100).mul(9);
  expect(np.sum(jit(f)(at)).item()).toBe(100);
});
