/** What a call costs: arrays so short that nothing else counts. */
import { uniform } from '../lib/data.js';
import { noState, type Row } from '../lib/row.js';

const inputs = () => [uniform([8], 1), uniform([8], 2)];

const eagerAdd: Row = {
  name: 'eager-add',
  title: 'eager add of two length-8 arrays',
  state: noState,
  inputs,
  tolerance: 1e-6,
  goals: [
    { kind: 'time', atMostMs: 0.0025 },
    { kind: 'ratio', to: 'tfjs', threads: 1, atLeast: 1 },
  ],
  modes: ['eager'],
  cotangent: () => (a, b) => [a.add(b)],
  jaxJs: () => (a, b) => [a.add(b)],
  tfjs: (tf) => (a, b) => [tf.add(a, b)],
  torch: { args: 'a, b', body: 'return [a + b]' },
};

const jitted: Row = {
  name: 'jit-call',
  title: 'jitted call of 3 operations on length-8 arrays',
  state: noState,
  inputs,
  tolerance: 1e-6,
  goals: [{ kind: 'time', atMostMs: 0.004 }],
  modes: ['jit'],
  cotangent:
    ({ numpy: np }) =>
    (a, b) => [np.sin(a.mul(b).add(a))],
  jaxJs:
    ({ numpy: jnp }) =>
    (a, b) => [jnp.sin(a.ref.mul(b).add(a))],
  tfjs: (tf) => (a, b) => [tf.sin(tf.add(tf.mul(a, b), a))],
  torch: { args: 'a, b', body: 'return [torch.sin(a * b + a)]' },
};

export const overhead: readonly Row[] = [eagerAdd, jitted];
