/** Random programs: 300 by default, more with COTANGENT_PROGRAMS; COTANGENT_SEED draws others. */
import { test } from 'vitest';
import 'cotangent';
import { checkProgram, PROGRAM_LAWS, type ProgramLaw } from 'cotangent/testing';
import { SEED } from '../seed.js';

const COUNT = Number(process.env['COTANGENT_PROGRAMS'] ?? 300);
/** Programs of one test; a failure names the seed. */
const BLOCK = 5;

/** A Hessian costs as much as all other laws together: every fifth program gets one. */
const lawsFor = (seed: number): readonly ProgramLaw[] =>
  PROGRAM_LAWS.filter((law) => seed % 5 === 0 || !law.name.includes('hessian'));

/** Laws of evaluation, which float32 obeys too; finite differences are for float64. */
const EVALUATION = PROGRAM_LAWS.filter((law) => /^(jit = eager|vmap = loop)/.test(law.name));

/** Tests of one of `parts` equal parts of the programs. */
export function programTests(part: number, parts: number): void {
  for (let first = part * BLOCK; first < COUNT; first += parts * BLOCK) {
    const last = Math.min(COUNT, first + BLOCK);
    test(`programs ${first} to ${last - 1} obey all laws`, () => {
      for (let i = first; i < last; i++) {
        const seed = SEED * 1_000_003 + i;
        checkProgram(seed, { laws: lawsFor(i) });
        checkProgram(seed, { laws: EVALUATION, float: 'float32' });
      }
    });
  }
}
