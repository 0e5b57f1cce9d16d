/** The classifier: its layers, its loss, how it is trained and how good it is, all pure functions. */
import { jit, lax, nn, numpy as np, optimizers, random, stax, valueAndGrad, vmap } from 'cotangent';
import type { NDArray } from 'cotangent';

/** Images, one per row with values in [0, 1], and their labels. */
export interface Batch {
  readonly x: NDArray;
  readonly y: NDArray;
}

const CLASSES = 10;

export const [init, predict] = stax.serial(
  stax.Dense(256),
  stax.Relu,
  stax.Dropout(0.1),
  stax.Dense(128),
  stax.Relu,
  stax.Dense(CLASSES),
  stax.LogSoftmax,
);
export type Params = ReturnType<typeof init>['params'];

/** Cross-entropy, the mean over the batch of -log p(label). With a key, dropout is on. */
export function loss(params: Params, { x, y }: Batch, key?: NDArray): NDArray {
  const logP = predict(params, x, { key, mode: key === undefined ? 'eval' : 'train' });
  return logP
    .mul(nn.oneHot(y, CLASSES, { dtype: logP.dtype }))
    .sum(-1)
    .mean()
    .neg();
}

/** The most probable class of each image. */
export const classify = jit((params: Params, x: NDArray): NDArray => np.argmax(predict(params, x), -1));

/** The share of images whose most probable class is their label. */
export const accuracy = jit((params: Params, { x, y }: Batch): NDArray =>
  np.argmax(predict(params, x), -1).equal(y).astype('float64').mean(),
);

/** Each image moved by up to `by` pixels in each direction: an image moved by a pixel shows the same digit. */
export function shift(key: NDArray, x: NDArray, [height, width]: readonly [number, number], by: number): NDArray {
  const images = np.pad(
    x.reshape(-1, height, width),
    [0, by, by].map((margin) => [margin, margin] as const),
  );
  const corners = random.randint(key, [x.length, 2], 0, 2 * by + 1);
  const crop = (image: NDArray, corner: NDArray): NDArray =>
    lax.dynamicSlice(image, [corner.slice(0), corner.slice(1)], [height, width]);
  return vmap(crop)(images, corners).reshape(-1, height * width);
}

export interface TrainerOptions {
  /** Height and width of the images. */
  size: readonly [number, number];
  /** Number of steps there will be. */
  steps: number;
}

/** The state that training begins with, and a step of it. */
export function trainer({ size, steps }: TrainerOptions) {
  // The learning rate falls from 0.002 to 0 along half a cosine.
  const rate = (count: NDArray): NDArray =>
    np
      .cos(count.astype('float32').mul(Math.PI / steps))
      .add(1)
      .mul(1e-3);
  const adam = optimizers.adam(rate);

  const start = (key: NDArray) => {
    const { params } = init(random.foldIn(key, 0), [-1, size[0] * size[1]]);
    return { params, optimizer: adam.init(params), key: random.foldIn(key, 1) };
  };
  type State = ReturnType<typeof start>;

  // The next state takes the place of the old one in memory.
  const step = jit(
    ({ params, optimizer, key }: State, { x, y }: Batch): readonly [State, NDArray] => {
      const moved: Batch = { x: shift(random.foldIn(key, 0), x, size, 2), y };
      const [value, gradient] = valueAndGrad(loss)(params, moved, random.foldIn(key, 1));
      const [updates, next] = adam.update(gradient, optimizer, params);
      return [{ params: optimizers.applyUpdates(params, updates), optimizer: next, key: random.foldIn(key, 2) }, value];
    },
    { donate: [0] },
  );
  return { start, step };
}
