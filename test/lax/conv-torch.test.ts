/** Convolutions, pooling, their gradients, and the training of a small CNN against PyTorch (scripts/fixtures/conv.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { jit, lax, nn, numpy as np, valueAndGrad, vjp, type NDArray } from 'cotangent';

interface Fixtures {
  cases: Record<string, { shape: number[]; out: number[]; grads: number[][] }>;
  cnn: { losses: number[]; params: number[][] };
}
const fixtures = JSON.parse(readFileSync(new URL('../fixtures/conv.json', import.meta.url), 'utf8')) as Fixtures;

/** As in the script. */
function drawn(
  shape: readonly number[],
  seed: number,
  scale?: number,
  dtype: 'float32' | 'float64' = 'float64',
): NDArray {
  let state = (seed | 1) >>> 0;
  const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return scale === undefined ? ((state >>> 16) % 9) - 4 : ((state >>> 8) / 2 ** 24 - 0.5) * scale;
  });
  return np.array(values, { dtype }).reshape([...shape]);
}

const flat = (x: NDArray): number[] => [...x.dataSync()];

/** The fixtures have nine decimals. */
const ROUNDED = 1e-8;
function expectNear(actual: NDArray, expected: readonly number[], tolerance: number): void {
  const values = flat(actual);
  expect(values).toHaveLength(expected.length);
  values.forEach((v, i) => {
    expect(Math.abs(v - (expected[i] ?? NaN)), `element ${String(i)}`).toBeLessThan(tolerance);
  });
}

/** Pooling of NCHW by the NHWC functions. */
const channelsLast =
  (f: (x: NDArray) => NDArray) =>
  (x: NDArray): NDArray =>
    np.transpose(f(np.transpose(x, [0, 2, 3, 1])), [0, 3, 1, 2]);
const both = (n: number): readonly [number, number] => [n, n];

const CASES: Record<string, { f: (...xs: NDArray[]) => NDArray; shapes: number[][] }> = {};
const add = (name: string, shapes: number[][], f: (x: NDArray, w: NDArray) => NDArray): void => {
  CASES[name] = { f: (x = np.zeros([]), w = np.zeros([])) => f(x, w), shapes };
};
add('conv1d', [[2, 3, 7], [4, 3, 3]], (x, w) => lax.conv(x, w, [2], [both(1)])); // prettier-ignore
add('conv2d', [[2, 3, 5, 4], [2, 3, 3, 2]], (x, w) => lax.conv(x, w, [2, 1], [both(1), both(2)])); // prettier-ignore
add('conv2dDilated', [[1, 2, 5, 6], [3, 2, 2, 2]], (x, w) => lax.convWithGeneralPadding(x, w, [1, 1], [both(2), both(2)], [1, 1], [2, 3])); // prettier-ignore
add('conv2dGroups', [[2, 4, 4, 3], [6, 2, 3, 3]], (x, w) => lax.convGeneralDilated(x, w, { padding: [both(1), both(1)], featureGroupCount: 2 })); // prettier-ignore
add('depthwise', [[1, 3, 5, 5], [3, 1, 3, 3]], (x, w) => lax.convGeneralDilated(x, w, { windowStrides: [2, 2], padding: [both(1), both(1)], featureGroupCount: 3 })); // prettier-ignore
add('conv3d', [[1, 2, 3, 4, 3], [2, 2, 2, 2, 2]], (x, w) => lax.conv(x, w, [1, 2, 1], [both(1), both(0), both(1)])); // prettier-ignore
add('convTranspose2d', [[2, 3, 3, 4], [3, 2, 3, 3]], (x, w) => lax.convTranspose(x, w, [2, 2], [both(1), both(1)], { dimensionNumbers: ['NCHW', 'OIHW', 'NCHW'], transposeKernel: true, useConsistentPadding: true })); // prettier-ignore
add(
  'maxPool2d',
  [[2, 2, 5, 4]],
  channelsLast((x) => nn.maxPool(x, [2, 2], { strides: [2, 2] })),
);
add('maxPool2dOverlapping', [[1, 2, 6, 5]], channelsLast((x) => nn.maxPool(x, [3, 3], { strides: [2, 2], padding: [both(1), both(1)] }))); // prettier-ignore
add('maxPool2dDilated', [[1, 1, 5, 5]], (x) => lax.reduceWindow(x, -Infinity, lax.max, [1, 1, 2, 2], [1, 1, 1, 1], 'VALID', [1, 1, 1, 1], [1, 1, 2, 2])); // prettier-ignore
add('avgPool2d', [[1, 2, 5, 4]], channelsLast((x) => nn.avgPool(x, [3, 2], { strides: [2, 1], padding: [both(1), both(1)] }))); // prettier-ignore
add('avgPool2dNoPad', [[1, 2, 5, 4]], channelsLast((x) => nn.avgPool(x, [3, 3], { strides: [2, 2], padding: [both(1), both(1)], countIncludePad: false }))); // prettier-ignore

