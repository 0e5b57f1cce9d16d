/**
 * A compiled program on a WebGPU device. What a call launches depends only on which of its arrays are the same memory, and on the extent: so
 * it is recorded once, as a plan, and later calls bind their memory to it. Programs that are long, or whose host must know a
 * value to go on, are recorded and submitted piece by piece in each call (`walk.ts`).
 */
import type { Executable, TextStage } from '../../compiler/backend.js';
import { inputBuffers, outputBuffers, type Program, type ProgramBuffer, type Step } from '../../compiler/loop-ir.js';
import { LruCache } from '../../compiler/lru.js';
import type { Device, Storage } from '../../core/device.js';
import type { DType, TypedArray } from '../../core/dtype.js';
import { ArgumentError, DeletedArrayError } from '../../core/errors.js';
import type { Block } from './buffers.js';
import type { GpuCapabilities } from './capabilities.js';
import { ControlWords } from './control.js';
import { prepare, SCRATCH, type Launch } from './launch.js';
import { listProgram } from './listing.js';
import { launchCount, Recorder } from './recorder.js';
import { GpuStorage } from './storage.js';
import type { GpuQueue } from './queue.js';
import { Templates } from './templates.js';
import type { Tuner } from './tuner.js';
import { PIECE, Walk } from './walk.js';

/** The device as its executables see it. */
export interface ExecutableDevice extends Device {
  readonly queue: GpuQueue;
  readonly capabilities: GpuCapabilities;
  /** Undefined if tiles are not measured. */
  readonly tuner?: Tuner | undefined;
  newStorage(dtype: DType, length: number): GpuStorage;
  fromHost(dtype: DType, data: TypedArray): GpuStorage;
  own(storage: Storage, use: string): GpuStorage;
}

const DONATED = 'it was donated to a jitted call';
/** Plans that a program keeps: one for each way its arrays may coincide, or for each extent. */
const PLANS = 64;

/** The length for which a program of any length is printed. */
const NOMINAL_EXTENT = 1024;

/** All launches of a call. */
interface Plan {
  readonly launches: readonly Launch[];
  /** Their parameters. */
  readonly parameters: GpuStorage | undefined;
  /** Until all pipelines are made. */
  ready: Promise<unknown> | undefined;
  /** Whether one of them was refused; then it is tried again. */
  refused: boolean;
}

export class GpuExecutable implements Executable {
  readonly #templates: Templates;
  readonly #words = new ControlWords();
  readonly #plans = new LruCache<Plan>(PLANS);
  /** Arrays, so that their memory is given back when the executable is collected. */
  readonly #constants: readonly GpuStorage[];
  readonly #inputs: readonly (ProgramBuffer | undefined)[];
  readonly #outputs: readonly ProgramBuffer[];
  /** Whether all of it is recorded at once. */
  readonly #planned: boolean;
  /** Until the tiles of its products are known. */
  #tuning: Promise<unknown> | undefined;

  constructor(
    private readonly device: ExecutableDevice,
    private readonly program: Program,
  ) {
    const { inputCount, outputCount, constants, steps, arenaBytes, name } = program;
    const { buffers: pool } = device.queue;
    pool.checkBuffer(arenaBytes, `scratch memory of program ${name}`);
    this.#constants = constants.map(({ dtype, data }) => device.fromHost(dtype, data));
    const scratch = inputCount + outputCount + constants.length;
    const packed = (['packed', 'halves'] as const).map((kind) => scratch + SCRATCH.indexOf(kind));
    this.#templates = new Templates(program, device.capabilities, packed);
    this.#inputs = inputBuffers(program);
    this.#outputs = outputBuffers(program);
    this.#planned = launchCount(steps) <= PIECE;
    this.#tuning = device.tuner?.prepare(program.kernels)?.then(() => (this.#tuning = undefined));
  }

