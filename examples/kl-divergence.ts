/**
 * The Kullback-Leibler divergence, cross-entropy and likelihood: what they are, and why minimising one is minimising the other.
 *
 * 1. The divergence as what messages are longer by, in the code of another distribution.
 * 2. Its laws, on random distributions.
 * 3. Likelihood, and the cross-entropy that is its negative logarithm.
 * 4. The gradients of cross-entropy and divergence, and of the fit of one normal distribution to two humps in either direction, drawn
 *    in `out/kl-divergence.svg`.
 *
 *     npm run example kl-divergence
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { grad, jit, lax, losses, nn, numpy as np, optimizers, random } from 'cotangent';
import type { NDArray } from 'cotangent';
import type { TopLevelSpec } from 'vega-lite';
import { toSvg } from './lib/plot.js';

const { crossEntropy, entropy, klDivergence, likelihood, logLikelihood } = losses;
const f64 = { dtype: 'float64' } as const;
const close = (a: number, b: number, tolerance: number): void => {
  assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}, to ${tolerance}`);
};

// 1. Symbols a, b, c, d. The code that is the shortest for P has -log₂ P(x) bits for x: that is H(P) bits per symbol.
const p = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8], f64);
const q = np.array([1 / 8, 1 / 2, 1 / 4, 1 / 8], f64);
const CODE_OF_P = ['0', '10', '110', '111'];
const CODE_OF_Q = ['110', '0', '10', '111'];
const symbols = [...random.categorical(random.key(0), np.log(p), { shape: [100_000] }).dataSync()].map(Number);
const bitsPerSymbol = (code: readonly string[]): number =>
  symbols.map((x) => code[x] ?? '').join('').length / symbols.length;
const inNatsAndBits = (name: string, f: (options: losses.InformationOptions) => NDArray, measured = ''): number => {
  const [nats, bits] = [Number(f({ unit: 'nats' })), Number(f({ unit: 'bits' }))];
  console.log(`  ${name.padEnd(10)}${nats.toFixed(4)} nats   ${bits.toFixed(4)} bits${measured}`);
  close(bits, nats / Math.LN2, 1e-15);
  return bits;
};
const [own, other] = [bitsPerSymbol(CODE_OF_P), bitsPerSymbol(CODE_OF_Q)];
console.log('P = (1/2, 1/4, 1/8, 1/8), Q = (1/8, 1/2, 1/4, 1/8); 100 000 symbols drawn from P:\n');
const hp = inNatsAndBits('H(P)', (o) => entropy(p, o), `; ${own.toFixed(4)} per symbol in the code of P`);
const hpq = inNatsAndBits('H(P, Q)', (o) => crossEntropy(p, q, o), `; ${other.toFixed(4)} in the code of Q`);
const kl = inNatsAndBits('KL(P‖Q)', (o) => klDivergence(p, q, o), `; ${(other - own).toFixed(4)} more`);
const reverse = inNatsAndBits('KL(Q‖P)', (o) => klDivergence(q, p, o), ': not symmetric');
for (const [i, bits] of [hp, hpq, kl, reverse].entries()) close(bits, [1.75, 2.375, 0.625, 0.5][i] ?? NaN, 1e-15);
// Standard deviations of the means are 0.003 bits.
close(own, hp, 0.01);
close(other - own, kl, 0.02);

// 2. Laws.
const [P, Q] = [1, 2].map((n) => nn.softmax(random.normal(random.key(n), [10_000, 6], f64).mul(2)));
assert.ok(P && Q);
const divergences = klDivergence(P, Q);
const identity = crossEntropy(P, Q).sub(entropy(P).add(divergences));
const smallest = Number(divergences.min());
const ofItself = Number(klDivergence(P, P).abs().max());
const error = Number(identity.abs().max());
const asymmetry = Number(divergences.sub(klDivergence(Q, P)).abs().mean());
console.log('\n10 000 pairs of random distributions of 6 outcomes:\n');
console.log(`  the smallest KL(P‖Q)                   ${smallest.toFixed(4)}`);
console.log(`  the largest |KL(P‖P)|                  ${ofItself}`);
console.log(`  the largest |H(P, Q) - H(P) - KL(P‖Q)| ${error.toExponential(1)}`);
console.log(`  the mean |KL(P‖Q) - KL(Q‖P)|           ${asymmetry.toFixed(4)}`);
assert.ok(smallest > 0 && asymmetry > 0.1);
assert.equal(ofItself, 0);
close(error, 0, 1e-13);

// 3. The likelihood of an observation of the first class: 0.96¹ · 0.29⁰ · 0.02⁰ · 0⁰.
const predicted = np.array([0.96, 0.29, 0.02, 0], f64);
const observed = np.array([1, 0, 0, 0], f64);
const L = Number(likelihood(np.power(predicted, observed)));
const logL = Number(logLikelihood(np.power(predicted, observed)));
const loss = Number(crossEntropy(observed, predicted));
console.log(`\nL = 0.96¹ × 0.29⁰ × 0.02⁰ × 0⁰ = ${L}`);
console.log(`-log L = ${(-logL).toFixed(6)} = H(y, ŷ) = ${loss.toFixed(6)}`);
assert.equal(L, 0.96);
close(loss, -logL, 1e-16);
// Many observations: the product of the probabilities is too small for a number, the sum of their logarithms is not.
const each = np.full([10_000], 0.9, f64);
console.log(`10 000 × 0.9: L = ${Number(likelihood(each))}, log L = ${Number(logLikelihood(each)).toFixed(3)}`);
assert.equal(Number(likelihood(each)), 0);
close(Number(logLikelihood(each)), 10_000 * Math.log(0.9), 1e-9);

// 4. H(P) does not depend on Q: the gradients are the same, and the minimum is where Q = P.
const start = random.normal(random.key(3), [4], f64);
const ofCrossEntropy = (theta: NDArray): NDArray => crossEntropy(p, nn.softmax(theta));
const ofDivergence = (theta: NDArray): NDArray => klDivergence(p, nn.softmax(theta));
const gradients = {
  '∇ H(P, softmax θ)': grad(ofCrossEntropy)(start),
  '∇ KL(P‖softmax θ)': grad(ofDivergence)(start),
  'softmax θ - P': nn.softmax(start).sub(p),
};
console.log();
for (const [name, gradient] of Object.entries(gradients)) {
  console.log(`  ${name.padEnd(19)}(${[...gradient.dataSync()].map((g) => g.toFixed(12)).join(', ')})`);
  close(Number(gradient.sub(gradients['softmax θ - P']).abs().max()), 0, 1e-15);
}

/** Parameters after `steps` steps of Adam: one compiled loop. */
function minimise(f: (theta: NDArray) => NDArray, from: NDArray, steps: number): NDArray {
  const adam = optimizers.adam(0.02);
  const step = ([theta, state]: readonly [NDArray, ReturnType<typeof adam.init<NDArray>>]) => {
    const [updates, next] = adam.update(grad(f)(theta), state, theta);
    return [[optimizers.applyUpdates(theta, updates), next], null] as const;
  };
  return jit((theta: NDArray) => lax.scan(step, [theta, adam.init(theta)] as const, null, { length: steps })[0][0])(
    from,
  );
}

