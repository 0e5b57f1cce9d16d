/**
 * Transfer learning: a convolutional network learns the digits 0 to 4; its body is frozen, gets a new head, and learns 5 to 9 from a few examples
 * of each; then all of it is trained a little, at a smaller rate. Against the same network from scratch, on the same few examples.
 *
 *     npm run example transfer-learning
 *     npm run example transfer-learning -- --data DIR
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { pipe } from 'fp-ts/lib/function.js';
import { losses, metrics, numpy as np, optimizers, random, stax } from 'cotangent';
import type { NDArray } from 'cotangent';
import { augment, batches } from 'cotangent/data';
import { checkFinite, minimize, progressBar, run, tap, trainWith } from 'cotangent/train';
import type { LossContext } from 'cotangent/train';
import { percent } from './lib/percent.js';
import { loadDigits } from './lib/data.js';
import type { Digits } from './lib/data.js';
import { toSvg } from './lib/plot.js';

const { Conv2d, Dense, Dropout, Flatten, MaxPool, Relu, serial } = stax;
const COUNTS = [10, 30, 100];
const SEEDS = [0, 1, 2];

/** The images of some classes, numbered from 0; at most `each` of every class, in an order that a seed decides. */
function only(digits: Digits, classes: readonly number[], each = Infinity, seed = 0): Digits {
  const labels = digits.y.dataSync();
  const order = random.permutation(random.key(seed), labels.length).dataSync();
  const chosen = classes.flatMap((c) => Array.from(order).filter((i) => labels[i] === c).slice(0, each)); // prettier-ignore
  const rows = np.array(chosen, { dtype: 'int32' });
  return { x: np.take(digits.x, rows, 0), y: np.take(digits.y, rows, 0).sub(classes[0] ?? 0) };
}

const body = serial(Conv2d(16, 3), Relu, MaxPool(), Conv2d(32, 3), Relu, MaxPool(), Flatten, Dropout(0.5));
const head = Dense(5);
// The same parameters fit both: of the second, no gradient reaches those of the body.
const whole = serial(body, head);
const frozen = serial(stax.freeze(body), head);
type Params = ReturnType<(typeof whole)[0]>['params'];

// Many digits to learn from may be varied too.
const moved = augment.affine({ rotation: { degrees: 15 }, shear: 0.2, shift: { height: 0.1, width: 0.1 }, zoom: [0.8, 1.2] }); // prettier-ignore

/** Trains a network from given parameters; `vary` draws the images anew in each step, and a bar is shown. */
async function fit(
  [, apply]: typeof whole,
  params: Params,
  data: Digits,
  { rate, epochs, vary = false }: { rate: number; epochs: number; vary?: boolean },
): Promise<Params> {
  const loss = (p: Params, { x, y }: Digits, context: LossContext): NDArray =>
    losses.crossEntropyWithLogits(apply(p, vary ? moved(random.foldIn(context.key, 1), x) : x, context), y);
  const { start, step } = minimize(loss, optimizers.adam(rate));
  const size = Math.min(50, data.x.length);
  const { state } = await pipe(
    batches(data, { size, key: random.key(1), epochs }),
    trainWith(step, start({ params })),
    checkFinite(),
    vary ? tap(progressBar({ batchSize: size, unit: 'images' })) : (stream) => stream,
    run,
  );
  return state.params;
}
const accuracy = (params: Params, { x, y }: Digits): number => Number(metrics.accuracy(whole[1](params, x), y).item());

const { train, test } = await loadDigits();
const [low, high] = [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]; // prettier-ignore
const { params } = whole[0](random.key(0), [-1, 28, 28, 1]);
const pretrained = await fit(whole, params, only(train, low), { rate: 2e-3, epochs: 8, vary: true });
console.log(`\nThe digits 0 to 4: ${percent(accuracy(pretrained, only(test, low)))} of the test images.\n`);

const others = only(test, high);
const NAMES = ['frozen body, new head', 'then fine-tuned', 'from scratch'] as const;
const results: { examples: number; of: (typeof NAMES)[number]; accuracy: number }[] = [];
for (const examples of COUNTS) {
  for (const seed of SEEDS) {
    const few = only(train, high, examples, seed + 1);
    // A new head, for other classes.
    const fresh = whole[0](random.key(10 + seed), [-1, 28, 28, 1]).params;
    const started: Params = [pretrained[0], fresh[1]];
    const headOnly = await fit(frozen, started, few, { rate: 3e-3, epochs: 60 });
    assert.equal(Number(np.equal(headOnly[0][0].W, pretrained[0][0].W).all().item()), 1);
    const tuned = await fit(whole, headOnly, few, { rate: 3e-4, epochs: 30 });
    const scratch = await fit(whole, fresh, few, { rate: 1e-3, epochs: 60 });
    [headOnly, tuned, scratch].forEach((p, i) => {
      results.push({ examples, of: NAMES[i] ?? 'from scratch', accuracy: accuracy(p, others) });
    });
  }
}

const mean = (examples: number, of: string): number => {
  const list = results.filter((r) => r.examples === examples && r.of === of).map((r) => r.accuracy);
  return list.reduce((a, b) => a + b) / list.length;
};
console.log(`The digits 5 to 9, means of ${SEEDS.length} draws of the examples:\n`);
console.log(`  examples of each  ${NAMES.map((name) => name.padStart(22)).join('')}`);
for (const examples of COUNTS) {
  console.log(
    `  ${String(examples).padStart(16)}  ${NAMES.map((name) => percent(mean(examples, name)).padStart(22)).join('')}`,
  );
}

await mkdir('out', { recursive: true });
const values = COUNTS.flatMap((examples) => NAMES.map((of) => ({ examples, of, accuracy: 100 * mean(examples, of) })));
await writeFile(
  'out/transfer-learning.svg',
  await toSvg({
    title: 'Digits 5 to 9, after learning 0 to 4',
    width: 360,
    height: 240,
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: {
        field: 'examples',
        type: 'quantitative',
        title: 'examples of each class',
        scale: { type: 'log', domain: [8, 120] },
        axis: { values: COUNTS },
      },
      y: { field: 'accuracy', type: 'quantitative', title: 'test accuracy (%)', scale: { zero: false } },
      color: {
        field: 'of',
        title: null,
        scale: { domain: [...NAMES], range: ['#1b9e77', '#08519c', '#d95f02'] },
        legend: { orient: 'bottom-right', labelLimit: 0 },
      },
    },
  }),
);
console.log('\nWritten to out/transfer-learning.svg');
// With ten examples of each, what was learned of other digits is worth at least three points.
assert.ok(mean(10, 'then fine-tuned') > mean(10, 'from scratch') + 0.03);
