/**
 * A compiled program on the CPU: one WebAssembly instance, and the calling convention around it. The module
 * exports `run(table, extent)`; `table` is the address of i32 byte addresses: inputs, outputs, constants, arena,
 * scratch. A program that is worth it is run by several threads (threads/pool.ts).
 */
import type { Storage } from '../../core/device.js';
import { byteWidth } from '../../core/dtype.js';
import { ArgumentError } from '../../core/errors.js';
import type { Executable, TextStage } from '../../compiler/backend.js';
import { disassemble } from './disassemble.js';
import { inputBuffers, outputBuffers, type Program, type ProgramBuffer } from '../../compiler/loop-ir.js';
import type { EmittedProgram } from './emit-program.js';
import { BLOCK_ALIGN } from './heap.js';
import type { Region } from './region.js';
import { CpuStorage, TINY_BYTES, deletedError, type Cell, type CellDevice } from './storage.js';
import { SharedModule, WorkerTrap, type ThreadPool, type ThreadedRun } from './threads/pool.js';

/** The device as its executables see it. */
export interface ExecutableDevice extends CellDevice {
  readonly table: Region;
  readonly arena: Region;
  /** Made when a program that several threads can share first runs. */
  readonly pool: ThreadPool;
  /** How many threads a program may use. */
  readonly threads: number;
  own(storage: Storage, use: string): CpuStorage;
}

const isRunFunction = (value: unknown): value is ThreadedRun => typeof value === 'function';

const DONATED = 'it was donated to a jitted call';
const DONATED_TRAPPED = 'it was donated to a jitted call, which failed';

const aligned = (bytes: number): number => Math.ceil(bytes / BLOCK_ALIGN) * BLOCK_ALIGN;

export class CpuExecutable implements Executable {
  readonly #device: ExecutableDevice;
  readonly #name: string;
  readonly #module: WebAssembly.Module;
  readonly #text: (stage: TextStage) => string;
  #run: ThreadedRun | undefined;
  /** For the workers, if several threads can run it. */
  readonly #shared: SharedModule | undefined;

  readonly #inputs: readonly (ProgramBuffer | undefined)[];
  readonly #outputs: readonly ProgramBuffer[];
  readonly #donations: readonly number[];
  readonly #dynamic: boolean;
  /**
   * All constants in one storage, each at its byte offset. It is a storage like any other: it may be spilled when
   * it has not been used for long, and dies with this object.
   */
  readonly #constants: CpuStorage;
  readonly #constantOffsets: readonly number[];
  readonly #arenaBytes: number;
  readonly #scratchOffset: number;
  /** Bytes of scratch memory for each thread of its own, at the end of the arena. */
  readonly #privateBytes: number;
  readonly #tableBytes: number;

  constructor(device: ExecutableDevice, program: Program, emitted: EmittedProgram) {
    this.#device = device;
    this.#name = program.name;
    try {
      // Bytes over an ArrayBufferLike are what the emitter promises; the constructor wants its own copy type.
      this.#module = new WebAssembly.Module(new Uint8Array(emitted.bytes));
    } catch (cause) {
      throw new Error(`internal error: the module of program ${program.name} does not validate: ${String(cause)}`, {
        cause,
      });
    }
    this.#text = (stage) => (stage === 'wat' ? disassemble(emitted.bytes) : emitted.text());
    this.#inputs = inputBuffers(program);
    this.#outputs = outputBuffers(program);
    const donors = program.donations.filter((input) => input >= 0);
    if (new Set(donors).size !== donors.length) {
      throw new Error(`internal error: program ${program.name} donates an input to two outputs: ${donors.join(', ')}`);
    }
    this.#donations = program.donations;
    this.#dynamic = program.dynamicExtent;
    const { storage, offsets } = packConstants(device, program);
    this.#constants = storage;
    this.#constantOffsets = offsets;
    this.#scratchOffset = aligned(program.arenaBytes);
    this.#arenaBytes = this.#scratchOffset + emitted.scratchBytes;
    this.#privateBytes = emitted.privateBytes;
    this.#shared = emitted.shared === undefined ? undefined : new SharedModule(emitted.bytes, emitted.shared);
    this.#tableBytes = aligned(4 * (program.inputCount + program.outputCount + offsets.length + 2));
  }

  asText(stage: TextStage = 'kernels'): string {
    if (stage === 'wgsl') throw new ArgumentError("asText('wgsl'): programs of the cpu device are asText('wat')");
    return this.#text(stage);
  }

