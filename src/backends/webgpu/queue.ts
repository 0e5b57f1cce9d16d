/**
 * A GPU as programs use it: an in-order queue of launches, with the pipelines, parameters and scratch memory they need, and what went
 * wrong on the way.
 */
import { BufferPool } from './buffers.js';
import { DeviceLostError, GpuError } from './errors.js';
import { MAP_READ, STAGE_COMPUTE, USAGE } from './flags.js';
import type { Copy, Range } from './packing.js';
import type { Shader } from './shader.js';
import { Stream } from './stream.js';

/** Workgroups along one dimension of a launch (WebGPU's default limit). */
const MAX_GROUPS = 65535;
/** Parameters of a launch are a range of a uniform buffer, whose offset is a multiple of this. */
const PARAMETERS_ALIGN = 256;

/** One kernel launch. */
export interface Launch {
  readonly pipeline: GPUComputePipeline;
  readonly groups: number;
  readonly ranges: readonly Range[];
  /** Done before and after it. */
  readonly before: readonly Copy[];
  readonly after: readonly Copy[];
  readonly parameters?: readonly number[];
}

export class GpuQueue {
  readonly stream = new Stream();
  readonly buffers: BufferPool;
  readonly #pipelines = new Map<string, GPUComputePipeline>();
  /** Scratch of programs that ran, by need: programs run one after the other, so that one block serves all. */
  #arena: GPUBuffer | undefined;
  #parameters: GPUBuffer | undefined;
  /** What went wrong since the last time somebody waited. */
  #error: Error | undefined;
  /** Answers of the driver about pipelines that are on their way. */
  readonly #checks = new Set<Promise<void>>();
  /** Launches so far, for tests. */
  launches = 0;

  constructor(readonly gpu: GPUDevice) {
    this.buffers = new BufferPool(gpu, this.stream);
    gpu.addEventListener('uncapturederror', (event) => {
      this.#error ??= new GpuError(`webgpu: ${event.error.message}`, { cause: event.error });
    });
    void gpu.lost.then(({ message, reason }) => {
      this.#error = new DeviceLostError(
        `webgpu: the device was lost (${reason}): ${message}. Arrays on it are gone; ask for it again.`,
      );
    });
  }

  /** Throw what went wrong, once. */
  async check(): Promise<void> {
    await Promise.all(this.#checks);
    const error = this.#error;
    if (error === undefined) return;
    if (!(error instanceof DeviceLostError)) this.#error = undefined;
    throw error;
  }

  /** The pipeline of a shader; equal texts share it. */
  pipeline(shader: Shader, written: readonly boolean[], name: string): GPUComputePipeline {
    let pipeline = this.#pipelines.get(shader.code);
    if (pipeline === undefined) {
      const entries: GPUBindGroupLayoutEntry[] = written.map((is, binding) => ({
        binding,
        visibility: STAGE_COMPUTE,
        buffer: { type: is ? 'storage' : 'read-only-storage' },
      }));
      if (shader.takesParameters) {
        entries.push({ binding: written.length, visibility: STAGE_COMPUTE, buffer: { type: 'uniform' } });
      }
      this.gpu.pushErrorScope('validation');
      pipeline = this.gpu.createComputePipeline({
        label: name,
        layout: this.gpu.createPipelineLayout({ bindGroupLayouts: [this.gpu.createBindGroupLayout({ entries })] }),
        compute: { module: this.gpu.createShaderModule({ label: name, code: shader.code }), entryPoint: 'main' },
      });
      const check = this.gpu.popErrorScope().then((error) => {
        this.#checks.delete(check);
        // It comes before the errors that follow from it.
        if (error !== null) {
          this.#error = new GpuError(`webgpu: kernel ${name} was refused: ${error.message}\n${shader.code}`, {
            cause: error,
          });
        }
      });
      this.#checks.add(check);
      this.#pipelines.set(shader.code, pipeline);
    }
    return pipeline;
  }

  /** Scratch for the values of a program that runs now. */
  arena(bytes: number): GPUBuffer {
    if (this.#arena === undefined || this.#arena.size < bytes) {
      if (this.#arena !== undefined) this.buffers.free(this.#arena);
      this.#arena = this.buffers.allocate(bytes);
    }
    return this.#arena;
  }

  /** Submit launches in one piece. */
  submit(launches: readonly Launch[], name: string): void {
    this.launches += launches.length;
    const parameters = this.#upload(launches);
    const encoder = this.gpu.createCommandEncoder({ label: name });
    let pass: GPUComputePassEncoder | undefined;
    const copy = (copies: readonly Copy[]): void => {
      if (copies.length === 0) return;
      pass?.end();
      pass = undefined;
      for (const { from, to } of copies) {
        encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, from.size);
      }
    };
    let block = 0;
    for (const launch of launches) {
      copy(launch.before);
      pass ??= encoder.beginComputePass({ label: name });
      const entries: GPUBindGroupEntry[] = launch.ranges.map(({ buffer, offset, size }, binding) => ({
        binding,
        resource: { buffer, offset, size },
      }));
      if (launch.parameters !== undefined && parameters !== undefined) {
        const size = 16 * Math.ceil(launch.parameters.length / 4);
        entries.push({
          binding: entries.length,
          resource: { buffer: parameters, offset: PARAMETERS_ALIGN * block++, size },
        });
      }
      pass.setPipeline(launch.pipeline);
      pass.setBindGroup(0, this.gpu.createBindGroup({ layout: launch.pipeline.getBindGroupLayout(0), entries }));
      const across = Math.min(launch.groups, MAX_GROUPS);
      pass.dispatchWorkgroups(across, Math.ceil(launch.groups / across));
      copy(launch.after);
    }
    pass?.end();
    this.gpu.queue.submit([encoder.finish()]);
  }

  /** The parameters of all launches; queued writes come after what was submitted before, so that one buffer serves all calls. */
  #upload(launches: readonly Launch[]): GPUBuffer | undefined {
    const blocks = launches.flatMap(({ parameters }) => (parameters === undefined ? [] : [parameters]));
    if (blocks.length === 0) return undefined;
    const words = new Uint32Array((blocks.length * PARAMETERS_ALIGN) / 4);
    blocks.forEach((block, i) => {
      words.set(block, (i * PARAMETERS_ALIGN) / 4);
    });
    if (this.#parameters === undefined || this.#parameters.size < words.byteLength) {
      this.#parameters?.destroy();
      this.#parameters = this.gpu.createBuffer({
        size: 2 ** Math.ceil(Math.log2(words.byteLength)),
        usage: USAGE.uniform | USAGE.copyTarget,
      });
    }
    this.gpu.queue.writeBuffer(this.#parameters, 0, words);
    return this.#parameters;
  }

  /** Bytes of a buffer, after everything submitted before. */
  async read(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const staging = this.gpu.createBuffer({ size: bytes, usage: USAGE.mapRead | USAGE.copyTarget });
    const encoder = this.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes);
    this.gpu.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ);
    const copy = staging.getMappedRange().slice(0);
    staging.destroy();
    return copy;
  }
}
