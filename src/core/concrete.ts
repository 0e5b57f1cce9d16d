/** Arrays with values: a storage on a device, or a scalar that has not needed one yet. */
import { ShapedArray, showShape } from './aval.js';
import type { Device, Storage } from './device.js';
import { hostArray, type DType, type TypedArray } from './dtype.js';
import { ArgumentError, DeletedArrayError } from './errors.js';
import { roundToHalf } from './half.js';
import { NDArray, type NestedArray } from './ndarray.js';
import { formatArray } from './format.js';
import { userLine } from './source.js';

let defaultDevice: Device | undefined;

/** The device that new arrays go to. */
export function getDefaultDevice(): Device {
  if (defaultDevice === undefined) throw new Error('no device: import cotangent, not one of its internal modules');
  return defaultDevice;
}

/** Set the device that new arrays go to. */
export function setDefaultDevice(device: Device): void {
  defaultDevice = device;
}

/** How an array that is made of numbers alone is made on another device, and in how many operations. */
export interface Recipe {
  readonly on: (device: Device) => Storage;
  readonly steps: number;
}

/** An array whose elements exist. */
export class ConcreteArray extends NDArray {
  #storage: Storage | undefined;
  /** On the device that last asked for what is made of numbers alone, if it was another one. */
  #elsewhere: Storage | undefined;
  /** The value of a scalar made from a JS number; jaxprs write it as a literal. */
  readonly scalarValue: number | undefined;

  constructor(
    readonly aval: ShapedArray,
    content: Storage | number,
    private readonly recipe?: Recipe,
  ) {
    super();
    if (typeof content === 'number') this.scalarValue = content;
    else this.#storage = content;
  }

  /** The bytes; throws if they were donated or disposed. */
  get storage(): Storage {
    return this.storageOn(this.#storage?.device ?? getDefaultDevice());
  }

  /** Operations of which the array is made, of numbers alone: then it is wherever it is used. Undefined for others. */
  get steps(): number | undefined {
    return this.scalarValue === undefined ? this.recipe?.steps : 0;
  }

  /** The same elements, on one device for good. */
  settled(): ConcreteArray {
    return this.recipe === undefined ? this : new ConcreteArray(this.aval, this.storage);
  }

  /** The bytes, of what is made of numbers alone on the device that asks. */
  storageOn(device: Device): Storage {
    if (this.recipe !== undefined && this.#storage !== undefined && this.#storage.device !== device) {
      if (this.#elsewhere?.device !== device || this.#elsewhere.gone !== undefined)
        this.#elsewhere = this.recipe.on(device);
      return this.#elsewhere;
    }
    if (this.#storage === undefined || (this.scalarValue !== undefined && this.#storage.device !== device)) {
      const data = hostArray(this.dtype, 1);
      data[0] = this.scalarValue ?? 0;
      this.#storage = device.fromHost(this.dtype, data);
    }
    if (this.#storage.gone !== undefined) {
      throw new DeletedArrayError(
        `array ${this.aval.toString()} can no longer be used: ${this.#storage.gone}. ` +
          `Use the results of that call instead, or keep this array by not donating it.${userLine()}`,
      );
    }
    return this.#storage;
  }

  get device(): Device {
    return this.#storage?.device ?? getDefaultDevice();
  }

  dataSync(): TypedArray {
    return this.storage.device.toHost(this.storage);
  }

  async data(): Promise<TypedArray> {
    return this.storage.device.toHostAsync(this.storage);
  }

  async blockUntilReady(): Promise<this> {
    await this.storage.device.ready(this.storage);
    return this;
  }

  js(): NestedArray {
    const data = this.dataSync();
    const isBool = this.dtype === 'bool';
    const build = (axis: number, offset: number, size: number): NestedArray => {
      const extent = this.aval.shape[axis];
      if (extent === undefined) {
        const value = data[offset] ?? 0;
        return isBool ? value !== 0 : value;
      }
      const step = size / Math.max(extent, 1);
      return Array.from({ length: extent }, (_, i) => build(axis + 1, offset + i * step, step));
    };
    return build(0, 0, this.size);
  }

  item(): number | boolean {
    if (this.size !== 1) {
      throw new ArgumentError(
        `item(): the array has shape ${showShape(this.shape)}, and only an array of one element is a number. ` +
          `Index it first (x.slice(0)) or read all of it with js().${userLine()}`,
      );
    }
    const value = this.scalarValue ?? this.dataSync()[0] ?? 0;
    return this.dtype === 'bool' ? value !== 0 : value;
  }

  /** Free the bytes now. Any later use is an error. */
  dispose(): void {
    this.storage.release('it was disposed');
  }

  [Symbol.toPrimitive](hint: string): number | string {
    if (hint === 'default' && this.ndim > 0) {
      throw new ArgumentError(
        `an array of shape ${showShape(this.shape)} is no operand of + or ==: JavaScript has no operators for arrays. ` +
          `Use x.add(y), x.equal(y), or String(x) for text.${userLine()}`,
      );
    }
    if (hint !== 'string') return Number(this.item());
    return this.toString();
  }

  override toString(): string {
    return formatArray(this.aval, this.dataSync());
  }

  toJSON(): NestedArray {
    return this.js();
  }

  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Array(${this.toString()}, dtype=${this.dtype})`;
  }
}

/** An array that a user made, on one device for good; values under a transform as they are. */
export const settled = (x: NDArray): NDArray => (x instanceof ConcreteArray ? x.settled() : x);

/** A scalar from a JS number; it takes no storage until it is read or computed with. */
export function scalar(value: number | boolean, dtype: DType, weakType = false): ConcreteArray {
  const number = Number(value);
  const held =
    dtype === 'float16'
      ? roundToHalf(number)
      : dtype === 'float32'
        ? Math.fround(number)
        : dtype === 'int32'
          ? number | 0
          : dtype === 'uint32'
            ? number >>> 0
            : dtype === 'bool'
              ? Number(number !== 0)
              : number;
  return new ConcreteArray(new ShapedArray([], dtype, weakType), held);
}

/** An array from host data, which is copied. */
export function fromHost(
  data: TypedArray,
  shape: readonly number[],
  dtype: DType,
  device = getDefaultDevice(),
): ConcreteArray {
  return new ConcreteArray(new ShapedArray(shape, dtype), device.fromHost(dtype, data));
}
