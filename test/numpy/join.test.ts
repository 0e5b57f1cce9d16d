/** Joining and splitting: NumPy's results, eagerly, under jit and under vmap. */
import { describe, expect, test } from 'vitest';
import { failures, functionsOf } from './numpy-b.js';

describe('join', () => {
  for (const fn of functionsOf('join')) {
    test.each(['eager', 'jit', 'vmap'] as const)(`${fn} %s`, (way) => expect(failures('join', fn, way)).toEqual([]));
  }
});
