/** What expansions are made of: basic operations of the right width, shared subexpressions, constant shift counts. */
import { describe, expect, it } from 'vitest';
import {
  accRef,
  binary,
  bool,
  constant,
  convert,
  int,
  load,
  loopVar,
  operandsOf,
  select,
  unary,
} from '../../../src/core/scalar.js';
import type { Expr } from '../../../src/core/scalar.js';
import { createExpander, expandMath } from '../../../src/compiler/math/expand.js';
import { BINARY, GAMMA, UNARY } from './bounds.js';

function nodesOf(...roots: readonly Expr[]): Set<Expr> {
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    seen.add(e);
    operandsOf(e).forEach(visit);
  };
  roots.forEach(visit);
  return seen;
}
const BASIC = new Set([
  'const',
  'var',
  'load',
  'acc',
  'select',
  'convert',
  'bitcast',
  'neg',
  'abs',
  'sqrt',
  'floor',
  'ceil',
  'trunc',
  'rint',
  'not',
  'add',
  'sub',
  'mul',
  'div',
  'and',
  'or',
  'xor',
  'shl',
  'shrLogical',
  'shrArithmetic',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
]);

const functions = (type: 'float32' | 'float64'): [string, Expr][] => {
  const x = load(type, 0, int(0));
  const y = load(type, 1, int(0));
  return [
    ...[...UNARY, ...GAMMA].map(({ op }): [string, Expr] => [op, unary(op, x)]),
    ...[...BINARY.map(({ op }) => op), 'nextafter' as const].map((op): [string, Expr] => [op, binary(op, x, y)]),
  ];
};

describe.each(['float32', 'float64'] as const)('%s', (type) => {
  const own = new Set(type === 'float32' ? ['float32', 'int32', 'uint32', 'bool'] : ['float64', 'int64', 'bool']);

  it.each(functions(type))('%s uses basic operations of one width and constant shifts', (_, e) => {
    const index = load(type, 0, int(0));
    const nodes = nodesOf(expandMath(e));
    expect(nodes.size).toBeGreaterThan(3);
    for (const node of nodes) {
      if (node.op === 'const' && node.type === 'int32' && type === 'float64') continue; // the index of the load
      expect(BASIC).toContain(node.op);
      expect(own).toContain(node.type);
      if (node.op === 'convert') expect(type).toBe('float32'); // Wasm SIMD has no conversions with int64
      if (node.op === 'shl' || node.op === 'shrLogical' || node.op === 'shrArithmetic')
        expect(operandsOf(node)[1]?.op).toBe('const');
      if (node.op === 'const' && node.type === 'float32')
        expect(Object.is(Math.fround(Number(node.value)), node.value)).toBe(true);
    }
    expect(index.type).toBe(type);
  });
});

describe('expandMath', () => {
  const x = load('float32', 0, int(0));

  it('leaves other expressions alone, as the same objects', () => {
    const e = select(binary('lt', x, constant('float32', 0)), unary('neg', x), accRef('float32', 1));
    expect(expandMath(e)).toBe(e);
    const index = load('int32', 0, loopVar(0, 4));
    expect(expandMath(index)).toBe(index);
    expect(expandMath(bool(true))).toEqual(bool(true));
  });

  it('expands inside operands, indices, conditions and casts', () => {
    const e = unary('exp', x);
    const inside = [
      binary('add', e, x),
      load('float32', 2, convert('int32', e)),
      select(binary('lt', e, x), x, e),
      unary('sqrt', unary('log', e)),
    ];
    for (const root of inside) for (const node of nodesOf(expandMath(root))) expect(BASIC).toContain(node.op);
  });

  it('shares what equal subexpressions have in common, over several roots too', () => {
    const expand = createExpander();
    const first = expand(unary('exp', x));
    expect(expand(unary('exp', load('float32', 0, int(0))))).toBe(first);
    const alone = nodesOf(expandMath(unary('sin', x))).size + nodesOf(expandMath(unary('cos', x))).size;
    const together = nodesOf(expand(unary('sin', x)), expand(unary('cos', x))).size;
    expect(together).toBeLessThan(0.7 * alone);
  });

  it('leaves native operations', () => {
    const e = unary('exp', unary('tanh', x));
    const nodes = [...nodesOf(expandMath(e, { native: new Set(['exp']) }))].map((node) => node.op);
    expect(nodes).toContain('exp');
    expect(nodes).not.toContain('tanh');
  });

  it('stays within its budget of operations', () => {
    const cost = (e: Expr): number =>
      [...nodesOf(expandMath(e))].filter(({ op }) => !['const', 'var', 'load', 'acc', 'bitcast'].includes(op)).length;
    expect(cost(unary('exp', x))).toBeLessThanOrEqual(31); // Estrin's scheme takes a multiplication more
    expect(cost(unary('log', x))).toBeLessThanOrEqual(42);
    expect(cost(unary('tanh', x))).toBeLessThanOrEqual(34);
    expect(cost(unary('logistic', x))).toBeLessThanOrEqual(36);
    expect(cost(unary('erf', x))).toBeLessThanOrEqual(42);
  });
});
