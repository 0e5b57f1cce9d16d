/** The classifier: its layers, its loss, how it is trained and how good it is, all pure functions. */
import { jit, losses, metrics, numpy as np, optimizers, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { augment } from 'cotangent/data';
import { minimize } from 'cotangent/train';
import type { LossContext } from 'cotangent/train';

/** Images, one per row with values in [0, 1], and their labels. */
export interface Batch {
  readonly x: NDArray;
  readonly y: NDArray;
}

const { Dense, Dropout, LogSoftmax, Relu, serial } = stax;
export const [init, predict] = serial(Dense(256), Relu, Dropout(0.1), Dense(128), Relu, Dense(10), LogSoftmax);
export type Params = ReturnType<typeof init>['params'];

/** Cross-entropy, the mean over the batch of -log p(label). In the context of a training step, dropout is on. */
export const loss = (params: Params, { x, y }: Batch, context?: LossContext): NDArray =>
  losses.nll(predict(params, x, context), y);

/** The most probable class of each image. */
export const classify = jit((params: Params, x: NDArray): NDArray => np.argmax(predict(params, x), -1));

/** The share of images whose most probable class is their label. */
export const accuracy = jit((params: Params, { x, y }: Batch): NDArray => metrics.accuracy(predict(params, x), y));

export interface TrainerOptions {
  /** Height and width of the images. */
  size: readonly [height: number, width: number];
  /** Number of steps there will be. */
  steps: number;
}

/** The state that training begins with, and a step of it. */
export function trainer({ size: [height, width], steps }: TrainerOptions) {
  // An image moved by a pixel or two shows the same digit.
  const move = augment.crop([height, width], { padding: 2 });
  const moved = (key: NDArray, x: NDArray): NDArray => move(key, x.reshape(-1, height, width, 1)).reshape(x.shape);
  // The learning rate falls from 0.002 to 0 along half a cosine.
  const { start, step } = minimize(
    (params: Params, { x, y }: Batch, context: LossContext) =>
      loss(
        params,
        { x: moved(random.foldIn(context.key, 0), x), y },
        { ...context, key: random.foldIn(context.key, 1) },
      ),
    optimizers.adam(optimizers.cosineDecaySchedule(2e-3, steps)),
  );
  return {
    start: (key: NDArray) =>
      start({ params: init(random.foldIn(key, 0), [-1, height * width]).params, key: random.foldIn(key, 1) }),
    step,
  };
}
