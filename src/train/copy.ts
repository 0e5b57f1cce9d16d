/** Copies of arrays, which stay when a step donates what they are copies of. */
import { NDArray } from '../core/ndarray.js';
import { map } from '../core/tree.js';
import { copy } from '../numpy/shape.js';

/** A tree with arrays of its own, on the same device. */
export const copyArrays = <T>(value: T): T =>
  // Leaves are copied to leaves of their own type.
  map((x: unknown) => (x instanceof NDArray ? copy(x) : x), value) as T;
