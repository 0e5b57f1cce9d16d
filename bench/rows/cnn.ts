/**
 * A training step of a small convolutional network on a batch of 64 images of 3x32x32: twice a 3x3 convolution (SAME),
 * relu and 2x2 max pooling, then a dense layer; gradient of the cross-entropy, and SGD. All in NCHW, which jax-js has alone.
 */
import { oneHot, uniform, zeros } from '../lib/data.js';
import { at, type Row } from '../lib/row.js';

const [BATCH, RATE] = [64, 0.1];
const FLAT = 16 * 8 * 8;

export const cnn: Row = {
  name: 'cnn',
  title: 'CNN step, 2 conv, 32x32x3, batch 64',
  state: () => [
    uniform([32, 3, 3, 3], 1, 0.2),
    zeros([32]),
    uniform([16, 32, 3, 3], 2, 0.1),
    zeros([16]),
    uniform([FLAT, 10], 3, 0.05),
    zeros([10]),
  ],
  inputs: () => [uniform([BATCH, 3, 32, 32], 9), oneHot(BATCH, 10, 7)],
  // Forward and two gradients of each product, less the gradient of the images.
  flops: 2 * BATCH * 9 * (2 * 3 * 32 * 32 * 32 + 3 * 32 * 16 * 16 * 16) + 6 * BATCH * FLAT * 10,
  tolerance: 1e-3,
  goals: [
    { kind: 'ratio', to: 'jax-js', threads: 1, atLeast: 60 },
    { kind: 'ratio', to: 'jax-js', threads: 2, atLeast: 100 },
    { kind: 'ratio', to: 'torch', threads: 1, atLeast: 1 / 1.6 },
    { kind: 'ratio', to: 'torch', threads: 2, theirs: 2, atLeast: 1 / 1.6 },
    { kind: 'first', atMostMs: 250 },
  ],
  modes: ['jit'],
  cotangent: ({ grad, lax, nn, numpy: np }) => {
    type A = ReturnType<typeof np.array>;
    const block = (x: A, w: A, b: A): A => {
      const y = nn.relu(lax.convGeneralDilated(x, w, { padding: 'SAME' }).add(b.reshape([-1, 1, 1])));
      return lax.reduceWindow(y, -Infinity, 'max', [1, 1, 2, 2], [1, 1, 2, 2]);
    };
    const loss = (p: A[], x: A, y: A): A => {
      const h = block(block(x, at(p, 0), at(p, 1)), at(p, 2), at(p, 3));
      const z = np.matmul(h.reshape([BATCH, FLAT]), at(p, 4)).add(at(p, 5));
      return np.sum(nn.logSoftmax(z).mul(y)).mul(-1 / BATCH);
    };
    return (...args) => {
      const p = args.slice(0, 6);
      const g = grad(loss)(p, at(args, 6), at(args, 7));
      return p.map((t, i) => t.sub(at(g, i).mul(RATE)));
    };
  },
  jaxJs: (lib) => {
    const jnp = lib.numpy;
    type A = ReturnType<typeof jnp.array>;
    const block = (x: A, w: A, b: A): A => {
      const y = lib.nn.relu(lib.lax.convGeneralDilated(x, w, [1, 1], 'SAME').add(b.reshape([-1, 1, 1])));
      return lib.lax.reduceWindow(y, (v) => jnp.max(v), [2, 2], [2, 2]);
    };
    const loss = (p: A[], x: A, y: A): A => {
      const h = block(block(x, at(p, 0), at(p, 1)), at(p, 2), at(p, 3));
      const z = jnp.dot(h.reshape([BATCH, FLAT]), at(p, 4)).add(at(p, 5));
      return lib.nn
        .logSoftmax(z)
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
    const block = (x: T, w: T, b: T): T => {
      const kernel = tf.transpose(w, [2, 3, 1, 0]) as ReturnType<typeof tf.tensor4d>;
      const y = tf.relu(tf.add(tf.conv2d(x as ReturnType<typeof tf.tensor4d>, kernel, 1, 'same'), b));
      return tf.maxPool(y as ReturnType<typeof tf.tensor4d>, 2, 2, 'valid');
    };
    return (...args) => {
      const p = args.slice(0, 6);
      const x = tf.transpose(at(args, 6), [0, 2, 3, 1]);
      const g = tf.grads((...q: T[]) => {
        const h = block(block(x, at(q, 0), at(q, 1)), at(q, 2), at(q, 3));
        const flat = tf.reshape(tf.transpose(h, [0, 3, 1, 2]), [BATCH, FLAT]);
        const z = tf.add(tf.matMul(flat, at(q, 4)), at(q, 5));
        return tf.mul(tf.sum(tf.mul(tf.logSoftmax(z), at(args, 7))), -1 / BATCH);
      })(p);
      return p.map((t, i) => tf.sub(t, tf.mul(at(g, i), RATE)));
    };
  },
  torch: {
    args: 'w1, b1, w2, b2, w3, b3, x, y',
    body: `
F = torch.nn.functional
p = [t.detach().requires_grad_() for t in (w1, b1, w2, b2, w3, b3)]
h = F.max_pool2d(torch.relu(F.conv2d(x, p[0], p[1], padding=1)), 2)
h = F.max_pool2d(torch.relu(F.conv2d(h, p[2], p[3], padding=1)), 2)
z = torch.addmm(p[5], h.reshape(${String(BATCH)}, ${String(FLAT)}), p[4])
loss = (torch.log_softmax(z, -1) * y).sum() * (-1 / ${String(BATCH)})
g = torch.autograd.grad(loss, p)
return [t.detach() - d * ${String(RATE)} for t, d in zip(p, g)]`,
  },
};
