/** Functions of an object (a closed jaxpr, a list of them) and some flags, remembered as long as the object lives. Flags are compared as JSON. */

export function memoize<K extends object, A extends readonly unknown[], R>(
  f: (key: K, ...rest: A) => R,
): (key: K, ...rest: A) => R {
  const cache = new WeakMap<K, Map<string, R>>();
  return (key, ...rest) => {
    const results = cache.get(key) ?? new Map<string, R>();
    cache.set(key, results);
    const flags = JSON.stringify(rest);
    let result = results.get(flags);
    if (result === undefined) results.set(flags, (result = f(key, ...rest)));
    return result;
  };
}
