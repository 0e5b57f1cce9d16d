/** The two networks of the page and how they are trained: pure functions, the same on the CPU and on a GPU. */
import { jit, lax, nn, numpy as np, optimizers, random, stax, valueAndGrad } from 'cotangent';
import type { NDArray } from 'cotangent';
import { CLASSES, FILTERS, SIDE } from './messages.js';

/** Images [count, 28, 28, 1] with values in [0, 1], and their labels. */
export interface Data {
  readonly x: NDArray;
  readonly y: NDArray;
}

/** Images in a training step. */
export const BATCH = 64;

/** A convolution that keeps the size of the image. A layer is a pair of functions, so one's own is as good as stax's. */
const Conv = (features: number, size: number) =>
  stax.layer<stax.DenseParams>(
    (key, [batch = -1, height = -1, width = -1, channels = -1]) => ({
      outputShape: [batch, height, width, features],
      params: { W: stax.heNormal()(key, [size, size, channels, features]), b: np.zeros([features]) },
    }),
    ({ W, b }, x) =>
      lax.convGeneralDilated(x, W, { padding: 'SAME', dimensionNumbers: ['NHWC', 'HWIO', 'NHWC'] }).add(b),
    'Conv',
  );

/** The largest of each 2 × 2 pixels, or 0 if they are all negative. */
const ReluPool = stax.layer<stax.NoParams>(
  (_key, [batch = -1, height = -1, width = -1, channels = -1]) => ({
    outputShape: [batch, Math.floor(height / 2), Math.floor(width / 2), channels],
    params: [],
  }),
  (_params, x) => nn.relu(nn.maxPool(x, [2, 2], { strides: [2, 2] })),
  'ReluPool',
);

const { Dense, Flatten, Identity, LogSoftmax, Relu } = stax;
const mlp = stax.serial(Flatten, Dense(128), Relu, Identity, Dense(64), Relu, Identity, Dense(CLASSES), LogSoftmax);
type Network = typeof mlp;
type Params = ReturnType<Network[0]>['params'];
/** With as many layers of the same kinds of parameters, it has the same type; that is all that `Identity` is for. */
const cnn: Network = stax.serial(
  Identity,
  Conv(16, 5),
  ReluPool,
  Identity,
  Conv(16, 3),
  ReluPool,
  Flatten,
  Dense(CLASSES),
  LogSoftmax,
);
export const NETWORKS = { mlp, cnn };
export type NetworkName = keyof typeof NETWORKS;

/** Images moved by up to two pixels, in each step elsewhere: they show the same digits, and are harder to learn by heart. */
function shift(key: NDArray, x: NDArray): NDArray {
  const by = random.randint(key, [2], 0, 5);
  const padded = np.pad(
    x,
    [0, 2, 2, 0].map((margin) => [margin, margin] as const),
  );
  return lax.dynamicSlice(padded, [0, by.slice(0), by.slice(1), 0], x.shape);
}

const adam = optimizers.adam(2e-3);

/** How training with a network begins, goes on and is looked at; each function is one compiled program. */
export function trainer([init, predict]: Network) {
  const start = jit((key: NDArray) => {
    const { params } = init(random.foldIn(key, 0), [-1, SIDE, SIDE, 1]);
    return { params, optimizer: adam.init(params), key: random.foldIn(key, 1) };
  });
  type State = ReturnType<typeof start>;

  /** Cross-entropy, the mean over the batch of -log p(label). */
  const loss = (params: Params, { x, y }: Data): NDArray =>
    predict(params, x).mul(nn.oneHot(y, CLASSES)).sum(-1).mean().neg();

  /** One step, on images drawn at random: the next state, which takes the place of the old one in memory, and the loss. */
  const step = jit(
    ({ params, optimizer, key }: State, { x, y }: Data): readonly [State, NDArray] => {
      const rows = random.randint(random.foldIn(key, 0), [BATCH], 0, y.length);
      const batch = { x: shift(random.foldIn(key, 1), np.take(x, rows, 0)), y: np.take(y, rows, 0) };
      const [value, gradient] = valueAndGrad(loss)(params, batch);
      const [updates, next] = adam.update(gradient, optimizer, params);
      return [{ params: optimizers.applyUpdates(params, updates), optimizer: next, key: random.foldIn(key, 2) }, value];
    },
    { donate: [0] },
  );

  const probabilities = jit((params: Params, x: NDArray): NDArray => np.exp(predict(params, x)));
  const classify = jit((params: Params, x: NDArray): NDArray => np.argmax(predict(params, x), -1));
  /** What the first `count` units of the first layer look for, a row of pixels each. */
  const filters = jit((params: Params): NDArray => {
    const { W } = params[1];
    return W.reshape([-1, W.shape.at(-1) ?? 1]).T.slice([0, FILTERS]);
  });
  return { start, step, probabilities, classify, filters };
}
