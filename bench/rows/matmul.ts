/** Matrix products of two square float32 arrays. */
import { uniform } from '../lib/data.js';
import { noState, type Row } from '../lib/row.js';

export const matmul = (n: number): Row => ({
  name: `matmul-${String(n)}`,
  title: `matmul f32 ${String(n)}`,
  state: noState,
  inputs: () => [uniform([n, n], 1), uniform([n, n], 2)],
  flops: 2 * n ** 3,
  tolerance: 1e-4,
  goals: [
    { kind: 'ratio', to: 'jax-js', threads: 1, atLeast: 1.6 },
    { kind: 'ratio', to: 'jax-js', threads: 2, atLeast: 3.1 },
    { kind: 'ratio', to: 'tfjs', threads: 1, atLeast: 1.3 },
    { kind: 'fraction', of: 'mulAdd', atLeast: 0.75 },
  ],
  modes: ['jit'],
  cotangent:
    ({ numpy: np }) =>
    (a, b) => [np.matmul(a, b)],
  jaxJs:
    ({ numpy: jnp }) =>
    (a, b) => [jnp.matmul(a, b)],
  tfjs: (tf) => (a, b) => [tf.matMul(a, b)],
  ort: { inputs: ['a', 'b'], nodes: [{ op: 'MatMul', inputs: ['a', 'b'], outputs: ['c'] }], outputs: ['c'] },
  torch: { args: 'a, b', body: 'return [a @ b]' },
});

export const matmuls: readonly Row[] = [512, 1024, 2048].map(matmul);
