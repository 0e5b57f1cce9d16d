/** What convolutions and pooling compile to: one kernel each way, nothing of the size of unrolled windows in memory. */
import { describe, expect, it } from 'vitest';
import { ShapedArray } from '../../src/core/aval.js';
import { nth } from '../../src/core/axes.js';
import { traceToJaxpr } from '../../src/core/jaxpr-trace.js';
import type { NDArray } from '../../src/core/ndarray.js';
import { compileJaxpr } from '../../src/compiler/compile.js';
import type { Program } from '../../src/compiler/loop-ir.js';
import * as lax from '../../src/lax/index.js';
import * as nn from '../../src/nn/index.js';
import { grad, vjp } from '../../src/transforms/index.js';

const f32 = (...shape: number[]): ShapedArray => new ShapedArray(shape, 'float32');
const compile = (f: (...args: NDArray[]) => NDArray, ...avals: ShapedArray[]): Program =>
  compileJaxpr(
    traceToJaxpr((...args) => [f(...args)], avals, 'test'),
    {},
  ).program;
const kinds = (p: Program): string[] => p.kernels.map((k) => k.kind);

const [N, H, W, C, O] = [4, 16, 16, 8, 12];
const image = f32(N, H, W, C);
const kernel = f32(3, 3, C, O);
const UNROLLED = N * H * W * 9 * C * 4;
const conv = (x: NDArray, w: NDArray): NDArray =>
  lax.convGeneralDilated(x, w, { padding: 'SAME', dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'] });

describe('convolutions', () => {
  it('are one contraction, forward and back, and store no unrolled windows', () => {
    const forward = compile(conv, image, kernel);
    expect(kinds(forward)).toEqual(['contract']);
    expect(forward.arenaBytes).toBe(0);

    const back = compile(
      (x, w, ct) => nth(vjp((y: NDArray) => conv(x, y), [w])[1](ct), 0),
      image,
      kernel,
      f32(N, H, W, O),
    );
    expect(kinds(back)).toEqual(['contract']);
    expect(back.arenaBytes).toBe(0);
    const through = compile(
      (x, w, ct) => nth(vjp((y: NDArray) => conv(y, w), [x])[1](ct), 0),
      image,
      kernel,
      f32(N, H, W, O),
    );
    expect(kinds(through)).toEqual(['contract']);
    expect(through.arenaBytes).toBe(0);
  });

  it('read in place what no padding or hole interrupts', () => {
    const valid = compile(
      (x, w) => lax.convGeneralDilated(x, w, { windowStrides: [2, 1], dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'] }),
      image,
      kernel,
    );
    const [k] = valid.kernels;
    expect(k?.kind === 'contract' && 'buffer' in k.lhs && 'buffer' in k.rhs).toBe(true);
  });

  it('of a layer and its gradient need less memory than one array of unrolled windows', () => {
    const loss = (w: NDArray, x: NDArray): NDArray => {
      const y = conv(x, w);
      return lax.reduceSum(nn.maxPool(nn.relu(y), [2, 2], { strides: [2, 2] }));
    };
    const step = compile((w, x) => grad(loss)(w, x), kernel, image);
    expect(step.arenaBytes).toBeLessThan(UNROLLED);
  });
});

describe('a flattened image', () => {
  it('is read in place by a dense layer', () => {
    const dense = (x: NDArray, w: NDArray): NDArray => lax.dot(lax.reshape(x, [N, H * W * C]), w);
    const weights = f32(H * W * C, 10);
    const names = (p: Program): string[] => p.kernels.map((k) => k.name);
    const forward = compile((x, w) => dense(nn.maxPool(x, [1, 3]), w), f32(N, H, W + 2, C), weights);
    expect(names(forward)).toEqual(['reduce_max', 'dot_general']);
  });
});

describe('pooling', () => {
  const pool = (x: NDArray): NDArray => nn.maxPool(x, [2, 2], { strides: [2, 2] });
  it('is one kernel with what is before and after it', () => {
    const p = compile((x) => lax.exp(pool(nn.relu(x))), image);
    expect(kinds(p)).toEqual(['loop']);
    expect(p.arenaBytes).toBe(0);
  });
  it('of overlapping windows is one kernel too', () => {
    const p = compile((x) => nn.maxPool(x, [3, 3], { strides: [2, 2], padding: 'SAME' }), image);
    expect(kinds(p)).toEqual(['loop']);
    expect(p.arenaBytes).toBe(0);
  });
  it('keeps no more than the positions for its gradient, and scatters nothing', () => {
    const p = compile((x, ct) => nth(vjp(pool, [x])[1](ct), 0), image, f32(N, 8, 8, C));
    expect(new Set(kinds(p))).toEqual(new Set(['loop']));
    expect(p.kernels.every((k) => k.kind === 'loop' && k.stages.every((stage) => !stage.ordered))).toBe(true);
    // One int32 for each window.
    expect(p.arenaBytes).toBeLessThanOrEqual(N * 8 * 8 * C * 4);
  });
});
