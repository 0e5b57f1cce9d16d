/** Sorting, searching, distinct elements and sets: NumPy's results, eagerly, under jit and under vmap. */
import { describe, expect, test } from 'vitest';
import { failures, functionsOf } from './numpy-b.js';

describe('sorting', () => {
  for (const fn of functionsOf('sorting')) {
    test.each(['eager', 'jit', 'vmap'] as const)(`${fn} %s`, (way) => expect(failures('sorting', fn, way)).toEqual([]));
  }
});
