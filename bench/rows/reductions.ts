/** Sums, softmax and logsumexp. */
import { uniform } from '../lib/data.js';
import { noState, type Goal, type Row } from '../lib/row.js';

const MIB = 2 ** 20;
const jaxJs = (atLeast: number): readonly Goal[] => [{ kind: 'ratio', to: 'jax-js', threads: 1, atLeast }];

const total: Row = {
  name: 'sum',
  title: 'sum of 16M',
  state: noState,
  inputs: () => [uniform([16 * MIB], 1, 0.5)],
  bytes: 4 * 16 * MIB,
  // The sum is near zero, where only an absolute error means something: all libraries add some 6e6 in absolute value.
  tolerance: 1,
  goals: jaxJs(5),
  modes: ['jit'],
  cotangent:
    ({ numpy: np }) =>
    (x) => [np.sum(x)],
  jaxJs:
    ({ numpy: jnp }) =>
    (x) => [jnp.sum(x)],
  tfjs: (tf) => (x) => [tf.sum(x)],
  ort: {
    inputs: ['x'],
    nodes: [{ op: 'ReduceSum', inputs: ['x'], outputs: ['y'], attributes: { keepdims: 0 } }],
    outputs: ['y'],
  },
  torch: { args: 'x', body: 'return [x.sum()]' },
};

const along = (axis: 0 | 1): Row => ({
  name: `sum-axis-${String(axis)}`,
  title: `sum over axis ${String(axis)} of 4096²`,
  state: noState,
  inputs: () => [uniform([4096, 4096], 1)],
  bytes: 4 * 4096 ** 2,
  tolerance: 1e-4,
  goals: jaxJs(1.3),
  modes: ['jit'],
  cotangent:
    ({ numpy: np }) =>
    (x) => [np.sum(x, axis)],
  jaxJs:
    ({ numpy: jnp }) =>
    (x) => [jnp.sum(x, axis)],
  tfjs: (tf) => (x) => [tf.sum(x, axis)],
  ort: {
    inputs: ['x'],
    integers: { axes: [axis] },
    nodes: [{ op: 'ReduceSum', inputs: ['x', 'axes'], outputs: ['y'], attributes: { keepdims: 0 } }],
    outputs: ['y'],
  },
  torch: { args: 'x', body: `return [x.sum(${String(axis)})]` },
});

export const softmaxOf = (n: number): Row => ({
  name: n === 1024 ? 'softmax' : `softmax-${String(n)}`,
  title: `softmax of rows, ${String(n)}²`,
  state: noState,
  inputs: () => [uniform([n, n], 1, 4)],
  bytes: 8 * n ** 2,
  tolerance: 1e-5,
  goals: [...jaxJs(9), { kind: 'ratio', to: 'tfjs', threads: 1, atLeast: 1 }],
  modes: ['jit', 'eager'],
  cotangent:
    ({ nn }) =>
    (x) => [nn.softmax(x)],
  jaxJs:
    ({ nn }) =>
    (x) => [nn.softmax(x)],
  tfjs: (tf) => (x) => [tf.softmax(x)],
  ort: {
    inputs: ['x'],
    nodes: [{ op: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: { axis: -1 } }],
    outputs: ['y'],
  },
  torch: { args: 'x', body: 'return [torch.softmax(x, -1)]' },
});

const logSumExp: Row = {
  name: 'logsumexp',
  title: 'logsumexp of rows, 1024²',
  state: noState,
  inputs: () => [uniform([1024, 1024], 1, 4)],
  bytes: 4 * 1024 ** 2,
  tolerance: 1e-5,
  goals: [...jaxJs(9), { kind: 'ratio', to: 'tfjs', threads: 1, atLeast: 1 }],
  modes: ['jit'],
  cotangent:
    ({ nn }) =>
    (x) => [nn.logsumexp(x, -1)],
  jaxJs:
    ({ nn }) =>
    (x) => [nn.logsumexp(x, -1)],
  tfjs: (tf) => (x) => [tf.logSumExp(x, -1)],
  ort: {
    inputs: ['x'],
    nodes: [{ op: 'ReduceLogSumExp', inputs: ['x'], outputs: ['y'], attributes: { axes: [1], keepdims: 0 } }],
    outputs: ['y'],
  },
  torch: { args: 'x', body: 'return [torch.logsumexp(x, -1)]' },
};

export const reductions: readonly Row[] = [total, along(0), along(1), softmaxOf(1024), logSumExp];
