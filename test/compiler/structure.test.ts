/**
 * The number of kernels and the bytes that they move, for programs that people write. A bound that is passed is a fusion
 * that was lost; one that is no longer reached is one that was found, and belongs here.
 */
import { describe, expect, it } from 'vitest';
import '../../src/backends/install.js';
import type { NDArray } from '../../src/core/ndarray.js';
import * as lax from '../../src/lax/index.js';
import * as nn from '../../src/nn/index.js';
import * as np from '../../src/numpy/index.js';
import * as optimizers from '../../src/optimizers/index.js';
import * as random from '../../src/random/index.js';
import { grad, jit, valueAndGrad } from '../../src/transforms/index.js';

type F = (...args: NDArray[]) => NDArray | readonly NDArray[];
const zeros = (...shape: number[]): NDArray => np.zeros(shape);
const ids = (n: number): NDArray => np.zeros([n], { dtype: 'int32' });
const cost = (f: F, ...args: NDArray[]) =>
  jit((...xs: NDArray[]) => f(...xs))
    .lower(...args)
    .cost();
/** Kernels, and bytes in float32 words. */
const counted = (f: F, ...args: NDArray[]): [number, number] => {
  const { kernels, bytesMoved } = cost(f, ...args);
  return [kernels, bytesMoved / 4];
};
/** The gradient of the sum of squares, which has a cotangent of its own at every element. */
const gradOf =
  (f: (x: NDArray, ...rest: NDArray[]) => NDArray) =>
  (x: NDArray, ...rest: NDArray[]): NDArray =>
    grad((y: NDArray) => np.sum(np.square(f(y, ...rest))))(x);

const nll = (x: NDArray, labels: NDArray): NDArray =>
  np
    .takeAlongAxis(nn.logSoftmax(x), labels.reshape([-1, 1]), 1)
    .reshape([-1])
    .neg();
const nllOneHot = (x: NDArray, labels: NDArray): NDArray =>
  np.sum(nn.logSoftmax(x).mul(nn.oneHot(labels, x.aval.shape[1] ?? 0)), -1).neg();
const meanOf =
  (f: (x: NDArray, labels: NDArray) => NDArray) =>
  (x: NDArray, labels: NDArray): NDArray =>
    grad((y: NDArray) => np.mean(f(y, labels)))(x);
const layerNorm = (x: NDArray, scale: NDArray, shift: NDArray): NDArray => nn.standardize(x).mul(scale).add(shift);
const dropout = (x: NDArray, key: NDArray): NDArray => np.where(random.bernoulli(key, 0.5, x.aval.shape), x.mul(2), 0);

const N = 64 * 100;

describe('over rows: every element is read once and written once', () => {
  it.each<[string, F, NDArray[], number]>([
    ['softmax', (x) => nn.softmax(need(x)), [zeros(64, 100)], 2 * N],
    ['gradient of softmax', gradOf((x) => nn.softmax(x)), [zeros(64, 100)], 2 * N],
    ['logsumexp', (x) => nn.logsumexp(need(x), { axis: -1 }), [zeros(64, 100)], N + 64],
    ['gradient of logsumexp', gradOf((x) => nn.logsumexp(x, { axis: -1 })), [zeros(64, 100)], 2 * N],
    ['log-softmax', (x) => nn.logSoftmax(need(x)), [zeros(64, 100)], 2 * N],
    [
      'layer norm',
      (x, g, b) => layerNorm(need(x), need(g), need(b)),
      [zeros(64, 100), zeros(100), zeros(100)],
      2 * N + 200,
    ],
    [
      'gradient of layer norm',
      gradOf((x, g, b) => layerNorm(x, need(g), need(b))),
      [zeros(64, 100), zeros(100), zeros(100)],
      2 * N + 200,
    ],
    // The picked elements are read again.
    ['log-softmax and NLL by label', (x, l) => nll(need(x), need(l)), [zeros(64, 100), ids(64)], N + 64 + 64],
    ['its gradient', (x, l) => meanOf(nll)(need(x), need(l)), [zeros(64, 100), ids(64)], 2 * N + 64],
    ['log-softmax and NLL by one-hot', (x, l) => nllOneHot(need(x), need(l)), [zeros(64, 100), ids(64)], N + 64 + 64],
    ['its gradient', (x, l) => meanOf(nllOneHot)(need(x), need(l)), [zeros(64, 100), ids(64)], 2 * N + 64],
    [
      'causal softmax: the mask is made of positions',
      (x) => nn.softmax(np.where(np.tri(64, 64, 0, { dtype: 'bool' }), need(x), -1e9)),
      [zeros(64, 64)],
      2 * 64 * 64,
    ],
  ])('%s', (_, f, args, words) => {
    expect(counted(f, ...args)).toEqual([1, words]);
  });
});

