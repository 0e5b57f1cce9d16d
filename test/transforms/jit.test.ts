import { describe, expect, it } from 'vitest';
import { array, flat } from '../helpers/arrays.js';
import type { NDArray } from '../../src/core/ndarray.js';
import { DeletedArrayError } from '../../src/core/errors.js';
import * as lax from '../../src/lax/index.js';
import { disableJit, evalShape, grad, jit, makeJaxpr, ShapeDtypeStruct } from '../../src/transforms/index.js';

describe('caching', () => {
  it('traces once per structure, shape, dtype and weakness', () => {
    let traces = 0;
    const f = jit((x: { a: NDArray }) => {
      traces++;
      return lax.add(x.a, x.a);
    });
    const call = (a: NDArray | number): void => {
      f({ a });
    };
    call(array([1, 2]));
    call(array([3, 4]));
    expect(traces).toBe(1);
    call(array([1, 2, 3]));
    call(array([1, 2], [2], 'int32'));
    call(1);
    call(2);
    expect(traces).toBe(4);
  });
  it('compiles static arguments in', () => {
    let traces = 0;
    const f = jit(
      (x: NDArray, n: number, mode: string) => {
        traces++;
        return mode === 'pow' ? lax.integerPow(x, n) : lax.mul(x, n);
      },
      { staticArgnums: [1, 2] },
    );
    expect(flat(f(array([1, 2, 3]), 3, 'pow'))).toEqual([1, 8, 27]);
    expect(flat(f(array([1, 2, 3]), 2, 'pow'))).toEqual([1, 4, 9]);
    expect(flat(f(array([2, 2, 2]), 3, 'pow'))).toEqual([8, 8, 8]);
    expect(flat(f(array([2, 2, 2]), 3, 'times'))).toEqual([6, 6, 6]);
    expect(traces).toBe(3);
  });
  it('keeps constants it closes over', () => {
    const c = array([10, 20]);
    const f = jit((x: NDArray) => lax.add(x, c));
    expect(flat(f(array([1, 2])))).toEqual([11, 22]);
    expect(flat(f(array([3, 4])))).toEqual([13, 24]);
    expect(flat(grad((x: NDArray) => lax.reduceSum(lax.mul(f(x), c)))(array([1, 2])))).toEqual([10, 20]);
  });
});

describe('results', () => {
  it('may be arguments, constants, repeated, or none', () => {
    const x = array([1, 2]);
    const f = jit((a: NDArray) => ({
      same: a,
      twice: [lax.add(a, a), lax.add(a, a)],
      constant: lax.full([], 7),
      none: null,
    }));
    const out = f(x);
    expect([flat(out.same), out.twice.map(flat), out.constant.item(), out.none]).toEqual([
      [1, 2],
      [
        [2, 4],
        [2, 4],
      ],
      7,
      null,
    ]);
    expect(jit(() => [])()).toEqual([]);
  });
  it('keep values through views and nested calls', () => {
    const m = array([1, 2, 3, 4, 5, 6], [2, 3]);
    const f = jit((a: NDArray) => lax.reshape(lax.transpose(lax.rev(a, [1]), [1, 0]), [6]));
    expect(flat(f(m))).toEqual([3, 6, 2, 5, 1, 4]);
    const g = jit((a: NDArray) => lax.add(jit((b: NDArray) => lax.mul(b, 2))(a), 1));
    expect(flat(g(m))).toEqual([3, 5, 7, 9, 11, 13]);
  });
});

