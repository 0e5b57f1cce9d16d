/** What a jitted function keeps between calls: one trace per kind of arguments, found again however it is called. */
import { describe, expect, it, vi } from 'vitest';
import { grad, jit, numpy as np, vmap, type NDArray } from '../../src/index.js';
import * as tree from '../../src/core/tree.js';
import { TreeDef } from '../../src/core/tree.js';

const counted = <A extends NDArray[], R>(f: (...args: A) => R): { f: (...args: A) => R; traces: () => number } => {
  let traces = 0;
  return {
    f: (...args) => {
      traces++;
      return f(...args);
    },
    traces: () => traces,
  };
};

describe('calls like the last', () => {
  it('make no tree structure and no key', () => {
    const f = jit((x: NDArray, y: NDArray) => x.mul(y).add(1));
    const [x, y] = [np.array([1, 2, 3]), np.array([4, 5, 6])];
    f(x, y);
    const text = vi.spyOn(TreeDef.prototype, 'toString');
    try {
      expect(f(x, y).js()).toEqual([5, 11, 19]);
      expect(text).not.toHaveBeenCalled();
      // Another type of arguments does make one, so the spy sees what it should.
      f(np.array([1]), np.array([2]));
      expect(text).toHaveBeenCalled();
    } finally {
      text.mockRestore();
    }
  });

  it('know results of the same program, in a loop that feeds them back', () => {
    const { f, traces } = counted((x: NDArray) => x.mul(0.5));
    const step = jit(f, { donate: 0 });
    let x = np.array([1024, 2048]);
    for (let i = 0; i < 10; i++) x = step(x);
    expect([x.js(), traces()]).toEqual([[1, 2], 1]);
  });

  it('are told from calls with other shapes, dtypes, weak types and numbers of arguments', () => {
    const { f, traces } = counted((...xs: NDArray[]) => xs.reduce((a, b) => a.add(b)));
    const g = jit(f);
    const [x, i, s] = [np.array([1, 2]), np.array(Int32Array.of(1, 2)), np.array(3)];
    for (let round = 0; round < 2; round++) {
      expect(g(x).dtype).toBe('float32');
      expect(g(i).dtype).toBe('int32');
      expect(g(x, x).js()).toEqual([2, 4]);
      expect(g(np.array([1, 2, 3]), s).js()).toEqual([4, 5, 6]);
      expect(g(s).weakType).toBe(s.weakType);
      // A bare number is weak, an array of the same shape and dtype may not be.
      expect(g(s.astype('float32')).weakType).toBe(false);
    }
    expect(traces()).toBe(6 - (s.weakType ? 0 : 1));
  });

  it('work under transforms in between', () => {
    const f = jit((x: NDArray, y: NDArray) => np.sum(x.mul(y)));
    const [x, y] = [np.array([1, 2]), np.array([3, 4])];
    for (let i = 0; i < 3; i++) {
      expect(f(x, y).item()).toBe(11);
      expect(grad(f)(x, y).js()).toEqual([3, 4]);
      expect(vmap(f)(np.array([[1, 2]]), np.array([[3, 4]])).js()).toEqual([11]);
      expect(jit((a: NDArray) => f(a, a))(x).item()).toBe(5);
    }
  });

  it('throw for arrays given up before, and the next call works', () => {
    const step = jit((x: NDArray) => x.add(1), { donate: 0 });
    const x = np.zeros([100]);
    step(x);
    expect(() => step(x)).toThrow(/donated/);
    expect(
      step(np.ones([100]))
        .slice(0)
        .item(),
    ).toBe(2);
  });

  it('do not mix up trees with lists of arrays', () => {
    const f = jit<[unknown], NDArray>((x) => tree.leaves<NDArray>(x as never).reduce((a, b) => a.add(b)));
    const a = np.array([1]);
    expect(f(a).js()).toEqual([1]);
    expect(f([a, a]).js()).toEqual([2]);
    expect(f(a).js()).toEqual([1]);
  });
});

describe('eager operations', () => {
  it('tell operations, dtypes and scalar operands apart when they reuse a program', () => {
    const dtypes = ['float32', 'float64', 'int32', 'uint32'] as const;
    for (let round = 0; round < 2; round++) {
      for (const dtype of dtypes) {
        const [x, y, s] = [np.array([7, 9]), np.array([2, 3]), np.array(2)].map((a) => a.astype(dtype));
        if (x === undefined || y === undefined || s === undefined) throw new Error('three arrays');
        expect(x.add(y).js()).toEqual([9, 12]);
        expect(x.sub(y).js()).toEqual([5, 6]);
        expect(x.mul(s).js()).toEqual([14, 18]);
        expect(s.mul(x).js()).toEqual([14, 18]);
        expect(s.mul(s).js()).toBe(4);
        expect(np.where(x.greater(8), x, y).js()).toEqual([2, 9]);
        expect(np.where(x.greater(8), s, y).js()).toEqual([2, 2]);
        expect(x.add(y).dtype).toBe(dtype);
      }
    }
  });
});
