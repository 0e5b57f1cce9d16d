/**
 * Back-propagation is one Jacobian-gradient product for each operation. Here a net with three inputs x, a hidden layer of
 * two neurons z and one output y:
 *
 *     ∂y/∂x  =  ∂y/∂z  ×  ∂z/∂x  =  [∂y/∂z₁ ∂y/∂z₂]  ×  [ ∂z₁/∂x₁ ∂z₁/∂x₂ ∂z₁/∂x₃ ]
 *                                                       [ ∂z₂/∂x₁ ∂z₂/∂x₂ ∂z₂/∂x₃ ]
 *
 *     npm run example jacobian-gradient-product
 */
import assert from 'node:assert/strict';
import { grad, jacfwd, jacrev, numpy as np, vjp } from 'cotangent';
import type { NDArray } from 'cotangent';

const float64 = { dtype: 'float64' } as const;
const W1 = np.array(
  [
    [0.5, -1, 0.25],
    [1.5, 0.75, -0.5],
  ],
  float64,
);
const b1 = np.array([0.1, -0.2], float64);
const w2 = np.array([2, -3], float64);

const hidden = (x: NDArray): NDArray => np.tanh(W1.matmul(x).add(b1));
const output = (z: NDArray): NDArray => np.tanh(w2.dot(z));
const net = (x: NDArray): NDArray => output(hidden(x));

const x = np.array([1, 0.5, -1], float64);
const z = hidden(x);

// The Jacobian of the hidden layer, 2 × 3: by rows, each a backward pass, or by columns, each a forward pass.
const byRows = jacrev(hidden)(x);
const byColumns = jacfwd(hidden)(x);
// The gradient of the output with respect to the hidden layer.
const gradient = grad(output)(z);
const product = gradient.matmul(byRows);

// What `grad` does: it never builds the Jacobian; it pulls the gradient back through the layer.
const [, pullBack] = vjp(hidden, [x]);
const [pulled] = pullBack(gradient);
const whole = grad(net)(x);

const show = (v: NDArray): string => `[${[...v.dataSync()].map((value) => value.toFixed(6).padStart(9)).join(' ')}]`;
console.log('∂z/∂x, the Jacobian, by jacrev      ', show(byRows.slice(0)));
console.log('                                    ', show(byRows.slice(1)));
console.log('∂z/∂x by jacfwd                     ', show(byColumns.slice(0)));
console.log('                                    ', show(byColumns.slice(1)));
console.log('∂y/∂z, the gradient                 ', show(gradient));
console.log('∂y/∂z × ∂z/∂x, the product          ', show(product));
console.log('the same by vjp, without the matrix ', show(pulled));
console.log('grad of the whole net               ', show(whole));

// And by hand: tanh' = 1 - tanh², so ∂zᵢ/∂xⱼ = (1 - zᵢ²) W1ᵢⱼ.
const byHand = np.subtract(1, np.square(z)).reshape(2, 1).mul(W1);
const close = (a: NDArray, b: NDArray): boolean => np.allclose(a, b, { rtol: 1e-12, atol: 1e-14 }).item() === true;
assert.deepEqual(byRows.shape, [2, 3]);
assert.ok(close(byRows, byHand), 'jacrev is the Jacobian');
assert.ok(close(byColumns, byHand), 'jacfwd is the Jacobian');
assert.ok(close(product, whole), 'the product is the gradient of the whole net');
assert.ok(close(pulled, whole), 'vjp is that product');
console.log('\nAll agree.');
