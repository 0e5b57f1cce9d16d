/**
 * Dense networks on MNIST: that of the R Keras slide, 784-256-128-10 with dropout 0.4 and 0.3 and a validation split of 0.2, as one
 * `pipe`; and PyTorch's `NeuralNetwork`, 784-512-512-10. As on the slides they reach 95 % of MNIST's last 1,000 images; trained once more
 * on all images, each moved by up to two pixels in every step, 97 %.
 *
 *     npm run example mnist-mlp
 *     npm run example mnist-mlp -- --data DIR
 */
import assert from 'node:assert/strict';
import { pipe } from 'fp-ts/lib/function.js';
import { jit, losses, metrics, optimizers, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { augment, batches, splitRows } from 'cotangent/data';
import { checkFinite, minimize, progressBar, run, stepHistory, tap, trainWith, validateWith } from 'cotangent/train';
import type { LossContext } from 'cotangent/train';
import { percent } from './lib/percent.js';
import { loadDigits } from './lib/data.js';
import type { Digits } from './lib/data.js';

const { Dense, Dropout, Flatten, Relu, serial } = stax;
const data = await loadDigits();
const key = random.key(0);

// R: keras_model_sequential() %>% layer_dense(256, relu) %>% layer_dropout(0.4) %>% …; the softmax is in the loss.
const model = serial(Flatten, Dense(256), Relu, Dropout(0.4), Dense(128), Relu, Dropout(0.3), Dense(10));
console.log(stax.summary(model, [-1, 28, 28, 1]));
const [init, apply] = model;
const { params } = init(key, [-1, 28, 28, 1]);

// compile(loss = 'categorical_crossentropy', optimizer = optimizer_rmsprop(), metrics = c('accuracy'))
const loss = (p: typeof params, { x, y }: Digits, context: LossContext): NDArray =>
  losses.crossEntropyWithLogits(apply(p, x, context), y);
const { start, step } = minimize(loss, optimizers.rmsprop(1e-3, { decay: 0.9, eps: 1e-7 }));
const measure = jit((p: typeof params, { x, y }: Digits) => {
  const logits = apply(p, x);
  return { loss: losses.crossEntropyWithLogits(logits, y), accuracy: metrics.accuracy(logits, y) };
});

// fit(x_train, y_train, epochs = 30, batch_size = 128, validation_split = 0.2)
const EPOCHS = 30;
const [train, validation] = splitRows(data.train, 0.2);
const history = stepHistory();
const { state } = await pipe(
  batches(train, { size: 128, key, epochs: EPOCHS }),
  trainWith(step, start({ params, key })),
  checkFinite(),
  tap(progressBar({ batchSize: 128, unit: 'images' })),
  validateWith((at) => measure(at.params, validation)),
  tap(history.watch),
  run,
);
for (const { epoch = 0, val_loss = NaN, val_accuracy = NaN } of history.rows.filter((row) => 'val_loss' in row)) {
  if (epoch % 5 === 0) {
    console.log(
      `epoch ${String(epoch).padStart(2)}  validation loss ${val_loss.toFixed(4)}  accuracy ${percent(val_accuracy)}`,
    );
  }
}

// PyTorch: nn.Flatten(), nn.Linear(28*28, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
const net = serial(Flatten, Dense(512), Relu, Dense(512), Relu, Dense(10));

/** Trains a network on all images, moved a little; the share of the test images that it recognises. */
const move = augment.shift({ height: 0.07, width: 0.07 });
async function fit<P extends object>([begin, predict]: stax.Layer<P>, rate: number, epochs: number): Promise<number> {
  const shuffled = batches(data.train, { size: 128, key, epochs });
  const moved = minimize(
    (p: P, { x, y }: Digits, context: LossContext) =>
      losses.crossEntropyWithLogits(predict(p, move(random.foldIn(context.key, 1), x), context), y),
    optimizers.rmsprop(optimizers.cosineDecaySchedule(rate, shuffled.length)),
  );
  const last = await pipe(
    shuffled,
    trainWith(moved.step, moved.start({ params: begin(key, [-1, 28, 28, 1]).params, key })),
    checkFinite(),
    tap(progressBar({ batchSize: 128, unit: 'images' })),
    run,
  );
  return Number(metrics.accuracy(predict(last.state.params, data.test.x), data.test.y));
}

console.log(
  `\nOf the test images, the slide's network recognises ${percent(Number(measure(state.params, data.test).accuracy))}.\n`,
);
const accuracies = {
  'R Keras, 784-256-128-10': await fit(model, 1e-3, 30),
  'PyTorch, 784-512-512-10': await fit(net, 1e-3, 15),
};
console.log('\nOn all images, each moved by up to two pixels in every step:');
for (const [name, accuracy] of Object.entries(accuracies)) {
  console.log(`  ${name}: ${percent(accuracy)} of the test images`);
  assert.ok(accuracy >= 0.96, `${name}: ${accuracy}`);
}
