/** A training step of a 784-512-512-10 network on a batch of 128: gradient of the cross-entropy, and SGD. */
import { oneHot, uniform, zeros, type Data } from '../lib/data.js';
import { at, type Row } from '../lib/row.js';

const SIZES = [784, 512, 512, 10] as const;
const BATCH = 128;
const RATE = 0.1;
const layers = SIZES.slice(1).map((out, i) => [SIZES[i] ?? 0, out] as const);

export const mlp: Row = {
  name: 'mlp',
  title: 'MLP 784-512-512-10 step, batch 128',
  state: () =>
    layers.flatMap(([inputs, outputs], i): Data[] => [uniform([inputs, outputs], i + 1, 0.05), zeros([outputs])]),
  inputs: () => [uniform([BATCH, SIZES[0]], 99), oneHot(BATCH, 10, 7)],
  // Forward and two gradients, less the gradient of the images.
  flops: 2 * BATCH * (2 * 784 * 512 + 3 * 512 * 512 + 3 * 512 * 10),
  tolerance: 1e-4,
  goals: [
    { kind: 'ratio', to: 'jax-js', threads: 1, atLeast: 1.8 },
    { kind: 'ratio', to: 'jax-js', threads: 2, atLeast: 3.2 },
    { kind: 'first', atMostMs: 80 },
  ],
  modes: ['jit', 'eager'],
  cotangent: ({ grad, nn, numpy: np }) => {
    type A = ReturnType<typeof np.array>;
    const loss = (p: A[], x: A, y: A): A => {
      let h = x;
      for (let i = 0; i < p.length; i += 2) {
        h = np.matmul(h, at(p, i)).add(at(p, i + 1));
        if (i + 2 < p.length) h = nn.relu(h);
      }
      return np.sum(nn.logSoftmax(h).mul(y)).mul(-1 / BATCH);
    };
    return (...args) => {
      const p = args.slice(0, 6);
      const g = grad(loss)(p, at(args, 6), at(args, 7));
      return p.map((t, i) => t.sub(at(g, i).mul(RATE)));
    };
  },
  jaxJs: (lib) => {
    type A = ReturnType<typeof lib.numpy.array>;
    const loss = (p: A[], x: A, y: A): A => {
      let h = x;
      for (let i = 0; i < p.length; i += 2) {
        h = lib.numpy.dot(h, at(p, i)).add(at(p, i + 1));
        if (i + 2 < p.length) h = lib.nn.relu(h);
      }
      return lib.nn
        .logSoftmax(h)
        .mul(y)
        .sum()
        .mul(-1 / BATCH);
    };
    return (...args) => {
      const p = args.slice(0, 6);
      const g = lib.grad(loss)(
        p.map((t) => t.ref),
        at(args, 6),
        at(args, 7),
      );
      return p.map((t, i) => t.sub(at(g, i).mul(RATE)));
    };
  },
  tfjs: (tf) => {
    type T = ReturnType<typeof tf.tensor>;
    return (...args) => {
      const [x, y] = [at(args, 6), at(args, 7)];
      const p = args.slice(0, 6);
      const g = tf.grads((...q: T[]) => {
        let h = x;
        for (let i = 0; i < q.length; i += 2) {
          h = tf.add(tf.matMul(h, at(q, i)), at(q, i + 1));
          if (i + 2 < q.length) h = tf.relu(h);
        }
        return tf.mul(tf.sum(tf.mul(tf.logSoftmax(h), y)), -1 / BATCH);
      })(p);
      return p.map((t, i) => tf.sub(t, tf.mul(at(g, i), RATE)));
    };
  },
  torch: {
    args: 'w1, b1, w2, b2, w3, b3, x, y',
    body: `
p = [t.detach().requires_grad_() for t in (w1, b1, w2, b2, w3, b3)]
h = torch.relu(torch.addmm(p[1], x, p[0]))
h = torch.relu(torch.addmm(p[3], h, p[2]))
h = torch.addmm(p[5], h, p[4])
loss = (torch.log_softmax(h, -1) * y).sum() * (-1 / ${String(BATCH)})
g = torch.autograd.grad(loss, p)
return [t.detach() - d * ${String(RATE)} for t, d in zip(p, g)]`,
  },
};
