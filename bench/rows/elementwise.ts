/** Elementwise programs: one bound by arithmetic, one by memory. */
import { uniform } from '../lib/data.js';
import { noState, type Row } from '../lib/row.js';

const MIB = 2 ** 20;

const chain: Row = {
  name: 'chain',
  title: 'tanh(2x+1)·exp(-x²)+sin x, 1M',
  state: noState,
  inputs: () => [uniform([MIB], 1, 3)],
  bytes: 8 * MIB,
  tolerance: 1e-5,
  goals: [
    { kind: 'ratio', to: 'jax-js', threads: 1, atLeast: 12 },
    { kind: 'ratio', to: 'jax-js', threads: 2, atLeast: 22 },
  ],
  modes: ['jit', 'eager'],
  cotangent:
    ({ numpy: np }) =>
    (x) => [
      np
        .tanh(x.mul(2).add(1))
        .mul(np.exp(np.square(x).neg()))
        .add(np.sin(x)),
    ],
  jaxJs:
    ({ numpy: jnp }) =>
    (x) => [
      jnp
        .tanh(x.ref.mul(2).add(1))
        .mul(jnp.exp(jnp.square(x.ref).neg()))
        .add(jnp.sin(x)),
    ],
  tfjs: (tf) => (x) => [tf.add(tf.mul(tf.tanh(tf.add(tf.mul(x, 2), 1)), tf.exp(tf.neg(tf.square(x)))), tf.sin(x))],
  torch: { args: 'x', body: 'return [torch.tanh(2 * x + 1) * torch.exp(-x * x) + torch.sin(x)]' },
};

const multiplyAdd: Row = {
  name: 'multiply-add',
  title: 'a·b+c, 16M',
  state: noState,
  inputs: () => [uniform([16 * MIB], 1), uniform([16 * MIB], 2), uniform([16 * MIB], 3)],
  bytes: 4 * 4 * 16 * MIB,
  tolerance: 1e-6,
  goals: [
    { kind: 'ratio', to: 'jax-js', threads: 1, atLeast: 1.1 },
    { kind: 'fraction', of: 'stream', atLeast: 0.85 },
  ],
  modes: ['jit'],
  cotangent: () => (a, b, c) => [a.mul(b).add(c)],
  jaxJs: () => (a, b, c) => [a.mul(b).add(c)],
  tfjs: (tf) => (a, b, c) => [tf.add(tf.mul(a, b), c)],
  torch: { args: 'a, b, c', body: 'return [torch.addcmul(c, a, b)]' },
};

export const elementwise: readonly Row[] = [chain, multiplyAdd];