const need = (x: NDArray | undefined): NDArray => {
  if (x === undefined) throw new Error('no argument');
  return x;
};

describe('what is made of little is made where it is used', () => {
  it('dropout writes no mask, forward or backward', () => {
    const key = random.key(0);
    expect(counted((x, k) => dropout(need(x), need(k)), zeros(64, 100), key)).toEqual([1, 2 * N + 2]);
    expect(
      counted(
        gradOf((x, k) => dropout(x, need(k))),
        zeros(64, 100),
        key,
      ),
    ).toEqual([1, 2 * N + 2]);
  });
  it('one-hot vectors are not stored, also where they are multiplied by a matrix', () => {
    expect(cost((i, w) => np.matmul(nn.oneHot(need(i), 100), need(w)), ids(32), zeros(100, 64))).toMatchObject({
      kernels: 1,
      arenaBytes: 0,
    });
  });
  it('picked rows fuse into what is done with them', () => {
    const [kernels, words] = counted(
      (table, i) => np.sum(np.square(np.take(need(table), need(i), 0)), 1),
      zeros(1000, 64),
      ids(32),
    );
    expect([kernels, words]).toEqual([1, 32 * 64 + 32 + 32]);
  });
  it('chains of masks are one kernel', () => {
    expect(
      counted(
        (x) => {
          let y = need(x);
          for (let i = 0; i < 6; i++) y = np.where(np.greater(y, i), y.mul(0.5), np.where(np.less(y, -i), y.add(1), y));
          return y;
        },
        zeros(64, 100),
      ),
    ).toEqual([1, 2 * N]);
  });
});

