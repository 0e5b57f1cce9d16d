/**
 * Trains a classifier of handwritten digits through the whole stack, and checks the gradients of the very loss it
 * trained. `npm start -- --help` says which options there are.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as TE from 'fp-ts/lib/TaskEither.js';
import { pipe } from 'fp-ts/lib/function.js';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { random, ravelPytree, tree } from 'cotangent';
import type { NDArray } from 'cotangent';
import { batches, drawDigits, imageArrays } from 'cotangent/data';
import { history, meter, progressBar, run, tap, toCsv, trainWith } from 'cotangent/train';
import { percent } from '../lib/percent.js';
import { readDirectory } from '../lib/idx-files.js';
import type { Split } from '../lib/idx-files.js';
import { checkProducts } from './gradient-check.js';
import type { Checked, Part } from './gradient-check.js';
import { accuracy, classify, loss, predict, trainer } from './model.js';
import type { Batch, Params } from './model.js';
import { parseOptions, USAGE } from './options.js';
import type { Options } from './options.js';
import { curvesSvg, lossInTerminal, predictionsSvg } from './pictures.js';
import type { Evaluated, Measured } from './pictures.js';

const BATCH = 64;
const DRAWN = { train: 6000, test: 1000 };
/** Largest relative disagreement of the ways to a derivative that still passes. */
const TOLERANCE = 1e-6;

/** The data set: read if a directory is given, else drawn. */
function load({ data, seed }: Options): TE.TaskEither<string, Split> {
  if (data !== undefined) return readDirectory(data);
  return TE.fromIO(() => ({
    train: drawDigits({ count: DRAWN.train, seed: 2 * seed }),
    test: drawDigits({ count: DRAWN.test, seed: 2 * seed + 1 }),
    source: 'drawn here (give --data DIR to read real ones)',
  }));
}

const makeDirectory = (path: string): TE.TaskEither<string, unknown> =>
  TE.tryCatch(
    () => mkdir(path, { recursive: true }),
    (reason) => `--out ${path}: cannot be made (${reason instanceof Error ? reason.message : String(reason)}).`,
  );

interface Run {
  readonly params: Params;
  readonly steps: readonly Measured[];
  readonly epochs: readonly Evaluated[];
}

/** The training loop. */
async function train(
  trainSet: Batch,
  testSet: Batch,
  size: readonly [number, number],
  { epochs, seed }: Options,
): Promise<Run> {
  const key = random.key(seed);
  const batchSize = Math.min(BATCH, trainSet.x.length);
  const shuffled = batches(trainSet, { size: batchSize, key: random.foldIn(key, 1), epochs, dropRemainder: true });
  const { start, step } = trainer({ size, steps: shuffled.length });
  const smooth = meter({ steps: shuffled.length, start: 0 });
  const measured = history<Measured>();
  const evaluated = history<Evaluated>();

  const last = await pipe(
    shuffled,
    trainWith(step, start(random.foldIn(key, 0))),
    tap(progressBar({ batchSize, unit: 'images' })),
    tap(({ step: n, epoch = 1, state: { params }, metrics }) => {
      const value = Number(metrics.loss);
      const { loss: smoothedLoss } = smooth({ items: batchSize, time: n, loss: value });
      measured.record({ step: n, epoch, loss: value, smoothedLoss });
      if (n % shuffled.perEpoch !== 0) return;
      evaluated.record({ epoch, train: Number(accuracy(params, trainSet)), test: Number(accuracy(params, testSet)) });
    }),
    run,
  );
  return { params: last.state.params, steps: measured.rows, epochs: evaluated.rows };
}

/** Checks the Jacobian-gradient products of the loss, and of the log-probabilities under it, where training ended. */
function checkGradients(params: Params, { x, y }: Batch, seed: number): { title: string; checks: Checked[] }[] {
  const exact = tree.map((leaf: NDArray) => leaf.astype('float64'), params);
  const [theta, unravel] = ravelPytree(exact);
  const few: Batch = { x: x.slice([0, 16]).astype('float64'), y: y.slice([0, 16]) };

  const parts: Part[] = [{ name: 'all parameters', start: 0, stop: theta.size }];
  let start = 0;
  for (const [path, { size }] of tree.leavesWithPath<NDArray>(exact)) {
    parts.push({ name: tree.showPath(path, 'params'), start, stop: start + size });
    start += size;
  }
  const key = random.key(seed);
  return [
    { title: 'the loss', checks: checkProducts((t) => loss(unravel(t), few), theta, parts, random.foldIn(key, 2)) },
    {
      title: 'log-probabilities',
      checks: checkProducts((t) => predict(unravel(t), few.x), theta, parts, random.foldIn(key, 3)),
    },
  ];
}

