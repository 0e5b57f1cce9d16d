/**
 * The Keras Sequential example: 20-64-64-1 with dropout 0.5, binary cross-entropy, RMSprop, accuracy, 20 epochs of batches of 128,
 * evaluated. Its labels are drawn by a coin, so that there is nothing to learn: what the net makes of them holds for no others. With
 * labels that say something about the data, the same net learns what they say.
 *
 *     npm run example keras-sequential
 */
import assert from 'node:assert/strict';
import { pipe } from 'fp-ts/lib/function.js';
import { jit, losses, metrics, optimizers, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { batches } from 'cotangent/data';
import { checkFinite, evaluate, minimize, run, trainWith } from 'cotangent/train';
import type { LossContext } from 'cotangent/train';

const { Dense, Dropout, Relu, serial, Sigmoid } = stax;
interface Data {
  x: NDArray;
  y: NDArray;
}

const model = serial(Dense(64), Relu, Dropout(0.5), Dense(64), Relu, Dropout(0.5), Dense(1), Sigmoid);
const [init, apply] = model;
console.log(stax.summary(model, [-1, 20]));
const { params } = init(random.key(0), [-1, 20]);

const loss = (p: typeof params, { x, y }: Data, context?: LossContext): NDArray =>
  losses.binaryCrossEntropy(apply(p, x, context), y);
const { start, step } = minimize(loss, optimizers.rmsprop(1e-3, { decay: 0.9, eps: 1e-7 }));
const score = jit((p: typeof params, { x, y }: Data) => ({
  loss: loss(p, { x, y }),
  accuracy: metrics.accuracy(apply(p, x).greater(0.5), y.astype('int32')),
}));

/** fit, then evaluate on data to train on and on others. */
async function fit(train: Data, test: Data, epochs: number): Promise<{ train: number; test: number }> {
  const { state } = await pipe(
    batches(train, { size: 128, key: random.key(1), epochs }),
    trainWith(step, start({ params, key: random.key(2) })),
    checkFinite(),
    run,
  );
  const scoreOf = async (data: Data): Promise<{ loss?: number; accuracy?: number }> =>
    evaluate((batch: Data) => score(state.params, batch), batches(data, { size: 128 }));
  const [known, other] = [await scoreOf(train), await scoreOf(test)];
  console.log(
    `  on the data it was trained on: loss ${known.loss?.toFixed(4)}, accuracy ${known.accuracy?.toFixed(3)}`,
  );
  console.log(
    `  on others:                     loss ${other.loss?.toFixed(4)}, accuracy ${other.accuracy?.toFixed(3)}`,
  );
  return { train: known.accuracy ?? NaN, test: other.accuracy ?? NaN };
}

/** As many rows, with labels drawn by a coin or, `told`, by whether the first half of a row is the larger one. */
function dummy(count: number, seed: number, told: boolean): Data {
  const x = random.uniform(random.key(seed), [count, 20]);
  const coin = random.randint(random.key(seed + 1), [count, 1], 0, 2);
  const larger = x
    .slice([], [0, 10])
    .sum(1, { keepdims: true })
    .greater(x.slice([], [10, 20]).sum(1, { keepdims: true }));
  return { x, y: (told ? larger : coin).astype('float32') };
}

console.log('Labels by a coin, 20 epochs:');
const nothing = await fit(dummy(1000, 10, false), dummy(100, 20, false), 20);
// Of 100 labels, a guess is right about half the time: within three standard deviations, 15 %.
assert.ok(Math.abs(nothing.test - 0.5) <= 0.15, `accuracy ${nothing.test}`);

console.log('\nLabels that say which half is the larger one, 100 epochs:');
const something = await fit(dummy(1000, 10, true), dummy(1000, 20, true), 100);
assert.ok(something.test >= 0.9, `accuracy ${something.test}`);
