/** Laws of the transformations around optimizers: accumulation, averages, looking ahead, parts of trees, hyperparameters, NaN; and errors. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jit, lax, numpy as np, optimizers as o, random, tree, vmap, type NDArray } from 'cotangent';

const f64 = { dtype: 'float64' } as const;
const start = { w: np.array([1, -2, 3], f64), b: [np.array(0.5, f64)] };
type Params = typeof start;
const gradient = (seed: number): Params => ({
  w: random.normal(random.key(seed), [3], f64),
  b: [random.normal(random.key(seed + 1000), [], f64)],
});
const flat = (value: object): number[] => tree.leaves<NDArray>(value).flatMap((x) => Array.from(x.dataSync(), Number));
const zip = (f: (...xs: NDArray[]) => NDArray, first: Params, ...rest: Params[]): Params => tree.map(f, first, ...rest);
/** Parameters after each of these gradients, each step compiled. */
function run<F extends o.StateKind>(
  opt: o.GradientTransformation<F>,
  gradients: readonly Params[],
  from = start,
): Params[] {
  const plain = opt as unknown as o.GradientTransformation<o.EmptyState>;
  const step = jit((p: Params, s: readonly [], g: Params) => {
    const [updates, next] = plain.update(g, s, p);
    return [o.applyUpdates(p, updates), next] as const;
  });
  let [p, s] = [from, plain.init(from)];
  return gradients.map((g) => {
    [p, s] = step(p, s, g) as [Params, readonly []];
    return p;
  });
}
function expectClose(a: object, b: object): void {
  const [x, y] = [flat(a), flat(b)];
  expect(x).toHaveLength(y.length);
  // Sums of a few float64 in another order.
  x.forEach((v, i) => expect(Math.abs(v - (y[i] ?? NaN))).toBeLessThan(1e-12 * (1 + Math.abs(v))));
}
const seeds = fc.array(fc.nat(500), { minLength: 6, maxLength: 6 });
const few = { numRuns: 10 };

/** The equations of a step that are in no branch. */
const outside = (jaxpr: string): string =>
  jaxpr
    .split('\n')
    .filter((line) => /^ {4}\S/.test(line))
    .join('\n');

