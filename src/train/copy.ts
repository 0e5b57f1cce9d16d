/** Copies of arrays, which stay when a step donates what they are copies of. */
import { NDArray } from '../core/ndarray.js';
import { flatten, unflatten } from '../core/tree.js';
import { optimizationBarrier } from '../lax/index.js';

/** A tree with arrays of its own, on the same device. */
export function copyArrays<T>(value: T): T {
  const [leaves, def] = flatten<unknown>([value]);
  // The one operation whose result is never its operand.
  const copies = leaves.map((x) => (x instanceof NDArray ? (optimizationBarrier([x])[0] ?? x) : x));
  const [copy] = unflatten(def, copies) as readonly [T];
  return copy;
}
