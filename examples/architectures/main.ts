/**
 * Five networks of the history of image classification, written layer by layer with `stax`, a file for each: AlexNet, VGG16,
 * ResNet-18, ResNet-50, Inception v3.
 *
 * - Their parameters are as many as published, and their stages have the published shapes: `stax.countParams` and
 *   `stax.summary` trace `init`, and no array is made.
 * - At full width and resolution each says of an image how probable each of 1000 classes is. The weights are random: what can be
 *   seen is that the probabilities sum to 1, and how long it takes.
 * - At an eighth of the width and with small images, one compiled step of gradient descent, the running averages of batch
 *   normalisation threaded through it, lowers the loss of its batch.
 *
 *     npm run example architectures
 */
import assert from 'node:assert/strict';
import { jit, NDArray, nn, numpy as np, optimizers, random, stax, valueAndGrad } from 'cotangent';
import { alexNet } from './alexnet.js';
import { inceptionV3 } from './inception.js';
import type { Net, Size } from './parts.js';
import { resNet18, resNet50 } from './resnet.js';
import { vgg16 } from './vgg.js';

type AnyNet = Net | stax.Layer<object>;

/** Some tree of arrays: of which structure is the network's business. */
type Arrays = Readonly<Record<string, NDArray>>;

interface Published {
  readonly make: (size?: Size) => AnyNet;
  readonly params: number;
  /** Pixels along a side of an image. */
  readonly side: number;
  /** What is left at each resolution: pixels along a side x features. */
  readonly stages: string;
  /** Pixels along a side for the step of training. */
  readonly small: number;
}

const NETWORKS: Readonly<Record<string, Published>> = {
  // 61.0 million without the groups would be 62,378,344.
  AlexNet: {
    make: (size) => stax.erase(alexNet(size)),
    params: 60_965_224,
    side: 224,
    stages: '55x96 27x256 13x256 6x256',
    small: 64,
  },
  // The papers' tables; the counts of PyTorch's torchvision.
  VGG16: {
    make: (size) => stax.erase(vgg16(size)),
    params: 138_357_544,
    side: 224,
    stages: '224x64 112x128 56x256 28x512 14x512 7x512',
    small: 32,
  },
  'ResNet-18': { make: resNet18, params: 11_689_512, side: 224, stages: '112x64 56x64 28x128 14x256 7x512', small: 64 },
  'ResNet-50': {
    make: resNet50,
    params: 25_557_032,
    side: 224,
    stages: '112x64 56x256 28x512 14x1024 7x2048',
    small: 64,
  },
  'Inception v3': {
    make: inceptionV3,
    params: 23_834_568,
    side: 299,
    stages: '149x32 147x64 73x80 71x192 35x288 17x768 8x2048',
    small: 75,
  },
};

/** The last shape at each resolution, from the table of the network. */
function stagesOf(net: AnyNet, side: number): string {
  const rows = stax.summary(net, [-1, side, side, 3], { depth: 0 }).matchAll(/\[batch, (\d+), \1, (\d+)\] +[\d,]+$/gm);
  return [...new Map([...rows].map(([, pixels, features]) => [pixels, `${pixels}x${features}`])).values()].join(' ');
}

/** Parameters and state of a network. */
function begin(net: AnyNet, key: NDArray, shape: readonly number[]): { params: Arrays; state: Arrays | null } {
  const { params, state = null } = net[0](key, shape);
  return { params: params as Arrays, state: state as Arrays | null };
}

/** Output and next state, which of a network without state is null. */
function run(
  net: AnyNet,
  params: object,
  state: Arrays | null,
  x: NDArray,
  context: stax.Context = {},
): readonly [output: NDArray, state: Arrays | null] {
  // A network that was initialized without a state does not look for one.
  const result: NDArray | readonly [NDArray, object] = net[1](params, x, { ...context, state: state as object });
  return result instanceof NDArray ? [result, null] : [result[0], result[1] as Arrays];
}

/** Milliseconds that f takes, and its result. */
function timed<R>(f: () => R): readonly [ms: number, result: R] {
  const start = performance.now();
  const result = f();
  return [performance.now() - start, result];
}

/** Milliseconds of classifying one image at full width. */
function classify({ make, side }: Published): number {
  const net = make();
  const image = random.uniform(random.key(1), [1, side, side, 3]);
  const { params, state } = begin(net, random.key(0), image.shape);
  const forward = jit((p: Arrays, s: Arrays | null, x: NDArray) => np.exp(run(net, p, s, x)[0]));
  // The first call compiles.
  forward(params, state, image).dataSync();
  const [ms, probabilities] = timed(() => forward(params, state, image).dataSync());
  assert.equal(probabilities.length, 1000);
  const sum = [...probabilities].reduce((a, b) => a + b);
  // A thousand float32, each rounded.
  assert.ok(Math.abs(sum - 1) < 1e-4, `the probabilities sum to ${sum}`);
  return ms;
}

/** The loss of a batch of 8 small images before and after one step of gradient descent on it. */
function train({ make, small }: Published): readonly [before: number, after: number] {
  const net = make({ width: 1 / 8, classes: 10 });
  const [kInit, kImages, kDropout] = random.spawn(random.key(2), 3);
  const x = random.uniform(kImages, [8, small, small, 3]);
  const y = nn.oneHot(np.arange(8), 10);
  const { params, state } = begin(net, kInit, x.shape);
  // At their random start these networks are steep (the gradient of Inception v3 has norm 1600 here): the step has length 0.001 at most.
  const sgd = optimizers.chain(optimizers.clipByGlobalNorm(1), optimizers.sgd(1e-3));

  const loss = (p: Arrays, s: Arrays | null) => {
    const [logP, next] = run(net, p, s, x, { mode: 'train', key: kDropout });
    return [logP.mul(y).sum(1).mean().neg(), next] as const;
  };
  const step = jit((p: Arrays, s: Arrays | null) => {
    const [[value, next], gradient] = valueAndGrad(loss, { hasAux: true })(p, s);
    const [updates] = sgd.update(gradient, sgd.init(p), p);
    return [optimizers.applyUpdates(p, updates), next, value] as const;
  });
  const [better, next, before] = step(params, state);
  const [, , after] = step(better, next);
  return [Number(before.item()), Number(after.item())];
}

const thousands = (n: number): string => n.toLocaleString('en');
console.log('network        parameters  stages, pixels x features                          forward   loss of a step');
for (const [name, published] of Object.entries(NETWORKS)) {
  const { make, params, side, stages } = published;
  const net = make();
  assert.equal(stax.countParams(net, [-1, side, side, 3]), params, name);
  assert.equal(stagesOf(net, side), stages, name);
  const ms = classify(published);
  const [before, after] = train(published);
  console.log(
    `${name.padEnd(13)} ${thousands(params).padStart(11)}  ${stages.padEnd(48)} ${ms.toFixed(0).padStart(5)} ms   ` +
      `${before.toFixed(4)} -> ${after.toFixed(4)}`,
  );
  assert.ok(after < before, `${name}: the step took the loss from ${before} to ${after}`);
}
console.log(
  '\nThe parameters are as many as published, and one step of each, at an eighth of the width, lowers the loss.',
);
