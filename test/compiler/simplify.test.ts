/** Simplification changes no bit: scalar algebra against an evaluator, rules of equations against eager code. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { array, flat } from '../helpers/arrays.js';
import { ShapedArray } from '../../src/core/aval.js';
import { traceToJaxpr } from '../../src/core/jaxpr-trace.js';
import type { NDArray } from '../../src/core/ndarray.js';
import * as s from '../../src/core/scalar.js';
import { optimize } from '../../src/compiler/compile.js';
import { evaluateNode, valueOf } from '../../src/compiler/simplify/evaluate.js';
import { createSimplifier } from '../../src/compiler/simplify/scalar.js';
import * as lax from '../../src/lax/index.js';
import { jit } from '../../src/transforms/index.js';

type Plain = 'float32' | 'float64' | 'int32' | 'uint32' | 'bool';
const TYPES: readonly Plain[] = ['float32', 'float64', 'int32', 'uint32', 'bool'];
const isFloat = (t: Plain): boolean => t === 'float32' || t === 'float64';
/** Constants at which rules take effect, and some at which they must not. */
const CONSTANTS = [0, -0, 1, -1, 2, 0.5, 3, -4, 1024, 0.1, Infinity, -Infinity, NaN, 2 ** 31, 1e-40, 2 ** -149];
const VALUES = [...CONSTANTS, -2.5, 7, 1e30, -1e-30, 123456789];

/** Random expressions of a type over two variables of each type: `acc` nodes, which an environment gives values. */
const expression = (type: Plain, depth: number): fc.Arbitrary<s.Expr> => {
  const leaf = fc.oneof(
    fc.constantFrom(0, 1).map((i): s.Expr => s.accRef(type, TYPES.indexOf(type) * 2 + i)),
    fc.constantFrom(...CONSTANTS).map((x): s.Expr => s.constant(type, valueOf(type, x) ?? 0)),
  );
  if (depth === 0) return leaf;
  const same = expression(type, depth - 1);
  const pick = (...ops: s.BinaryOp[]): fc.Arbitrary<s.Expr> =>
    fc.tuple(fc.constantFrom(...ops), same, same).map(([op, x, y]) => s.binary(op, x, y));
  const choose = fc
    .tuple(expression('bool', depth - 1), same, same)
    .map(([cond, x, y]): s.Expr => ({ op: 'select', type, cond, x, y }));
  const cast = fc.constantFrom(...TYPES).chain((from) => expression(from, depth - 1).map((x) => s.convert(type, x)));
  if (isFloat(type))
    return fc.oneof(
      leaf,
      pick('add', 'sub', 'mul', 'div', 'min', 'max'),
      fc.tuple(fc.constantFrom<s.UnaryOp>('neg', 'abs', 'sqrt', 'floor'), same).map(([op, x]) => s.unary(op, x)),
      choose,
      cast,
    );
  if (type === 'bool') {
    const compared = fc
      .constantFrom(...TYPES)
      .chain((of) =>
        fc
          .tuple(
            fc.constantFrom<s.BinaryOp>('eq', 'ne', 'lt', 'le', 'gt', 'ge'),
            expression(of, depth - 1),
            expression(of, depth - 1),
          )
          .map(([op, x, y]) => s.binary(op, x, y)),
      );
    return fc.oneof(
      leaf,
      pick('and', 'or', 'xor'),
      same.map((x) => s.unary('not', x)),
      compared,
      choose,
    );
  }
  return fc.oneof(
    leaf,
    pick('add', 'sub', 'mul', 'min', 'max', 'and', 'or', 'xor'),
    fc.tuple(fc.constantFrom<s.UnaryOp>('neg', 'not'), same).map(([op, x]) => s.unary(op, x)),
    choose,
    cast,
  );
};

function evaluate(e: s.Expr, environment: readonly number[]): number {
  if (e.op === 'acc') return valueOf(e.type, environment[e.id] ?? 0) ?? NaN;
  const value = evaluateNode(
    e,
    s.operandsOf(e).map((x) => evaluate(x, environment)),
  );
  if (value === undefined) throw new Error(`no value of ${e.op}`);
  return value;
}

