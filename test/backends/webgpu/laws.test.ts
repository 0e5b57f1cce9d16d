/** What every primitive gives on the CPU it gives on WebGPU: eagerly, jitted, for lengths at the edges, and its derivatives. */
import { describe, test } from 'vitest';
import { devices, primitives, requestDevice } from 'cotangent';
import { subject, resized, draw, SMALL, LONG, type Subject } from '../../../src/testing/subjects.js';
import { assertSameOn, jitted } from '../../../src/testing/device-laws.js';
import { Rng } from 'cotangent/testing';
import { roundings } from '../../../src/testing/compare.js';
import { SEED } from '../../seed.js';

const gpu = await requestDevice('webgpu');
const [cpu = gpu] = devices();

const has = (s: Subject): boolean => [...s.avals, ...s.outAvals].every((a) => gpu.supports(a.dtype));

const subjects = [...primitives().values()].flatMap((p) => p.examples().map((e) => subject(p, e))).filter(has);

describe('webgpu = cpu', () => {
  test.each(subjects.map((s) => [s.name, s] as const))('%s', async (_, s) => {
    for (const each of [s, ...resized(s, [...SMALL, ...LONG])]) {
      const operands = draw(each, new Rng(SEED));
      await assertSameOn(`${each.name}: eager`, each.apply, operands, [gpu, cpu], (d) => roundings(d, 64));
      await assertSameOn(`${each.name}: jit`, jitted(each.apply), operands, [gpu, cpu], (d) => roundings(d, 64));
    }
  });
});
