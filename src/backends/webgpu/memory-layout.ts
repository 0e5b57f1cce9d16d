/**
 * How arrays lie in GPU memory: elements of four bytes, for WGSL stores nothing smaller, but for halves where shaders have them
 * (`shader-f16`; elsewhere a float16 is a float32 that is a half), and ranges that may be bound.
 */
import type { DType } from '../../core/dtype.js';
import type { MemoryLayout } from '../../compiler/plan.js';
import type { GpuCapabilities } from './capabilities.js';

/** Bytes of an element that is no half; a bool is a word. */
export const WORD_BYTES = 4;

/** Bytes of a vector of four words. Every array is bound to the end of its last vector. */
export const VECTOR_BYTES = 4 * WORD_BYTES;

type Halves = Pick<GpuCapabilities, 'f16'>;

export const elementBytes = (dtype: DType, { f16 }: Halves): number => (dtype === 'float16' && f16 ? 2 : WORD_BYTES);

/** Bytes of an array: whole words, which are what can be copied. */
export const bytesOf = (dtype: DType, length: number, halves: Halves): number =>
  WORD_BYTES * Math.ceil((length * elementBytes(dtype, halves)) / WORD_BYTES);

/** The offset of a binding is a multiple of 256 on any device (WebGPU's default limit). */
export const ALIGNMENT = 256;

export const gpuLayout = (halves: Halves): MemoryLayout => ({
  alignment: ALIGNMENT,
  elementBytes: (dtype) => elementBytes(dtype, halves),
});