describe('operations and their gradients', () => {
  test('every case of the fixtures is here', () => {
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(fixtures.cases).sort());
  });
  test.each(Object.entries(CASES))('%s', (name, { f, shapes }) => {
    const expected = fixtures.cases[name];
    if (expected === undefined) throw new Error(`no fixture of ${name}`);
    const inputs = shapes.map((shape, i) => drawn(shape, 11 * i + 3));
    const [out, pullback] = vjp((xs: readonly NDArray[]) => f(...xs), [inputs]);
    expect(out.shape).toEqual(expected.shape);
    expectNear(out, expected.out, ROUNDED);
    const [grads] = pullback(drawn(out.shape, 97));
    grads.forEach((g, i) => {
      expectNear(g, expected.grads[i] ?? [], ROUNDED);
    });
  });
});

describe('a small CNN', () => {
  const dimensionNumbers = ['NHWC', 'HWIO', 'NHWC'] as const;
  const start = (dtype: 'float32' | 'float64'): NDArray[] => [
    drawn([3, 3, 3, 8], 21, 0.4, dtype),
    drawn([8], 22, 0.1, dtype),
    drawn([3, 3, 8, 4], 23, 0.4, dtype),
    drawn([4], 24, 0.1, dtype),
    drawn([16, 10], 25, 0.8, dtype),
    drawn([10], 26, 0.1, dtype),
  ];
  const layer = (x: NDArray, w: NDArray, b: NDArray): NDArray =>
    nn.maxPool(nn.relu(np.add(lax.convGeneralDilated(x, w, { padding: 'SAME', dimensionNumbers }), b)), [2, 2], {
      strides: [2, 2],
    });
  const loss = (params: readonly NDArray[], images: NDArray, labels: NDArray): NDArray => {
    const [w1, b1, w2, b2, w3, b3] = params;
    if (!w1 || !b1 || !w2 || !b2 || !w3 || !b3) throw new Error('six parameters');
    const h = layer(layer(images, w1, b1), w2, b2);
    const logits = np.add(np.dot(h.reshape([4, 16]), w3), b3);
    return np
      .multiply(nn.logSoftmax(logits), nn.oneHot(labels, 10, { dtype: logits.dtype }))
      .sum()
      .div(-4);
  };
  test.each([
    ['float64', 1e-8],
    // A few hundred roundings of numbers up to 1.
    ['float32', 1e-5],
  ] as const)('two steps in %s', (dtype, tolerance) => {
    const images = np.transpose(drawn([4, 3, 8, 8], 5, 2, dtype), [0, 2, 3, 1]);
    const labels = np.array([0, 3, 6, 9], { dtype: 'int32' });
    const step = jit((params: readonly NDArray[]) => {
      const [value, grads] = valueAndGrad(loss)(params, images, labels);
      return [value, params.map((p, i) => p.sub((grads[i] ?? p).mul(0.05)))] as const;
    });
    let params: readonly NDArray[] = start(dtype);
    fixtures.cnn.losses.forEach((expected) => {
      const [value, next] = step(params);
      expect(Math.abs(Number(value.item()) - expected)).toBeLessThan(tolerance);
      params = next;
    });
    params.forEach((p, i) => {
      expectNear(p, fixtures.cnn.params[i] ?? [], tolerance);
    });
  });
});
