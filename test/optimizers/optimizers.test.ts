/** Optimizers against their formulas in plain float64 numbers, transforms, schedules, composition, errors. */
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { grad, jit, numpy as np, optimizers, random, tree, type NDArray } from 'cotangent';

const float64 = { dtype: 'float64' } as const;
/** A quadratic with a minimum at 1 and 2, and its gradient. */
const gradientAt = ([x, y]: readonly [number, number]): [number, number] => [3 * (x - 1) + 0.5 * y, y - 2 + 0.5 * x];
const loss = (w: NDArray): NDArray => {
  const [x, y] = [w.slice(0), w.slice(1)];
  return np.add(x.sub(1).square().mul(1.5), np.add(y.sub(2).square().mul(0.5), x.mul(y).mul(0.5)));
};

/** The iterates of an optimizer of the library. */
function iterates<F extends optimizers.StateKind>(
  opt: optimizers.GradientTransformation<F>,
  steps: number,
): number[][] {
  let w = np.array([5, -3], float64);
  let state = opt.init(w);
  return Array.from({ length: steps }, () => {
    const [updates, next] = opt.update(grad(loss)(w), state, w);
    state = next;
    w = optimizers.applyUpdates(w, updates);
    return [...w.dataSync()];
  });
}

/** The iterates of a formula: `next(gradient, t)` gives the step of one coordinate. */
function reference(steps: number, coordinate: () => (gradient: number, t: number) => number): number[][] {
  let w: [number, number] = [5, -3];
  const [first, second] = [coordinate(), coordinate()];
  return Array.from({ length: steps }, (_, i) => {
    const [gx, gy] = gradientAt(w);
    w = [w[0] + first(gx, i + 1), w[1] + second(gy, i + 1)];
    return w;
  });
}

function expectSame(actual: number[][], expected: number[][]): void {
  actual.flat().forEach((v, i) => {
    expect(v).toBeCloseTo(expected.flat()[i] ?? NaN, 11);
  });
}

describe('the first 50 iterates are those of the formula', () => {
  test('sgd', () => {
    expectSame(
      iterates(optimizers.sgd(0.1), 50),
      reference(50, () => (g) => -0.1 * g),
    );
  });
  test.each([false, true])('momentum, nesterov %s', (nesterov) => {
    const formula = (): ((g: number) => number) => {
      let t = 0;
      return (g) => {
        t = g + 0.9 * t;
        return -0.02 * (nesterov ? g + 0.9 * t : t);
      };
    };
    expectSame(iterates(optimizers.momentum(0.02, 0.9, { nesterov }), 50), reference(50, formula));
  });
  test.each([
    [optimizers.adam(0.1), 0.9, 0.999, 1e-8],
    [optimizers.adam(0.1, 0.8, 0.99, 1e-3), 0.8, 0.99, 1e-3],
    [optimizers.adam(0.1, { b1: 0.8, b2: 0.99, eps: 1e-3 }), 0.8, 0.99, 1e-3],
    [optimizers.adam(0.1, { b1: 0 }), 0, 0.999, 1e-8],
  ] as const)('adam %#', (opt, b1, b2, eps) => {
    const formula = (): ((g: number, t: number) => number) => {
      let [m, v] = [0, 0];
      return (g, t) => {
        m = b1 * m + (1 - b1) * g;
        v = b2 * v + (1 - b2) * g * g;
        return (-0.1 * (m / (1 - b1 ** t))) / (Math.sqrt(v / (1 - b2 ** t)) + eps);
      };
    };
    expectSame(iterates(opt, 50), reference(50, formula));
  });
  test('momentum and acceleration: v ← γ v + η ∇J(θ - γ v), θ ← θ - v, seen from θ - γ v', () => {
    let [theta, v] = [[5, -3] as [number, number], [0, 0] as [number, number]];
    const ahead = (): [number, number] => [theta[0] - 0.9 * v[0], theta[1] - 0.9 * v[1]];
    const formula = Array.from({ length: 50 }, () => {
      const [gx, gy] = gradientAt(ahead());
      v = [0.9 * v[0] + 0.02 * gx, 0.9 * v[1] + 0.02 * gy];
      theta = [theta[0] - v[0], theta[1] - v[1]];
      return ahead();
    });
    expectSame(iterates(optimizers.nesterov(0.02, 0.9), 50), formula);
  });
  test('adagrad: g / (√G + ε), G the sum of squares', () => {
    const formula = (): ((g: number) => number) => {
      let sum = 0;
      return (g) => (-0.5 * g) / (Math.sqrt((sum += g * g)) + 1e-2);
    };
    expectSame(iterates(optimizers.adagrad(0.5, { eps: 1e-2 }), 50), reference(50, formula));
  });
  test('rmsprop: g / (√E[g²] + ε)', () => {
    const formula = (): ((g: number) => number) => {
      let mean = 0;
      return (g) => (-0.1 * g) / (Math.sqrt((mean = 0.9 * mean + 0.1 * g * g)) + 1e-2);
    };
    expectSame(iterates(optimizers.rmsprop(0.1, { decay: 0.9, eps: 1e-2 }), 50), reference(50, formula));
  });
  test('adadelta: √(E[u²] + ε) / √(E[g²] + ε) g', () => {
    const formula = (): ((g: number) => number) => {
      let [squares, updates] = [0, 0];
      return (g) => {
        squares = 0.95 * squares + 0.05 * g * g;
        const u = (Math.sqrt(updates + 1e-2) / Math.sqrt(squares + 1e-2)) * g;
        updates = 0.95 * updates + 0.05 * u * u;
        return -u;
      };
    };
    expectSame(iterates(optimizers.adadelta(1, { rho: 0.95, eps: 1e-2 }), 50), reference(50, formula));
  });
  test('a schedule counts from 0', () => {
    const decaying = (count: NDArray): NDArray => np.divide(0.1, np.add(count.astype('float64'), 1));
    expectSame(
      iterates(optimizers.sgd(decaying), 50),
      reference(50, () => (g, t) => (-0.1 / t) * g),
    );
  });
});

