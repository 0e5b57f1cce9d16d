/** Vectors that one iteration computes side by side are emitted piece by piece in turn, for V8 keeps the order. */
import { expect, test } from 'vitest';
import { jit, numpy as np, type NDArray } from '../../../src/index.js';

/** The instructions of the first loop of a program that stores vectors. */
function vectorLoop(f: (x: NDArray) => NDArray): readonly string[] {
  const wat = jit(f)
    .lower(np.zeros([1 << 16]))
    .asText('wat');
  const loop = wat
    .split(/^ *loop$/m)
    .slice(1)
    .map((text) => text.slice(0, text.search(/^ *br_if/m)))
    .find((text) => text.includes('v128.store'));
  return (loop ?? '').split('\n').map((line) => line.trim());
}

test.each([
  ['exp', (x: NDArray) => np.exp(x)],
  ['tanh', (x: NDArray) => np.tanh(x)],
  ['log', (x: NDArray) => np.log(x)],
  ['gelu-like', (x: NDArray) => x.mul(np.tanh(x.mul(2))).mul(np.exp(np.square(x).neg()))],
])('%s: no vector is computed far ahead of the others', (_, f) => {
  const body = vectorLoop(f);
  const loads = body.flatMap((line, i) => (line.startsWith('v128.load') ? [i] : []));
  const stores = body.flatMap((line, i) => (line.startsWith('v128.store') ? [i] : []));
  expect(loads.length).toBeGreaterThan(1);
  expect(stores).toHaveLength(loads.length);
  // Loads begin and stores end the body; what is between serves all vectors in turn.
  expect((loads.at(-1) ?? NaN) / body.length).toBeLessThan(0.1);
  expect((stores[0] ?? NaN) / body.length).toBeGreaterThan(0.9);
});
