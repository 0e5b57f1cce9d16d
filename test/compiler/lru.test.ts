import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LruCache } from '../../src/compiler/lru.js';

const operation = fc.record({ key: fc.nat(12), write: fc.boolean() });

it('holds at most its capacity, never a stale value, and always the most recently used half', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 10 }), fc.array(operation, { maxLength: 200 }), (capacity, operations) => {
      const cache = new LruCache<number, number>(capacity);
      const written = new Map<number, number>();
      // Youngest last.
      let recent: number[] = [];
      operations.forEach(({ key, write }, time) => {
        const found = cache.get(key);
        if (found !== undefined) expect(found).toBe(written.get(key));
        if (recent.slice(-Math.floor(capacity / 2)).includes(key)) expect(found).toBeDefined();
        if (write) {
          cache.set(key, time);
          written.set(key, time);
        }
        if (write || found !== undefined) recent = [...recent.filter((k) => k !== key), key];
        expect(cache.size).toBeLessThanOrEqual(capacity);
      });
    }),
  );
});

it('forgets everything when cleared', () => {
  const cache = new LruCache<string>(4);
  cache.set('a', 'x');
  cache.clear();
  expect([cache.size, cache.get('a')]).toEqual([0, undefined]);
});
