/** Functions of a closed jaxpr and some flags, remembered as long as the jaxpr lives. */
import type { ClosedJaxpr } from '../core/primitive.js';

export function memoize<A extends readonly unknown[], R>(
  f: (closed: ClosedJaxpr, ...rest: A) => R,
): (closed: ClosedJaxpr, ...rest: A) => R {
  const cache = new WeakMap<ClosedJaxpr, Map<string, R>>();
  return (closed, ...rest) => {
    const results = cache.get(closed) ?? new Map<string, R>();
    cache.set(closed, results);
    const key = JSON.stringify(rest);
    let result = results.get(key);
    if (result === undefined) results.set(key, (result = f(closed, ...rest)));
    return result;
  };
}
