/**
 * The worker: it draws the digits, trains, and reports. It is one loop that looks, between steps, at what the page wants:
 * nothing happens at the same time as anything else, and the page never waits.
 */
import { devicePutAsync, numpy as np, random, requestDevice, setDefaultDevice } from 'cotangent';
import type { NDArray } from 'cotangent';
import { drawDigits, sliceImages } from 'cotangent/data';
import type { LabelledImages } from 'cotangent/data';
import { SHOWN, SIDE } from './messages.js';
import type { Ready, Report, Wanted } from './messages.js';
import { BATCH, NETWORKS, trainer } from './networks.js';
import type { Data } from './networks.js';

const TRAIN = 6000;
const TEST = 500;
/** How often to report and to evaluate, in milliseconds. */
const REPORT = 100;
const EVALUATE = 500;

const wanted: Wanted = { network: 'mlp', device: 'cpu', paused: false, run: 0, drawing: null };
let wake = (): void => undefined;
self.onmessage = ({ data }: MessageEvent<Partial<Wanted>>) => {
  Object.assign(wanted, data);
  wake();
};
const report = (message: Report): void => self.postMessage(message);
/** Messages come in between tasks. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const nextMessage = (): Promise<void> => new Promise((resolve) => (wake = resolve));

/** Images and labels as arrays on the default device. */
function arrays({ count, pixels, labels }: LabelledImages): Data {
  const grey = Float32Array.from(pixels, (value) => value / 255);
  return { x: np.array(grey, { shape: [count, SIDE, SIDE, 1] }), y: np.array(Int32Array.from(labels)) };
}

/** The GPU's name, or why there is none. */
async function findGpu(): Promise<Ready['gpu']> {
  try {
    const gpu = await requestDevice('webgpu');
    return { name: gpu.description };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

/** The mean of some numbers that only the device knows yet. */
const mean = async (losses: readonly NDArray[]): Promise<number> => {
  const values = await Promise.all(losses.map((loss) => loss.data()));
  return values.reduce((sum, [value = 0]) => sum + value, 0) / losses.length;
};

async function main(): Promise<void> {
  const gpu = await findGpu();
  wanted.device = 'name' in gpu ? 'webgpu' : 'cpu';
  const images = { train: drawDigits({ count: TRAIN, seed: 1 }), test: drawDigits({ count: TEST, seed: 2 }) };
  const { pixels, labels } = sliceImages(images.test, 0, SHOWN);
  report({ kind: 'ready', device: wanted.device, gpu, pixels, labels });

  let run = 0;
  let device: Wanted['device'] | undefined;
  let drawing: Wanted['drawing'] = null;
  let data = { train: arrays(images.train), test: arrays(images.test) };
  let net = trainer(NETWORKS[wanted.network]);
  let state = net.start(random.key(run));
  let seen = 0;
  /** Steps between two reports: as many as the device does in that time. */
  let steps = 1;
  let evaluateAt = 0;

  /** Loss, throughput, and how many steps there shall be to the next report. */
  async function train(): Promise<void> {
    const begin = performance.now();
    const losses: NDArray[] = [];
    for (let i = 0; i < steps; i++) {
      const [next, loss] = net.step(state, data.train);
      state = next;
      losses.push(loss);
    }
    const loss = await mean(losses);
    const seconds = (performance.now() - begin) / 1000;
    seen += BATCH * steps;
    report({ kind: 'progress', run, seen, loss, imagesPerSecond: (BATCH * steps) / seconds });
    steps = Math.max(1, Math.min(2 * steps, Math.round((steps * REPORT) / 1000 / seconds)));
  }

  async function evaluate(): Promise<void> {
    const begin = performance.now();
    const [classes, filters] = await Promise.all([
      net.classify(state.params, data.test.x).data(),
      net.filters(state.params).data(),
    ]);
    const right = Array.from(classes).filter((guess, at) => guess === images.test.labels[at]).length;
    const guesses = Uint8Array.from(classes.subarray(0, SHOWN));
    report({ kind: 'evaluated', run, seen, accuracy: right / TEST, guesses, filters: Float32Array.from(filters) });
    // At most a fifth of the time.
    evaluateAt = performance.now() + Math.max(EVALUATE, 4 * (performance.now() - begin));
  }

  async function recognise(pixels: Float32Array): Promise<void> {
    const x = np.array(pixels, { shape: [1, SIDE, SIDE, 1] });
    const probabilities = await net.probabilities(state.params, x).data();
    report({ kind: 'recognised', probabilities: Float32Array.from(probabilities) });
  }

  while (true) {
    const message = nextMessage();
    const isNew = run !== wanted.run;
    if (device !== wanted.device) {
      device = wanted.device;
      setDefaultDevice(await requestDevice(device));
      data = { train: arrays(images.train), test: arrays(images.test) };
      state = await devicePutAsync(state);
      [steps, evaluateAt] = [1, 0];
    }
    if (isNew) {
      run = wanted.run;
      net = trainer(NETWORKS[wanted.network]);
      state = net.start(random.key(run));
      [seen, steps, evaluateAt] = [0, 1, 0];
    }
    const evaluating = performance.now() >= evaluateAt;
    if (evaluating) await evaluate();
    if (wanted.drawing !== null && (evaluating || wanted.drawing !== drawing)) await recognise(wanted.drawing);
    drawing = wanted.drawing;
    if (wanted.paused) await message;
    else await train();
    await nextTask();
  }
}

main().catch((error: unknown) => {
  report({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
});
