/**
 * Convolutional networks: that of the Keras slide and PyTorch's `Net`, for images of 32 × 32 × 3, and one for MNIST, which is trained:
 * pictures of what its features see go to `out/`.
 *
 *     npm run example mnist-cnn
 *     npm run example mnist-cnn -- --data DIR
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { encode } from 'fast-png';
import { pipe } from 'fp-ts/lib/function.js';
import { jit, losses, metrics, nn, numpy as np, optimizers, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { augment, batches } from 'cotangent/data';
import { checkFinite, evaluate, minimize, progressBar, run, tap, trainWith, validateWith } from 'cotangent/train';
import type { LossContext } from 'cotangent/train';
import { loadDigits } from './lib/data.js';
import type { Digits } from './lib/data.js';

const { Conv2d, Dense, Dropout, Flatten, LogSoftmax, MaxPool, Relu, serial, Softmax } = stax;

// Keras: Conv2D(32, (3, 3)), MaxPool2D(), Conv2D(16, (3, 3)), MaxPool2D(), Flatten(), Dense(10, softmax).
const keras = serial(Conv2d(32, 3), Relu, MaxPool(), Conv2d(16, 3), Relu, MaxPool(), Flatten, Dense(10), Softmax);
// PyTorch: the same with log_softmax, its shapes written out: fc1 takes 16 · 6 · 6.
const net = serial(Conv2d(32, 3), Relu, MaxPool(2), Conv2d(16, 3), Relu, MaxPool(2), Flatten, Dense(10), LogSoftmax);

console.log(stax.summary(keras, [-1, 32, 32, 3]));
const { params: slide } = net[0](random.key(0), [-1, 32, 32, 3]);
assert.deepEqual(slide[7].W.shape, [16 * 6 * 6, 10]);
// Keras counts 896 + 4,624 + 5,770.
assert.equal(stax.countParams(keras, [-1, 32, 32, 3]), 11_290);
const image = random.uniform(random.key(1), [1, 32, 32, 3]);
assert.ok(np.allclose(np.exp(net[1](slide, image)), keras[1](slide, image), { atol: 1e-6 }).item());

// MNIST. The convolutions are a network of their own, whose feature maps are drawn below.
const features = serial(Conv2d(32, 3), Relu, MaxPool(), Conv2d(64, 3), Relu, MaxPool());
const [init, apply] = serial(features, Flatten, Dropout(0.5), Dense(10));
const { train, test } = await loadDigits();
const { params } = init(random.key(0), [-1, 28, 28, 1]);

const [SIZE, EPOCHS] = [128, 10];
const data = batches(train, { size: SIZE, key: random.key(2), epochs: EPOCHS });
// A digit that is moved, turned and sized a little is the same digit.
const vary = augment.affine({ rotation: { degrees: 10 }, shift: { height: 0.07, width: 0.07 }, zoom: [0.9, 1.1] });
const loss = (p: typeof params, { x, y }: Digits, context: LossContext): NDArray =>
  losses.crossEntropyWithLogits(apply(p, vary(random.foldIn(context.key, 1), x), context), y);
// The learning rate falls from 0.002 to 0 along half a cosine.
const { start, step } = minimize(loss, optimizers.adam(optimizers.cosineDecaySchedule(2e-3, data.length)));
const accuracy = jit((p: typeof params, { x, y }: Digits) => ({ accuracy: metrics.accuracy(apply(p, x), y) }));
const testIn = (p: typeof params): ReturnType<typeof evaluate> =>
  evaluate((b: Digits) => accuracy(p, b), batches(test, { size: 250 }));

const begin = performance.now();
const { state, validation } = await pipe(
  data,
  trainWith(step, start({ params, key: random.key(3) })),
  checkFinite(),
  tap(progressBar({ batchSize: SIZE, unit: 'images' })),
  validateWith((at) => testIn(at.params)),
  tap((at) => {
    if (at.validation)
      console.log(
        `epoch ${String(at.epoch).padStart(2)}  test accuracy ${(100 * (at.validation['accuracy'] ?? 0)).toFixed(1)} %`,
      );
  }),
  run,
);
console.log(`\n${EPOCHS} epochs in ${((performance.now() - begin) / 1000).toFixed(1)} s.`);

/** Maps [height, width, count] side by side, each scaled to its own range, as a grey PNG. */
function mapsPng(maps: NDArray, columns: number): Uint8Array {
  const [height = 0, width = 0, count = 0] = maps.shape;
  const low = maps.min([0, 1], { keepdims: true });
  const scaled = maps.sub(low).div(np.maximum(maps.max([0, 1], { keepdims: true }).sub(low), 1e-6));
  const framed = np.pad(scaled, [[1, 1], [1, 1], [0, 0]], 'constant', { constantValues: 0.5 }); // prettier-ignore
  const grid = framed
    .reshape(height + 2, width + 2, count / columns, columns)
    .transpose(2, 0, 3, 1)
    .reshape((count / columns) * (height + 2), columns * (width + 2));
  // Four pixels for each, so that it can be seen.
  const large = np.repeat(np.repeat(grid, 4, 0), 4, 1).mul(255);
  const [rows = 0, across = 0] = large.shape;
  return encode({ width: across, height: rows, data: Uint8Array.from(large.dataSync()), channels: 1, depth: 8 });
}
const digit = test.x.slice([0, 1]);
const first = nn.relu(stax.Conv2d(32, 3)[1](state.params[0][0], digit)).slice(0);
const second = features[1](state.params[0], digit).slice(0);
await mkdir('out', { recursive: true });
await writeFile('out/feature-maps-1.png', mapsPng(first, 8));
await writeFile('out/feature-maps-2.png', mapsPng(second, 16));
await writeFile('out/kernels.png', mapsPng(state.params[0][0].W.slice('...', 0, [0, 32]).reshape(3, 3, 32), 8));
console.log('Written to out/: feature-maps-1.png, feature-maps-2.png, kernels.png');

const found = validation?.['accuracy'] ?? 0;
console.log(`Test accuracy ${(100 * found).toFixed(2)} %.`);
assert.ok(found >= 0.98, `accuracy ${found}`);
