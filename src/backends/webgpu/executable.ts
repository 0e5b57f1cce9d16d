/**
 * A compiled program on a WebGPU device. A call resolves every slot to a range of a buffer, gathers the kernel launches,
 * loops of a known number of iterations unrolled, and submits them in one piece. Where the host must know a value to go on (the condition
 * of a loop, the index of a branch) it submits, reads, and continues when the value has come.
 */
import type { Executable, TextStage } from '../../compiler/backend.js';
import type { KernelCall, LoopStep, Program, ProgramBuffer, Step } from '../../compiler/loop-ir.js';
import type { Device, Storage } from '../../core/device.js';
import type { DType, TypedArray } from '../../core/dtype.js';
import { ArgumentError, DeletedArrayError } from '../../core/errors.js';
import { bytesOf, ELEMENT_BYTES } from './memory-layout.js';
import { packRanges } from './packing.js';
import { isWritten, kernelShader, type Layout, type Shader } from './shader.js';
import { GpuStorage } from './storage.js';
import type { GpuQueue, Launch } from './queue.js';

/** The device as its executables see it. */
export interface ExecutableDevice extends Device {
  readonly queue: GpuQueue;
  newStorage(dtype: DType, length: number): GpuStorage;
  fromHost(dtype: DType, data: TypedArray): GpuStorage;
  own(storage: Storage, use: string): GpuStorage;
}

const DONATED = 'it was donated to a jitted call';

/** Where a program buffer is during a call. */
interface Place {
  readonly buffer: GPUBuffer;
  /** Bytes. */
  readonly offset: number;
  readonly size: number;
  /** The first element, counted from `offset`; not fixed if it is a slice. */
  readonly first: number;
  readonly moved: boolean;
}

/** Whether the host must read values on the way. */
const needsHost = (steps: readonly Step[]): boolean =>
  steps.some(
    (step) => step.kind === 'branch' || (step.kind === 'loop' && ('condition' in step.trips || needsHost(step.steps))),
  );

interface Variant {
  readonly shader: Shader;
  /** Made when it is first launched. */
  pipeline?: GPUComputePipeline;
}

export class GpuExecutable implements Executable {
  readonly #variants = new Map<string, Variant>();
  readonly #constants: readonly GPUBuffer[];
  readonly #outputs: readonly ProgramBuffer[];
  readonly #needsHost: boolean;

  constructor(
    private readonly device: ExecutableDevice,
    private readonly program: Program,
  ) {
    this.#constants = program.constants.map(({ dtype, data }) => device.fromHost(dtype, data).buffer);
    this.#outputs = Array.from({ length: program.outputCount }, (_, index) => {
      const buffer = program.buffers.find(({ place }) => place.kind === 'output' && place.index === index);
      if (buffer === undefined)
        throw new Error(`internal error: program ${program.name} has no buffer for output ${index}`);
      return buffer;
    });
    this.#needsHost = needsHost(program.steps);
  }

  run(inputs: readonly Storage[], donated?: readonly boolean[], extent = 0): Storage[] {
    const own = inputs.map((x, i) => this.#own(x, i));
    const taken = new Set<number>();
    const outputs = this.#outputs.map(({ dtype, length }, i) => {
      const elements = this.program.dynamicExtent ? extent : length;
      const donor = this.program.donations[i] ?? -1;
      const from = donated?.[donor] === true ? own[donor] : undefined;
      // The same array twice must stay readable.
      if (from !== undefined && own.filter((x) => x === from).length === 1) {
        taken.add(donor);
        return new GpuStorage(this.device, dtype, elements, from.take(DONATED), this.device.queue.buffers);
      }
      return this.device.newStorage(dtype, elements);
    });
    const call = new Call(
      this.device.queue,
      this.program,
      own.map((x) => x.buffer),
      outputs.map((x) => x.buffer),
      this.#constants,
      extent,
      (kernel, layout) => this.#variant(kernel, layout),
    );
    this.device.queue.stream.run(() => {
      if (this.#needsHost) return call.runWithHost(this.program.steps);
      call.gather(this.program.steps);
      call.submit();
    });
    if (donated !== undefined) {
      own.forEach((x, i) => {
        if (donated[i] === true && !taken.has(i)) x.release(DONATED);
      });
    }
    return outputs;
  }

  #own(storage: Storage, i: number): GpuStorage {
    const own = this.device.own(storage, `input ${i} of program ${this.program.name}`);
    if (own.gone !== undefined) {
      throw new DeletedArrayError(`input ${i} of program ${this.program.name} can no longer be used: ${own.gone}`);
    }
    const buffer = this.program.buffers.find(({ place }) => place.kind === 'input' && place.index === i);
    if (buffer === undefined) return own;
    if (own.dtype !== buffer.dtype || (!this.program.dynamicExtent && own.length !== buffer.length)) {
      throw new ArgumentError(
        `input ${i} of program ${this.program.name} must be ${buffer.length} elements of ${buffer.dtype}, ` +
          `but it is ${own.length} elements of ${own.dtype}`,
      );
    }
    return own;
  }

  #variant(index: number, layout: Layout): Variant {
    const key = `${index}:${layout.bindings.join(',')}:${layout.moved.map(Number).join('')}:${layout.written.map(Number).join('')}`;
    let variant = this.#variants.get(key);
    if (variant === undefined) {
      const kernel = this.program.kernels[index];
      if (kernel === undefined) throw new Error('internal error: no such kernel');
      const shader = kernelShader(kernel, layout, this.program.dynamicExtent);
      variant = { shader };
      this.#variants.set(key, variant);
    }
    return variant;
  }

  asText(stage: TextStage = 'kernels'): string {
    return [...this.#variants.values()].map(({ shader }) => shader.code).join('\n') || `(${stage}: not run yet)`;
  }
}

