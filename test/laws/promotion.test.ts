/** The promotion lattice is a lattice: joins are commutative, associative, idempotent, and least upper bounds. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numpy as np, type DType, type NDArray } from 'cotangent';
import { DTYPES, joinTypes, latticeDType, latticeType, promoteTypes, type LatticeType } from '../../src/core/dtype.js';

const TYPES: readonly LatticeType[] = ['bool', 'int*', 'uint32', 'int32', 'float*', 'float16', 'float32', 'float64'];
const type = fc.constantFrom(...TYPES);
const dtype = fc.constantFrom(...DTYPES);

describe('joins', () => {
  test('are commutative', () => fc.assert(fc.property(type, type, (a, b) => joinTypes(a, b) === joinTypes(b, a))));
  test('are associative', () =>
    fc.assert(
      fc.property(type, type, type, (a, b, c) => joinTypes(joinTypes(a, b), c) === joinTypes(a, joinTypes(b, c))),
    ));
  test('are idempotent', () => fc.assert(fc.property(type, (a) => joinTypes(a, a) === a)));
  test('are upper bounds, and the least of them', () => {
    const below = (a: LatticeType, b: LatticeType): boolean => joinTypes(a, b) === b;
    fc.assert(fc.property(type, type, (a, b) => below(a, joinTypes(a, b)) && below(b, joinTypes(a, b))));
    fc.assert(fc.property(type, type, type, (a, b, c) => !(below(a, c) && below(b, c)) || below(joinTypes(a, b), c)));
  });
  test('have bool at the bottom and float64 at the top', () => {
    for (const t of TYPES) expect([joinTypes('bool', t), joinTypes('float64', t)]).toEqual([t, 'float64']);
  });
});

describe('dtypes', () => {
  test('a strong dtype is its own node, a weak one the node of its kind', () => {
    fc.assert(fc.property(dtype, (d) => latticeDType(latticeType(d, false)) === d));
    expect(DTYPES.map((d) => latticeType(d, true))).toEqual(['float*', 'float*', 'float*', 'int*', 'int*', 'bool']);
    expect(TYPES.map(latticeDType)).toEqual([
      'bool',
      'int32',
      'uint32',
      'int32',
      'float32',
      'float16',
      'float32',
      'float64',
    ]);
  });
  test('a weak type never widens a strong one of its kind', () => {
    fc.assert(fc.property(dtype, (d) => joinTypes(latticeType(d, true), latticeType(d, false)) === d));
    expect(latticeDType(joinTypes('float*', 'int32'))).toBe('float32');
  });
  test('promoteTypes folds the join', () => {
    fc.assert(
      fc.property(
        fc.array(dtype, { minLength: 1 }),
        (ds) => promoteTypes(...ds) === latticeDType(ds.reduce<LatticeType>(joinTypes, 'bool')),
      ),
    );
  });
  test('arrays promote as the lattice says', () => {
    const sample = (d: DType): NDArray => np.zeros([2], { dtype: d });
    for (const a of DTYPES)
      for (const b of DTYPES) expect(np.maximum(sample(a), sample(b)).dtype, `${a}, ${b}`).toBe(promoteTypes(a, b));
    expect([
      sample('int32').mul(2).dtype,
      sample('int32').mul(0.5).dtype,
      sample('float64').mul(0.5).dtype,
      sample('bool').mul(1).dtype,
    ]).toEqual(['int32', 'float32', 'float64', 'int32']);
  });
});