  run(inputs: readonly Storage[], donated?: readonly boolean[], extent = 0): Storage[] {
    this.#check(inputs, extent);
    const { store, table, arena } = this.#device;
    const run = (this.#run ??= this.#instantiate());
    const shared = this.#shared;
    const threads = shared === undefined ? 1 : this.#device.pool.prepare(shared, extent, this.#device.threads);
    const arenaBytes = this.#arenaBytes + threads * this.#privateBytes;
    const inputCount = inputs.length;
    const outputCount = this.#outputs.length;
    // Cells of the outputs, `undefined` for tiny ones; one that takes over a donated block is still its input's.
    const outputs: (Cell | undefined)[] = [];
    let pinned = 0;
    let constantsPinned = false;
    let started = false;
    let finished = false;
    try {
      // Table, then a slot for every tiny array of this call.
      const tableAddress = table.reserve(this.#tableBytes + (inputCount + outputCount + 1) * TINY_BYTES);
      const arenaAddress = arenaBytes === 0 ? tableAddress : arena.reserve(arenaBytes);
      const firstEntry = tableAddress >>> 2;
      let slot = tableAddress + this.#tableBytes;

      // All inputs come in and are pinned first, so that nothing allocated later can spill one of them.
      for (const input of inputs) {
        let address = slot;
        if (input.cell.bytes > TINY_BYTES) {
          address = store.pin(input);
        } else {
          store.stageTiny(input.cell, address);
          slot += TINY_BYTES;
        }
        store.heap.i32[firstEntry + pinned] = address;
        pinned += 1;
      }
      let constants = slot;
      if (this.#constants.cell.bytes > TINY_BYTES) {
        constants = store.pin(this.#constants);
        constantsPinned = true;
      } else {
        store.stageTiny(this.#constants.cell, slot);
        slot += TINY_BYTES;
      }

      const firstOutputSlot = slot;
      for (let i = 0; i < outputCount; i++) {
        const bytes = this.#outputBytes(i, extent);
        let address = slot;
        if (bytes > TINY_BYTES) {
          const cell = this.#donor(i, inputs, donated, bytes) ?? store.allocate(bytes);
          outputs.push(cell);
          address = cell.address;
        } else {
          outputs.push(undefined);
          slot += TINY_BYTES;
        }
        store.heap.i32[firstEntry + inputCount + i] = address;
      }

      // No allocation from here on, so this view of the memory stays valid.
      const { i32 } = store.heap;
      let entry = firstEntry + inputCount + outputCount;
      for (const offset of this.#constantOffsets) i32[entry++] = constants + offset;
      i32[entry++] = arenaAddress;
      i32[entry] = arenaAddress + this.#scratchOffset;

      started = true;
      if (shared === undefined || threads === 1) run(tableAddress, extent, 0, 1, 0);
      else this.#device.pool.run(shared, run, tableAddress, extent, threads);
      finished = true;
      return this.#finish(inputs, outputs, donated, extent, firstOutputSlot);
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError || error instanceof WorkerTrap)) throw error;
      throw new Error(`internal error: program ${this.#name} trapped: ${error.message}`, { cause: error });
    } finally {
      if (!finished) this.#abandon(inputs, outputs, pinned, started);
      if (constantsPinned) store.unpin(this.#constants.cell);
      table.done();
      arena.done();
    }
  }

  /** Everything that can be wrong with the arguments, before anything is changed. */
  #check(inputs: readonly Storage[], extent: number): asserts inputs is readonly CpuStorage[] {
    const expected = this.#inputs;
    if (inputs.length !== expected.length) {
      throw new ArgumentError(`program ${this.#name} takes ${expected.length} arrays, but got ${inputs.length}`);
    }
    if (this.#dynamic && !(Number.isInteger(extent) && extent >= 0)) {
      throw new ArgumentError(`program ${this.#name} takes an extent, an integer of at least 0, but got ${extent}`);
    }
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i];
      if (!(input instanceof CpuStorage) || input.device !== this.#device) {
        if (input !== undefined) this.#device.own(input, `input ${i} of program ${this.#name}`);
        throw new ArgumentError(`input ${i} of program ${this.#name} is missing`);
      }
      if (input.cell.gone !== undefined) throw deletedError(input, `input ${i} of program ${this.#name}`);
      const buffer = expected[i];
      // An input that no kernel reads has no buffer.
      if (buffer === undefined) continue;
      if (input.dtype !== buffer.dtype || (!this.#dynamic && input.length !== buffer.length)) {
        throw new ArgumentError(
          `input ${i} of program ${this.#name} must be ${buffer.length} elements of ${buffer.dtype}, ` +
            `but it is ${input.length} elements of ${input.dtype}`,
        );
      }
    }
  }

  #instantiate(): ThreadedRun {
    const { memory } = this.#device.store.heap;
    const { run } = new WebAssembly.Instance(this.#module, { env: { memory } }).exports;
    if (!isRunFunction(run))
      throw new Error(`internal error: the module of program ${this.#name} exports no run function`);
    return run;
  }

  #outputBytes(index: number, extent: number): number {
    const output = this.#outputs[index];
    if (output === undefined) return 0;
    return byteWidth(output.dtype) * (this.#dynamic ? extent : output.length);
  }

  /** The cell of the donated input that output `index` may be written over, if it can take it over. */
  #donor(
    index: number,
    inputs: readonly CpuStorage[],
    donated: readonly boolean[] | undefined,
    bytes: number,
  ): Cell | undefined {
    const from = this.#donations[index] ?? -1;
    if (from < 0 || donated?.[from] !== true) return undefined;
    const cell = inputs[from]?.cell;
    // More than one pin: the same array is another input as well, and must stay readable during the call.
    return cell?.bytes === bytes && cell.pins === 1 ? cell : undefined;
  }

  /** After a successful run: wrap the outputs, let go of the inputs. */
  #finish(
    inputs: readonly CpuStorage[],
    cells: readonly (Cell | undefined)[],
    donated: readonly boolean[] | undefined,
    extent: number,
    firstOutputSlot: number,
  ): Storage[] {
    const { store } = this.#device;
    for (const { cell } of inputs) if (cell.bytes > TINY_BYTES) store.unpin(cell);
    const results: Storage[] = [];
    let slot = firstOutputSlot;
    for (let i = 0; i < this.#outputs.length; i++) {
      const { dtype, length } = this.#outputs[i] ?? NO_BUFFER;
      let cell = cells[i];
      if (cell === undefined) {
        cell = store.tinyFrom(slot, this.#outputBytes(i, extent));
        slot += TINY_BYTES;
      } else {
        const donor = donated === undefined ? undefined : inputs[this.#donations[i] ?? -1]?.cell;
        if (cell === donor) cell = store.take(donor, DONATED);
        store.unpin(cell);
      }
      results.push(store.adopt(new CpuStorage(this.#device, dtype, this.#dynamic ? extent : length, cell)));
    }
    if (donated !== undefined) {
      for (let i = 0; i < inputs.length; i++) if (donated[i] === true) inputs[i]?.release(DONATED);
    }
    return results;
  }

  /** After a failed run: free the outputs, let go of the inputs. */
  #abandon(
    inputs: readonly CpuStorage[],
    cells: readonly (Cell | undefined)[],
    pinned: number,
    started: boolean,
  ): void {
    const { store } = this.#device;
    const borrowed = new Set<Cell>();
    for (let i = 0; i < pinned; i++) {
      const cell = inputs[i]?.cell;
      if (cell === undefined || cell.bytes <= TINY_BYTES) continue;
      store.unpin(cell);
      borrowed.add(cell);
    }
    for (const cell of cells) {
      if (cell === undefined) continue;
      // An input that was being written over may hold anything now; one that was only reserved is unharmed.
      if (!borrowed.has(cell)) store.release(cell, 'the call that made it failed');
      else if (started) store.release(cell, DONATED_TRAPPED);
    }
  }
}

const NO_BUFFER = { dtype: 'float32', length: 0 } as const;

/** All constants of a program in one storage, each aligned like a block. */
function packConstants(device: CellDevice, program: Program): { storage: CpuStorage; offsets: number[] } {
  const offsets: number[] = [];
  let bytes = 0;
  for (const { data } of program.constants) {
    offsets.push(bytes);
    bytes += aligned(data.byteLength);
  }
  // One tiny constant need not occupy a whole aligned slot.
  const packed = new Uint8Array(offsets.length === 1 ? aligned4(program.constants[0]?.data.byteLength ?? 0) : bytes);
  for (const [i, { data }] of program.constants.entries()) {
    packed.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offsets[i]);
  }
  const words = new Int32Array(packed.buffer);
  return { storage: new CpuStorage(device, 'int32', words.length, device.store.fromHost('int32', words)), offsets };
}

const aligned4 = (bytes: number): number => Math.ceil(bytes / 4) * 4;
