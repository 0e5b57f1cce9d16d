/** The laws of devices in a page: a function on its global object checks one of them by name. */
import { devices, primitives, requestDevice } from 'cotangent';
import { randomProgram, Rng } from 'cotangent/testing';
import { roundings } from '../../../src/testing/compare.js';
import { assertSameOn } from '../../../src/testing/device-laws.js';
import { jitted } from '../../../src/testing/evaluation.js';
import { draw, LONG, resized, subject, type Subject } from '../../../src/testing/subjects.js';

/** As in test/backends/webgpu, where these laws are checked in Node, with more lengths, programs and derivatives. */
const [VALUES, PROGRAM] = [64, 1024];
const PROGRAMS = 10;
const SEED = 0;

const gpu = await requestDevice('webgpu');
const [cpu = gpu] = devices();
const has = (s: Subject): boolean => [...s.avals, ...s.outAvals].every((a) => gpu.supports(a.dtype));

const checks = new Map<string, () => Promise<void>>();
for (const s of [...primitives().values()].flatMap((p) => p.examples().map((e) => subject(p, e))).filter(has)) {
  checks.set(s.name, async () => {
    for (const each of [s, ...resized(s, LONG)]) {
      const operands = draw(each, new Rng(SEED));
      await assertSameOn(each.name, jitted(each.apply), operands, [gpu, cpu], (d) => roundings(d, VALUES));
    }
    // One operation at a time as well; in Node for all lengths.
    await assertSameOn(`${s.name}: eager`, s.apply, draw(s, new Rng(SEED)), [gpu, cpu], (d) => roundings(d, VALUES));
  });
}
for (let seed = 0; seed < PROGRAMS; seed++) {
  checks.set(`program ${seed}`, async () => {
    const { run, draw: operands } = randomProgram(seed, { float: 'float32' });
    await assertSameOn(`program ${seed}`, jitted(run), operands(seed), [gpu, cpu], (d) => roundings(d, PROGRAM));
  });
}

export interface Laws {
  readonly names: readonly string[];
  /** What is wrong, or null. */
  check(name: string): Promise<string | null>;
}
const laws: Laws = {
  names: [...checks.keys()],
  check: async (name) => {
    try {
      await checks.get(name)?.();
      return null;
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  },
};
Object.assign(globalThis, { laws });
