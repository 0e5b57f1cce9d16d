/**
 * Convolution by the numbers: the 5 × 5 image of the slide and its Sobel kernel; convolution and cross-correlation; padding, strides,
 * dilation; the shapes and parameters of 224 × 224 × 3 → 32 → 64 features.
 *
 *     npm run example convolution-arithmetic
 */
import assert from 'node:assert/strict';
import { lax, numpy as np, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';

const image = np.array([
  [0, 25, 75, 80, 80],
  [0, 75, 80, 80, 80],
  [0, 75, 80, 80, 80],
  [0, 70, 75, 80, 80],
  [0, 0, 0, 0, 0],
]);
const sobel = np.array([
  [-1, 0, 1],
  [-2, 0, 2],
  [-1, 0, 1],
]);
const unweighted = np.array([
  [-1, 0, 1],
  [-1, 0, 1],
  [-1, 0, 1],
]);

/** What neural networks call a convolution, a cross-correlation: the kernel slides over the image as it is. */
function correlate(x: NDArray, kernel: NDArray, options: lax.ConvOptions = {}): NDArray {
  const batch = ([n, m]: readonly number[]): number[] => [1, 1, n ?? 1, m ?? 1];
  const y = lax.convGeneralDilated(x.reshape(batch(x.shape)), kernel.reshape(batch(kernel.shape)), options);
  return y.slice(0, 0);
}
const table = (x: NDArray): string =>
  (x.js() as number[][]).map((row) => `  ${row.map((v) => String(v).padStart(5)).join('')}`).join('\n');

// The sum of products at the top left: 75 - 0 + 2 (80 - 0) + 80 - 0.
const edges = correlate(image, sobel);
console.log(`The image and Sobel's kernel, "valid":\n\n${table(edges)}\n`);
assert.equal(Number(edges.slice(0, 0)), 315);
assert.equal(Number(image.slice([0, 3], [0, 3]).mul(sobel).sum()), 315);
// The slide writes 235 for it, which is what rows without Sobel's weights give: 75 + 80 + 80.
const without = Number(correlate(image, unweighted).slice(0, 0));
assert.equal(without, 235);
console.log(
  `At the top left Sobel's kernel gives 315. The slide has 235: what three rows (-1, 0, 1) give, without the 2.\n`,
);

// A convolution turns the kernel around, in both axes.
const convolution = correlate(image, np.flip(sobel, [0, 1]));
const naive = [0, 1, 2].map((r) =>
  [0, 1, 2].map((c) => {
    let sum = 0;
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) sum += Number(image.slice(r + i, c + j)) * Number(sobel.slice(2 - i, 2 - j));
    }
    return sum;
  }),
);
assert.deepEqual(convolution.js(), naive);
assert.deepEqual(convolution.js(), edges.neg().add(0).js());
console.log(
  `Convolution proper, with the kernel turned around; Sobel's kernel turned is its negative:\n\n${table(convolution)}\n`,
);

/** Length of a side after a window of `k`, by the formula ⌊(n + padding - dilation (k - 1) - 1) / stride⌋ + 1. */
const after = (n: number, k: number, { padding = 0, stride = 1, dilation = 1 } = {}): number =>
  Math.floor((n + padding - dilation * (k - 1) - 1) / stride) + 1;
const cases = {
  valid: [{}, after(5, 3)],
  same: [{ padding: 'SAME' }, after(5, 3, { padding: 2 })],
  'stride 2': [{ windowStrides: [2, 2] }, after(5, 3, { stride: 2 })],
  'same, stride 2': [{ padding: 'SAME', windowStrides: [2, 2] }, after(5, 3, { padding: 2, stride: 2 })],
  'dilation 2': [{ rhsDilation: [2, 2] }, after(5, 3, { dilation: 2 })],
} as const satisfies Record<string, readonly [lax.ConvOptions, number]>;
for (const [name, [options, length]] of Object.entries(cases)) {
  const { shape } = correlate(image, sobel, options);
  console.log(`  5 x 5, window 3, ${name.padEnd(15)} ${shape.join(' x ')}`);
  assert.deepEqual(shape, [length, length]);
}

// 32 kernels of 3 x 3 x 3, then 64 of 3 x 3 x 32, all "same": each has a bias.
const net = stax.serial(stax.Conv2d(32, 3, { padding: 'SAME' }), stax.Conv2d(64, 3, { padding: 'SAME' }));
console.log(`\n${stax.summary(net, [-1, 224, 224, 3])}`);
const { params } = net[0](random.key(0), [-1, 224, 224, 3]);
assert.deepEqual(params[0].W.shape, [3, 3, 3, 32]);
assert.deepEqual(params[1].W.shape, [3, 3, 32, 64]);
assert.equal(stax.countParams(net, [-1, 224, 224, 3]), 3 * 3 * 3 * 32 + 32 + (3 * 3 * 32 * 64 + 64));