describe('donation', () => {
  const big = (value: number): NDArray => array(new Array<number>(1000).fill(value));

  it('gives arrays up, and says so when they are used again', () => {
    const step = jit((p: NDArray, g: NDArray) => lax.sub(p, g), { donate: 0 });
    const p = big(3);
    const g = big(1);
    expect(flat(step(p, g))[999]).toBe(2);
    expect(() => lax.add(p, 1)).toThrow(DeletedArrayError);
    expect(() => step(p, g)).toThrow(/f32\[1000\] can no longer be used: it was donated/);
    expect(flat(lax.add(g, 1))[0]).toBe(2);
  });
  it('donates whole trees, and not what is shared', () => {
    const step = jit(
      (p: { w: NDArray; v: NDArray[] }, x: NDArray) => ({ w: lax.mul(p.w, x), v: p.v.map((v) => lax.add(v, x)) }),
      { donate: [0] },
    );
    const p = { w: big(2), v: [big(1), big(5)] };
    const x = big(10);
    const out = step(p, x);
    expect([flat(out.w)[7], flat(out.v[0] ?? x)[7], flat(out.v[1] ?? x)[7]]).toEqual([20, 11, 15]);
    for (const gone of [p.w, ...p.v]) expect(() => gone.js()).toThrow(DeletedArrayError);
    expect(flat(x)[0]).toBe(10);
  });
  it('is right when the result must not overwrite its operand', () => {
    // Reversal reads elements that an in-place result would have replaced.
    const reverse = jit((a: NDArray) => lax.add(lax.rev(a, [0]), a), { donate: 0 });
    const n = 1000;
    expect(flat(reverse(array(Array.from({ length: n }, (_, i) => i)))).every((v) => v === n - 1)).toBe(true);
    const both = jit((a: NDArray, b: NDArray) => [lax.add(a, b), lax.mul(a, b)], { donate: [0, 1] });
    expect(both(big(3), big(4)).map((r) => flat(r)[500])).toEqual([7, 12]);
  });
  it('inside of another transform has no effect', () => {
    const step = jit((p: NDArray) => lax.reduceSum(lax.mul(p, p)), { donate: 0 });
    const p = big(3);
    expect(flat(grad((q: NDArray) => step(q))(p))[0]).toBe(6);
    expect(flat(p)[0]).toBe(3);
  });
});

describe('looking inside', () => {
  it('disableJit runs the function itself', () => {
    const seen: unknown[] = [];
    const f = jit((x: NDArray) => {
      seen.push(x.item());
      return x;
    });
    disableJit(() => f(3));
    expect(seen).toEqual([3]);
    expect(() => f(3)).toThrow(/item\(\): the value is traced by jit/);
  });
  it('lower shows jaxpr and kernels', () => {
    const f = jit(function double(x: NDArray) {
      return lax.add(x, x);
    });
    const lowered = f.lower(array([1, 2]));
    expect(String(lowered.jaxpr)).toBe('{ lambda ; a:f32[2]. let b:f32[2] = add a a in (b,) }');
    expect(lowered.asText('jaxpr')).toBe(String(lowered.jaxpr));
    expect(lowered.asText()).toMatch(/kernel add\(b0: f32\[2\], b1: f32\[2\] write\)/);
    expect(lowered.asText()).toMatch(/b1\[i0\] = b0\[i0\] \+ b0\[i0\]|t0 \+ t0/);
    expect(lowered.asText()).toMatch(/# add: reads 8 bytes, writes 8, 2 flops/);
    const wat = lowered.asText('wat');
    expect(wat).toMatch(/^\(module\n {2}\(import "env" "memory" \(memory 0/);
    expect(wat).toMatch(/\(func \$add \(param i32 i32 i32 i32\)/);
    expect(wat).toMatch(/f32\.add/);
    expect(wat).toMatch(/\(export "run" \(func \$run\)\)/);
    expect(lowered.cost()).toEqual({
      kernels: 1,
      bytesRead: 8,
      bytesWritten: 8,
      bytesMoved: 16,
      arenaBytes: 0,
      flops: 2,
    });
  });
  it('evalShape and makeJaxpr compute nothing', () => {
    const f = (x: NDArray, y: NDArray): { out: NDArray } => ({ out: lax.dot(x, y) });
    const { out } = evalShape(f, new ShapeDtypeStruct([1000000, 10]), new ShapeDtypeStruct([10, 3]));
    expect([out.shape, out.dtype]).toEqual([[1000000, 3], 'float32']);
    expect(makeJaxpr(f)(new ShapeDtypeStruct([2, 3]), new ShapeDtypeStruct([3, 1])).outAvals.map(String)).toEqual([
      'f32[2,1]',
    ]);
  });
});
