/** Random programs, their derivatives and their vmaps give on WebGPU what they give on the CPU. */
import { describe, test } from 'vitest';
import { devices, requestDevice, vmap, type NDArray } from 'cotangent';
import { randomProgram, Rng } from 'cotangent/testing';
import { assertSameOn } from '../../../src/testing/device-laws.js';
import { evaluateOn, jitted } from '../../../src/testing/evaluation.js';
import { roundings } from '../../../src/testing/compare.js';
import { drawDirection, stack } from '../../../src/testing/host.js';
import { cotangentsOf, tangentsOf } from '../../../src/testing/derivative-laws.js';
import { SEED } from '../../seed.js';

const gpu = await requestDevice('webgpu');
const [cpu = gpu] = devices();
const COUNT = Number(process.env['COTANGENT_PROGRAMS'] ?? 40);

/** Each of a few dozen operations passes roundings on, some amplified; the same bound as between jit and eager. */
const VALUES = 1024;
const DERIVATIVES = 16 * VALUES;

describe('webgpu = cpu', () => {
  test.each(Array.from({ length: COUNT }, (_, i) => SEED * 1_000_003 + i))('program %i', async (seed) => {
    const { inputs, run, draw } = randomProgram(seed, { float: 'float32' });
    const args = draw(seed);
    const check = (
      what: string,
      f: (...xs: NDArray[]) => readonly NDArray[],
      xs: typeof args,
      units: number,
    ): Promise<void> => assertSameOn(`program ${seed}: ${what}`, f, xs, [gpu, cpu], (d) => roundings(d, units));
    await check('jit', jitted(run), args, VALUES);
    const results = await evaluateOn(cpu, run, args);
    const rng = new Rng(seed);
    const tangents = inputs.map((a) => drawDirection(a, rng));
    const cotangents = results.map((y) => drawDirection(y.aval, rng));
    const n = inputs.length;
    await check('jvp', jitted(tangentsOf(run, n)), [...args, ...tangents], DERIVATIVES);
    await check('vjp', jitted(cotangentsOf(run, n)), [...args, ...cotangents], DERIVATIVES);
    const list = (xs: readonly NDArray[]): readonly NDArray[] => run(...xs);
    await check(
      'vmap',
      jitted((...xs) => vmap(list)(xs)),
      args.map((x) => stack([x, x], 0, x.aval)),
      VALUES,
    );
  });
});