const [byCrossEntropy, byDivergence] = [ofCrossEntropy, ofDivergence].map((f) => minimise(f, start, 2000));
assert.ok(byCrossEntropy && byDivergence);
console.log(
  `\nMinimised: H(P, Q) = ${Number(ofCrossEntropy(byCrossEntropy)).toFixed(6)}, H(P) = ${Number(entropy(p)).toFixed(6)}`,
);
console.log(`           KL(P‖Q) = ${Number(ofDivergence(byDivergence)).toFixed(6)}`);
for (const theta of [byCrossEntropy, byDivergence]) close(Number(nn.softmax(theta).sub(p).abs().max()), 0, 1e-6);

// One normal distribution to two humps. KL(P‖Q) is large where Q is small and P is not: Q covers both. KL(Q‖P) is large where P is
// small and Q is not: Q stays on one.
const WIDTH = 0.02;
const x = np.arange(-8, 8, WIDTH, f64);
const normal = (mean: NDArray | number, deviation: NDArray | number): NDArray =>
  np
    .exp(x.sub(mean).div(deviation).square().mul(-0.5))
    .div(deviation)
    .div(Math.sqrt(2 * Math.PI));
const density = (theta: NDArray): NDArray => normal(theta.slice(0), np.exp(theta.slice(1)));
/** The divergence of densities: the integral, as a sum. */
const divergence = (a: NDArray, b: NDArray): NDArray => klDivergence(a.mul(WIDTH), b.mul(WIDTH));

