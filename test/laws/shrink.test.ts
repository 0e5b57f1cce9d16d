/** What a law that fails says: the seed, the law, and a program small enough to read. */
import { describe, expect, test } from 'vitest';
import type { ShapedArray } from 'cotangent';
import {
  customJvp,
  lax,
  makeJaxpr,
  numpy as np,
  primitives,
  definePrimitive,
  ShapeDtypeStruct,
  type NDArray,
} from 'cotangent';
import {
  CheckError,
  checkProgram,
  primitiveLaws,
  PROGRAM_LAWS,
  randomProgram,
  Rng,
  type ProgramLaw,
} from 'cotangent/testing';
import type { Index, Operand } from '../../src/core/lowering.js';
import * as scalar from '../../src/core/scalar.js';

const jaxprOf = (seed: number): string => randomProgram(seed).toString();

/** A law that programs with a certain primitive break. */
const without = (name: string): ProgramLaw => ({
  name: `no ${name}`,
  check: (c) => {
    const text = String(
      makeJaxpr((xs: readonly NDArray[]) => c.run(...xs))(c.inputs.map((a) => new ShapeDtypeStruct(a.shape, a.dtype))),
    );
    if (new RegExp(`= ${name}\\b`).test(text)) throw new CheckError(`there is a ${name}`);
  },
});

function messageOf(f: () => void): string {
  try {
    f();
  } catch (error) {
    return String(error);
  }
  return '';
}

describe('random programs', () => {
  test('are functions of their seed, and shorter ones are prefixes', () => {
    expect(jaxprOf(5)).toBe(jaxprOf(5));
    expect(jaxprOf(5)).not.toBe(jaxprOf(6));
    const { draw, run } = randomProgram(5);
    const once = run(...draw(3).map((x) => np.array(x.data, { shape: x.aval.shape })));
    expect(once.length).toBeGreaterThan(0);
    expect(randomProgram(5, { operations: 1 }).toString().length).toBeLessThan(jaxprOf(5).length);
  });
  test('use most primitives', () => {
    const text = Array.from({ length: 150 }, (_, seed) => jaxprOf(seed)).join('\n');
    const names = [
      'sort',
      'top_k',
      'gather',
      'scatter',
      'scatter-add',
      'dynamic_slice',
      'dynamic_update_slice',
      'dot_general',
      'cumsum',
      'cumlogsumexp',
      'cummax',
      'pad',
      'concatenate',
      'rev',
      'reduce_max',
      'reduce_prod',
      'select_n',
      'clamp',
      'argmax',
      'jit',
      'checkpoint',
      'custom_jvp_call',
      'scan',
      'cond',
      'while',
      'rem',
      'pow',
      'atan2',
    ];
    expect(names.filter((name) => !new RegExp(`= ${name}\\b`).test(text))).toEqual([]);
  });
});

