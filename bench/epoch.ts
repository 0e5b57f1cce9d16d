/**
 * An epoch of MNIST-sized images, `npm run bench:epoch`: 9,000 images of 28 × 28 in shuffled batches of 128, gathered, through the convolutional
 * networks of the examples with dropout and Adam, here and in PyTorch, both with two threads, in alternating rounds of one run.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { losses, optimizers, random, setThreads, stax } from '../src/index.js';
import type { NDArray } from '../src/index.js';
import { batches } from '../src/data/index.js';
import { minimize } from '../src/train/index.js';
import type { LossContext } from '../src/train/index.js';
import { findTorch } from './lib/torch-host.js';

const [IMAGES, BATCH, THREADS, ROUNDS] = [9000, 128, 2, 5];
const { Conv2d, Dense, Dropout, Flatten, MaxPool, Relu, serial } = stax;

const data = {
  x: random.uniform(random.key(0), [IMAGES, 28, 28, 1]),
  y: random.randint(random.key(1), [IMAGES], 0, 10),
};

/** A function that trains for an epoch and gives the milliseconds that it took. */
function trainer(features: number): (epoch: number) => Promise<number> {
  const [init, apply] = serial(
    Conv2d(32, 3), Relu, MaxPool(), Conv2d(features, 3), Relu, MaxPool(), Flatten, Dropout(0.5), Dense(10),
  ); // prettier-ignore
  const { params } = init(random.key(2), [-1, 28, 28, 1]);
  const loss = (p: typeof params, { x, y }: typeof data, context: LossContext): NDArray =>
    losses.crossEntropyWithLogits(apply(p, x, context), y);
  const { start, step } = minimize(loss, optimizers.adam(2e-3));
  let state = start({ params });
  return async (epoch) => {
    const begin = performance.now();
    let last: NDArray | undefined;
    for (const batch of batches(data, { size: BATCH, key: random.key(epoch) })) {
      const [next, metrics] = step(state, batch);
      [state, last] = [next, metrics['loss']];
    }
    await last?.data();
    return performance.now() - begin;
  };
}

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;

const python = findTorch();
if (python === undefined) {
  console.log('PyTorch is not here (Debian: apt-get install python3-torch libopenblas0).');
} else {
  setThreads(THREADS);
  const script = fileURLToPath(new URL('epoch_torch.py', import.meta.url));
  console.log(`An epoch of ${IMAGES} images, batch ${BATCH}, ${THREADS} threads, median of ${ROUNDS} after a first:\n`);
  for (const features of [16, 64]) {
    const child = spawn(python, ['-P', script, String(features), String(THREADS)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const theirs = async (): Promise<number> => {
      child.stdin.write('epoch\n');
      return Number((await lines.next()).value);
    };
    const ours = trainer(features);
    const times: { ours: number; theirs: number }[] = [];
    for (let round = 0; round <= ROUNDS; round++) times.push({ ours: await ours(round), theirs: await theirs() });
    child.stdin.end();
    const [a, b] = [median(times.slice(1).map((t) => t.ours)), median(times.slice(1).map((t) => t.theirs))];
    console.log(
      `32 and ${String(features).padStart(2)} features: cotangent ${a.toFixed(0)} ms, PyTorch ${b.toFixed(0)} ms: ${(a / b).toFixed(2)} times its time`,
    );
  }
}
