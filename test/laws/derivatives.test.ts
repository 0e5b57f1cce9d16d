/** Laws of differentiation, of every primitive. */
import { test } from 'vitest';
import { SEED } from '../seed.js';
import { lawsOf } from './registry.js';

test.each(lawsOf('derivative').map((law) => [law.name, law] as const))('%s', (_name, law) => {
  law.run(SEED);
});
