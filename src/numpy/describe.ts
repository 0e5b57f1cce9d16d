/** How an argument is named in a message. */
import { NDArray } from '../core/ndarray.js';

export function describeArgument(x: unknown): string {
  if (x instanceof NDArray) return x.aval.toString();
  if (Array.isArray(x)) return `the JS array ${JSON.stringify(x)}`;
  if (typeof x === 'number' || typeof x === 'boolean') return `the ${typeof x} ${x}`;
  if (x === null || x === undefined) return String(x);
  return typeof x === 'object' ? `an object of class ${x.constructor.name}` : `a value of type ${typeof x}`;
}
