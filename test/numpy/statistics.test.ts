/** Quantiles, histograms, covariance, convolution, interpolation and differences: NumPy's results, eagerly, under jit and under vmap. */
import { describe, expect, test } from 'vitest';
import { failures, functionsOf } from './numpy-b.js';

describe('statistics', () => {
  for (const fn of functionsOf('statistics')) {
    test.each(['eager', 'jit', 'vmap'] as const)(`${fn} %s`, (way) =>
      expect(failures('statistics', fn, way)).toEqual([]),
    );
  }
});