function printChecks(title: string, checks: readonly Checked[]): void {
  const cell = (value: number): string => value.toExponential(8).padStart(16);
  console.log(
    `\n  ${title.padEnd(20)} ${'⟨c, Jv⟩ (jvp)'.padStart(16)} ${'⟨Jᵀc, v⟩ (vjp)'.padStart(16)} ${'differences'.padStart(16)}    error`,
  );
  for (const { direction, forward, reverse, difference, error } of checks) {
    const verdict = error <= TOLERANCE ? '' : '  OFF';
    console.log(
      `  ${direction.padEnd(20)} ${cell(forward)} ${cell(reverse)} ${cell(difference)}  ${error.toExponential(0)}${verdict}`,
    );
  }
}

/** Trains, reports and checks; whether all is as it should be. */
async function main(options: Options, { train: trainImages, test: testImages, source }: Split): Promise<boolean> {
  const begin = performance.now();
  console.log(`Digits: ${trainImages.count} to train on, ${testImages.count} to test on, ${source}.`);
  const [trainSet, testSet] = [imageArrays(trainImages), imageArrays(testImages)];
  const { params, steps, epochs } = await train(trainSet, testSet, [trainImages.height, trainImages.width], options);

  console.log(`\nLoss, smoothed, over ${steps.length} steps of ${Math.min(BATCH, trainImages.count)} images:\n`);
  console.log(lossInTerminal(steps, (process.stdout.isTTY ? Math.min(86, process.stdout.columns) : 86) - 14));

  const files = {
    'loss.svg': await curvesSvg(steps, epochs),
    'predictions.svg': await predictionsSvg(testImages, classify(params, testSet.x).dataSync()),
    'loss.csv': toCsv(steps),
    'accuracy.csv': toCsv(epochs),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(options.out, name), text);
  console.log(`\nWritten to ${options.out}/: ${Object.keys(files).join(', ')}`);

  const { train: trainAccuracy = 0, test: testAccuracy = 0 } = epochs.at(-1) ?? {};
  console.log(`\nAccuracy on training images: ${percent(trainAccuracy, 2)}`);
  console.log(`Accuracy on test images:     ${percent(testAccuracy, 2)}`);
  const learned = 100 * testAccuracy >= options.require;
  if (!learned) console.log(`TOO FEW: --require asks for ${options.require} %.`);

  console.log('\nJacobian-gradient products at the trained parameters, in float64, against central differences:');
  const tables = checkGradients(params, testSet, options.seed);
  for (const { title, checks } of tables) printChecks(title, checks);
  const worst = Math.max(...tables.flatMap(({ checks }) => checks.map(({ error }) => error)));
  const passed = worst <= TOLERANCE;
  console.log(
    `\n  ${passed ? 'They agree' : 'THEY DO NOT AGREE'}: the largest relative error is ${worst.toExponential(1)}, ` +
      `${passed ? 'within' : 'beyond'} ${TOLERANCE}.`,
  );
  console.log(`\nDone in ${((performance.now() - begin) / 1000).toFixed(1)} s.`);
  return learned && passed;
}

const options = parseOptions(process.argv.slice(2));
if (E.isLeft(options)) {
  console.error(`${options.left}\n\n${USAGE}`);
  process.exitCode = 2;
} else if (options.right.help) {
  console.log(USAGE);
} else {
  // What can fail for want of a file fails before the training, not after it.
  const data = await pipe(
    makeDirectory(options.right.out),
    TE.flatMap(() => load(options.right)),
  )();
  if (E.isLeft(data)) console.error(data.left);
  const passed = E.isRight(data) && (await main(options.right, data.right));
  if (!passed) process.exitCode = 1;
}
