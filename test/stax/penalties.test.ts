/** Penalties and constraints find the parameters that they are for: through wrappers, in both directions of time, and none that is frozen. */
import { describe, expect, test } from 'vitest';
import { grad, numpy as np, optimizers, random, stax } from 'cotangent';

const { Bidirectional, Dense, LSTM, constrain, freeze, regularize, serial } = stax;
const key = random.key(0);
// A kernel of ones: its squares add up to 12, its columns have norm √3.
const ones = Dense(4, { W: stax.ones });
const l2 = { kernel: stax.l2(1) };
const maxNorm = { kernel: stax.maxNorm(0.5) };
const shape = [-1, 3] as const;
/** The norms of all columns, to six digits. */
const norms = (w: np.Array): unknown => np.sqrt(np.square(w).sum(0)).round(6).js();

describe('freeze', () => {
  test('keeps a layer from the penalties and constraints around it, and not its neighbours', () => {
    const net = regularize(serial(freeze(ones), Dense(1, { W: stax.ones })), l2);
    const { params } = net[0](key, shape);
    expect(stax.regularization(net)(params).item()).toBe(4);
    const constrained = constrain(serial(freeze(ones), Dense(1, { W: stax.ones })), maxNorm);
    const projected = stax.constraints(constrained)(params);
    expect(projected[0].W.js()).toEqual(params[0].W.js());
    expect(norms(projected[1].W)).toEqual([0.5]);
  });
  test('around a penalty or a constraint takes it away', () => {
    const net = freeze(serial(regularize(ones, l2), constrain(ones, maxNorm)));
    const { params } = net[0](key, shape);
    expect(stax.regularization(net)(params).item()).toBe(0);
    expect(stax.constraints(net)(params)).toEqual(params);
  });
  test('is seen by summary through wrappers', () => {
    const frozen = 'Non-trainable params: 16';
    expect(stax.summary(regularize(freeze(ones), l2), shape)).toContain(frozen);
    expect(stax.summary(constrain(freeze(ones), maxNorm), shape)).toContain(frozen);
    expect(stax.summary(regularize(freeze(ones), { activity: stax.l2(1) }), shape)).toContain(frozen);
  });
});

describe('an activity regularizer', () => {
  test('keeps the constraints, penalties and layers inside', () => {
    const net = regularize(serial(constrain(ones, maxNorm), regularize(Dense(2, { W: stax.ones }), l2)), {
      activity: stax.l1(1),
    });
    const { params, state } = net[0](key, shape);
    expect(norms(stax.constraints(net)(params)[0].W)).toEqual([0.5, 0.5, 0.5, 0.5]);
    const [y, next] = net[1](params, np.ones([2, 3]), { state });
    // Kernel 4 × 2 of ones; the mean over examples of the output's sizes.
    expect(stax.regularization(net)(params, next).item()).toBeCloseTo(8 + Number(y.abs().sum()) / 2, 4);
    expect(stax.summary(net, shape).split('\n').length).toBeGreaterThan(
      stax.summary(regularize(ones, { activity: stax.l1(1) }), shape).split('\n').length,
    );
  });
  test('counts the output of a frozen layer, by which those before it are trained', () => {
    const net = regularize(freeze(ones), { kernel: stax.l2(1), activity: stax.l1(1) });
    const { params, state } = net[0](key, shape);
    const [, next] = net[1](params, np.ones([1, 3]), { state });
    expect(stax.regularization(net)(params, next).item()).toBe(12);
  });
});

describe('both directions of time', () => {
  const cell = LSTM(2, { Wi: stax.ones, Wh: stax.ones });
  const sequence = [-1, 5, 3] as const;
  test('have the penalty and the constraint of the layer', () => {
    const around = regularize(Bidirectional(LSTM(2)), l2);
    const inside = Bidirectional(regularize(LSTM(2), l2));
    const { params } = inside[0](key, sequence);
    const penalty = Number(stax.regularization(inside)(params));
    expect(penalty).toBeCloseTo(Number(stax.regularization(around)(params)), 4);
    const both = Bidirectional(constrain(cell, maxNorm));
    const [forwards, backwards] = stax.constraints(both)(both[0](key, sequence).params);
    for (const direction of [forwards, backwards]) expect(norms(direction.Wi)).toEqual(new Array<number>(8).fill(0.5));
  });
  test('of a frozen layer have none', () => {
    const net = regularize(Bidirectional(freeze(cell)), l2);
    expect(stax.regularization(net)(net[0](key, sequence).params).item()).toBe(0);
  });
});

describe('shapeDependent', () => {
  test('takes penalties and constraints around it, and says so where they are inside', () => {
    const square = stax.shapeDependent((s) => Dense(s.at(-1) ?? 1, { W: stax.ones }));
    const net = constrain(regularize(square, l2), maxNorm);
    const { params } = net[0](key, shape);
    expect(stax.regularization(net)(params).item()).toBe(9);
    expect(norms(stax.constraints(net)(params).W)).toEqual([0.5, 0.5, 0.5]);
    for (const inside of [regularize(ones, l2), constrain(ones, maxNorm), serial(regularize(ones, l2), ones)]) {
      expect(() => stax.shapeDependent(() => stax.erase(inside))[0](key, shape)).toThrow(
        /would not be found\. Put them around it: stax\.regularize\(stax\.shapeDependent/,
      );
    }
  });
});

test('weight decay: J + α/2 wᵀw has the gradient α w + ∇J, and w - ε (α w + ∇J) = (1 - ε α) w - ε ∇J', () => {
  const [alpha, epsilon] = [0.3, 0.1];
  const ridge = stax.l2(alpha / 2);
  const J = (w: np.Array): np.Array => np.sin(w).sum();
  const w = np.array([0.5, -2, 3], { dtype: 'float64' });
  const gradient = grad((v: np.Array) => J(v).add(ridge(v)))(w);
  expect(Number(ridge(w).item())).toBeCloseTo((alpha / 2) * (0.25 + 4 + 9), 14);
  const step = optimizers.applyUpdates(w, optimizers.sgd(epsilon).update(gradient, optimizers.sgd(epsilon).init(w))[0]);
  [0.5, -2, 3].forEach((v, i) => {
    expect(gradient.dataSync()[i]).toBeCloseTo(alpha * v + Math.cos(v), 14);
    expect(step.dataSync()[i]).toBeCloseTo((1 - epsilon * alpha) * v - epsilon * Math.cos(v), 14);
  });
});
