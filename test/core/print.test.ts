/** The text of jaxprs, compared with what JAX prints. */
import { describe, expect, it } from 'vitest';
import { array } from '../helpers/arrays.js';
import { float32Text, pythonFloat, variableName } from '../../src/core/print.js';
import type { NDArray } from '../../src/core/ndarray.js';
import * as lax from '../../src/lax/index.js';
import { grad, jit, makeJaxpr, ShapeDtypeStruct } from '../../src/transforms/index.js';

describe('jaxpr text', () => {
  it('is one line when it fits', () => {
    expect(String(makeJaxpr((x: NDArray, y: NDArray) => lax.mul(x, y))(array([1, 2, 3]), 2))).toBe(
      '{ lambda ; a:f32[3] b:f32[]. let c:f32[3] = mul a b in (c,) }',
    );
    expect(String(makeJaxpr((x: NDArray) => lax.sin(lax.cos(x)))(1))).toBe(
      '{ lambda ; a:f32[]. let b:f32[] = cos a; c:f32[] = sin b in (c,) }',
    );
  });

  it('breaks at every equation when it does not, literals in the dtype of the array beside them', () => {
    const f = (x: NDArray, y: NDArray): NDArray => lax.reduceSum(lax.add(lax.mul(lax.sin(y), 3), x));
    expect(String(makeJaxpr(f)(array(new Array(8).fill(0)), array(new Array(8).fill(0))))).toBe(
      [
        '{ lambda ; a:f32[8] b:f32[8]. let',
        '    c:f32[8] = sin b',
        '    d:f32[8] = mul c 3.0:f32[]',
        '    e:f32[8] = add d a',
        '    f:f32[] = reduce_sum[axes=(0,)] e',
        '  in (f,) }',
      ].join('\n'),
    );
    const g = (x: NDArray, y: NDArray): NDArray => lax.add(lax.mul(2, x), y);
    const i32 = new ShapeDtypeStruct([], 'int32');
    expect(String(makeJaxpr(g)(i32, i32))).toBe(
      ['{ lambda ; a:i32[] b:i32[]. let', '    c:i32[] = mul 2:i32[] a', '    d:i32[] = add c b', '  in (d,) }'].join(
        '\n',
      ),
    );
  });

  it('writes unused results as _ and no results as ()', () => {
    const text = String(makeJaxpr((x: NDArray) => [lax.topK(x, 1)[0]])(array([1, 2])));
    expect(text).toBe('{ lambda ; a:f32[2]. let b:f32[1] _:i32[1] = top_k[k=1] a in (b,) }');
    expect(String(makeJaxpr((_x: NDArray) => [])(1))).toBe('{ lambda ; a:f32[]. let  in () }');
  });

  it('puts constants before the semicolon', () => {
    const c = array([1, 2]);
    expect(String(makeJaxpr((x: NDArray) => lax.add(x, c))(array([3, 4])))).toBe(
      '{ lambda a:f32[2] ; b:f32[2]. let c:f32[2] = add b a in (c,) }',
    );
  });

  it('nests sub-jaxprs and hoists shared ones', () => {
    const inner = jit(function square(x: NDArray) {
      return lax.mul(x, x);
    });
    expect(String(makeJaxpr((x: NDArray) => inner(x))(1))).toBe(
      [
        '{ lambda ; a:f32[]. let',
        '    b:f32[] = jit[',
        '      name=square',
        '      jaxpr={ lambda ; c:f32[]. let d:f32[] = mul c c in (d,) }',
        '    ] a',
        '  in (b,) }',
      ].join('\n'),
    );
    const twice = String(makeJaxpr((x: NDArray) => inner(inner(x)))(array([1])));
    expect(twice.split('\n')[0]).toBe('let square = { lambda ; a:f32[1]. let b:f32[1] = mul a a in (b,) } in');
    expect(twice).toContain('jit[name=square jaxpr=square]');
  });

  it('prints parameters as Python does', () => {
    const x = array([1, 2, 3, 4, 5, 6], [2, 3]);
    const one = (f: (x: NDArray) => NDArray): string =>
      /let\s+([^]*?)\s+in \(/.exec(String(makeJaxpr(f)(x)))?.[1] ?? '';
    expect(one((a) => lax.reduceSum(a))).toBe('b:f32[] = reduce_sum[axes=(0, 1)] a');
    expect(one((a) => lax.convertElementType(a, 'int32'))).toBe(
      'b:i32[2,3] = convert_element_type[new_dtype=int32 weak_type=False] a',
    );
    const dot = String(makeJaxpr((a: NDArray, b: NDArray) => lax.dot(a, b))(x, array([1, 2, 3])));
    expect(dot).toContain(
      'dot_general[\n      dimension_numbers=(([1], [0]), ([], []))\n      preferred_element_type=float32\n    ] a b',
    );
    expect(one((a) => lax.integerPow(a, 3))).toBe('b:f32[2,3] = integer_pow[y=3] a');
  });

  it('names residuals of a gradient in order', () => {
    expect(String(makeJaxpr(grad((x: NDArray) => lax.sin(x)))(1))).toBe(
      [
        '{ lambda ; a:f32[]. let',
        '    _:f32[] = sin a',
        '    b:f32[] = cos a',
        '    c:f32[] = mul 1.0:f32[] b',
        '  in (c,) }',
      ].join('\n'),
    );
  });
});

describe('names and numbers', () => {
  it('counts a … z, ba, bb', () => {
    expect([0, 25, 26, 27, 51, 52, 26 * 26].map(variableName)).toEqual(['a', 'z', 'ba', 'bb', 'bz', 'ca', 'baa']);
  });
  it('prints floats as Python and NumPy do', () => {
    expect([1, 0.1, 1e-5, 1e16, 1e22, -0, NaN, Infinity, 123456.5].map(pythonFloat)).toEqual([
      '1.0',
      '0.1',
      '1e-05',
      '1e+16',
      '1e+22',
      '-0.0',
      'nan',
      'inf',
      '123456.5',
    ]);
    expect([Math.fround(0.1), Math.fround(1e-7), Math.fround(3.4e38), Math.fround(1 / 3)].map(float32Text)).toEqual([
      '0.1',
      '1e-07',
      '3.4e+38',
      '0.33333334',
    ]);
  });
});
