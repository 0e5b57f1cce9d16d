/**
 * An LSTM of 64 inputs and 128 units over 64 time steps of a batch of 32: the last state, and a training step for the
 * sum of its squares. Gates in PyTorch's order: input, forget, cell, output. Libraries without a loop unroll it, as their
 * users must; PyTorch runs its fused LSTM, ONNX Runtime its operator.
 */
import { uniform, zeros, type Data } from '../lib/data.js';
import type { Model, OnnxNode } from '../lib/onnx.js';
import { at, noState, type Cotangent, type JaxJs, type Row, type Tfjs } from '../lib/row.js';

const [TIME, BATCH, IN, UNITS] = [64, 32, 64, 128];
const RATE = 0.01;
/** wx, wh, bias. */
const parameters = (): readonly Data[] => [
  uniform([IN, 4 * UNITS], 1, 0.1),
  uniform([UNITS, 4 * UNITS], 2, 0.1),
  uniform([4 * UNITS], 3, 0.1),
];
const series = (): Data => uniform([TIME, BATCH, IN], 4);
const FLOPS = 2 * TIME * BATCH * (IN + UNITS) * 4 * UNITS;

type A = ReturnType<Cotangent['numpy']['array']>;
const lastState =
  ({ lax, nn, numpy: np }: Cotangent) =>
  (wx: A, wh: A, b: A, xs: A): A => {
    const zero = np.zeros([BATCH, UNITS]);
    const gate = (z: A, k: number): A => z.slice([null, null], [k * UNITS, (k + 1) * UNITS]);
    const projected = np.matmul(xs, wx).add(b);
    const [[h]] = lax.scan(
      ([h, c], x) => {
        const z = x.add(np.matmul(h, wh));
        const next = nn
          .sigmoid(gate(z, 1))
          .mul(c)
          .add(nn.sigmoid(gate(z, 0)).mul(np.tanh(gate(z, 2))));
        return [[nn.sigmoid(gate(z, 3)).mul(np.tanh(next)), next], null];
      },
      [zero, zero] as const,
      projected,
    );
    return h;
  };

type J = ReturnType<JaxJs['numpy']['array']>;
const lastStateJaxJs =
  ({ nn, numpy: jnp }: JaxJs) =>
  (wx: J, wh: J, b: J, xs: J): J => {
    let [h, c] = [jnp.zeros([BATCH, UNITS]), jnp.zeros([BATCH, UNITS])];
    const gate = (z: J, k: number): J => z.ref.slice([], [k * UNITS, (k + 1) * UNITS]);
    const projected = jnp.matmul(xs, wx).add(b);
    for (let t = 0; t < TIME; t++) {
      const z = projected.ref.slice(t).add(jnp.matmul(h, wh.ref));
      c = nn
        .sigmoid(gate(z, 1))
        .mul(c)
        .add(nn.sigmoid(gate(z, 0)).mul(jnp.tanh(gate(z, 2))));
      h = nn.sigmoid(gate(z, 3)).mul(jnp.tanh(c.ref));
      z.dispose();
    }
    projected.dispose();
    wh.dispose();
    c.dispose();
    return h;
  };

type T = ReturnType<Tfjs['tensor']>;
const lastStateTfjs =
  (tf: Tfjs) =>
  (wx: T, wh: T, b: T, xs: T): T => {
    let [h, c]: [T, T] = [tf.zeros([BATCH, UNITS]), tf.zeros([BATCH, UNITS])];
    const flat = tf.reshape(xs, [TIME * BATCH, IN]);
    const projected = tf.reshape(tf.add(tf.matMul(flat, wx), b), [TIME, BATCH, 4 * UNITS]);
    for (const x of tf.unstack(projected)) {
      const gates = tf.split(tf.add(x, tf.matMul(h, wh)), 4, 1);
      const [i, f, g, o] = [at(gates, 0), at(gates, 1), at(gates, 2), at(gates, 3)];
      c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
      h = tf.mul(tf.sigmoid(o), tf.tanh(c));
    }
    return h;
  };

/** With gradients or without; parameters in PyTorch's layout, a second bias of zeros. */
const torchLastState = (train: boolean): string => `
p = [wx.t().contiguous(), wh.t().contiguous(), b.clone()]
for t in p: t.requires_grad_(${train ? 'True' : 'False'})
zero = torch.zeros(1, ${String(BATCH)}, ${String(UNITS)})
_, h, _ = torch.lstm(xs, (zero, zero), p + [torch.zeros_like(b)], True, 1, 0.0, ${train ? 'True' : 'False'}, False, False)`;