/** One call of a program. */
class Call {
  #launches: Launch[] = [];
  /** Buffers that only these launches need. */
  readonly #temporaries: GPUBuffer[] = [];
  readonly #positions = new Map<number, number>();
  /** `loop.index.at` to the buffer that a carry is in. */
  readonly #carries = new Map<string, number>();

  constructor(
    private readonly queue: GpuQueue,
    private readonly program: Program,
    private readonly inputs: readonly GPUBuffer[],
    private readonly outputs: readonly GPUBuffer[],
    private readonly constants: readonly GPUBuffer[],
    private readonly extent: number,
    private readonly variant: (kernel: number, layout: Layout) => Variant,
  ) {}

  /** The launches of steps that need nothing from the host. */
  gather(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.kind === 'kernel') this.#launch(step);
      else if (step.kind === 'loop' && 'count' in step.trips) {
        for (const _ of this.#iterations(step, step.trips)) this.gather(step.steps);
        this.#finish(step);
      } else throw new Error('internal error: a step that needs the host');
    }
  }

  submit(): void {
    if (this.#launches.length > 0) this.queue.submit(this.#launches, this.program.name);
    this.#launches = [];
    for (const buffer of this.#temporaries.splice(0)) this.queue.buffers.free(buffer);
  }

  async runWithHost(steps: readonly Step[]): Promise<void> {
    await this.#walk(steps);
    this.submit();
  }

  async #walk(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if (!needsHost([step])) this.gather([step]);
      else if (step.kind === 'branch') {
        const chosen = await this.#read(step.index);
        await this.#walk(step.branches[Math.min(Math.max(chosen, 0), step.branches.length - 1)] ?? []);
      } else if (step.kind === 'loop') {
        const { trips } = step;
        if ('count' in trips) for (const _ of this.#iterations(step, trips)) await this.#walk(step.steps);
        else await this.#while(step, trips);
        this.#finish(step);
      }
    }
  }

  async #while(
    step: LoopStep,
    { condition, holds }: { readonly condition: readonly Step[]; readonly holds: number },
  ): Promise<void> {
    this.#begin(step);
    for (let n = 0; ; n++) {
      this.#turn(step, n);
      await this.#walk(condition);
      if ((await this.#read(holds)) === 0) return;
      await this.#walk(step.steps);
      this.#turned(step, n);
    }
  }

  *#iterations(
    step: LoopStep,
    { count, reverse }: { readonly count: number; readonly reverse: boolean },
  ): Generator<number> {
    this.#begin(step);
    for (let n = 0; n < count; n++) {
      this.#turn(step, n);
      this.#positions.set(step.id, reverse ? count - 1 - n : n);
      yield n;
      this.#turned(step, n);
    }
  }

  #set(loop: number, index: number, at: 'start' | 'end', buffer: number): void {
    this.#carries.set(`${loop}.${index}.${at}`, buffer);
  }

  #begin({ id, carries }: LoopStep): void {
    carries.forEach(({ initial }, i) => this.#set(id, i, 'start', initial));
  }

  #turn({ id, carries }: LoopStep, n: number): void {
    carries.forEach(({ first, second }, i) => this.#set(id, i, 'end', n % 2 === 0 ? first : second));
  }

  #turned({ id, carries }: LoopStep, n: number): void {
    carries.forEach(({ first, second }, i) => this.#set(id, i, 'start', n % 2 === 0 ? first : second));
  }

  /** Carries end where their results are. */
  #finish({ carries }: LoopStep): void {
    for (const { copy, start, result } of carries) {
      if (copy === undefined) continue;
      const [from, to] = [this.#place(start), this.#place(result)];
      if (from.buffer === to.buffer && from.offset === to.offset && from.first === to.first) continue;
      this.#launch({ kind: 'kernel', kernel: copy, args: [start, result] });
    }
  }

  async #read(buffer: number): Promise<number> {
    const place = this.#place(buffer);
    this.submit();
    const bytes = await this.queue.read(place.buffer, place.offset + 4 * place.first, 4);
    return new Int32Array(bytes)[0] ?? 0;
  }

  #place(id: number): Place {
    const buffer = this.program.buffers[id];
    if (buffer === undefined) throw new Error(`internal error: no buffer ${id}`);
    const { place, length, dtype } = buffer;
    const whole = (of: GPUBuffer | undefined): Place => {
      if (of === undefined) throw new Error('internal error: no memory for a buffer');
      return { buffer: of, offset: 0, size: of.size, first: 0, moved: false };
    };
    switch (place.kind) {
      case 'input':
        return whole(this.inputs[place.index]);
      case 'output':
        return whole(this.outputs[place.index]);
      case 'constant':
        return whole(this.constants[place.index]);
      case 'arena': {
        const arena = this.queue.arena(this.program.arenaBytes);
        return {
          buffer: arena,
          offset: place.offset,
          size: Math.max(4, bytesOf(dtype, length)),
          first: 0,
          moved: false,
        };
      }
      case 'slice': {
        const of = this.#place(place.of);
        const position = this.#positions.get(place.loop) ?? 0;
        return { ...of, first: of.first + position * length, moved: true };
      }
      case 'carry':
        return this.#place(this.#carries.get(`${place.loop}.${place.index}.${place.at}`) ?? -1);
    }
  }

  #launch({ kernel: index, args }: KernelCall): void {
    const kernel = this.program.kernels[index];
    if (kernel === undefined) throw new Error('internal error: no such kernel');
    const places = args.map((id) => this.#place(id));
    // Slots in one range share a binding: two bindings of it, one of them written, are an error.
    const ranges: Place[] = [];
    const bindings = places.map((place) => {
      const known = ranges.findIndex((r) => r.buffer === place.buffer && r.offset === place.offset);
      return known >= 0 ? known : ranges.push(place) - 1;
    });
    const writtenSlots = places.map((_, slot) => isWritten(kernel, slot));
    const packing = packRanges(
      ranges.map(({ buffer, offset, size }) => ({ buffer, offset, size })),
      ranges.map((_, range) => bindings.some((b, slot) => b === range && writtenSlots[slot] === true)),
      this.queue.gpu.limits.maxStorageBuffersPerShaderStage,
      this.queue.buffers,
    );
    if (packing.temporary !== undefined) this.#temporaries.push(packing.temporary);
    const where = bindings.map((range) => packing.places[range] ?? NOWHERE);
    const bufferOf = (slot: number): GPUBuffer | undefined => packing.ranges[where[slot]?.range ?? -1]?.buffer;
    const writtenBuffers = new Set(places.flatMap((_, slot) => (writtenSlots[slot] === true ? [bufferOf(slot)] : [])));
    const layout: Layout = {
      bindings: where.map(({ range }) => range),
      moved: places.map((p, slot) => p.moved || where[slot]?.packed === true),
      // A buffer is either read or written in one launch, whatever the ranges (WebGPU §3.4.5).
      written: packing.ranges.map(({ buffer }) => writtenBuffers.has(buffer)),
    };
    const variant = this.variant(index, layout);
    const { shader } = variant;
    const groups = shader.groups(this.extent);
    if (groups === 0) return;
    const pipeline = (variant.pipeline ??= this.queue.pipeline(shader, layout.written, kernel.name));
    const firsts = places.map((p, slot) => p.first + (where[slot]?.begin ?? 0) / ELEMENT_BYTES);
    this.#launches.push({
      pipeline,
      groups,
      ranges: packing.ranges,
      before: packing.before,
      after: packing.after,
      ...(shader.takesParameters && {
        parameters: [this.extent, ...firsts.filter((_, slot) => layout.moved[slot] === true)],
      }),
    });
  }
}

const NOWHERE = { range: -1, begin: 0, packed: false };