describe('scalar algebra', () => {
  it('keeps every bit', () => {
    const any = fc.constantFrom(...TYPES).chain((type) => expression(type, 4));
    const environment = fc.array(fc.constantFrom(...VALUES), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(any, environment, (e, values) => {
        expect(evaluate(createSimplifier()(e), values)).toBe(evaluate(e, values));
      }),
      { numRuns: 5000 },
    );
  });
  it('leaves out what changes nothing, and only that', () => {
    const x = s.accRef('float32', 0);
    const c = (value: number): s.Expr => s.constant('float32', value);
    const simplify = createSimplifier();
    for (const e of [
      s.binary('mul', x, c(1)),
      s.binary('sub', x, c(0)),
      s.binary('add', x, c(-0)),
      s.binary('div', x, c(1)),
      s.unary('neg', s.unary('neg', x)),
      s.convert('float32', s.convert('float64', x)),
      s.binary('sub', s.binary('mul', c(1), x), c(0)),
    ]) {
      expect(simplify(e)).toBe(x);
    }
    for (const e of [s.binary('add', x, c(0)), s.binary('mul', x, c(0)), s.binary('sub', x, x)])
      expect(simplify(e)).toEqual(e);
    expect(simplify(s.binary('div', x, c(8)))).toEqual(s.binary('mul', x, c(0.125)));
    expect(simplify(s.binary('div', x, c(10)))).toEqual(s.binary('div', x, c(10)));
    // 0.1 + 0.2 as float32 adds them.
    expect(simplify(s.binary('add', c(0.1), c(0.2)))).toEqual(c(Math.fround(Math.fround(0.1) + Math.fround(0.2))));
  });
});

/** Names of the primitives left after simplification. */
const left = (f: (...args: NDArray[]) => NDArray, ...shapes: number[][]): string[] =>
  optimize(
    traceToJaxpr(
      (...args) => [f(...args)],
      shapes.map((shape) => new ShapedArray(shape, 'float32')),
      'test',
    ),
  ).eqns.map((e) => e.primitive.name);
const one =
  (f: (x: NDArray) => NDArray) =>
  (...args: NDArray[]): NDArray => {
    const [x] = args;
    if (x === undefined) throw new Error('no argument');
    return f(x);
  };

describe('rules of equations', () => {
  it('constants', () => {
    expect(
      left(
        one((x) => lax.mul(x, lax.div(lax.neg(lax.scalarLike(1, x)), 4))),
        [3],
      ),
    ).toEqual(['mul']);
  });
  it('operations and views that do nothing', () => {
    const f = one((x) => {
      const y = lax.neg(lax.neg(lax.mul(lax.sub(lax.sin(x), 0), 1)));
      return lax.transpose(lax.reshape(lax.reshape(lax.transpose(y, [1, 0]), [12]), [4, 3]), [1, 0]);
    });
    expect(left(f, [3, 4])).toEqual(['sin']);
    const x = array([-0, 1, NaN, Infinity, 1e-40, 5, 6, 7, 8, 9, 10, 11], [3, 4]);
    expect(flat(jit(f)(x))).toEqual(flat(f(x)));
  });
  it('repetition after computation', () => {
    const names = left(
      (...args) => {
        const [x, y] = args;
        if (x === undefined || y === undefined) throw new Error('no argument');
        return lax.mul(y, lax.exp(lax.mul(lax.broadcastInDim(x, [64, 32], [1]), lax.broadcastInDim(x, [64, 32], [1]))));
      },
      [32],
      [64, 32],
    );
    expect(names).toEqual(['mul', 'exp', 'broadcast_in_dim', 'mul']);
  });
  it('an update per row is a map; several per row are not', () => {
    const dimensions = {
      updateWindowDims: [],
      insertedWindowDims: [1],
      scatterDimsToOperandDims: [1],
      operandBatchingDims: [0],
      scatterIndicesBatchingDims: [0],
    };
    const scatter = (perRow: number) =>
      one((x) => {
        const at = array(
          Array.from({ length: 4 * perRow }, (_, i) => (i * 3) % 7),
          [4, perRow, 1],
          'int32',
        );
        return lax.scatterAdd(x, at, lax.full([4, perRow], 2), dimensions);
      });
    const kinds = (perRow: number): string[] =>
      optimize(traceToJaxpr((...args) => [scatter(perRow)(...args)], [new ShapedArray([4, 5], 'float32')], 'test'))
        .eqns.filter((e) => e.primitive.name === 'scatter-add')
        .map((e) => e.lowering.kind);
    expect([kinds(1), kinds(3)]).toEqual([['map'], ['scatter']]);
    const x = array(
      Array.from({ length: 20 }, (_, i) => i),
      [4, 5],
    );
    // Some targets are out of bounds and dropped.
    for (const perRow of [1, 3]) expect(flat(jit(scatter(perRow))(x))).toEqual(flat(scatter(perRow)(x)));
  });
  it('a result is never the storage of an argument', () => {
    const f = jit((x: NDArray) => lax.mul(x, 1));
    const x = array([1, 2, 3]);
    f(x).dispose();
    expect(flat(x)).toEqual([1, 2, 3]);
  });
});