/** Weights of ONNX's operator: gates in the order input, output, forget, cell. All of constants, so folded at load. */
const onnxWeights = (from: string, to: string): readonly OnnxNode[] => [
  { op: 'Split', inputs: [from], outputs: ['i', 'f', 'g', 'o'].map((gate) => to + gate), attributes: { axis: 0 } },
  {
    op: 'Concat',
    inputs: ['i', 'o', 'f', 'g'].map((gate) => to + gate),
    outputs: [`${to}Gates`],
    attributes: { axis: 0 },
  },
];
const onnx: Model = {
  inputs: ['wx', 'wh', 'b', 'xs'],
  weights: ['wx', 'wh', 'b'],
  integers: { first: [0] },
  nodes: [
    { op: 'Transpose', inputs: ['wx'], outputs: ['wxT'], attributes: { perm: [1, 0] } },
    { op: 'Transpose', inputs: ['wh'], outputs: ['whT'], attributes: { perm: [1, 0] } },
    ...onnxWeights('wxT', 'W'),
    ...onnxWeights('whT', 'R'),
    ...onnxWeights('b', 'B'),
    { op: 'Sub', inputs: ['BGates', 'BGates'], outputs: ['zeros'] },
    { op: 'Concat', inputs: ['BGates', 'zeros'], outputs: ['bothBiases'], attributes: { axis: 0 } },
    { op: 'Unsqueeze', inputs: ['WGates', 'first'], outputs: ['W'] },
    { op: 'Unsqueeze', inputs: ['RGates', 'first'], outputs: ['R'] },
    { op: 'Unsqueeze', inputs: ['bothBiases', 'first'], outputs: ['B'] },
    { op: 'LSTM', inputs: ['xs', 'W', 'R', 'B'], outputs: ['', 'last'], attributes: { hidden_size: UNITS } },
    { op: 'Squeeze', inputs: ['last', 'first'], outputs: ['h'] },
  ],
  outputs: ['h'],
};

const goals: Row['goals'] = [
  { kind: 'ratio', to: 'jax-js', threads: 1, atLeast: 2.5 },
  { kind: 'first', atMostMs: 250 },
];

const forward: Row = {
  name: 'lstm',
  title: 'LSTM b32 t64 64->128, forward',
  state: noState,
  inputs: () => [...parameters(), series()],
  flops: FLOPS,
  tolerance: 1e-4,
  goals,
  modes: ['jit'],
  cotangent: (lib) => (wx, wh, b, xs) => [lastState(lib)(wx, wh, b, xs)],
  jaxJs: (lib) => (wx, wh, b, xs) => [lastStateJaxJs(lib)(wx, wh, b, xs)],
  tfjs: (tf) => (wx, wh, b, xs) => [lastStateTfjs(tf)(wx, wh, b, xs)],
  torch: {
    args: 'wx, wh, b, xs',
    body: `${torchLastState(false)}
return [h[0]]`,
  },
  ort: onnx,
};

const training: Row = {
  name: 'lstm-step',
  title: 'LSTM b32 t64 64->128, forward and backward',
  state: parameters,
  inputs: () => [series()],
  flops: 3 * FLOPS,
  tolerance: 1e-3,
  goals: [{ kind: 'ratio', to: 'jax-js', threads: 1, atLeast: 3 }, ...goals.slice(1)],
  modes: ['jit'],
  cotangent: (lib) => {
    const loss = (p: A[], xs: A): A =>
      lib.numpy.mean(lib.numpy.square(lastState(lib)(at(p, 0), at(p, 1), at(p, 2), xs)));
    return (...args) => {
      const p = args.slice(0, 3);
      const g = lib.grad(loss)(p, at(args, 3));
      return p.map((t, i) => t.sub(at(g, i).mul(RATE)));
    };
  },
  jaxJs: (lib) => {
    const loss = (p: J[], xs: J): J =>
      lib.numpy.mean(lib.numpy.square(lastStateJaxJs(lib)(at(p, 0), at(p, 1), at(p, 2), xs)));
    return (...args) => {
      const p = args.slice(0, 3);
      const g = lib.grad(loss)(
        p.map((t) => t.ref),
        at(args, 3),
      );
      return p.map((t, i) => t.sub(at(g, i).mul(RATE)));
    };
  },
  tfjs: (tf) => (wx, wh, b, xs) => {
    if (wx === undefined || wh === undefined || b === undefined || xs === undefined) throw new Error('four arguments');
    const g = tf.grads((...q: T[]) => tf.mean(tf.square(lastStateTfjs(tf)(at(q, 0), at(q, 1), at(q, 2), xs))))([
      wx,
      wh,
      b,
    ]);
    return [wx, wh, b].map((t, i) => tf.sub(t, tf.mul(at(g, i), RATE)));
  },
  torch: {
    args: 'wx, wh, b, xs',
    body: `${torchLastState(true)}
g = torch.autograd.grad((h[0] ** 2).mean(), p)
return [t - ${String(RATE)} * d for t, d in zip((wx, wh, b), (g[0].t(), g[1].t(), g[2]))]`,
  },
};

export const lstm: readonly Row[] = [forward, training];