describe('a failing program', () => {
  test.each(['reduce_max', 'sort', 'pad', 'cumsum'])('is shrunk to the equation that matters: %s', (name) => {
    // Calls are taken apart, loops and branches are not.
    const seed = Array.from({ length: 200 }, (_, i) => i).find((i) => {
      const text = jaxprOf(i);
      return new RegExp(`:.* = ${name}\\b`).test(text) && !/= (scan|cond|while)\[/.test(text);
    });
    const message = messageOf(() => {
      checkProgram(seed ?? 0, { laws: [without(name)] });
    });
    expect(message).toContain(`seed ${seed ?? 0} breaks the law: no ${name}`);
    const program = message.slice(message.indexOf('{ lambda'), message.indexOf('\nat\n'));
    expect(program).toContain(`= ${name}`);
    // The equation, and at most one more that makes an operand of it.
    expect(program.split(' = ').length - 1, program).toBeLessThanOrEqual(2);
  });
  test('is found when a derivative is wrong', () => {
    const wrong = customJvp((x: NDArray) => lax.sin(x)).defjvp(([x], [dx]) => [lax.sin(x), lax.mul(dx, lax.sin(x))]);
    const { inputs } = randomProgram(2);
    const args = randomProgram(2).draw(0);
    const run = (...xs: NDArray[]): NDArray[] => xs.map((x) => wrong(x));
    const failing = PROGRAM_LAWS.filter((law) => {
      try {
        law.check({ inputs, args, run, plain: (...xs) => xs.map((x) => lax.sin(x)) }, 0);
        return false;
      } catch {
        return true;
      }
    }).map((law) => law.name);
    expect(failing).toContain('jvp and vjp = finite differences');
    expect(failing).toContain('grad ∘ jit = jit ∘ grad = grad of the plain function');
  });
});

describe('laws of a primitive with wrong rules fail', () => {
  const failing = (name: string, change: object): string[] => {
    const right = primitives().get('rev');
    if (right === undefined) throw new Error('rev is missing');
    const wrong = definePrimitive({ ...right, name, ...change });
    return primitiveLaws(wrong).flatMap((law) => {
      try {
        law.run(0);
        return [];
      } catch {
        return [law.name.split(':')[0] ?? ''];
      }
    });
  };
  // The other rules are still those of rev, so that only laws about the wrong one can fail.
  test('batch', () => {
    const names = failing('wrong_batch', {
      batch: (_size: number, operands: NDArray[], dims: number[]) => ({ results: operands, dims }),
    });
    expect(new Set(names)).toEqual(
      new Set(['vmap = loop', 'nested vmap = nested loop', 'vmap over one example and none']),
    );
  });
  test('transpose', () => {
    expect(new Set(failing('wrong_transpose', { transpose: (cotangents: NDArray[]) => cotangents }))).toEqual(
      new Set(['transpose = adjoint']),
    );
  });
  test('jvp', () => {
    const names = failing('wrong_jvp', {
      jvp: (primals: NDArray[], tangents: NDArray[], { dimensions }: { dimensions: number[] }) => ({
        primals: primals.map((x) => lax.rev(x, dimensions)),
        tangents,
      }),
    });
    expect(new Set(names)).toEqual(new Set(['derivatives of order 1 and 2 = finite differences']));
  });
  test('lowering that depends on the position of an element', () => {
    const neg = primitives().get('neg');
    if (neg === undefined) throw new Error('neg is missing');
    const at = (operands: readonly Operand[], index: Index): readonly scalar.Expr[] => {
      const [x] = operands;
      const [i] = index;
      if (x === undefined) return [];
      const value = x.at(index);
      const twice = scalar.binary('add', value, value);
      return [i === undefined ? value : scalar.select(scalar.binary('lt', i, scalar.int(8)), value, twice)];
    };
    const wrong = definePrimitive({
      ...neg,
      name: 'wrong_lowering',
      lower: () => ({ kind: 'map', cost: 'cheap', elementwise: true, at }),
    });
    const law = primitiveLaws(wrong).find(({ name }) => name.startsWith('an element is the same'));
    expect(() => law?.run(0)).toThrow(/wrong_lowering .* alone, but .* as element \d+ in an array/);
  });
  test('abstract', () => {
    const abstract = ([x]: ShapedArray[]): ShapedArray[] =>
      x === undefined ? [] : [x.with({ shape: [...x.shape].reverse() })];
    expect(failing('wrong_abstract', { abstract })).toContain('vmap = loop');
  });
});

describe('the pseudo-random numbers of the tests', () => {
  test('repeat, spread, and fork', () => {
    const draw = (seed: number): number[] =>
      Array.from(
        { length: 1000 },
        (
          (rng) => () =>
            rng.unit()
        )(new Rng(seed)),
      );
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const sample = draw(3);
    expect(Math.abs(sample.reduce((a, x) => a + x, 0) / 1000 - 0.5)).toBeLessThan(0.03);
    expect(sample.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(new Rng(1).fork('a').word()).not.toBe(new Rng(1).fork('b').word());
    expect(new Rng(1).shuffle([1, 2, 3, 4]).sort()).toEqual([1, 2, 3, 4]);
    expect(() => new Rng(1).pick([])).toThrow('empty');
  });
});
