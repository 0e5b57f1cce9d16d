/** How arrays lie in GPU memory: elements of four bytes, for WGSL stores nothing smaller, and ranges that may be bound. */
import type { DType } from '../../core/dtype.js';
import type { MemoryLayout } from '../../compiler/plan.js';

/** Bytes of an element; a bool is a word. */
export const ELEMENT_BYTES = 4;

/** Bytes of a vector of four elements. Every array is bound to the end of its last vector. */
export const VECTOR_BYTES = 4 * ELEMENT_BYTES;

export const bytesOf = (_dtype: DType, length: number): number => ELEMENT_BYTES * length;

/** The offset of a binding is a multiple of 256 on any device (WebGPU's default limit). */
export const GPU_LAYOUT: MemoryLayout = { alignment: 256, elementBytes: () => ELEMENT_BYTES };
