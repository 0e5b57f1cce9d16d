/**
 * Define-by-run and static graph: o = tanh(w x + b) at w = 2, x = -2.79, b = 6. Statement by statement, as the program runs; and traced,
 * differentiated and compiled before it runs. Both are the same function, and both give 0.3969….
 *
 *     npm run example define-by-run
 */
import assert from 'node:assert/strict';
import { grad, jit, makeJaxpr, numpy as np, valueAndGrad } from 'cotangent';
import type { NDArray } from 'cotangent';

const scalar = (value: number): NDArray => np.array(value, { dtype: 'float64' });
const [w, x, b] = [scalar(2), scalar(-2.79), scalar(6)];

// Eager: each statement has a value as soon as it has run, which a debugger shows.
const x1 = w.mul(x);
const x2 = x1.add(b);
const o = np.tanh(x2);
console.log(
  `Define by run:  x1 = w x = ${Number(x1).toFixed(2)}   x2 = x1 + b = ${Number(x2).toFixed(2)}   o = tanh x2 = ${Number(o).toFixed(4)}`,
);
assert.ok(Math.abs(Number(x1) + 5.58) < 1e-12 && Math.abs(Number(x2) - 0.42) < 1e-12);
assert.equal(Number(o).toFixed(4), '0.3969');

// The graph may be another one in each run: a program decides, by values.
const steps = (v: NDArray): NDArray => (Number(v) > 0.3 ? steps(np.tanh(v)) : v);
console.log(
  `A graph whose length depends on the value: ${Number(steps(o)).toFixed(4)} is what tanh o, tanh tanh o, … come down to below 0.3.\n`,
);

// Static: the same function, traced to a graph, then compiled.
const f = (p: NDArray, q: NDArray, r: NDArray): NDArray => np.tanh(p.mul(q).add(r));
console.log(`The graph, before it runs:\n\n${String(makeJaxpr(f)(w, x, b))}\n`);
const df = grad(f);
console.log(`The graph of do/dw:\n\n${String(makeJaxpr(df)(w, x, b))}\n`);
const compiled = jit(f);
console.log(`What it is compiled to:\n\n${compiled.lower(w, x, b).asText('kernels')}\n`);
assert.equal(Number(compiled(w, x, b)), Number(o));

// do/dw = (1 - tanh²(w x + b)) x, by the chain rule, eagerly and compiled.
const derived = (1 - Math.tanh(2 * -2.79 + 6) ** 2) * -2.79;
const [value, slope] = jit(valueAndGrad(f))(w, x, b);
console.log(
  `do/dw = (1 - tanh²(w x + b)) x = ${derived.toFixed(6)}; by grad ${Number(df(w, x, b)).toFixed(6)}, compiled ${Number(slope).toFixed(6)}`,
);
assert.ok(Math.abs(Number(df(w, x, b)) - derived) < 1e-14 && Math.abs(Number(slope) - derived) < 1e-14);
assert.equal(Number(value), Number(o));

// TensorFlow 1 needed a session for the first of these; TensorFlow 2 runs the second as it stands, as this does.
console.log(
  `8 + 9 = ${Number(jit((p: NDArray, q: NDArray) => p.add(q))(np.array(8), np.array(9)))}, compiled; 5 + 6 = ${Number(np.array(5).add(6))}, eagerly`,
);
