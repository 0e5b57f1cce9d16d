/** Laws of vectorization, of every primitive. */
import { test } from 'vitest';
import { SEED } from '../seed.js';
import { lawsOf } from './registry.js';

test.each(lawsOf('batch').map((law) => [law.name, law] as const))('%s', (_name, law) => {
  law.run(SEED);
});
