/** Programs are shared by structure: equal keys mean equal programs, and other structures never meet. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jit, lax, numpy as np, type NDArray } from 'cotangent';
import { randomProgram } from 'cotangent/testing';
import { traceToJaxpr } from '../../src/core/jaxpr-trace.js';
import { compileJaxpr } from '../../src/compiler/compile.js';
import { kernelKey, programKey } from '../../src/compiler/key.js';
import type { ContractKernel, Program } from '../../src/compiler/loop-ir.js';
import { binary, constant, load, loopVar } from '../../src/core/scalar.js';
import { CpuDevice } from '../../src/backends/wasm/device.js';
import { onDevice } from '../backends/threads/helpers.js';

const compiled = (seed: number): Program => {
  const { run, inputs } = randomProgram(seed);
  return compileJaxpr(traceToJaxpr((...xs) => run(...xs), inputs, 'f')).program;
};

describe('programKey', () => {
  test('the same function traced again has the same key', () => {
    for (let seed = 0; seed < 40; seed++) expect(programKey(compiled(seed))).toBe(programKey(compiled(seed)));
  });

  test('any change of a number or a string in a program changes the key', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(), (seed, pick) => {
        const program = compiled(seed);
        const key = programKey(program);
        let leaves = 0;
        const count = (value: unknown, path: string): void => {
          walk(value, path, () => (leaves += 1));
        };
        count(program, '');
        const chosen = pick % leaves;
        let seen = 0;
        const changed = change(program, '', () => seen++ === chosen);
        expect(programKey(changed as Program)).not.toBe(key);
      }),
      { numRuns: 300 },
    );
  });

  test('zeros of both signs, infinities and bigints in a computed operand', () => {
    const axis = (id: number) => ({ id, extent: 4, lhsStride: 1, rhsStride: 1, outStride: 1 });
    const kernel = (value: ReturnType<typeof constant>): ContractKernel => ({
      kind: 'contract',
      name: 'k',
      buffers: [
        { dtype: 'float32', length: 4, access: 'read' },
        { dtype: 'float32', length: 4, access: 'write' },
      ],
      dtype: 'float32',
      batch: [],
      m: [axis(0)],
      n: [axis(1)],
      k: [axis(2)],
      lhs: { value: binary('mul', load('float32', 0, loopVar(0, 4)), value) },
      rhs: { buffer: 0, offset: 0 },
      out: { buffer: 1, offset: 0 },
    });
    const values = [0, -0, Infinity, -Infinity, NaN, 1].map((x) => kernelKey(kernel(constant('float32', x))));
    expect(new Set(values).size).toBe(values.length);
    expect(
      kernelKey({ ...kernel(constant('float32', 1)), lhs: { value: { op: 'const', type: 'int64', value: 5n } } }),
    ).toContain('5n');
  });
});

/** Names do not count; another kind or operation with the same fields would be no program. */
const SKIPPED = /\.(name|kind|op)$/;

/** Visit the strings, numbers and booleans that make up a program. */
function walk(value: unknown, path: string, leaf: () => void): void {
  if (SKIPPED.test(path)) return;
  if (typeof value !== 'object' || value === null) {
    if (value !== undefined) leaf();
    return;
  }
  for (const [key, part] of Object.entries(value)) walk(part, `${path}.${key}`, leaf);
}

/** A copy in which the chosen leaf is another value. */
function change(value: unknown, path: string, chosen: () => boolean): unknown {
  if (SKIPPED.test(path)) return value;
  if (typeof value !== 'object' || value === null) {
    if (value === undefined || !chosen()) return value;
    if (typeof value === 'number') return value + 1;
    if (typeof value === 'bigint') return value + 1n;
    return typeof value === 'string' ? `${value}'` : value !== true;
  }
  if (Array.isArray(value)) return value.map((part, i) => change(part, `${path}.${i}`, chosen));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, change(part, `${path}.${key}`, chosen)]));
}

describe('the cache of compiled programs', () => {
  const device = new CpuDevice();

  test('functions of the same structure share a program, others do not', () => {
    onDevice(device, () => {
      const x = np.array([1, 2, 3]);
      const before = device.compiled;
      const first = jit((a: NDArray) => np.exp(a.mul(2)).add(1));
      const second = jit((b: NDArray) => lax.add(np.exp(np.multiply(b, 2)), 1));
      const third = jit((b: NDArray) => np.exp(b.mul(3)).add(1));
      first(x);
      const made = device.compiled - before;
      second(x);
      expect(device.compiled - before).toBe(made);
      third(x);
      expect(device.compiled - before).toBe(made + 1);
      expect(Array.from(first(x).dataSync())).toEqual(Array.from(second(x).dataSync()));
      expect(Array.from(first(x).dataSync())).not.toEqual(Array.from(third(x).dataSync()));
    });
  });

  test('it does not grow with the number of functions', () => {
    onDevice(device, () => {
      const x = np.array([1, 2]);
      for (let i = 0; i < 700; i++) {
        const f = jit((a: NDArray) => a.mul(i).add(0.5));
        expect(f(x).slice(1).item()).toBe(2 * i + 0.5);
      }
      expect(device.compiled).toBeLessThanOrEqual(512);
      for (let i = 0; i < 300; i++) jit((a: NDArray) => a.add(1).mul(3))(x);
      expect(device.compiled).toBeLessThanOrEqual(512);
    });
  });
});
