/**
 * A GPU as programs use it: an in-order queue of launches, with the pipelines, parameters and scratch memory they need, and what went
 * wrong on the way.
 */
import { BindGroups, blockOf } from './bind-groups.js';
import { BufferPool, type Block } from './buffers.js';
import { DeviceLostError, GpuError } from './errors.js';
import { Failures } from './failures.js';
import { USAGE } from './flags.js';
import type { Copy, Launch, Scratch } from './launch.js';
import { Pipelines } from './pipelines.js';
import type { Profiler } from './profiler.js';
import { Reader } from './reader.js';
import { Stream } from './stream.js';

/** Workgroups along one dimension of a launch (WebGPU's default limit). */
export const MAX_GROUPS = 65535;
/** Parameters of a launch are a range of a uniform buffer, whose offset is a multiple of this. */
const PARAMETERS_ALIGN = 256;

export class GpuQueue {
  readonly stream = new Stream();
  readonly failures = new Failures();
  readonly buffers: BufferPool;
  readonly pipelines: Pipelines;
  readonly groups: BindGroups;
  readonly reader: Reader;
  /** By need: programs run one after the other, so that one block of each kind serves all. */
  readonly #scratch: Partial<Record<Scratch | 'parameters', Block>> = {};
  /** Takes the times of launches, if they are wanted. */
  profiler: Profiler | undefined;
  /** Launches and submissions so far, for tests. */
  launches = 0;
  submissions = 0;

  constructor(readonly gpu: GPUDevice) {
    const { failures } = this;
    this.groups = new BindGroups(gpu);
    this.pipelines = new Pipelines(gpu);
    this.reader = new Reader(gpu);
    this.buffers = new BufferPool(gpu, this.stream, {
      destroyed: () => {
        this.groups.clear();
      },
      failed: (error) => {
        failures.report(error);
      },
    });
    gpu.addEventListener('uncapturederror', (event) => {
      failures.report(new GpuError(`webgpu: ${event.error.message}`, { cause: event.error }));
    });
    void gpu.lost.then(({ message, reason }) => {
      failures.lost = new DeviceLostError(
        `webgpu: the device was lost (${reason}): ${message}. Arrays on it are gone; ask for it again with requestDevice.`,
      );
    });
  }

  /** Scratch for a program that runs now. */
  scratch(kind: Scratch | 'parameters', bytes: number): Block {
    const known = this.#scratch[kind];
    if (known !== undefined && known.size >= bytes && known.failure === undefined) return known;
    if (known !== undefined) {
      if (kind === 'control') this.buffers.destroy(known);
      else this.buffers.free(known);
    }
    const block = kind === 'control' ? this.buffers.reserve(bytes, CONTROL_USAGE) : this.buffers.allocate(bytes);
    this.#scratch[kind] = block;
    return block;
  }

  /** Launches as one command buffer. `parameters` has the blocks of those that take any, in order. */
  submit(launches: readonly Launch[], memory: readonly Block[], parameters: Block | undefined, name: string): void {
    this.launches += launches.length;
    this.submissions += 1;
    const encoder = this.gpu.createCommandEncoder({ label: name });
    let pass: GPUComputePassEncoder | undefined;
    const copy = (copies: readonly Copy[]): void => {
      if (copies.length === 0) return;
      pass?.end();
      pass = undefined;
      for (const { from, to } of copies) {
        const [source, target] = [blockOf(memory, from.source), blockOf(memory, to.source)];
        encoder.copyBufferToBuffer(source.buffer, from.offset, target.buffer, to.offset, from.size);
      }
    };
    let taken = 0;
    for (const launch of launches) {
      const { template, parameters: own, indirect } = launch;
      copy(template.before);
      if (this.profiler !== undefined) {
        pass?.end();
        pass = encoder.beginComputePass({ label: name, timestampWrites: this.profiler.next(template.name) });
      } else pass ??= encoder.beginComputePass({ label: name });
      if (template.pipeline?.failure !== undefined) throw template.pipeline.failure;
      if (template.pipeline?.pipeline === undefined) throw new Error('internal error: a launch before its pipeline');
      pass.setPipeline(template.pipeline.pipeline);
      const group = this.groups.get(launch, template.pipeline.bind, memory, parameters);
      if (own === undefined) pass.setBindGroup(0, group);
      else pass.setBindGroup(0, group, [PARAMETERS_ALIGN * taken++]);
      if (indirect !== undefined) {
        // Control words come last.
        pass.dispatchWorkgroupsIndirect(blockOf(memory, memory.length - 1).buffer, indirect);
      } else {
        const across = Math.min(launch.groups, MAX_GROUPS);
        pass.dispatchWorkgroups(across, Math.ceil(launch.groups / across));
      }
      copy(template.after);
    }
    pass?.end();
    this.gpu.queue.submit([encoder.finish()]);
  }

  /** The parameters of launches in a block of their own, or for these launches only. */
  upload(launches: readonly Launch[], own?: (bytes: number) => Block): Block | undefined {
    const blocks = launches.flatMap(({ parameters }) => (parameters === undefined ? [] : [parameters]));
    if (blocks.length === 0) return undefined;
    const words = new Uint32Array((blocks.length * PARAMETERS_ALIGN) / 4);
    blocks.forEach((block, i) => {
      words.set(block, (i * PARAMETERS_ALIGN) / 4);
    });
    // Writes are queued behind what was submitted before, so that one block serves all calls.
    const block = own?.(words.byteLength) ?? this.scratch('parameters', words.byteLength);
    this.gpu.queue.writeBuffer(block.buffer, 0, words);
    return block;
  }

  /** Bytes of a block, after everything submitted before; throws what went wrong with it. */
  async read(block: Block, offset: number, bytes: number): Promise<ArrayBuffer> {
    this.check(block);
    const time = this.failures.now;
    try {
      const result = await this.reader.read(block, offset, bytes);
      this.check(block);
      this.failures.settle(time);
      return result;
    } catch (cause) {
      if (cause instanceof GpuError) throw cause;
      // The news that the device is lost may come after the refusal to read.
      await Promise.race([this.gpu.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
      this.check(block);
      throw new GpuError(`webgpu: reading failed: ${String(cause)}`, { cause });
    }
  }

  /** Everything submitted before is done; throws what went wrong with a block. */
  async done(block: Block): Promise<void> {
    const time = this.failures.now;
    await this.gpu.queue.onSubmittedWorkDone();
    this.check(block);
    this.failures.settle(time);
  }

  check(block: Block): void {
    const failure = this.failures.of(block);
    if (failure !== undefined) throw failure;
  }
}

const CONTROL_USAGE = USAGE.storage | USAGE.indirect | USAGE.copySource | USAGE.copyTarget;
