/** No primitive is without laws. */
import { describe, expect, test } from 'vitest';
import { primitives } from 'cotangent';
import { primitiveLaws } from 'cotangent/testing';
import { EXEMPT, FORWARD_ONLY, ZERO_BY_DEFINITION } from './registry.js';

const all = [...primitives().values()];

describe('every primitive is covered by laws', () => {
  test('the registry is full', () => {
    expect(all.length).toBeGreaterThan(110);
    for (const name of [
      'add',
      'sort',
      'jit',
      'custom_vjp_call',
      'psum',
      'threefry2x32',
      'polygamma',
      'scan',
      'while',
      'cond',
    ]) {
      expect(primitives().has(name), name).toBe(true);
    }
  });
  test('each primitive has examples, unless it is exempt', () => {
    const without = all.filter((p) => p.examples().length === 0).map((p) => p.name);
    expect(without.sort()).toEqual(Object.keys(EXEMPT).sort());
  });
  test.each(all.filter((p) => EXEMPT[p.name] === undefined).map((p) => [p.name, p] as const))(
    '%s has laws of evaluation for each example',
    (_name, primitive) => {
      const laws = primitiveLaws(primitive);
      const examples = primitive.examples();
      expect(laws.filter((law) => law.name.startsWith('jit = eager')).length).toBe(examples.length);
      const batchable = examples.filter((e) => e.args.length > 0).length;
      expect(laws.filter((law) => law.name.startsWith('vmap = loop')).length).toBe(batchable);
      const differentiable = examples.filter((e) =>
        e.args.some((a) => ['float32', 'float64'].includes(a.dtype ?? 'float32')),
      ).length;
      expect(
        laws.filter((law) => law.name.startsWith('deriva') && law.kind === 'derivative').length,
      ).toBeGreaterThanOrEqual(differentiable);
    },
  );
  test('names of exceptions are names of primitives', () => {
    for (const name of [...Object.keys(EXEMPT), ...Object.keys(ZERO_BY_DEFINITION), ...Object.keys(FORWARD_ONLY)])
      expect(primitives().has(name), name).toBe(true);
  });
});