describe('products and what is done with them', () => {
  const [x, w, b] = [zeros(128, 64), zeros(64, 32), zeros(32)];
  it('bias and activation', () => {
    const dense: F = (...a) => nn.relu(np.matmul(need(a[0]), need(a[1])).add(need(a[2])));
    expect(counted(dense, x, w, b)).toEqual([1, 128 * 64 + 64 * 32 + 32 + 128 * 32]);
    const gelu: F = (...a) => nn.gelu(np.matmul(need(a[0]), need(a[1])).add(need(a[2])));
    expect(counted(gelu, x, w, b)).toEqual([1, 128 * 64 + 64 * 32 + 32 + 128 * 32]);
  });
  it('operands that are cheap to compute are computed while they are packed', () => {
    const mask = np.zeros([128, 64], { dtype: 'bool' });
    const words = 128 * 64 + 64 * 32 + 128 * 32;
    expect(counted((...a) => np.matmul(nn.relu(need(a[0])), need(a[1])), x, w)).toEqual([1, words]);
    expect(counted((...a) => np.matmul(need(a[0]), need(a[1]).mul(0.1).add(1)), x, w)).toEqual([1, words]);
    expect(counted((...a) => np.matmul(np.where(need(a[2]), need(a[0]), 0), need(a[1])), x, w, mask)).toEqual([
      1,
      words + (128 * 64) / 4,
    ]);
    expect(counted((...a) => np.matmul(np.square(need(a[0])).transpose(), need(a[1])), x, zeros(128, 32))).toEqual([
      1,
      128 * 64 + 128 * 32 + 64 * 32,
    ]);
  });
  it('an activation between two products is the epilogue of the first', () => {
    const two = jit((a: NDArray, u: NDArray, v: NDArray) => np.matmul(nn.relu(np.matmul(a, u)), v));
    const lowered = two.lower(x, w, zeros(32, 16));
    expect(lowered.cost().kernels).toBe(2);
    expect(lowered.asText('kernels')).not.toContain('lhs computed');
  });
  it('operands of which every element is read once are computed where that is', () => {
    expect(counted((...a) => np.matmul(np.exp(need(a[0])), need(a[1])), x, zeros(64))).toEqual([
      1,
      128 * 64 + 64 + 128,
    ]);
    expect(counted((...a) => np.vdot(np.tanh(need(a[0])), np.exp(need(a[1]))), zeros(500), zeros(500))).toEqual([
      1, 1001,
    ]);
  });
  it('operands that are dear, or read in many windows, or by few rows, are stored', () => {
    expect(counted((...a) => np.matmul(np.exp(need(a[0])), need(a[1])), x, w)[0]).toBe(2);
    expect(counted((...a) => np.matmul(need(a[0]), nn.relu(need(a[1]))), zeros(4, 64), w)[0]).toBe(2);
    expect(counted((...a) => np.matmul(need(a[0]), np.exp(need(a[1]))), x, zeros(64))[0]).toBe(2);
    const conv: F = (...a) => lax.conv(nn.relu(need(a[0])), need(a[1]), [1, 1], 'SAME');
    expect(counted(conv, zeros(8, 16, 12, 12), zeros(16, 16, 3, 3))[0]).toBe(2);
  });
  it('several results, one of them the product', () => {
    const f: F = (...a) => {
      const y = np.matmul(need(a[0]), need(a[1]));
      return [y, np.tanh(y)];
    };
    expect(counted(f, x, w)).toEqual([1, 128 * 64 + 64 * 32 + 2 * 128 * 32]);
  });
  it('an update of a matrix by a transposed product, in place', () => {
    const step = jit((p: NDArray, g: NDArray, y: NDArray) => p.sub(np.matmul(g.transpose(), y).transpose().mul(0.1)), {
      donate: 0,
    });
    const { kernels, bytesMoved, arenaBytes } = step.lower(zeros(64, 32), zeros(128, 32), x).cost();
    expect([kernels, bytesMoved / 4, arenaBytes]).toEqual([1, 128 * 64 + 128 * 32 + 2 * 64 * 32, 0]);
    const p = np.ones([4, 3]);
    const g = np.arange(6).reshape([2, 3]).astype('float32');
    const y = np.arange(8).reshape([2, 4]).astype('float32');
    const expected = p.sub(np.matmul(g.transpose(), y).transpose().mul(0.5)).js();
    const small = jit((q: NDArray, h: NDArray, z: NDArray) => q.sub(np.matmul(h.transpose(), z).transpose().mul(0.5)), {
      donate: 0,
    });
    expect(small(p, g, y).js()).toEqual(expected);
  });
  it('attention: scores, softmax with its mask, values', () => {
    const attention = (q: NDArray, k: NDArray, v: NDArray): NDArray => {
      const scores = np.einsum('bqd,bkd->bqk', q, k).mul(0.125);
      const mask = np.tri(64, 64, 0, { dtype: 'bool' });
      return np.einsum('bqk,bkd->bqd', nn.softmax(np.where(mask, scores, -1e9)), v);
    };
    const heads = [zeros(8, 64, 32), zeros(8, 64, 32), zeros(8, 64, 32)];
    expect(counted((...a) => attention(need(a[0]), need(a[1]), need(a[2])), ...heads)).toEqual([
      3,
      4 * 8 * 64 * 32 + 4 * 8 * 64 * 64,
    ]);
    const all: F = (...a) =>
      grad((q: NDArray, k: NDArray, v: NDArray) => np.sum(np.square(attention(q, k, v))), { argnums: [0, 1, 2] })(
        need(a[0]),
        need(a[1]),
        need(a[2]),
      );
    // Forward 3 (the last with its cotangent), then dV, dP, the gradient of softmax, dQ and dK.
    expect(counted(all, ...heads)[0]).toBeLessThanOrEqual(8);
  });
});

