/** Devices and the storage of arrays: what core needs to know of a backend. */
import type { DType, TypedArray } from './dtype.js';

/** The bytes of one array on one device. Immutable once written; freed by garbage collection. */
export interface Storage {
  readonly device: Device;
  readonly dtype: DType;
  /** Elements. */
  readonly length: number;
  /** Why the storage can no longer be read (donated, disposed), or `undefined` while it can. */
  readonly gone: string | undefined;
  /** Give the bytes back now instead of at collection. Reading afterwards is an error that names `reason`. */
  release(reason: string): void;
}

/** Something that stores arrays and runs programs. */
export interface Device {
  /** `cpu` or `webgpu`. */
  readonly kind: string;
  /** What it is, in its own words: for people to read, and to tell measurements apart. */
  readonly description: string;
  supports(dtype: DType): boolean;
  /** Copy host data in. */
  fromHost(dtype: DType, data: TypedArray): Storage;
  /** Copy out, synchronously; a device that cannot throws an error that says to await `x.data()`. */
  toHost(storage: Storage): TypedArray;
  /** Copy out once every program queued before has run. */
  toHostAsync(storage: Storage): Promise<TypedArray>;
  /** Wait for every program queued before, without copying anything. */
  ready(storage: Storage): Promise<void>;
}
