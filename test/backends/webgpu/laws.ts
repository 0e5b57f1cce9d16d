/** Tests of the laws of every primitive on the webgpu device; the files beside have a part each, so that cores share them. */
import { expect, test } from 'vitest';
import { devices, requestDevice } from 'cotangent';
import { DTYPES } from '../../../src/core/dtype.js';
import { lawsOn } from '../../laws/registry.js';
import { SEED } from '../../seed.js';

const gpu = await requestDevice('webgpu');
const [cpu = gpu] = devices();
const laws = lawsOn([gpu, cpu]);

/** Tests of one of `parts` equal parts of the laws. */
export function lawTests(part: number, parts: number): void {
  test('only float64 is left out', () => {
    expect(DTYPES.filter((dtype) => !gpu.supports(dtype))).toEqual(['float64']);
  });
  const [begin, end] = [part, part + 1].map((p) => Math.floor((p / parts) * laws.length));
  test.each(laws.slice(begin, end).map((law) => [law.name, law] as const))('%s', async (_name, law) => {
    await law.run(SEED);
  });
}
