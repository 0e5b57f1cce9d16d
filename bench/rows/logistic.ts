/** A step of logistic regression: gradient of the mean log-loss over 100,000 rows of 30, and gradient descent. */
import { uniform, zeros } from '../lib/data.js';
import { at, type Row } from '../lib/row.js';

const [ROWS, FEATURES, RATE] = [100_000, 30, 0.1];

export const logistic: Row = {
  name: 'logistic',
  title: 'logistic regression step, 100k x 30',
  state: () => [zeros([FEATURES])],
  inputs: () => {
    const labels = uniform([ROWS], 2);
    return [uniform([ROWS, FEATURES], 1), { ...labels, values: labels.values.map((v) => (v > 0 ? 1 : 0)) }];
  },
  bytes: 4 * ROWS * (FEATURES + 1),
  tolerance: 1e-4,
  goals: [{ kind: 'ratio', to: 'jax-js', threads: 1, atLeast: 5 }],
  modes: ['jit'],
  cotangent: ({ grad, nn, numpy: np }) => {
    type A = ReturnType<typeof np.array>;
    const loss = (w: A, x: A, y: A): A => {
      const z = np.matmul(x, w);
      return np.mean(nn.softplus(z).sub(y.mul(z)));
    };
    return (...args) => {
      const w = at(args, 0);
      return [w.sub(grad(loss)(w, at(args, 1), at(args, 2)).mul(RATE))];
    };
  },
  jaxJs: ({ grad, nn, numpy: jnp }) => {
    type A = ReturnType<typeof jnp.array>;
    const loss = (w: A, x: A, y: A): A => {
      const z = jnp.dot(x, w);
      return jnp.mean(nn.softplus(z.ref).sub(y.mul(z)));
    };
    return (...args) => {
      const w = at(args, 0);
      return [w.ref.sub(grad(loss)(w, at(args, 1), at(args, 2)).mul(RATE))];
    };
  },
  tfjs: (tf) => (w, x, y) => {
    if (w === undefined || x === undefined || y === undefined) throw new Error('three arguments');
    const g = tf.grad((v) => {
      const z = tf.squeeze(tf.matMul(x, tf.expandDims(v, 1)));
      return tf.mean(tf.sub(tf.softplus(z), tf.mul(y, z)));
    })(w);
    return [tf.sub(w, tf.mul(g, RATE))];
  },
  torch: {
    args: 'w, x, y',
    body: `
w = w.detach().requires_grad_()
z = x @ w
loss = (torch.nn.functional.softplus(z) - y * z).mean()
(g,) = torch.autograd.grad(loss, [w])
return [w.detach() - g * ${String(RATE)}]`,
  },
};
