/** Abstract values: what is known of an array while it is traced. */
import { shortName, type DType } from './dtype.js';

export type Shape = readonly number[];

/** Shape, dtype, and whether the dtype is weak (came from a bare JS number and gives way in promotion). */
export class ShapedArray {
  #text: string | undefined;

  constructor(
    readonly shape: Shape,
    readonly dtype: DType,
    readonly weakType: boolean = false,
  ) {}

  get ndim(): number {
    return this.shape.length;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  /** The form jaxprs print: `f32[3,4]`. */
  toString(): string {
    return (this.#text ??= `${shortName(this.dtype)}[${this.shape.join(',')}]`);
  }

  /** Same shape and dtype; weakness is not part of the type of a value. */
  equals(other: ShapedArray): boolean {
    return this.dtype === other.dtype && sameShape(this.shape, other.shape);
  }

  with(change: { shape?: Shape; dtype?: DType; weakType?: boolean }): ShapedArray {
    return new ShapedArray(change.shape ?? this.shape, change.dtype ?? this.dtype, change.weakType ?? this.weakType);
  }

  strengthen(): ShapedArray {
    return this.weakType ? new ShapedArray(this.shape, this.dtype) : this;
  }
}

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const d of shape) size *= d;
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i] ?? 1;
  }
  return strides;
}

/** `[2, 3]`, for messages. */
export const showShape = (shape: Shape): string => `[${shape.join(', ')}]`;