describe('training steps', () => {
  it('Adam reads and writes every value once', () => {
    const opt = optimizers.adam(1e-3);
    const step = jit((p: NDArray, s: ReturnType<typeof opt.init<NDArray>>, g: NDArray) => {
      const [updates, next] = opt.update(g, s, p);
      return [optimizers.applyUpdates(p, updates), next] as const;
    });
    const p = zeros(100, 50);
    const { kernels, bytesMoved } = step.lower(p, opt.init(p), p).cost();
    // One pass over the leaf, and one kernel for the two counts of steps.
    expect(kernels).toBe(2);
    expect(bytesMoved / 4).toBe(7 * 5000 + 5);
  });
  it('Adam of a tree moves every value of it once', () => {
    const opt = optimizers.adam(1e-3);
    const tree = { w: zeros(100, 50), b: zeros(50), u: zeros(3, 7, 11) };
    const step = jit((p: typeof tree, s: ReturnType<typeof opt.init<typeof tree>>, g: typeof tree) => {
      const [updates, next] = opt.update(g, s, p);
      return [optimizers.applyUpdates(p, updates), next] as const;
    });
    const { kernels, bytesMoved, arenaBytes } = step.lower(tree, opt.init(tree), tree).cost();
    // A kernel per leaf, one of the counts, which each leaf reads.
    expect([kernels, bytesMoved / 4, arenaBytes]).toEqual([4, 7 * (5000 + 50 + 231) + 4 + 3, 0]);
  });
  describe('an MLP', () => {
    const sizes = [784, 512, 512, 10];
    const params = sizes.slice(1).flatMap((n, i) => [zeros(sizes[i] ?? 0, n), zeros(n)]);
    const [x, y] = [zeros(128, 784), zeros(128, 10)];
    const loss = (p: readonly NDArray[], images: NDArray, labels: NDArray): NDArray => {
      let h = images;
      for (let i = 0; i < p.length; i += 2) {
        h = np.matmul(h, need(p[i])).add(need(p[i + 1]));
        if (i + 2 < p.length) h = nn.relu(h);
      }
      return np.mean(np.sum(nn.logSoftmax(h).mul(labels), -1)).neg();
    };
    // Per layer the product with bias and activation, and the product that updates the matrix and, beside it, the bias;
    // below each but the first a product with the derivative of the activation; the gradient of the loss; its mean.
    const kernelsOfStep = 3 * 3 + 1;
    it('with SGD', () => {
      const step = jit(
        (p: readonly NDArray[], images: NDArray, labels: NDArray) => {
          const [value, grads] = valueAndGrad(loss)(p, images, labels);
          return [p.map((w, i) => w.sub(need(grads[i]).mul(0.1))), value] as const;
        },
        { donate: 0 },
      );
      const { kernels, bytesMoved, arenaBytes } = step.lower(params, x, y).cost();
      expect(kernels).toBe(kernelsOfStep);
      expect(bytesMoved / 1e6).toBeLessThan(13.1);
      expect(arenaBytes / 1e6).toBeLessThan(0.7);
    });
    it('with Adam, whose updates are all done where the gradients are', () => {
      const opt = optimizers.adam(1e-3);
      const step = jit(
        (p: NDArray[], s: ReturnType<typeof opt.init<NDArray[]>>, images: NDArray, labels: NDArray) => {
          const [value, grads] = valueAndGrad((q: NDArray[]) => loss(q, images, labels))(p);
          const [updates, next] = opt.update(grads, s, p);
          return [optimizers.applyUpdates(p, updates), next, value] as const;
        },
        { donate: [0, 1] },
      );
      const { kernels, bytesMoved, arenaBytes } = step.lower(params, opt.init(params), x, y).cost();
      // The counts of steps are in the kernel of the mean.
      expect(kernels).toBe(kernelsOfStep);
      expect(bytesMoved / 1e6).toBeLessThan(23.9);
      expect(arenaBytes / 1e6).toBeLessThan(0.7);
    });
  });
  it('logistic regression reads the data twice', () => {
    const step: F = (...a) => {
      const [w, x, y] = [need(a[0]), need(a[1]), need(a[2])];
      const loss = (v: NDArray): NDArray => {
        const t = np.matmul(x, v);
        return np.mean(nn.softplus(t).sub(y.mul(t)));
      };
      const [value, g] = valueAndGrad(loss)(w);
      return [w.sub(g.mul(0.1)), value];
    };
    const [kernels, words] = counted(step, zeros(30), zeros(100000, 30), zeros(100000));
    expect(kernels).toBeLessThanOrEqual(3);
    expect(words / 1e5).toBeLessThan(67);
  });
  it('batch norm reads its input once per pass over it', () => {
    const norm: F = (...a) => {
      const x = need(a[0]);
      const centred = x.sub(np.mean(x, [0, 1, 2]));
      const variance = np.mean(np.square(centred), [0, 1, 2]);
      return centred.mul(lax.rsqrt(variance.add(1e-5)));
    };
    expect(counted(norm, zeros(64, 32, 32, 16))[0]).toBe(3);
  });
});