test.each<[string, optimizers.AnyTransformation, number]>([
  ['adam', optimizers.adam(0.1), 2],
  ['amsgrad', optimizers.amsgrad(0.1), 2],
  ['adamax', optimizers.adamax(0.1), 1],
  ['nadam', optimizers.nadam(0.1), 1],
  // And one for the length of the average.
  ['radam', optimizers.radam(0.1), 3],
  ['ema', optimizers.ema(0.9), 1],
])('%s computes its corrections once for all leaves, and a kernel for each leaf', (_name, given, corrections) => {
  const opt = given as optimizers.GradientTransformation<optimizers.EmptyState>;
  const leaves = Array.from({ length: 6 }, (_, i) => np.ones([i + 2]));
  const lowered = jit((g: typeof leaves, s: readonly []) => opt.update(g, s)).lower(leaves, opt.init(leaves));
  expect(lowered.asText('jaxpr').match(/ = expm1 /g)).toHaveLength(corrections);
  // One more for the counts.
  expect(lowered.cost().kernels).toBe(leaves.length + 1);
});

test("adam's first step is the learning rate in float32 too", () => {
  const g = np.array([1, -5, 1e3]);
  const opt = optimizers.adam(0.1);
  const [updates] = opt.update(g, opt.init(g));
  [-0.1, 0.1, -0.1].forEach((v, i) => {
    expect(updates.dataSync()[i]).toBeCloseTo(v, 6);
  });
});

describe('trees', () => {
  interface Params {
    readonly w: NDArray;
    readonly layers: readonly [NDArray, { readonly b: NDArray }];
  }
  const params: Params = { w: np.array([1, 2]), layers: [np.ones([2, 2]), { b: np.array(3, float64) }] };
  const gradients: Params = { w: np.array([1, 1]), layers: [np.ones([2, 2]), { b: np.array(1, float64) }] };

  test('types follow the parameters', () => {
    const opt = optimizers.adam(0.1);
    const state = opt.init(params);
    const [updates, next] = opt.update(gradients, state, params);
    expectTypeOf(updates).toEqualTypeOf<Params>();
    expectTypeOf(next).toEqualTypeOf(state);
    expectTypeOf(state[0].mu).toEqualTypeOf<Params>();
    expectTypeOf(optimizers.applyUpdates(params, updates)).toEqualTypeOf<Params>();
    const generic = <F extends optimizers.StateKind, P extends object>(
      o: optimizers.GradientTransformation<F>,
      p: P,
    ): P => o.update(p, o.init(p), p)[0];
    expectTypeOf(generic(opt, params)).toEqualTypeOf<Params>();
  });
  test('states are trees of arrays in the structure of the parameters, dtypes kept', () => {
    const opt = optimizers.adam(0.1);
    const state = opt.init(params);
    expect(tree.structure(state[0].mu).toString()).toBe(tree.structure(params).toString());
    expect(state[0].count.dtype).toBe('int32');
    const [updates, next] = opt.update(gradients, state, params);
    expect(next[0].count.item()).toBe(1);
    expect(tree.leaves<NDArray>(updates).map((x) => x.dtype)).toEqual(tree.leaves<NDArray>(params).map((x) => x.dtype));
    expect(optimizers.applyUpdates(params, updates).layers[1].b.dtype).toBe('float64');
  });
  test('one jitted step with donation is the eager one', () => {
    const opt = optimizers.chain(optimizers.trace(0.5), optimizers.scaleByAdam(), optimizers.scaleByLearningRate(0.1));
    const update = (p: Params, s: optimizers.StateOf<typeof opt, Params>): readonly [Params, typeof s] => {
      const [updates, next] = opt.update(gradients, s, p);
      return [optimizers.applyUpdates(p, updates), next];
    };
    const step = jit(update, { donate: [0, 1] });
    const copy = tree.map((x: NDArray) => x.add(0), params);
    let [fast, slow] = [[copy, opt.init(params)] as const, [params, opt.init(params)] as const];
    for (let i = 0; i < 3; i++) [fast, slow] = [step(...fast), update(...slow)];
    const flat = (p: Params): number[] => tree.leaves<NDArray>(p).flatMap((x) => [...x.dataSync()]);
    flat(fast[0]).forEach((v, i) => {
      expect(v).toBeCloseTo(flat(slow[0])[i] ?? NaN, 6);
    });
  });
  test('a learning rate may be an argument of the step', () => {
    const step = jit((w: NDArray, rate: NDArray) => {
      const opt = optimizers.sgd(rate);
      return opt.update(w, opt.init(w))[0];
    });
    expect(step(np.array([2, 4]), np.array(0.5)).js()).toEqual([-1, -2]);
  });
});

