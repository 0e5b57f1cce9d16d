/**
 * Augmentation of images as pure functions of a key, drawn and used.
 *
 * A picture of what each augmentation of `cotangent/data` does to a digit, under several keys: `out/augmentation.svg`. Then
 * the same network learns from 300 digits twice, as they are and augmented anew in every step, and is tested on 2000
 * others. What it sees while it trains is one compiled program: augmentation, gradient and update.
 *
 *     npm run example augmentation
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { encode } from 'fast-png';
import { jit, nn, numpy as np, optimizers, random, stax, valueAndGrad } from 'cotangent';
import type { NDArray } from 'cotangent';
import { augment, drawDigits, imageArrays } from 'cotangent/data';
import { percent } from './lib/percent.js';
import { toSvg } from './lib/plot.js';

const SIDE = 28;
const [TRAIN, TEST, STEPS, BATCH] = [300, 2000, 600, 100];

/** Digits as images [count, 28, 28, 1] and their labels. */
function digits(count: number, seed: number): { x: NDArray; y: NDArray } {
  const { x, y } = imageArrays(drawDigits({ count, seed }));
  return { x: x.reshape([count, SIDE, SIDE, 1]), y };
}

const natural = augment.affine({
  rotation: { degrees: 12 },
  shear: 0.15,
  shift: { height: 0.08, width: 0.08 },
  zoom: [0.85, 1.1],
});
const COLUMNS: Record<string, augment.Augmentation> = {
  'as it is': augment.compose(),
  flipLeftRight: augment.flipLeftRight(),
  flipUpDown: augment.flipUpDown(),
  rotation: augment.rotation({ degrees: 40 }),
  shift: augment.shift({ height: 0.25, width: 0.25 }),
  zoom: augment.zoom([0.5, 1.5]),
  affine: natural,
  crop: augment.crop(20),
  brightness: augment.brightness(0.5),
  contrast: augment.contrast([0.2, 1]),
  gaussianNoise: augment.gaussianNoise(0.2),
  cutout: augment.cutout(12, { fillValue: 0.5 }),
  compose: augment.compose(natural, augment.cutout(8), augment.gaussianNoise(0.1)),
};
const ROWS = 5;
const compiled = Object.entries(COLUMNS).map(([name, f]) => [name, jit(f)] as const);

/** What becomes of a digit: for each column, as many images as there are rows, all under keys made of one. */
function pictures(key: NDArray): Map<string, NDArray> {
  const some = drawDigits({ count: 40, seed: 5 });
  const first = [...some.labels].indexOf(2);
  const x = imageArrays(some).x.reshape([40, SIDE, SIDE, 1]);
  const same = np.repeat(x.slice([first, first + 1]), ROWS, 0);
  const made = compiled.map(([name, f], n): [string, NDArray] => [name, f(random.foldIn(key, n), same)]);
  // Digits to mix: another one in each row.
  const batch = { x: x.slice([0, ROWS]), y: nn.oneHot(np.array(some.labels.slice(0, ROWS), 'int32'), 10) };
  return new Map([...made, ['mixup', augment.mixup(1)(key, batch).x]]);
}

/** A grey image as a data URL, ink dark on light. */
function dataUrl(image: NDArray): string {
  const [height = 0, width = 0] = image.shape;
  const data = Uint8Array.from(image.dataSync(), (v) => Math.round(255 * (1 - Math.min(1, Math.max(0, v)))));
  const png = encode({ width, height, data, channels: 1, depth: 8 });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}

const drawn = pictures(random.key(3));
const values = [...drawn].flatMap(([column, images]) =>
  Array.from({ length: ROWS }, (_, row) => ({ column, row, image: dataUrl(images.slice(row)) })),
);
const cell = 76;
const svg = await toSvg({
  title: 'What augmentations make of a digit; each row is another image of the batch',
  data: { values },
  width: cell * drawn.size,
  height: cell * ROWS,
  view: { stroke: null },
  encoding: {
    x: {
      field: 'column',
      type: 'ordinal',
      sort: null,
      axis: { orient: 'top', title: null, labelAngle: 0, ticks: false, domain: false },
    },
    y: { field: 'row', type: 'ordinal', axis: null },
  },
  layer: [
    { mark: { type: 'image', width: 64, height: 64 }, encoding: { url: { field: 'image', type: 'nominal' } } },
    { mark: { type: 'square', size: 64 ** 2, filled: false, color: '#ccc', strokeWidth: 1, opacity: 1 } },
  ],
});
await mkdir('out', { recursive: true });
await writeFile('out/augmentation.svg', svg);
console.log(`Written to out/augmentation.svg: ${drawn.size} augmentations, ${ROWS} images each.\n`);

// A key is all there is to it: the same one draws the same pictures.
const again = pictures(random.key(3));
const others = pictures(random.key(1));
for (const [name, images] of drawn) {
  assert.deepEqual(again.get(name)?.js(), images.js());
  if (name !== 'as it is') assert.notDeepEqual(others.get(name)?.js(), images.js(), name);
}

const [init, predict] = stax.serial(stax.Flatten, stax.Dense(128), stax.Relu, stax.Dense(10), stax.LogSoftmax);
const train = digits(TRAIN, 1);
const test = digits(TEST, 2);

/** The share of test digits that a network is right about, which learned from images that `f` changed. */
function accuracyWith(f: augment.Augmentation): number {
  let { params } = init(random.key(0), [-1, SIDE, SIDE, 1]);
  const opt = optimizers.adam(1e-3);
  let state = opt.init(params);
  const step = jit((p: typeof params, s: typeof state, key: NDArray) => {
    const [forBatch, forImages] = random.spawn(key);
    const rows = random.randint(forBatch, [BATCH], 0, TRAIN);
    const x = f(forImages, np.take(train.x, rows, 0));
    const y = nn.oneHot(np.take(train.y, rows), 10);
    const loss = (q: typeof params): NDArray => np.mean(np.sum(predict(q, x).mul(y), 1)).neg();
    const [, gradient] = valueAndGrad(loss)(p);
    const [updates, next] = opt.update(gradient, s, p);
    return [optimizers.applyUpdates(p, updates), next] as const;
  });
  for (let n = 0; n < STEPS; n++) [params, state] = step(params, state, random.foldIn(random.key(7), n));
  const right = np.equal(np.argmax(predict(params, test.x), 1), test.y);
  return Number(right.astype('float32').mean().item());
}

const plain = accuracyWith(augment.compose());
const augmented = accuracyWith(natural);
console.log(`Accuracy on ${TEST} digits after learning from ${TRAIN}:\n`);
console.log(`  as they are  ${percent(plain)}\n  augmented    ${percent(augmented)}`);
assert.ok(augmented > plain + 0.02, `augmentation: ${percent(plain)} to ${percent(augmented)}`);
