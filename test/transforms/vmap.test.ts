import { describe, expect, it } from 'vitest';
import { array, flat } from '../helpers/arrays.js';
import type { NDArray } from '../../src/core/ndarray.js';
import { AxisError, ShapeError, TreeError, ArgumentError } from '../../src/core/errors.js';
import * as lax from '../../src/lax/index.js';
import { grad, jit, vmap } from '../../src/transforms/index.js';

const m = array([1, 2, 3, 4, 5, 6], [2, 3]);

describe('axes', () => {
  it('maps the first axis by default and others by inAxes', () => {
    const sum = (v: NDArray): NDArray => lax.reduceSum(v);
    expect(flat(vmap(sum)(m))).toEqual([6, 15]);
    expect(flat(vmap(sum, 1)(m))).toEqual([5, 7, 9]);
    expect(flat(vmap(sum, [-1])(m))).toEqual([5, 7, 9]);
  });
  it('shares arguments with null', () => {
    const out = vmap((row: NDArray, w: NDArray) => lax.mul(row, w), [0, null])(m, array([1, 10, 100]));
    expect(flat(out)).toEqual([1, 20, 300, 4, 50, 600]);
  });
  it('takes trees of axes, prefixes too', () => {
    const f = (p: { w: NDArray; b: NDArray }, x: NDArray): NDArray => lax.add(lax.mul(p.w, x), p.b);
    const p = { w: array([1, 2]), b: array([10, 20, 30]) };
    // w varies along axis 0; b is shared; x varies along axis 1.
    const out = vmap(f, [{ w: 0, b: null }, 1])(p, array([1, 2, 3, 4, 5, 6], [3, 2]));
    expect(out.shape).toEqual([2, 3]);
    expect(flat(out)).toEqual([11, 23, 35, 14, 28, 42]);
    expect(
      flat(
        vmap(
          (q: NDArray[]) => lax.add(lax.reduceSum(lax.concatenate(q, 0)), 0),
          [[0, null]],
        )([array([1, 2], [2, 1]), array([5])]),
      ),
    ).toEqual([6, 7]);
  });
  it('puts the axis where outAxes says', () => {
    const out = vmap((row: NDArray) => ({ row, sum: lax.reduceSum(row) }), 0, { outAxes: { row: 1, sum: 0 } })(m);
    expect([out.row.shape, flat(out.row), flat(out.sum)]).toEqual([
      [3, 2],
      [1, 4, 2, 5, 3, 6],
      [6, 15],
    ]);
    const shared = vmap((row: NDArray, c: NDArray) => [row, c] as const, [0, null], { outAxes: [0, null] })(m, 7);
    expect(shared[1].item()).toBe(7);
  });
  it('repeats results that do not depend on the axis', () => {
    expect(flat(vmap((_: NDArray) => array([7]))(array([1, 2, 3])))).toEqual([7, 7, 7]);
    expect(flat(vmap(() => array([1, 2]), 0, { axisSize: 2 })())).toEqual([1, 2, 1, 2]);
  });
  it('says what is wrong', () => {
    const add = (a: NDArray, b: NDArray): NDArray => lax.add(a, b);
    expect(() => vmap(add)(array([1, 2]), array([1, 2, 3]))).toThrow(ShapeError);
    expect(() => vmap(add)(array([1, 2]), array([1, 2, 3]))).toThrow(
      /argument 0 \[2\] along axis 0 has 2, argument 1 \[3\] along axis 0 has 3/,
    );
    expect(() => vmap(add, [0, 1])(array([1]), array([1]))).toThrow(AxisError);
    expect(() => vmap(add, [0])(array([1]), array([1]))).toThrow(/inAxes has 1 entries/);
    expect(() => vmap(add, [null, null])(1, 2)).toThrow(/no argument is mapped/);
    expect(() => vmap((p: { a: NDArray }) => p.a, [{ b: 0 }])({ a: array([1]) })).toThrow(TreeError);
    expect(() => vmap((v: NDArray) => v, 0, { outAxes: null })(m)).toThrow(/outAxes is null for a result that depends/);
    expect(flat(vmap(add)(array([1]), array([2])))).toEqual([3]);
  });
});

describe('collectives over a named axis', () => {
  it('reduce, gather and index', () => {
    const v = array([1, 3, 4]);
    expect(flat(vmap((x: NDArray) => lax.psum(x, 'i'), 0, { axisName: 'i' })(v))).toEqual([8, 8, 8]);
    expect(flat(vmap((x: NDArray) => lax.sub(x, lax.pmean(x, 'i')), 0, { axisName: 'i' })(array([1, 3])))).toEqual([
      -1, 1,
    ]);
    expect(flat(vmap((x: NDArray) => lax.sub(lax.pmax(x, 'i'), lax.pmin(x, 'i')), 0, { axisName: 'i' })(v))).toEqual([
      3, 3, 3,
    ]);
    expect(
      flat(
        vmap((x: NDArray) => lax.mul(x, lax.convertElementType(lax.axisIndex('i'), 'float32')), 0, { axisName: 'i' })(
          v,
        ),
      ),
    ).toEqual([0, 3, 8]);
    expect(flat(vmap((x: NDArray) => lax.reduceSum(lax.allGather(x, 'i', 3)), 0, { axisName: 'i' })(v))).toEqual([
      8, 8, 8,
    ]);
    // The number of examples, although the operand is shared by all of them.
    expect(flat(vmap((x: NDArray) => lax.mul(x, lax.psum(array([1], []), 'i')), 0, { axisName: 'i' })(v))).toEqual([
      3, 9, 12,
    ]);
  });
  it('name the axis among nested ones', () => {
    const f = (x: NDArray): NDArray => lax.add(lax.psum(x, 'i'), lax.mul(lax.psum(x, 'j'), 100));
    const out = vmap(vmap(f, 0, { axisName: 'j' }), 0, { axisName: 'i' })(m);
    expect(flat(out)).toEqual([605, 607, 609, 1505, 1507, 1509]);
    expect(flat(vmap(jit(vmap(f, 0, { axisName: 'j' })), 0, { axisName: 'i' })(m))).toEqual(flat(out));
  });
  it('are differentiable', () => {
    const loss = (v: NDArray): NDArray =>
      lax.reduceSum(vmap((x: NDArray) => lax.mul(x, lax.psum(x, 'i')), 0, { axisName: 'i' })(v));
    expect(flat(grad(loss)(array([1, 2, 3])))).toEqual([12, 12, 12]);
  });
  it('outside of their axis say so', () => {
    expect(() => lax.psum(array([1]), 'i')).toThrow(ArgumentError);
    expect(() => lax.psum(array([1]), 'i')).toThrow(/psum: there is no axis named 'i' here/);
  });
});