// KL(N(0, 1)‖N(1, 1.5²)) = log(1.5) + (1² + 1²) / (2 · 1.5²) - 1/2.
const [narrow, wide] = [normal(0, 1), normal(1, 1.5)];
close(Number(divergence(narrow, wide)), Math.log(1.5) + 2 / 4.5 - 0.5, 1e-9);

const humps = normal(-2.5, 0.7).mul(0.45).add(normal(2, 0.9).mul(0.55));
const from = np.array([1, 0], f64);
const covering = minimise((theta) => divergence(humps, density(theta)), from, 1500);
const seeking = minimise((theta) => divergence(density(theta), humps), from, 1500);
const shown = (theta: NDArray): string => {
  const [mean = NaN, log = NaN] = [...theta.dataSync()].map(Number);
  return `N(${mean.toFixed(2)}, ${Math.exp(log).toFixed(2)}²)`;
};
console.log(`\nOne normal distribution to two humps: KL(P‖Q) ${shown(covering)}, KL(Q‖P) ${shown(seeking)}`);
// The first has the mean and the deviation of P.
const mean = Number(humps.mul(x).sum().mul(WIDTH));
const deviation = Math.sqrt(Number(humps.mul(x.sub(mean).square()).sum().mul(WIDTH)));
close(Number(covering.slice(0)), mean, 1e-3);
close(Number(np.exp(covering.slice(1))), deviation, 1e-3);
close(Number(seeking.slice(0)), 2, 0.1);

type Panel = Extract<TopLevelSpec, { hconcat: unknown }>['hconcat'][number];
/** Curves as lines, one filled where asked. */
const panel = (title: string, curves: Record<string, NDArray>, filled?: string): Panel => ({
  title,
  width: 300,
  height: 200,
  data: {
    values: Object.entries(curves).flatMap(([of, y]) => {
      const [xs, ys] = [x.dataSync(), y.dataSync()];
      return Array.from({ length: Math.ceil(xs.length / 8) }, (_, i) => ({
        of,
        x: xs[8 * i],
        y: Number(ys[8 * i]?.toFixed(4)),
      }));
    }),
  },
  encoding: {
    x: { field: 'x', type: 'quantitative', title: null, scale: { domain: [-6, 6] }, axis: { grid: false } },
    y: { field: 'y', type: 'quantitative', title: null, stack: null, axis: { grid: false } },
    fillOpacity: { condition: { test: `datum.of === '${filled ?? ''}'`, value: 0.3 }, value: 0 },
    color: { field: 'of', type: 'nominal', title: null, sort: null, legend: { orient: 'bottom' } },
  },
  mark: { type: 'area', line: true, clip: true },
});
const integrand = narrow.mul(np.log(narrow.div(wide)));
await mkdir('out', { recursive: true });
await writeFile(
  'out/kl-divergence.svg',
  await toSvg({
    hconcat: [
      panel('KL(P‖Q) is the area under p log(p/q)', { p: narrow, q: wide, 'p log(p/q)': integrand }, 'p log(p/q)'),
      panel('Q of the least KL(P‖Q) covers P', { p: humps, q: density(covering) }),
      panel('Q of the least KL(Q‖P) stays on a hump', { p: humps, q: density(seeking) }),
    ],
    resolve: { scale: { color: 'independent' } },
  }),
);
console.log('\nWritten to out/kl-divergence.svg.');