  run(inputs: readonly Storage[], donated?: readonly boolean[], extent = 0): GpuStorage[] {
    const own = inputs.map((x, i) => this.#own(x, i));
    const donors = this.#donors(own, donated);
    const same = this.#same(own, donors);
    // What can throw comes before anything is taken.
    const plan = this.#planned && this.#tuning === undefined ? this.#plan(same, extent) : undefined;
    const fresh = this.#outputs.map(({ dtype, length }, i) => {
      const elements = this.program.dynamicExtent ? extent : length;
      return donors?.[i] === undefined ? this.device.newStorage(dtype, elements) : undefined;
    });
    const { queue } = this.device;
    const outputs = this.#outputs.map(({ dtype, length }, i) => {
      const storage = fresh[i] ?? own[donors?.[i] ?? -1];
      if (storage === undefined) throw new Error('internal error: an output without memory');
      return storage === fresh[i]
        ? storage
        : new GpuStorage(this.device, dtype, length, storage.take(DONATED), queue.buffers);
    });
    const [read, written] = [own.map((x) => x.block), outputs.map((x) => x.block)];
    queue.stream.run(() => {
      const failure = this.#failureAmong(read);
      if (failure !== undefined) {
        fail(written, failure);
        return;
      }
      const start = (): void | Promise<void> => this.#start(plan, read, written, same, extent);
      return this.#tuning === undefined ? start() : this.#tuning.then(start);
    });
    if (donated !== undefined) {
      own.forEach((x, i) => {
        if (donated[i] === true) x.release(DONATED);
      });
    }
    return outputs;
  }

  /** Launch a call, by its plan if it was made when it was called. */
  #start(
    made: Plan | undefined,
    read: readonly Block[],
    written: readonly Block[],
    same: readonly number[],
    extent: number,
  ): void | Promise<void> {
    if (!this.#planned) return this.#walk(read, written, same, extent);
    let plan: Plan;
    try {
      plan = made ?? this.#plan(same, extent);
    } catch (error) {
      fail(written, error);
      return;
    }
    if (plan.ready === undefined) this.#submit(plan, read, written);
    else
      return plan.ready.then(() => {
        this.#submit(plan, read, written);
      });
  }

  /** For each output the donated input that it is written over. */
  #donors(
    own: readonly GpuStorage[],
    donated: readonly boolean[] | undefined,
  ): readonly (number | undefined)[] | undefined {
    if (donated?.includes(true) !== true) return undefined;
    const uses = new Map<GpuStorage, number>();
    for (const x of own) uses.set(x, (uses.get(x) ?? 0) + 1);
    return this.program.donations.map((donor) => {
      const from = donated[donor] === true ? own[donor] : undefined;
      // The same array twice must stay readable.
      return from !== undefined && uses.get(from) === 1 ? donor : undefined;
    });
  }

  /** For each input, then each output: the first of them that is the same memory. */
  #same(own: readonly GpuStorage[], donors: readonly (number | undefined)[] | undefined): number[] {
    const first = new Map<GpuStorage, number>();
    const inputs = own.map((x, i) => {
      const known = first.get(x);
      if (known === undefined) first.set(x, i);
      return known ?? i;
    });
    return [...inputs, ...this.#outputs.map((_, i) => donors?.[i] ?? own.length + i)];
  }

  #recorder(same: readonly number[], extent: number): Recorder {
    return new Recorder(this.program, this.#templates, same, extent, this.#words);
  }

  #plan(same: readonly number[], extent: number): Plan {
    const key = `${extent}:${same.join(',')}`;
    const known = this.#plans.get(key);
    if (known?.refused === false) return known;
    const recorder = this.#recorder(same, extent);
    recorder.record(this.program.steps);
    const { launches } = recorder;
    let parameters: GpuStorage | undefined;
    this.device.queue.upload(launches, (bytes) => {
      parameters = this.device.newStorage('uint32', bytes / 4);
      return parameters.block;
    });
    const ready = prepare(launches, this.device.queue.pipelines);
    const plan: Plan = { launches, parameters, ready: undefined, refused: false };
    plan.ready = ready?.then(() => {
      plan.ready = undefined;
      plan.refused = launches.some(({ template }) => template.pipeline?.failure !== undefined);
    });
    this.#plans.set(key, plan);
    return plan;
  }

  #failureAmong(blocks: readonly Block[]): Error | undefined {
    const { failures } = this.device.queue;
    for (const block of blocks) {
      const failure = failures.of(block);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  /** The blocks of a call by number, as launches name them. */
  #memory(read: readonly Block[], written: readonly Block[]): Block[] {
    const { queue } = this.device;
    const [packed, halves] = this.#templates.packedBytes;
    const bytes = { arena: this.program.arenaBytes, control: this.#words.bytes, packed, halves };
    return [
      ...read,
      ...written,
      ...this.#constants.map((x) => x.block),
      ...SCRATCH.map((kind) => queue.scratch(kind, bytes[kind])),
    ];
  }

  #submit({ launches, parameters }: Plan, read: readonly Block[], written: readonly Block[]): void {
    const { queue } = this.device;
    try {
      if (launches.length > 0)
        queue.submit(launches, this.#memory(read, written), parameters?.block, this.program.name);
      for (const block of written) queue.failures.write(block);
    } catch (error) {
      fail(written, error);
    }
  }

  async #walk(
    read: readonly Block[],
    written: readonly Block[],
    same: readonly number[],
    extent: number,
  ): Promise<void> {
    const { queue } = this.device;
    const memory = (): Block[] => this.#memory(read, written);
    try {
      await new Walk(queue, this.#recorder(same, extent), memory, this.program.name).run(this.program.steps);
      for (const block of written) queue.failures.write(block);
    } catch (error) {
      fail(written, error);
    }
  }

  #own(storage: Storage, i: number): GpuStorage {
    const own = this.device.own(storage, `input ${i} of program ${this.program.name}`);
    if (own.gone !== undefined) {
      throw new DeletedArrayError(`input ${i} of program ${this.program.name} can no longer be used: ${own.gone}`);
    }
    const buffer = this.#inputs[i];
    if (buffer === undefined) return own;
    if (own.dtype !== buffer.dtype || (!this.program.dynamicExtent && own.length !== buffer.length)) {
      throw new ArgumentError(
        `input ${i} of program ${this.program.name} must be ${buffer.length} elements of ${buffer.dtype}, ` +
          `but it is ${own.length} elements of ${own.dtype}`,
      );
    }
    return own;
  }

  asText(stage: TextStage = 'kernels'): string {
    if (stage === 'kernels') return listProgram(this.program);
    if (stage !== 'wgsl') throw new ArgumentError(`asText('${stage}'): programs of this device are asText('wgsl')`);
    const { inputCount, outputCount } = this.program;
    const recorder = this.#recorder([...Array(inputCount + outputCount).keys()], NOMINAL_EXTENT);
    recorder.record(once(this.program.steps));
    return [...new Set(recorder.take().map(({ template }) => template.shader.code))].join('\n');
  }
}

/** Steps with every kernel as it is launched first, and as it finds what an iteration left. */
function once(steps: readonly Step[]): Step[] {
  return steps.map((step) => {
    if (step.kind === 'kernel') return step;
    if (step.kind === 'branch') return { ...step, branches: step.branches.map(once) };
    const [count, body] =
      'count' in step.trips
        ? [Math.min(step.trips.count, 2), step.steps]
        : [2, [...step.trips.condition, ...step.steps]];
    return { ...step, trips: { count, reverse: false }, steps: once(body) };
  });
}

/** What should have been written is not there. */
function fail(written: readonly Block[], error: unknown): void {
  for (const block of written) block.failure = error instanceof Error ? error : new Error(String(error));
}
