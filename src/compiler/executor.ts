/** Running compiled jaxprs on a device: operands in, results out, forwarded values and donations included. */
import type { ShapedArray } from '../core/aval.js';
import { nth } from '../core/axes.js';
import { ConcreteArray } from '../core/concrete.js';
import type { Device, Storage } from '../core/device.js';
import { DTypeError, ArgumentError } from '../core/errors.js';
import type { ClosedJaxpr } from '../core/primitive.js';
import { userLine } from '../core/source.js';
import type { Backend, Executable, TextStage } from './backend.js';
import { compileJaxpr, type CompileOptions, type ResultSource } from './compile.js';

export const isBackend = (device: Device): device is Backend => 'compile' in device;

/** The device that operands live on; an error when they live on several. What is made of numbers alone lives nowhere. */
export function deviceOf(operands: readonly ConcreteArray[], fallback: Device, op: string): Backend {
  let device: Device | undefined;
  for (const x of operands) {
    if (x.steps !== undefined) continue;
    if (device !== undefined && x.device !== device) {
      throw new ArgumentError(
        `${op}: operands live on different devices, ${device.kind} and ${x.device.kind}. Move one with devicePut(x, device).${userLine()}`,
      );
    }
    device = x.device;
  }
  const chosen = device ?? fallback;
  if (!isBackend(chosen)) throw new Error(`device ${chosen.kind} cannot run programs`);
  return chosen;
}

/** Throw if the device does not have the dtype of a value. */
export function checkSupported(device: Device, avals: readonly ShapedArray[], op: string): void {
  for (const { dtype } of avals) {
    if (device.supports(dtype)) continue;
    throw new DTypeError(
      `${op}: device ${device.kind} has no ${dtype}. Convert with x.astype('float32') or use the cpu device.${userLine()}`,
    );
  }
}

/** A jaxpr compiled for one device. */
export class CompiledFunction {
  readonly #executable: Executable;
  readonly #constants: readonly ConcreteArray[];
  readonly #results: readonly ResultSource[];

  constructor(
    closed: ClosedJaxpr,
    private readonly device: Backend,
    private readonly outAvals: readonly ShapedArray[],
    options: CompileOptions = {},
  ) {
    const compiled = compileJaxpr(
      closed,
      device.layout === undefined ? options : { ...options, layout: device.layout },
    );
    this.#executable = device.compile(compiled.program);
    this.#constants = compiled.constants;
    this.#results = compiled.results;
  }

  /** Run; `donated[i]` gives up argument i. `extent` is the length of a program that serves any. */
  run(
    operands: readonly ConcreteArray[],
    donated?: readonly boolean[],
    extent?: number,
    outAvals = this.outAvals,
  ): ConcreteArray[] {
    const all = this.#constants.length === 0 ? operands : [...operands, ...this.#constants];
    const storages = all.map((x) => x.storageOn(this.device));
    const copies = donated === undefined ? undefined : this.#copyForwarded(storages, donated);
    const computed = this.#executable.run(storages, donated, extent);
    const result = (source: ResultSource): Storage | number => {
      switch (source.kind) {
        case 'computed':
          return nth(computed, source.index);
        case 'input':
          return copies?.get(source.index) ?? nth(storages, source.index);
        case 'literal':
          return source.value;
      }
    };
    return this.#results.map((source, i) => new ConcreteArray(nth(outAvals, i), result(source)));
  }

  /** A result that is an argument shares its bytes; copies of those that the call is given, and ends. */
  #copyForwarded(storages: readonly Storage[], donated: readonly boolean[]): Map<number, Storage> {
    const copies = new Map<number, Storage>();
    for (const source of this.#results) {
      if (source.kind !== 'input' || donated[source.index] !== true) continue;
      const storage = nth(storages, source.index);
      copies.set(source.index, this.device.copy(storage));
    }
    return copies;
  }

  asText(stage?: TextStage): string {
    return this.#executable.asText(stage);
  }
}
