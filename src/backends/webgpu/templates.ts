/** The kernels of a program as they are launched: a shader and its bindings for every way in which their slots lie. */
import type { Kernel, Program } from '../../compiler/loop-ir.js';
import type { GpuCapabilities } from './capabilities.js';
import { Template, type Range } from './launch.js';
import { elementBytes, WORD_BYTES } from './memory-layout.js';
import { packRanges } from './packing.js';
import { isWritten, kernelShader, type Layout } from './shader.js';

/** Where a program buffer is during a call. */
export interface Place extends Range {
  /** The first element, counted from `offset`; not fixed if it is a slice. */
  readonly first: number;
  readonly moved: boolean;
  /** Whether `first` is a multiple of four, whatever it is. */
  readonly aligned: boolean;
}

const bytesIn = (kernel: Kernel, slot: number, capabilities: GpuCapabilities): number =>
  elementBytes(kernel.buffers[slot]?.dtype ?? 'uint32', capabilities);

const NOWHERE = { range: -1, begin: 0, packed: false };

export class Templates {
  readonly #known = new Map<string, Template>();
  /** Of the blocks that arrays are packed into: of words, and of halves. */
  readonly packedBytes: [number, number] = [0, 0];

  constructor(
    private readonly program: Program,
    readonly capabilities: GpuCapabilities,
    /** The blocks that arrays are packed into. */
    private readonly packed: readonly number[],
  ) {}

  /** That of a kernel whose slots are in these places. */
  get(index: number, places: readonly Place[]): Template {
    let key = String(index);
    for (const { source, offset, moved, aligned } of places)
      key += `,${source}${!moved ? ':' : aligned ? 'a' : 'm'}${offset}`;
    let template = this.#known.get(key);
    if (template === undefined) this.#known.set(key, (template = this.#make(index, places)));
    return template;
  }

  #make(index: number, places: readonly Place[]): Template {
    const kernel = this.program.kernels[index];
    if (kernel === undefined) throw new Error('internal error: no such kernel');
    // Slots in one range share a binding: two bindings of it, one of them written, are an error.
    const ranges: Range[] = [];
    const bindings = places.map(({ source, offset, size }) => {
      const known = ranges.findIndex((r) => r.source === source && r.offset === offset);
      const range = ranges[known];
      if (range === undefined) return ranges.push({ source, offset, size }) - 1;
      if (range.size !== undefined && size !== undefined && size > range.size) ranges[known] = { ...range, size };
      return known;
    });
    const writtenSlots = places.map((_, slot) => isWritten(kernel, slot));
    const packing = packRanges(
      ranges,
      ranges.map((_, range) => bindings.some((b, slot) => b === range && writtenSlots[slot] === true)),
      ranges.map((_, range) => (bytesIn(kernel, bindings.indexOf(range), this.capabilities) === WORD_BYTES ? 0 : 1)),
      this.capabilities.storageBuffers,
      this.packed,
    );
    packing.bytes.forEach((bytes, i) => {
      this.packedBytes[i] = Math.max(this.packedBytes[i] ?? 0, bytes);
    });
    const where = bindings.map((range) => packing.places[range] ?? NOWHERE);
    const sourceOf = (slot: number): number => packing.ranges[where[slot]?.range ?? -1]?.source ?? -1;
    const writtenSources = new Set(places.flatMap((_, slot) => (writtenSlots[slot] === true ? [sourceOf(slot)] : [])));
    const layout: Layout = {
      bindings: where.map(({ range }) => range),
      moved: places.map((p, slot) => p.moved || where[slot]?.packed === true),
      aligned: places.map((p) => p.aligned),
      // A buffer is either read or written in one launch, whatever the ranges (WebGPU §3.4.5).
      written: packing.ranges.map(({ source }) => writtenSources.has(source)),
    };
    return new Template(
      kernel.name,
      kernelShader(kernel, layout, this.program.dynamicExtent, this.capabilities),
      layout.written,
      packing.ranges,
      layout.moved.flatMap((is, slot) =>
        is ? [{ slot, begin: (where[slot]?.begin ?? 0) / bytesIn(kernel, slot, this.capabilities) }] : [],
      ),
      packing.before,
      packing.after,
    );
  }
}