describe('accumulate', () => {
  test('runs the optimizer only at the last of the gradients, eager or compiled', () => {
    let updates = 0;
    const sgd = o.sgd(1);
    const counted: typeof sgd = { ...sgd, update: (...args) => (updates++, sgd.update(...args)) };
    const opt = o.accumulate(counted, 3);
    let state = opt.init(start);
    for (let i = 0; i < 6; i++) [, state] = opt.update(gradient(i), state);
    expect(updates).toBe(2);
    const adam = o.accumulate(o.adam(0.1), 3);
    const text = jit((g: Params, s: o.StateOf<typeof adam, Params>) => adam.update(g, s))
      .lower(start, adam.init(start))
      .asText('jaxpr');
    expect(text.match(/ = sqrt /g)).toHaveLength(2);
    expect(outside(text)).toMatch(/ = cond\[/);
    expect(outside(text)).not.toMatch(/ = sqrt /);
  });
  test.each<[string, o.AnyTransformation]>([
    ['lbfgs with a line search', o.lbfgs()],
    [
      'hyperparameters that follow a schedule',
      o.injectHyperparams(({ r }) => o.adam(r), { r: o.linearSchedule(1, 0, 9) }),
    ],
    ['a key', o.chain(o.addNoise(0.1, 0.5, 1), o.sgd(0.1))],
    ['parts', o.partition({ a: o.adam(0.1), b: o.setToZero() }, { w: 'a', b: 'b' })],
    ['another guard', o.applyIfFinite(o.lookahead(o.sm3(0.1)), 2)],
    ['nothing', o.identity()],
  ])('of any state, eager and compiled alike: %s', (_name, given) => {
    const opt = o.accumulate(given as o.GradientTransformation<o.EmptyState>, 2);
    type State = o.StateOf<typeof opt, Params>;
    const loss = (p: Params): NDArray =>
      np
        .square(p.w)
        .sum()
        .add(np.square(p.b[0] ?? 0));
    const update = (g: Params, s: State): readonly [Params, State] =>
      opt.update(g, s, start, { value: loss(start), valueFn: loss });
    const compiled = jit(update, { donate: 1 });
    let [slow, fast] = [opt.init(start), opt.init(start)];
    for (let i = 0; i < 4; i++) {
      const [a, b] = [update(gradient(i), slow), compiled(gradient(i), fast)];
      expectClose(b[0], a[0]);
      expectClose(b[1], a[1]);
      [slow, fast] = [a[1], b[1]];
    }
  });
  test('under vmap, of gradients and of states that wait and states that step', () => {
    const opt = o.accumulate(o.adam(0.1), 2);
    type State = o.StateOf<typeof opt, Params>;
    const update = (g: Params, s: State): readonly [Params, State] => opt.update(g, s);
    const [g1, g2] = [gradient(1), gradient(2)];
    const states = [opt.init(start), update(g1, opt.init(start))[1]] as const;
    const stack = <T extends object>(a: T, b: T): T =>
      tree.map((x: NDArray, y: NDArray) => np.stack([x, y]), a, b) as T;
    const [updates, next] = vmap(update)(stack(g1, g2), stack(...states));
    const alone = [update(g1, states[0]), update(g2, states[1])] as const;
    expectClose(updates, stack(alone[0][0], alone[1][0]));
    expectClose(next, stack(alone[0][1], alone[1][1]));
  });
  test('of k gradients is a step with their mean, and none between', () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom(2, 3), (list, k) => {
        const gradients = list.map(gradient);
        const means = Array.from({ length: 6 / k }, (_, i) =>
          zip((...xs) => xs.reduce((a, b) => a.add(b)).div(k), ...(gradients.slice(k * i, k * (i + 1)) as [Params])),
        );
        const [inner, outer] = [o.adam(0.1), o.accumulate(o.adam(0.1), k)];
        const steps = run(outer, gradients);
        run(inner, means).forEach((p, i) => {
          expectClose(steps[k * (i + 1) - 1] ?? {}, p);
        });
        steps.forEach((p, i) => {
          if ((i + 1) % k !== 0) expect(flat(p)).toEqual(flat(steps[i - 1] ?? start));
        });
      }),
      few,
    );
  });
  test('inside a loop', () => {
    const opt = o.accumulate(o.sgd(1), 4);
    const gs = random.normal(random.key(0), [8, 3], f64);
    const init = { p: start.w, s: opt.init(start.w) };
    const [{ p }] = lax.scan((c: typeof init, g: NDArray): [typeof init, null] => {
      const [updates, s] = opt.update(g, c.s, c.p);
      return [{ p: o.applyUpdates(c.p, updates), s }, null];
    }, init, gs); // prettier-ignore
    expectClose(p, start.w.sub(gs.sum(0).div(4)));
  });
});

test('lookahead: fast steps, and every k-th the slow parameters follow', () => {
  const gradients = [1, 2, 3, 4, 5, 6].map(gradient);
  const steps = run(o.lookahead(o.sgd(0.1), { syncPeriod: 3, slowStepSize: 0.4 }), gradients);
  let [slow, fast] = [start, start];
  gradients.forEach((g, i) => {
    fast = zip((p, d) => p.sub(d.mul(0.1)), fast, g);
    if ((i + 1) % 3 === 0) {
      slow = zip((s, f) => s.add(f.sub(s).mul(0.4)), slow, fast);
      fast = slow;
    }
    expectClose(steps[i] ?? {}, fast);
  });
});

