/** The measuring end, the same in a Node process and in a page: one library, one row, steps and their times. */
import { rows as cpuRows } from '../rows/index.js';
import { rows as gpuRows } from '../webgpu/rows.js';
import { loadCotangent } from './peers/cotangent.js';
import { loadJaxJs } from './peers/jax-js.js';
import { loadOrt } from './peers/ort.js';
import { loadTfjs } from './peers/tfjs.js';
import { sampleOf, type SetUp, type SetUpReply, type WarmReply } from './protocol.js';
import type { Row } from './row.js';

/** A row in one library, ready to step. */
export interface Stepper {
  readonly version: string;
  /** One step; libraries that only have asynchronous calls give a promise. */
  step(): unknown;
  /** Wait until the steps so far are done. */
  settle(): Promise<void>;
  /** The results of the last step. */
  read(): Promise<readonly ArrayLike<number>[]>;
}

/** Where a library finds its files. */
export interface Place {
  readonly browser: boolean;
  /** The folder or URL of a package's files, with a slash at the end. */
  files(packageName: string): string;
}

const load = (row: Row, message: SetUp, place: Place): Promise<Stepper> => {
  switch (message.peer) {
    case 'cotangent':
      return loadCotangent(row, message);
    case 'jax-js':
      return loadJaxJs(row, message);
    case 'tfjs':
      return loadTfjs(row, message, place);
    case 'ort':
      return loadOrt(row, message, place);
    case 'torch':
      throw new Error('PyTorch has a process of its own');
  }
};

export class Engine {
  #stepper: Stepper | undefined;

  constructor(private readonly place: Place) {}

  get #ready(): Stepper {
    if (this.#stepper === undefined) throw new Error('nothing is set up');
    return this.#stepper;
  }

  async setUp(message: SetUp): Promise<SetUpReply> {
    const row = [...cpuRows, ...gpuRows].find(({ name }) => name === message.row);
    if (row === undefined) throw new Error(`no row ${message.row}`);
    this.#stepper = await load(row, message, this.place);
    const first = await this.round(1);
    const results = (await this.#ready.read()).map(sampleOf);
    return { first, results, version: this.#ready.version };
  }

  async warm(ms: number): Promise<WarmReply> {
    let steps = 1;
    const begin = performance.now();
    for (;;) {
      const msPerStep = await this.round(steps);
      if (performance.now() - begin >= ms) return { msPerStep };
      // Batches grow, so that neither clock nor waiting counts for cheap steps.
      steps = Math.max(1, Math.min(steps * 4, Math.floor(ms / 4 / Math.max(msPerStep, 1e-5))));
    }
  }

  async round(steps: number): Promise<number> {
    const stepper = this.#ready;
    const begin = performance.now();
    for (let i = 0; i < steps; i++) {
      const pending = stepper.step();
      if (pending instanceof Promise) await pending;
    }
    await stepper.settle();
    return (performance.now() - begin) / steps;
  }
}
