/** Polynomials and windows: NumPy's results, eagerly, under jit and under vmap. */
import { describe, expect, test } from 'vitest';
import { failures, functionsOf } from './numpy-b.js';

describe('polynomial', () => {
  for (const fn of functionsOf('polynomial')) {
    test.each(['eager', 'jit', 'vmap'] as const)(`${fn} %s`, (way) =>
      expect(failures('polynomial', fn, way)).toEqual([]),
    );
  }
});