describe('parts of a tree', () => {
  const gradients = [1, 2, 3].map(gradient);
  test('masked acts on its leaves as it would alone, and leaves the others', () => {
    const last = run(
      o.chain(o.masked(o.adam(0.1), { w: true, b: [false] }), o.masked(o.setToZero(), { w: false, b: [true] })),
      gradients,
    ).at(-1);
    const alone = run(
      o.adam(0.1),
      gradients.map(({ w }) => ({ w, b: [np.array(0, f64)] })),
    ).at(-1);
    expectClose(last?.w ?? [], alone?.w ?? []);
    expect(flat(last?.b ?? [])).toEqual([0.5]);
  });
  test('partition is each transformation on its part; one label stands for a subtree', () => {
    const last = run(o.partition({ a: o.sgd(0.1), z: o.adam(0.3) }, { w: 'a', b: 'z' }), gradients).at(-1);
    expectClose(last?.w ?? [], run(o.sgd(0.1), gradients).at(-1)?.w ?? []);
    expectClose(last?.b ?? [], run(o.adam(0.3), gradients).at(-1)?.b ?? []);
  });
  test('freeze and masks by a function', () => {
    const steps = run(
      o.chain(
        o.sgd(1),
        o.freeze((p) => tree.map((x: NDArray) => x.ndim === 0, p)),
      ),
      gradients,
    );
    expect(flat(steps.at(-1)?.b ?? [])).toEqual([0.5]);
    expect(flat(steps.at(-1)?.w ?? [])).not.toEqual(flat(start.w));
  });
  test('errors name what is wrong', () => {
    const wrong = o.masked(o.sgd(1), { w: true, b: [1 as unknown as boolean] });
    expect(() => wrong.init(start)).toThrow(/masked: the mask has a number at b\[0\]; it is a tree of booleans/);
    expect(() => o.partition({ a: o.sgd(1) }, { w: 'a', b: 'c' } as never).init(start)).toThrow(
      /partition: the label at b is 'c', but the transformations are 'a'/,
    );
    expect(() => o.masked(o.sgd(1), { w: true }).init(start)).toThrow(/masked: .*unexpected b/);
  });
});

describe('weight decay', () => {
  const gradients = [1, 2, 3, 4].map(gradient);
  test('coupled and decoupled are one for gradient descent, step for step, and not for Adam', () => {
    const coupled = run(o.chain(o.addDecayedWeights(0.2), o.sgd(0.1)), gradients);
    const shrink = gradients.reduce<Params[]>(
      (list, g) => [...list, zip((p, d) => p.mul(1 - 0.1 * 0.2).sub(d.mul(0.1)), list.at(-1) ?? start, g)],
      [],
    );
    coupled.forEach((p, i) => {
      expectClose(p, shrink[i] ?? {});
    });
    const l2 = run(o.chain(o.addDecayedWeights(0.2), o.adam(0.1)), gradients).at(-1);
    const w = run(o.adamW(0.1, { weightDecay: 0.2 }), gradients).at(-1);
    expect(flat(l2 ?? {})).not.toEqual(flat(w ?? {}));
  });
  test('only where the mask says', () => {
    const zeros = [1, 2].map(() => zip((x) => x.mul(0), start));
    const last = run(o.adamW(0.1, { weightDecay: 0.5, mask: { w: true, b: [false] } }), zeros).at(-1);
    expectClose(last?.w ?? [], start.w.mul(0.95 ** 2));
    expect(flat(last?.b ?? [])).toEqual([0.5]);
  });
});

