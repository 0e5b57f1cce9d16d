/** The rows of the comparison on a GPU: those of the CPU that are of use there, and larger ones. */
import { uniform } from '../lib/data.js';
import { noState, type Row } from '../lib/row.js';
import { cnn } from '../rows/cnn.js';
import { elementwise } from '../rows/elementwise.js';
import { matmul } from '../rows/matmul.js';
import { mlp } from '../rows/mlp.js';
import { overhead } from '../rows/overhead.js';
import { reductions, softmaxOf } from '../rows/reductions.js';

const [HEADS, LENGTH, DEPTH] = [8, 1024, 64];

const attention: Row = {
  name: 'attention',
  title: 'attention 8x1024x64',
  state: noState,
  inputs: () => [1, 2, 3].map((seed) => uniform([HEADS, LENGTH, DEPTH], seed)),
  flops: 4 * HEADS * LENGTH ** 2 * DEPTH,
  tolerance: 1e-4,
  goals: [],
  modes: ['jit'],
  cotangent:
    ({ nn, numpy: np }) =>
    (q, k, v) => [np.matmul(nn.softmax(np.matmul(q, np.swapaxes(k, 1, 2)).mul(DEPTH ** -0.5)), v)],
  jaxJs:
    ({ nn, numpy: jnp }) =>
    (q, k, v) => [jnp.matmul(nn.softmax(jnp.matmul(q, jnp.swapaxes(k, 1, 2)).mul(DEPTH ** -0.5)), v)],
  tfjs: (tf) => (q, k, v) => [tf.matMul(tf.softmax(tf.mul(tf.matMul(q, k, false, true), DEPTH ** -0.5)), v)],
};

const sums = reductions.filter(({ name }) => name.startsWith('sum'));

/** Every row is to be ahead of both peers. Theirs use the driver's sin, exp and tanh, of which SwiftShader's are off by up to 2e-4. */
const ahead = (row: Row): Row => ({
  ...row,
  tolerance: Math.max(row.tolerance, 1e-3),
  goals: (['jax-js', 'tfjs'] as const).map((to) => ({ kind: 'ratio', to, threads: 1, atLeast: 1 })),
});

export const rows: readonly Row[] = [
  ...[512, 1024, 2048, 4096].map(matmul),
  ...elementwise,
  ...sums,
  softmaxOf(4096),
  mlp,
  cnn,
  attention,
  ...overhead,
].map(ahead);
