/** Index expressions, NumPy's indexing functions, and functional updates. */
import { describe, expect, test } from 'vitest';
import '../../src/backends/install.js';
import type { IndexArg, IndexUpdate, NDArray } from '../../src/core/ndarray.js';
import { indexArray, indexUpdate } from '../../src/numpy/indexing.js';
import * as np from '../../src/numpy/index.js';
import { jit, vjp, vmap } from '../../src/transforms/index.js';
import { array } from '../helpers/arrays.js';
import { decode, difference, expressions, failures, functionsOf, type Expression } from './numpy-b.js';

const iotaOf = (shape: readonly number[]): NDArray => {
  const size = shape.reduce((a, b) => a * b, 1);
  return array(
    Array.from({ length: size }, (_, i) => i),
    shape,
  );
};

/** The index of an expression; integer arrays go through `make`, masks stay concrete. */
const indexOf = (e: Expression, make: (x: NDArray) => NDArray = (x) => x): IndexArg[] =>
  decode(e.index, (x) => (x.dtype === 'bool' ? x : make(x))) as IndexArg[];
const nameOf = (e: Expression): string => `x${JSON.stringify(e.shape)} at ${JSON.stringify(e.index)}`;
const show = (x: NDArray): string => JSON.stringify(x.js());

/** Failures of a check of every expression, at most a few. */
function allExpressions(check: (e: Expression) => string | undefined): string[] {
  return expressions
    .flatMap((e) => {
      try {
        const wrong = check(e);
        return wrong === undefined ? [] : [`${nameOf(e)}: ${wrong}`];
      } catch (error) {
        return [`${nameOf(e)}: threw ${error instanceof Error ? (error.stack ?? '') : String(error)}`];
      }
    })
    .slice(0, 3);
}

const UPDATES = ['set', 'add', 'sub', 'mul', 'div', 'min', 'max'] as const satisfies (keyof IndexUpdate)[];
// div multiplies divisors before dividing once, so repeated indices round differently.
const tolerance = (name: string): { rtol?: number } => (name === 'div' ? { rtol: 1e-6 } : {});

describe('random index expressions, against NumPy', () => {
  test('there are many', () => expect(expressions.length).toBeGreaterThan(300));

  test('x.slice(...)', () => {
    expect(allExpressions((e) => difference(indexArray(iotaOf(e.shape), indexOf(e)), e.get, {}))).toEqual([]);
  });

  test('x.slice(...) under jit, indices traced', () => {
    const check = (e: Expression): string | undefined => {
      const arrays: NDArray[] = [];
      indexOf(e, (x) => (arrays.push(x), x));
      const f = (x: NDArray, ...given: NDArray[]): NDArray => {
        let next = 0;
        return indexArray(
          x,
          indexOf(e, (x0) => given[next++] ?? x0),
        );
      };
      return difference(jit(f)(iotaOf(e.shape), ...arrays), e.get, {});
    };
    expect(allExpressions(check)).toEqual([]);
  });

  test.each(UPDATES)('x.at(...).%s', (name) => {
    const check = (e: Expression): string | undefined => {
      const [values, result] = e.updates[name] ?? [null, null];
      const v = decode(values) as NDArray;
      return difference(indexUpdate(iotaOf(e.shape), indexOf(e))[name](v), result, tolerance(name));
    };
    expect(allExpressions(check)).toEqual([]);
  });

  test.each(UPDATES)('x.at(...).%s under jit and vmap, all traced', (name) => {
    const check = (e: Expression): string | undefined => {
      const [values, result] = e.updates[name] ?? [null, null];
      const arrays: NDArray[] = [];
      indexOf(e, (x) => (arrays.push(x), x));
      const f = (x: NDArray, v: NDArray, ...given: NDArray[]): NDArray => {
        let next = 0;
        return indexUpdate(
          x,
          indexOf(e, (x0) => given[next++] ?? x0),
        )[name](v);
      };
      const args = [iotaOf(e.shape), decode(values) as NDArray, ...arrays] as const;
      const batched = vmap(f)(...(args.map((a) => np.stack([a, a])) as unknown as typeof args));
      return (
        difference(jit(f)(...args), result, tolerance(name)) ??
        difference(np.reshape(np.take(batched, 1, 0), e.shape), result, tolerance(name))
      );
    };
    expect(allExpressions(check)).toEqual([]);
  });

  test('at().get() is slice, and apply replaces what it selects', () => {
    const check = (e: Expression): string | undefined => {
      const x = iotaOf(e.shape);
      const at = indexUpdate(x, indexOf(e));
      const doubled = at.apply((part) => np.add(part, part));
      const want = e.updates['set'] === undefined ? x : indexUpdate(x, indexOf(e)).set(np.add(at.get(), at.get()));
      return (
        difference(at.get(), e.get, {}) ?? (np.arrayEqual(doubled, want).item() === true ? undefined : 'apply differs')
      );
    };
    expect(allExpressions(check)).toEqual([]);
  });

  test('the gradient of reading is where each element was read, of writing the rest', () => {
    const check = (e: Expression): string | undefined => {
      const x = iotaOf(e.shape);
      const index = indexOf(e);
      const [y, pull] = vjp((a: NDArray) => indexArray(a, index), [x]);
      const seed = np.astype(np.add(np.reshape(np.arange(y.size), y.shape), 1), 'float32');
      const [read] = pull(seed);
      const counted = indexUpdate(np.zeros(e.shape), index).add(seed);
      if (np.allclose(read, counted).item() !== true) return `read: ${show(read)}, not ${show(counted)}`;
      const [, pullSet] = vjp((a: NDArray, v: NDArray) => indexUpdate(a, index).set(v), [x, np.full(y.shape, 2)]);
      const ones = np.ones(e.shape);
      const [toX, toV] = pullSet(ones);
      const kept = indexUpdate(ones, index).set(0);
      if (np.allclose(toX, kept).item() !== true) return `set: ${show(toX)}, not ${show(kept)}`;
      const written = np.sum(np.subtract(1, kept)).item();
      return np.sum(toV).item() === written
        ? undefined
        : `values of set: ${show(toV)}, which do not sum to ${String(written)}`;
    };
    expect(allExpressions(check)).toEqual([]);
  });
});

describe('indexing functions, against NumPy', () => {
  for (const fn of functionsOf('indexing')) {
    test.each(['eager', 'jit', 'vmap'] as const)(`${fn} %s`, (way) =>
      expect(failures('indexing', fn, way)).toEqual([]),
    );
  }
});
