/** Pipelines by shader text, made in the background: a call waits for its own, and the page for none. */
import { LruCache } from '../../compiler/lru.js';
import { GpuError } from './errors.js';
import { STAGE_COMPUTE } from './flags.js';
import type { Shader } from './shader.js';

/** Pipelines that are kept for the next program with the same shader. */
const KEPT = 2048;

/** How a pipeline is bound: each storage binding read or written, then parameters or not. */
export interface BindLayout {
  readonly id: number;
  readonly layout: GPUBindGroupLayout;
}

export interface Pipeline {
  readonly bind: BindLayout;
  /** There once `ready` is done; stays undefined if it failed. */
  pipeline: GPUComputePipeline | undefined;
  failure: GpuError | undefined;
  /** Never rejects; undefined when there is nothing to wait for. */
  ready: Promise<void> | undefined;
}

export class Pipelines {
  readonly #byCode = new LruCache<Pipeline>(KEPT);
  readonly #layouts = new Map<string, BindLayout>();

  constructor(private readonly gpu: GPUDevice) {}

  /** The pipeline of a shader, on its way if it is new. */
  get(shader: Shader, written: readonly boolean[], name: string): Pipeline {
    const known = this.#byCode.get(shader.code);
    // One that failed may succeed another time.
    if (known !== undefined && known.failure === undefined) return known;
    const bind = this.#layout(written, shader.takesParameters);
    const entry: Pipeline = { bind, pipeline: undefined, failure: undefined, ready: undefined };
    entry.ready = this.#make(entry, shader.code, name);
    this.#byCode.set(shader.code, entry);
    return entry;
  }

  async #make(entry: Pipeline, code: string, name: string): Promise<void> {
    const { gpu } = this;
    gpu.pushErrorScope('validation');
    const made = gpu.createComputePipelineAsync({
      label: name,
      layout: gpu.createPipelineLayout({ bindGroupLayouts: [entry.bind.layout] }),
      compute: { module: gpu.createShaderModule({ label: name, code }), entryPoint: 'main' },
    });
    const [pipeline, scope] = await Promise.allSettled([made, gpu.popErrorScope()]);
    // What is wrong with the text explains why there is no pipeline.
    const invalid = scope.status === 'fulfilled' ? scope.value : null;
    if (pipeline.status === 'fulfilled' && invalid === null) entry.pipeline = pipeline.value;
    else {
      const cause: unknown = invalid ?? (pipeline.status === 'rejected' ? pipeline.reason : undefined);
      const why = invalid?.message ?? (cause instanceof Error ? cause.message : String(cause));
      entry.failure = new GpuError(`webgpu: kernel ${name} was refused: ${why}\n${code}`, { cause });
    }
    entry.ready = undefined;
  }

  #layout(written: readonly boolean[], takesParameters: boolean): BindLayout {
    const key = `${written.map(Number).join('')}${takesParameters ? 'p' : ''}`;
    let known = this.#layouts.get(key);
    if (known === undefined) {
      const entries: GPUBindGroupLayoutEntry[] = written.map((is, binding) => ({
        binding,
        visibility: STAGE_COMPUTE,
        buffer: { type: is ? 'storage' : 'read-only-storage' },
      }));
      if (takesParameters) {
        const buffer: GPUBufferBindingLayout = { type: 'uniform', hasDynamicOffset: true };
        entries.push({ binding: written.length, visibility: STAGE_COMPUTE, buffer });
      }
      known = { id: this.#layouts.size, layout: this.gpu.createBindGroupLayout({ entries }) };
      this.#layouts.set(key, known);
    }
    return known;
  }
}