test('chain applies its parts in order, identity changes nothing', () => {
  const g = np.array([4, -8]);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0.5, -1, 2), { maxLength: 4 }), (factors) => {
      const opt = optimizers.chain(...factors.map((f) => optimizers.scale(f)), optimizers.identity());
      const state = opt.init(g);
      const [updates, next] = opt.update(g, state);
      const product = factors.reduce((a, b) => a * b, 1);
      expect(updates.js()).toEqual([4 * product, -8 * product]);
      expect(next).toEqual(state);
    }),
    { numRuns: 20 },
  );
});

test('adam fits a line', () => {
  const x = random.uniform(random.key(0), [100]);
  const y = x.mul(0.1).add(0.3);
  let params = { w: random.normal(random.key(1)), b: np.array(0) };
  const opt = optimizers.adam(0.05);
  let state = opt.init(params);
  const step = jit((p: typeof params, s: typeof state) => {
    const gradients = grad((q: typeof params) => x.mul(q.w).add(q.b).sub(y).square().mean())(p);
    const [updates, next] = opt.update(gradients, s, p);
    return [optimizers.applyUpdates(p, updates), next] as const;
  });
  for (let i = 0; i < 400; i++) [params, state] = step(params, state);
  expect(Math.abs(Number(params.w.item()) - 0.1)).toBeLessThan(1e-3);
  expect(Math.abs(Number(params.b.item()) - 0.3)).toBeLessThan(1e-3);
});

describe('errors teach', () => {
  const opt = optimizers.momentum(0.1, 0.9);
  const params = { w: np.ones([2]), b: np.ones([3]) };
  test.each([
    [
      'another structure',
      () => optimizers.applyUpdates(params, { w: np.ones([2]) } as never),
      /applyUpdates: .*missing b/,
    ],
    [
      'another shape',
      () => optimizers.applyUpdates(params, { w: np.ones([2]), b: np.ones([4]) }),
      /applyUpdates: at b, shapes \[3\] and \[4\] differ/,
    ],
    [
      'state of other parameters',
      () => opt.update({ w: np.ones([5]), b: np.ones([3]) }, opt.init(params)),
      /trace: at w, shapes \[5\] and \[2\] differ/,
    ],
    [
      'state of another optimizer',
      () => opt.update(params, [] as never),
      /chain: expected a list of the states of its 2 parts/,
    ],
    [
      'numbers for arrays',
      () => opt.init({ w: 1 }),
      /trace: the leaf at w is a number; parameters and gradients are trees of arrays/,
    ],
    [
      'gradients of other parameters (sm3)',
      () => optimizers.sm3(1).update({ w: np.ones([5]), b: np.ones([3]) }, optimizers.sm3(1).init(params)),
      /scaleBySm3: at w, shapes \[5\] and \[2\] differ/,
    ],
    [
      'numbers for gradients (sm3)',
      () => optimizers.sm3(1).update({ ...params, w: 1 as unknown as NDArray }, optimizers.sm3(1).init(params)),
      /scaleBySm3: the leaf at w is a number/,
    ],
    [
      'gradients of other parameters (lbfgs)',
      () => optimizers.lbfgs().update({ w: np.ones([5]), b: np.ones([3]) }, optimizers.lbfgs().init(params)),
      /lbfgs: gradients of 8 elements and a state of 5 parameters/,
    ],
    ['a rate that is no number', () => optimizers.adam(NaN), /the learning rate must be a finite number, got NaN/],
    ['a decay of 1', () => optimizers.adam(0.1, 1), /scaleByAdam: b1 must be in \[0, 1\), got 1/],
    ['a negative mass', () => optimizers.momentum(0.1, -1), /trace: the decay must be in \[0, 1\), got -1/],
  ] as const)('%s', (_name, f, message) => {
    expect(f).toThrow(message);
  });
});