describe('guards', () => {
  const bad = { ...gradient(1), b: [np.array(NaN, f64)] };
  test('zeroNans lets the rest through; applyIfFinite lets nothing through, and keeps the state', () => {
    const [only] = run(o.chain(o.zeroNans(), o.sgd(1)), [bad]);
    expectClose(only ?? {}, { w: start.w.sub(bad.w), b: start.b });
    const good = [gradient(2), gradient(3)];
    const [guarded, free] = [
      run(o.applyIfFinite(o.adam(0.1), 3), [good[0] ?? bad, bad, good[1] ?? bad]),
      run(o.adam(0.1), good),
    ];
    expect(flat(guarded[1] ?? {})).toEqual(flat(guarded[0] ?? {}));
    expectClose(guarded[2] ?? {}, free[1] ?? {});
  });
  test('applyIfFinite runs the optimizer only for what it accepts', () => {
    const opt = o.applyIfFinite(o.adam(0.1), 3);
    const text = jit((g: Params, s: o.StateOf<typeof opt, Params>) => opt.update(g, s))
      .lower(start, opt.init(start))
      .asText('jaxpr');
    expect(text.match(/ = sqrt /g)).toHaveLength(2);
    expect(outside(text)).not.toMatch(/ = sqrt /);
  });
  test('clipByGlobalNorm keeps the direction and bounds the norm; clip bounds each element', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.double({ min: 0.01, max: 5, noNaN: true }), (seed, bound) => {
        const g = gradient(seed);
        const [clipped] = o.clipByGlobalNorm(bound).update(g, []);
        const [before, after] = [Number(o.globalNorm(g).item()), Number(o.globalNorm(clipped).item())];
        expect(after).toBeLessThanOrEqual(bound * (1 + 1e-12));
        expectClose(
          clipped,
          zip((x) => x.mul(Math.min(1, bound / before)), g),
        );
        expect(flat(o.clip(bound).update(g, [])[0]).every((v) => Math.abs(v) <= bound)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

test('ema is the weighted mean of what it saw', () => {
  const gradients = [1, 2, 3, 4].map(gradient);
  const opt = o.ema(0.8);
  let state = opt.init(start);
  gradients.forEach((g, i) => {
    const [mean, next] = opt.update(g, state);
    state = next;
    const weights = gradients.slice(0, i + 1).map((_, j) => 0.8 ** (i - j));
    const total = weights.reduce((a, b) => a + b);
    const expected = zip(
      (...xs) => xs.map((x, j) => x.mul((weights[j] ?? 0) / total)).reduce((a, b) => a.add(b)),
      ...(gradients.slice(0, i + 1) as [Params]),
    );
    expectClose(mean, expected);
  });
});

test('injectHyperparams: read and changed between compiled steps, which are traced once', () => {
  const opt = o.injectHyperparams(({ rate }) => o.momentum(rate, 0.9), { rate: 0.1 });
  let traces = 0;
  type State = o.StateOf<typeof opt, Params>;
  const step = jit((p: Params, s: State, g: Params): readonly [Params, State] => {
    traces++;
    const [updates, next] = opt.update(g, s, p);
    return [o.applyUpdates(p, updates), next];
  });
  const g = gradient(5);
  const [p1, s1] = step(start, opt.init(start), g);
  const [p2] = step(p1, { ...s1, hyperparams: { rate: s1.hyperparams.rate.mul(0.5) } }, g);
  expect(traces).toBe(1);
  expectClose(
    p1,
    zip((p, d) => p.sub(d.mul(0.1)), start, g),
  );
  expectClose(
    p2,
    zip((p, d) => p.sub(d.mul(0.05 * 1.9)), p1, g),
  );
});

test.each<[string, () => unknown, RegExp]>([
  ['a rate that decays too slowly', () => o.rmsprop(0.1, { decay: 1 }), /decay.*in \[0, 1\), got 1/],
  ['a norm that is 0', () => o.clipByGlobalNorm(0), /positive number, got 0/],
  ['half a step', () => o.accumulate(o.sgd(1), 1.5), /got 1.5/],
  ['a negative decay', () => o.addDecayedWeights(-1), /got -1/],
  ['no parameters', () => o.adamW(0.1).update(start, o.adamW(0.1).init(start)), /needs the parameters too/],
  [
    'a schedule that ends before it begins',
    () => o.warmupCosineDecaySchedule(0, 1, 10, 5),
    /decaySteps.*more than the 10 of warm-up, got 5/,
  ],
  ['schedules without boundaries', () => o.joinSchedules([() => 1, () => 2], []), /a boundary between any two/],
  [
    'another optimizer’s state',
    () => o.adam(0.1).update(start, o.sgd(1).init(start) as never),
    /chain: expected a list of the states/,
  ],
])('refuses %s', (_name, wrong, message) => {
  expect(wrong).toThrow(message);
  expect(flat(o.sgd(1).update(start, o.sgd(1).init(start))[0])).toEqual([-0.5, -1, 2, -3]);
});
