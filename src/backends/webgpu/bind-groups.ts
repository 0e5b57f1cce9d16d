/** Bind groups by what they bind: memory is pooled, so that calls bind the same again. */
import { LruCache } from '../../compiler/lru.js';
import type { Block } from './buffers.js';
import type { Launch } from './launch.js';
import type { BindLayout } from './pipelines.js';

/** Groups that are kept. */
const KEPT = 4096;

export class BindGroups {
  #groups = new LruCache<GPUBindGroup>(KEPT);

  constructor(private readonly gpu: GPUDevice) {}

  /** Those of a launch, whose parameters, if it has any, are in the block `uniform`. */
  get(
    { template: { ranges }, parameters }: Launch,
    { id, layout }: BindLayout,
    memory: readonly Block[],
    uniform: Block | undefined,
  ): GPUBindGroup {
    let key = `${id}`;
    for (const { source, offset, size } of ranges) key += `,${blockOf(memory, source).id}:${offset}:${size}`;
    // A uniform binding is as long as the struct in the shader, which is padded to 16 bytes.
    const bytes = parameters === undefined ? 0 : 16 * Math.ceil(parameters.length / 4);
    if (uniform !== undefined && bytes > 0) key += `,${uniform.id}:${bytes}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const entries: GPUBindGroupEntry[] = ranges.map(({ source, offset, size }, binding) => ({
      binding,
      resource: { buffer: blockOf(memory, source).buffer, offset, ...(size !== undefined && { size }) },
    }));
    if (uniform !== undefined && bytes > 0) {
      entries.push({ binding: entries.length, resource: { buffer: uniform.buffer, offset: 0, size: bytes } });
    }
    const group = this.gpu.createBindGroup({ layout, entries });
    this.#groups.set(key, group);
    return group;
  }

  /** Forget all: they hold buffers of which one is no more. */
  clear(): void {
    this.#groups.clear();
  }

  get size(): number {
    return this.#groups.size;
  }
}

export function blockOf(memory: readonly Block[], source: number): Block {
  const block = memory[source];
  if (block === undefined) throw new Error(`internal error: a call without memory ${source}`);
  return block;
}
