/** Shapes, padding, joining: NumPy's results. */
import { describe, expect, test } from 'vitest';
import { failures, functionsOf } from './numpy-b.js';

for (const group of ['shape', 'pad', 'dtypes']) {
  describe(group, () => {
    for (const fn of functionsOf(group)) {
      test.each(['eager', 'jit', 'vmap'] as const)(`${fn} %s`, (way) => expect(failures(group, fn, way)).toEqual([]));
    }
  });
}
